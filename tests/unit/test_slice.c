#include "cmocka_shim.h"

#include "../../src/connect/slice.h"

static struct err err;

static int64_t at(const char *text)
{
	int64_t out = 0;

	assert_true(instant_parse(text, &out));
	return out;
}

static void a_day_is_the_zones(void **state)
{
	static const struct {
		const char *zone, *at, *begin, *end;
		int days;
	} cases[] = {
		{ "UTC", "2026-03-08T12:00:00Z", "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z", 1 },
		/* 23 hours, 25 hours */
		{ "America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 1 },
		{ "America/New_York", "2026-11-01T23:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", 1 },
		{ "Asia/Kolkata", "2026-03-08T18:29:59Z", "2026-03-07T18:30:00Z", "2026-03-08T18:30:00Z", 1 },
		{ "Asia/Kolkata", "2026-03-08T18:30:00Z", "2026-03-08T18:30:00Z", "2026-03-09T18:30:00Z", 1 },
		/* no midnight, no 30th of December */
		{ "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", 1 },
		{ "Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", 1 },
		{ "UTC", "2026-03-08T12:00:00Z", "2026-03-05T00:00:00Z", "2026-03-12T00:00:00Z", 7 },
	};
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct slice_settings s = { .step_s = cases[i].days * 86400 };
		const struct zone *zone;
		int64_t begin;

		ASSERT_OK(zone_open(a, cases[i].zone, &zone, &err));
		begin = slice_begin(&s, zone, at(cases[i].at));
		assert_string_equal(instant_text(a, begin), cases[i].begin);
		assert_string_equal(instant_text(a, slice_end(&s, zone, begin)), cases[i].end);
	}
}

static void slices_cover_every_instant_once(void **state)
{
	static const int64_t steps[] = { 86400, 7 * 86400, 3600, 6 * 3600 };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct zone *zone;

	(void)state;
	ASSERT_OK(zone_open(a, "America/Sao_Paulo", &zone, &err));
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct slice_settings s = { .step_s = steps[i] };
		int64_t begin = slice_begin(&s, zone, at("2017-01-01T00:00:00Z")), last = at("2019-12-31T00:00:00Z");

		while (begin < last) {
			int64_t end = slice_end(&s, zone, begin);

			assert_true(end > begin);
			assert_true(slice_begin(&s, zone, begin) == begin && slice_begin(&s, zone, end - 1) == begin);
			begin = end;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_is_the_zones),
		cmocka_unit_test(slices_cover_every_instant_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

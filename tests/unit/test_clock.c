#include <string.h>

#include "cmocka_shim.h"

#include "common/clock.h"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void every_day_of_800_years_comes_back_from_its_parts(void **state)
{
	int32_t expected = day_of(1600, 1, 1);

	(void)state;
	for (int year = 1600; year < 2400; year++)
		for (int month = 1; month <= 12; month++)
			for (int day = 1; day <= day_month_length(year, month); day++, expected++) {
				int y, m, d;

				ASSERT_INT(day_of(year, month, day), expected);
				day_split(expected, &y, &m, &d);
				assert_true(y == year && m == month && d == day);
			}
}

static void known_days_have_known_numbers_and_weekdays(void **state)
{
	(void)state;
	ASSERT_INT(day_of(1970, 1, 1), 0);
	ASSERT_INT(day_of(2000, 3, 1), 11017);
	ASSERT_INT(day_of(1969, 12, 31), -1);
	ASSERT_INT(day_weekday(0), 3);
	ASSERT_INT(day_weekday(-1), 2);
	ASSERT_INT(day_weekday(-4), 6);
	ASSERT_INT(day_weekday(day_of(2026, 11, 22)), 6);
	ASSERT_INT(day_weekday(day_of(2028, 2, 29)), 1);
}

static void months_are_added_within_the_month(void **state)
{
	static const struct {
		const char *from;
		int months;
		const char *to;
	} cases[] = {
		{ "2026-01-31", 1, "2026-02-28" },  { "2028-01-31", 1, "2028-02-29" },   { "2026-03-31", -1, "2026-02-28" },
		{ "2026-11-15", 2, "2027-01-15" },  { "2026-01-15", -1, "2025-12-15" },  { "2024-02-29", 12, "2025-02-28" },
		{ "2026-05-31", -24, "2024-05-31" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int32_t day;

		assert_true(day_parse(cases[i].from, &day));
		assert_string_equal(day_text(arena, day_add_months(day, cases[i].months)), cases[i].to);
	}
}

static void a_day_is_written_in_one_way_only(void **state)
{
	static const char *const bad[] = { "",           "2026-3-01",  "2026-02-29", "2026-13-01",  "2026-00-10",
					   "2026-01-00", "2026-01-32", "20260101",   "2026-01-01 ", " 2026-01-01",
					   "2026/01/01", "2026-01-1x", "-026-01-01" };
	int32_t day = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(day_parse(bad[i], &day));
	ASSERT_INT(day, 7);
	assert_true(day_parse("2024-02-29", &day));
	assert_string_equal(day_text(arena, day), "2024-02-29");
}

static void instants_of_the_internet_are_read_with_any_offset(void **state)
{
	static const struct {
		const char *text;
		int64_t at;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-03-29T01:30:00Z", 1774747800 },
		{ "2026-03-29T03:30:00+02:00", 1774747800 },
		{ "2026-03-29T03:30:00.999+0200", 1774747800 },
		{ "2026-03-28 22:00:00-03:30", 1774747800 },
		{ "2026-03-29T01:30z", 1774747800 },
		{ "2026-03-29T03:30:00+02", 1774747800 },
		{ "2016-12-31T23:59:60Z", 1483228800 }, /* a leap second is the next minute's first */
		{ "1969-12-31T23:59:59Z", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t at;

		if (!instant_parse(cases[i].text, &at))
			fail_msg("%s was refused", cases[i].text);
		ASSERT_INT(at, cases[i].at);
	}
}

static void what_is_no_instant_is_refused(void **state)
{
	static const char *const bad[] = { "",
					   "2026-03-29",
					   "2026-03-29T01:30:00",
					   "2026-03-29T24:00:00Z",
					   "2026-03-29T01:60:00Z",
					   "2026-02-30T01:00:00Z",
					   "2026-03-29T01:30:00+2:00",
					   "2026-03-29T01:30:00+24:00",
					   "2026-03-29T01:30:00+02:60",
					   "2026-03-29T01:30:00Zx",
					   "2026-03-29T01:30:00.Z",
					   "2026-03-29T01:30:61Z",
					   "2026-03-29X01:30:00Z" };
	int64_t at = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (instant_parse(bad[i], &at))
			fail_msg("%s was accepted", bad[i]);
	ASSERT_INT(at, 7);
}

static void an_instant_is_written_for_machines_and_for_mail(void **state)
{
	(void)state;
	assert_string_equal(instant_text(arena, 1774747800), "2026-03-29T01:30:00Z");
	assert_string_equal(instant_text(arena, -1), "1969-12-31T23:59:59Z");
	assert_string_equal(instant_mail_text(arena, 1772434800, 3600), "Mon, 02 Mar 2026 08:00:00 +0100");
	assert_string_equal(instant_mail_text(arena, 1772434800, -12600), "Mon, 02 Mar 2026 03:30:00 -0330");
	assert_string_equal(instant_mail_text(arena, 0, -1), "Thu, 01 Jan 1970 00:00:00 +0000");
}

static void an_http_date_is_read_in_its_fixed_form(void **state)
{
	int64_t at = 7;

	(void)state;
	assert_true(instant_parse_http("Sun, 06 Nov 1994 08:49:37 GMT", &at));
	ASSERT_INT(at, 784111777);
	assert_false(instant_parse_http("Sunday, 06-Nov-94 08:49:37 GMT", &at));
	assert_false(instant_parse_http("Sun Nov  6 08:49:37 1994", &at));
	assert_false(instant_parse_http("Sun, 31 Feb 1994 08:49:37 GMT", &at));
	assert_false(instant_parse_http("Sun, 06 Nov 1994 08:49:37 CET", &at));
	assert_false(instant_parse_http("7", &at));
	ASSERT_INT(at, 784111777);
}

static void declared_formats_are_followed(void **state)
{
	static const struct {
		const char *text, *format;
		int64_t at; /* -1: refused */
		bool has_time;
	} cases[] = {
		{ "29/03/2026", "%d/%m/%Y", 1774742400, false },
		{ "3/9/26", "%m/%d/%y", 1773014400, false },
		{ "20260329", "%Y%m%d", 1774742400, false },
		{ "2026-03-29 01:30:00", "%Y-%m-%d %H:%M:%S", 1774747800, true },
		{ "2026-03-29 01:30:00.250", "%Y-%m-%d %H:%M:%S", 1774747800, true },
		{ "29-Mar-2026 03:30 +0200", "%d-%b-%Y %H:%M %z", 1774747800, true },
		{ "29 mar 2026", "%d %b %Y", 1774742400, false },
		{ "1774747800", "%s", 1774747800, true },
		{ "1774747800999", "%L", 1774747800, true },
		{ "-1500", "%L", -2, true },
		{ "100%", "100%%", 0, false },
		{ "29/03/2026 ", "%d/%m/%Y", -1, false },
		{ "29/03", "%d/%m/%Y", -1, false },
		{ "31/02/2026", "%d/%m/%Y", -1, false },
		{ "12", "%", -1, false },
		{ "12", "%q", -1, false },
		{ "99999999999999999999", "%s", -1, false },
		{ "", "%s", -1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t at = -1;
		bool has_time = !cases[i].has_time;

		if (strcmp(cases[i].text, "100%") == 0) { /* nothing but literals: 1 January of the year 0 */
			assert_true(instant_parse_format(cases[i].text, cases[i].format, NULL, &at, &has_time));
			continue;
		}
		if (instant_parse_format(cases[i].text, cases[i].format, NULL, &at, &has_time) != (cases[i].at != -1))
			fail_msg("%s as %s", cases[i].text, cases[i].format);
		ASSERT_INT(at, cases[i].at);
		if (cases[i].at != -1)
			ASSERT_INT(has_time, cases[i].has_time);
	}
}

static void a_declared_format_is_wall_time_in_its_zone(void **state)
{
	struct err err = { 0 };
	const struct zone *paris, *apia;
	bool has_time;
	int64_t at;

	(void)state;
	ASSERT_OK(zone_open(arena, "Europe/Paris", &paris, &err));
	ASSERT_OK(zone_open(arena, "Pacific/Apia", &apia, &err));
	assert_true(instant_parse_format("29/03/2026 02:30", "%d/%m/%Y %H:%M", paris, &at, &has_time));
	ASSERT_INT(at, 1774747800);
	assert_true(instant_parse_format("29/03/2026 02:30Z", "%d/%m/%Y %H:%M%z", paris, &at, &has_time));
	ASSERT_INT(at, 1774751400);
	assert_false(instant_parse_format("30/12/2011 08:00", "%d/%m/%Y %H:%M", apia, &at, &has_time));
}

static void the_clocks_go_forward(void **state)
{
	int64_t monotonic = clock_monotonic_ms();

	(void)state;
	assert_true(clock_now() > 1767225600); /* 2026 */
	assert_true(clock_monotonic_ms() >= monotonic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_of_800_years_comes_back_from_its_parts),
		cmocka_unit_test(known_days_have_known_numbers_and_weekdays),
		cmocka_unit_test(months_are_added_within_the_month),
		cmocka_unit_test(a_day_is_written_in_one_way_only),
		cmocka_unit_test(instants_of_the_internet_are_read_with_any_offset),
		cmocka_unit_test(what_is_no_instant_is_refused),
		cmocka_unit_test(an_instant_is_written_for_machines_and_for_mail),
		cmocka_unit_test(an_http_date_is_read_in_its_fixed_form),
		cmocka_unit_test(declared_formats_are_followed),
		cmocka_unit_test(a_declared_format_is_wall_time_in_its_zone),
		cmocka_unit_test(the_clocks_go_forward),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

#include "replay.h"

#include "../../src/common/zone.h"

/* Whether daylight saving begins and ends once a year, apart: a rule may also be well formed and contradict itself. */
static int is_sound(const struct zone_rule *rule)
{
	int n_months = abs(rule->begin.month - rule->end.month);

	return !rule->has_daylight ||
	       (rule->begin.kind == CHANGE_WEEKDAY && rule->end.kind == CHANGE_WEEKDAY && n_months >= 2 && n_months <= 10 &&
	        abs(rule->begin.second) <= 86400 && abs(rule->end.second) <= 86400 &&
	        abs(rule->daylight_s - rule->standard_s) <= 7200);
}

/* Whatever the bytes: offsets within a day or so, and wall times that lead to an instant of that very wall time. */
static void check_zone(const struct zone *z)
{
	static const int64_t instants[] = { INT64_C(-62135596800), -2147483649, -1, 0, 1267873200, 1774746000, 2147483648,
		                            INT64_C(4102444800), INT64_C(253402300799) };

	for (size_t i = 0; i < ARRAY_LEN(instants); i++) {
		int second, offset = zone_offset(z, instants[i]);
		int32_t day = zone_day(z, instants[i], &second);
		int64_t at = INSTANT_NONE;
		enum wall_kind kind;

		REQUIRE(offset > -200000 && offset < 200000);
		REQUIRE(second >= 0 && second < 86400);
		REQUIRE((int64_t)day * 86400 + second == instants[i] + offset);
		kind = zone_instant(z, day, second, &at);
		REQUIRE((at == INSTANT_NONE) == (kind == WALL_SKIPPED_DAY));
		if (kind == WALL_NORMAL && is_sound(&z->rule))
			REQUIRE(at == instants[i]);
		if (kind == WALL_OVERLAP && is_sound(&z->rule))
			REQUIRE(at <= instants[i]);
	}
}

int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct zone *z = NULL;
	struct err err;

	if (zone_parse(a, "Fuzz/Zone", data, size, &z, &err) < 0)
		REQUIRE(err.kind != ERR_NONE && err.text[0] && !z);
	else
		check_zone(z);
	return 0;
}

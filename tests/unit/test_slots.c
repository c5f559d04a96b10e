#include "cmocka_shim.h"

#include "schedule/slots.h"

enum { MON_FRI = 0x1f, SUN_THU = 0x4f, EVERY_DAY = 0x7f };

static struct arena *arena;
static struct err err;

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

static const struct zone *zone(const char *name)
{
	const struct zone *z;

	ASSERT_OK(zone_open(arena, name, &z, &err));
	return z;
}

static void weekdays_have_names(void **state)
{
	(void)state;
	ASSERT_INT(slot_weekday("mon"), 1);
	ASSERT_INT(slot_weekday("SUN"), 64);
	ASSERT_INT(slot_weekday("monday"), 0);
	ASSERT_INT(slot_weekday(""), 0);
}

/* The slots of n days from a day on, in order; returns how many. */
static int list_slots(const struct slot_rules *r, int32_t from, int32_t n_days, struct slot *out)
{
	int n = 0;

	for (int32_t day = from; day < from + n_days; day++)
		n += slot_of_day(r, day, &out[n]);
	return n;
}

static void weekends_and_holidays_have_no_slot(void **state)
{
	const int32_t fixed[] = { day_of(2026, 1, 1), day_of(2026, 12, 25) }, moving[] = { day_of(2026, 4, 6) };
	const struct day_set holidays[] = { { fixed, 2 }, { moving, 1 }, { NULL, 0 } };
	const struct slot_rules r = { zone("Europe/Paris"), 480, MON_FRI, holidays, 3 };
	struct slot slots[365];

	(void)state;
	ASSERT_INT(slot_of_day(&r, day_of(2026, 12, 25), slots), 0); /* a Friday */
	ASSERT_INT(slot_of_day(&r, day_of(2026, 4, 6), slots), 0);
	ASSERT_INT(slot_of_day(&r, day_of(2026, 12, 24), slots), 1);
	ASSERT_INT(slot_of_day(&r, day_of(2026, 12, 26), slots), 0);
	ASSERT_INT(list_slots(&r, day_of(2026, 1, 1), 365, slots), 261 - 3);
}

static void the_year_turns_and_leap_days_work(void **state)
{
	const struct slot_rules r = { zone("Europe/Paris"), 480, MON_FRI, NULL, 0 };
	struct slot slots[7], slot;

	(void)state;
	ASSERT_INT(slot_of_day(&r, day_of(2028, 2, 29), &slot), 1); /* a Tuesday */
	ASSERT_INT(list_slots(&r, day_of(2026, 12, 31), 2, slots), 2);
	assert_string_equal(instant_text(arena, slots[0].due_at), "2026-12-31T07:00:00Z");
	assert_string_equal(instant_text(arena, slots[1].due_at), "2027-01-01T07:00:00Z");
}

static void other_weeks_than_monday_to_friday_work(void **state)
{
	const struct slot_rules r = { zone("Asia/Riyadh"), 480, SUN_THU, NULL, 0 };
	struct slot slots[7];

	(void)state;
	ASSERT_INT(list_slots(&r, day_of(2026, 11, 22), 7, slots), 5); /* from a Sunday */
	ASSERT_INT(day_weekday(slots[0].local_on), 6);
	ASSERT_INT(day_weekday(slots[4].local_on), 3);
}

static void the_next_slot_is_after_the_instant(void **state)
{
	const struct slot_rules r = { zone("Europe/Paris"), 480, MON_FRI, NULL, 0 },
				never = { zone("Europe/Paris"), 480, 0, NULL, 0 };
	struct slot slot;
	int64_t friday;

	(void)state;
	assert_true(instant_parse("2026-11-20T07:00:00Z", &friday));
	ASSERT_INT(slot_next(&r, friday - 1, &slot), 1);
	ASSERT_INT(slot.due_at, friday);
	ASSERT_INT(slot_next(&r, friday, &slot), 1);
	assert_string_equal(instant_text(arena, slot.due_at), "2026-11-23T07:00:00Z");
	ASSERT_INT(slot_next(&never, friday, &slot), 0);
}

static void a_skipped_civil_day_has_no_slot_and_a_gap_keeps_its_nominal_day(void **state)
{
	const struct slot_rules apia = { zone("Pacific/Apia"), 480, EVERY_DAY, NULL, 0 };
	const struct slot_rules late = { zone("America/Nuuk"), 23 * 60 + 30, EVERY_DAY, NULL, 0 };
	struct slot slots[3], slot;
	int second;

	(void)state;
	ASSERT_INT(list_slots(&apia, day_of(2011, 12, 29), 3, slots), 2);
	ASSERT_INT(slots[1].local_on, day_of(2011, 12, 31));
	ASSERT_INT(slot_of_day(&late, day_of(2024, 3, 30), &slot), 1); /* 22:00 is followed by 23:00 */
	ASSERT_INT(slot.local_on, day_of(2024, 3, 30));
	ASSERT_INT(slot.kind, WALL_GAP);
	ASSERT_INT(zone_day(late.zone, slot.due_at, &second), day_of(2024, 3, 31));
	ASSERT_INT(slot_next(&late, slot.due_at - 1, &slots[0]), 1);
	ASSERT_INT(slots[0].local_on, day_of(2024, 3, 30));
}

/* Fifty zones of every kind of change. */
static const char *const zones[] = {
	"UTC", "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi",
	"America/Anchorage", "America/Argentina/Buenos_Aires", "America/Bogota", "America/Chicago", "America/Denver", "America/Halifax",
	"America/Havana", "America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Nuuk", "America/Phoenix",
	"America/Santiago", "America/Sao_Paulo", "America/Scoresbysund", "America/St_Johns", "America/Toronto", "Antarctica/Troll",
	"Asia/Beirut", "Asia/Dubai", "Asia/Gaza", "Asia/Hong_Kong", "Asia/Jerusalem", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Seoul",
	"Asia/Shanghai", "Asia/Singapore", "Asia/Tehran", "Asia/Tokyo", "Atlantic/Azores", "Australia/Adelaide", "Australia/Lord_Howe",
	"Australia/Sydney", "Europe/Berlin", "Europe/Dublin", "Europe/Lisbon", "Europe/London", "Europe/Paris", "Pacific/Auckland",
	"Pacific/Chatham", "Pacific/Honolulu", "Pacific/Kiritimati",
};

/* The wall shows the slot's time, or the zone's change is to blame: then it is off by no more than the change. */
static void check_wall(const struct slot_rules *r, const struct slot *s)
{
	int second;
	int32_t day = zone_day(r->zone, s->due_at, &second);
	int64_t off = ((int64_t)day - s->local_on) * 86400 + second - r->at_minutes * 60;

	if (s->kind == WALL_GAP ? off <= 0 || off > 2 * 3600 : off != 0)
		fail_msg("%s %s: off by %lld s", zone_name(r->zone), day_text(arena, s->local_on), (long long)off);
}

static void a_year_in_fifty_zones_has_one_slot_per_working_day(void **state)
{
	static const int times[] = { 30, 150, 480 };
	const int32_t first = day_of(2026, 1, 1), last = day_of(2026, 12, 31);

	(void)state;
	ASSERT_INT(ARRAY_LEN(zones), 50);
	for (size_t i = 0; i < ARRAY_LEN(zones); i++)
		for (size_t t = 0; t < ARRAY_LEN(times); t++) {
			const struct slot_rules r = { zone(zones[i]), times[t], MON_FRI, NULL, 0 };
			struct slot slot;
			int32_t expected = first;

			assert_int_equal(slot_of_day(&r, first, &slot), 1);
			for (int64_t at = slot.due_at - 1; slot_next(&r, at, &slot) && slot.local_on <= last; at = slot.due_at) {
				while (day_weekday(expected) > 4)
					expected++;
				ASSERT_INT(slot.local_on, expected);
				check_wall(&r, &slot);
				expected++;
			}
			ASSERT_INT(expected, last + 1); /* a Thursday */
		}
}

static void a_million_slots_take_about_a_second(void **state)
{
	const struct slot_rules r = { zone("Europe/Paris"), 480, EVERY_DAY, NULL, 0 };
	int64_t start = clock_monotonic_ms(), sum = 0;
	struct slot slot;

	(void)state;
	for (int i = 0; i < 1000000; i++)
		if (slot_of_day(&r, day_of(2024, 1, 1) + i % 4000, &slot))
			sum += slot.due_at;
	assert_true(sum > 0);
	print_message("%lld ms\n", (long long)(clock_monotonic_ms() - start));
	assert_true(clock_monotonic_ms() - start < 10000); /* also under the sanitizers, on a loaded machine */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weekdays_have_names),
		cmocka_unit_test(weekends_and_holidays_have_no_slot),
		cmocka_unit_test(the_year_turns_and_leap_days_work),
		cmocka_unit_test(other_weeks_than_monday_to_friday_work),
		cmocka_unit_test(the_next_slot_is_after_the_instant),
		cmocka_unit_test(a_skipped_civil_day_has_no_slot_and_a_gap_keeps_its_nominal_day),
		cmocka_unit_test(a_year_in_fifty_zones_has_one_slot_per_working_day),
		cmocka_unit_test(a_million_slots_take_about_a_second),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

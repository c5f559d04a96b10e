/* Slots: the instants of wall times by our own reader of time zones, against mktime of the C library, which knows one
 * zone a process and depends on the call before. At least a million a second is wanted. */
#include "bench.h"

#include <stdlib.h>

#include "schedule/slots.h"

enum { SLOTS = 500000, ROUNDS = 5, FIRST_YEAR = 2026, DAYS = 1826 };

static const int times[] = { 30, 150, 480 };

struct slots_bench {
	const struct zone *zone;
	int64_t sum; /* so that no work can be left out */
};

static void days_of_ours(void *context)
{
	struct slots_bench *b = context;
	struct slot_rules rules = { b->zone, 0, 0x7f, NULL, 0 };
	int32_t first = day_of(FIRST_YEAR, 1, 1);
	struct slot slot;

	for (int i = 0; i < SLOTS; i++) {
		rules.at_minutes = times[i % 3];
		if (slot_of_day(&rules, first + i % DAYS, &slot))
			b->sum += slot.due_at;
	}
}

static void next_of_ours(void *context)
{
	struct slots_bench *b = context;
	struct slot_rules rules = { b->zone, 480, 0x1f, NULL, 0 };
	int64_t start = (int64_t)day_of(FIRST_YEAR, 1, 1) * 86400;
	struct slot slot = { .due_at = start };

	for (int i = 0; i < SLOTS; i++) {
		if (i % DAYS == 0)
			slot.due_at = start;
		if (slot_next(&rules, slot.due_at, &slot))
			b->sum += slot.due_at;
	}
}

static void days_of_mktime(void *context)
{
	struct slots_bench *b = context;

	for (int i = 0; i < SLOTS; i++) {
		struct tm wall = { .tm_year = FIRST_YEAR - 1900, .tm_mday = 1 + i % DAYS, .tm_hour = times[i % 3] / 60,
			               .tm_min = times[i % 3] % 60, .tm_isdst = -1 };

		b->sum += mktime(&wall);
	}
}

int main(void)
{
	static const char *const zones[] = { "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Africa/Casablanca" };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		struct slots_bench b = { 0 };
		double days_s, next_s, theirs_s;

		REQUIRE_OK(zone_open(a, zones[i], &b.zone, &err));
		if (setenv("TZ", zones[i], 1) < 0)
			die("no environment");
		tzset();
		days_s = best_of(ROUNDS, days_of_ours, &b);
		next_s = best_of(ROUNDS, next_of_ours, &b);
		theirs_s = best_of(ROUNDS, days_of_mktime, &b);
		(void)printf("{\"bench\":\"slots\",\"zone\":\"%s\",\"slots_per_s\":%.0f,\"next_per_s\":%.0f}\n", zones[i],
		             SLOTS / days_s, SLOTS / next_s);
		print_ratio(arena_printf(a, "slot %s", zones[i]), "s", days_s / SLOTS, "mktime", theirs_s / SLOTS);
	}
	return 0;
}

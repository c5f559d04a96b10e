/* When an owner's digests are due: for each working day of the owner exactly one slot, at a wall time. Pure: rules in,
 * slots out. The key of a slot is its nominal local day, also where the instant falls on another civil day. */
#ifndef SCHEDULE_SLOTS_H
#define SCHEDULE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/clock.h"

struct day_set {
	const int32_t *days; /* ascending */
	size_t n;
};

struct slot_rules {
	const struct zone *zone;
	int at_minutes;                 /* after midnight, on the wall */
	unsigned working_days;          /* bit 0 Monday .. bit 6 Sunday */
	const struct day_set *holidays; /* on which there is no slot */
	size_t n_holidays;
};

struct slot {
	int32_t local_on;
	int64_t due_at;
	enum wall_kind kind; /* never WALL_SKIPPED_DAY */
};

/* The bit of "mon" .. "sun" (any case), or 0 when it is none of them. */
unsigned slot_weekday(const char *name);
/* Returns 1, or 0 when the day has no slot: not a working day, or the zone skipped it. */
int slot_of_day(const struct slot_rules *r, int32_t day, struct slot *out);
/* The first slot that is due after an instant. Returns 1, or 0 when there is none within 800 days. */
int slot_next(const struct slot_rules *r, int64_t after, struct slot *out);

#endif

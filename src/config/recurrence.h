/* Yearly recurrence rules of iCalendar (RFC 5545 3.3.10), as far as public holidays use them. */
#ifndef CONFIG_RECURRENCE_H
#define CONFIG_RECURRENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"

enum { RECURRENCE_PARTS_MAX = 32 };

/* FREQ=YEARLY with INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY and BYDAY. */
struct recurrence {
	bool is_there;
	int64_t interval; /* years */
	int64_t count;    /* 0: no end by it */
	int32_t until_on; /* the last day; DAY_NONE: no end by it */
	unsigned months;  /* bit 1 January .. bit 12 December; 0: any */
	int64_t month_days[RECURRENCE_PARTS_MAX]; /* -31..31, from the end of the month below 0 */
	size_t n_month_days;
	int64_t ordinals[RECURRENCE_PARTS_MAX]; /* of the weekday within the month, or the year; 0: each one */
	unsigned weekdays[RECURRENCE_PARTS_MAX]; /* 0 Monday .. 6 Sunday */
	size_t n_weekdays;
};

/* Reads the value of an RRULE. Returns NULL, or what is wrong with it in the words of a mistake. */
const char *recurrence_read(struct arena *a, const char *text, struct recurrence *out);
/* Writes the days of a rule that starts on a day, that day first, before a limit, to out (room for room days),
 * ascending. Days before from are counted and not written. Returns how many were written. */
size_t recurrence_days(const struct recurrence *r, int32_t start, int32_t from, int32_t before, int32_t *out,
                       size_t room);

#endif

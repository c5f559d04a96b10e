/* Days of iCalendar files (RFC 5545): what their events cover, from 1970 to the end of 2099. */
#ifndef CONFIG_CALENDAR_H
#define CONFIG_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/yaml.h"

/* A DATE, or a DATE-TIME on some wall. */
struct moment {
	int32_t day;
	int second; /* after midnight; 0 of a DATE */
	bool is_timed, is_utc;
};

/* "20260101", "20260101T093000", "20260101T093000Z" */
bool moment_read(const char *text, struct moment *out);

/* from <= day < to, of the event on a line of the file. */
struct day_range {
	int32_t from, to;
	int line;
};

/* Whole-day events, those from midnight to midnight (of a wall that nobody asks for: a holiday is one wherever it is
 * kept), and their repetitions. What a file says that isn't understood is a mistake, never a day less. Returns how many
 * ranges; they live in the arena. */
size_t calendar_read(struct arena *a, const char *file, const char *text, size_t len, const struct day_range **out,
                     struct mistakes *m);

#endif

/* Slices of time: a range that is asked for a day, or some hours, at a time. */
#ifndef SLICE_H
#define SLICE_H

#include <stdint.h>

#include "common/clock.h"
#include "template.h"

/* `step: 1d, history: 365d, hold: 2h, zone: "{{config.zone}}"` of a stream. Its requests then say the slice with
 * {{window.start}} and {{window.end}}, its last second. */
struct slice_settings {
	int64_t step_s;          /* whole days, in the zone, or hours that divide a day; 0: one slice, of everything */
	int64_t history_s;       /* how far back the first pull goes */
	int64_t hold_s;          /* what is younger isn't there yet, and not asked for */
	const char *zone_name;
	const struct zone *zone; /* made by slice_check; NULL: the organisation's */
};

void slice_check(struct slice_settings *s, const struct scope *scope, struct arena *a, const struct yaml *where,
                 struct mistakes *m);
/* Where the slice begins that an instant lies in, and where that ends: the first instant behind it. */
int64_t slice_begin(const struct slice_settings *s, const struct zone *zone, int64_t at);
int64_t slice_end(const struct slice_settings *s, const struct zone *zone, int64_t begin);

#endif

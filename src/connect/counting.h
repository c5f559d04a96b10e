/* Rows that are counted instead of kept: events that become usage, a cell per account, metric and day. */
#ifndef COUNTING_H
#define COUNTING_H

#include "rows.h"

struct counting {
	const struct rows_to *to;
	const struct zone *zone;   /* of days */
	int32_t day, last_day;     /* of the slice; day: what `from: window.day` stands for. DAY_NONE: any */
	const char *day_text;
};

/* Whether an entity's rows are counted. */
bool counting_is_for(const struct map *map);
/* Notes what can't be counted. */
void counting_check(const struct stream_settings *s, const struct yaml *where, struct mistakes *m);
/* Counts one row, in a transaction of the caller. Returns 0, or -1: ERR_INPUT when the row can't be used. */
int counting_row(const struct counting *c, const struct json *row, struct arena *a, struct err *err) MUST_USE;
/* What it would be counted as (dry run). */
int counting_show(const struct counting *c, const struct json *row, struct arena *a, struct err *err) MUST_USE;

#endif

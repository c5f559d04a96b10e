/* What a signal's value is called and counted in, for sentences about how far it would have to move. */
#ifndef UNITS_H
#define UNITS_H

#include "common/arena.h"

enum unit_kind {
	UNIT_PLAIN, UNIT_COUNT, UNIT_DAYS, UNIT_PERCENT,
	UNIT_HALVED_PERCENT, UNIT_HALVED_FOUR, /* the value counts halvings: 1 is 50 %, or two of four */
	UNIT_NONE                              /* made of other readings: nothing that moves by itself */
};

struct unit {
	const char *signal, *what; /* "active days in a month" */
	enum unit_kind kind;
	const char *of;            /* behind the number: " of its usual"; may be "" */
};

/* A signal without an entry is called by its name and counted plainly. */
struct unit unit_of(const char *signal, struct arena *a);
/* A value that people would say, on the far side of value as seen from `from`: 3 days instead of 2.4. */
double unit_round(const struct unit *u, double value, double from);
/* "12 days", "40 %", "3": without what stands behind it. */
const char *unit_text(const struct unit *u, double value, struct arena *a);
/* Whether every entry has a signal, for the tests. */
size_t unit_count(void);
const char *unit_signal(size_t i);

#endif

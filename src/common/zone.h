/* A time zone as read from TZif bytes (RFC 9636): a table of transitions, then the rule of the footer for ever. */
#ifndef ZONE_H
#define ZONE_H

#include <stddef.h>
#include <sys/stat.h>

#include "common/clock.h"

enum zone_limit { ZONE_MAX_BYTES = 256 * 1024 };

/* A day of the year at which daylight saving begins or ends, in the words of POSIX TZ. */
struct zone_change {
	enum { CHANGE_JULIAN, CHANGE_DAY, CHANGE_WEEKDAY } kind; /* Jn (29 February is never counted), n, Mm.w.d */
	int day, month, week; /* day: 1..365, 0..365, or 0 Sunday .. 6 Saturday */
	int second;           /* after midnight of that day, -167 h .. 167 h */
};

struct zone_rule {
	bool is_there, has_daylight;
	int standard_s, daylight_s;
	struct zone_change begin, end; /* of daylight saving */
};

struct zone {
	const char *name;
	const int64_t *transitions; /* ascending */
	const int *offsets_s;       /* in force from the transition at the same place */
	size_t n;
	int first_s;                /* in force before them all */
	struct zone_rule rule;      /* in force after them all */
	uint32_t mark;              /* of its name and bytes */
	const char *path;           /* NULL: of no file */
	struct stat read;           /* the file as it was read */
};

/* Reads the bytes of a TZif file of version 2 or later. The zone lives in the arena; name must too. */
int zone_parse(struct arena *a, const char *name, const unsigned char *data, size_t len, struct zone **out,
	       struct err *err) MUST_USE;

#endif

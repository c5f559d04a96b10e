/* Time: the only reader of the clock, civil days, and time zones from our own TZif reader (RFC 9636).
 * Instants are int64 UTC seconds. Days are int32 days since 1970-01-01, proleptic Gregorian. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"

enum { DAY_NONE = INT32_MIN };
#define INSTANT_NONE INT64_MIN

int64_t clock_now(void);
int64_t clock_monotonic_ms(void);
/* The same, and it goes on while the machine is suspended. */
int64_t clock_boottime_ms(void);
/* Whether the kernel says that the wall clock follows a reference (not STA_UNSYNC). */
bool clock_is_synchronised(void);

int32_t day_of(int year, int month, int day); /* no range check */
void day_split(int32_t day, int *year, int *month, int *day_of_month);
int day_weekday(int32_t day); /* 0 Monday .. 6 Sunday */
int day_month_length(int year, int month);
int32_t day_add_months(int32_t day, int months); /* the last day of the month where the day does not exist */
bool day_parse(const char *text, int32_t *out); /* "2026-03-01" */
const char *day_text(struct arena *a, int32_t day);
int32_t day_of_instant(int64_t at); /* in UTC */

/* RFC 3339 with any offset, or "YYYY-MM-DDTHH:MM[:SS[.fff]]Z"; fractions are dropped. */
bool instant_parse(const char *text, int64_t *out);
const char *instant_text(struct arena *a, int64_t at); /* "2026-03-01T08:00:00Z" */
/* RFC 5322 date, "Mon, 02 Mar 2026 08:00:00 +0100" with the given offset. */
const char *instant_mail_text(struct arena *a, int64_t at, int offset_s);
/* An HTTP date (IMF-fixdate). */
bool instant_parse_http(const char *text, int64_t *out);
/* A text in a declared format of %Y %m %d %H %M %S %y %b (English), %z, %s, %L (epoch ms) and literals; without %z the
 * wall time is in zone (NULL = UTC). Sets *out_has_time to whether the format had an hour. */
struct zone;
bool instant_parse_format(const char *text, const char *format, const struct zone *zone, int64_t *out,
			  bool *out_has_time);

enum wall_kind {
	WALL_NORMAL,
	WALL_GAP,        /* does not exist: the offset before the gap is used (RFC 5545 3.3.5) */
	WALL_OVERLAP,    /* exists twice: the first is used */
	WALL_SKIPPED_DAY /* the whole civil day does not exist: no instant */
};

/* Opens a zone by name ("Europe/Paris", "UTC") from the system's zoneinfo ($TZDIR is not read). The name must be made
 * of [A-Za-z0-9_+-/] without ".."; an unknown one is ERR_CONFIG, never UTC. The zone lives in the arena. */
int zone_open(struct arena *a, const char *name, const struct zone **out, struct err *err) MUST_USE;
const char *zone_name(const struct zone *z);
/* A number that is another one for a zone of another name, or whose file says something else. */
uint32_t zone_mark(const struct zone *z);
/* Whether the zone's file is still the one that was read. */
bool zone_is_current(const struct zone *z);
const struct zone *zone_utc(void);
/* Seconds east of UTC at an instant. */
int zone_offset(const struct zone *z, int64_t at);
/* The local civil day, and the seconds since its midnight on the wall clock. */
int32_t zone_day(const struct zone *z, int64_t at, int *out_second_of_day);
/* The instant of a wall time. For WALL_SKIPPED_DAY *out is not touched. */
enum wall_kind zone_instant(const struct zone *z, int32_t day, int second_of_day, int64_t *out);

#endif

/* How a sink does over time. One that fails again and again is held back (a circuit breaker) and only probed, one
 * message at a time; once it answers, what waited because of it is due at once. */
#ifndef STORE_SINK_HEALTH_H
#define STORE_SINK_HEALTH_H

#include <stdint.h>

#include "store/db.h"

/* In the caller's transaction: an attempt failed because of the sink (no answer, or one that is its own failure). From
 * the fifth in a row on the sink is held for 5 s, 30 s, 2 min, then 5 min each time; after 15 min there is an alert. */
int sink_failed(struct db *db, const char *sink, const char *reason, int64_t now, struct err *err) MUST_USE;
/* In the caller's transaction: the sink has answered. */
int sink_answered(struct db *db, const char *sink, int64_t now, struct err *err) MUST_USE;
/* When its last attempt began, of the newest attempts of all; INSTANT_NONE: none of them was its own. */
int sink_last_used(struct db *db, const char *sink, int64_t *out, struct err *err) MUST_USE;

#endif

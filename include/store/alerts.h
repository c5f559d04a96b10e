/* What a person has to be told, kept with what it is about: a crash loses none. Told once a topic, past the outbox. */
#ifndef STORE_ALERTS_H
#define STORE_ALERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "store/db.h"

/* Puts an alert, in the caller's transaction; one of the same topic is not put again. sink: the one that failed, so
 * that another tells it; NULL: none. text: one line. */
int alert_put(struct db *db, const char *topic, const char *sink, const char *text, int64_t now,
              struct err *err) MUST_USE;

/* Which alerts: those of a sink, or those of all others (and of none) but two; NULL where there is none. */
struct alert_route {
	const char *sink, *but[2];
};

struct alerts {
	const char *const *texts; /* the oldest few */
	size_t n;
	int64_t n_all, last_id;   /* of those that are due, last_id for alerts_settle */
	int n_attempts;           /* of the oldest */
	int64_t at;
};
/* Those that are due, at most n_most of their texts. */
int alerts_due(struct db *db, const struct alert_route *route, size_t n_most, int64_t now, struct arena *a,
               struct alerts *out, struct err *err) MUST_USE;
/* They are about to be told: counts the attempt. Committed before anything leaves, so that a ledger which takes nothing
 * (no room on the disk) has nobody told time after time. */
int alerts_begin(struct db *db, const struct alert_route *route, int64_t last_id, int64_t now,
                 struct err *err) MUST_USE;
/* They were told (or nobody is there to be told), or are due again at next_at. */
int alerts_settle(struct db *db, const struct alert_route *route, int64_t last_id, bool is_told, int64_t next_at,
                  int64_t now, struct err *err) MUST_USE;
/* When the next one is due; INSTANT_NONE: none. */
int alerts_next_due(struct db *db, int64_t *out, struct err *err) MUST_USE;
/* Those that were told before an instant are gone; nothing they were about is open any more. */
int alerts_forget(struct db *db, int64_t before_at, struct err *err) MUST_USE;

#endif

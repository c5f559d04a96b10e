/* Bands that a person holds for a while, with a reason: history is kept, so that a past day is judged by what held
 * then. */
#ifndef STORE_OVERRIDES_H
#define STORE_OVERRIDES_H

#include <stdbool.h>

#include "common/arena.h"
#include "store/db.h"

enum { OVERRIDE_DAYS = 30, OVERRIDE_MAX_DAYS = 365 }; /* unless told, and at most */

struct override_row {
	int64_t id, account;
	const char *account_name, *account_key; /* only read */
	const char *owner_email;                /* whose the account is for that engine, "" of nobody; only read */
	const char *engine;
	int band;                               /* 0 1 2 */
	const char *who, *reason;
	int32_t made_on, until_on;              /* until_on: the first day on which it does not hold any more */
	int32_t cleared_on;                     /* DAY_NONE: not taken back */
	const char *cleared_by;
	int computed_band;                      /* of the last score up to the day asked for, -1: none; only read */
	bool has_held;                          /* on that day it made another band of it; only read */
};

/* Takes the place of the one that holds of this account and engine. Within a transaction of the caller. */
int override_put(struct db *db, const struct override_row *o, int64_t at, struct err *err) MUST_USE;
/* Takes back what holds of an account; engine NULL: of both. Returns how many that were. */
int override_clear(struct db *db, int64_t account, const char *engine, int32_t day, int64_t at, const char *who,
                   struct err *err) MUST_USE;
/* Those that hold on a day, or all that were made up to it. By account, engine and id. */
int overrides_list(struct db *db, int32_t day, bool all, struct arena *a, struct override_row **out, size_t *out_n,
                   struct err *err) MUST_USE;
/* Keeps what an override made of a scored day. score_day_begin takes it back. */
int score_hold(struct db *db, int64_t account, int32_t day, const char *engine, int band, struct err *err) MUST_USE;

#endif

/* The scores of one day, told in the order of the accounts over what was told of that day before: what is the same is
 * not written, and accounts that are no longer told go. Within a transaction of the caller. */
#ifndef STORE_SCORE_DAY_H
#define STORE_SCORE_DAY_H

#include "common/arena.h"
#include "store/findings.h"

/* Off limits. */
struct score_day {
	struct db *db;
	int32_t day;
	int64_t config;
	struct arena *arena; /* of the scores */
	struct score_blocks *scores;
};

/* What overrides held of the day is taken back at once. */
int score_day_begin(struct score_day *d, struct db *db, int32_t day, const char *config_hash, int64_t now,
                    struct err *err) MUST_USE;
/* s: of a larger account than before; its day and configuration are the day's. */
int score_day_put(struct score_day *d, const struct score_row *s, struct err *err) MUST_USE;
/* Takes back all accounts that were not told again. */
int score_day_end(struct score_day *d, struct err *err) MUST_USE;
void score_day_done(struct score_day *d); /* for CLEANUP, whether or not it came to an end */

#endif

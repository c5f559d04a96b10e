/* Writes what was found out of accounts on one day, as judge.h packed it, within the caller's transaction. */
#ifndef SCORE_WRITE_H
#define SCORE_WRITE_H

#include "common/arena.h"
#include "store/account_signals.h"
#include "store/score_day.h"

/* What came of the day. */
struct score_tally { int64_t n_scored, n_watch, n_at_risk, n_emerging, n_ready, n_opened, n_closed; };

struct score_writing {
	struct db *db;
	int32_t day;
	int64_t now;
	const char *config_hash;
	struct arena *arena; /* emptied by every score_write */
	struct score_tally tally;
	struct score_day scores; /* off limits */
	struct account_signals signals; /* off limits */
};
int score_write_begin(struct score_writing *w, struct err *err) MUST_USE;
/* In the order of the accounts. */
int score_write(struct score_writing *w, const char *packed, size_t len, struct err *err) MUST_USE;
/* Takes back what was said of accounts that are not among them. */
int score_write_end(struct score_writing *w, struct err *err) MUST_USE;
void score_write_done(struct score_writing *w); /* for CLEANUP */

#endif

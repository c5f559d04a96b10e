/* The scores of one day, told in the order of the accounts over what was told of that day before: what is the same is
 * not written, and accounts that are no longer told go. Within a transaction of the caller. */
#ifndef STORE_SCORE_DAY_H
#define STORE_SCORE_DAY_H

#include "common/buf.h"
#include "store/findings.h"

struct score_signal_row {
	const char *engine, *signal, *evidence;
	double value, baseline; /* NAN: none */
	double strength, weight, contribution;
	int32_t fresh_on;
};

/* An account's signals as they are kept (see migration 0041). Those of one engine come one after the other. */
void score_signals_text(struct buf *out, const struct score_signal_row *rows, size_t n);

/* Off limits. */
struct score_day {
	struct db *db;
	int32_t day;
	int64_t config;
	struct stmt *scores, *signals; /* what was told before; NULL at the end */
	int64_t score_account, signal_account, signal_id;
};

/* What overrides held of the day is taken back at once. */
int score_day_begin(struct score_day *d, struct db *db, int32_t day, const char *config_hash, int64_t now,
                    struct err *err) MUST_USE;
/* s: of a larger account than before; its day and configuration are the day's. signals: as score_signals_text has
 * them, n_signals bytes; none: 0. */
int score_day_put(struct score_day *d, const struct score_row *s, const char *signals, size_t n_signals,
                  struct err *err) MUST_USE;
/* Takes back all accounts that were not told again. */
int score_day_end(struct score_day *d, struct err *err) MUST_USE;
void score_day_done(struct score_day *d); /* for CLEANUP, whether or not it came to an end */

#endif

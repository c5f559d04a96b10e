/* The signals of accounts on one day, as they are kept (migration 0045): what is the same for all accounts once, and a
 * short row for each account that has some. Told in the order of the accounts over what was told of that day before:
 * what is the same is not written, and accounts that are no longer told go. Within a transaction of the caller. */
#ifndef STORE_ACCOUNT_SIGNALS_H
#define STORE_ACCOUNT_SIGNALS_H

#include "common/buf.h"
#include "store/db.h"

/* How a signal is set and told: text is its evidence with {{words}}. */
struct signal_set { const char *engine, *signal, *text; double weight; };
/* What account_signals_setting takes. */
void signal_sets_text(struct buf *out, const struct signal_set *sets, size_t n);

/* The words that a text asks for, in its order: each is kept by its place there. Those beyond SIGNAL_MARKS stay as they
 * are written in the text. */
enum { SIGNAL_MARKS = 16 };
struct signal_mark { const char *name; size_t len; };
size_t signal_marks(const char *text, struct signal_mark out[SIGNAL_MARKS]);

/* What a signal says of an account. Numbers are kept to three decimals; NAN: none. */
struct signal_said {
	size_t place; /* in the setting */
	double value, baseline, strength, contribution;
	int32_t age;  /* in days; below 0: it does not age */
	const char *const *words; size_t n_words; /* by the marks of its text; NULL: nothing */
};
/* Adds to the text of an account, which "]" ends. */
void signal_said_text(struct buf *out, const struct signal_said *s, bool is_first);

/* Off limits. */
struct account_signals {
	struct db *db;
	int32_t day;
	int64_t setting;   /* 0: not told yet */
	struct stmt *was;  /* what was told before; NULL at the end */
	int64_t account, id;
};

int account_signals_begin(struct account_signals *s, struct db *db, int32_t day, struct err *err) MUST_USE;
/* How the signals of all accounts that follow are set: as signal_sets_text has it. */
int account_signals_setting(struct account_signals *s, const char *sets, struct err *err) MUST_USE;
/* Of a larger account than before; text: NUL behind its end. Those that have no signals are not told. */
int account_signals_put(struct account_signals *s, int64_t account, const char *text, struct err *err) MUST_USE;
/* Takes back all accounts that were not told again. */
int account_signals_end(struct account_signals *s, struct err *err) MUST_USE;
void account_signals_done(struct account_signals *s); /* for CLEANUP, whether or not it came to an end */

#endif

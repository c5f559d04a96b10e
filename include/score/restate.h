/* Why a report of retention differs from the one that was made of the same window before: the contracts, bills, parents
 * and rates behind an account, as they were known on both days, compared with one another. Pure: two books in, reasons
 * in words out. */
#ifndef SCORE_RESTATE_H
#define SCORE_RESTATE_H

#include "score/nrr.h"
#include "store/nrr_snapshots.h"

enum restate_cause {
	RESTATE_BACKDATED, /* a contract that was not known */
	RESTATE_GONE,      /* one that is no more, and never was */
	RESTATE_MOVED,     /* one that is another account's */
	RESTATE_AMOUNT, RESTATE_START, RESTATE_END,
	RESTATE_TERMS,     /* currency, kind, trial, pause, discount, product, plan */
	RESTATE_BILL,      /* stayed unpaid, or was paid after all */
	RESTATE_MERGED,    /* an account became part of another, or stands on its own */
	RESTATE_RATE,      /* of exchange */
	RESTATE_POLICY,    /* the rules are others */
	RESTATE_UNKNOWN,   /* something without a history was changed */
	N_RESTATE_CAUSES
};
extern const char *const restate_cause_names[N_RESTATE_CAUSES]; /* "backdated", "amount_corrected" ... */

struct restate_reason {
	size_t account;   /* index into the accounts asked for */
	enum restate_cause cause;
	int64_t contract; /* the subscription that the words are about; 0: none; below 0: annual revenue */
	const char *words; /* "EUR 120 a month from 2026-02-01 on, not EUR 100" */
};

/* A book whose contracts can be found: made once for several windows. */
struct restate_index;
const struct restate_index *restate_index_new(const struct book *b, struct arena *a);

struct restate_query {
	/* What was known when either report was made, both under the rules of today. */
	const struct restate_index *before, *after;
	struct nrr_span span;
	int64_t last_contract;   /* contracts beyond it were loaded after the first report was made */
	const int64_t *accounts; /* ids of those that differ, rising */
	size_t n;
};

/* The reasons that lie in the facts, by account; an account of which none is found has none here. What differs within
 * the window comes alone where there is some; else what differs before it. */
void restate_explain(const struct restate_query *q, struct arena *a, struct restate_reason **out, size_t *n_out);

/* An account that two reports of the same window tell differently; the sums are 0 where it isn't in one of them. */
struct restate_change {
	int64_t account;
	const char *owner; /* of whose book it was: the later report's, else the earlier one's */
	int64_t before[N_SNAPSHOT_SUMS], after[N_SNAPSHOT_SUMS];
};
/* Those that moved most come first. Both reports' accounts are by id. */
struct restate_accounts { const struct nrr_snapshot_account *at; size_t n; };
size_t restate_changes(struct restate_accounts before, struct restate_accounts after, struct arena *a,
                       struct restate_change **out);

/* In that order. */
void restate_rank(struct restate_change *list, size_t n);

/* Which of the lines of two policies differ, "fx: spot instead of constant; ..."; NULL: none does. */
const char *restate_policy_words(const char *before, const char *after, struct arena *a);

#endif

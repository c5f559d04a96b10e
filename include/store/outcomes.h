/* What became of accounts, as known on a day: when each was a customer, and when it left, shrank or grew. Labels for
 * backtest and calibrate, and the organisation's own base rate. From subscriptions and the history of their amounts
 * (trials don't count), the account's own annual revenue where it has no subscription, unpaid invoices, notices, and
 * what owners said of findings (store/answers.h) where nothing else tells it.
 *
 * A change counts when it lasts longer than OUTCOME_LASTING_DAYS: a shorter gap is bridged (a renewal that is booked
 * late is no churn), a shorter rise or fall is none, and nothing is said of the last days that are known. Amounts move
 * by more than one in a hundred (a rate of exchange is no expansion), in the currency of the account's first amount,
 * and not while one in another currency begins or ends: who is billed in another one pays neither less nor more. */
#ifndef STORE_OUTCOMES_H
#define STORE_OUTCOMES_H

#include <stdbool.h>

#include "common/clock.h"
#include "store/db.h"

enum { OUTCOME_LASTING_DAYS = 31, OUTCOME_OPEN = INT32_MAX, OUTCOME_BEGINNING = INT32_MIN + 1 };

enum outcome_kind {
	OUTCOME_CHURN,       /* left of its own will, or for reasons that nobody noted */
	OUTCOME_CONTRACTION, /* pays less and stays */
	OUTCOME_INVOLUNTARY, /* left with a payment that failed, or by end_reason */
	OUTCOME_EXPANSION,   /* pays more */
	OUTCOME_GOOD_END,    /* left by an end_reason that is none of ours to prevent: no loss */
	N_OUTCOME_KINDS
};
extern const char *const outcome_names[N_OUTCOME_KINDS]; /* "churn" ... */
enum {
	OUTCOME_LOSSES = 1 << OUTCOME_CHURN | 1 << OUTCOME_CONTRACTION | 1 << OUTCOME_INVOLUNTARY,
	OUTCOME_ENDS = 1 << OUTCOME_CHURN | 1 << OUTCOME_INVOLUNTARY | 1 << OUTCOME_GOOD_END,
	OUTCOME_GAINS = 1 << OUTCOME_EXPANSION,
	OUTCOME_ALL = (1 << N_OUTCOME_KINDS) - 1,
};

struct outcome {
	int64_t account;
	int32_t on;           /* an end: the first day on which it was no customer any more */
	enum outcome_kind kind;
	int64_t minor;        /* per month, lost or won; 0 when not known */
	const char *currency; /* of minor, NULL when not known */
};
/* Days of one account, from included, to not. */
struct outcome_span {
	int64_t account;
	int32_t from, to; /* OUTCOME_BEGINNING: since when is not known; OUTCOME_OPEN: it goes on */
};

struct outcomes {
	int32_t from, until;  /* outcomes are known from the first dated contract on up to here, both included; from is
	                       * DAY_NONE when there is nothing to go by */
	const struct outcome *events; size_t n_events;         /* by account, day, kind; none behind until */
	const struct outcome_span *customers; size_t n_customers; /* by account, then from; they don't touch */
	const struct outcome_span *leaving; size_t n_leaving;  /* when a notice of leaving stood: nothing to foresee */
};

/* Works out what is not kept yet or does not hold any more of the outcomes known on a day, and keeps it, so that
 * outcomes_load finds it. In transactions of its own. */
int outcomes_keep(struct db *db, int32_t known_on, struct err *err) MUST_USE;
/* How many blocks of them are kept, and how many of those are damaged: they are not read, the rows are. */
int outcomes_check(struct db *db, int64_t *out_n, int64_t *out_damaged, struct err *err) MUST_USE;
/* Everything lives in a. known_on: what is dated later does not exist. */
int outcomes_load(struct db *db, int32_t known_on, struct arena *a, struct outcomes *out, struct err *err) MUST_USE;
/* Those of one account: from is its own. */
int outcomes_load_of(struct db *db, int32_t known_on, int64_t account, struct arena *a, struct outcomes *out,
                     struct err *err) MUST_USE;
/* Up to when outcomes are known that are known on a day. */
int32_t outcomes_until(int32_t known_on);

/* The last day up to as_of of which anything is known at all: usage, contracts, tickets, exchanges, bills or notices.
 * Behind it, that nothing ended tells nothing. DAY_NONE: nothing is known. */
int outcomes_last_fact(struct db *db, int32_t as_of, int32_t *out, struct err *err) MUST_USE;

/* The first outcome of an account whose kind is in the mask (1 << kind) within after < on <= until; NULL: none. */
const struct outcome *outcomes_first(const struct outcomes *o, int64_t account, int32_t after, int32_t until,
                                     unsigned kinds);
bool outcomes_is_customer(const struct outcomes *o, int64_t account, int32_t day);
bool outcomes_is_leaving(const struct outcomes *o, int64_t account, int32_t day);

/* How many outcomes of the mask come a day and customer: their events over their days of the last OUTCOME_RATE_DAYS,
 * drawn towards prior as if it had been seen for OUTCOME_RATE_WEIGHT account-days. Below 0 where there is none: a base
 * that never loses anybody does not say so in its data. */
enum { OUTCOME_RATE_DAYS = 730, OUTCOME_RATE_WEIGHT = 9000 /* a hundred accounts for a quarter */ };
double outcomes_rate(const struct outcomes *o, unsigned kinds, double prior);

/* The same of a base of any size without having all of it in memory: what its rates are made of, by day. */
struct outcome_counts {
	int32_t from, since, until;             /* from as that of outcomes; since: the first day that is counted */
	int64_t come[OUTCOME_RATE_DAYS + 1];    /* how many customers there are more than on the day before */
	int64_t events[N_OUTCOME_KINDS][OUTCOME_RATE_DAYS]; /* of customers */
};
/* out_losses: the losses alone, of these accounts alone, which rise; their amounts' currency is left out. */
int outcomes_count(struct db *db, int32_t known_on, const int64_t *accounts, size_t n, struct arena *a,
                   struct outcome_counts *out, struct outcomes *out_losses, struct err *err) MUST_USE;
double outcome_counts_rate(const struct outcome_counts *c, unsigned kinds, double prior); /* as outcomes_rate */

#endif

/* Recurring revenue as it was known on a day: which account's contracts came to how much per month from when to when,
 * what the account was (segment, region, owner) on any day, what was due and unpaid, and rates of exchange. Facts only:
 * which of them count is the policy's business (score/book). Cuts contracts at every change of their terms; what was
 * deleted was paid for until then; accounts without a contract whose amount is known count with a twelfth of their
 * annual revenue.
 *
 * What was known on a day: what came with the first load of its source, which tells of all the past, and what a pull up
 * to that day brought (seen_on, history.known_on). A change of terms holds from the day of the pull that saw it; a
 * price, and what changed with it, from amount_from_on where the source says so, be it long ago (a correction) or later
 * (not yet). What was deleted and came back was never gone, for those who look from a day after; a contract that went
 * to another account was always there; one of an account that nobody knew yet was nobody's. Which
 * accounts are one company is what is known now, on every day. */
#ifndef STORE_REVENUE_H
#define STORE_REVENUE_H

#include <stdbool.h>

#include "store/db.h"

enum { REVENUE_BEGINNING = INT32_MIN + 1, REVENUE_OPEN = INT32_MAX };

enum revenue_kind { REVENUE_RECURRING, REVENUE_USAGE, REVENUE_ONCE /* one-time, services, tax */ };

/* One contract line while its terms stayed. Names are indexes into revenue.names; 0: there is none. */
struct revenue_line {
	int64_t contract;           /* of one subscription; below 0: an account's annual revenue */
	int64_t minor;              /* per month, before the discount */
	int64_t discount_minor;     /* per month */
	int32_t account;            /* index into accounts: its own, not its parent */
	int32_t from, to;           /* to is exclusive; REVENUE_BEGINNING: the start is not known, REVENUE_OPEN: no end */
	int32_t discount_until;     /* exclusive; REVENUE_OPEN: forever */
	int32_t notice_on;          /* when its end was asked for, or DAY_NONE */
	int32_t paid_until;         /* end of the paid period behind a dated end, or DAY_NONE */
	uint16_t product, plan, currency;
	uint8_t kind;               /* enum revenue_kind */
	bool is_trial, is_paused;
	bool is_last;               /* ends with its contract rather than with a change of terms */
	bool is_involuntary;        /* it ended for want of payment, by its reason */
};

struct revenue_change {
	int64_t id;
	const char *field;
	int32_t known_on;
	const char *value; /* or NULL */
};
/* One attribute over time. */
struct revenue_trait {
	const char *now; /* what it is when it never changed */
	const struct revenue_change *changes;
	size_t n;
};
/* Its value on a day, or NULL. */
const char *revenue_trait_on(const struct revenue_trait *t, int32_t day);

struct revenue_account {
	int64_t id;
	const char *key, *name; /* of its source */
	struct revenue_trait segment, region, csm, am, plan; /* csm, am: e-mail addresses */
	int32_t parent; /* index, as known on the day; -1: none */
};

/* A bill that was not paid on time: from due_on until paid_on, when it was paid, or one that was due later (who pays
 * goes on, whatever became of this one). REVENUE_OPEN: not yet. */
struct revenue_due { int32_t account, due_on, paid_on; };

/* What one major unit of a currency is worth in the base's, times 1e9, from a day on. */
struct revenue_rate { uint16_t currency, base; int32_t on; int64_t nano; };

struct revenue {
	const struct revenue_account *accounts; size_t n_accounts; /* by id */
	const struct revenue_line *lines; size_t n_lines;          /* by account, contract, from */
	const struct revenue_due *dues; size_t n_dues;             /* by account, due_on */
	const struct revenue_rate *rates; size_t n_rates;          /* by currency, base, on */
	const char *const *names; size_t n_names;                  /* products, plans, currencies; the first is NULL */
	int32_t as_of;
};

struct revenue_query {
	int32_t as_of;                /* what is dated or was learnt later does not exist */
	const char *default_currency; /* of rows that name none */
};

int revenue_load(struct db *db, const struct revenue_query *query, struct arena *a, struct revenue *out,
                 struct err *err) MUST_USE;

#endif

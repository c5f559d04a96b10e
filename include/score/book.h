/* The book of recurring revenue under a policy: facts in, dated pieces out that count, each with its account (the
 * topmost parent where rolled up). Pure. The one place where trials, pauses, discounts, credits, past-due bills, merges
 * and the date of churn are decided; whoever computes retention or movements reads pieces only. */
#ifndef SCORE_BOOK_H
#define SCORE_BOOK_H

#include "common/err.h"
#include "score/nrr_policy.h"
#include "store/revenue.h"

struct book_piece {
	int64_t minor;           /* per month, in its currency; below 0 only for credits that count */
	int32_t account;         /* index into facts->accounts */
	int32_t from, to;        /* to is exclusive; REVENUE_BEGINNING, REVENUE_OPEN */
	int32_t contract;        /* pieces of one contract have the same, counted from 0 */
	uint16_t product, plan, currency; /* into facts->names */
	bool is_involuntary : 1; /* what comes to an end with it, ends for want of payment */
	bool is_contract_start : 1, is_contract_end : 1; /* rather than of terms that changed */
	bool is_free : 1;        /* a free plan: minor is 0, the account is still there */
};

/* Usage revenue has a book of its own unless the policy includes it. */
enum book_revenue { BOOK_COMMITTED, BOOK_USAGE };

struct book {
	const struct revenue *facts;
	const struct nrr_policy *policy;
	const struct book_piece *pieces; size_t n_pieces; /* by account, from, to, product, plan, minor */
	const size_t *first; /* n_accounts + 1: where each account's pieces begin */
	const char *currency;    /* of all figures */
	uint16_t currency_name;  /* its index; 0: no amount is in it */
	size_t n_currencies;     /* that amounts are in */
	int32_t first_on, last_on; /* the first and last dated start or end up to the facts' day; DAY_NONE: none */
	size_t n_left_out;       /* lines in other currencies than the only one wanted */
	size_t n_from_arr;       /* accounts that count with a twelfth of their annual revenue */
	size_t n_credits;        /* negative lines that were left out, or clamped */
	size_t n_unknown_merges; /* of the policy, that name an account which is not known */
	const int32_t *tops;     /* by account: see book_top */
	int64_t total_minor;     /* the sizes of all pieces together, and of the parts before */
};

/* currency: of the figures when amounts are in several; NULL: ERR_CONFIG then. only: no other currency's amounts;
 * NULL: all. ERR_INPUT when amounts together do not fit into 64 bits (so nobody who adds them up needs to ask). Where a
 * rate is missing, out tells currencies and days all the same. */
struct book_query {
	enum book_revenue revenue;
	const char *currency, *only;
	const struct book_whole *whole; /* NULL: the facts are all that there is */
};
/* Of a book that is made in parts: what is so because of the others. */
struct book_whole {
	size_t n_currencies;     /* that amounts of all parts are in */
	const char *currency;
	int32_t first_on;        /* of all parts; asked for where amounts are in several currencies */
	int64_t total_minor;     /* of the parts before this one, see book */
	const int32_t *tops;     /* of this part's accounts; NULL: each counts by itself */
};
int book_make(const struct revenue *facts, const struct nrr_policy *policy, const struct book_query *query,
              struct arena *a, struct book *out, struct err *err) MUST_USE;

/* The account that a line of this one counts under: itself, what it became part of, or the topmost parent where rolled
 * up. */
int32_t book_top(const struct book *b, int32_t account);
/* Whether an account is there on a day without paying, by a policy that says that it still is. */
bool book_is_free_on(const struct book *b, int32_t account, int32_t day);
/* What one minor unit of a currency is worth on a day in minor units of the book's, times 1e12: as told, the other way
 * round, or through a third currency. ERR_CONFIG naming currency and day when no rate that is young enough is known. */
int book_rate(const struct book *b, uint16_t currency, int32_t day, int64_t *out_rate, struct err *err) MUST_USE;
/* An amount at such a rate, half away from zero. */
int64_t book_exchange(int64_t minor, int64_t rate);
/* Whether it comes to no more than most, above or below 0. */
bool book_exchange_fits(int64_t minor, int64_t rate, int64_t most);

#endif

/* Recurring revenue as it was known on a day: which account paid how much per month, from when to when, and what it was
 * (segment, owner, plan) on any day. Cuts subscriptions at every change of their amount; hides trials; what was deleted
 * was paid for until then; accounts without a subscription count with a twelfth of their annual revenue. */
#ifndef STORE_REVENUE_H
#define STORE_REVENUE_H

#include <stdbool.h>

#include "store/db.h"

enum revenue_by { REVENUE_BY_ALL, REVENUE_BY_SEGMENT, REVENUE_BY_OWNER, REVENUE_BY_PLAN };

enum { REVENUE_BEGINNING = INT32_MIN + 1, REVENUE_OPEN = INT32_MAX };

struct revenue_piece {
	int32_t account;  /* index into accounts; the topmost parent where rolled up */
	int32_t from, to; /* to is exclusive; REVENUE_BEGINNING: the start is not known, REVENUE_OPEN: there is no end */
	int64_t minor;    /* per month */
	const char *plan; /* or NULL */
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

struct revenue_account {
	int64_t id;
	const char *name;
	struct revenue_trait segment, csm, am, plan; /* csm, am: e-mail addresses */
	size_t first_piece, n_pieces;
};

struct revenue {
	struct revenue_account *accounts; /* by id */
	size_t n_accounts;
	struct revenue_piece *pieces; /* by account, then from */
	size_t n_pieces;
	const char *currency; /* of all amounts; NULL when there are none */
	int32_t first_on, last_on; /* the first and last dated start, change or end; DAY_NONE when there is none */
	bool has_other_currencies; /* which are left out */
	size_t n_from_arr; /* accounts that count with a twelfth of their annual revenue */
};

struct revenue_query {
	int32_t as_of;
	const char *currency;         /* only amounts in it; NULL: all, which must then be in one currency */
	const char *default_currency; /* of rows that name none */
	bool rolls_up_to_parent;
};

/* ERR_CONFIG, naming the currencies, when they are mixed and none was chosen; ERR_INPUT when the amounts together do
 * not fit into 64 bits (so nobody who adds them up needs to ask again). */
int revenue_load(struct db *db, const struct revenue_query *query, struct arena *a, struct revenue *out,
                 struct err *err) MUST_USE;

/* What an account pays per month on a day; never below 0. */
int64_t revenue_on(const struct revenue *r, size_t account, int32_t day);
/* The group an account belongs to in the window from..to: its segment or owner (the CSM, else the account manager)
 * on the first day; the plan that it paid most for on the first day, or on the last when it paid nothing yet. "(none)"
 * when there is nothing to say. */
const char *revenue_group(const struct revenue *r, size_t account, enum revenue_by by, int32_t from, int32_t to);

#endif

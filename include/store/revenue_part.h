/* Recurring revenue of some accounts at a time, where all of it is more than fits: together the parts are what
 * revenue_load gives of all. Which accounts have to be together is for the caller to say. */
#ifndef STORE_REVENUE_PART_H
#define STORE_REVENUE_PART_H

#include "store/revenue.h"

/* A contract that belonged to another account on the day than it does now. */
struct revenue_moved { int64_t account, contract, now; };

/* What all parts share, as known on a day. */
struct revenue_common {
	struct revenue_query query;
	const struct revenue_moved *moved; size_t n_moved; /* by account, contract */
	const int64_t *payers; size_t n_payers; /* sources that told of a payment: of others an open invoice says nothing */
	bool has_history; /* of any contract */
};
/* The query's texts must live as long. */
int revenue_common_load(struct db *db, const struct revenue_query *query, struct arena *a, struct revenue_common *out,
                        struct err *err) MUST_USE;

/* accounts: ids, rising. Parents are not told: the caller knows which accounts are one. */
struct revenue_part { const struct revenue_common *common; const int64_t *accounts; size_t n; };
int revenue_load_part(struct db *db, const struct revenue_part *part, struct arena *a, struct revenue *out,
                      struct err *err) MUST_USE;

/* All accounts by id, how many contracts each has, and which one it counts under. */
struct revenue_groups {
	const int64_t *ids; size_t n;
	const uint32_t *n_contracts;
	const int32_t *tops;  /* indexes; NULL: each counts by itself */
	const int32_t *order; /* indexes, by top, then id; NULL likewise */
	bool is_ring;         /* tops are not their own: nobody can take such accounts apart */
};
/* Accounts that became part of another, by source keys: the first account of that key. */
struct revenue_join { const char *account, *into; };
struct revenue_groups_query {
	int32_t as_of;
	bool is_rolled_up; /* to the topmost parent, as known on the day */
	const struct revenue_join *joins; size_t n_joins;
};
int revenue_groups_load(struct db *db, const struct revenue_groups_query *query, struct arena *a,
                        struct revenue_groups *out, struct err *err) MUST_USE;
/* Whether there are no more than so many contracts, and accounts. */
int revenue_fits(struct db *db, size_t most, bool *out, struct err *err) MUST_USE;
/* Whether anything names another currency than this one: mostly nothing does, and no amount need be looked at. */
int revenue_names_others(struct db *db, const char *currency, bool *out, struct err *err) MUST_USE;
/* The index of an account, or -1. */
int32_t revenue_groups_index(const struct revenue_groups *g, int64_t id);

#endif

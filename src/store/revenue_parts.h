/* While revenue is loaded. */
#ifndef REVENUE_PARTS_H
#define REVENUE_PARTS_H

#include "common/names.h"
#include "revenue_terms.h"
#include "store/revenue_part.h"
#include "trait.h"

struct revenue_loading {
	struct db *db;
	const struct revenue_query *query;
	const struct revenue_part *part; /* NULL: all accounts */
	struct arena *arena;     /* of what is handed out */
	struct arena *scratch;
	struct revenue *out;
	struct names names;      /* of products, plans, currencies */
	uint16_t default_currency;
	struct names keys;       /* of accounts that contracts once belonged to */
	/* accounts */
	struct revenue_account *accounts;
	const int32_t *by_id; int64_t n_by_id; /* index by id, -1: none; NULL: ids are too far apart */
	uint16_t *currency;      /* by account, 0: none */
	int32_t *seen_on;        /* by account: when any of its rows was first seen; REVENUE_BEGINNING: with a first load */
	bool *has_contract;      /* by account: one whose amount is known on the day */
	struct trait_history traits; /* of accounts */
	/* lines */
	struct revenue_line *lines; size_t n_lines, lines_room;
};

void revenue_loading_init(struct revenue_loading *l, struct db *db, const struct revenue_query *query, struct arena *a,
                          struct arena *scratch);
/* The index of an account, or -1. */
int32_t revenue_account_index(const struct revenue_loading *l, int64_t id);
/* The number of a product's or plan's name; those beyond the room there is are "(other)". */
uint16_t revenue_name(struct revenue_loading *l, const char *text);

int revenue_load_accounts(struct revenue_loading *l, struct err *err) MUST_USE;
/* Contracts, then accounts that have none. */
int revenue_load_lines(struct revenue_loading *l, struct err *err) MUST_USE;
/* 1: the lines of this very day were kept, and are those that revenue_load_lines would load. After the accounts. */
int revenue_kept_lines(struct revenue_loading *l, struct err *err) MUST_USE;
int revenue_load_dues(struct revenue_loading *l, struct err *err) MUST_USE;
int revenue_load_rates(struct revenue_loading *l, struct err *err) MUST_USE;
int revenue_load_some(struct db *db, const struct revenue_query *query, const struct revenue_part *part,
                      struct arena *a, struct revenue *out, struct err *err) MUST_USE;
int revenue_load_payers(struct db *db, int32_t as_of, struct arena *a, struct revenue_common *out,
                        struct err *err) MUST_USE;

#endif

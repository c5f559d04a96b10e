/* The figures of retention once more, by plain SQL over the store's tables and nothing of the engine: slow, and as
 * close to the words of the definitions as can be. */
#ifndef SUPPORT_SLOW_NRR_H
#define SUPPORT_SLOW_NRR_H

#include "score/nrr.h"

struct slow_row {
	const char *group;
	struct nrr_sums sums;
};

struct slow_query {
	const struct nrr_policy *policy;
	int32_t as_of;
	const char *home;  /* the currency of amounts that name none */
	const char *only;  /* no other currency's amounts; NULL: all */
	struct nrr_span span;
};

/* Once for a connection: its temporary tables. */
int slow_nrr_open(struct db *db, struct err *err) MUST_USE;
/* Works out who paid what at both ends; then slow_nrr may be asked for each grouping. */
int slow_nrr_prepare(struct db *db, const struct slow_query *query, struct err *err) MUST_USE;
/* By group; one row with group "" for NRR_BY_ALL, none when nobody paid. */
int slow_nrr(struct db *db, enum nrr_by by, struct arena *a, struct slow_row **out, size_t *n_out,
             struct err *err) MUST_USE;

#endif

/* Net and gross revenue retention between two days, point to point: each account is compared with itself at both ends,
 * so a plan swap is expansion or contraction, never churn and new. Pure: revenue in, windows out. */
#ifndef SCORE_NRR_H
#define SCORE_NRR_H

#include "store/revenue.h"

struct nrr_window {
	int32_t from, to;
	const char *group; /* NULL: everything */
	int64_t n_start, n_churned; /* accounts */
	/* start + added + expansion + reactivation - contraction - churn == end, always */
	int64_t start_minor, added_minor, expansion_minor, reactivation_minor, contraction_minor, churn_minor, end_minor;
	const char *why_none; /* the ratios hold when NULL; else "insufficient history: ..." and they are 0 */
	double nrr, grr, logo; /* of the accounts that paid on `from`; grr never above 1: capped per account */
};

/* One window, by group name; one group with name NULL for REVENUE_BY_ALL. An account that pays nothing on `from` but
 * did so on an earlier monthly mark (from minus whole months) comes back: reactivation, not new. */
void nrr_compute(const struct revenue *r, int32_t from, int32_t to, enum revenue_by by, struct arena *a,
                 struct nrr_window **out, size_t *n_out);
/* Adds a group of the same window to a sum and works out the sum's ratios. */
void nrr_add(struct nrr_window *sum, const struct nrr_window *part);
/* (new + expansion + reactivation) / (contraction + churn); false when nothing was lost. */
bool nrr_quick_ratio(const struct nrr_window *w, double *out);
/* The firsts of months from the one in which revenue begins to the first one after its last change, none after as_of.
 * Returns their number. */
size_t nrr_months(const struct revenue *r, int32_t as_of, struct arena *a, int32_t **out);

#endif

/* Net and gross revenue retention of windows, whole and broken down: each account is compared with itself at both ends
 * (or its movements added up, where the policy says so), so a plan swap is expansion or contraction, never churn and
 * new. Pure: a book in, windows out.
 *   NRR = cohort end / start     GRR = kept / start     over the accounts that paid on the first day
 * kept is capped account by account, so GRR is never above min(1, NRR). In constant currency cohort end is start +
 * expansion - contraction - churn, and kept is start - contraction - churn. By movements the cohort's end is the same;
 * kept is an account's start less all that it lost on the way, also where it won it back, and no less than 0: there,
 * where credits count, it can be more than the cohort's end. */
#ifndef SCORE_NRR_H
#define SCORE_NRR_H

#include "score/book.h"

enum nrr_by {
	NRR_BY_ALL, NRR_BY_SEGMENT, NRR_BY_REGION, NRR_BY_OWNER,
	NRR_BY_PLAN,    /* that most is paid for; the account's own where its contracts name none */
	NRR_BY_PRODUCT, /* of account and product: what moves from one to another is expansion here, contraction there */
	NRR_BY_COHORT,  /* the month of the account's first revenue, "2025-03" */
	N_NRR_BY
};
extern const char *const nrr_by_names[N_NRR_BY]; /* "all", "segment" ... */

struct nrr_span { int32_t from, to; };

/* start + added + expansion + reactivation - contraction - churn + fx == end, always. */
struct nrr_sums {
	int64_t n_start, n_end; /* accounts */
	int64_t start_minor, end_minor;
	int64_t cohort_end_minor, kept_minor; /* of those at the start: at the end, and no more than each began with */
	int64_t n_churned;         /* of those at the start */
	int64_t added_minor, expansion_minor, reactivation_minor, contraction_minor, churn_minor, fx_minor;
	int64_t cross_sell_minor;  /* of expansion: products that the account did not have; the rest is upsell */
	int64_t involuntary_minor; /* of churn: for want of payment */
	int64_t returned_minor;    /* of the cohort's end: accounts that left within the window and came back */
	int64_t free_minor;        /* of churn: accounts that stay on a free plan */
};

struct nrr_window {
	struct nrr_span span;
	const char *group;    /* NULL: everything; "(none)" when there is nothing to say */
	struct nrr_sums sums;
	const char *why_none; /* the ratios hold when NULL; else "insufficient history: ..." and they are 0 */
	double nrr, grr, logo;
};

struct nrr_table { struct nrr_window *rows; size_t n; }; /* by span in the order asked, then group */

struct nrr_query {
	const struct nrr_span *spans; size_t n_spans;
	unsigned by; /* 1 << enum nrr_by, one or several */
};
/* out[by] of each that was asked for. ERR_CONFIG naming currency and day when a rate is missing. */
int nrr_compute(const struct book *b, const struct nrr_query *query, struct arena *a, struct nrr_table out[N_NRR_BY],
                struct err *err) MUST_USE;

/* What one account adds to a window; the sums of all add up to it. */
struct nrr_contribution { int32_t account; struct nrr_sums sums; };
/* Tells what every account adds to every span, by account: many spans at once, and no list of them. */
typedef void nrr_each_fn(void *which, size_t span, const struct nrr_contribution *c);
int nrr_each(const struct book *b, const struct nrr_span *spans, size_t n_spans, nrr_each_fn *tell, void *which,
             struct err *err) MUST_USE;
/* By account; those with nothing at either end are left out, but for who came and went where the policy counts both. */
int nrr_contributions(const struct book *b, struct nrr_span span, struct arena *a, struct nrr_contribution **out,
                      size_t *n_out, struct err *err) MUST_USE;

extern const char nrr_excluded[]; /* "(excluded)": what the rules of owner books leave out; why: score/owner_book */
/* In whose book an account is for a window: an e-mail address, nrr_excluded, or NULL for nobody's. */
const char *nrr_owner_of(const struct book *b, int32_t account, struct nrr_span span);
/* Why a window has no ratios, or NULL. Of the book it asks for the number of pieces and the first day only. */
const char *nrr_why_none(const struct book *b, const struct nrr_window *w, struct arena *a);
/* Adds a group of the same window to a sum and works out the sum's ratios. */
void nrr_add(struct nrr_window *sum, const struct nrr_window *part);
/* (new + expansion + reactivation) / (contraction + churn); false when nothing was lost. */
bool nrr_quick_ratio(const struct nrr_sums *s, double *out);
/* The firsts of months from the first one after revenue begins (on that day itself nobody could have stayed or gone) to
 * the first one after its last change, none after the facts' day. Returns their number. */
size_t nrr_months(const struct book *b, struct arena *a, int32_t **out);
/* How much an account pays on a day, in the book's currency at the rates of rate_on; never below 0. */
int nrr_paid_on(const struct book *b, int32_t account, int32_t day, int32_t rate_on, int64_t *out,
                struct err *err) MUST_USE;

#endif

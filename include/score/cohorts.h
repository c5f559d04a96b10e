/* The cohort triangle: accounts by the month in which they first paid, and what is left of them after so many months.
 * Pure: a book in, a triangle out. An account is looked at on its own first day plus whole months, so that one which
 * came on the 2nd and left on the 30th counts like any other; nobody's first month is hidden.
 *   NRR(k) = paid after k months / paid at first
 *   GRR(k) = the same, of each account no more than it paid at first / paid at first */
#ifndef SCORE_COHORTS_H
#define SCORE_COHORTS_H

#include "score/book.h"

enum { COHORTS_MAX_MONTHS = 600 };

struct cohort_cell {
	int64_t n_logos;    /* accounts that are still there */
	int64_t paid_minor; /* the numerator of NRR */
	int64_t kept_minor; /* of GRR */
};

struct cohort {
	int32_t month;        /* its first day */
	const char *name;     /* "2025-03" */
	int64_t n_accounts;
	int64_t start_minor;  /* what each paid on its first day; above 0 */
	const struct cohort_cell *cells; /* after 0, 1, 2 ... months: as many as every account of it has behind it */
	size_t n_cells;       /* at least one */
};

struct cohorts {
	const struct cohort *rows; /* by month; months without a new account are left out */
	size_t n;
	size_t most_cells;  /* of any row */
	int64_t n_undated;  /* accounts in no row: since when they pay is not known, or for longer than the most months */
};

/* In the book's currency at the rates of each account's first day (each mark's own under spot). Who came back after a
 * gap counts, or not, as the policy says. as_of: no mark behind it is filled. ERR_CONFIG naming currency and day when a
 * rate is missing. */
int cohorts_make(const struct book *b, int32_t as_of, struct arena *a, struct cohorts *out, struct err *err) MUST_USE;
/* The share of what was there at first, 0 and above. */
double cohort_nrr(const struct cohort *c, size_t months);
double cohort_grr(const struct cohort *c, size_t months);
double cohort_logos(const struct cohort *c, size_t months);

#endif

/* Where the revenue of today's accounts will stand after each of the coming quarters: net and gross retention with an
 * honest spread. Pure: a book and what else is known on its day in, three quantiles out; the same in, the same out, in
 * whatever order.
 *
 * Learnt from the book's own months: how often accounts leave, pay less or pay more, by age, size and whether a term
 * ends that month, each drawn towards its neighbour as by FORECAST_PSEUDO_EVENTS; what those changes came to; and how
 * far all accounts together strayed from that in past months, beyond chance (Cameron and Trivedi's overdispersion),
 * which every draw strays by too. Scores say who, history says how many. Then FORECAST_DRAWS lives of the book. */
#ifndef SCORE_FORECAST_H
#define SCORE_FORECAST_H

#include "score/nrr.h"
#include "store/forecasts.h"

enum {
	FORECAST_MIN_MONTHS = 3,   /* of history; a quarter cannot be foretold by who has not seen one */
	FORECAST_MAX_MONTHS = 36,  /* what is older counts less than an eighth and is left out */
	FORECAST_PSEUDO_EVENTS = 10,
	FORECAST_DRAWS = 2000,     /* fewer for more than 50,000 accounts, never below FORECAST_MIN_DRAWS */
	FORECAST_MIN_DRAWS = 250,
};

struct forecast_query {
	int n_quarters;                     /* 1 .. FORECAST_MAX_QUARTERS */
	const struct forecast_hint *hints;  /* by account id; of the book's day */
	size_t n_hints;
	int64_t horizon_days;               /* of the risks and readiness in them */
};

struct forecast_quarter {
	int32_t to;                              /* three, six ... months from the book's day */
	int64_t end_minor[N_FORECAST_QUANTILES]; /* what today's accounts pay then: NRR's numerator */
	int64_t kept_minor[N_FORECAST_QUANTILES]; /* the same, none above what it pays today: GRR's */
	bool has_total;                          /* a window of this length was seen */
	int64_t total_minor[N_FORECAST_QUANTILES]; /* with those who come or come back, as in windows of the last year */
	/* The twelve months up to that day, as reports have them: of the accounts that paid when they began. Who has left
	 * by today counts as gone. Not where history is too short, nor under a policy that is strict with who came back. */
	bool has_year;
	int64_t year_start_minor, year_end_minor[N_FORECAST_QUANTILES], year_kept_minor[N_FORECAST_QUANTILES];
};

struct forecast {
	int32_t on;
	int64_t n_start, start_minor;
	const char *why_none; /* the quarters hold when NULL; else "insufficient history: ..." */
	int n_quarters, n_draws, n_months; /* n_months: of history */
	struct forecast_quarter quarters[FORECAST_MAX_QUARTERS];
	int64_t n_lost, n_shrunk, n_grown;   /* changes in these months that it learnt from */
	double loss_spread, growth_spread;   /* of a month's rate, as a share of it: one standard deviation */
	int64_t n_scored, n_dated;           /* accounts that have a risk; that have a renewal day */
};

/* ERR_CONFIG naming currency and day when a rate is missing. */
int forecast_make(const struct book *b, const struct forecast_query *query, struct arena *a, struct forecast *out,
                  struct err *err) MUST_USE;

#endif

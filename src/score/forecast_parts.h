/* Between the files of the forecast: months counted, rates learnt from them, and lives drawn by these. */
#ifndef FORECAST_PARTS_H
#define FORECAST_PARTS_H

#include "score/forecast.h"

enum forecast_kind { CHANGE_LOST, CHANGE_SHRUNK, CHANGE_GROWN, N_CHANGES };
enum forecast_strain { STRAIN_LOSS, STRAIN_GROWTH, N_STRAINS }; /* what strays together: losses and shrinking; growth */

/* Accounts of an age, a size and a state of their term count together. */
enum forecast_due { DUE_NO, DUE_ANNIVERSARY, DUE_TERM_NO, DUE_TERM_ENDS, DUE_MONTHLY, N_DUES };
enum {
	N_AGES = 7, N_SIZES = 4, N_CELLS = N_AGES * N_SIZES * N_DUES,
	N_GAPS = 4,  /* months since an account left: 0, 1, 2, more */
	N_BINS = 32, /* of what a change leaves */
	MOST_STEPS = 3 * FORECAST_MAX_QUARTERS,
	YEARS_BEGUN = FORECAST_MAX_QUARTERS - 1, /* quarters at the end of which a year is over that has begun by today */
};
/* months: since the first revenue; minor: what it pays, mean: what an account pays today in the mean. */
int forecast_cell(int32_t months, int64_t minor, double mean, enum forecast_due due);
int forecast_size(int64_t minor, double mean);

/* Changes of one kind and size by the share that they left. Each weighs as much as what was paid before it, so that
 * what is drawn moves as much revenue as was moved: small accounts that grew tenfold say little of large ones. */
struct forecast_moves {
	uint32_t n_changes;
	uint64_t weight[N_BINS], all; /* in thousandths of the mean */
	uint64_t weighted[N_BINS];    /* times the share, in thousandths */
};

/* What happened in the months up to the book's day, the oldest first. */
struct forecast_past {
	int n_months;
	double mean; /* what an account pays today */
	uint32_t paying[FORECAST_MAX_MONTHS][N_CELLS], changed[N_CHANGES][FORECAST_MAX_MONTHS][N_CELLS];
	uint32_t gone[FORECAST_MAX_MONTHS][N_GAPS], back[FORECAST_MAX_MONTHS][N_GAPS];
	struct forecast_moves moves[N_CHANGES][N_SIZES]; /* none of CHANGE_LOST */
	int64_t n_changed[N_CHANGES];
	/* What windows of so many quarters that end so many months ago gained from others than their own accounts. */
	int64_t arrived[FORECAST_MAX_QUARTERS][FORECAST_MAX_MONTHS];
};

/* One account's months: paid holds n_months + 1 amounts, cells the n_months + 1 that they put it in. */
void forecast_count(struct forecast_past *past, const int64_t *paid, const uint8_t *cells);

struct forecast_rates {
	double hazard[N_CHANGES][N_CELLS]; /* per month; the probability is 1 - exp(-hazard) */
	double back[N_GAPS];               /* probability per month */
	double spread[N_STRAINS];          /* a standard deviation, of the logarithm */
	struct forecast_moves moves[N_CHANGES][N_SIZES];
	struct forecast_moves all[N_CHANGES]; /* sizes together, and what is believed before anything was seen */
};
void forecast_learn(const struct forecast_past *past, struct forecast_rates *out);

/* An account that pays today. */
struct forecast_person {
	int64_t paid;
	int64_t year[YEARS_BEGUN];   /* what it paid a year before the end of each */
	int64_t leaving[MOST_STEPS]; /* of it, by coming month: what was given notice of */
	uint32_t notices;            /* bit by coming month: whether there is such */
	uint64_t seed;
	double lean[N_STRAINS];      /* times the rates of the first quarter; 1: as any such account */
	uint8_t cells[MOST_STEPS];   /* by coming month */
};
struct forecast_lives {
	const struct forecast_rates *rates;
	double mean;
	int64_t most_gain; /* of one account, so that all together fit into 63 bits */
	int n_draws, n_quarters;
	double *stray[N_STRAINS];    /* times all rates: n_draws x n_quarters */
	int64_t *end, *kept;         /* what all pay then, less what they pay today: n_quarters x n_draws */
	int64_t *year_end, *year_kept; /* the same of those who paid a year before: YEARS_BEGUN x n_draws */
};
struct forecast_start { int64_t n_people, minor; double mean; };
void forecast_lives_begin(struct forecast_lives *l, const struct forecast_rates *rates,
                          const struct forecast_start *start, int n_quarters, struct arena *a);
void forecast_live(struct forecast_lives *l, const struct forecast_person *p);
/* Sorts the draws. */
void forecast_quantiles(int64_t *draws, int n_draws, int64_t out[N_FORECAST_QUANTILES]);

/* splitmix64 (Steele, Lea, Flood 2014): a state that counts up, mixed. Every account draws from a state of its own,
 * made from its source's key, so that neither order nor other accounts matter. */
uint64_t forecast_random(uint64_t *state);
double forecast_uniform(uint64_t *state); /* 0 <= u < 1 */

#endif

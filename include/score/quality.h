/* How well scores ranked and foretold what happened. Pure: rows in, figures out; the same in gives the same out.
 *
 * A row is one account on one as-of day, with what happened to it within the horizon after. Rows of one account hang
 * together, so uncertainty is drawn over accounts, never over rows. Definitions are scikit-learn's (AUC with ties as
 * halves, average precision over distinct scores) and those of "Accuracy" in the documentation: the top is taken within
 * each queue, and no median lead time is told, as that rewards a list that never changes. */
#ifndef SCORE_QUALITY_H
#define SCORE_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

struct quality_row {
	size_t account;    /* from 0, without holes */
	size_t queue;      /* from 0, without holes: rows that compete for the same places, an owner's morning */
	int32_t day;
	int32_t event_on;  /* when it happened, DAY_NONE when it did not or the day is not known */
	bool is_event;     /* it happened within the horizon */
};
struct quality_set {
	const struct quality_row *rows;
	size_t n, n_accounts, n_queues;
};

/* Scores of the rows of a set, higher = more likely. */
struct quality_ranking {
	const double *scores; /* by row */
	const size_t *order;  /* rows by score, ascending; equal scores in the order of the set */
	const bool *top;      /* by row: whether it is among the top of its queue */
};
/* share: of each queue that is its top, at least one row; places (by queue, or NULL): instead, so many rows. Equal
 * scores are taken in an order that has nothing to do with the rows' order. */
void quality_rank(const struct quality_set *set, const double *scores, double share, const size_t *places,
                  struct arena *a, struct quality_ranking *out);

/* weights: how often each account counts, NULL: once. NAN where there is no event, or nothing but events. */
double quality_auc(const struct quality_set *set, const struct quality_ranking *r, const double *weights);
double quality_average_precision(const struct quality_set *set, const struct quality_ranking *r);
struct quality_list {
	double n_listed;
	double precision, recall, lift; /* lift: precision / base rate; NAN where nothing was listed or happened */
};
struct quality_list quality_listed(const struct quality_set *set, const struct quality_ranking *r,
                                   const double *weights);
double quality_base_rate(const struct quality_set *set, const double *weights);

/* Of probabilities by row, 0..1. */
double quality_brier(const struct quality_set *set, const double *probs, const double *weights);
struct quality_bin { size_t n, n_events; double low, high, mean; };
enum { QUALITY_BINS = 10 };
/* The rows in QUALITY_BINS parts of equal size by probability; returns the number of parts that are not empty. */
size_t quality_bins(const struct quality_set *set, const double *probs, struct arena *a,
                    struct quality_bin out[QUALITY_BINS]);
/* The mean distance between what was said and what happened over those parts, weighted by their rows. */
double quality_calibration_error(const struct quality_bin *bins, size_t n);

/* Events whose account was among the top on the last as-of day at least lead_days and at most most_days before. */
struct quality_ahead {
	size_t n_events; /* with such a day */
	size_t n_seen;
	double chance;   /* the share of such rows that is listed at all: what listing at random would see */
};
struct quality_ahead quality_seen_ahead(const struct quality_set *set, const struct quality_ranking *r, int lead_days,
                                        int most_days);

/* The middle 95 % of a figure over n_draws samples of the accounts, drawn with replacement from a fixed seed. Two
 * figures with the same set, draws and seed see the same samples, so that a difference may be drawn as one figure. NAN
 * when the figure was undefined in every draw. */
struct quality_interval { double low, high; };
typedef double (*quality_figure)(const struct quality_set *set, const void *of, const double *weights);
struct quality_interval quality_bootstrap(const struct quality_set *set, quality_figure figure, const void *of,
                                          int n_draws, uint64_t seed, struct arena *a);

#endif

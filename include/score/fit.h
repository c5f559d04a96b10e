/* The mathematics of calibration, on plain arrays: monotone bins, evidence in logits, a logistic with weights that are
 * never negative, and which of two forecasts is better. Pure, deterministic, sums in the order of the rows.
 *
 * Small histories decide the shape of it: everything is pulled towards what was believed before (pseudo-events, weights
 * pulled towards a centre), so that no data gives the priors back and much data forgets them. Evidence is the log of
 * events over those foretold (the posterior mean of a rate with a Gamma prior): logits where events are rare. */
#ifndef SCORE_FIT_H
#define SCORE_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

enum { FIT_MAX_SLICES = 20, FIT_MAX_BINS = 7 };

/* Rows of one signal that are alike. */
struct fit_bin {
	double at;               /* the mean value of its rows */
	double events, expected; /* what happened, and what was foretold */
};

/* Twentieths of the rows by value, ascending; equal values share a slice, NAN is unknown and left out. expected: the
 * probability of an event by row. Returns their number. */
size_t fit_slices(const double *values, const bool *events, const double *expected, size_t n, struct arena *a,
                  struct fit_bin out[FIT_MAX_SLICES]);
/* Leans each slice on what was foretold by as many pseudo-events, and scales what was foretold so that it adds up to
 * what happened; then takes the prior (logits, by slice) out of it: what remains is all that the signal has to say. */
void fit_lean(struct fit_bin *bins, size_t n, const double *prior, double pseudo_events);
/* Makes events / expected only rise (direction 1) or only fall (-1) over the bins: pooled adjacent violators; then
 * joins the neighbours that differ least until at most FIT_MAX_BINS are left. Returns their number. */
size_t fit_pool(struct fit_bin *bins, size_t n, int direction);
/* The weight of evidence of a bin: log(events / expected), within 6 to either side. */
double fit_evidence(const struct fit_bin *bin);

/* P(event) = 1 / (1 + exp(-(offset + intercept + sum of weight * x))). */
struct fit_problem {
	const double *x;      /* n_rows x n_columns, by row */
	const bool *events;
	const double *offset; /* by row; NULL: none */
	size_t n_rows, n_columns;
	double pull;          /* how hard weights are pulled to their centre: half of it times the squared distance */
	const double *centre; /* by column */
	double intercept_pull; /* the same for the intercept, towards 0 */
};

/* The most likely weights, none below 0, by coordinate descent. */
void fit_logistic(const struct fit_problem *p, struct arena *a, double *out_weights, double *out_intercept);

/* Mean of -log of what was given to what happened; probabilities within 1e-6 of 0 and 1 count as that. */
double fit_log_loss(const double *probabilities, const bool *events, size_t n);

/* By how much the mean log loss of `ours` is below that of `theirs`, with an interval over accounts drawn anew (rows of
 * an account stay together; groups holds a number of 0..n_groups - 1 by row). */
struct fit_gain {
	double mean, low, high; /* 95 % */
	double share;           /* of the draws in which ours was better */
};
struct fit_gain fit_compare(const double *ours, const double *theirs, const bool *events, const uint32_t *groups,
                            size_t n, size_t n_groups, struct arena *a);

#endif

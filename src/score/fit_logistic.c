#include <math.h>

#include "score/fit.h"

enum { MAX_SWEEPS = 500 };

static const double ENOUGH = 1e-7, LONGEST_STEP = 1; /* logits per unit of a column */

/* One coordinate: slope and curvature of the penalised loss, then a Newton step on eta (the logits as they are).
 * column below 0: the intercept. Returns how far it went. */
static double improve(const struct fit_problem *p, long column, double *eta, double *value)
{
	double centre = column < 0 ? 0 : p->centre[column], pull = column < 0 ? p->intercept_pull : p->pull;
	double slope = pull * (*value - centre), curvature = pull, step, moved;

	for (size_t i = 0; i < p->n_rows; i++) {
		double x = column < 0 ? 1 : p->x[i * p->n_columns + (size_t)column];
		double chance;

		if (x == 0)
			continue;
		chance = 1 / (1 + exp(-eta[i]));
		slope += (chance - p->events[i]) * x;
		curvature += chance * (1 - chance) * x * x;
	}
	if (curvature <= 0)
		return 0;
	step = fmax(-LONGEST_STEP, fmin(LONGEST_STEP, -slope / curvature));
	moved = column < 0 ? *value + step : fmax(0, *value + step);
	step = moved - *value;
	*value = moved;
	for (size_t i = 0; i < p->n_rows; i++)
		eta[i] += step * (column < 0 ? 1 : p->x[i * p->n_columns + (size_t)column]);
	return fabs(step);
}

void fit_logistic(const struct fit_problem *p, struct arena *a, double *out_weights, double *out_intercept)
{
	double *eta = arena_array(a, p->n_rows + 1, sizeof *eta);

	*out_intercept = 0;
	for (size_t k = 0; k < p->n_columns; k++)
		out_weights[k] = p->centre[k] > 0 ? p->centre[k] : 0;
	for (size_t i = 0; i < p->n_rows; i++) {
		eta[i] = p->offset ? p->offset[i] : 0;
		for (size_t k = 0; k < p->n_columns; k++)
			eta[i] += out_weights[k] * p->x[i * p->n_columns + k];
	}
	for (int sweep = 0; sweep < MAX_SWEEPS; sweep++) {
		double farthest = improve(p, -1, eta, out_intercept);

		for (size_t k = 0; k < p->n_columns; k++)
			farthest = fmax(farthest, improve(p, (long)k, eta, &out_weights[k]));
		if (farthest < ENOUGH)
			break;
	}
}

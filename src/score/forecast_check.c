#include "score/forecast_check.h"

#include <stdlib.h>

static const double places[N_FORECAST_QUANTILES] = { 0.1, 0.5, 0.9 };

struct forecast_ratios forecast_ratios_of(const struct forecast_said *said)
{
	struct forecast_ratios r;

	for (int i = 0; i < N_FORECAST_QUANTILES; i++) {
		r.nrr[i] = (double)said->end_minor[i] / (double)said->start_minor;
		r.grr[i] = (double)said->kept_minor[i] / (double)said->start_minor;
	}
	return r;
}

static int compare_ratios(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Between two ratios where the place falls between them. */
static void quantiles(double *ratios, size_t n, double out[N_FORECAST_QUANTILES])
{
	qsort(ratios, n, sizeof *ratios, compare_ratios);
	for (int i = 0; i < N_FORECAST_QUANTILES; i++) {
		double at = places[i] * (double)(n - 1);
		size_t low = (size_t)at, high = low + 1 < n ? low + 1 : low;

		out[i] = ratios[low] + (at - (double)low) * (ratios[high] - ratios[low]);
	}
}

bool forecast_naive(const struct nrr_window *past, size_t n, struct arena *a, struct forecast_ratios *out)
{
	double *nrr = arena_array(a, n + 1, sizeof *nrr), *grr = arena_array(a, n + 1, sizeof *grr);
	size_t known = 0;

	for (size_t i = 0; i < n; i++) {
		if (past[i].why_none)
			continue;
		nrr[known] = past[i].nrr;
		grr[known++] = past[i].grr;
	}
	if (known == 0)
		return false;
	quantiles(nrr, known, out->nrr);
	quantiles(grr, known, out->grr);
	return true;
}

/* A quantile p costs p for each unit that the truth lies above it, 1 - p below it; the mean of the three. */
static double loss(const double said[N_FORECAST_QUANTILES], double truth)
{
	double sum = 0;

	for (int i = 0; i < N_FORECAST_QUANTILES; i++)
		sum += truth >= said[i] ? places[i] * (truth - said[i]) : (1 - places[i]) * (said[i] - truth);
	return sum / N_FORECAST_QUANTILES;
}

static bool is_within(const double said[N_FORECAST_QUANTILES], double truth)
{
	return said[FORECAST_P10] <= truth && truth <= said[FORECAST_P90];
}

void forecast_judge(const struct forecast_case *cases, size_t n, struct forecast_quality *out)
{
	struct forecast_quality q = { .n = n };

	for (size_t i = 0; i < n; i++) {
		const struct forecast_case *c = &cases[i];

		q.n_nrr_within += is_within(c->said.nrr, c->nrr);
		q.n_grr_within += is_within(c->said.grr, c->grr);
		if (!c->has_naive)
			continue;
		q.n_naive++;
		q.nrr_loss += loss(c->said.nrr, c->nrr);
		q.grr_loss += loss(c->said.grr, c->grr);
		q.naive_nrr_loss += loss(c->naive.nrr, c->nrr);
		q.naive_grr_loss += loss(c->naive.grr, c->grr);
	}
	if (q.n_naive) {
		double share = 1 / (double)q.n_naive;

		q.nrr_loss *= share;
		q.grr_loss *= share;
		q.naive_nrr_loss *= share;
		q.naive_grr_loss *= share;
	}
	*out = q;
}

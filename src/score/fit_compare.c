#include <math.h>
#include <stdlib.h>

#include "score/fit.h"

enum { N_DRAWS = 1000, LOW_DRAW = 25, HIGH_DRAW = 975 };

static const double NEAREST = 1e-6;

static double loss_of(double probability, bool is_event)
{
	double given = fmin(1 - NEAREST, fmax(NEAREST, probability));

	return -log(is_event ? given : 1 - given);
}

double fit_log_loss(const double *probabilities, const bool *events, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += loss_of(probabilities[i], events[i]);
	return n ? sum / (double)n : 0;
}

/* splitmix64: the same draws on every machine. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static int by_size(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

struct group { double gain; double rows; };

static double mean_of_draw(const struct group *groups, size_t n, uint64_t *state)
{
	double gain = 0, rows = 0;

	for (size_t i = 0; i < n; i++) {
		const struct group *g = &groups[draw(state) % n];

		gain += g->gain;
		rows += g->rows;
	}
	return rows > 0 ? gain / rows : 0;
}

struct fit_gain fit_compare(const double *ours, const double *theirs, const bool *events, const uint32_t *groups,
                            size_t n, size_t n_groups, struct arena *a)
{
	struct group *sums = arena_array(a, n_groups + 1, sizeof *sums);
	double *means = arena_array(a, N_DRAWS, sizeof *means);
	struct fit_gain out = { .mean = fit_log_loss(theirs, events, n) - fit_log_loss(ours, events, n) };
	uint64_t state = 1;
	size_t n_better = 0;

	if (!n_groups)
		return out;
	for (size_t i = 0; i < n; i++) {
		sums[groups[i]].gain += loss_of(theirs[i], events[i]) - loss_of(ours[i], events[i]);
		sums[groups[i]].rows++;
	}
	for (size_t i = 0; i < N_DRAWS; i++) {
		means[i] = mean_of_draw(sums, n_groups, &state);
		n_better += means[i] > 0;
	}
	qsort(means, N_DRAWS, sizeof *means, by_size);
	out.low = means[LOW_DRAW];
	out.high = means[HIGH_DRAW];
	out.share = (double)n_better / N_DRAWS;
	return out;
}

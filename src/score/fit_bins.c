#include <math.h>
#include <stdlib.h>

#include "score/fit.h"

static const double MOST_EVIDENCE = 6;

struct valued { double value, expected; bool is_event; };

static int by_value(const void *a, const void *b)
{
	const struct valued *one = a, *other = b;

	return (one->value > other->value) - (one->value < other->value);
}

static void join(struct fit_bin *into, const struct fit_bin *from)
{
	into->at = (into->at * into->expected + from->at * from->expected) / (into->expected + from->expected);
	into->events += from->events;
	into->expected += from->expected;
}

static void take_out(struct fit_bin *bins, size_t *n, size_t which)
{
	for (size_t i = which + 1; i < *n; i++)
		bins[i - 1] = bins[i];
	--*n;
}

/* Twentieths of the rows by value; a value that many rows share is never torn apart. */
static size_t slice(const struct valued *rows, size_t n, struct fit_bin out[FIT_MAX_SLICES])
{
	size_t least = (n + FIT_MAX_SLICES - 1) / FIT_MAX_SLICES, n_slices = 0;

	for (size_t i = 0; i < n;) {
		struct fit_bin *s = &out[n_slices++];
		size_t from = i;

		*s = (struct fit_bin){ 0 };
		for (; i < n && (i - from < least || rows[i].value <= rows[i - 1].value); i++) {
			s->at += rows[i].value;
			s->events += rows[i].is_event;
			s->expected += rows[i].expected;
		}
		s->at /= (double)(i - from);
	}
	return n_slices;
}

static bool is_violated(const struct fit_bin *left, const struct fit_bin *right, int direction)
{
	return direction * (right->events * left->expected - left->events * right->expected) < 0;
}

/* Pooled adjacent violators. */
static size_t pool(struct fit_bin *bins, size_t n, int direction)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bins[kept++] = bins[i];
		while (kept > 1 && is_violated(&bins[kept - 2], &bins[kept - 1], direction)) {
			join(&bins[kept - 2], &bins[kept - 1]);
			kept--;
		}
	}
	return kept;
}

static double log_likelihood(double events, double expected)
{
	return events > 0 && expected > 0 ? events * log(events / expected) : 0;
}

/* What is lost by no longer telling two bins apart. */
static double loss(const struct fit_bin *left, const struct fit_bin *right)
{
	return log_likelihood(left->events, left->expected) + log_likelihood(right->events, right->expected) -
	       log_likelihood(left->events + right->events, left->expected + right->expected);
}

static size_t thin(struct fit_bin *bins, size_t n)
{
	while (n > FIT_MAX_BINS) {
		size_t least = 0;

		for (size_t i = 1; i + 1 < n; i++)
			if (loss(&bins[i], &bins[i + 1]) < loss(&bins[least], &bins[least + 1]))
				least = i;
		join(&bins[least], &bins[least + 1]);
		take_out(bins, &n, least + 1);
	}
	return n;
}

size_t fit_slices(const double *values, const bool *events, const double *expected, size_t n, struct arena *a,
                  struct fit_bin out[FIT_MAX_SLICES])
{
	struct valued *rows = arena_array(a, n + 1, sizeof *rows);
	size_t n_known = 0;

	for (size_t i = 0; i < n; i++)
		if (!isnan(values[i]))
			rows[n_known++] = (struct valued){ values[i], expected[i], events[i] };
	if (n_known)
		qsort(rows, n_known, sizeof *rows, by_value);
	return slice(rows, n_known, out);
}

void fit_lean(struct fit_bin *bins, size_t n, const double *prior, double pseudo_events)
{
	double events = 0, expected = 0;

	for (size_t i = 0; i < n; i++) {
		events += bins[i].events;
		expected += bins[i].expected;
	}
	for (size_t i = 0; i < n; i++) {
		bins[i].events += pseudo_events;
		if (events > 0 && expected > 0)
			bins[i].expected *= events / expected;
		bins[i].expected = (bins[i].expected + pseudo_events) / exp(prior[i]);
	}
}

size_t fit_pool(struct fit_bin *bins, size_t n, int direction)
{
	return thin(bins, pool(bins, n, direction));
}

double fit_evidence(const struct fit_bin *bin)
{
	if (bin->events <= 0 || bin->expected <= 0)
		return bin->events > 0 ? MOST_EVIDENCE : -MOST_EVIDENCE;
	return fmax(-MOST_EVIDENCE, fmin(MOST_EVIDENCE, log(bin->events / bin->expected)));
}

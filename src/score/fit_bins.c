#include <math.h>
#include <stdlib.h>

#include "score/fit.h"

enum { N_SLICES = 20 };

static const double MOST_EVIDENCE = 6;

struct valued { double value; bool is_event; };

static int by_value(const void *a, const void *b)
{
	const struct valued *one = a, *other = b;

	return (one->value > other->value) - (one->value < other->value);
}

static void join(struct fit_bin *into, const struct fit_bin *from)
{
	into->at = (into->at * into->n + from->at * from->n) / (into->n + from->n);
	into->n += from->n;
	into->events += from->events;
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
	size_t least = (n + N_SLICES - 1) / N_SLICES, n_slices = 0;

	for (size_t i = 0; i < n;) {
		struct fit_bin *s = &out[n_slices];
		size_t from = i;
		double sum = 0;

		*s = (struct fit_bin){ 0 };
		for (; i < n && (i - from < least || rows[i].value <= rows[i - 1].value); i++) {
			sum += rows[i].value;
			s->events += rows[i].is_event;
		}
		s->n = (double)(i - from);
		s->at = sum / s->n;
		n_slices++;
	}
	if (n_slices > 1 && out[n_slices - 1].n < (double)least / 2) {
		join(&out[n_slices - 2], &out[n_slices - 1]);
		n_slices--;
	}
	return n_slices;
}

static bool is_violated(const struct fit_bin *left, const struct fit_bin *right, int direction)
{
	return direction * (right->events * left->n - left->events * right->n) < 0;
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

static double log_likelihood(double events, double n)
{
	double others = n - events;

	return (events > 0 ? events * log(events / n) : 0) + (others > 0 ? others * log(others / n) : 0);
}

/* What is lost by no longer telling two bins apart. */
static double loss(const struct fit_bin *left, const struct fit_bin *right)
{
	return log_likelihood(left->events, left->n) + log_likelihood(right->events, right->n) -
	       log_likelihood(left->events + right->events, left->n + right->n);
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

size_t fit_slices(const double *values, const bool *events, size_t n, struct arena *a,
                  struct fit_bin out[FIT_MAX_SLICES], double *out_usual)
{
	struct valued *rows = arena_array(a, n + 1, sizeof *rows);
	size_t n_known = 0, n_events = 0;

	for (size_t i = 0; i < n; i++) {
		if (isnan(values[i]))
			continue;
		rows[n_known++] = (struct valued){ values[i], events[i] };
		n_events += events[i];
	}
	qsort(rows, n_known, sizeof *rows, by_value);
	*out_usual = log(((double)n_events + 0.5) / ((double)(n_known - n_events) + 0.5));
	return slice(rows, n_known, out);
}

void fit_lean(struct fit_bin *bins, size_t n, double usual, const double *prior, double pseudo_rows)
{
	double all = 0;

	for (size_t i = 0; i < n; i++)
		all += bins[i].n;
	for (size_t i = 0; i < n; i++) {
		double some = pseudo_rows * bins[i].n / all;

		bins[i].n += some;
		bins[i].events += some / (1 + exp(-usual - prior[i]));
	}
}

size_t fit_pool(struct fit_bin *bins, size_t n, int direction)
{
	return thin(bins, pool(bins, n, direction));
}

double fit_evidence(const struct fit_bin *bin, double usual)
{
	double others = bin->n - bin->events;

	if (bin->events <= 0 || others <= 0)
		return bin->events > 0 ? MOST_EVIDENCE : -MOST_EVIDENCE;
	return fmax(-MOST_EVIDENCE, fmin(MOST_EVIDENCE, log(bin->events / others) - usual));
}

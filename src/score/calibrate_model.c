#include "calibrate_model.h"

#include <math.h>
#include <string.h>

#include "signal.h"

enum {
	MIN_KNOWN = 50,       /* rows in which a signal is known, and events among them: fewer say nothing of it */
	MIN_KNOWN_EVENTS = 10,
	N_PASSES = 3,         /* over the curves, each given the others */
};

/* How sure the priors are: lost accounts that each twentieth of a prior curve is worth; and as 1 / variance: weights
 * within about a third of 1, the whole within a half. */
static const double PRIOR_EVENTS = 1;
static const double PULL_WEIGHT = 10, PULL_WHOLE = 4;

/* The rows that a model is fitted to, signal by signal, and how much an account repeats itself in them. */
struct subset {
	const struct calibrate_input *in;
	const size_t *rows;
	size_t n;
	double *values; /* n_signals x n, by signal */
	bool *events;
	double *offset;
	double design;  /* rows by account among the events: at least 1 */
};

static double prior_says(const struct calibrate_signal *s, double value)
{
	double strength;

	if (isnan(value))
		return 0;
	strength = s->low == s->high ? value >= s->high : (value - s->low) / (s->high - s->low);
	return fmax(0, fmin(1, strength)) * (s->weight + s->relief) - s->relief;
}

static double value_of(const struct calibrate_input *in, size_t row, size_t signal)
{
	return in->values[row * in->n_signals + signal];
}

static double says(const struct calibrate_input *in, const struct model *m, size_t row, size_t signal)
{
	double value = value_of(in, row, signal);

	return isnan(value) ? 0 : curve_at(&m->curves[signal], value);
}

double model_unfitted(const struct calibrate_input *in, const struct model *m, size_t row)
{
	double sum = 0;

	for (size_t k = 0; k < in->n_signals; k++)
		if (!m->curves[k].n)
			sum += prior_says(&in->signals[k], value_of(in, row, k));
	return sum;
}

double model_fitted(const struct calibrate_input *in, const struct model *m, size_t row)
{
	double sum = m->intercept;

	for (size_t k = 0; k < in->n_signals; k++)
		if (m->curves[k].n)
			sum += says(in, m, row, k);
	return sum;
}

static double rows_by_account(const struct subset *s, struct arena *a)
{
	bool *is_counted = arena_array(a, s->in->n_accounts + 1, sizeof *is_counted);
	double n_rows = 0, n_accounts = 0;

	for (size_t i = 0; i < s->n; i++) {
		uint32_t account = s->in->rows[s->rows[i]].account;

		if (!s->events[i])
			continue;
		n_rows++;
		n_accounts += !is_counted[account];
		is_counted[account] = true;
	}
	return n_accounts > 0 ? n_rows / n_accounts : 1;
}

/* The usual account is the one that was known last: what was thought usual when less was known would only blur a fit to
 * all of it. */
static void take_subset(const struct calibrate_input *in, const size_t *rows, size_t n, struct arena *a,
                        struct subset *s)
{
	*s = (struct subset){ .in = in, .rows = rows, .n = n };
	s->values = arena_array(a, n * in->n_signals + 1, sizeof *s->values);
	s->events = arena_array(a, n + 1, sizeof *s->events);
	s->offset = arena_array(a, n + 1, sizeof *s->offset);
	for (size_t i = 0; i < n; i++) {
		s->events[i] = in->rows[rows[i]].is_event;
		s->offset[i] = in->rows[rows[n - 1]].base_logit;
		for (size_t k = 0; k < in->n_signals; k++)
			s->values[k * n + i] = value_of(in, rows[i], k);
	}
	s->design = rows_by_account(s, a);
}

/* Whether the rows can say anything of a signal. */
static bool is_told(const struct subset *s, size_t signal)
{
	const double *values = s->values + signal * s->n;
	double first = NAN;
	int n_known = 0, n_events = 0;
	bool differs = false;

	for (size_t i = 0; i < s->n; i++) {
		if (isnan(values[i]))
			continue;
		first = isnan(first) ? values[i] : first;
		differs = differs || values[i] < first || values[i] > first;
		n_known++;
		n_events += s->events[i];
	}
	return differs && n_known >= MIN_KNOWN && n_events >= MIN_KNOWN_EVENTS &&
	       s->in->signals[signal].weight + s->in->signals[signal].relief > 0;
}

static void scale_curve(struct curve *c, double by)
{
	for (int i = 0; i < c->n; i++)
		c->logit[i] *= by;
}

/* The prior's straight line, times slope. */
static struct curve line_of(const struct calibrate_signal *s, double slope)
{
	bool is_rising = s->low < s->high;
	double none = -s->relief * slope, full = s->weight * slope;

	return is_rising ? (struct curve){ .n = 2, .at = { s->low, s->high }, .logit = { none, full } } :
	                   (struct curve){ .n = 2, .at = { s->high, s->low }, .logit = { full, none } };
}

/* One slope for all the priors that the rows can judge. */
static void fit_scale(const struct subset *s, struct arena *a, struct model *m)
{
	static const double one[] = { 1 };
	double *x = arena_array(a, s->n + 1, sizeof *x), slope;
	struct fit_problem p = { .x = x, .events = s->events, .offset = s->offset, .n_rows = s->n, .n_columns = 1,
		                     .pull = PULL_WHOLE * s->design, .centre = one, .intercept_pull = PULL_WHOLE * s->design };

	m->intercept = 0;
	for (size_t i = 0; i < s->n; i++)
		x[i] = model_fitted(s->in, m, s->rows[i]);
	fit_logistic(&p, a, &slope, &m->intercept);
	for (size_t k = 0; k < s->in->n_signals; k++)
		scale_curve(&m->curves[k], slope);
}

/* What one signal has to say beyond the others, leaning on what its (scaled) prior says. eta: the logits of the rows
 * without it. */
static struct curve fit_curve(const struct subset *s, size_t signal, const struct curve *prior, const double *eta,
                              struct arena *a)
{
	const struct calibrate_signal *set = &s->in->signals[signal];
	const double *values = s->values + signal * s->n;
	double *chances = arena_array(a, s->n + 1, sizeof *chances), said[FIT_MAX_SLICES];
	struct fit_bin bins[FIT_MAX_SLICES];
	struct curve out = { 0 };
	size_t n;

	for (size_t i = 0; i < s->n; i++)
		chances[i] = isnan(values[i]) ? 0 : 1 / (1 + exp(-eta[i] - curve_at(prior, values[i])));
	n = fit_slices(values, s->events, chances, s->n, a, bins);
	for (size_t i = 0; i < n; i++)
		said[i] = curve_at(prior, bins[i].at);
	fit_lean(bins, n, said, PRIOR_EVENTS * s->design);
	n = fit_pool(bins, n, set->low < set->high ? 1 : -1);
	for (size_t i = 0; i < n; i++) {
		out.at[out.n] = bins[i].at;
		out.logit[out.n++] = fit_evidence(&bins[i]);
	}
	return out;
}

/* All curves in turn, each given what the others say by now. */
static void fit_curves(const struct subset *s, struct arena *a, struct model *m)
{
	size_t n_signals = s->in->n_signals;
	struct curve *priors = arena_memdup(a, m->curves, (n_signals + 1) * sizeof *priors);
	double *eta = arena_array(a, s->n + 1, sizeof *eta);

	for (size_t i = 0; i < s->n; i++)
		eta[i] = s->offset[i] + model_fitted(s->in, m, s->rows[i]);
	for (int pass = 0; pass < N_PASSES; pass++)
		for (size_t k = 0; k < n_signals; k++) {
			if (!m->curves[k].n)
				continue;
			for (size_t i = 0; i < s->n; i++)
				eta[i] -= says(s->in, m, s->rows[i], k);
			m->curves[k] = fit_curve(s, k, &priors[k], eta, a);
			for (size_t i = 0; i < s->n; i++)
				eta[i] += says(s->in, m, s->rows[i], k);
		}
}

/* How far a signal moves the logit of the rows: its variance. */
static double spread_of(const struct subset *s, const struct model *m, size_t signal)
{
	double sum = 0, squares = 0, n = (double)s->n;

	for (size_t i = 0; i < s->n; i++) {
		double x = says(s->in, m, s->rows[i], signal);

		sum += x;
		squares += x * x;
	}
	return squares / n - sum / n * (sum / n);
}

/* Of a family the signals that say most are fitted; the others then say nothing, or they would count twice. */
static void thin_families(const struct subset *s, struct model *m, struct arena *a)
{
	double *spread = arena_array(a, s->in->n_signals + 1, sizeof *spread);

	for (size_t k = 0; k < s->in->n_signals; k++)
		spread[k] = m->curves[k].n ? spread_of(s, m, k) : 0;
	for (size_t k = 0; k < s->in->n_signals; k++) {
		int n_ahead = 0;

		for (size_t other = 0; other < s->in->n_signals; other++)
			n_ahead += s->in->signals[other].family == s->in->signals[k].family &&
			           (spread[other] > spread[k] || (spread[other] >= spread[k] && other < k));
		if (m->curves[k].n && n_ahead >= CALIBRATE_MAX_PER_FAMILY)
			scale_curve(&m->curves[k], 0);
	}
}

/* Puts the curves together: weights that are not negative, pulled to 1. */
static void fit_weights(const struct subset *s, struct arena *a, struct model *m)
{
	size_t n_signals = s->in->n_signals;
	double *x = arena_array(a, s->n * n_signals + 1, sizeof *x);
	double *centre = arena_array(a, n_signals + 1, sizeof *centre);
	double *weights = arena_array(a, n_signals + 1, sizeof *weights);
	struct fit_problem p = { .x = x, .events = s->events, .offset = s->offset, .n_rows = s->n,
		                     .n_columns = n_signals, .pull = PULL_WEIGHT * s->design, .centre = centre,
		                     .intercept_pull = PULL_WHOLE * s->design };

	for (size_t k = 0; k < n_signals; k++)
		centre[k] = 1;
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < n_signals; k++)
			x[i * n_signals + k] = m->curves[k].n ? says(s->in, m, s->rows[i], k) : 0;
	fit_logistic(&p, a, weights, &m->intercept);
	for (size_t k = 0; k < n_signals; k++)
		scale_curve(&m->curves[k], weights[k]);
}

void model_fit(const struct calibrate_input *in, enum calibrate_kind kind, const size_t *rows, size_t n,
               struct arena *a, struct model *out)
{
	struct subset s;

	out->curves = arena_array(a, in->n_signals + 1, sizeof *out->curves);
	out->intercept = 0;
	take_subset(in, rows, n, a, &s);
	for (size_t k = 0; k < in->n_signals; k++)
		if (is_told(&s, k))
			out->curves[k] = line_of(&in->signals[k], 1);
	for (size_t i = 0; i < n; i++)
		s.offset[i] += model_unfitted(in, out, rows[i]);
	fit_scale(&s, a, out);
	if (kind == MODEL_SCALED)
		return;
	fit_curves(&s, a, out);
	thin_families(&s, out, a);
	fit_weights(&s, a, out);
}

void model_settle(const struct calibrate_input *in, const size_t *rows, size_t n, struct arena *a, struct model *m)
{
	double *offset = arena_array(a, n + 1, sizeof *offset), none;
	struct fit_problem p = { .offset = offset, .n_rows = n, .intercept_pull = PULL_WHOLE };
	struct subset s;

	take_subset(in, rows, n, a, &s);
	p.events = s.events;
	m->intercept = 0;
	for (size_t i = 0; i < n; i++)
		offset[i] = s.offset[i] + model_unfitted(in, m, rows[i]) + model_fitted(in, m, rows[i]);
	p.intercept_pull *= s.design;
	fit_logistic(&p, a, &none, &m->intercept);
}

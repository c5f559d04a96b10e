#include <math.h>
#include <string.h>

#include "common/attr.h"
#include "forecast_parts.h"

/* Half-lives in months: what an account's age or size means changes slowly, the level of all faster. */
static const double factor_half_life = 12, level_half_life = 6, spread_half_life = 24;
/* The level of the last months leans on the longer history as if that had been seen in as many events. */
static const double level_pseudo_events = 30;
/* Before anything is seen: shares of accounts a month, and for how many account-months that is believed. */
static const double prior_rate[N_CHANGES] = { 0.02, 0.005, 0.01 };
static const double prior_months = 30;
/* What the end of a term does, before any was seen; believed as if it had been in so many accounts. Nearly all that
 * happens may happen then: it leans on nothing else. */
static const double prior_at_term_end[N_CHANGES] = { 0.1, 0.03, 0.05 }, prior_term_ends = 20;
static const double prior_back = 0.01, prior_gone_months = 20;
/* Rates of churn differ by about a fifth from one time to another in businesses that nothing else is known of, and the
 * fewer changes a rate was learnt from, the further it may be off; believed as if it had been seen for half a year. */
static const double prior_spread = 0.2, prior_spread_months = 6;
static const double most_probable = 0.95;
/* Changes below one in a hundred are none: a rate of exchange, rounding. As in store/outcomes. */
enum { NEGLIGIBLE_PERCENT = 1, PASSES = 4, QUARTER = 3 };

enum dimension { BY_AGE, BY_SIZE, BY_DUE, N_DIMENSIONS };

static const int32_t age_until[N_AGES - 1] = { 0, 1, 2, 5, 11, 23 };   /* months, included */
static const double size_until[N_SIZES - 1] = { 0.25, 1, 4 };          /* of the mean, included */

int forecast_size(int64_t minor, double mean)
{
	int size = 0;

	while (size < N_SIZES - 1 && (double)minor > size_until[size] * mean)
		size++;
	return size;
}

int forecast_cell(int32_t months, int64_t minor, double mean, enum forecast_due due)
{
	int age = 0;

	while (age < N_AGES - 1 && months > age_until[age])
		age++;
	return (age * N_SIZES + forecast_size(minor, mean)) * N_DUES + (int)due;
}

static int band_of(int cell, enum dimension d)
{
	switch (d) {
	case BY_AGE:
		return cell / (N_SIZES * N_DUES);
	case BY_SIZE:
		return cell / N_DUES % N_SIZES;
	case BY_DUE:
	case N_DIMENSIONS:
		break;
	}
	return cell % N_DUES;
}

static int min_int(int a, int b)
{
	return a < b ? a : b;
}

/* Shares that are left are kept by thirty-seconds, gains by eighths of a doubling up to sixteen times. */
static int bin_of(enum forecast_kind kind, double ratio)
{
	if (kind == CHANGE_SHRUNK)
		return min_int((int)(ratio * N_BINS), N_BINS - 1);
	return min_int((int)(8 * log2(ratio)), N_BINS - 1);
}

static void add_move(struct forecast_moves *moves, enum forecast_kind kind, int64_t before, int64_t after, double mean)
{
	const double most = 16, most_weight = 1000;
	double ratio = fmin((double)after / (double)before, most);
	uint64_t weight = (uint64_t)(1000 * fmin((double)before / mean, most_weight)) + 1;
	int bin = bin_of(kind, ratio);

	moves->n_changes++;
	moves->weight[bin] += weight;
	moves->all += weight;
	moves->weighted[bin] += weight * (uint64_t)(1000 * ratio + 0.5);
}

/* -1: nothing to speak of. */
static int change_of(int64_t before, int64_t after)
{
	int64_t little = before / (100 / NEGLIGIBLE_PERCENT);

	if (after == 0)
		return CHANGE_LOST;
	if (after < before - little)
		return CHANGE_SHRUNK;
	if (after - before > little)
		return CHANGE_GROWN;
	return -1;
}

static void count_month(struct forecast_past *past, int month, int cell, int64_t before, int64_t after)
{
	int kind = change_of(before, after);

	past->paying[month][cell]++;
	if (kind < 0)
		return;
	past->changed[kind][month][cell]++;
	past->n_changed[kind]++;
	if (kind != CHANGE_LOST)
		add_move(&past->moves[kind][band_of(cell, BY_SIZE)], (enum forecast_kind)kind, before, after, past->mean);
}

static void count_arrivals(struct forecast_past *past, const int64_t *paid)
{
	int n = past->n_months;

	for (int quarters = 1; quarters <= FORECAST_MAX_QUARTERS; quarters++)
		for (int ago = 0; n - ago - 3 * quarters >= 0; ago++)
			if (paid[n - ago - 3 * quarters] == 0)
				past->arrived[quarters - 1][ago] += paid[n - ago];
}

void forecast_count(struct forecast_past *past, const int64_t *paid, const uint8_t *cells)
{
	int gap = -1; /* not a customer yet */

	for (int m = 0; m < past->n_months; m++) {
		if (paid[m] > 0) {
			count_month(past, m, cells[m], paid[m], paid[m + 1]);
			gap = 0;
		} else if (gap >= 0) {
			past->gone[m][gap]++;
			past->back[m][gap] += paid[m + 1] > 0;
			gap = min_int(gap + 1, N_GAPS - 1);
		}
	}
	count_arrivals(past, paid);
}

/* What is expected of a cell: a base times what its age, its size and its term make of it. */
struct model {
	enum forecast_kind kind;
	double base, factor[N_DIMENSIONS][N_CELLS];
};

static const int n_bands[N_DIMENSIONS] = { N_AGES, N_SIZES, N_DUES };

static double expected(const struct model *m, int cell)
{
	double p = m->base;

	for (int d = 0; d < N_DIMENSIONS; d++)
		p *= m->factor[d][band_of(cell, (enum dimension)d)];
	return p < most_probable ? p : most_probable;
}

static double decay(int months, double half_life)
{
	return exp2(-(double)months / half_life);
}

/* Events over those expected, band by band. Ages and sizes lean on the band before: who has been here for two years is
 * more like who has been here for one than like everybody. */
static void fit_factor(struct model *m, enum dimension d, const double *paying, const double *events)
{
	double foretold[N_CELLS] = { 0 }, happened[N_CELLS] = { 0 }, centre = 1;

	for (int cell = 0; cell < N_CELLS; cell++) {
		int band = band_of(cell, d);

		foretold[band] += paying[cell] * expected(m, cell) / m->factor[d][band];
		happened[band] += events[cell];
	}
	for (int band = 0; band < n_bands[d]; band++) {
		double like = FORECAST_PSEUDO_EVENTS, as_if = FORECAST_PSEUDO_EVENTS * centre;

		if (d == BY_DUE && band == DUE_TERM_ENDS) {
			like = prior_term_ends * m->base;
			as_if = prior_term_ends * prior_at_term_end[m->kind];
		}
		m->factor[d][band] = (happened[band] + as_if) / (foretold[band] + like);
		if (d != BY_DUE)
			centre = m->factor[d][band];
	}
}

static double foretold_of(const struct model *m, const uint32_t *paying)
{
	double sum = 0;

	for (int cell = 0; cell < N_CELLS; cell++)
		if (paying[cell])
			sum += paying[cell] * expected(m, cell);
	return sum;
}

static double sum_of(const uint32_t *counts)
{
	double sum = 0;

	for (int cell = 0; cell < N_CELLS; cell++)
		sum += counts[cell];
	return sum;
}

/* Whether all of it went up or down of late. */
static void fit_level(struct model *m, const struct forecast_past *past, enum forecast_kind kind, int n)
{
	double happened = 0, foretold = 0;

	for (int i = 0; i < n; i++) {
		double weight = decay(n - 1 - i, level_half_life);

		happened += weight * sum_of(past->changed[kind][i]);
		foretold += weight * foretold_of(m, past->paying[i]);
	}
	m->base *= (happened + level_pseudo_events) / (foretold + level_pseudo_events);
}

/* From the first n months. */
static void fit(const struct forecast_past *past, enum forecast_kind kind, int n, struct model *m)
{
	double paying[N_CELLS] = { 0 }, events[N_CELLS] = { 0 }, all = 0, all_events = 0;

	m->kind = kind;
	for (int i = 0; i < n; i++)
		for (int cell = 0; cell < N_CELLS; cell++) {
			double weight = past->paying[i][cell] ? decay(n - 1 - i, factor_half_life) : 0;

			paying[cell] += weight * past->paying[i][cell];
			events[cell] += weight * past->changed[kind][i][cell];
		}
	for (int cell = 0; cell < N_CELLS; cell++) {
		all += paying[cell];
		all_events += events[cell];
	}
	m->base = (all_events + prior_rate[kind] * prior_months) / (all + prior_months);
	for (int d = 0; d < N_DIMENSIONS; d++)
		for (int band = 0; band < N_CELLS; band++)
			m->factor[d][band] = 1;
	for (int pass = 0; pass < PASSES; pass++) {
		double foretold = 0;

		for (int d = 0; d < N_DIMENSIONS; d++)
			fit_factor(m, (enum dimension)d, paying, events);
		for (int cell = 0; cell < N_CELLS; cell++)
			foretold += paying[cell] * expected(m, cell);
		m->base *= (all_events + 1) / (foretold + 1);
	}
	fit_level(m, past, kind, n);
}

static const bool strays[N_STRAINS][N_CHANGES] = {
	[STRAIN_LOSS] = { [CHANGE_LOST] = true, [CHANGE_SHRUNK] = true }, [STRAIN_GROWTH] = { [CHANGE_GROWN] = true }
};

struct strayed { double squares, scale, months; };

/* A month, and what its accounts were foretold to do. */
static void add_strayed(struct strayed *x, const struct forecast_past *past, const struct model models[N_CHANGES],
                        enum forecast_strain strain, int month)
{
	double happened = 0, foretold = 0, weight = decay(past->n_months - 1 - month, spread_half_life) / QUARTER;

	for (int kind = 0; kind < N_CHANGES; kind++) {
		if (!strays[strain][kind])
			continue;
		foretold += foretold_of(&models[kind], past->paying[month]);
		happened += sum_of(past->changed[kind][month]);
	}
	x->squares += weight * ((happened - foretold) * (happened - foretold) - foretold);
	x->scale += weight * foretold * foretold;
	x->months += weight * foretold / (foretold + 1 / (prior_spread * prior_spread));
}

/* Each month is foretold one, two and three months before it, as those of a quarter ahead are; what it strayed by
 * beyond the chance of single accounts (whose variance is the number expected) is what all share. A month in which next
 * to nothing was expected says little: one with 25 events, where chance and the spread that is believed weigh the same,
 * counts half. */
static void learn_spread(const struct forecast_past *past, struct forecast_rates *out)
{
	struct strayed all[N_STRAINS] = { 0 };

	for (int known = FORECAST_MIN_MONTHS; known < past->n_months; known++) {
		struct model models[N_CHANGES];

		for (int kind = 0; kind < N_CHANGES; kind++)
			fit(past, (enum forecast_kind)kind, known, &models[kind]);
		for (int month = known; month < known + QUARTER && month < past->n_months; month++)
			for (int strain = 0; strain < N_STRAINS; strain++)
				add_strayed(&all[strain], past, models, (enum forecast_strain)strain, month);
	}
	for (int strain = 0; strain < N_STRAINS; strain++) {
		const struct strayed *x = &all[strain];
		double n_seen = 1, variance;

		for (int kind = 0; kind < N_CHANGES; kind++)
			n_seen += strays[strain][kind] ? (double)past->n_changed[kind] : 0;
		variance = prior_spread_months * (prior_spread * prior_spread + 1 / n_seen);
		if (x->squares > 0)
			variance += x->months * x->squares / x->scale;
		out->spread[strain] = sqrt(variance / (prior_spread_months + x->months));
	}
}

static void learn_back(const struct forecast_past *past, struct forecast_rates *out)
{
	for (int gap = 0; gap < N_GAPS; gap++) {
		double gone = prior_gone_months, back = prior_back * prior_gone_months;

		for (int m = 0; m < past->n_months; m++) {
			double weight = decay(past->n_months - 1 - m, factor_half_life);

			gone += weight * past->gone[m][gap];
			back += weight * past->back[m][gap];
		}
		out->back[gap] = back / gone;
	}
}

/* Before anything is seen a change takes or adds a quarter. */
static void learn_moves(const struct forecast_past *past, struct forecast_rates *out)
{
	memcpy(out->moves, past->moves, sizeof out->moves);
	memset(out->all, 0, sizeof out->all);
	for (int kind = CHANGE_SHRUNK; kind < N_CHANGES; kind++) {
		struct forecast_moves *all = &out->all[kind];

		add_move(all, (enum forecast_kind)kind, 4, kind == CHANGE_SHRUNK ? 3 : 5, 4);
		for (int size = 0; size < N_SIZES; size++)
			for (int bin = 0; bin < N_BINS; bin++) {
				all->weight[bin] += past->moves[kind][size].weight[bin];
				all->all += past->moves[kind][size].weight[bin];
				all->weighted[bin] += past->moves[kind][size].weighted[bin];
			}
	}
}

void forecast_learn(const struct forecast_past *past, struct forecast_rates *out)
{
	for (int kind = 0; kind < N_CHANGES; kind++) {
		struct model model;

		fit(past, (enum forecast_kind)kind, past->n_months, &model);
		for (int cell = 0; cell < N_CELLS; cell++)
			out->hazard[kind][cell] = -log1p(-expected(&model, cell));
	}
	learn_spread(past, out);
	learn_back(past, out);
	learn_moves(past, out);
}

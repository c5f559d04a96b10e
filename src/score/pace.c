#include "pace.h"

#include <math.h>
#include <string.h>

#include "judge.h"

enum {
	BASELINE_FROM = 4, BASELINE_TO = 12, /* weeks back; the recent past must not be its own yardstick */
	RECENT_WEEKS = 4,
	FEATURE_DAYS = 28, KNOWN_DAYS = 180,
	ABREAST = 4,                         /* metrics */
	GONE_DAYS = FACTS_DAYS - 56,         /* longer than a year: who comes once a year is not gone */
	REGULAR_USES = 4,                    /* expected in FEATURE_DAYS: fewer may well be none by chance */
};

static const double HALF_LIFE = 90;  /* days, of a baseline */
static const double MOST = 1.5;      /* a metric that rises can make up for so much of another's fall */
static const double RISEN = 1.3, FALLEN = 0.7; /* square roots: 1.7 times as much, half as much */

/* The weeks before those that a baseline begins in, weighed and added up: of metrics abreast, as each sum waits for the
 * one before it. A series has nothing but 0 from its end on. */
static void add_tails(double series[ABREAST][NORM_WEEKS], double tails[ABREAST])
{
	const double decay = exp2(-7 / HALF_LIFE);
	double sums[ABREAST] = { 0 };

	for (int from = NORM_WEEKS - 1; from > BASELINE_TO; from--)
		for (int k = 0; k < ABREAST; k++)
			sums[k] = series[k][from] + decay * sums[k];
	memcpy(tails, sums, sizeof sums);
}

/* The account's own usual: of the means that begin one to three months ago and halve every 90 days back from there, the
 * best, so that it holds through a decline and a silence instead of sinking with them. sum: its tail. */
static double baseline_of(const double weights[NORM_WEEKS + 1], const double series[NORM_WEEKS], int weeks, double sum)
{
	const double decay = exp2(-7 / HALF_LIFE);
	double best = 0;

	for (int from = weeks - 1 < BASELINE_TO ? weeks - 1 : BASELINE_TO; from >= BASELINE_FROM; from--) {
		double mean;

		sum = series[from] + decay * sum;
		mean = sum / weights[weeks - from];
		if (from + RECENT_WEEKS <= weeks && mean > best)
			best = mean;
	}
	return best;
}

void pace_weigh(double out[NORM_WEEKS + 1])
{
	const double decay = exp2(-7 / HALF_LIFE);

	out[0] = 0;
	for (int w = 0; w < NORM_WEEKS; w++)
		out[w + 1] = 1 + decay * out[w];
}

static void add_feature(const struct fact_days *days, const char *name, struct pace *p)
{
	int now = fact_days_count(days, 0, FEATURE_DAYS), before = fact_days_count(days, FEATURE_DAYS, KNOWN_DAYS);
	bool is_regular = before * FEATURE_DAYS >= REGULAR_USES * (KNOWN_DAYS - FEATURE_DAYS);

	p->n_regular += is_regular;
	p->n_taken_up += !before && now >= REGULAR_USES;
	if (!is_regular || now)
		return;
	if (p->n_dropped < (int)ARRAY_LEN(p->dropped))
		p->dropped[p->n_dropped] = name;
	p->n_dropped++;
}

/* Weeks against their baseline, the last ones without the season, added to the index. */
static void add_parts(const double *restrict series, double baseline, const double *restrict roots, int weeks,
                      double *restrict index)
{
	int seasonal = weeks < SEASON_WEEKS ? weeks : SEASON_WEEKS;

	for (int w = 0; w < seasonal; w++) {
		double part = series[w] / baseline / roots[w];

		index[w] += part < MOST ? part : MOST;
	}
	for (int w = seasonal; w < weeks; w++) {
		double part = series[w] / baseline;

		index[w] += part < MOST ? part : MOST;
	}
}

/* A metric against its own baseline, added to the index. Returns how it goes: 1 rises, -1 falls, 0 neither. */
static int add_metric(const struct context *c, size_t m, const double series[NORM_WEEKS], int weeks, double tail,
                      struct pace *p, int *n)
{
	const double *season = c->norms->volume[m], *root = c->norms->roots[m];
	double baseline = baseline_of(c->judge->pace_weights, series, weeks, tail), recent = 0;

	for (int w = 0; w < RECENT_WEEKS; w++)
		recent += series[w] / root[w] / RECENT_WEEKS;
	if (baseline <= 0)
		return recent > 0 && weeks >= RECENT_WEEKS - 1 && weeks < BASELINE_FROM + RECENT_WEEKS;
	if (c->base->metrics[m].is_activity) {
		add_parts(series, baseline, root, weeks, p->index);
		for (int w = 0; w < PACE_WEEKS; w++)
			p->season[w] += season[w];
		++*n;
	}
	return recent > RISEN * baseline ? 1 : recent < FALLEN * baseline ? -1 : 0;
}

/* Logins fall while something else rises: where they are at work as many days as ever, they have moved, not left. */
static void follow_move(const struct context *c, const struct fact_days *all, int weeks, struct pace *p)
{
	double series[ABREAST][NORM_WEEKS] = { { 0 } }, tails[ABREAST], *days = series[0], baseline;

	for (int w = 0; w < weeks; w++)
		days[w] = days_in_week(all, w);
	add_tails(series, tails);
	baseline = baseline_of(c->judge->pace_weights, days, weeks, tails[0]);
	for (int w = 0; w < PACE_WEEKS && baseline > 0; w++) {
		double share = days[w] / baseline / season_between(c->norms, 7 * w, 7 * w + 7);

		share = share < 1 ? share : 1;
		p->index[w] = p->index[w] > share ? p->index[w] : share;
	}
	p->days = *all;
}

/* Whether it counts people, not what they do. */
static bool is_headcount(const struct context *c, size_t m)
{
	const char *users = c->settings->users_metric, *name = c->base->metrics[m].name;

	return users && *users == *name && strcmp(users, name) == 0;
}

/* What the metrics say together. */
struct together {
	struct fact_days all; /* days with anything of any metric */
	const char *riser;
	bool has_fallen;
	int n; /* metrics in the index */
};

/* Square roots of the weeks, from the whole ones on 0. Returns how many those are. */
static int take_roots(const struct fact_series *use, double roots[NORM_WEEKS])
{
	int weeks = (fact_days_first(&use->active) + 1) / 7;

	for (int w = 0; w < NORM_WEEKS; w++)
		roots[w] = sqrt(use->weeks[w]);
	if (weeks > BASELINE_TO && weeks < NORM_WEEKS)
		roots[weeks] = 0; /* it began within that week, and there is none before */
	return weeks;
}

static void take_metric(const struct context *c, size_t m, const double roots[NORM_WEEKS], int weeks, double tail,
                        struct pace *p, struct together *t)
{
	const struct fact_series *use = c->account->usage[m];
	int way = add_metric(c, m, roots, weeks, tail, p, &t->n);

	p->weekly[m] = use->weeks;
	if (c->base->metrics[m].is_activity) {
		add_feature(&use->active, c->base->metrics[m].name, p);
		p->weeks = weeks > p->weeks ? weeks : p->weeks;
	}
	if (is_headcount(c, m))
		return;
	for (int w = 0; w < FACTS_DAYS / 64; w++)
		t->all.words[w] |= use->active.words[w];
	t->riser = way > 0 && !t->riser ? c->base->metrics[m].name : t->riser;
	t->has_fallen = t->has_fallen || way < 0;
}

/* As many metrics as go abreast, from the first. */
static void take_metrics(const struct context *c, size_t first, struct pace *p, struct together *t)
{
	LATER_SET double roots[ABREAST][NORM_WEEKS];
	double tails[ABREAST];
	int weeks[ABREAST];

	for (size_t k = 0; k < ABREAST; k++)
		if (first + k < c->base->n_metrics && c->account->usage[first + k])
			weeks[k] = take_roots(c->account->usage[first + k], roots[k]);
		else
			memset(roots[k], 0, sizeof roots[k]);
	add_tails(roots, tails);
	for (size_t k = 0; k < ABREAST && first + k < c->base->n_metrics; k++)
		if (c->account->usage[first + k])
			take_metric(c, first + k, roots[k], weeks[k], tails[k], p, t);
}

static void read_pace(const struct context *c, struct pace *p)
{
	struct together t = { .all = c->account->active };

	p->weekly = arena_array(c->arena, c->base->n_metrics, sizeof *p->weekly);
	for (size_t first = 0; first < c->base->n_metrics; first += ABREAST)
		take_metrics(c, first, p, &t);
	p->weeks = t.n ? p->weeks : 0;
	for (int w = 0; w < p->weeks; w++)
		p->index[w] /= t.n;
	for (int w = 0; w < PACE_WEEKS; w++)
		p->season[w] = t.n ? p->season[w] / t.n : 1;
	if (!t.riser || !p->weeks)
		return;
	/* Whether or not something fell: or a further fall would look like a move, and better than none. */
	follow_move(c, &t.all, p->weeks, p);
	p->moved_to = t.has_fallen ? metric_words(c->arena, t.riser) : NULL;
}

const struct pace *pace_of(const struct context *c)
{
	struct pace *p = c->pace;
	int last;

	if (!p->is_read) {
		p->days = c->account->active;
		if (c->account->gone_days && fact_days_last(&p->days) < 0)
			fact_days_add(&p->days, FACTS_DAYS - 1); /* as long ago as the window goes */
		read_pace(c, p);
		for (int w = 0; w < NORM_WEEKS; w++)
			p->sums[w + 1] = p->sums[w] + (w < p->weeks ? p->index[w] : 0);
		last = fact_days_last(&p->days);
		p->idle_weeks = last < 0 ? NORM_WEEKS : last / 7;
		p->gone_days = last < GONE_DAYS ? 0 : c->account->gone_days ? c->account->gone_days : last;
		p->is_read = true;
	}
	return p;
}

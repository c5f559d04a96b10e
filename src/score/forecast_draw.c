#include <math.h>
#include <stdlib.h>

#include "forecast_parts.h"

static const double tau = 6.283185307179586;
enum { WORK = 60000000 }; /* accounts times draws: a second or two */

uint64_t forecast_random(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

double forecast_uniform(uint64_t *state)
{
	return (double)(forecast_random(state) >> 11) * 0x1p-53;
}

/* Box and Muller's. */
static double normal(uint64_t *state)
{
	double u = 1 - forecast_uniform(state);

	return sqrt(-2 * log(u)) * cos(tau * forecast_uniform(state));
}

/* Half of the variance stays for all quarters (the level was wrong), half is each quarter's own; the mean is 1. All
 * quarters are drawn, so that what is said of one does not depend on how many were asked for. */
static void draw_strays(struct forecast_lives *l, enum forecast_strain strain)
{
	double spread = l->rates->spread[strain], part = spread / sqrt(2), *stray = l->stray[strain];
	uint64_t state = strain + 1;

	for (int draw = 0; draw < l->n_draws; draw++) {
		double level = part * normal(&state);

		for (int q = 0; q < FORECAST_MAX_QUARTERS; q++) {
			double own = part * normal(&state);

			if (q < l->n_quarters)
				stray[draw * l->n_quarters + q] = exp(level + own - spread * spread / 2);
		}
	}
}

void forecast_lives_begin(struct forecast_lives *l, const struct forecast_rates *rates,
                          const struct forecast_start *start, int n_quarters, struct arena *a)
{
	size_t draws = WORK / (size_t)(start->n_people + 1), n, year;

	draws = draws > FORECAST_DRAWS ? FORECAST_DRAWS : draws < FORECAST_MIN_DRAWS ? FORECAST_MIN_DRAWS : draws;
	n = draws * (size_t)n_quarters;
	year = draws * YEARS_BEGUN;
	*l = (struct forecast_lives){ .rates = rates, .mean = start->mean,
		.most_gain = (INT64_MAX - start->minor) / (start->n_people + 1),
		.n_draws = (int)draws, .n_quarters = n_quarters,
		.end = arena_array(a, n, sizeof *l->end), .kept = arena_array(a, n, sizeof *l->kept),
		.year_end = arena_array(a, year, sizeof *l->year_end),
		.year_kept = arena_array(a, year, sizeof *l->year_kept) };
	for (int strain = 0; strain < N_STRAINS; strain++) {
		l->stray[strain] = arena_array(a, n, sizeof **l->stray);
		draw_strays(l, (enum forecast_strain)strain);
	}
}

static const enum forecast_strain strain_of[N_CHANGES] = {
	[CHANGE_LOST] = STRAIN_LOSS, [CHANGE_SHRUNK] = STRAIN_LOSS, [CHANGE_GROWN] = STRAIN_GROWTH
};

/* What is expected of one account in each month, as any draw strays from it. */
struct prospect {
	double hazard[N_CHANGES][MOST_STEPS];
	double quarter[N_STRAINS][FORECAST_MAX_QUARTERS]; /* the same by quarter */
};

/* What a score says of an account grows old: half of it, as a logarithm, holds in the second quarter, a quarter in the
 * third. */
static void look_ahead(const struct forecast_lives *l, const struct forecast_person *p, struct prospect *out)
{
	double lean[N_STRAINS] = { p->lean[STRAIN_LOSS], p->lean[STRAIN_GROWTH] };

	*out = (struct prospect){ 0 };
	for (int m = 0; m < 3 * l->n_quarters; m++) {
		for (int kind = 0; kind < N_CHANGES; kind++) {
			double hazard = l->rates->hazard[kind][p->cells[m]] * lean[strain_of[kind]];

			out->hazard[kind][m] = hazard;
			out->quarter[strain_of[kind]][m / 3] += hazard;
		}
		for (int strain = 0; m % 3 == 2 && strain < N_STRAINS; strain++)
			lean[strain] = sqrt(lean[strain]);
	}
}

/* The share that a past change of the account's own size left, or one of any while few of its size were seen. */
static double draw_move(const struct forecast_rates *r, enum forecast_kind kind, int size, uint64_t *state)
{
	const struct forecast_moves *own = &r->moves[kind][size];
	bool is_own = forecast_uniform(state) * (own->n_changes + FORECAST_PSEUDO_EVENTS) < own->n_changes;
	const struct forecast_moves *moves = is_own ? own : &r->all[kind];
	uint64_t at = (uint64_t)(forecast_uniform(state) * (double)moves->all);
	int bin = 0;

	while (bin < N_BINS - 1 && at >= moves->weight[bin])
		at -= moves->weight[bin++];
	return moves->weight[bin] ? (double)moves->weighted[bin] / (double)moves->weight[bin] / 1000 : 1;
}

/* One account in one draw. */
struct life {
	int64_t most;         /* that it may ever pay */
	int64_t paid, before; /* before: what it paid until it left */
	int gap;              /* months since it left; -1: it is there */
	double patience;      /* hazard that it still lives through without a change */
	uint64_t *state;
};

static double new_patience(uint64_t *state)
{
	return -log1p(-forecast_uniform(state));
}

static void leave(struct life *x)
{
	x->before = x->paid;
	x->paid = 0;
	x->gap = 0;
}

static void change(const struct forecast_lives *l, struct life *x, const double hazards[N_CHANGES], double all)
{
	double at = forecast_uniform(x->state) * all, paid;
	int kind = 0;

	while (kind < N_CHANGES - 1 && at >= hazards[kind])
		at -= hazards[kind++];
	x->patience = new_patience(x->state);
	if (kind == CHANGE_LOST) {
		leave(x);
		return;
	}
	paid = (double)x->paid * draw_move(l->rates, (enum forecast_kind)kind, forecast_size(x->paid, l->mean), x->state);
	x->paid = paid < 1 ? 1 : paid < (double)x->most ? llround(paid) : x->most;
}

static void live_month(const struct forecast_lives *l, struct life *x, const struct prospect *ahead, int draw,
                       int month)
{
	double hazards[N_CHANGES], all = 0;

	if (x->gap >= 0) {
		if (forecast_uniform(x->state) < l->rates->back[x->gap < N_GAPS ? x->gap : N_GAPS - 1]) {
			x->paid = x->before;
			x->gap = -1;
		} else {
			x->gap++;
		}
		return;
	}
	for (int kind = 0; kind < N_CHANGES; kind++) {
		hazards[kind] = ahead->hazard[kind][month] * l->stray[strain_of[kind]][draw * l->n_quarters + month / 3];
		all += hazards[kind];
	}
	if (x->patience < all)
		change(l, x, hazards, all);
	else
		x->patience -= all;
}

/* What was given notice of goes on its day, whatever else happens. */
static void give_notice(struct life *x, const struct forecast_person *p, int month)
{
	if (p->leaving[month] == 0 || x->gap >= 0)
		return;
	if (x->paid > p->leaving[month])
		x->paid -= p->leaving[month];
	else
		leave(x);
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void end_quarter(struct forecast_lives *l, const struct forecast_person *p, int quarter, int draw, int64_t paid)
{
	int at = quarter * l->n_draws + draw;

	l->end[at] += paid - p->paid;
	l->kept[at] += smaller(paid, p->paid) - p->paid;
	if (quarter < YEARS_BEGUN && p->year[quarter] > 0) {
		l->year_end[at] += paid - p->paid;
		l->year_kept[at] += smaller(paid, p->year[quarter]) - smaller(p->paid, p->year[quarter]);
	}
}

static double hazard_in(const struct forecast_lives *l, const struct prospect *ahead, int quarter, int draw)
{
	int at = draw * l->n_quarters + quarter;

	return ahead->quarter[STRAIN_LOSS][quarter] * l->stray[STRAIN_LOSS][at] +
	       ahead->quarter[STRAIN_GROWTH][quarter] * l->stray[STRAIN_GROWTH][at];
}

/* A quarter in which nothing happens is passed in one step. */
static void live(struct forecast_lives *l, const struct forecast_person *p, const struct prospect *ahead, int draw,
                 struct life *x)
{
	for (int quarter = 0; quarter < l->n_quarters; quarter++) {
		double all = hazard_in(l, ahead, quarter, draw);
		bool is_noticed = (p->notices >> 3 * quarter & 7) != 0;

		if (x->gap < 0 && !is_noticed && x->patience >= all) {
			x->patience -= all;
			if (x->paid != p->paid)
				end_quarter(l, p, quarter, draw, x->paid);
			continue;
		}
		for (int month = 3 * quarter; month < 3 * quarter + 3; month++) {
			give_notice(x, p, month);
			live_month(l, x, ahead, draw, month);
		}
		end_quarter(l, p, quarter, draw, x->paid);
	}
}

/* Most accounts live through most draws without a change. -log(1 - u) >= u, so that those whose u is not below the
 * whole hazard need nothing further. Every draw begins with a state of its own (the step is Steele and Vigna's). */
void forecast_live(struct forecast_lives *l, const struct forecast_person *p)
{
	struct prospect ahead;

	look_ahead(l, p, &ahead);
	for (int draw = 0; draw < l->n_draws; draw++) {
		uint64_t state = p->seed + (uint64_t)draw * UINT64_C(0xd1342543de82ef95);
		double all = 0, u = forecast_uniform(&state);

		for (int quarter = 0; quarter < l->n_quarters; quarter++)
			all += hazard_in(l, &ahead, quarter, draw);
		if (u >= all && p->notices == 0)
			continue;
		live(l, p, &ahead, draw,
		     &(struct life){ .most = p->paid + l->most_gain, .paid = p->paid, .gap = -1, .patience = -log1p(-u),
		                     .state = &state });
	}
}

static int compare_minor(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

void forecast_quantiles(int64_t *draws, int n_draws, int64_t out[N_FORECAST_QUANTILES])
{
	static const double places[N_FORECAST_QUANTILES] = { 0.1, 0.5, 0.9 };

	qsort(draws, (size_t)n_draws, sizeof *draws, compare_minor);
	for (int i = 0; i < N_FORECAST_QUANTILES; i++)
		out[i] = draws[(int)(places[i] * (n_draws - 1) + 0.5)];
}

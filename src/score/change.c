#include <math.h>
#include <string.h>

#include "score/explain.h"
#include "signal.h"
#include "units.h"

enum { HALVINGS = 30 };

struct asked { const struct score_settings *settings; struct arena *arena; };

static int band_now(const struct asked *c, enum score_engine engine, const struct verdict *v, struct reading *copy)
{
	double families[N_FAMILIES], logit;
	int band, n_families;

	logit = verdict_sum(c->settings, v->base_logit, copy, v->n_readings, families);
	band = band_of(&c->settings->bands, engine, exp(logit - v->base_logit), v->band);
	if (engine == ENGINE_DEFENSE && band > 1 && !verdict_converges(copy, v->n_readings, families, &n_families))
		band = 1;
	if (engine == ENGINE_DEFENSE && !verdict_lead(&(struct verdict){ .readings = copy, .n_readings = v->n_readings }))
		band = 0;
	return band;
}

/* The band if one reading had another value. */
static int band_with(const struct asked *c, enum score_engine engine, const struct verdict *v, struct reading *copy,
                     size_t at, double value)
{
	memcpy(copy, v->readings, v->n_readings * sizeof *copy);
	copy[at].value = value;
	reading_weigh(&copy[at]);
	copy[at].is_hard = copy[at].is_hard && copy[at].strength > 0;
	return band_now(c, engine, v, copy);
}

/* The band if all that some families say were as usual. */
static int band_without(const struct asked *c, enum score_engine engine, const struct verdict *v, struct reading *copy,
                        unsigned families)
{
	memcpy(copy, v->readings, v->n_readings * sizeof *copy);
	for (size_t i = 0; i < v->n_readings; i++)
		if (families >> copy[i].family & 1) {
			copy[i].said = 0;
			copy[i].is_hard = false;
		}
	return band_now(c, engine, v, copy);
}

/* What families of a set add; below 0 when one of them adds nothing. */
static double sum_of(const struct verdict *v, unsigned families)
{
	double sum = 0;

	for (int f = 0; f < N_FAMILIES; f++)
		if (families >> f & 1) {
			if (v->families[f] <= 0)
				return -1;
			sum += v->families[f];
		}
	return sum;
}

/* The fewest families, and of as many those that say least, that would lower the band if all of them were as usual; 0
 * when none would. */
static unsigned families_needed(const struct asked *c, enum score_engine engine, const struct verdict *v,
                                struct reading *copy, int *out_band)
{
	unsigned found = 0;

	for (unsigned set = 1; set < 1U << N_FAMILIES; set++) {
		int n = __builtin_popcount(set), least = __builtin_popcount(found), band;
		double sum = sum_of(v, set);

		if (sum < 0 || (found && (n > least || (n == least && sum >= sum_of(v, found)))))
			continue;
		band = band_without(c, engine, v, copy, set);
		if (band < v->band) {
			found = set;
			*out_band = band;
		}
	}
	return found;
}

/* "relationship and usage" */
static const char *families_words(unsigned families, struct arena *a)
{
	const char *words = "";
	int left = __builtin_popcount(families);

	for (int f = 0; f < N_FAMILIES; f++)
		if (families >> f & 1)
			words = arena_printf(a, "%s%s%s", words, family_names[f], --left > 1 ? ", " : left ? " and " : "");
	return words;
}

/* Where a reading says least (or most) for the score. */
static double end_of(const struct reading *r, bool is_most)
{
	const struct curve *c = r->curve;
	bool rises;

	if (!c)
		return is_most ? r->high : r->low;
	rises = c->logit[c->n - 1] >= c->logit[0];
	return rises == is_most ? c->at[c->n - 1] : c->at[0];
}

/* The value at which one reading makes another band, between where it is and an end; NAN when even the end does not. */
static double value_needed(const struct asked *c, enum score_engine engine, const struct verdict *v,
                           struct reading *copy, size_t at, double end)
{
	double stays = v->readings[at].value, moves = end;

	if (band_with(c, engine, v, copy, at, end) == v->band)
		return NAN;
	for (int i = 0; i < HALVINGS; i++) {
		double mid = (stays + moves) / 2;

		if (band_with(c, engine, v, copy, at, mid) == v->band)
			stays = mid;
		else
			moves = mid;
	}
	return moves;
}

/* What a fact's coming or going would do; NULL when nothing. */
static const char *change_by_fact(const struct asked *c, enum score_engine engine, const struct verdict *v,
                                  struct reading *copy, bool is_up)
{
	for (size_t i = 0; i < v->n_readings; i++) {
		const struct reading *r = &v->readings[i];
		bool is_there = r->strength > 0;
		int band;

		if (!r->fact || !r->is_known || is_there == is_up)
			continue;
		band = band_with(c, engine, v, copy, i, end_of(r, is_up));
		if (is_up ? band > v->band : band < v->band)
			return arena_printf(c->arena, is_there ? "without %s the band would be %s" : "%s would make the band %s",
			                    r->fact, score_band_words(engine, band));
	}
	return NULL;
}

/* The reading that has the least way to go, as a share of its range; best is NULL while none gets there. */
struct nearest {
	const struct reading *best;
	double way, at; /* at: the value it has to go to */
};

static void come_nearer(struct nearest *n, const struct reading *r, double needed)
{
	double way = fabs(needed - r->value) / fabs(r->high - r->low);

	if (!isnan(needed) && (!n->best || way < n->way))
		*n = (struct nearest){ r, way, needed };
}

static const char *nearest_words(const struct asked *c, enum score_engine engine, const struct verdict *v,
                                 struct reading *copy, const struct nearest *n)
{
	struct unit unit = unit_of(n->best->name, c->arena);
	double at = unit_round(&unit, n->at, n->best->value);
	int band = band_with(c, engine, v, copy, (size_t)(n->best - v->readings), at);

	return arena_printf(c->arena, "%s at %s instead of %s%s would make the band %s", unit.what,
	                    unit_text(&unit, at, c->arena), unit_text(&unit, n->best->value, c->arena), unit.of,
	                    score_band_words(engine, band));
}

/* The one reading of degree that has the least way to go to a higher (or lower) band, as a share of its range; NULL
 * when none gets there. */
static const char *change_by_degree(const struct asked *c, enum score_engine engine, const struct verdict *v,
                                    struct reading *copy, bool is_up)
{
	struct nearest nearest = { .best = NULL };

	for (size_t i = 0; i < v->n_readings; i++) {
		const struct reading *r = &v->readings[i];

		if (r->is_known && !r->fact && unit_of(r->name, c->arena).kind != UNIT_NONE)
			come_nearer(&nearest, r, value_needed(c, engine, v, copy, i, end_of(r, is_up)));
	}
	return nearest.best ? nearest_words(c, engine, v, copy, &nearest) : NULL;
}

/* The least that would bring it one band down: of one signal, a fact, or all of some families. */
static const char *change_down(const struct asked *c, enum score_engine engine, const struct verdict *v,
                               struct reading *copy)
{
	const char *by_one = change_by_degree(c, engine, v, copy, false);
	unsigned families;
	int band = 0;

	if (!by_one)
		by_one = change_by_fact(c, engine, v, copy, false);
	if (by_one)
		return by_one;
	families = families_needed(c, engine, v, copy, &band);
	return !families ? "nothing would lower the band" :
	                   arena_printf(c->arena, "no single signal; all of %s as usual would make the band %s",
	                                families_words(families, c->arena), score_band_words(engine, band));
}

/* What would have to be asked for, and how much, so that there is something to offer; NULL when no single one does. */
static const char *change_by_demand(const struct asked *c, const struct verdict *v, struct reading *copy)
{
	struct nearest nearest = { .best = NULL };

	for (size_t i = 0; i < v->n_readings; i++) {
		const struct reading *r = &v->readings[i];
		double demand = r->low + DEMAND_FROM * (r->high - r->low), needed;

		if (!r->is_known || is_ground(r->name) || unit_of(r->name, c->arena).kind == UNIT_NONE)
			continue;
		needed = value_needed(c, ENGINE_EXPANSION, v, copy, i, end_of(r, true));
		if (fabs(needed - r->value) < fabs(demand - r->value))
			needed = demand;
		come_nearer(&nearest, r, needed);
	}
	if (!nearest.best)
		return NULL;
	return arena_printf(c->arena, "a demand: %s", nearest_words(c, ENGINE_EXPANSION, v, copy, &nearest));
}

static const char *change_up(const struct asked *c, enum score_engine engine, const struct verdict *v,
                             struct reading *copy)
{
	const char *by_one = change_by_degree(c, engine, v, copy, true);

	return by_one ? by_one : change_by_fact(c, engine, v, copy, true);
}

static void say_change(const struct asked *c, enum score_engine engine, struct verdict *v)
{
	struct reading *copy = arena_array(c->arena, v->n_readings + 1, sizeof *copy);
	const char *down, *up;

	if (v->score < 0 || v->is_held || (engine == ENGINE_EXPANSION && v->is_blocked)) {
		const char *demand = v->band_why == NO_DEMAND ? change_by_demand(c, v, copy) : NULL;

		v->change = v->score < 0 ? "not enough is known" :
		            v->is_held   ? "the source has to come through first" :
		            demand       ? demand :
		                           v->band_why;
		return;
	}
	down = v->band > 0 ? change_down(c, engine, v, copy) : NULL;
	up = v->band < 2 ? change_up(c, engine, v, copy) : NULL;
	v->change = down && up ? arena_printf(c->arena, "%s; %s", down, up) :
	            down       ? down :
	            up         ? up :
	                         "no single signal would raise the band";
}

void score_changes(const struct score_settings *settings, struct arena *a, struct diagnosis *d)
{
	const struct asked asked = { settings, a };

	for (int engine = 0; engine < N_ENGINES; engine++)
		if (override_decides(&d->verdicts[engine]))
			d->verdicts[engine].change = "the end of the override, or retaind override --clear";
		else
			say_change(&asked, (enum score_engine)engine, &d->verdicts[engine]);
}

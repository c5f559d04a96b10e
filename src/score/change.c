#include <math.h>
#include <string.h>

#include "signal.h"

enum { HALVINGS = 30 };

/* The band if one reading had another strength. */
static int band_with(const struct context *c, enum score_engine engine, const struct verdict *v, struct reading *copy, size_t at, double strength)
{
	double families[N_FAMILIES], score;
	int band, n_families;

	memcpy(copy, v->readings, v->n_readings * sizeof *copy);
	copy[at].strength = strength;
	copy[at].is_hard = copy[at].is_hard && strength > 0;
	score = verdict_sum(c->settings, engine, copy, v->n_readings, families);
	band = band_of(&c->settings->bands, engine, score, v->band);
	if (engine == ENGINE_DEFENSE && band > 1 && !verdict_converges(copy, v->n_readings, families, &n_families))
		band = 1;
	return band;
}

/* How far one reading must move for another band, between where it is and an end; NAN when even the end does not do. */
static double strength_needed(const struct context *c, enum score_engine engine, const struct verdict *v, struct reading *copy, size_t at, double end)
{
	double stays = v->readings[at].strength, moves = end;

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

void verdict_change(const struct context *c, enum score_engine engine, struct verdict *v)
{
	struct reading *copy = arena_array(c->arena, v->n_readings + 1, sizeof *copy);
	double end = v->band > 0 ? 0 : 1, best = 0, best_move = 2;
	const struct reading *r = NULL;
	size_t best_at = 0;

	v->change = "no single signal would move the band";
	if (v->score < 0 || v->is_held || (engine == ENGINE_EXPANSION && v->is_blocked)) {
		v->change = v->score < 0 ? "not enough is known" : v->is_held ? "the source has to come through first" : v->band_why;
		return;
	}
	for (size_t i = 0; i < v->n_readings; i++) {
		double needed = v->readings[i].is_known ? strength_needed(c, engine, v, copy, i, end) : NAN;

		if (isnan(needed) || fabs(needed - v->readings[i].strength) >= best_move)
			continue;
		best_move = fabs(needed - v->readings[i].strength);
		best = needed;
		best_at = i;
		r = &v->readings[i];
	}
	if (!r)
		return;
	v->change = arena_printf(c->arena, "%s from %.2f to %.2f would make it %s", r->name, r->value, r->low + best * (r->high - r->low),
	                         score_band_name(engine, band_with(c, engine, v, copy, best_at, best)));
}

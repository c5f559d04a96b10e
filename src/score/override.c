#include <string.h>

#include "signal.h"

static const char OVERRIDE[] = "override";

/* The last one that was made, where two accounts became one that had one each. */
static const struct fact_override *override_of(const struct fact_account *f, enum score_engine engine)
{
	const struct fact_override *found = NULL;

	for (size_t i = 0; i < f->n_overrides; i++)
		if (strcmp(f->overrides[i].engine, engine_names[engine]) == 0)
			found = &f->overrides[i];
	return found;
}

bool override_decides(const struct verdict *v)
{
	return v->override && !v->overruled_by;
}

static const struct reading *latest_fact(const struct verdict *v)
{
	const struct reading *latest = NULL;

	for (size_t i = 0; i < v->n_readings; i++) {
		const struct reading *r = &v->readings[i];

		if (r->is_hard && r->contribution > 0 && (!latest || r->fresh_on > latest->fresh_on))
			latest = r;
	}
	return latest;
}

/* "at steady", "at risk" */
static const char *at_band(const struct context *c, enum score_engine engine, int band)
{
	const char *words = score_band_words(engine, band);

	return strncmp(words, "at ", 3) == 0 ? words : arena_printf(c->arena, "at %s", words);
}

/* "held at steady by Anna until 2026-04-01: they told us so" */
static const char *held_words(const struct context *c, enum score_engine engine, const struct fact_override *o)
{
	return arena_printf(c->arena, "held %s by %s until %s: %s", at_band(c, engine, o->band), o->who,
	                    day_text(c->arena, o->until_on), o->reason);
}

/* What nobody may hold against: a hard fact that came later, which they could not know of; and defense goes first. */
static const char *overruled(const struct context *c, enum score_engine engine, const struct verdict *v,
                             const struct reading *fact)
{
	const struct fact_override *o = v->override;

	if (engine == ENGINE_EXPANSION)
		return o->band > 0 && c->defense->band > 0 ? "defense goes first" : NULL;
	if (!fact || o->band >= v->band || fact->fresh_on <= o->made_on)
		return NULL;
	return arena_printf(c->arena, "%s came after, on %s", fact->fact ? fact->fact : fact->name,
	                    day_text(c->arena, fact->fresh_on));
}

void override_apply(const struct context *c, enum score_engine engine, struct verdict *v)
{
	const struct fact_override *o = override_of(c->account, engine);
	const struct reading *fact = engine == ENGINE_DEFENSE ? latest_fact(v) : NULL;
	const char *words;

	v->computed_band = v->band;
	v->computed_since = v->band_since;
	v->override = o;
	if (!o)
		return;
	words = held_words(c, engine, o);
	v->overruled_by = overruled(c, engine, v, fact);
	if (v->overruled_by) {
		v->band_why = arena_printf(c->arena, "%s%s(%s; but %s)", v->band_why, *v->band_why ? " " : "", words,
		                           v->overruled_by);
		return;
	}
	if (o->band != v->band) {
		words = arena_printf(c->arena, "%s; by its numbers it is %s", words, score_band_words(engine, v->band));
		v->band_since = o->made_on;
	}
	if (fact && o->band < 2)
		words = arena_printf(c->arena, "%s; %s stands all the same", words, fact->fact ? fact->fact : fact->name);
	v->band = o->band;
	v->band_why = words;
	v->is_blocked = v->is_blocked && o->band == 0;
}

void override_lead(const struct context *c, enum score_engine engine, struct verdict *v)
{
	const struct fact_override *o = v->override;
	struct reading *r;

	if (!override_decides(v) || o->band <= v->computed_band)
		return;
	r = arena_alloc(c->arena, sizeof *r);
	*r = (struct reading){ .name = OVERRIDE, .engine = engine, .is_known = true, .fresh_on = o->made_on,
		.due_on = DAY_NONE, .stake_minor = -1, .source = "said by a person" };
	r->evidence = arena_printf(c->arena, "%s holds it %s until %s: %s", o->who, at_band(c, engine, o->band),
	                           day_text(c->arena, o->until_on), o->reason);
	v->lead = r;
}

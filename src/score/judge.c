#include "judge.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "faded.h"
#include "pace.h"

static const double MIN_BASE = 0.001, MAX_BASE = 0.5;

static const struct signal_settings *settings_of(const struct score_settings *s, const char *name)
{
	const struct signal_settings *all = s->signals.at;

	for (size_t i = 0; i < s->signals.n; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}

static double logit_of(double p)
{
	p = p < MIN_BASE ? MIN_BASE : p > MAX_BASE ? MAX_BASE : p;
	return log(p / (1 - p));
}

/* What is usual within the horizon: what the organisation's own history shows, else the configured
 * share, which is of BASE_DAYS. */
static double base_logit(const struct score_settings *s, const struct fact_base *base, enum score_engine engine)
{
	double share = (engine == ENGINE_DEFENSE ? s->base_risk : s->base_readiness) / 100;
	double rate = engine == ENGINE_DEFENSE ? base->loss_rate : base->growth_rate;
	double horizon = (double)s->horizon_days, fitted = s->weights.engines[engine].base;

	if (rate >= 0)
		return fitted + logit_of(1 - exp(-rate * horizon));
	return fitted + logit_of(1 - pow(1 - (share > MAX_BASE ? MAX_BASE : share), horizon / BASE_DAYS));
}

static struct reading blank_of(const struct signal *signal, const struct signal_settings *set,
                               const struct fact_source *source)
{
	return (struct reading){
		.name = signal->name, .engine = signal->engine, .family = signal->family, .source = signal->source,
		.loss = signal->loss, .value = NAN, .baseline = NAN, .low = set->low, .high = set->high,
		.weight = set->weight, .relief = set->relief, .curve = set->curve.n ? &set->curve : NULL,
		.play = set->play, .fact = signal->fact, .fresh_on = source->fresh_on, .due_on = DAY_NONE, .stake_minor = -1,
		.is_ground = is_ground(signal->name),
		.why = signal->needs_one && !source->is_known ? "no source of it" : NULL,
	};
}

static struct judged_signal judged_of(const struct signal *signal, const struct signal_settings *set,
                                      const struct fact_source *source, struct arena *a)
{
	struct judged_signal j = { .read = signal->read, .text = set->text, .is_own_text = set->text != NULL };

	if (!j.text)
		j.text = signal_text(a, signal->name);
	j.n_marks = signal_marks(j.text, j.marks);
	if (source->is_stale && signal->needs_one)
		j.stale = arena_printf(a, "its source has not come through since %s",
		                       source->fresh_on == DAY_NONE ? "ever" : day_text(a, source->fresh_on));
	return j;
}

static void fill_bench(const struct judge *j, enum score_engine engine, struct arena *a, struct bench *out)
{
	size_t n = signals_of(engine);
	struct judged_signal *signals = arena_array(a, n, sizeof *signals);
	struct reading *blanks = arena_array(a, n, sizeof *blanks);
	struct signal_place place = { 0 };
	const struct signal *signal;

	assert(n <= MAX_SIGNALS);
	*out = (struct bench){ .signals = signals, .blanks = blanks,
		.base_logit = base_logit(j->settings, j->base, engine) };
	while ((signal = signal_next(&place))) {
		const struct fact_source *source = &j->base->sources[signal->needs];
		const struct signal_settings *set = signal->engine == engine ? settings_of(j->settings, signal->name) : NULL;

		if (!set || (set->weight <= 0 && set->relief <= 0))
			continue;
		signals[out->n] = judged_of(signal, set, source, a);
		blanks[out->n] = blank_of(signal, set, source);
		out->wanted += set->weight;
		if (!blanks[out->n].why)
			out->open[out->n_open++] = (uint8_t)out->n;
		out->n++;
	}
}

const struct judge *judge_of(const struct score_settings *settings, const struct fact_base *base,
                             const struct norms *norms, struct arena *a)
{
	struct judge *j = arena_alloc(a, sizeof *j);

	j->settings = settings;
	j->base = base;
	j->norms = norms;
	j->faded = faded_new(a);
	pace_weigh(j->pace_weights);
	j->offers = offers_of(&base->market, a);
	for (int engine = 0; engine < N_ENGINES; engine++)
		fill_bench(j, (enum score_engine)engine, a, &j->benches[engine]);
	return j;
}

#include <string.h>

#include "common/words.h"
#include "signal.h"

const char *const engine_names[N_ENGINES] = { "defense", "expansion" };
const char *const family_names[N_FAMILIES] = {
	"usage", "people", "relationship", "support", "sentiment", "commercial", "payment", "value",
};
const char *const loss_names[N_LOSSES] = { "churn", "contraction", "involuntary" };

/* In the order in which they are told. */
static const struct signal_table *const tables[] = {
	&usage_signals, &adoption_signals, &people_signals, &relationship_signals, &reply_signals, &counterpart_signals,
	&support_signals, &care_signals, &sentiment_signals, &commercial_signals, &revenue_signals, &payment_signals,
	&seat_signals, &limit_signals, &talk_signals, &growth_signals, &potential_signals, &crossed_signals,
};

size_t signals_of(enum score_engine engine)
{
	size_t n = 0;

	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (size_t i = 0; i < tables[t]->n; i++)
			n += tables[t]->at[i].engine == engine;
	return n;
}

const struct signal *signal_next(struct signal_place *p)
{
	while (p->table < ARRAY_LEN(tables) && p->i == tables[p->table]->n) {
		p->table++;
		p->i = 0;
	}
	return p->table < ARRAY_LEN(tables) ? &tables[p->table]->at[p->i++] : NULL;
}

static const struct signal *signal_named(const char *name)
{
	struct signal_place place = { 0 };
	const struct signal *signal;

	while ((signal = signal_next(&place)))
		if (strcmp(signal->name, name) == 0)
			return signal;
	return NULL;
}

int score_engine_named(const char *name)
{
	for (int engine = 0; engine < N_ENGINES; engine++)
		if (strcmp(engine_names[engine], name) == 0)
			return engine;
	return -1;
}

const char *signal_text(struct arena *a, const char *name)
{
	return words_find(NULL, arena_printf(a, "signal.%s", name));
}

int score_engine_of(const char *name)
{
	const struct signal *signal = signal_named(name);

	return signal ? (int)signal->engine : -1;
}

int score_family_of(const char *name)
{
	const struct signal *signal = signal_named(name);

	return signal ? (int)signal->family : -1;
}

bool score_knows_signal(const char *name)
{
	return score_engine_of(name) >= 0;
}

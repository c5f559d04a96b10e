#include "evidence.h"
#include "faded.h"
#include "judge.h"
#include "once.h"

enum {
	COMPARED_DAYS = FADED_RECENT_DAYS, MIN_HISTORY_DAYS = 84, MIN_SPAN_DAYS = 28, MIN_EXPECTED = 3,
	RENEWAL_DAYS = 90,
};

/* Messages from the account and meetings of the last eight weeks against what its own baseline (half-life 90 days) lets
 * expect. The baseline ends before these weeks, and with the last exchange: silence must not become what is usual. */
static bool read_cooling_exchanges(const struct context *c, struct reading *out)
{
	const struct exchanges *e = exchanges_of(c);
	int last = e->n_recent ? COMPARED_DAYS : e->last_before;
	double weight, expected;

	if (e->first_theirs < MIN_HISTORY_DAYS)
		return reading_unknown(out, "less than 12 weeks of exchanges");
	last = last > e->first_theirs - MIN_SPAN_DAYS ? e->first_theirs - MIN_SPAN_DAYS : last;
	weight = faded_between(c->judge->faded, last, e->first_theirs);
	expected = COMPARED_DAYS * e->faded / weight * season_between(c->norms, 0, COMPARED_DAYS);
	if (expected < MIN_EXPECTED)
		return reading_unknown(out, "too few exchanges to know what is usual");
	reading_value(out, e->n_recent / expected, 1);
	if (c->is_brief)
		return true;
	READING_SAY(c, out, "exchanges", "exchanges", W_INT("n", e->n_recent));
	reading_number(c, out, "expected", expected, 0);
	return true;
}

/* Days since they were last heard of, counted only while a renewal is near. */
static bool read_renewal_silence(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	int32_t renewal = contracts_of(c)->renewal_on, last_on = exchanges_of(c)->heard_on, left;
	int silent;

	if (renewal == DAY_NONE)
		return reading_unknown(out, "no renewal date known");
	if (last_on == DAY_NONE)
		last_on = f->heard_on;
	if (last_on == DAY_NONE && f->n_interactions) /* all ours, or put off: silent for as long as that goes back */
		last_on = f->interactions[0].on;
	if (last_on == DAY_NONE)
		return reading_unknown(out, "never heard of through a connected source");
	left = renewal - c->as_of;
	silent = c->as_of - last_on;
	out->due_on = renewal;
	reading_value(out, left <= RENEWAL_DAYS ? silent : 0, 0);
	if (c->is_brief)
		return true;
	READING_SAY(c, out, "days", "days", W_INT("n", silent));
	READING_SAY(c, out, "left", left ? "in_days" : "today", W_INT("n", left));
	READING_WHY(c, out, "renewal on %s; the last message or meeting was on %s",
	            day_text(c->arena, renewal), day_text(c->arena, last_on));
	reading_day(c, out, "renewal", renewal);
	return true;
}

static const struct signal signals[] = {
	{ "cooling_exchanges", ENGINE_DEFENSE, FAMILY_RELATIONSHIP, read_cooling_exchanges, FACT_INTERACTION, true,
	  "own baseline with a half-life of 90 days; " PUBLISHED, NULL, LOSS_ANY },
	{ "renewal_silence", ENGINE_DEFENSE, FAMILY_RELATIONSHIP, read_renewal_silence, FACT_INTERACTION, true,
	  PUBLISHED ": last contact 30 to 90 days ago", NULL, LOSS_ANY },
};
const struct signal_table relationship_signals = { signals, ARRAY_LEN(signals) };

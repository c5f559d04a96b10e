#include <string.h>

#include "signal.h"

/* What they say, short of a request, which is a fact and commercial's. */
enum { TALK_DAYS = 60 };

/* How many texts of 60 days speak so, and the latest of them. A source that broke says nothing. */
static bool read_talk(const struct context *c, const struct mention *m, struct reading *out)
{
	if (!has_fresh_texts(c))
		return reading_unknown(out, "no fresh source of texts");
	if (!out->why)
		out->why = "nothing of the kind said in 60 days";
	reading_value(out, m->n, 0);
	reading_mention(c, out, m);
	return true;
}

static bool read_kind(const struct context *c, const char *kind, struct reading *out)
{
	struct mention m = lexicon_mentions(c, kind, TALK_DAYS, NULL);

	return read_talk(c, &m, out);
}

/* Talk of what was asked for plainly counts as the request, and not again. */
static bool read_short_of(const struct context *c, const char *kind, const char *request, struct reading *out)
{
	struct mention m = lexicon_mentions(c, kind, TALK_DAYS, NULL);

	if (lexicon_mentions(c, request, TALK_DAYS, NULL).n) {
		m.n = 0;
		out->why = "said as a request, which counts by itself";
	}
	return read_talk(c, &m, out);
}

static bool read_cancel_talk(const struct context *c, struct reading *out)
{
	return read_short_of(c, "cancel", "cancel_request", out);
}

static bool read_downgrade_talk(const struct context *c, struct reading *out)
{
	return read_short_of(c, "downgrade", "downgrade_request", out);
}

static bool read_exit_questions(const struct context *c, struct reading *out)
{
	return read_kind(c, "exit_question", out);
}

static bool read_competitor_named(const struct context *c, struct reading *out)
{
	return read_kind(c, "competitor", out);
}

static bool read_champion_leaving(const struct context *c, struct reading *out)
{
	return read_kind(c, "champion_leaving", out);
}

static bool read_dissatisfaction(const struct context *c, struct reading *out)
{
	return read_kind(c, "dissatisfaction", out);
}

#define WORDS "words of a lexicon; no labelled data exists for it, so your own backtest judges it"

static const struct signal signals[] = {
	{ "champion_leaving", ENGINE_DEFENSE, FAMILY_PEOPLE, read_champion_leaving, FACT_TICKET, false,
	  WORDS, NULL, LOSS_CHURN },
	{ "exit_questions", ENGINE_DEFENSE, FAMILY_RELATIONSHIP, read_exit_questions, FACT_TICKET, false,
	  WORDS, NULL, LOSS_CHURN },
	{ "dissatisfaction", ENGINE_DEFENSE, FAMILY_SENTIMENT, read_dissatisfaction, FACT_TICKET, false,
	  WORDS, NULL, LOSS_ANY },
	{ "cancel_talk", ENGINE_DEFENSE, FAMILY_COMMERCIAL, read_cancel_talk, FACT_TICKET, false, WORDS, NULL, LOSS_CHURN },
	{ "downgrade_talk", ENGINE_DEFENSE, FAMILY_COMMERCIAL, read_downgrade_talk, FACT_TICKET, false,
	  WORDS, NULL, LOSS_CONTRACTION },
	{ "competitor_named", ENGINE_DEFENSE, FAMILY_COMMERCIAL, read_competitor_named, FACT_TICKET, false,
	  WORDS, NULL, LOSS_CHURN },
};
const struct signal_table talk_signals = { signals, ARRAY_LEN(signals) };

#include <string.h>

#include "evidence.h"

enum { SURVEY_DAYS = 120, USUAL_DAYS = 365 };

/* How bad an answer is, 0..1: NPS 0..10 (9 and more is good, 6 and less bad), CSAT and others 1..5. */
static double badness(const struct fact_survey *s)
{
	bool is_nps = strcmp(s->kind, "nps") == 0;
	double good = is_nps ? 9 : 5, bad = is_nps ? 3 : 1;
	double value = (good - (double)s->score) / (good - bad);

	return value < 0 ? 0 : value > 1 ? 1 : value;
}

static bool read_low_survey(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	const struct fact_survey *last = f->n_surveys ? &f->surveys[f->n_surveys - 1] : NULL;

	if (!last || c->as_of - last->on >= SURVEY_DAYS)
		return reading_unknown(out, "no answer to a survey in 120 days");
	reading_value(out, badness(last), 0);
	out->fresh_on = last->on;
	reading_word(out, "kind", strcmp(last->kind, "nps") == 0 ? "NPS" : "CSAT");
	reading_number(c, out, "score", (double)last->score, 0);
	reading_word(out, "most", strcmp(last->kind, "nps") == 0 ? "10" : "5");
	reading_day(c, out, "on", last->on);
	reading_quoted(c, out, "comment", last->comment, 140);
	return true;
}

/* The last answer against the mean of those before it of the same kind, in the past year: a good answer that is worse
 * than theirs used to be says more than the number does. */
static bool read_falling_answers(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	const struct fact_survey *last = f->n_surveys ? &f->surveys[f->n_surveys - 1] : NULL;
	double before = 0, score = 0;
	int n = 0;

	if (!last || c->as_of - last->on >= SURVEY_DAYS)
		return reading_unknown(out, "no answer to a survey in 120 days");
	for (size_t i = 0; i + 1 < f->n_surveys; i++) {
		if (strcmp(f->surveys[i].kind, last->kind) != 0 || last->on - f->surveys[i].on >= USUAL_DAYS)
			continue;
		before += badness(&f->surveys[i]);
		score += (double)f->surveys[i].score;
		n++;
	}
	if (!n)
		return reading_unknown(out, "no earlier answer to compare with");
	reading_value(out, badness(last) - before / n, 0);
	out->fresh_on = last->on;
	out->why = "they answer no worse than they used to";
	if (c->is_brief)
		return true;
	reading_word(out, "kind", strcmp(last->kind, "nps") == 0 ? "NPS" : "CSAT");
	reading_number(c, out, "score", (double)last->score, 0);
	reading_day(c, out, "on", last->on);
	reading_number(c, out, "usual", score / n, 1);
	return true;
}

static const struct signal signals[] = {
	{ "low_survey", ENGINE_DEFENSE, FAMILY_SENTIMENT, read_low_survey, FACT_SURVEY, false,
	  PUBLISHED ": detractors answer 6 or less of 10", NULL, LOSS_ANY },
	{ "falling_answers", ENGINE_DEFENSE, FAMILY_SENTIMENT, read_falling_answers, FACT_SURVEY, false,
	  "their own earlier answers; " PUBLISHED, NULL, LOSS_ANY },
};
const struct signal_table sentiment_signals = { signals, ARRAY_LEN(signals) };

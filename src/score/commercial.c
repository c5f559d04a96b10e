#include <string.h>

#include "evidence.h"
#include "expansion.h"

enum { NOTICE_LASTS_DAYS = 90 /* without an effective date */, TALK_DAYS = 60 };

/* A request in their own words is a fact, but not yet a notice: enough to be at risk by itself, and less certain. */
static const double REQUEST_STRENGTH = 0.75;
static const char REQUEST_PLAY[] = "confirm_request";

static const char *const cancel_kinds[2] = { "cancel", "non_renewal" };
static const char *const downgrade_kinds[2] = { "downgrade", "contraction" };

static bool is_kind(const struct fact_notice *n, const char *const kinds[2])
{
	return strcmp(n->kind, kinds[0]) == 0 || strcmp(n->kind, kinds[1]) == 0;
}

/* The notice of these kinds that stands: not yet in effect, or of the last 90 days; the one that takes effect first. */
static const struct fact_notice *standing_notice(const struct context *c, const char *const kinds[2])
{
	const struct fact_notice *found = NULL;

	for (size_t i = 0; i < c->account->n_notices; i++) {
		const struct fact_notice *n = &c->account->notices[i];
		int32_t until = n->effective_on != DAY_NONE ? n->effective_on : n->noticed_on + NOTICE_LASTS_DAYS;

		if (is_kind(n, kinds) && until >= c->as_of &&
		    (!found || (n->effective_on != DAY_NONE &&
		                (found->effective_on == DAY_NONE || n->effective_on < found->effective_on))))
			found = n;
	}
	return found;
}

/* Amounts in another currency than what the account pays in can't stand beside it. */
static bool is_in_account_currency(const struct context *c, const char *currency)
{
	const char *own = yearly_revenue(c)->currency;

	return !*currency || (own && strcmp(own, currency) == 0);
}

static bool use_notice(const struct context *c, const struct fact_notice *n, struct reading *out)
{
	reading_value(out, 1, 0);
	out->is_hard = true;
	out->fresh_on = n->noticed_on;
	out->due_on = n->effective_on;
	reading_phrase(c, out, "what",
	               strcmp(n->kind, "non_renewal") == 0 ? "notice.non_renewal" :
	               is_kind(n, downgrade_kinds)         ? "notice.downgrade" :
	                                                     "notice.cancel");
	reading_day(c, out, "noticed", n->noticed_on);
	if (n->effective_on == DAY_NONE)
		reading_word(out, "effective", "");
	else
		READING_SAY(c, out, "effective", "effective", W_DATE("day", n->effective_on));
	reading_quoted(c, out, "quote", n->text, 160);
	if (n->amount_minor > 0 && is_in_account_currency(c, n->currency)) {
		out->stake_minor = yearly(n->amount_minor);
		out->stake_how = "the notice's amount per month x 12";
	}
	return true;
}

/* What they asked for in their own words, where no notice stands. A source of texts that broke does not unsay it. */
static bool read_request(const struct context *c, const char *kind, const char *what, struct reading *out)
{
	struct mention m = lexicon_mentions(c, kind, TALK_DAYS, NULL);

	if (!m.n && !c->base->sources[FACT_NOTICE].is_known && !has_fresh_texts(c))
		return reading_unknown(out, "no source of notices, and none of texts");
	out->why = "no notice stands, and no request in 60 days";
	reading_value(out, m.n ? REQUEST_STRENGTH : 0, 0);
	if (!m.n)
		return true;
	out->is_hard = true;
	out->fresh_on = m.on;
	out->play = play_named(c->settings, REQUEST_PLAY) ? REQUEST_PLAY : out->play;
	reading_phrase(c, out, "what", what);
	reading_day(c, out, "noticed", m.on);
	reading_word(out, "effective", "");
	reading_quoted(c, out, "quote", m.sentence, 160);
	return true;
}

static bool read_cancel_notice(const struct context *c, struct reading *out)
{
	const struct fact_notice *notice = standing_notice(c, cancel_kinds);
	const struct fact_subscription *s = contracts_of(c)->ending; /* on which no notice of its own came */

	if (notice)
		return use_notice(c, notice, out);
	if (s) {
		struct fact_notice of_subscription = { "cancel", s->currency, "", s->cancel_notice_on,
		                                       s->end_on != DAY_NONE ? s->end_on : s->renewal_on, s->mrr_minor };

		return use_notice(c, &of_subscription, out);
	}
	return read_request(c, "cancel_request", "asked.cancel", out);
}

static bool read_downgrade_request(const struct context *c, struct reading *out)
{
	const struct fact_notice *notice = standing_notice(c, downgrade_kinds);

	if (notice)
		return use_notice(c, notice, out);
	return read_request(c, "downgrade_request", "notice.downgrade", out);
}

static const struct signal signals[] = {
	{ "cancel_notice", ENGINE_DEFENSE, FAMILY_COMMERCIAL, read_cancel_notice, FACT_NOTICE, false,
	  "a fact", "a cancellation notice", LOSS_CHURN },
	{ "downgrade_request", ENGINE_DEFENSE, FAMILY_COMMERCIAL, read_downgrade_request, FACT_NOTICE, false,
	  "a fact; a downgrade is deferred churn", "a downgrade request", LOSS_CONTRACTION },
};
const struct signal_table commercial_signals = { signals, ARRAY_LEN(signals) };

#include <string.h>

#include "signal.h"

enum { NOTICE_LASTS_DAYS = 90 /* without an effective date */, TALK_DAYS = 60 };

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
		    (!found || (n->effective_on != DAY_NONE && n->effective_on < found->effective_on)))
			found = n;
	}
	return found;
}

static bool use_notice(const struct context *c, const struct fact_notice *n, struct reading *out)
{
	reading_value(out, 1, 0);
	out->is_hard = true;
	out->fresh_on = n->noticed_on;
	out->due_on = n->effective_on;
	reading_word(out, "kind",
	             strcmp(n->kind, "non_renewal") == 0 ? "non-renewal" :
	             strcmp(n->kind, "downgrade") == 0   ? "downgrade" :
	                                                   "cancellation");
	reading_word(out, "noticed", day_text(c->arena, n->noticed_on));
	reading_word(out, "effective",
	             n->effective_on == DAY_NONE ?
	                 "" :
	                 arena_printf(c->arena, ", effective %s", day_text(c->arena, n->effective_on)));
	reading_word(out, "quote",
	             *n->text ? arena_printf(c->arena, ": \"%s\"", evidence_quote(c->arena, n->text, 160)) : "");
	if (n->amount_minor > 0) {
		out->stake_minor = 12 * n->amount_minor;
		out->stake_how = "the notice's amount per month x 12";
	}
	return true;
}

/* A subscription under notice, on which no notice of its own came. */
static const struct fact_subscription *ending_subscription(const struct context *c)
{
	for (size_t i = 0; i < c->account->n_subscriptions; i++) {
		const struct fact_subscription *s = &c->account->subscriptions[i];

		if (s->is_active && !s->is_trial && s->cancel_notice_on != DAY_NONE)
			return s;
	}
	return NULL;
}

bool read_cancel_notice(const struct context *c, struct reading *out)
{
	static const char *const kinds[2] = { "cancel", "non_renewal" };
	const struct fact_notice *notice = standing_notice(c, kinds);
	const struct fact_subscription *s = ending_subscription(c);

	if (notice)
		return use_notice(c, notice, out);
	if (s) {
		struct fact_notice of_subscription = { "cancel", s->currency, "", s->cancel_notice_on,
		                                       s->end_on != DAY_NONE ? s->end_on : s->renewal_on, s->mrr_minor };

		return use_notice(c, &of_subscription, out);
	}
	if (!c->base->sources[FACT_NOTICE].is_known && !c->account->n_subscriptions)
		return reading_unknown(out, "no source of notices");
	out->why = "no notice stands";
	reading_value(out, 0, 0);
	return true;
}

bool read_downgrade_request(const struct context *c, struct reading *out)
{
	static const char *const kinds[2] = { "downgrade", "contraction" };
	const struct fact_notice *notice = standing_notice(c, kinds);

	if (notice)
		return use_notice(c, notice, out);
	if (!c->base->sources[FACT_NOTICE].is_known)
		return reading_unknown(out, "no source of notices");
	out->why = "no notice stands";
	reading_value(out, 0, 0);
	return true;
}

/* Words about leaving or shrinking: not a fact, so not a hard one. */
bool read_cancel_talk(const struct context *c, struct reading *out)
{
	struct mention cancel = lexicon_mentions(c, "cancel", TALK_DAYS, NULL);
	struct mention downgrade = lexicon_mentions(c, "downgrade", TALK_DAYS, NULL);
	struct mention last = cancel.n && (!downgrade.n || cancel.on >= downgrade.on) ? cancel : downgrade;
	int n = cancel.n + downgrade.n;

	if (!has_fresh_texts(c))
		return reading_unknown(out, "no fresh source of texts");
	out->why = "nothing of the kind said in 60 days";
	reading_value(out, n, 0);
	reading_word(out, "texts", counted(c->arena, n, "text", "texts"));
	reading_word(out, "quote", n ? evidence_quote(c->arena, last.sentence, 160) : "");
	reading_word(out, "on", n ? day_text(c->arena, last.on) : "");
	return true;
}

#include <string.h>

#include "common/money.h"
#include "evidence.h"
#include "expansion.h"

enum { RENEWAL_DAYS = 120 };

static const double BY_HAND = 0.4, SWITCHED_OFF = 1;

/* Monthly revenue in one currency. */
static struct monthly monthly_in(const struct fact_account *f, const char *currency)
{
	struct monthly sum = { .now = 0 };

	for (size_t i = 0; i < f->n_subscriptions; i++) {
		const struct fact_subscription *s = &f->subscriptions[i];

		if (s->is_trial || (s->currency != currency && strcmp(s->currency, currency) != 0))
			continue;
		sum.now = added(sum.now, s->is_active ? s->mrr_minor : 0);
		for (int m = 0; m < FACT_MARKS; m++)
			sum.was[m] = added(sum.was[m], s->mrr_was_minor[m]);
	}
	return sum;
}

/* The currency of the subscription that is worth most now, or was in the past year; NULL: no amounts. */
static const char *main_currency(const struct fact_account *f)
{
	const char *found = NULL;
	int64_t most = 0;

	for (size_t i = 0; i < f->n_subscriptions; i++) {
		const struct fact_subscription *s = &f->subscriptions[i];
		int64_t worth = s->is_active ? s->mrr_minor : s->mrr_was_minor[0];

		if (s->is_trial || worth <= most)
			continue;
		most = worth;
		found = s->currency;
	}
	return found;
}

/* Revenue lost against the highest of the last four quarters: who shrank is on the way. */
static bool read_past_contraction(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	const struct contracts *k = contracts_of(c);
	const char *currency = !k->currency ? main_currency(f) : k->has_amount ? k->currency : NULL;
	struct monthly sum;
	int64_t now, highest = 0;

	if (!currency)
		return reading_unknown(out, "no subscription with an amount");
	sum = k->currency ? k->monthly : monthly_in(f, currency);
	now = sum.now;
	for (int m = 0; m < FACT_MARKS; m++)
		highest = sum.was[m] > highest ? sum.was[m] : highest;
	reading_value(out, highest > now ? 1 - (double)now / (double)highest : 0, 0);
	out->why = "it pays no less than in the last year";
	if (c->is_brief)
		return true;
	reading_money(c, out, "now", now, currency);
	reading_money(c, out, "was", highest, currency);
	reading_number(c, out, "percent", 100 * out->value, 0);
	return true;
}

static double by_hand(const struct fact_subscription *s, int32_t as_of)
{
	int32_t left = s->renewal_on >= as_of ? s->renewal_on - as_of : RENEWAL_DAYS;

	if (s->was_switched_off)
		return SWITCHED_OFF;
	return left < RENEWAL_DAYS ? BY_HAND * (1 - left / (double)RENEWAL_DAYS) : 0;
}

/* A contract that goes on only if somebody signs: little by itself, the more the nearer its end; a lot when automatic
 * renewal was on and has been switched off. */
static bool read_renews_by_hand(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	const struct fact_subscription *found = NULL;
	double most = 0;

	for (size_t i = 0; i < f->n_subscriptions && contracts_of(c)->renews_by_hand; i++) {
		const struct fact_subscription *s = &f->subscriptions[i];
		double value;

		if (!s->is_active || s->is_trial || !s->renews_by_hand)
			continue;
		value = by_hand(s, c->as_of);
		if (value <= most)
			continue;
		most = value;
		found = s;
	}
	out->why = "no contract that has to be renewed by hand ends soon";
	reading_value(out, most, 0);
	if (!found)
		return true;
	out->due_on = found->renewal_on >= c->as_of ? found->renewal_on : DAY_NONE;
	if (c->is_brief)
		return true;
	reading_phrase(c, out, "what", found->was_switched_off ? "renewal_switched_off" : "renewal_by_hand");
	if (out->due_on == DAY_NONE)
		reading_word(out, "renewal", "");
	else
		READING_SAY(c, out, "renewal", "term_ends", W_DATE("day", out->due_on));
	return true;
}

static const struct signal signals[] = {
	{ "past_contraction", ENGINE_DEFENSE, FAMILY_COMMERCIAL, read_past_contraction, FACT_SUBSCRIPTION, true,
	  PUBLISHED ": a contraction is deferred churn", NULL, LOSS_ANY },
	{ "renews_by_hand", ENGINE_DEFENSE, FAMILY_COMMERCIAL, read_renews_by_hand, FACT_SUBSCRIPTION, true,
	  PUBLISHED ": automatic renewal off", NULL, LOSS_CHURN },
};
const struct signal_table revenue_signals = { signals, ARRAY_LEN(signals) };

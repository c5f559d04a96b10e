/* What speaks for growth besides demand: health, capacity to buy, and what there is to sell. */
#include <math.h>
#include <string.h>

#include "common/text.h"
#include "evidence.h"
#include "expansion.h"
#include "store/usage.h"

enum {
	MONTH = 28, MOST_MONTHS = 12, YOUNG_DAYS = 56,
	FORGOTTEN_DAYS = 30, /* an open opportunity is dead so long after the day it was to be closed on */
	REFUSED_DAYS = 60, REGULAR_DAYS = 3,
};
static const double STEADY_SHARE = 0.5;

static bool read_sound_health(const struct context *c, struct reading *out)
{
	const struct verdict *defense = c->defense;

	if (!defense || defense->score < 0)
		return reading_unknown(out, "its risk is not known");
	reading_value(out, defense->times, 1);
	if (c->is_brief)
		return true;
	reading_number(c, out, "times", defense->times, 1);
	READING_WHY(c, out, "its odds of loss are %.1f times the usual", defense->times);
	return true;
}

/* Months on end with at least half of the active days of its best month. */
static bool read_steady_use(const struct context *c, struct reading *out)
{
	const struct fact_days *active = &c->account->active;
	int first = fact_days_first(active), best = 0, n = 0, days[MOST_MONTHS] = { 0 };

	if (first < YOUNG_DAYS)
		return reading_unknown(out, "less than 56 days of usage");
	for (int m = 0; m < MOST_MONTHS && MONTH * m <= first; m++) {
		for (unsigned month = days_of_month(active, m); month; month >>= 7)
			days[m] += norm_days_of_week[month & 127];
		best = days[m] > best ? days[m] : best;
	}
	while (n < MOST_MONTHS && MONTH * (n + 1) <= first + 1 && days[n] >= STEADY_SHARE * best)
		n++;
	reading_value(out, best > 0 ? n : 0, 0);
	if (c->is_brief)
		return true;
	READING_SAY(c, out, "months", "months", W_INT("n", n));
	READING_WHY(c, out, "in steady use for %s", counted(c->arena, n, "month", "months"));
	return true;
}

/* The share of the metrics that the base uses which this account uses regularly. */
static double used_breadth(const struct context *c, int *out_wide, int *out_of)
{
	int wide = 0, of = 0;

	for (size_t m = 0; m < c->base->n_metrics; m++) {
		int used = 0;

		if (!c->base->metrics[m].is_activity)
			continue;
		of++;
		if (c->account->usage[m])
			used = fact_days_count(&c->account->usage[m]->active, 0, MONTH);
		wide += used >= REGULAR_DAYS;
	}
	*out_wide = wide;
	*out_of = of;
	return of ? wide / (double)of : 0;
}

/* The root of days of use against the segment and of the share of features in regular use. */
static bool read_adoption_depth(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	double normal = segment_active_28(c->norms, f->segment), level, breadth;
	int days = fact_days_count(&f->active, 0, MONTH), wide, of;

	if (fact_days_first(&f->active) < 2 * MONTH || normal <= 0)
		return reading_unknown(out, "less than 56 days of usage");
	breadth = used_breadth(c, &wide, &of);
	level = days / (normal * season_between(c->norms, 0, MONTH));
	reading_value(out, sqrt((level > 1.5 ? 1.5 : level) * breadth), 1);
	if (c->is_brief)
		return true;
	reading_number(c, out, "days", days, 0);
	reading_number(c, out, "normal", normal, 0);
	if (of > 1)
		READING_SAY(c, out, "features", "features", W_INT("n", wide), W_INT("of", of));
	else
		reading_word(out, "features", "");
	return true;
}

static bool read_worth(const struct context *c, struct reading *out)
{
	const struct levers *l = levers_of(c);

	if (!l->has_worth)
		return reading_unknown(out, "neither its price nor what is usual is known");
	reading_value(out, l->worth, 1);
	if (c->is_brief)
		return true;
	reading_number(c, out, "worth", l->worth, 1);
	READING_WHY(c, out, "%.1f times the usual use for its money", l->worth);
	return true;
}

static bool read_renewal_near(const struct context *c, struct reading *out)
{
	const struct levers *l = levers_of(c);

	if (l->renewal_on == DAY_NONE)
		return reading_unknown(out, "no renewal date known");
	reading_value(out, l->renewal_on - c->as_of, NAN);
	if (c->is_brief)
		return true;
	reading_day(c, out, "renewal", l->renewal_on);
	READING_WHY(c, out, "renewal on %s, far off", day_text(c->arena, l->renewal_on));
	return true;
}

/* What it pays now against a year ago, or as long ago as it is known to have paid. */
static bool read_bought_more(const struct context *c, struct reading *out)
{
	const char *currency = yearly_revenue(c)->currency;
	double now = (double)yearly_revenue(c)->minor / 12, was = 0;
	int marks = 0;

	for (int m = FACT_MARKS - 1; m >= 0 && was <= 0; m--) {
		for (size_t i = 0; currency && i < c->account->n_subscriptions; i++)
			if (c->account->subscriptions[i].currency == currency || !*c->account->subscriptions[i].currency ||
			    strcmp(c->account->subscriptions[i].currency, currency) == 0)
				was += (double)c->account->subscriptions[i].mrr_was_minor[m];
		marks = m + 1;
	}
	if (was <= 0 || now <= 0)
		return reading_unknown(out, "what it paid before is not known");
	reading_value(out, now / was - 1, 0);
	if (c->is_brief)
		return true;
	reading_number(c, out, "percent", 100 * (now / was - 1), 0);
	READING_SAY(c, out, "months", "months", W_INT("n", 3 * marks));
	READING_WHY(c, out, "pays no more than %s ago", counted(c->arena, 3 * marks, "month", "months"));
	return true;
}

static bool is_growth(const struct fact_opportunity *o)
{
	return text_equal_fold(o->kind, "upsell") || text_equal_fold(o->kind, "cross_sell");
}

/* The growth that our own people work on already: the one of most worth. */
static bool read_open_upsell(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	const struct fact_opportunity *best = NULL;

	for (size_t i = 0; i < f->n_opportunities; i++) {
		const struct fact_opportunity *o = &f->opportunities[i];
		bool is_forgotten = o->close_on != DAY_NONE && o->close_on < c->as_of - FORGOTTEN_DAYS;

		if (is_growth(o) && !o->is_closed && !is_forgotten && (!best || o->amount_minor > best->amount_minor))
			best = o;
	}
	reading_value(out, best != NULL, 0);
	out->why = "none is open";
	if (!best || c->is_brief)
		return true;
	reading_phrase(c, out, "kind", text_equal_fold(best->kind, "upsell") ? "upsell" : "cross_sell");
	reading_day(c, out, "since", best->created_on);
	reading_quoted(c, out, "name", best->name, 60);
	if (best->amount_minor > 0 && market_currency(c) && strcmp(market_currency(c), best->currency) == 0) {
		out->stake_minor = best->amount_minor;
		out->stake_how = "the amount of the open opportunity";
	}
	return true;
}

int32_t refused_on(const struct context *c)
{
	int32_t on = DAY_NONE;

	for (size_t i = 0; i < c->account->n_opportunities; i++) {
		const struct fact_opportunity *o = &c->account->opportunities[i];

		if (is_growth(o) && o->is_closed && !o->is_won && o->close_on > c->as_of - REFUSED_DAYS && o->close_on > on &&
		    o->close_on <= c->as_of)
			on = o->close_on;
	}
	return on;
}

static bool read_product_gap(const struct context *c, struct reading *out)
{
	double share = 0;
	const struct fact_product *missing = missing_product(c, &share);

	if (c->base->market.n_products < 2)
		return reading_unknown(out, "there are no products to compare");
	out->why = "it has what most others have";
	reading_value(out, missing ? share : 0, 0);
	if (!missing || c->is_brief)
		return true;
	reading_word(out, "product", evidence_quote(c->arena, missing->product, 40));
	reading_number(c, out, "percent", 100 * share, 0);
	(void)worth_of_product(c, missing->product, &out->stake_minor, &out->stake_how);
	return true;
}

static const struct signal signals[] = {
	{ "sound_health", ENGINE_EXPANSION, FAMILY_RELATIONSHIP, read_sound_health, FACT_USAGE, false,
	  "growth stands on health: the odds of the other list", NULL, LOSS_ANY },
	{ "steady_use", ENGINE_EXPANSION, FAMILY_USAGE, read_steady_use, FACT_USAGE, true,
	  PUBLISHED ": repeated use over weeks and months before more is offered", NULL, LOSS_ANY },
	{ "adoption_depth", ENGINE_EXPANSION, FAMILY_USAGE, read_adoption_depth, FACT_USAGE, true,
	  PUBLISHED ": adoption of what they have comes before more", NULL, LOSS_ANY },
	{ "worth_for_money", ENGINE_EXPANSION, FAMILY_COMMERCIAL, read_worth, FACT_USAGE, true,
	  "use against price, both beside the whole base", NULL, LOSS_ANY },
	{ "renewal_near", ENGINE_EXPANSION, FAMILY_COMMERCIAL, read_renewal_near, FACT_SUBSCRIPTION, false,
	  "talks about the contract are due anyway", NULL, LOSS_ANY },
	{ "bought_more", ENGINE_EXPANSION, FAMILY_COMMERCIAL, read_bought_more, FACT_SUBSCRIPTION, true,
	  "who bought more before does so again", NULL, LOSS_ANY },
	{ "open_upsell", ENGINE_EXPANSION, FAMILY_COMMERCIAL, read_open_upsell, FACT_OPPORTUNITY, true,
	  "a fact", "an open upsell", LOSS_ANY },
	{ "product_gap", ENGINE_EXPANSION, FAMILY_SUPPORT, read_product_gap, FACT_SUBSCRIPTION, true,
	  "what comparable accounts have and this one has not", NULL, LOSS_ANY },
};
const struct signal_table potential_signals = { signals, ARRAY_LEN(signals) };

#include <math.h>
#include <string.h>

#include "common/text.h"
#include "expansion.h"
#include "judge.h"

enum { ENOUGH_BUYERS = 3, ENOUGH_ACCOUNTS = 10, FEW_PRODUCTS = 8 };
static const double DEARER = 1.1, MORE_SEATS_AT_LEAST = 0.1;

static bool is_same_money(const char *market, const char *own)
{
	return !*market || !*own || strcmp(market, own) == 0;
}

const char *market_currency(const struct context *c)
{
	const char *own = yearly_revenue(c)->currency;

	return c->base->market.currency && own && is_same_money(c->base->market.currency, own) ? own : NULL;
}

double price_per_seat(const struct context *c)
{
	int64_t seats = contracts_of(c)->seats, revenue = yearly_revenue(c)->minor;

	return seats > 0 && revenue > 0 ? (double)revenue / (double)seats : 0;
}

bool worth_of_seats(const struct context *c, double wanted, int64_t *out_minor, const char **out_how)
{
	double seats = (double)contracts_of(c)->seats, price = price_per_seat(c);
	double more = ceil(wanted - seats), least = ceil(MORE_SEATS_AT_LEAST * seats);

	if (price <= 0)
		return false;
	more = more < least ? least : more;
	*out_minor = minor_of(more * price);
	*out_how = c->is_brief ? "" : arena_printf(c->arena, "%.0f more %s x yearly revenue per seat", more,
	                                           more > 1 ? "seats" : "seat");
	return true;
}

/* A seat's price where both are sold by seats, else the whole price; 0: not comparable. */
static double price_beside(const struct fact_plan *plan, const struct fact_subscription *own, double *out_own)
{
	bool by_seats = plan->seat_minor > 0 && own->seats > 0;

	*out_own = by_seats ? (double)own->mrr_minor / (double)own->seats : (double)own->mrr_minor;
	return by_seats ? (double)plan->seat_minor : own->seats > 0 ? 0 : (double)plan->mrr_minor;
}

/* Of texts that are alike but for upper and lower case the same number: from their length and from how they begin and
 * end, as that tells products apart. */
static uint32_t number_of(const char *text)
{
	static const uint64_t fold = UINT64_C(0x2020202020202020), mix = UINT64_C(0x9E3779B97F4A7C15);
	size_t len = strlen(text);
	uint64_t begin = 0, end = 0;

	memcpy(&begin, text, len < 8 ? len : 8);
	if (len > 8)
		memcpy(&end, text + len - 8, 8);
	return (uint32_t)((((begin | fold) + 31 * (end | fold) + len) * mix) >> 32);
}

/* The cheapest plan of the same product that others pay and that is dearer than the own. */
static const struct fact_plan *next_plan(const struct context *c, const struct fact_subscription *own, double *out_more)
{
	const struct fact_market *market = &c->base->market;
	const struct fact_plan *next = NULL;
	uint32_t number = number_of(own->product);

	for (size_t i = 0; i < market->n_plans; i++) {
		const struct fact_plan *p = &market->plans[i];
		double paid, price;

		if (c->judge->offers.plans[i] != number || p->n < ENOUGH_BUYERS || strcmp(p->product, own->product) != 0 ||
		    strcmp(p->plan, own->plan) == 0 || !is_same_money(p->currency, own->currency))
			continue;
		price = price_beside(p, own, &paid);
		if (price >= DEARER * paid && (!next || price - paid < *out_more)) {
			next = p;
			*out_more = price - paid;
		}
	}
	return next;
}

bool worth_of_next_plan(const struct context *c, int64_t *out_minor, const char **out_how)
{
	const struct fact_subscription *own = contracts_of(c)->main;
	double more = 0, seats;
	const struct fact_plan *next = own ? next_plan(c, own, &more) : NULL;

	if (!next)
		return false;
	seats = next->seat_minor > 0 && own->seats > 0 ? (double)own->seats : 1;
	*out_minor = minor_of(more * seats * 12);
	*out_how = c->is_brief ? "" :
	           arena_printf(c->arena, "the next plan, %s, at what others pay for it",
	                        evidence_quote(c->arena, *next->plan ? next->plan : next->product, 40));
	return true;
}

bool is_owned(const struct fact_account *f, const char *product)
{
	const char *before = NULL;

	for (size_t i = 0; i < f->n_subscriptions; i++) {
		const char *own = f->subscriptions[i].product;

		if (!f->subscriptions[i].is_active || own == before)
			continue;
		if (text_equal_fold(own, product))
			return true;
		before = own;
	}
	return false;
}

bool worth_of_product(const struct context *c, const char *product, int64_t *out_minor, const char **out_how)
{
	const struct fact_market *market = &c->base->market;
	const struct revenue_now *own = yearly_revenue(c);
	int64_t revenue = own->minor;

	if (revenue <= 0)
		return false;
	for (size_t i = 0; i < market->n_products; i++) {
		const struct fact_product *p = &market->products[i];

		if (p->n < ENOUGH_BUYERS || p->share <= 0 || !text_equal_fold(p->product, product) ||
		    !is_same_money(p->currency, own->currency))
			continue;
		*out_minor = minor_of((double)revenue * p->share);
		*out_how = arena_printf(c->arena, "%s costs those who have it %.0f %% of what else they pay",
		                        evidence_quote(c->arena, p->product, 40), 100 * p->share);
		return true;
	}
	*out_minor = minor_of((double)revenue * c->settings->attach_share);
	*out_how = arena_printf(c->arena, "assumed: %.0f %% of yearly revenue for a further product",
	                        100 * c->settings->attach_share);
	return true;
}

static void add_wanted(struct offers *o, const struct fact_product *p)
{
	size_t at = o->n_wanted++;

	for (; at > 0 && o->wanted[at - 1].product->n < p->n; at--)
		o->wanted[at] = o->wanted[at - 1];
	o->wanted[at] = (struct offered){ number_of(p->product), p };
}

struct offers offers_of(const struct fact_market *market, struct arena *a)
{
	struct offers o = { .wanted = arena_array(a, market->n_products, sizeof *o.wanted),
		                .plans = arena_array(a, market->n_plans, sizeof *o.plans) };

	for (size_t i = 0; i < market->n_products; i++)
		if (*market->products[i].product && market->products[i].n >= ENOUGH_BUYERS)
			add_wanted(&o, &market->products[i]);
	for (size_t i = 0; i < market->n_plans; i++)
		o.plans[i] = number_of(market->plans[i].product);
	return o;
}

/* What it has, with its numbers, so that most products are told apart at a glance. */
struct owned {
	struct own { uint32_t number; const char *product; } *at;
	size_t n;
};

/* Lines of one product point to one text, of which the first few are looked at: what is there twice does no harm. */
static bool has_text(const struct owned *o, const char *product)
{
	for (size_t i = 0; i < o->n && i < FEW_PRODUCTS; i++)
		if (o->at[i].product == product)
			return true;
	return false;
}

static struct owned owned_by(const struct fact_account *f, struct arena *a)
{
	struct owned o = { .at = arena_array(a, f->n_subscriptions, sizeof *o.at) };

	for (size_t i = 0; i < f->n_subscriptions; i++) {
		const char *product = f->subscriptions[i].product;

		if (f->subscriptions[i].is_active && !has_text(&o, product))
			o.at[o.n++] = (struct own){ number_of(product), product };
	}
	return o;
}

static bool is_among(const struct owned *o, const struct offered *wanted)
{
	const char *product = wanted->product->product;

	for (size_t i = 0; i < o->n; i++)
		if (o->at[i].number == wanted->number &&
		    (strcmp(o->at[i].product, product) == 0 || text_equal_fold(o->at[i].product, product)))
			return true;
	return false;
}

const struct fact_product *missing_product(const struct context *c, double *out_share)
{
	const struct fact_market *market = &c->base->market;
	const struct offers *offers = &c->judge->offers;
	struct owned owned;

	if (market->n_accounts < ENOUGH_ACCOUNTS || !contracts_of(c)->main)
		return NULL;
	owned = owned_by(c->account, c->arena);
	for (size_t i = 0; i < offers->n_wanted; i++)
		if (!is_among(&owned, &offers->wanted[i])) {
			*out_share = offers->wanted[i].product->n / (double)market->n_accounts;
			return offers->wanted[i].product;
		}
	return NULL;
}

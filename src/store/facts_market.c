#include <stdlib.h>
#include <string.h>

#include "facts_parts.h"

/* Prices need no more: of a large base, stretches of neighbours over its whole length. */
enum { MAX_SAMPLED = 2000, STRETCH = 100 };

/* A plan of a product in a currency. */
struct offer {
	const char *product, *plan, *currency;
	uint32_t group; /* in the order of names that was asked for last: those that are alike there have the same */
	uint32_t next;  /* of those with the same hash: where it is, and 1 */
};
/* What one account pays a month for a plan (or, for products, a product) in a currency. */
struct paid {
	size_t account;
	int64_t mrr_minor, seats, all_minor; /* all_minor: for everything, in that currency */
	uint32_t offer;
};
enum { OFFER_PLACES = 4096 };
struct payments {
	struct arena *arena;
	struct paid *at, *other; /* other: as large, for sorting */
	size_t n, cap, n_accounts; /* n_accounts: looked at */
	struct offer *offers;
	size_t n_offers, cap_offers;
	uint32_t places[OFFER_PLACES]; /* by hash: where the offer is, and 1 */
};

static int64_t sum_of(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static bool counts(const struct fact_subscription *s)
{
	return s->is_active && !s->is_trial && s->mrr_minor > 0;
}

/* Of all that the account pays in the currency of its subscription i, whose row is the last: told already by the row
 * of an earlier one, or summed when it is the first. */
static int64_t all_in_currency(const struct payments *p, const struct fact_account *f, size_t i)
{
	const char *currency = f->subscriptions[i].currency;
	const struct paid *row = &p->at[p->n - 1];
	int64_t all = 0;

	for (size_t k = i; k-- > 0;) {
		if (!counts(&f->subscriptions[k]))
			continue;
		row--;
		if (strcmp(f->subscriptions[k].currency, currency) == 0)
			return row->all_minor;
	}
	for (size_t k = i; k < f->n_subscriptions; k++)
		if (counts(&f->subscriptions[k]) && strcmp(f->subscriptions[k].currency, currency) == 0)
			all = sum_of(all, f->subscriptions[k].mrr_minor);
	return all;
}

static size_t hash_of(size_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x01000193u;
	return hash * 31;
}

/* The number of an offer, which it gets when it is seen first. */
static uint32_t offer_of(struct payments *p, const char *product, const char *plan, const char *currency)
{
	size_t hash = hash_of(hash_of(hash_of(0, product), plan), currency);
	uint32_t *place = &p->places[(hash ^ hash >> 16) % OFFER_PLACES];

	for (uint32_t i = *place; i; i = p->offers[i - 1].next) {
		const struct offer *o = &p->offers[i - 1];

		if (strcmp(o->product, product) == 0 && strcmp(o->plan, plan) == 0 && strcmp(o->currency, currency) == 0)
			return i - 1;
	}
	if (p->n_offers == p->cap_offers) {
		p->cap_offers = p->cap_offers ? 2 * p->cap_offers : 64;
		p->offers = arena_grow(p->arena, p->offers, p->n_offers, p->cap_offers, sizeof *p->offers);
	}
	p->offers[p->n_offers] = (struct offer){ product, plan, currency, 0, *place };
	*place = (uint32_t)++p->n_offers;
	return *place - 1;
}

static void add_account(struct payments *p, const struct fact_account *f)
{
	for (size_t i = 0; i < f->n_subscriptions; i++) {
		const struct fact_subscription *s = &f->subscriptions[i];
		struct paid *x;

		if (!counts(s))
			continue;
		if (p->n == p->cap) {
			p->cap = p->cap ? 2 * p->cap : 256;
			p->at = arena_grow(p->arena, p->at, p->n, p->cap, sizeof *p->at);
		}
		x = &p->at[p->n++];
		*x = (struct paid){ p->n_accounts, s->mrr_minor, s->seats > 0 ? s->seats : 0, 0,
		                    offer_of(p, s->product, s->plan, *s->currency ? s->currency : f->currency) };
		x->all_minor = all_in_currency(p, f, i);
	}
	p->n_accounts++;
}

typedef int offer_order(const struct offer *l, const struct offer *r);

static int by_product(const struct offer *l, const struct offer *r)
{
	int order = strcmp(l->product, r->product);

	return order ? order : strcmp(l->currency, r->currency);
}

static int by_plan(const struct offer *l, const struct offer *r)
{
	int order = strcmp(l->product, r->product);

	order = order ? order : strcmp(l->plan, r->plan);
	return order ? order : strcmp(l->currency, r->currency);
}

static int by_currency(const struct offer *l, const struct offer *r)
{
	return strcmp(l->currency, r->currency);
}

struct placed { const struct offer *offer; offer_order *order; uint32_t number; };

static int by_order(const void *left, const void *right)
{
	const struct placed *l = left, *r = right;

	return l->order(l->offer, r->offer);
}

/* Gives offers their groups. Returns how many these are. */
static size_t group_offers(struct payments *p, offer_order *order)
{
	struct placed *placed = arena_array(p->arena, p->n_offers, sizeof *placed);
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n_offers; i++)
		placed[i] = (struct placed){ &p->offers[i], order, i };
	qsort(placed, p->n_offers, sizeof *placed, by_order);
	for (size_t i = 0; i < p->n_offers; i++) {
		n += i > 0 && order(placed[i - 1].offer, placed[i].offer) != 0;
		p->offers[placed[i].number].group = n;
	}
	return (size_t)n + 1;
}

static size_t group_of(const struct payments *p, const struct paid *x)
{
	return p->offers[x->offer].group;
}

static size_t account_of(const struct payments *p, const struct paid *x)
{
	(void)p;
	return x->account;
}

/* By a key below n_keys; those with the same one stay in their order. */
static void sort_by(struct payments *p, size_t (*key)(const struct payments *p, const struct paid *x), size_t n_keys)
{
	size_t *places = arena_array(p->arena, n_keys + 1, sizeof *places);
	struct paid *sorted = p->other;

	for (size_t i = 0; i < p->n; i++)
		places[key(p, &p->at[i]) + 1]++;
	for (size_t k = 0; k < n_keys; k++)
		places[k + 1] += places[k];
	for (size_t i = 0; i < p->n; i++)
		sorted[places[key(p, &p->at[i])]++] = p->at[i];
	p->other = p->at;
	p->at = sorted;
}

/* By names, then by account. */
static void sort_payments(struct payments *p, offer_order *order)
{
	sort_by(p, account_of, p->n_accounts);
	sort_by(p, group_of, group_offers(p, order));
}

/* Where those end that are in the group of row i. */
static size_t group_end(const struct payments *p, size_t i)
{
	size_t end = i + 1;

	while (end < p->n && group_of(p, &p->at[end]) == group_of(p, &p->at[i]))
		end++;
	return end;
}

/* Lines of one account for one offer become one; the sorted rows shrink in place. */
static size_t merge(const struct payments *p)
{
	struct paid *at = p->at;
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct paid *last = kept ? &at[kept - 1] : NULL;

		if (last && last->account == at[i].account && group_of(p, last) == group_of(p, &at[i])) {
			last->mrr_minor = sum_of(last->mrr_minor, at[i].mrr_minor);
			last->seats = sum_of(last->seats, at[i].seats);
		} else {
			at[kept++] = at[i];
		}
	}
	return kept;
}

/* The one that would be at a place were they sorted, by halves that hold it; puts them into another order. */
static double nth(double *values, size_t n, size_t place)
{
	ptrdiff_t low = 0, high = (ptrdiff_t)n - 1, at = (ptrdiff_t)place;

	while (low < high) {
		double middle = values[low + (high - low) / 2];
		ptrdiff_t i = low, k = high;

		while (i <= k) {
			double left;

			while (values[i] < middle)
				i++;
			while (middle < values[k])
				k--;
			if (i > k)
				break;
			left = values[i];
			values[i++] = values[k];
			values[k--] = left;
		}
		low = k < at ? i : low;
		high = at < i ? k : high;
	}
	return values[at];
}

/* Sums of amounts end at their ceiling, which is none in floating point. */
static int64_t minor_of(double minor)
{
	return minor < 0x1p63 ? (int64_t)minor : INT64_MAX;
}

/* The lower middle; 0 of none. */
static double median(double *values, size_t n)
{
	return n ? nth(values, n, (n - 1) / 2) : 0;
}

static struct fact_plan plan_of(const struct offer *o, const struct paid *at, size_t n, double *values,
                                struct arena *a)
{
	struct fact_plan plan = { arena_strdup(a, o->product), arena_strdup(a, o->plan), arena_strdup(a, o->currency),
		                      (int)n, 0, 0 };
	size_t with_seats = 0;

	for (size_t i = 0; i < n; i++)
		values[i] = (double)at[i].mrr_minor;
	plan.mrr_minor = minor_of(median(values, n));
	for (size_t i = 0; i < n; i++)
		if (at[i].seats > 0)
			values[with_seats++] = (double)at[i].mrr_minor / (double)at[i].seats;
	if (2 * with_seats > n)
		plan.seat_minor = minor_of(median(values, with_seats));
	return plan;
}

static struct fact_product product_of(const struct offer *o, const struct paid *at, size_t n, double *values,
                                      struct arena *a)
{
	struct fact_product product = { arena_strdup(a, o->product), arena_strdup(a, o->currency), (int)n, 0 };
	size_t beside = 0;

	for (size_t i = 0; i < n; i++)
		if (at[i].all_minor > at[i].mrr_minor)
			values[beside++] = (double)at[i].mrr_minor / (double)(at[i].all_minor - at[i].mrr_minor);
	product.share = median(values, beside);
	return product;
}

static void set_plans(struct payments *p, double *values, struct arena *a, struct fact_market *out)
{
	struct fact_plan *plans;

	sort_payments(p, by_plan);
	p->n = merge(p);
	plans = arena_array(a, p->n, sizeof *plans);
	for (size_t i = 0, end; i < p->n; i = end) {
		end = group_end(p, i);
		plans[out->n_plans++] = plan_of(&p->offers[p->at[i].offer], p->at + i, end - i, values, a);
	}
	out->plans = plans;
}

static void set_products(struct payments *p, double *values, struct arena *a, struct fact_market *out)
{
	struct fact_product *products;

	sort_payments(p, by_product);
	p->n = merge(p);
	products = arena_array(a, p->n, sizeof *products);
	for (size_t i = 0, end; i < p->n; i = end) {
		end = group_end(p, i);
		products[out->n_products++] = product_of(&p->offers[p->at[i].offer], p->at + i, end - i, values, a);
	}
	out->products = products;
}

/* What the fifth that pays most pays at least, of rows in one currency by account. */
static int64_t high_of(const struct paid *at, size_t n, double *values)
{
	size_t n_accounts = 0;

	for (size_t i = 0; i < n; i++)
		if (!i || at[i].account != at[i - 1].account)
			values[n_accounts++] = (double)at[i].all_minor;
	return minor_of(nth(values, n_accounts, 4 * n_accounts / 5));
}

/* The currency most accounts pay in, the first by name of equals; and what they pay in it on average. */
static void set_mean(struct payments *p, double *values, struct arena *a, struct fact_market *out)
{
	out->n_sampled = (int)p->n_accounts;
	sort_payments(p, by_currency);
	for (size_t i = 0, end; i < p->n; i = end) {
		double sum = 0;
		size_t n_seats = 0;
		int n = 0;

		end = group_end(p, i);
		for (const struct paid *x = p->at + i; x < p->at + end; x++) {
			if (x->seats > 0)
				values[n_seats++] = (double)x->mrr_minor / (double)x->seats;
			if (x > p->at + i && x->account == x[-1].account)
				continue;
			sum += (double)x->all_minor;
			n++;
		}
		if (n > out->n_accounts) {
			out->n_accounts = n;
			out->currency = arena_strdup(a, p->offers[p->at[i].offer].currency);
			out->mrr_mean_minor = sum / n;
			out->seat_minor = minor_of(median(values, n_seats));
			out->mrr_high_minor = high_of(p->at + i, end - i, values);
		}
	}
}

static int sample(struct db *db, const struct fact_query *q, const struct fact_base *base, struct payments *p,
                  struct err *err)
{
	size_t n = base->n_members, n_stretches = n <= MAX_SAMPLED ? 1 : MAX_SAMPLED / STRETCH;
	size_t length = n <= MAX_SAMPLED ? n : STRETCH;

	for (size_t k = 0; n && k < n_stretches; k++) {
		struct loading l = { .db = db, .q = q, .base = base, .first = k * (n / n_stretches), .n = length,
			                 .arena = p->arena };

		l.out = arena_array(p->arena, length, sizeof *l.out);
		l.from_id = base->members[l.first].id;
		l.to_id = base->members[l.first + length - 1].id;
		for (size_t i = 0; i < length; i++)
			l.out[i].currency = "";
		if (facts_load_subscriptions(&l, err) < 0)
			return -1;
		for (size_t i = 0; i < length; i++)
			add_account(p, &l.out[i]);
	}
	return 0;
}

int facts_load_market(struct db *db, const struct fact_query *q, const struct fact_base *base, struct arena *a,
                      struct fact_market *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new(0);
	struct payments p = { .arena = scratch };
	double *values;

	*out = (struct fact_market){ 0 };
	if (sample(db, q, base, &p, err) < 0)
		return -1;
	if (!p.n)
		return 0;
	values = arena_array(scratch, p.n, sizeof *values);
	p.other = arena_array(scratch, p.n, sizeof *p.other);
	set_mean(&p, values, a, out);
	set_plans(&p, values, a, out);
	set_products(&p, values, a, out);
	return 0;
}

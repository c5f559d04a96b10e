#include <stdlib.h>
#include <string.h>

#include "facts_parts.h"

/* Prices need no more: of a large base, stretches of neighbours over its whole length. */
enum { MAX_SAMPLED = 2000, STRETCH = 100 };

/* What one account pays a month for a plan (or, for products, a product) in a currency. */
struct paid {
	const char *product, *plan, *currency;
	size_t account;
	int64_t mrr_minor, seats, all_minor; /* all_minor: for everything, in that currency */
};
struct payments {
	struct arena *arena;
	struct paid *at;
	size_t n, cap, n_accounts; /* n_accounts: looked at */
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
		*x = (struct paid){ s->product, s->plan, *s->currency ? s->currency : f->currency, p->n_accounts,
		                    s->mrr_minor, s->seats > 0 ? s->seats : 0, 0 };
		x->all_minor = all_in_currency(p, f, i);
	}
	p->n_accounts++;
}

static int by_product(const void *left, const void *right)
{
	const struct paid *l = left, *r = right;
	int order = strcmp(l->product, r->product);

	order = order ? order : strcmp(l->currency, r->currency);
	return order ? order : l->account < r->account ? -1 : l->account > r->account;
}

static int by_plan(const void *left, const void *right)
{
	const struct paid *l = left, *r = right;
	int order = strcmp(l->product, r->product);

	order = order ? order : strcmp(l->plan, r->plan);
	return order ? order : by_product(left, right);
}

static int by_currency(const void *left, const void *right)
{
	const struct paid *l = left, *r = right;
	int order = strcmp(l->currency, r->currency);

	return order ? order : l->account < r->account ? -1 : l->account > r->account;
}

static bool is_same_offer(const struct paid *a, const struct paid *b, bool with_plan)
{
	return strcmp(a->product, b->product) == 0 && strcmp(a->currency, b->currency) == 0 &&
	       (!with_plan || strcmp(a->plan, b->plan) == 0);
}

/* Lines of one account for one offer become one; the sorted rows shrink in place. */
static size_t merge(struct paid *at, size_t n, bool with_plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct paid *last = kept ? &at[kept - 1] : NULL;

		if (last && last->account == at[i].account && is_same_offer(last, &at[i], with_plan)) {
			last->mrr_minor = sum_of(last->mrr_minor, at[i].mrr_minor);
			last->seats = sum_of(last->seats, at[i].seats);
		} else {
			at[kept++] = at[i];
		}
	}
	return kept;
}

static int by_size(const void *left, const void *right)
{
	const double *l = left, *r = right;

	return *l < *r ? -1 : *l > *r;
}

/* Sums of amounts end at their ceiling, which is none in floating point. */
static int64_t minor_of(double minor)
{
	return minor < 0x1p63 ? (int64_t)minor : INT64_MAX;
}

/* The lower middle; 0 of none. Sorts. */
static double median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, by_size);
	return n ? values[(n - 1) / 2] : 0;
}

static struct fact_plan plan_of(const struct paid *at, size_t n, double *values, struct arena *a)
{
	struct fact_plan plan = { arena_strdup(a, at->product), arena_strdup(a, at->plan), arena_strdup(a, at->currency),
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

static struct fact_product product_of(const struct paid *at, size_t n, double *values, struct arena *a)
{
	struct fact_product product = { arena_strdup(a, at->product), arena_strdup(a, at->currency), (int)n, 0 };
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

	qsort(p->at, p->n, sizeof *p->at, by_plan);
	p->n = merge(p->at, p->n, true);
	plans = arena_array(a, p->n, sizeof *plans);
	for (size_t i = 0, end; i < p->n; i = end) {
		for (end = i + 1; end < p->n && is_same_offer(&p->at[i], &p->at[end], true); end++)
			;
		plans[out->n_plans++] = plan_of(p->at + i, end - i, values, a);
	}
	out->plans = plans;
}

static void set_products(struct payments *p, double *values, struct arena *a, struct fact_market *out)
{
	struct fact_product *products;

	qsort(p->at, p->n, sizeof *p->at, by_product);
	p->n = merge(p->at, p->n, false);
	products = arena_array(a, p->n, sizeof *products);
	for (size_t i = 0, end; i < p->n; i = end) {
		for (end = i + 1; end < p->n && is_same_offer(&p->at[i], &p->at[end], false); end++)
			;
		products[out->n_products++] = product_of(p->at + i, end - i, values, a);
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
	qsort(values, n_accounts, sizeof *values, by_size);
	return minor_of(values[4 * n_accounts / 5]);
}

/* The currency most accounts pay in, the first by name of equals; and what they pay in it on average. */
static void set_mean(struct payments *p, double *values, struct arena *a, struct fact_market *out)
{
	out->n_sampled = (int)p->n_accounts;
	qsort(p->at, p->n, sizeof *p->at, by_currency);
	for (size_t i = 0, end; i < p->n; i = end) {
		double sum = 0;
		size_t n_seats = 0;
		int n = 0;

		for (end = i; end < p->n && strcmp(p->at[end].currency, p->at[i].currency) == 0; end++) {
			if (p->at[end].seats > 0)
				values[n_seats++] = (double)p->at[end].mrr_minor / (double)p->at[end].seats;
			if (end > i && p->at[end].account == p->at[end - 1].account)
				continue;
			sum += (double)p->at[end].all_minor;
			n++;
		}
		if (n > out->n_accounts) {
			out->n_accounts = n;
			out->currency = arena_strdup(a, p->at[i].currency);
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
	set_mean(&p, values, a, out);
	set_plans(&p, values, a, out);
	set_products(&p, values, a, out);
	return 0;
}

#include <string.h>

#include "common/clock.h"
#include "common/money.h"
#include "score/book.h"

#define NANO INT64_C(1000000000)
/* Of what is handed out: twelve digits, for one unit of a small currency (IDR) in a large one has few of them left. */
#define SCALE (1000 * NANO)

/* A rate as its bank told it: base for one currency, or the other way round. None: nano is 0. */
struct quote {
	int64_t nano;
	int32_t on;
	bool is_inverse;
};

/* The first rate that lies behind (currency, base, day). */
static size_t first_behind(const struct revenue *facts, uint16_t currency, uint16_t base, int32_t day)
{
	size_t low = 0, high = facts->n_rates;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct revenue_rate *r = &facts->rates[middle];
		bool is_behind = r->currency != currency ? r->currency > currency :
			r->base != base ? r->base > base : r->on > day;

		if (is_behind)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The newest that is no later than the day and not too old. */
static struct quote told_quote(const struct book *b, uint16_t currency, uint16_t base, int32_t day)
{
	size_t behind = first_behind(b->facts, currency, base, day);
	const struct revenue_rate *r = behind ? &b->facts->rates[behind - 1] : NULL;

	if (!r || r->currency != currency || r->base != base || r->nano <= 0 || day - r->on > b->policy->rate_age_days)
		return (struct quote){ 0 };
	return (struct quote){ .nano = r->nano, .on = r->on };
}

/* Told that way or the other way round, whichever is newer. */
static struct quote find_quote(const struct book *b, uint16_t currency, uint16_t base, int32_t day)
{
	struct quote told = told_quote(b, currency, base, day), inverse = told_quote(b, base, currency, day);

	if (told.nano && (!inverse.nano || told.on >= inverse.on))
		return told;
	inverse.is_inverse = true;
	return inverse;
}

/* SCALE times a rate, still to be divided, so that it is rounded once; under is 0 when there is none. */
struct fraction {
	money_wide over, under;
};

static struct fraction fraction_of(struct quote q)
{
	if (!q.nano)
		return (struct fraction){ 0, 0 };
	return q.is_inverse ? (struct fraction){ (money_wide)SCALE * NANO, q.nano }
	                    : (struct fraction){ (money_wide)(SCALE / NANO) * q.nano, 1 };
}

static struct fraction product_of(struct quote a, struct quote b)
{
	money_wide both = (money_wide)a.nano * b.nano;

	if (!both)
		return (struct fraction){ 0, 0 };
	if (a.is_inverse && b.is_inverse)
		return (struct fraction){ (money_wide)SCALE * NANO * NANO, both };
	if (a.is_inverse)
		return (struct fraction){ (money_wide)SCALE * b.nano, a.nano };
	if (b.is_inverse)
		return (struct fraction){ (money_wide)SCALE * a.nano, b.nano };
	return (struct fraction){ both, NANO / (SCALE / NANO) };
}

/* through a third currency ----------------------------------------------------------------------------------------- */

struct search {
	const struct book *b;
	uint16_t currency, third; /* third: the best up to now; 0: none */
	int32_t day;
	struct fraction rate;
};

/* Lists of one bank tell all currencies in one; where there are several, the first by name serves. */
static void consider(struct search *s, uint16_t third)
{
	const char *const *names = s->b->facts->names;
	struct fraction rate;

	if (third == s->currency || third == s->b->currency_name ||
	    (s->third && strcmp(names[third], names[s->third]) >= 0))
		return;
	rate = product_of(find_quote(s->b, s->currency, third, s->day),
	                  find_quote(s->b, third, s->b->currency_name, s->day));
	if (rate.under) {
		s->rate = rate;
		s->third = third;
	}
}

/* What the currency is told in, and what is told in it, are the first and the second column of rates. */
static struct fraction cross_rate(const struct book *b, uint16_t currency, int32_t day)
{
	const struct revenue *facts = b->facts;
	struct search s = { .b = b, .currency = currency, .day = day };

	for (size_t i = 0; i < facts->n_rates; i = first_behind(facts, facts->rates[i].currency, UINT16_MAX, INT32_MAX))
		consider(&s, facts->rates[i].currency);
	for (size_t i = first_behind(facts, currency, 0, INT32_MIN);
	     i < facts->n_rates && facts->rates[i].currency == currency;
	     i = first_behind(facts, currency, facts->rates[i].base, INT32_MAX))
		consider(&s, facts->rates[i].base);
	return s.rate;
}

/* minor units ------------------------------------------------------------------------------------------------------ */

/* Rates are of major units; one of JPY is one minor unit, one of EUR a hundred. Returns 0 when it is out of reach. */
static int64_t rounded(struct fraction rate, int more_digits)
{
	for (; more_digits > 0; more_digits--)
		if (__builtin_mul_overflow(rate.over, (money_wide)10, &rate.over))
			return 0;
	for (; more_digits < 0; more_digits++)
		if (__builtin_mul_overflow(rate.under, (money_wide)10, &rate.under))
			return 0;
	if (!rate.under || rate.over / rate.under >= INT64_MAX)
		return 0;
	return (int64_t)((rate.over + rate.under / 2) / rate.under);
}

int book_rate(const struct book *b, uint16_t currency, int32_t day, int64_t *out_rate, struct err *err)
{
	const char *name = b->facts->names[currency];
	int more = money_digits(b->currency) - money_digits(name ? name : b->currency);
	struct fraction rate = fraction_of(find_quote(b, currency, b->currency_name, day));
	int64_t scaled = rounded(rate.under ? rate : cross_rate(b, currency, day), more);

	if (scaled <= 0) {
		CLEANUP(arena_freep) struct arena *a = arena_new(0);

		return err_set(err, ERR_CONFIG,
		               "no rate from %s to %s for %s or the %lld days before it: load rates of exchange,"
		               " or choose one currency with --currency",
		               name ? name : "(no currency)", b->currency, day_text(a, day),
		               (long long)b->policy->rate_age_days);
	}
	*out_rate = scaled;
	return 0;
}

bool book_exchange_fits(int64_t minor, int64_t rate, int64_t most)
{
	return (minor < 0 ? -(money_wide)minor : minor) * rate <= (money_wide)most * SCALE;
}

int64_t book_exchange(int64_t minor, int64_t rate)
{
	money_wide product = (money_wide)minor * rate;
	money_wide result = (product + (product < 0 ? -SCALE / 2 : SCALE / 2)) / SCALE;

	return result > INT64_MAX ? INT64_MAX : result < -INT64_MAX ? -INT64_MAX : (int64_t)result;
}

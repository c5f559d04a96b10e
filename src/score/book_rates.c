#include "common/clock.h"
#include "common/money.h"
#include "score/book.h"

#define NANO INT64_C(1000000000)

/* The newest rate from one currency to another that is no later than the day: an index, or n_rates. */
static size_t find_rate(const struct revenue *facts, uint16_t currency, uint16_t base, int32_t day)
{
	size_t low = 0, high = facts->n_rates;

	while (low < high) { /* the first that lies behind (currency, base, day) */
		size_t middle = low + (high - low) / 2;
		const struct revenue_rate *r = &facts->rates[middle];
		bool is_behind = r->currency != currency ? r->currency > currency :
			r->base != base ? r->base > base : r->on > day;

		if (is_behind)
			high = middle;
		else
			low = middle + 1;
	}
	if (low == 0 || facts->rates[low - 1].currency != currency || facts->rates[low - 1].base != base)
		return facts->n_rates;
	return low - 1;
}

/* Major units of `base` for one of `currency`, times 1e9, told that way or the other way round; 0: not known. */
static int64_t direct_rate(const struct book *b, uint16_t currency, uint16_t base, int32_t day)
{
	const struct revenue *facts = b->facts;
	size_t told = find_rate(facts, currency, base, day), inverse = find_rate(facts, base, currency, day);
	bool has_told = told < facts->n_rates && day - facts->rates[told].on <= b->policy->rate_age_days;
	bool has_inverse = inverse < facts->n_rates && day - facts->rates[inverse].on <= b->policy->rate_age_days;

	if (has_told && (!has_inverse || facts->rates[told].on >= facts->rates[inverse].on))
		return facts->rates[told].nano;
	if (!has_inverse || facts->rates[inverse].nano <= 0)
		return 0;
	return (int64_t)(((money_wide)NANO * NANO + facts->rates[inverse].nano / 2) / facts->rates[inverse].nano);
}

/* Through a third currency that both are quoted in, as in lists of one bank: the first by name. */
static int64_t cross_rate(const struct book *b, uint16_t currency, uint16_t base, int32_t day)
{
	for (uint16_t third = 1; third < b->facts->n_names; third++) {
		int64_t there, on;

		if (third == currency || third == base || (there = direct_rate(b, currency, third, day)) <= 0 ||
		    (on = direct_rate(b, third, base, day)) <= 0)
			continue;
		return (int64_t)(((money_wide)there * on + NANO / 2) / NANO);
	}
	return 0;
}

int book_rate(const struct book *b, uint16_t currency, int32_t day, int64_t *out_nano, struct err *err)
{
	const char *name = b->facts->names[currency];
	int more = money_digits(b->currency) - money_digits(name ? name : b->currency);
	int64_t nano = direct_rate(b, currency, b->currency_name, day);

	if (nano <= 0)
		nano = cross_rate(b, currency, b->currency_name, day);
	for (; nano > 0 && more > 0; more--)
		nano = nano > INT64_MAX / 10 ? 0 : nano * 10;
	for (; nano > 0 && more < 0; more++)
		nano = (nano + 5) / 10;
	if (nano <= 0) {
		CLEANUP(arena_freep) struct arena *a = arena_new(0);

		return err_set(err, ERR_CONFIG,
		               "no rate from %s to %s for %s or the %lld days before it: load rates of exchange,"
		               " or choose one currency with --currency",
		               name ? name : "(no currency)", b->currency, day_text(a, day),
		               (long long)b->policy->rate_age_days);
	}
	*out_nano = nano;
	return 0;
}

int64_t book_exchange(int64_t minor, int64_t nano)
{
	money_wide product = (money_wide)minor * nano;

	return (int64_t)((product + (product < 0 ? -NANO / 2 : NANO / 2)) / NANO);
}

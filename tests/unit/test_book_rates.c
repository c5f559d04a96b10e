#include "cmocka_shim.h"

#include <string.h>

#include "contracts.h"
#include "score/book.h"

/* The currencies of these books, by number. */
enum { NONE, USD, EUR, GBP, JPY, KWD, IDR, CHF, N_NAMES };

static const char *const names[N_NAMES] = { NULL, "USD", "EUR", "GBP", "JPY", "KWD", "IDR", "CHF" };
static struct nrr_policy policy;
static struct err err;

static struct revenue facts_of(const struct revenue_rate *rates, size_t n)
{
	return (struct revenue){ .names = names, .n_names = N_NAMES, .rates = rates, .n_rates = n };
}

static struct book book_in(const struct revenue *facts, uint16_t currency)
{
	policy = nrr_default_policy;
	policy.rate_age_days = 7;
	return (struct book){ .facts = facts, .policy = &policy, .currency = names[currency], .currency_name = currency };
}

/* An amount of one currency in another on a day; INT64_MIN: no rate. */
static int64_t exchanged(const struct revenue *facts, int64_t minor, uint16_t from, uint16_t to, int32_t day)
{
	struct book b = book_in(facts, to);
	int64_t rate;

	return book_rate(&b, from, day, &rate, &err) < 0 ? INT64_MIN : book_exchange(minor, rate);
}

/* As the ECB tells them: what one euro is worth. */
static const struct revenue_rate ecb[] = {
	{ EUR, USD, 100, 1100000000 }, { EUR, USD, 103, 1250000000 }, { EUR, GBP, 100, 800000000 },
	{ EUR, JPY, 100, 160250000000 }, { EUR, KWD, 100, 337100000 }, { EUR, IDR, 100, 17342550000000 },
};

static struct revenue ecb_facts(void)
{
	return facts_of(ecb, ARRAY_LEN(ecb));
}

static void a_rate_holds_from_its_day_until_the_next_or_until_it_is_too_old(void **state)
{
	struct revenue facts = ecb_facts();

	(void)state;
	assert_true(exchanged(&facts, 10000, EUR, USD, 99) == INT64_MIN);
	ASSERT_INT(exchanged(&facts, 10000, EUR, USD, 100), 11000);
	ASSERT_INT(exchanged(&facts, 10000, EUR, USD, 102), 11000);
	ASSERT_INT(exchanged(&facts, 10000, EUR, USD, 103), 12500);
	ASSERT_INT(exchanged(&facts, 10000, EUR, USD, 110), 12500);
	assert_true(exchanged(&facts, 10000, EUR, USD, 111) == INT64_MIN);
}

static void rates_the_other_way_round_and_through_a_third_currency_are_derived(void **state)
{
	struct revenue facts = ecb_facts();

	(void)state;
	ASSERT_INT(exchanged(&facts, 10000, USD, EUR, 103), 8000);
	ASSERT_INT(exchanged(&facts, 10000, GBP, EUR, 100), 12500);
	ASSERT_INT(exchanged(&facts, 10000, GBP, USD, 100), 13750);  /* 1.1 / 0.8 */
	ASSERT_INT(exchanged(&facts, 13750, USD, GBP, 100), 10000);
	assert_true(exchanged(&facts, 1, CHF, USD, 100) == INT64_MIN);
}

static void amounts_of_currencies_without_or_with_more_digits_are_right(void **state)
{
	struct revenue facts = ecb_facts();

	(void)state;
	ASSERT_INT(exchanged(&facts, 10000, EUR, JPY, 100), 16025);   /* 100.00 EUR, 16,025 JPY */
	ASSERT_INT(exchanged(&facts, 16025, JPY, EUR, 100), 10000);
	ASSERT_INT(exchanged(&facts, 10000, EUR, KWD, 100), 33710);   /* 33.710 KWD */
	ASSERT_INT(exchanged(&facts, 33710, KWD, EUR, 100), 10000);
	ASSERT_INT(exchanged(&facts, 33710, KWD, JPY, 100), 16025);
	ASSERT_INT(exchanged(&facts, 1734255000, IDR, EUR, 100), 100000); /* a small unit keeps its digits */
	ASSERT_INT(exchanged(&facts, INT64_C(173425500000), IDR, USD, 100), 11000000);
}

static void the_newer_of_both_directions_counts(void **state)
{
	static const struct revenue_rate rates[] = { { USD, EUR, 102, 900000000 }, { EUR, USD, 100, 1100000000 } };
	struct revenue facts = facts_of(rates, ARRAY_LEN(rates));

	(void)state;
	ASSERT_INT(exchanged(&facts, 9900, USD, EUR, 101), 9000);
	ASSERT_INT(exchanged(&facts, 10000, USD, EUR, 102), 9000);
	ASSERT_INT(exchanged(&facts, 9000, EUR, USD, 102), 10000);
}

static void of_several_third_currencies_the_first_by_name_serves_whatever_the_order(void **state)
{
	/* CHF tells both, EUR is told in both: CHF comes first */
	static const struct revenue_rate rates[] = {
		{ USD, EUR, 100, 500000000 }, { GBP, EUR, 100, 2000000000 },
		{ CHF, USD, 100, 1000000000 }, { CHF, GBP, 100, 3000000000 },
	};
	struct revenue facts = facts_of(rates, ARRAY_LEN(rates));

	(void)state;
	ASSERT_INT(exchanged(&facts, 100, USD, GBP, 100), 300);
	ASSERT_INT(exchanged(&facts, 300, GBP, USD, 100), 100);
}

static void both_legs_told_the_same_way_are_multiplied(void **state)
{
	static const struct revenue_rate rates[] = { { USD, EUR, 100, 900000000 }, { EUR, GBP, 100, 850000000 } };
	struct revenue facts = facts_of(rates, ARRAY_LEN(rates));

	(void)state;
	ASSERT_INT(exchanged(&facts, 100000, USD, GBP, 100), 76500);
	ASSERT_INT(exchanged(&facts, 76500, GBP, USD, 100), 100000);
}

static void amounts_are_rounded_half_away_from_zero_and_end_at_64_bits(void **state)
{
	static const struct revenue_rate rates[] = { { EUR, USD, 100, 500000000 }, { EUR, GBP, 100, 9000000000000000000 } };
	struct revenue facts = facts_of(rates, ARRAY_LEN(rates));

	(void)state;
	ASSERT_INT(exchanged(&facts, 1, EUR, USD, 100), 1);
	ASSERT_INT(exchanged(&facts, -1, EUR, USD, 100), -1);
	ASSERT_INT(exchanged(&facts, 3, EUR, USD, 100), 2);
	ASSERT_INT(exchanged(&facts, INT64_MAX, USD, EUR, 100), INT64_MAX);
	assert_true(exchanged(&facts, 1, EUR, GBP, 100) == INT64_MIN); /* no rate that anybody has */
}

static void a_missing_rate_is_named_with_its_day(void **state)
{
	struct revenue facts = ecb_facts();

	(void)state;
	assert_true(exchanged(&facts, 1, CHF, EUR, contracts_day("2025-03-01")) == INT64_MIN);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "no rate from CHF to EUR for 2025-03-01 or the 7 days before it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_holds_from_its_day_until_the_next_or_until_it_is_too_old),
		cmocka_unit_test(rates_the_other_way_round_and_through_a_third_currency_are_derived),
		cmocka_unit_test(amounts_of_currencies_without_or_with_more_digits_are_right),
		cmocka_unit_test(the_newer_of_both_directions_counts),
		cmocka_unit_test(of_several_third_currencies_the_first_by_name_serves_whatever_the_order),
		cmocka_unit_test(both_legs_told_the_same_way_are_multiplied),
		cmocka_unit_test(amounts_are_rounded_half_away_from_zero_and_end_at_64_bits),
		cmocka_unit_test(a_missing_rate_is_named_with_its_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

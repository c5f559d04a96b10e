/* What speaks for growth: limits of every kind, what grows, what is crossed, what there is to sell. */
#include "cmocka_shim.h"

#include <string.h>

#include "accounts.h"
#include "store/usage.h"

static struct sample s;

static int setup(void **state)
{
	struct arena *a = arena_new(0);

	sample_init(&s, a);
	*state = a;
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct reading *read(const char *name)
{
	sample_score(&s, NULL);
	return sample_reading(&s, ENGINE_EXPANSION, name);
}

/* value below 0: not known, for the reason given. */
static void expect(const char *name, double value, const char *words)
{
	const struct reading *r = read(name);
	const char *told = r->is_known ? r->evidence : r->why;

	if (r->is_known != (value >= 0) || !strstr(told, words) ||
	    (r->is_known && (r->value > value + 0.011 || r->value < value - 0.011)))
		fail_msg("%s: %d %.3f %s; expected %.3f %s", name, r->is_known, r->value, told, value, words);
}

/* People at work, by the metric that counts them. */
static void people(int from_age, int to_age, int n)
{
	if (!s.usage[1]) {
		s.usage[1] = arena_array(s.arena, FACTS_DAYS, sizeof(int64_t));
		for (int age = 0; age < FACTS_DAYS; age++)
			s.usage[1][age] = USAGE_NONE;
	}
	for (int age = from_age; age < to_age; age++)
		s.usage[1][age] = n;
}

static void set_limit(struct fact_limit *limit, const char *metric, int64_t value, int period_days)
{
	*limit = (struct fact_limit){ metric, value, period_days };
	s.account.limits = limit;
	s.account.n_limits = 1;
}

static void a_limit_says_what_is_counted_against_it(void **state)
{
	static const struct {
		int64_t limit;
		int period_days;
		double value;
	} cases[] = {
		{ 12, 0, 0.83 },    /* a level or a day's use: ten on working days */
		{ 60, 7, 0.83 },    /* five working days */
		{ 250, 30, 0.88 },  /* twenty-two of thirty */
		{ 1000, 91, 0.65 },
		{ 4000, 365, 0.65 },
	};
	struct fact_limit limit;

	(void)state;
	expect("near_limit", -1, "no limit and use of it known");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		set_limit(&limit, "actions", cases[i].limit, cases[i].period_days);
		expect("near_limit", cases[i].value, "actions (");
	}
	set_limit(&limit, "storage", 5, 0);
	expect("near_limit", -1, "no limit and use of it known");
}

static void one_day_fills_no_limit(void **state)
{
	struct fact_limit limit;

	(void)state;
	s.usage[0][3] = 5000;
	set_limit(&limit, "actions", 20, 0);
	expect("near_limit", 0.5, "10 of 20 actions");
	set_limit(&limit, "actions", 1000, 30);
	expect("near_limit", 0.32, "of 1,000 actions"); /* at most half as much again as the period before */
	for (int age = 40; age < FACTS_DAYS; age++)
		s.usage[0][age] = USAGE_NONE;
	expect("near_limit", -1, "no limit and use of it known"); /* less than two periods behind it */
}

static void a_level_that_is_told_by_the_month_is_read(void **state)
{
	struct fact_limit limit;

	(void)state;
	for (int age = 0; age < FACTS_DAYS; age++)
		s.usage[0][age] = age % 30 == 10 ? 19 : USAGE_NONE;
	set_limit(&limit, "actions", 20, 0);
	expect("near_limit", 0.95, "19 of 20 actions (95 %), urgent");
	for (int age = 20; age < FACTS_DAYS; age++)
		s.usage[0][age] = USAGE_NONE;
	expect("near_limit", -1, "no limit"); /* one value proves nothing */
}

static void full_and_growing_is_more_than_either(void **state)
{
	(void)state;
	people(0, 28, 18);
	people(28, FACTS_DAYS, 12);
	expect("near_limit", 0.9, "18 of 20 seats used");
	expect("seat_growth", 0.5, "18 people a week for a month, 12 before: 50 % more");
	expect("filling_up", 0.83, "90 % of seats used and 50 % growth in a quarter: full in 24 days at this pace");
	assert_true(read("filling_up")->stake_minor > 0);
	people(0, FACTS_DAYS, 18);
	expect("filling_up", 0, "not full, or not growing");
	people(0, 28, 6);
	people(28, FACTS_DAYS, 4);
	expect("filling_up", 0, "not full, or not growing");
	s.account.active = (struct fact_days){ { 1 } };
	expect("filling_up", -1, "growth is not known");
}

static void a_spike_is_no_growth(void **state)
{
	(void)state;
	people(0, FACTS_DAYS, 10);
	people(2, 9, 40); /* one week */
	expect("seat_growth", 0, "no lasting growth");
	for (int age = 2; age < 9; age++)
		s.usage[0][age] = 4000;
	s.metrics[0].used = 1000;
	expect("use_growth", 0, "use does not grow");
	for (int age = 0; age < 91; age++)
		if (s.usage[0][age] != USAGE_NONE)
			s.usage[0][age] = 14;
	expect("use_growth", 0.4, "40 % more use in the last quarter");
}

static void a_renewal_counts_beside_what_is_full(void **state)
{
	(void)state;
	people(0, FACTS_DAYS, 20);
	expect("full_at_renewal", -1, "no renewal date known");
	s.account.renewal_on = AS_OF + 30;
	expect("full_at_renewal", 1, "renewal on 2026-03-18, in 30 days, at 100 % of seats used");
	expect("renewal_near", 30, "renewal on 2026-03-18");
	s.account.renewal_on = AS_OF + 300;
	expect("full_at_renewal", 0, "its renewal is far off");
}

static void use_is_held_against_what_is_paid(void **state)
{
	(void)state;
	people(0, FACTS_DAYS, 20);
	expect("worth_for_money", -1, "neither its price nor what is usual");
	/* It pays 100,000 a month for 20 seats: 5,000 each; the others 10,000. */
	s.base.market = (struct fact_market){ .n_accounts = 31, .currency = "EUR", .n_sampled = 31,
		                                  .mrr_mean_minor = 200000, .seat_minor = 10000 };
	expect("worth_for_money", 2, "2.0 times the usual use for its money");
	expect("full_and_worth", 1, "100 % of seats used, and 2.0 times the usual use");
	s.base.market.currency = "USD";
	expect("worth_for_money", -1, "neither its price nor what is usual");
	s.base.market.currency = "EUR";
	s.usage[1] = NULL; /* by the share of use: a thirty-first of all would be as usual; it has two of them */
	s.metrics[0].used = 31 * 100.0;
	expect("worth_for_money", 4, "4.0 times the usual use for its money");
}

static void what_growth_is_worth_comes_from_what_others_pay(void **state)
{
	static const struct fact_plan plans[] = {
		{ "core", "free", "EUR", 9, 0, 1000 },       { "core", "max", "EUR", 9, 900000, 9000 },
		{ "core", "rare", "EUR", 2, 600000, 6000 },  { "core", "super", "EUR", 5, 700000, 7000 },
		{ "other", "basic", "EUR", 9, 5100, 5500 },
	};
	struct fact_limit limit;

	(void)state;
	s.base.market = (struct fact_market){ .plans = plans, .n_plans = ARRAY_LEN(plans), .n_accounts = 31,
		                                  .currency = "EUR", .n_sampled = 31, .mrr_mean_minor = 100000 };
	set_limit(&limit, "actions", 10, 0);
	/* The cheapest dearer plan that three have: 7,000 a seat against 5,000, 20 seats, a year. */
	ASSERT_INT(read("near_limit")->stake_minor, 2000 * 20 * 12);
	assert_non_null(strstr(read("near_limit")->stake_how, "the next plan, super"));
	people(0, FACTS_DAYS, 20);
	s.account.n_limits = 0;
	ASSERT_INT(read("near_limit")->stake_minor, 2 * 60000); /* two more seats at its own price */
}

/* Amounts and counts from outside may be anything; what they come to stays money. */
static void what_growth_is_worth_meets_a_ceiling(void **state)
{
	static const int64_t amounts[] = { 1, INT64_C(100000000000000000), INT64_MAX / 12, INT64_MAX };
	struct fact_opportunity offer = { "More", "upsell", "EUR", INT64_MAX, AS_OF - 9, DAY_NONE, false, false };
	struct fact_limit limit;

	(void)state;
	people(0, 28, 900000000);
	people(28, FACTS_DAYS, 1000);
	set_limit(&limit, "actions", 1, 0);
	s.account.opportunities = &offer;
	s.account.n_opportunities = 1;
	for (size_t i = 0; i < 2 * ARRAY_LEN(amounts); i++) {
		const struct verdict *v;

		s.subscription.mrr_minor = amounts[i / 2];
		s.subscription.seats = i % 2 ? INT64_MAX : 1;
		sample_score(&s, NULL);
		for (int engine = 0; engine < N_ENGINES; engine++) {
			v = &s.diagnosis.verdicts[engine];
			assert_true(v->value_minor >= 0 && v->expected_minor >= 0);
			for (size_t r = 0; r < v->n_readings; r++)
				if (v->readings[r].stake_minor < -1 || (v->readings[r].stake_how && v->readings[r].stake_minor < 0))
					fail_msg("%s: %lld", v->readings[r].name, (long long)v->readings[r].stake_minor);
		}
	}
}

static void a_product_that_most_others_have_is_a_gap(void **state)
{
	static const struct fact_product products[] = {
		{ "api", "EUR", 20, 0.25 }, { "core", "EUR", 31, 0 }, { "rare", "EUR", 2, 0.5 },
	};

	(void)state;
	expect("product_gap", -1, "no products to compare");
	s.base.market = (struct fact_market){ .products = products, .n_products = ARRAY_LEN(products), .n_accounts = 31,
		                                  .currency = "EUR", .n_sampled = 31, .mrr_mean_minor = 100000 };
	expect("product_gap", 0.645, "65 % of the others have api");
	ASSERT_INT(read("product_gap")->stake_minor, 300000); /* a quarter of 1,200,000 a year */
	s.subscription.product = "API";
	expect("product_gap", 1, "100 % of the others have core");
}

static void an_open_offer_is_a_demand_and_a_refusal_rests(void **state)
{
	struct fact_opportunity offer = { "More seats", "upsell", "EUR", 90000, AS_OF - 40, AS_OF + 10, false,
		                              false };
	const struct verdict *v;

	(void)state;
	expect("open_upsell", 0, "none is open");
	s.account.opportunities = &offer;
	s.account.n_opportunities = 1;
	expect("open_upsell", 1, "upsell open since 2026-01-07: \"More seats\"");
	offer.kind = "renewal";
	expect("open_upsell", 0, "none is open");
	offer.kind = "upsell";
	offer.close_on = AS_OF - 31; /* forgotten in the CRM */
	expect("open_upsell", 0, "none is open");
	people(0, FACTS_DAYS, 20);
	v = &sample_score(&s, NULL)->verdicts[ENGINE_EXPANSION];
	assert_false(v->is_blocked);
	offer.is_closed = true;
	v = &sample_score(&s, NULL)->verdicts[ENGINE_EXPANSION];
	assert_true(v->is_blocked);
	assert_non_null(strstr(v->band_why, "it turned an offer down on 2026-01-16"));
	offer.is_won = true;
	assert_false(sample_score(&s, NULL)->verdicts[ENGINE_EXPANSION].is_blocked);
	offer.is_won = false;
	offer.close_on = AS_OF - 60;
	assert_false(sample_score(&s, NULL)->verdicts[ENGINE_EXPANSION].is_blocked);
}

static const char *const crossed[] = {
	"filling_up", "full_and_worth", "full_at_renewal", "growing_at_renewal", "worth_at_renewal", "growing_and_worth",
};

static void read_crossed(double values[ARRAY_LEN(crossed)])
{
	sample_score(&s, NULL);
	for (size_t i = 0; i < ARRAY_LEN(crossed); i++) {
		const struct reading *r = sample_reading(&s, ENGINE_EXPANSION, crossed[i]);

		assert_true(r->is_known);
		values[i] = r->value;
	}
}

/* More people of late, fewer seats, a lower price, a nearer renewal: the same account with one of them. */
static void a_factor_that_rises_lowers_nothing_that_is_crossed(void **state)
{
	uint32_t seed = 7;
	size_t n_raised = 0;

	(void)state;
	s.base.market = (struct fact_market){ .n_accounts = 31, .currency = "EUR", .n_sampled = 31,
		                                  .mrr_mean_minor = 100000, .seat_minor = 5000 };
	for (int k = 0; k < 400; k++) {
		double was[ARRAY_LEN(crossed)], is[ARRAY_LEN(crossed)];
		int draws[6];

		for (size_t i = 0; i < ARRAY_LEN(draws); i++)
			draws[i] = (int)((seed = seed * 1664525u + 1013904223u) >> 16);
		people(0, 28, 1 + draws[0] % 40);
		people(28, FACTS_DAYS, 1 + draws[1] % 40);
		s.subscription.seats = 5 + draws[2] % 60;
		s.subscription.mrr_minor = 20000 + 10 * (draws[3] % 20000);
		s.subscription.renewal_on = AS_OF + 20 + draws[4] % 200;
		read_crossed(was);
		switch (draws[5] % 4) {
		case 0: people(0, 28, 2 + draws[0] % 40 + k % 9); break;
		case 1: s.subscription.seats -= 1 + k % 4; break;
		case 2: s.subscription.mrr_minor -= 1 + k * 40; break;
		default: s.subscription.renewal_on -= 1 + k % 20; break;
		}
		read_crossed(is);
		for (size_t i = 0; i < ARRAY_LEN(crossed); i++) {
			n_raised += is[i] > was[i];
			if (is[i] < was[i] - 1e-12)
				fail_msg("%s: %.4f, then %.4f in account %d by %d", crossed[i], was[i], is[i], k, draws[5] % 4);
		}
	}
	assert_true(n_raised > 200);
}

static void health_and_habit_are_ground_and_no_demand(void **state)
{
	const struct verdict *v;

	(void)state;
	s.account.renewal_on = AS_OF + 20;
	v = &sample_score(&s, NULL)->verdicts[ENGINE_EXPANSION];
	assert_true(read("steady_use")->strength >= 1);
	assert_true(read("sound_health")->strength > 0.5);
	assert_true(read("renewal_near")->strength >= 1);
	assert_true(v->is_blocked);
	assert_non_null(strstr(v->band_why, "no demand"));
}

static void posture_is_value_times_potential(void **state)
{
	static const struct fact_plan dearer[] = { { "core", "max", "EUR", 9, 700000, 7000 } };
	static const struct { int64_t high; size_t n_plans; const char *words; } cases[] = {
		{ 90000, 1, "plan together" }, { 90000, 0, "defend, do not prospect" }, { 110000, 1, "develop" },
		{ 110000, 0, "keep simple" },
	};

	(void)state;
	assert_null(sample_score(&s, NULL)->verdicts[ENGINE_EXPANSION].posture); /* nobody to compare with */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		s.base.market = (struct fact_market){ .plans = dearer, .n_plans = cases[i].n_plans, .n_accounts = 31,
			                                  .currency = "EUR", .n_sampled = 31, .mrr_mean_minor = 100000,
			                                  .mrr_high_minor = cases[i].high };
		assert_non_null(strstr(sample_score(&s, NULL)->verdicts[ENGINE_EXPANSION].posture, cases[i].words));
	}
}

static void what_was_bought_before_is_told(void **state)
{
	(void)state;
	expect("bought_more", 0, "pays no more than 12 months ago");
	for (int m = 0; m < FACT_MARKS; m++)
		s.subscription.mrr_was_minor[m] = m < 2 ? 80000 : 0;
	expect("bought_more", 0.25, "pays 25 % more than 6 months ago");
	memset(s.subscription.mrr_was_minor, 0, sizeof s.subscription.mrr_was_minor);
	expect("bought_more", -1, "what it paid before is not known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_limit_says_what_is_counted_against_it, setup, teardown),
		cmocka_unit_test_setup_teardown(one_day_fills_no_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(a_level_that_is_told_by_the_month_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(full_and_growing_is_more_than_either, setup, teardown),
		cmocka_unit_test_setup_teardown(a_spike_is_no_growth, setup, teardown),
		cmocka_unit_test_setup_teardown(a_renewal_counts_beside_what_is_full, setup, teardown),
		cmocka_unit_test_setup_teardown(use_is_held_against_what_is_paid, setup, teardown),
		cmocka_unit_test_setup_teardown(what_growth_is_worth_comes_from_what_others_pay, setup, teardown),
		cmocka_unit_test_setup_teardown(what_growth_is_worth_meets_a_ceiling, setup, teardown),
		cmocka_unit_test_setup_teardown(a_product_that_most_others_have_is_a_gap, setup, teardown),
		cmocka_unit_test_setup_teardown(an_open_offer_is_a_demand_and_a_refusal_rests, setup, teardown),
		cmocka_unit_test_setup_teardown(a_factor_that_rises_lowers_nothing_that_is_crossed, setup, teardown),
		cmocka_unit_test_setup_teardown(health_and_habit_are_ground_and_no_demand, setup, teardown),
		cmocka_unit_test_setup_teardown(posture_is_value_times_potential, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_bought_before_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Published worked examples (T), edge cases of our own (D) and published figures that contradict themselves: each from
 * rows in a store through the whole engine. */
#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "contracts.h"
#include "score/movements.h"

static struct db *db;
static struct arena *arena;
static struct nrr_policy policy;
static struct err err;

static int open_book(void **state)
{
	(void)state;
	arena = arena_new(0);
	db = contracts_open();
	policy = nrr_default_policy;
	return 0;
}

static int close_book(void **state)
{
	(void)state;
	db_close(db);
	arena_free(arena);
	return 0;
}

static int64_t put(const char *account, const char *from, const char *to, int64_t minor)
{
	return contracts_put(db, &(struct contract){ .account = account, .from = from, .to = to, .minor = minor });
}

/* Pays `start` until the middle of 2025 and `end` from then on. */
static void put_change(const char *account, int64_t start, int64_t end)
{
	if (start)
		put(account, "2024-06-01", "2025-07-01", start);
	if (end)
		put(account, "2025-07-01", NULL, end);
}

static struct nrr_table table_of(const struct book *b, const char *from, const char *to, enum nrr_by by)
{
	struct nrr_span span = { contracts_day(from), contracts_day(to) };
	struct nrr_query query = { .spans = &span, .n_spans = 1, .by = 1u << by };
	struct nrr_table tables[N_NRR_BY];

	ASSERT_OK(nrr_compute(b, &query, arena, tables, &err));
	return tables[by];
}

static struct nrr_window window_of(const char *from, const char *to)
{
	struct book b = contracts_book(db, to, &policy, NULL, arena);
	struct nrr_table t = table_of(&b, from, to, NRR_BY_ALL);

	ASSERT_INT(t.n, 1);
	return t.rows[0];
}

static struct nrr_window year(void)
{
	return window_of("2025-01-01", "2026-01-01");
}

static const struct nrr_window *group_of(const struct nrr_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->rows[i].group, name) == 0)
			return &t->rows[i];
	fail_msg("no group %s", name);
	return NULL;
}

static const struct movement *movements_of(const char *from, const char *to, size_t *out_n)
{
	struct book b = contracts_book(db, to, &policy, NULL, arena);
	struct movement *list;

	ASSERT_OK(movements_make(&b, (struct nrr_span){ contracts_day(from), contracts_day(to) }, arena, &list, out_n,
	                         &err));
	return list;
}

static void expect_movement(const struct movement *m, const char *on, enum movement_kind kind, int64_t minor)
{
	assert_string_equal(day_text(arena, m->on), on);
	assert_string_equal(movement_names[m->kind], movement_names[kind]);
	ASSERT_INT(m->minor, minor);
}

/* T1 to T8: movements as published, each by an account of its own. */
static struct nrr_window published(int64_t start, int64_t expansion, int64_t contraction, int64_t churn, int64_t added)
{
	int64_t rest = start - churn;

	put_change("churns", churn, 0);
	put_change("expands", rest / 2, rest / 2 + expansion);
	put_change("contracts", rest - rest / 2, rest - rest / 2 - contraction);
	put_change("is new", 0, added);
	return year();
}

static void t1_ten_million_with_losses_and_growth_gives_grr_85_nrr_103(void **state)
{
	struct nrr_window w = published(1000000000, 180000000, 60000000, 90000000, 0);

	(void)state;
	ASSERT_INT(w.sums.start_minor, 1000000000);
	ASSERT_INT(w.sums.contraction_minor, 60000000);
	ASSERT_INT(w.sums.churn_minor, 90000000);
	ASSERT_INT(w.sums.expansion_minor, 180000000);
	ASSERT_NEAR(w.grr, 0.85, 1e-12);
	ASSERT_NEAR(w.nrr, 1.03, 1e-12);
}

static void t2_start_200k_losing_10k_and_growing_20k_gives_nrr_105(void **state)
{
	(void)state;
	ASSERT_NEAR(published(20000000, 2000000, 400000, 600000, 0).nrr, 1.05, 1e-12);
}

static void t3_start_100k_growing_20k_and_losing_10k_gives_nrr_110(void **state)
{
	(void)state;
	ASSERT_NEAR(published(10000000, 2000000, 0, 1000000, 0).nrr, 1.10, 1e-12);
}

static void t4_a_quarter_from_200k_with_30k_more_and_20k_less_gives_nrr_105(void **state)
{
	struct nrr_window w;

	(void)state;
	put("A", "2024-06-01", NULL, 17000000);
	put("B", "2024-06-01", "2025-02-01", 3000000);
	put("B", "2025-02-01", NULL, 1000000);
	put("A", "2025-02-01", NULL, 3000000);
	w = window_of("2025-01-01", "2025-04-01");
	ASSERT_INT(w.sums.expansion_minor, 3000000);
	ASSERT_INT(w.sums.contraction_minor, 2000000);
	ASSERT_NEAR(w.nrr, 1.05, 1e-12);
}

static void t5_a_cohort_from_100k_to_110k_gives_nrr_110(void **state)
{
	(void)state;
	put_change("A", 10000000, 11000000);
	ASSERT_NEAR(year().nrr, 1.10, 1e-12);
}

static void t6_gross_churn_20_net_churn_10(void **state)
{
	struct nrr_window w = published(10000, 1000, 1000, 1000, 0);

	(void)state;
	ASSERT_NEAR(1 - w.grr, 0.20, 1e-12);
	ASSERT_NEAR(1 - w.nrr, 0.10, 1e-12);
}

static void t7_a_day_from_100_to_120_of_which_10_new_gives_net_churn_of_minus_10(void **state)
{
	struct nrr_window w;

	(void)state;
	put("A", "2024-06-01", "2025-03-02", 10000);
	put("A", "2025-03-02", NULL, 11000);
	put("B", "2025-03-02", NULL, 1000);
	w = window_of("2025-03-01", "2025-03-02");
	ASSERT_INT(w.sums.end_minor, 12000);
	ASSERT_INT(w.sums.added_minor, 1000);
	ASSERT_NEAR(1 - w.nrr, -0.10, 1e-12);
}

static void t8_losing_300k_of_logos_and_200k_of_revenue_keeps_three_and_a_half_million(void **state)
{
	struct nrr_window w = published(400000000, 0, 20000000, 30000000, 0);

	(void)state;
	ASSERT_INT(w.sums.start_minor - w.sums.churn_minor - w.sums.contraction_minor, 350000000);
	ASSERT_NEAR(w.grr, 0.875, 1e-12);
}

static void t9_a_life_of_one_customer_falls_into_the_published_movements(void **state)
{
	static const struct { enum nrr_churn_date by; const char *on; } churn_dates[] = {
		{ CHURN_AT_NOTICE, "2024-09-20" },
		{ CHURN_AT_BILLING_END, "2024-10-01" },
		{ CHURN_AT_PERIOD_END, "2025-01-10" },
	};
	const struct movement *m;
	size_t n;

	(void)state;
	/* A yearly plan of 2,000, cancelled on the way, so that it ends with the paid year; two add-ons of 30; back
	 * with three of 50. The two other dates that churn may have are those of the page on it. */
	contracts_put(db, &(struct contract){ .account = "A", .from = "2024-01-10", .to = "2024-10-01", .minor = 16667,
	                                      .notice_on = "2024-09-20", .paid_until = "2025-01-10" });
	put("A", "2024-03-10", "2024-06-10", 3000);
	put("A", "2024-03-10", "2024-06-10", 3000);
	put("A", "2025-04-10", NULL, 5000);
	put("A", "2025-04-10", NULL, 5000);
	put("A", "2025-04-10", NULL, 5000);
	for (size_t i = 0; i < ARRAY_LEN(churn_dates); i++) {
		policy.churn_date = churn_dates[i].by;
		m = movements_of("2023-12-01", "2025-12-01", &n);
		ASSERT_INT(n, 5);
		expect_movement(&m[0], "2024-01-10", MOVEMENT_NEW, 16667);
		expect_movement(&m[1], "2024-03-10", MOVEMENT_UPSELL, 6000);
		expect_movement(&m[2], "2024-06-10", MOVEMENT_CONTRACTION, -6000);
		expect_movement(&m[3], churn_dates[i].on, MOVEMENT_CHURN, -16667);
		expect_movement(&m[4], "2025-04-10", MOVEMENT_REACTIVATION, 15000);
	}
	ASSERT_INT(window_of("2024-01-01", "2024-02-01").sums.added_minor, 16667);
	ASSERT_INT(window_of("2024-03-01", "2024-04-01").sums.expansion_minor, 6000);
	ASSERT_INT(window_of("2024-06-01", "2024-07-01").sums.contraction_minor, 6000);
	ASSERT_INT(window_of("2024-06-01", "2024-07-01").sums.churn_minor, 0);
	ASSERT_INT(window_of("2025-01-01", "2025-02-01").sums.churn_minor, 16667);
	ASSERT_INT(window_of("2025-04-01", "2025-05-01").sums.reactivation_minor, 15000);
	ASSERT_INT(window_of("2025-04-01", "2025-05-01").sums.added_minor, 0);
}

/* The page of T6 counts reactivation in its net churn. */
static void t6_with_a_customer_back_is_net_churn_of_4_where_reactivations_are_credited(void **state)
{
	struct nrr_window w;

	(void)state;
	put("back", "2024-01-01", "2024-04-01", 600);
	put("back", "2025-07-01", NULL, 600);
	w = published(10000, 1000, 1000, 1000, 0);
	ASSERT_NEAR(1 - w.nrr, 0.10, 1e-12);
	policy = *nrr_preset("chartmogul");
	w = year();
	ASSERT_INT(w.sums.reactivation_minor, 600);
	ASSERT_NEAR(1 - w.nrr, 0.04, 1e-12);
	ASSERT_NEAR(1 - w.grr, 0.20, 1e-12);
}

/* support.stripe.com, calculating-churned-revenue-in-billing. */
static void of_two_subscriptions_the_first_to_go_is_contraction_and_the_second_churn_as_stripe_says(void **state)
{
	const struct movement *m;
	size_t n;

	(void)state;
	put("A", "2024-06-01", "2025-03-01", 1000);
	put("A", "2024-06-01", "2025-05-01", 2000);
	policy = *nrr_preset("stripe");
	m = movements_of("2025-01-01", "2026-01-01", &n);
	ASSERT_INT(n, 2);
	expect_movement(&m[0], "2025-03-01", MOVEMENT_CONTRACTION, -1000);
	expect_movement(&m[1], "2025-05-01", MOVEMENT_CHURN, -2000);
}

/* learn.profitwell.com, profitwell-vs-stripe. */
static void who_comes_and_goes_within_a_month_is_ignored_by_profitwell_and_counted_twice_by_stripe(void **state)
{
	struct nrr_sums s;

	(void)state;
	put("A", "2024-06-01", NULL, 1000);
	put("B", "2025-03-05", "2025-03-20", 500);
	policy = *nrr_preset("profitwell");
	s = window_of("2025-03-01", "2025-04-01").sums;
	ASSERT_INT(s.added_minor, 0);
	ASSERT_INT(s.churn_minor, 0);
	policy = *nrr_preset("stripe");
	s = window_of("2025-03-01", "2025-04-01").sums;
	ASSERT_INT(s.added_minor, 500);
	ASSERT_INT(s.churn_minor, 500);
	ASSERT_NEAR(window_of("2025-03-01", "2025-04-01").nrr, 1.0, 1e-12);
	ASSERT_NEAR(window_of("2025-03-01", "2025-04-01").grr, 1.0, 1e-12);
}

/* A month with the movements of a published quick ratio, in thousands. */
static struct nrr_sums month_of(int64_t added, int64_t expansion, int64_t churn, int64_t contraction)
{
	put("churns", "2024-06-01", "2025-07-01", churn * 100000);
	put("contracts", "2024-06-01", "2025-07-01", 10000000);
	put("contracts", "2025-07-01", NULL, 10000000 - contraction * 100000);
	put("expands", "2024-06-01", NULL, 20000000);
	put("expands", "2025-06-15", NULL, expansion * 100000);
	put("is new", "2025-06-20", NULL, added * 100000);
	return window_of("2025-06-01", "2025-07-01").sums;
}

static void expect_quick_ratio(const struct nrr_sums *s, double ratio, double within)
{
	double got = 0;

	assert_true(nrr_quick_ratio(s, &got));
	ASSERT_NEAR(got, ratio, within);
}

static void t10_20k_new_8k_more_5k_gone_3k_less_gives_a_quick_ratio_of_3_5(void **state)
{
	struct nrr_sums s = month_of(20, 8, 5, 3);

	(void)state;
	expect_quick_ratio(&s, 3.5, 1e-12);
}

static void t11_25k_new_10k_more_8k_gone_4k_less_gives_2_92_and_net_23k(void **state)
{
	struct nrr_sums s = month_of(25, 10, 8, 4);

	(void)state;
	expect_quick_ratio(&s, 35.0 / 12, 1e-12);
	ASSERT_INT(s.end_minor - s.start_minor, 2300000);
}

static void t12_95k_28k_18k_7k_gives_4_92_net_98k_gross_123k(void **state)
{
	struct nrr_sums s = month_of(95, 28, 18, 7);

	(void)state;
	expect_quick_ratio(&s, 4.92, 1e-12);
	ASSERT_INT(s.end_minor - s.start_minor, 9800000);
	ASSERT_INT(s.added_minor + s.expansion_minor, 12300000);
}

static void t13_40k_5k_32k_8k_gives_1_125_and_net_5k(void **state)
{
	struct nrr_sums s = month_of(40, 5, 32, 8);

	(void)state;
	expect_quick_ratio(&s, 1.125, 1e-12);
	ASSERT_INT(s.end_minor - s.start_minor, 500000);
}

static void t14_a_hundred_monthly_and_fifty_yearly_plans_come_to_12500_a_month(void **state)
{
	struct nrr_window w;

	(void)state;
	for (int i = 0; i < 150; i++) {
		const char *account = arena_printf(arena, "account %d", i);

		if (i < 100)
			put(account, "2024-06-01", NULL, 10000);
		else
			contracts_account(db, account, NULL);
	}
	ASSERT_OK(db_run(db, "UPDATE account SET arr_minor = 60000, currency = 'EUR', customer_since_on = 19000"
	                 " WHERE id > 100", &err));
	w = year();
	ASSERT_INT(w.sums.start_minor, 1250000);
	ASSERT_INT(w.sums.n_start, 150);
	/* The page's misprint, 800 / 12 a month, would give another figure. */
	assert_true(w.sums.start_minor != 10000 * 100 + 50 * 80000 / 12);
}

/* The handbook's bonus, linear between the published points. */
static double bonus(double nrr)
{
	double points = (nrr - 1) * 100;

	return points <= 0 ? 0 : points * 10;
}

static void t16_the_published_bonus_follows_from_our_nrr(void **state)
{
	static const struct { int64_t end; double bonus; } vectors[] = {
		{ 100, 0 }, { 105, 50 }, { 110, 100 }, { 120, 200 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		ASSERT_OK(db_run(db, "DELETE FROM subscription", &err));
		put_change("A", 10000, vectors[i].end * 100);
		ASSERT_NEAR(bonus(year().nrr), vectors[i].bonus, 1e-9);
	}
}

static void put_mixed_book(void)
{
	put_change("A", 100, 150);
	put_change("B", 200, 120);
	put_change("C", 50, 0);
	put_change("D", 0, 80);
	put_change("E", 30, 30);
}

static void d1_a_mixed_book_gives_nrr_78_9474_grr_65_7895_logo_75(void **state)
{
	struct nrr_window w;

	(void)state;
	put_mixed_book();
	w = year();
	ASSERT_INT(w.sums.start_minor, 380);
	ASSERT_INT(w.sums.end_minor, 380);
	ASSERT_INT(w.sums.added_minor, 80);
	ASSERT_NEAR(w.nrr, 300.0 / 380, 1e-12);
	ASSERT_NEAR(w.grr, 250.0 / 380, 1e-12);
	ASSERT_NEAR(w.logo, 0.75, 1e-12);
}

static void d1_gives_the_same_by_movements_where_each_account_goes_one_way(void **state)
{
	struct nrr_window w;

	(void)state;
	put_mixed_book();
	policy.method = NRR_MOVEMENT_SUM;
	w = year();
	ASSERT_NEAR(w.nrr, 300.0 / 380, 1e-12);
	ASSERT_NEAR(w.grr, 250.0 / 380, 1e-12);
	ASSERT_NEAR(w.logo, 0.75, 1e-12);
}

static void put_up_then_down(void)
{
	put("A", "2024-06-01", "2025-03-01", 100);
	put("A", "2025-03-01", "2025-09-01", 150);
	put("A", "2025-09-01", NULL, 120);
}

static void d2_up_then_down_has_grr_100_point_to_point(void **state)
{
	struct nrr_window w;

	(void)state;
	put_up_then_down();
	w = year();
	ASSERT_NEAR(w.nrr, 1.20, 1e-12);
	ASSERT_NEAR(w.grr, 1.0, 1e-12);
	ASSERT_INT(w.sums.expansion_minor, 20);
	ASSERT_INT(w.sums.contraction_minor, 0);
}

static void d2_up_then_down_has_grr_70_by_movements(void **state)
{
	struct nrr_window w;

	(void)state;
	put_up_then_down();
	policy.method = NRR_MOVEMENT_SUM;
	w = year();
	ASSERT_NEAR(w.nrr, 1.20, 1e-12);
	ASSERT_NEAR(w.grr, 0.70, 1e-12);
	ASSERT_INT(w.sums.expansion_minor, 50);
	ASSERT_INT(w.sums.contraction_minor, 30);
}

static void put_gone_and_back(void)
{
	put("A", "2024-06-01", "2025-03-01", 100);
	put("A", "2025-09-01", NULL, 80);
}

static void d3_gone_and_back_within_the_window_counts_with_what_it_pays_at_the_end(void **state)
{
	struct nrr_window w;

	(void)state;
	put_gone_and_back();
	w = year();
	ASSERT_NEAR(w.nrr, 0.80, 1e-12);
	ASSERT_NEAR(w.grr, 0.80, 1e-12);
	ASSERT_INT(w.sums.returned_minor, 80);
}

static void d3_gone_and_back_counts_nothing_where_the_policy_is_strict(void **state)
{
	struct nrr_window w;

	(void)state;
	put_gone_and_back();
	policy.back_in_cohort = BACK_STRICT;
	for (int method = NRR_POINT_TO_POINT; method <= NRR_MOVEMENT_SUM; method++) {
		policy.method = (enum nrr_method)method;
		w = year();
		ASSERT_NEAR(w.nrr, 0, 0);
		ASSERT_NEAR(w.grr, 0, 0);
		ASSERT_INT(w.sums.end_minor, 80);
	}
}

static void d3_gone_and_back_by_movements_is_churn_and_reactivation(void **state)
{
	struct nrr_window w;

	(void)state;
	put_gone_and_back();
	policy.method = NRR_MOVEMENT_SUM;
	w = year();
	ASSERT_INT(w.sums.churn_minor, 100);
	ASSERT_INT(w.sums.reactivation_minor, 80);
	ASSERT_NEAR(w.nrr, 0.80, 1e-12);
	ASSERT_NEAR(w.grr, 0, 0);
}

/* A flat customer, and each month a new one that pays 10 and leaves in the next. */
static void d4_multiplied_months_fall_to_35_while_the_cohort_stays_at_100(void **state)
{
	int32_t first = contracts_day("2025-01-01");
	double product = 1;

	(void)state;
	put("flat", "2024-06-01", NULL, 100);
	for (int month = 0; month < 12; month++)
		put(arena_printf(arena, "of month %d", month), day_text(arena, day_add_months(first, month) + 14),
		    day_text(arena, day_add_months(first, month + 1) + 14), 10);
	for (int month = 0; month < 12; month++)
		product *= window_of(day_text(arena, day_add_months(first, month)),
		                     day_text(arena, day_add_months(first, month + 1))).nrr;
	ASSERT_NEAR(year().nrr, 1.0, 1e-12);
	ASSERT_NEAR(product, 0.3505, 5e-5);
}

/* A euro that is worth 1.10 dollars at the start and 1.00 at the end. */
static struct book book_of_euros_in_dollars(void)
{
	put("A", "2024-06-01", NULL, 10000);
	contracts_put(db, &(struct contract){ .account = "long gone", .from = "2023-01-01", .to = "2023-06-01", .minor = 1,
	                                      .currency = "USD" });
	contracts_rate(db, "EUR", "USD", "2025-01-01", 1100000000);
	contracts_rate(db, "EUR", "USD", "2026-01-01", 1000000000);
	return contracts_book(db, "2026-01-01", &policy, "USD", arena);
}

static void d5_a_rate_that_falls_moves_nothing_in_constant_currency(void **state)
{
	struct nrr_window w;
	struct book b;

	(void)state;
	b = book_of_euros_in_dollars();
	for (int method = NRR_POINT_TO_POINT; method <= NRR_MOVEMENT_SUM; method++) {
		policy.method = (enum nrr_method)method;
		w = table_of(&b, "2025-01-01", "2026-01-01", NRR_BY_ALL).rows[0];
		ASSERT_INT(w.sums.start_minor, 11000);
		ASSERT_INT(w.sums.contraction_minor, 0);
		ASSERT_NEAR(w.nrr, 1.0, 1e-12);
		ASSERT_NEAR(w.grr, 1.0, 1e-12);
	}
}

static void d5_at_spot_it_gives_nrr_90_91_with_a_line_of_its_own(void **state)
{
	struct movement *m;
	struct nrr_window w;
	struct book b;
	size_t n;

	(void)state;
	policy.fx = FX_SPOT;
	b = book_of_euros_in_dollars();
	for (int method = NRR_POINT_TO_POINT; method <= NRR_MOVEMENT_SUM; method++) {
		policy.method = (enum nrr_method)method;
		w = table_of(&b, "2025-01-01", "2026-01-01", NRR_BY_ALL).rows[0];
		ASSERT_INT(w.sums.start_minor, 11000);
		ASSERT_INT(w.sums.end_minor, 10000);
		ASSERT_INT(w.sums.fx_minor, -1000);
		ASSERT_INT(w.sums.contraction_minor, 0);
		ASSERT_NEAR(w.nrr, 0.9091, 5e-5);
	}
	ASSERT_OK(movements_make(&b, w.span, arena, &m, &n, &err));
	ASSERT_INT(n, 1);
	expect_movement(&m[0], "2026-01-01", MOVEMENT_FX, -1000);
}

static void d6_gross_retention_is_capped_per_account_and_not_in_total(void **state)
{
	struct nrr_window w;

	(void)state;
	put_change("A", 100, 160);
	put_change("B", 100, 60);
	w = year();
	ASSERT_NEAR(w.nrr, 1.10, 1e-12);
	ASSERT_NEAR(w.grr, 0.80, 1e-12);
	/* The wrong way: min(start, end) of the total, 100 %. */
	assert_true(w.sums.end_minor > w.sums.start_minor);
}

static void put_moved_segment(void)
{
	contracts_account(db, "A", "Enterprise");
	contracts_account(db, "B", "SMB");
	contracts_past(db, "account", contracts_account_id(db, "A"), "segment", NULL, "SMB");
	contracts_past(db, "account", contracts_account_id(db, "A"), "segment", "2025-08-01", "Enterprise");
	put_change("A", 10, 60);
	put_change("B", 100, 90);
}

static void d7_a_segment_is_what_it_was_at_the_start_so_smb_has_136_36(void **state)
{
	struct nrr_table t;
	struct book b;

	(void)state;
	put_moved_segment();
	b = contracts_book(db, "2026-01-01", &policy, NULL, arena);
	t = table_of(&b, "2025-01-01", "2026-01-01", NRR_BY_SEGMENT);
	ASSERT_INT(t.n, 1);
	ASSERT_NEAR(group_of(&t, "SMB")->nrr, 1.3636, 5e-5);
}

static void d7_a_segment_taken_at_the_end_leaves_smb_90(void **state)
{
	struct nrr_table t;
	struct book b;

	(void)state;
	put_moved_segment();
	policy.segment = SEGMENT_AT_END;
	b = contracts_book(db, "2026-01-01", &policy, NULL, arena);
	t = table_of(&b, "2025-01-01", "2026-01-01", NRR_BY_SEGMENT);
	ASSERT_INT(t.n, 2);
	ASSERT_NEAR(group_of(&t, "SMB")->nrr, 0.90, 1e-12);
	ASSERT_NEAR(group_of(&t, "Enterprise")->nrr, 6.0, 1e-12);
}

/* light2path.com calls gross retention of 82 % with net retention of 118 % "twelve percent net growth". */
static void grr_82_with_nrr_118_is_18_percent_growth_and_not_the_published_12(void **state)
{
	struct nrr_window w = published(100000, 36000, 8000, 10000, 0);

	(void)state;
	ASSERT_NEAR(w.grr, 0.82, 1e-12);
	ASSERT_NEAR(w.nrr, 1.18, 1e-12);
	ASSERT_NEAR(w.nrr - 1, 0.18, 1e-12);
	assert_false(fabs(w.nrr - 1 - 0.12) < 0.05);
}

/* super-calc.com takes what was gained and lost over what was lost: 112 % for the month of T12, whoever was there. */
static void nrr_is_a_share_of_what_was_there_and_not_of_what_was_lost_as_published(void **state)
{
	struct nrr_sums s = month_of(95, 28, 18, 7);
	double wrong = 1 + (double)(s.expansion_minor - s.churn_minor - s.contraction_minor) /
	               (double)(s.churn_minor + s.contraction_minor);

	(void)state;
	ASSERT_NEAR(wrong, 1.12, 1e-12);
	ASSERT_INT(s.start_minor, 31800000);
	ASSERT_NEAR(window_of("2025-06-01", "2025-07-01").nrr, 321.0 / 318, 1e-12);
	assert_false(fabs(window_of("2025-06-01", "2025-07-01").nrr - wrong) < 0.05);
}

/* theprimecalculator.com prints 0 when nothing was lost: the worst figure for the best month. */
static void a_month_without_losses_has_no_quick_ratio_and_not_the_published_0(void **state)
{
	struct nrr_sums s;
	double ratio = 7;

	(void)state;
	put("A", "2024-06-01", NULL, 100);
	put("B", "2025-06-10", NULL, 100);
	s = window_of("2025-06-01", "2025-07-01").sums;
	ASSERT_INT(s.added_minor, 100);
	assert_false(nrr_quick_ratio(&s, &ratio));
	ASSERT_NEAR(ratio, 7, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)
	const struct CMUnitTest tests[] = {
		CASE(t1_ten_million_with_losses_and_growth_gives_grr_85_nrr_103),
		CASE(t2_start_200k_losing_10k_and_growing_20k_gives_nrr_105),
		CASE(t3_start_100k_growing_20k_and_losing_10k_gives_nrr_110),
		CASE(t4_a_quarter_from_200k_with_30k_more_and_20k_less_gives_nrr_105),
		CASE(t5_a_cohort_from_100k_to_110k_gives_nrr_110),
		CASE(t6_gross_churn_20_net_churn_10),
		CASE(t7_a_day_from_100_to_120_of_which_10_new_gives_net_churn_of_minus_10),
		CASE(t8_losing_300k_of_logos_and_200k_of_revenue_keeps_three_and_a_half_million),
		CASE(t9_a_life_of_one_customer_falls_into_the_published_movements),
		CASE(t6_with_a_customer_back_is_net_churn_of_4_where_reactivations_are_credited),
		CASE(of_two_subscriptions_the_first_to_go_is_contraction_and_the_second_churn_as_stripe_says),
		CASE(who_comes_and_goes_within_a_month_is_ignored_by_profitwell_and_counted_twice_by_stripe),
		CASE(t10_20k_new_8k_more_5k_gone_3k_less_gives_a_quick_ratio_of_3_5),
		CASE(t11_25k_new_10k_more_8k_gone_4k_less_gives_2_92_and_net_23k),
		CASE(t12_95k_28k_18k_7k_gives_4_92_net_98k_gross_123k),
		CASE(t13_40k_5k_32k_8k_gives_1_125_and_net_5k),
		CASE(t14_a_hundred_monthly_and_fifty_yearly_plans_come_to_12500_a_month),
		CASE(t16_the_published_bonus_follows_from_our_nrr),
		CASE(d1_a_mixed_book_gives_nrr_78_9474_grr_65_7895_logo_75),
		CASE(d1_gives_the_same_by_movements_where_each_account_goes_one_way),
		CASE(d2_up_then_down_has_grr_100_point_to_point),
		CASE(d2_up_then_down_has_grr_70_by_movements),
		CASE(d3_gone_and_back_within_the_window_counts_with_what_it_pays_at_the_end),
		CASE(d3_gone_and_back_counts_nothing_where_the_policy_is_strict),
		CASE(d3_gone_and_back_by_movements_is_churn_and_reactivation),
		CASE(d4_multiplied_months_fall_to_35_while_the_cohort_stays_at_100),
		CASE(d5_a_rate_that_falls_moves_nothing_in_constant_currency),
		CASE(d5_at_spot_it_gives_nrr_90_91_with_a_line_of_its_own),
		CASE(d6_gross_retention_is_capped_per_account_and_not_in_total),
		CASE(d7_a_segment_is_what_it_was_at_the_start_so_smb_has_136_36),
		CASE(d7_a_segment_taken_at_the_end_leaves_smb_90),
		CASE(grr_82_with_nrr_118_is_18_percent_growth_and_not_the_published_12),
		CASE(nrr_is_a_share_of_what_was_there_and_not_of_what_was_lost_as_published),
		CASE(a_month_without_losses_has_no_quick_ratio_and_not_the_published_0),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}

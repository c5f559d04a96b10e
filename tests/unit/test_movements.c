#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "contracts.h"
#include "score/movements.h"

enum { N_BOOKS = 500 };

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

static void put(const char *account, const char *product, const char *from, const char *to, int64_t minor)
{
	contracts_put(db, &(struct contract){ .account = account, .product = product, .from = from, .to = to,
	                                      .minor = minor });
}

struct moved {
	struct book book;
	struct movement *list;
	size_t n;
};

static struct moved moved_in(const char *from, const char *to)
{
	struct moved m = { .book = contracts_book(db, to, &policy, "EUR", arena) };

	ASSERT_OK(movements_make(&m.book, (struct nrr_span){ contracts_day(from), contracts_day(to) }, arena, &m.list, &m.n,
	                         &err));
	return m;
}

static struct moved moved_in_2025(void)
{
	return moved_in("2025-01-01", "2026-01-01");
}

/* on NULL: no further movement. */
struct expected {
	const char *on;
	enum movement_kind kind;
	int64_t minor;
	const char *product;
};

static void expect(const struct moved *m, const struct expected *e)
{
	size_t n = 0;

	for (; e[n].on; n++) {
		const char *product;

		if (n >= m->n)
			fail_msg("%zu movements only", m->n);
		product = m->book.facts->names[m->list[n].product];
		assert_string_equal(day_text(arena, m->list[n].on), e[n].on);
		assert_string_equal(movement_names[m->list[n].kind], movement_names[e[n].kind]);
		ASSERT_INT(m->list[n].minor, e[n].minor);
		assert_string_equal(product ? product : "(none)", e[n].product ? e[n].product : "(none)");
	}
	ASSERT_INT(m->n, n);
}

#define EXPECT(moved, ...) expect(moved, (const struct expected[]){ __VA_ARGS__ { 0 } })

static void the_first_contract_is_new_and_its_end_is_churn(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2025-02-03", "2025-10-01", 100);
	put("B", "CRM", "2024-02-03", "2025-10-01", 70);
	policy.new_and_gone = NEW_AND_GONE_BOTH;
	m = moved_in_2025();
	EXPECT(&m, { "2025-02-03", MOVEMENT_NEW, 100, "CRM" }, { "2025-10-01", MOVEMENT_CHURN, -100, "CRM" },
	       { "2025-10-01", MOVEMENT_CHURN, -70, "CRM" },);
	ASSERT_INT(m.list[1].before_minor, 100);
	ASSERT_INT(m.list[1].after_minor, 0);
}

static void who_comes_and_goes_within_the_window_is_left_out_by_default(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2025-02-03", "2025-10-01", 100);
	m = moved_in_2025();
	ASSERT_INT(m.n, 0);
	m = moved_in("2025-01-01", "2025-09-30");
	ASSERT_INT(m.n, 1);
}

static void a_better_price_or_plan_is_upsell_and_a_further_product_is_cross_sell(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", "2025-03-01", 100);
	put("A", "CRM", "2025-03-01", NULL, 130);
	put("A", "Desk", "2025-05-01", NULL, 40);
	m = moved_in_2025();
	EXPECT(&m, { "2025-03-01", MOVEMENT_UPSELL, 30, "CRM" }, { "2025-05-01", MOVEMENT_CROSS_SELL, 40, "Desk" },);
	ASSERT_INT(m.list[1].before_minor, 130);
	ASSERT_INT(m.list[1].after_minor, 170);
}

static void a_day_with_both_gives_one_of_each(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", "2025-03-01", 100);
	put("A", "CRM", "2025-03-01", NULL, 130);
	put("A", "Desk", "2025-03-01", NULL, 40);
	m = moved_in_2025();
	EXPECT(&m, { "2025-03-01", MOVEMENT_UPSELL, 30, "CRM" }, { "2025-03-01", MOVEMENT_CROSS_SELL, 40, "Desk" },);
	ASSERT_INT(m.list[0].before_minor, 100);
	ASSERT_INT(m.list[0].after_minor, 170);
}

static void cross_sell_is_never_more_than_what_the_account_pays_more(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", "2025-03-01", 100);
	put("A", "Suite", "2025-03-01", NULL, 120);
	put("B", "CRM", "2024-06-01", "2025-03-01", 100);
	put("B", "Suite", "2025-03-01", NULL, 100);
	put("C", "CRM", "2024-06-01", "2025-03-01", 100);
	put("C", "Suite", "2025-03-01", NULL, 90);
	m = moved_in_2025();
	EXPECT(&m, { "2025-03-01", MOVEMENT_CROSS_SELL, 20, "Suite" }, { "2025-03-01", MOVEMENT_CONTRACTION, -10, "CRM" },);
}

static void lines_without_a_product_are_never_cross_sell(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", NULL, 100);
	put("A", NULL, "2025-03-01", NULL, 40);
	put("B", NULL, "2024-06-01", NULL, 100);
	put("B", NULL, "2025-03-01", NULL, 40);
	put("C", NULL, "2024-06-01", NULL, 100);
	put("C", "Desk", "2025-03-01", NULL, 40); /* which it may have had all along */
	m = moved_in_2025();
	EXPECT(&m, { "2025-03-01", MOVEMENT_UPSELL, 40, NULL }, { "2025-03-01", MOVEMENT_UPSELL, 40, NULL },
	       { "2025-03-01", MOVEMENT_UPSELL, 40, "Desk" },);
}

static void what_ends_and_begins_on_one_day_is_netted(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", "2025-03-01", 100);
	put("A", "CRM", "2025-03-01", "2025-06-01", 100);
	put("A", "CRM", "2025-06-01", NULL, 80);
	m = moved_in_2025();
	EXPECT(&m, { "2025-06-01", MOVEMENT_CONTRACTION, -20, "CRM" },);
}

static void changes_close_together_are_one_movement_where_the_policy_says_so(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", "2025-03-01", 100);
	put("A", "CRM", "2025-03-04", "2025-03-06", 90);
	put("A", "CRM", "2025-03-06", NULL, 130);
	m = moved_in_2025();
	EXPECT(&m, { "2025-03-01", MOVEMENT_CHURN, -100, "CRM" }, { "2025-03-04", MOVEMENT_REACTIVATION, 90, "CRM" },
	       { "2025-03-06", MOVEMENT_UPSELL, 40, "CRM" },);
	policy.group_days = 5;
	m = moved_in_2025();
	EXPECT(&m, { "2025-03-06", MOVEMENT_UPSELL, 30, "CRM" },);
	policy.group_days = 4;
	m = moved_in_2025();
	EXPECT(&m, { "2025-03-04", MOVEMENT_CONTRACTION, -10, "CRM" }, { "2025-03-06", MOVEMENT_UPSELL, 40, "CRM" },);
}

static void a_group_ends_with_the_window_so_that_windows_add_up(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", "2025-12-31", 100);
	put("A", "CRM", "2026-01-02", NULL, 90);
	policy.group_days = 5;
	m = moved_in_2025();
	EXPECT(&m, { "2025-12-31", MOVEMENT_CHURN, -100, "CRM" },);
	m = moved_in("2026-01-01", "2027-01-01");
	EXPECT(&m, { "2026-01-02", MOVEMENT_REACTIVATION, 90, "CRM" },);
}

static void who_stays_away_for_too_long_is_new_where_the_policy_says_so(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-01-01", "2024-06-01", 100);
	put("A", "CRM", "2025-06-01", NULL, 100);
	m = moved_in_2025();
	EXPECT(&m, { "2025-06-01", MOVEMENT_REACTIVATION, 100, "CRM" },);
	policy.back_within_days = 365;
	m = moved_in_2025();
	EXPECT(&m, { "2025-06-01", MOVEMENT_REACTIVATION, 100, "CRM" },);
	policy.back_within_days = 364;
	m = moved_in_2025();
	EXPECT(&m, { "2025-06-01", MOVEMENT_NEW, 100, "CRM" },);
}

static void an_addon_that_ends_is_contraction_and_churn_where_the_policy_says_so(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", NULL, 100);
	put("A", "CRM", "2024-06-01", "2025-04-01", 30);
	m = moved_in_2025();
	EXPECT(&m, { "2025-04-01", MOVEMENT_CONTRACTION, -30, "CRM" },);
	policy.addon = ADDON_IS_CHURN;
	m = moved_in_2025();
	EXPECT(&m, { "2025-04-01", MOVEMENT_CHURN, -30, "CRM" },);
}

static void an_addon_that_ends_beside_a_lower_price_is_churn_by_its_own_amount(void **state)
{
	struct nrr_span span = { contracts_day("2025-01-01"), contracts_day("2026-01-01") };
	struct nrr_query query = { .spans = &span, .n_spans = 1, .by = 1u << NRR_BY_PRODUCT };
	int64_t id = contracts_put(db, &(struct contract){ .account = "A", .product = "CRM", .from = "2024-06-01",
	                                                   .minor = 50 });
	struct nrr_table tables[N_NRR_BY];
	struct moved m;

	(void)state;
	contracts_past(db, "subscription", id, "mrr_minor", NULL, "100");
	contracts_past(db, "subscription", id, "mrr_minor", "2025-04-01", "50");
	put("A", "Desk", "2024-06-01", "2025-04-01", 30);
	policy.addon = ADDON_IS_CHURN;
	policy.method = NRR_MOVEMENT_SUM;
	m = moved_in_2025();
	EXPECT(&m, { "2025-04-01", MOVEMENT_CONTRACTION, -50, NULL }, { "2025-04-01", MOVEMENT_CHURN, -30, NULL },);
	ASSERT_OK(nrr_compute(&m.book, &query, arena, tables, &err));
	ASSERT_INT(tables[NRR_BY_PRODUCT].rows[0].sums.contraction_minor, 50);
	ASSERT_INT(tables[NRR_BY_PRODUCT].rows[0].sums.churn_minor, 0);
	ASSERT_INT(tables[NRR_BY_PRODUCT].rows[1].sums.churn_minor, 30);
}

static void a_lower_price_is_contraction_under_any_policy(void **state)
{
	int64_t id = contracts_put(db, &(struct contract){ .account = "A", .from = "2024-06-01", .minor = 70 });
	struct moved m;

	(void)state;
	contracts_past(db, "subscription", id, "mrr_minor", NULL, "100");
	contracts_past(db, "subscription", id, "mrr_minor", "2025-04-01", "70");
	/* Renewed as a contract of its own, for less. */
	put("B", "CRM", "2024-06-01", "2025-04-01", 100);
	put("B", "CRM", "2025-04-01", NULL, 90);
	policy.addon = ADDON_IS_CHURN;
	m = moved_in_2025();
	EXPECT(&m, { "2025-04-01", MOVEMENT_CONTRACTION, -30, NULL }, { "2025-04-01", MOVEMENT_CONTRACTION, -10, "CRM" },);
}

static void an_end_for_want_of_payment_is_involuntary_churn(void **state)
{
	struct moved m;

	(void)state;
	contracts_put(db, &(struct contract){ .account = "A", .from = "2024-06-01", .to = "2025-05-01", .minor = 100,
	                                      .end_reason = "unpaid" });
	contracts_put(db, &(struct contract){ .account = "B", .from = "2024-06-01", .to = "2025-05-01", .minor = 100,
	                                      .end_reason = "unpaid" });
	put("B", NULL, "2024-06-01", NULL, 30);
	m = moved_in_2025();
	EXPECT(&m, { "2025-05-01", MOVEMENT_INVOLUNTARY, -100, NULL }, { "2025-05-01", MOVEMENT_CONTRACTION, -100, NULL },);
	policy.addon = ADDON_IS_CHURN;
	m = moved_in_2025();
	EXPECT(&m, { "2025-05-01", MOVEMENT_INVOLUNTARY, -100, NULL }, { "2025-05-01", MOVEMENT_INVOLUNTARY, -100, NULL },);
}

static void the_last_end_of_a_group_tells_whether_churn_was_for_want_of_payment(void **state)
{
	struct moved m;

	(void)state;
	contracts_put(db, &(struct contract){ .account = "A", .from = "2024-06-01", .to = "2025-05-01", .minor = 100,
	                                      .end_reason = "unpaid" });
	put("A", NULL, "2024-06-01", "2025-05-03", 30);
	policy.group_days = 5;
	m = moved_in_2025();
	EXPECT(&m, { "2025-05-03", MOVEMENT_CHURN, -130, NULL },);
}

static void a_bill_unpaid_for_too_long_is_involuntary_churn_from_its_day_until_it_is_paid(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", NULL, 100);
	ASSERT_OK(db_run(db, "INSERT INTO invoice (source_id, source_key, account_id, amount_minor, currency, issued_on,"
	                 " due_on, paid_on) SELECT 1, 'i', id, 1200, 'EUR', 20130, 20148, 20301 FROM account", &err));
	policy.past_due_days = 90;
	m = moved_in_2025();
	EXPECT(&m, { "2025-03-01", MOVEMENT_INVOLUNTARY, -100, "CRM" },
	       { "2025-08-01", MOVEMENT_REACTIVATION, 100, "CRM" },);
	policy.past_due_days = -1;
	m = moved_in_2025();
	ASSERT_INT(m.n, 0);
}

static void a_pause_is_churn_and_reactivation_unless_the_policy_keeps_the_amount(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", NULL, 100);
	ASSERT_OK(db_run(db, "UPDATE subscription SET paused_on = 20148, resumes_on = 20209", &err));
	m = moved_in_2025();
	EXPECT(&m, { "2025-03-01", MOVEMENT_CHURN, -100, "CRM" }, { "2025-05-01", MOVEMENT_REACTIVATION, 100, "CRM" },);
	policy.paused = PAUSED_KEEPS;
	m = moved_in_2025();
	ASSERT_INT(m.n, 0);
}

static void who_goes_on_for_free_churns_with_its_revenue_and_stays_a_logo(void **state)
{
	struct nrr_span span = { contracts_day("2025-01-01"), contracts_day("2026-01-01") };
	struct nrr_query query = { .spans = &span, .n_spans = 1, .by = 1u << NRR_BY_ALL | 1u << NRR_BY_PRODUCT };
	struct nrr_table tables[N_NRR_BY];
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", "2025-03-01", 100);
	put("A", "CRM", "2025-03-01", NULL, 0);
	put("A", "Desk", "2025-06-01", "2025-08-01", 30);
	policy.method = NRR_MOVEMENT_SUM;
	m = moved_in_2025();
	EXPECT(&m, { "2025-03-01", MOVEMENT_CHURN, -100, "CRM" }, { "2025-06-01", MOVEMENT_REACTIVATION, 30, "Desk" },
	       { "2025-08-01", MOVEMENT_CHURN, -30, "Desk" },);
	ASSERT_OK(nrr_compute(&m.book, &query, arena, tables, &err));
	ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.churn_minor, 130);
	ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.free_minor, 30);
	ASSERT_INT(tables[NRR_BY_PRODUCT].rows[0].sums.free_minor, 0);
	ASSERT_INT(tables[NRR_BY_PRODUCT].rows[1].sums.free_minor, 30);
	ASSERT_NEAR(tables[NRR_BY_ALL].rows[0].logo, 1.0, 1e-12);
}

static void a_gap_is_counted_from_the_day_on_which_the_last_of_a_group_left(void **state)
{
	struct moved m;

	(void)state;
	put("A", NULL, "2024-06-01", "2025-05-01", 100);
	put("A", NULL, "2024-06-01", "2025-05-03", 30);
	put("A", NULL, "2025-05-13", NULL, 100);
	policy.group_days = 5;
	policy.back_within_days = 10;
	m = moved_in_2025();
	EXPECT(&m, { "2025-05-03", MOVEMENT_CHURN, -130, NULL }, { "2025-05-13", MOVEMENT_REACTIVATION, 100, NULL },);
}

static void who_was_taken_for_new_never_counts_in_the_cohort_again(void **state)
{
	struct nrr_span span = { contracts_day("2025-01-01"), contracts_day("2026-01-01") };
	struct nrr_query query = { .spans = &span, .n_spans = 1, .by = 1u << NRR_BY_ALL };
	struct nrr_table tables[N_NRR_BY];
	struct moved m;

	(void)state;
	put("A", NULL, "2024-06-01", "2025-02-01", 100);
	put("A", NULL, "2025-06-01", "2025-07-01", 90);
	put("A", NULL, "2025-07-11", NULL, 80);
	policy.back_within_days = 30;
	policy.method = NRR_MOVEMENT_SUM;
	m = moved_in_2025();
	EXPECT(&m, { "2025-02-01", MOVEMENT_CHURN, -100, NULL }, { "2025-06-01", MOVEMENT_NEW, 90, NULL },
	       { "2025-07-01", MOVEMENT_CHURN, -90, NULL }, { "2025-07-11", MOVEMENT_REACTIVATION, 80, NULL },);
	ASSERT_OK(nrr_compute(&m.book, &query, arena, tables, &err));
	ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.cohort_end_minor, 0);
	ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.n_churned, 1);
	policy.back_within_days = 0;
	ASSERT_OK(nrr_compute(&m.book, &query, arena, tables, &err));
	ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.cohort_end_minor, 80);
}

static void each_product_has_its_own_part_of_a_window_by_movements(void **state)
{
	struct nrr_span span = { contracts_day("2025-01-01"), contracts_day("2026-01-01") };
	struct nrr_query query = { .spans = &span, .n_spans = 1, .by = 1u << NRR_BY_PRODUCT };
	struct nrr_table tables[N_NRR_BY];
	const struct nrr_window *w;
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", "2025-03-01", 100);
	put("A", "CRM", "2025-03-01", "2025-09-01", 150);
	put("A", "CRM", "2025-09-01", NULL, 120);
	put("A", "Desk", "2024-06-01", "2025-04-01", 60);
	put("A", "Suite", "2025-05-01", NULL, 70);
	put("B", NULL, "2024-06-01", NULL, 50);
	put("B", "Suite", "2025-05-01", NULL, 9);
	policy.method = NRR_MOVEMENT_SUM;
	m = moved_in_2025();
	ASSERT_OK(nrr_compute(&m.book, &query, arena, tables, &err));
	ASSERT_INT(tables[NRR_BY_PRODUCT].n, 4);
	ASSERT_INT(tables[NRR_BY_PRODUCT].rows[0].sums.end_minor, 50);
	w = &tables[NRR_BY_PRODUCT].rows[1];
	ASSERT_NEAR(w[0].grr, 0.70, 1e-12);
	ASSERT_NEAR(w[0].nrr, 1.20, 1e-12);
	ASSERT_INT(w[1].sums.contraction_minor, 60);
	ASSERT_NEAR(w[1].nrr, 0, 0);
	ASSERT_INT(w[2].sums.cross_sell_minor, 70);
	assert_non_null(w[2].why_none);
}

static void who_comes_back_from_before_the_window_counts_where_the_policy_credits_it(void **state)
{
	struct nrr_span span = { contracts_day("2025-01-01"), contracts_day("2026-01-01") };
	struct nrr_query query = { .spans = &span, .n_spans = 1, .by = 1u << NRR_BY_ALL };
	struct nrr_table tables[N_NRR_BY];
	struct moved m;

	(void)state;
	put("A", NULL, "2024-06-01", NULL, 100);
	put("B", NULL, "2024-01-01", "2024-06-01", 40);
	put("B", NULL, "2025-03-01", "2025-05-01", 50);
	put("B", NULL, "2025-05-01", NULL, 30);
	policy.method = NRR_MOVEMENT_SUM;
	m = moved_in_2025();
	ASSERT_OK(nrr_compute(&m.book, &query, arena, tables, &err));
	ASSERT_NEAR(tables[NRR_BY_ALL].rows[0].nrr, 1.0, 1e-12);
	policy.back_outside = BACK_CREDITED;
	ASSERT_OK(nrr_compute(&m.book, &query, arena, tables, &err));
	ASSERT_NEAR(tables[NRR_BY_ALL].rows[0].nrr, 1.3, 1e-12);
	ASSERT_NEAR(tables[NRR_BY_ALL].rows[0].grr, 1.0, 1e-12);
	ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.returned_minor, 0);
}

static void each_window_has_the_rates_of_its_own_days(void **state)
{
	const struct nrr_span spans[] = {
		{ contracts_day("2025-01-01"), contracts_day("2025-02-01") },
		{ contracts_day("2025-02-01"), contracts_day("2025-03-01") },
	};
	struct nrr_query query = { .spans = spans, .n_spans = 2, .by = 1u << NRR_BY_ALL };
	struct nrr_table tables[N_NRR_BY];
	struct book b;

	(void)state;
	put("A", NULL, "2024-06-01", NULL, 100);
	contracts_put(db, &(struct contract){ .account = "B", .from = "2024-06-01", .minor = 100, .currency = "USD" });
	contracts_rate(db, "USD", "EUR", "2025-01-01", 900000000);
	contracts_rate(db, "USD", "EUR", "2025-02-01", 800000000);
	contracts_rate(db, "USD", "EUR", "2025-03-01", 850000000);
	policy.method = NRR_MOVEMENT_SUM;
	b = contracts_book(db, "2025-03-01", &policy, "EUR", arena);
	ASSERT_OK(nrr_compute(&b, &query, arena, tables, &err));
	ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.start_minor, 190);
	ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.end_minor, 180);
	ASSERT_INT(tables[NRR_BY_ALL].rows[1].sums.start_minor, 180);
	ASSERT_INT(tables[NRR_BY_ALL].rows[1].sums.fx_minor, 5);
}

static void contracts_that_ended_before_the_window_need_no_rate(void **state)
{
	struct moved m;

	(void)state;
	contracts_put(db, &(struct contract){ .account = "A", .from = "2023-01-01", .to = "2024-01-01", .minor = 100,
	                                      .currency = "JPY" });
	put("A", NULL, "2025-06-01", NULL, 100);
	m = moved_in_2025();
	EXPECT(&m, { "2025-06-01", MOVEMENT_REACTIVATION, 100, NULL },);
}

static void a_missing_rate_is_told_with_its_currency_and_day(void **state)
{
	struct nrr_span span = { contracts_day("2025-01-01"), contracts_day("2026-01-01") };
	struct movement *list;
	struct book b;
	size_t n;

	(void)state;
	contracts_put(db, &(struct contract){ .account = "A", .from = "2024-01-01", .minor = 100, .currency = "JPY" });
	put("A", NULL, "2024-06-01", NULL, 100);
	b = contracts_book(db, "2026-01-01", &policy, "EUR", arena);
	ASSERT_INT(movements_make(&b, span, arena, &list, &n, &err), -1);
	ASSERT_INT(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "JPY"));
	assert_non_null(strstr(err.text, "2025-01-01"));
}

/* A credit that is larger than what is paid leaves the account with nothing, not with less. */
static void credits_beyond_what_is_paid_are_churn_and_their_end_a_reactivation(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2024-06-01", NULL, 100);
	put("A", "Desk", "2024-12-01", "2025-02-01", -150);
	put("B", "CRM", "2024-06-01", NULL, 100);
	put("B", NULL, "2025-03-01", "2025-04-01", -150);
	policy.credits = CREDITS_NEGATIVE;
	policy.back_within_days = 40;
	m = moved_in_2025();
	EXPECT(&m, { "2025-02-01", MOVEMENT_REACTIVATION, 100, "CRM" }, { "2025-03-01", MOVEMENT_CHURN, -100, "CRM" },
	       { "2025-04-01", MOVEMENT_REACTIVATION, 100, "CRM" },);
}

static void movements_of_the_first_day_belong_to_the_window_before(void **state)
{
	struct moved m;

	(void)state;
	put("A", "CRM", "2025-01-01", "2026-01-01", 100);
	m = moved_in("2024-01-01", "2025-01-01");
	EXPECT(&m, { "2025-01-01", MOVEMENT_NEW, 100, "CRM" },);
	m = moved_in_2025();
	EXPECT(&m, { "2026-01-01", MOVEMENT_CHURN, -100, "CRM" },);
}

static uint64_t seed;

static int pick(int below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int)((seed >> 33) % (uint64_t)below);
}

static void put_random_book(int32_t first)
{
	static const char *const products[] = { NULL, "CRM", "Desk", "Suite" };
	static const char *const reasons[] = { NULL, NULL, "unpaid" };
	static const char *const currencies[] = { "EUR", "EUR", "USD", "JPY" };
	int n_currencies = pick(2) ? 4 : 2, n_credits = pick(4);
	int n = pick(16);

	ASSERT_OK(db_run(db, "DELETE FROM subscription; DELETE FROM account; DELETE FROM rate", &err));
	for (int day = 0; day < 200; day += 20) {
		contracts_rate(db, "EUR", "USD", day_text(arena, first + day), 1000000000 + 1000003 * pick(200));
		contracts_rate(db, "EUR", "JPY", day_text(arena, first + day), INT64_C(1000000000) * (100 + pick(80)));
	}
	for (int i = 0; i < n; i++) {
		int32_t from = first + 5 * pick(12), to = from + 5 + 5 * pick(10);

		contracts_put(db, &(struct contract){ .account = (char[]){ (char)('A' + pick(4)), '\0' },
			.product = products[pick(4)], .from = day_text(arena, from), .to = pick(3) ? day_text(arena, to) : NULL,
			.minor = 50 * (pick(12) - 2 * n_credits) + pick(9), .end_reason = reasons[pick(3)],
			.currency = currencies[pick(n_currencies)] });
	}
}

static void pick_policy(void)
{
	policy = nrr_default_policy;
	policy.new_and_gone = pick(2) ? NEW_AND_GONE_BOTH : NEW_AND_GONE_IGNORED;
	policy.addon = pick(2) ? ADDON_IS_CHURN : ADDON_IS_CONTRACTION;
	policy.fx = (enum nrr_fx)pick(3);
	policy.credits = pick(2) ? CREDITS_NEGATIVE : CREDITS_EXCLUDED;
	policy.back_within_days = pick(2) ? pick(20) : 0;
	policy.back_in_cohort = pick(2) ? BACK_STRICT : BACK_COUNTED;
	policy.back_outside = pick(2) ? BACK_CREDITED : BACK_EXCLUDED;
	policy.group_days = pick(3) ? 0 : pick(10);
}

static int64_t paid_on(const struct book *b, int32_t account, int32_t day, int32_t rate_on)
{
	int64_t minor;

	ASSERT_OK(nrr_paid_on(b, account, day, rate_on, &minor, &err));
	return minor;
}

/* The slow way: what is paid on a day against the day before. */
static void check_days_of(const struct moved *m, struct nrr_span span, int32_t account)
{
	bool is_left_out = policy.new_and_gone == NEW_AND_GONE_IGNORED &&
		paid_on(&m->book, account, span.from, span.from) == 0 && paid_on(&m->book, account, span.to, span.from) == 0;

	for (int32_t day = span.from + 1; day <= span.to && !is_left_out; day++) {
		int64_t before = paid_on(&m->book, account, day - 1, span.from);
		int64_t after = paid_on(&m->book, account, day, span.from), moved = 0;

		for (size_t i = 0; i < m->n; i++) {
			if (m->list[i].account != account || m->list[i].on != day || m->list[i].kind == MOVEMENT_FX)
				continue;
			moved += m->list[i].minor;
			ASSERT_INT(m->list[i].after_minor, after);
			if (policy.group_days == 0)
				ASSERT_INT(m->list[i].before_minor, before);
		}
		if (policy.group_days == 0)
			ASSERT_INT(moved, after - before);
	}
}

static void check_ends_of(const struct moved *m, struct nrr_span span, int32_t account)
{
	int64_t start = paid_on(&m->book, account, span.from, span.from), moved = 0, fx = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (m->list[i].account != account)
			continue;
		*(m->list[i].kind == MOVEMENT_FX ? &fx : &moved) += m->list[i].minor;
	}
	ASSERT_INT(moved, paid_on(&m->book, account, span.to, span.from) - start);
	ASSERT_INT(moved + fx, paid_on(&m->book, account, span.to, span.to) - start);
}

static int64_t moved_as(const struct moved *m, enum movement_kind kind)
{
	int64_t minor = 0;

	for (size_t i = 0; i < m->n; i++)
		minor += m->list[i].kind == kind ? m->list[i].minor : 0;
	return minor;
}

static void compute(const struct moved *m, struct nrr_span span, enum nrr_method method,
                    struct nrr_table tables[N_NRR_BY])
{
	struct nrr_query query = { .spans = &span, .n_spans = 1, .by = 1u << NRR_BY_ALL | 1u << NRR_BY_PRODUCT };

	policy.method = method;
	ASSERT_OK(nrr_compute(&m->book, &query, arena, tables, &err));
	policy.method = NRR_POINT_TO_POINT;
}

/* A window by movements shows what the list comes to. */
static void check_sums(const struct moved *m, const struct nrr_sums *s)
{
	ASSERT_INT(s->added_minor, moved_as(m, MOVEMENT_NEW));
	ASSERT_INT(s->expansion_minor, moved_as(m, MOVEMENT_UPSELL) + moved_as(m, MOVEMENT_CROSS_SELL));
	ASSERT_INT(s->cross_sell_minor, moved_as(m, MOVEMENT_CROSS_SELL));
	ASSERT_INT(s->contraction_minor, -moved_as(m, MOVEMENT_CONTRACTION));
	ASSERT_INT(s->churn_minor, -moved_as(m, MOVEMENT_CHURN) - moved_as(m, MOVEMENT_INVOLUNTARY));
	ASSERT_INT(s->involuntary_minor, -moved_as(m, MOVEMENT_INVOLUNTARY));
	ASSERT_INT(s->reactivation_minor, moved_as(m, MOVEMENT_REACTIVATION));
	ASSERT_INT(s->fx_minor, moved_as(m, MOVEMENT_FX));
}

/* Products sum to the whole, but for what moves between them. */
static void check_products(const struct nrr_table *products, const struct nrr_sums *whole)
{
	struct nrr_window sum = { 0 };
	const struct nrr_sums *s = &sum.sums;

	for (size_t i = 0; i < products->n; i++)
		nrr_add(&sum, &products->rows[i]);
	ASSERT_INT(s->start_minor, whole->start_minor);
	ASSERT_INT(s->end_minor, whole->end_minor);
	ASSERT_INT(s->added_minor, whole->added_minor);
	ASSERT_INT(s->reactivation_minor, whole->reactivation_minor);
	ASSERT_INT(s->churn_minor, whole->churn_minor);
	ASSERT_INT(s->involuntary_minor, whole->involuntary_minor);
	ASSERT_INT(s->fx_minor, whole->fx_minor);
	ASSERT_INT(s->cohort_end_minor, whole->cohort_end_minor);
	ASSERT_INT(s->expansion_minor - s->contraction_minor, whole->expansion_minor - whole->contraction_minor);
}

/* Whatever happened between, the cohort ends with what it pays: only GRR depends on the method. */
static void check_methods(const struct nrr_sums *points, const struct nrr_sums *moves)
{
	ASSERT_INT(moves->start_minor, points->start_minor);
	ASSERT_INT(moves->end_minor, points->end_minor);
	assert_true(moves->kept_minor >= 0 && moves->kept_minor <= moves->start_minor);
	if (policy.back_within_days || policy.back_outside == BACK_CREDITED || policy.credits == CREDITS_NEGATIVE)
		return;
	ASSERT_INT(moves->cohort_end_minor, points->cohort_end_minor);
	ASSERT_INT(moves->n_churned, points->n_churned);
	ASSERT_INT(moves->returned_minor, points->returned_minor);
	assert_true(moves->kept_minor <= points->kept_minor);
}

/* It gives back what it took: no churn below nothing. */
static void a_credit_that_ends_beside_a_lower_price_is_no_churn(void **state)
{
	struct nrr_span span = { contracts_day("2025-01-01"), contracts_day("2026-01-01") };
	int64_t id = contracts_put(db, &(struct contract){ .account = "A", .product = "CRM", .from = "2024-01-01",
	                                                   .minor = 50 });
	struct nrr_table tables[N_NRR_BY];
	struct moved m;

	(void)state;
	contracts_past(db, "subscription", id, "mrr_minor", NULL, "200");
	contracts_past(db, "subscription", id, "mrr_minor", "2025-04-10", "50");
	put("A", "CRM", "2024-01-01", "2025-04-11", -100);
	policy.credits = CREDITS_NEGATIVE;
	policy.group_days = 5;
	for (int addon = ADDON_IS_CONTRACTION; addon <= ADDON_IS_CHURN; addon++) {
		policy.addon = (enum nrr_addon)addon;
		m = moved_in_2025();
		EXPECT(&m, { "2025-04-11", MOVEMENT_CONTRACTION, -50, "CRM" },);
		compute(&m, span, NRR_MOVEMENT_SUM, tables);
		ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.contraction_minor, 50);
		ASSERT_INT(tables[NRR_BY_PRODUCT].rows[0].sums.contraction_minor, 50);
		ASSERT_INT(tables[NRR_BY_PRODUCT].rows[0].sums.churn_minor, 0);
	}
}

/* Dollars that fall below a credit in euros: at the last day's rates the account has nothing, nor has a product. */
static void products_of_an_account_that_falling_rates_leave_with_nothing_have_nothing(void **state)
{
	struct nrr_span span = { contracts_day("2025-01-01"), contracts_day("2026-01-01") };
	struct nrr_table tables[N_NRR_BY];
	struct moved m;

	(void)state;
	contracts_put(db, &(struct contract){ .account = "A", .product = "CRM", .from = "2024-01-01", .minor = 100,
	                                      .currency = "USD" });
	put("A", "Support", "2024-01-01", NULL, -70);
	contracts_rate(db, "USD", "EUR", "2025-01-01", 800000000);
	contracts_rate(db, "USD", "EUR", "2026-01-01", 600000000);
	policy.credits = CREDITS_NEGATIVE;
	policy.fx = FX_SPOT;
	m = moved_in_2025();
	for (int method = NRR_POINT_TO_POINT; method <= NRR_MOVEMENT_SUM; method++) {
		struct nrr_sums sum = { 0 };

		compute(&m, span, (enum nrr_method)method, tables);
		for (size_t i = 0; i < tables[NRR_BY_PRODUCT].n; i++) {
			sum.start_minor += tables[NRR_BY_PRODUCT].rows[i].sums.start_minor;
			sum.end_minor += tables[NRR_BY_PRODUCT].rows[i].sums.end_minor;
			sum.cohort_end_minor += tables[NRR_BY_PRODUCT].rows[i].sums.cohort_end_minor;
		}
		ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.fx_minor, -10);
		ASSERT_INT(sum.start_minor, 10);
		ASSERT_INT(sum.end_minor, 0);
		ASSERT_INT(sum.cohort_end_minor, 0);
	}
}

static void movements_of_random_books_agree_with_what_is_paid_on_each_day(void **state)
{
	int32_t first = contracts_day("2025-01-01");

	(void)state;
	for (int book = 0; book < N_BOOKS; book++) {
		struct nrr_table points[N_NRR_BY], moves[N_NRR_BY];
		struct nrr_span span;
		struct moved m;

		seed = (uint64_t)book + 1;
		put_random_book(first);
		pick_policy();
		span.from = first + pick(60);
		span.to = span.from + 1 + pick(80);
		m = moved_in(day_text(arena, span.from), day_text(arena, span.to));
		for (int32_t account = 0; account < (int32_t)m.book.facts->n_accounts; account++) {
			check_days_of(&m, span, account);
			check_ends_of(&m, span, account);
		}
		compute(&m, span, NRR_POINT_TO_POINT, points);
		compute(&m, span, NRR_MOVEMENT_SUM, moves);
		check_sums(&m, &moves[NRR_BY_ALL].rows[0].sums);
		check_products(&moves[NRR_BY_PRODUCT], &moves[NRR_BY_ALL].rows[0].sums);
		check_methods(&points[NRR_BY_ALL].rows[0].sums, &moves[NRR_BY_ALL].rows[0].sums);
		arena_reset(arena);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)
	const struct CMUnitTest tests[] = {
		CASE(the_first_contract_is_new_and_its_end_is_churn),
		CASE(who_comes_and_goes_within_the_window_is_left_out_by_default),
		CASE(a_better_price_or_plan_is_upsell_and_a_further_product_is_cross_sell),
		CASE(a_day_with_both_gives_one_of_each),
		CASE(cross_sell_is_never_more_than_what_the_account_pays_more),
		CASE(lines_without_a_product_are_never_cross_sell),
		CASE(what_ends_and_begins_on_one_day_is_netted),
		CASE(changes_close_together_are_one_movement_where_the_policy_says_so),
		CASE(a_group_ends_with_the_window_so_that_windows_add_up),
		CASE(who_stays_away_for_too_long_is_new_where_the_policy_says_so),
		CASE(an_addon_that_ends_is_contraction_and_churn_where_the_policy_says_so),
		CASE(an_addon_that_ends_beside_a_lower_price_is_churn_by_its_own_amount),
		CASE(a_lower_price_is_contraction_under_any_policy),
		CASE(an_end_for_want_of_payment_is_involuntary_churn),
		CASE(the_last_end_of_a_group_tells_whether_churn_was_for_want_of_payment),
		CASE(a_bill_unpaid_for_too_long_is_involuntary_churn_from_its_day_until_it_is_paid),
		CASE(a_pause_is_churn_and_reactivation_unless_the_policy_keeps_the_amount),
		CASE(who_goes_on_for_free_churns_with_its_revenue_and_stays_a_logo),
		CASE(a_gap_is_counted_from_the_day_on_which_the_last_of_a_group_left),
		CASE(who_was_taken_for_new_never_counts_in_the_cohort_again),
		CASE(each_product_has_its_own_part_of_a_window_by_movements),
		CASE(who_comes_back_from_before_the_window_counts_where_the_policy_credits_it),
		CASE(each_window_has_the_rates_of_its_own_days),
		CASE(contracts_that_ended_before_the_window_need_no_rate),
		CASE(a_missing_rate_is_told_with_its_currency_and_day),
		CASE(credits_beyond_what_is_paid_are_churn_and_their_end_a_reactivation),
		CASE(a_credit_that_ends_beside_a_lower_price_is_no_churn),
		CASE(products_of_an_account_that_falling_rates_leave_with_nothing_have_nothing),
		CASE(movements_of_the_first_day_belong_to_the_window_before),
		CASE(movements_of_random_books_agree_with_what_is_paid_on_each_day),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}

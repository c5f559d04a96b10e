/* Contracts as of a day: what is offered, what limits count, and what the base pays. */
#include "cmocka_shim.h"

#include "store/facts.h"
#include "store/migrate.h"
#include "store/usage.h"

enum { D = 20000, N = 4 };
static struct err err;
static struct arena *a;
static struct db *db;
static struct fact_base base;
static struct fact_account accounts[N];

static void run(const char *sql)
{
	ASSERT_OK(db_run(db, sql, &err));
}

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	run("INSERT INTO source (id, name, kind, last_ok_on) VALUES (1, 'crm', 'csv', 20100);"
	    "INSERT INTO account (id, source_id, source_key, name, created_on, arr_minor, seats, currency) VALUES "
	    "(1, 1, 'k1', 'Acme', 19000, NULL, NULL, 'EUR'), (2, 1, 'k2', 'Bolt', 19000, NULL, NULL, 'EUR'), "
	    "(3, 1, 'k3', 'Core', 19000, NULL, NULL, 'EUR'), (4, 1, 'k4', 'Dyne', 19000, 24000, 7, 'EUR');"
	    "INSERT INTO subscription (id, source_id, source_key, account_id, product, plan, seats, mrr_minor, currency, "
	    "start_on, end_on, is_trial) VALUES "
	    "(1, 1, 's1', 1, 'core', 'pro', 10, 1000, 'EUR', 19900, NULL, 0), "
	    "(2, 1, 's2', 2, 'core', 'team', 4, 200, 'EUR', 19000, NULL, 0), "
	    "(3, 1, 's3', 2, 'api', 'one', NULL, 50, 'EUR', 19000, NULL, 0), "
	    "(4, 1, 's4', 3, 'core', 'team', 10, 700, 'EUR', 19000, NULL, 0), "
	    "(5, 1, 's5', 3, 'api', 'one', NULL, 150, 'EUR', 19000, 19995, 0), "
	    "(6, 1, 's6', 3, 'api', 'trial', NULL, 900, 'EUR', 19000, NULL, 1)");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_closep(&db);
	arena_free(a);
	return 0;
}

static void load(int32_t as_of)
{
	const struct fact_query q = { .as_of = as_of, .zone = zone_utc(), .stale_days = 3 };

	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	ASSERT_INT(base.n_members, N);
	ASSERT_OK(facts_load(db, &q, &base, 0, base.n_members, a, accounts, &err));
}

/* A source that never says when an invoice was paid would make every account look late. */
static void an_invoice_is_due_where_its_source_tells_of_payments(void **state)
{
	(void)state;
	run("INSERT INTO source (id, name, kind, last_ok_on) VALUES (2, 'books', 'csv', 20100);"
	    "INSERT INTO invoice (source_id, source_key, account_id, issued_on, due_on, paid_on, status) VALUES "
	    "(1, 'v1', 1, 19900, 19930, NULL, 'open'), (1, 'v2', 2, 19900, 19930, 19925, 'paid'), "
	    "(2, 'v1', 3, 19900, 19930, NULL, 'open'), (2, 'v2', 4, 19900, 19930, NULL, 'paid')");
	load(19924); /* nobody has paid yet */
	ASSERT_INT(accounts[0].invoices[0].due_on, DAY_NONE);
	load(D);
	ASSERT_INT(accounts[0].invoices[0].due_on, 19930);
	ASSERT_INT(accounts[2].invoices[0].due_on, DAY_NONE);
	ASSERT_INT(accounts[3].invoices[0].paid_on, 19900); /* said to be paid, and never when */
}

static void a_limit_says_over_how_many_days_its_use_adds_up(void **state)
{
	(void)state;
	run("INSERT INTO account_limit (source_id, source_key, account_id, metric, value, period) VALUES "
	    "(1, 'l1', 1, 'a_seats', 5, NULL), (1, 'l2', 1, 'b_calls', 5, 'Month'), (1, 'l3', 1, 'c_calls', 5, 'day'), "
	    "(1, 'l4', 1, 'd_calls', 5, 'fortnight'), (1, 'l5', 1, 'e_calls', 5, 'week')");
	load(D);
	ASSERT_INT(accounts[0].n_limits, 4); /* one of a period that nobody knows is no limit */
	ASSERT_INT(accounts[0].limits[0].period_days, 0);
	ASSERT_INT(accounts[0].limits[1].period_days, 30);
	ASSERT_INT(accounts[0].limits[2].period_days, 0);
	ASSERT_INT(accounts[0].limits[3].period_days, 7);
}

static void an_opportunity_is_open_until_it_was_closed(void **state)
{
	(void)state;
	run("INSERT INTO opportunity (id, source_id, source_key, account_id, kind, amount_minor, created_on, close_on, "
	    "is_closed, is_won) VALUES "
	    "(1, 1, 'o1', 1, 'upsell', 500, 19950, 20005, 1, 1), (2, 1, 'o2', 1, 'upsell', 500, 19951, 20060, 0, 0), "
	    "(3, 1, 'o3', 1, 'upsell', 500, 20001, 20060, 0, 0), (4, 1, 'o4', 2, 'upsell', 500, 19950, 19990, 1, 0)");
	load(D);
	assert_true(base.sources[FACT_OPPORTUNITY].is_known);
	ASSERT_INT(accounts[0].n_opportunities, 2);
	assert_false(accounts[0].opportunities[0].is_closed);
	assert_false(accounts[0].opportunities[0].is_won);
	ASSERT_INT(accounts[0].opportunities[0].close_on, DAY_NONE); /* the day it was closed is not known yet */
	ASSERT_INT(accounts[0].opportunities[1].close_on, 20060);
	assert_true(accounts[1].opportunities[0].is_closed);
	load(20005);
	assert_true(accounts[0].opportunities[0].is_closed);
	assert_true(accounts[0].opportunities[0].is_won);
	run("INSERT INTO history VALUES ('opportunity', 1, 'is_closed', -2147483647, '0'), "
	    "('opportunity', 1, 'is_closed', 20007, '1'), ('opportunity', 1, 'is_won', -2147483647, '0'), "
	    "('opportunity', 1, 'is_won', 20007, '1'), ('opportunity', 1, 'close_on', -2147483647, '20030'), "
	    "('opportunity', 1, 'close_on', 20007, '20005')");
	load(20006); /* history knows it better */
	assert_false(accounts[0].opportunities[0].is_closed);
	ASSERT_INT(accounts[0].opportunities[0].close_on, 20030);
	load(20007);
	assert_true(accounts[0].opportunities[0].is_won);
}

static void the_market_is_what_paying_accounts_have_on_the_day(void **state)
{
	const struct fact_market *m = &base.market;

	(void)state;
	load(D);
	assert_string_equal(m->currency, "EUR");
	ASSERT_INT(m->n_accounts, 3);
	assert_true(m->mrr_mean_minor > 649 && m->mrr_mean_minor < 651); /* 1000, 250 and 700 */
	ASSERT_INT(m->mrr_high_minor, 1000);
	ASSERT_INT(m->n_plans, 3);
	assert_string_equal(m->plans[0].product, "api");
	ASSERT_INT(m->plans[0].n, 1);
	ASSERT_INT(m->plans[0].seat_minor, 0);
	assert_string_equal(m->plans[1].plan, "pro");
	ASSERT_INT(m->plans[1].seat_minor, 100);
	assert_string_equal(m->plans[2].plan, "team");
	ASSERT_INT(m->plans[2].n, 2);
	ASSERT_INT(m->plans[2].mrr_minor, 200);
	ASSERT_INT(m->plans[2].seat_minor, 50); /* of 50 and 70 */
	ASSERT_INT(m->n_products, 2);
	assert_true(m->products[0].share > 0.249 && m->products[0].share < 0.251); /* 50 beside 200 */
	load(19990);
	ASSERT_INT(m->plans[0].n, 2); /* its end lay ahead */
}

static void lines_of_one_offer_are_one_and_currencies_stay_apart(void **state)
{
	const struct fact_market *m = &base.market;

	(void)state;
	run("INSERT INTO subscription (id, source_id, source_key, account_id, product, plan, seats, mrr_minor, currency, "
	    "start_on, is_trial) VALUES (7, 1, 's7', 4, 'core', 'team', 1, 100, 'EUR', 19000, 0), "
	    "(8, 1, 's8', 4, 'core', 'pro', NULL, 300, 'EUR', 19000, 0), "
	    "(9, 1, 's9', 4, 'core', 'pro', NULL, 400, 'USD', 19000, 0), "
	    "(10, 1, 's10', 4, 'core', 'team', NULL, 50, 'EUR', 19000, 0)");
	load(D);
	ASSERT_INT(m->n_accounts, 4);
	assert_true(m->mrr_mean_minor > 599 && m->mrr_mean_minor < 601); /* 1000, 250, 700 and 450 */
	ASSERT_INT(m->mrr_high_minor, 1000);
	ASSERT_INT(m->seat_minor, 70); /* of 50, 70, 100 and 100 */
	ASSERT_INT(m->n_plans, 4);
	assert_string_equal(m->plans[1].plan, "pro");
	assert_string_equal(m->plans[1].currency, "EUR");
	ASSERT_INT(m->plans[1].n, 2);
	ASSERT_INT(m->plans[1].mrr_minor, 300);
	assert_string_equal(m->plans[2].currency, "USD");
	ASSERT_INT(m->plans[2].mrr_minor, 400);
	ASSERT_INT(m->plans[3].n, 3);
	ASSERT_INT(m->plans[3].mrr_minor, 200); /* of 150, 200 and 700 */
	ASSERT_INT(m->n_products, 3);
	ASSERT_INT(m->products[1].n, 4);
	assert_true(m->products[1].share > 3.99 && m->products[1].share < 4.01); /* 200 beside 50; 450 are all of 450 */
	assert_string_equal(m->products[2].currency, "USD");
}

static void the_use_of_the_base_is_added_up_by_metric(void **state)
{
	struct usage_cell cells[] = {
		{ .day = D, .account = 1, .value = 30 }, { .day = D - 27, .account = 2, .value = 12 },
		{ .day = D - 28, .account = 2, .value = 99 }, { .day = D + 1, .account = 2, .value = 99 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		ASSERT_OK(metric_id(db, "actions", &cells[i].metric, &err));
		ASSERT_OK(usage_put(db, &cells[i], 1, &err));
	}
	load(D);
	assert_true(base.metrics[0].used > 41.9 && base.metrics[0].used < 42.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_invoice_is_due_where_its_source_tells_of_payments, setup, teardown),
		cmocka_unit_test_setup_teardown(a_limit_says_over_how_many_days_its_use_adds_up, setup, teardown),
		cmocka_unit_test_setup_teardown(an_opportunity_is_open_until_it_was_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(the_market_is_what_paying_accounts_have_on_the_day, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_of_one_offer_are_one_and_currencies_stay_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(the_use_of_the_base_is_added_up_by_metric, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

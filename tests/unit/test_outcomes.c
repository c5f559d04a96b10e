/* What became of accounts: ends, falls and rises that lasted, and how often. */
#include "cmocka_shim.h"

#include <string.h>

#include "store/migrate.h"
#include "store/outcomes.h"

enum { D = 20000 };
static struct err err;
static struct arena *a;
static struct db *db;
static struct outcomes o;

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
	run("INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv');"
	    "INSERT INTO account (id, source_id, source_key) VALUES (1, 1, 'k1'), (2, 1, 'k2'), (3, 1, 'k3')");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_closep(&db);
	arena_free(a);
	return 0;
}

static void subscribe(const char *account, const char *values)
{
	static int key;

	run(arena_printf(a, "INSERT INTO subscription (source_id, source_key, account_id, currency, start_on, end_on, "
	                    "mrr_minor, end_reason) VALUES (1, 's%d', %s, 'EUR', %s)", ++key, account, values));
}

static void load(int32_t known_on)
{
	ASSERT_OK(outcomes_load(db, known_on, a, &o, &err));
}

static void assert_event(size_t i, int64_t account, int32_t on, enum outcome_kind kind, int64_t minor)
{
	assert_true(i < o.n_events);
	ASSERT_INT(o.events[i].account, account);
	ASSERT_INT(o.events[i].on, on);
	ASSERT_INT(o.events[i].kind, kind);
	ASSERT_INT(o.events[i].minor, minor);
}

static void an_end_that_lasted_is_churn_and_a_renewal_booked_late_is_none(void **state)
{
	(void)state;
	subscribe("1", "19000, 19800, 1000, NULL");
	subscribe("2", "19000, 19800, 1000, NULL");
	subscribe("2", "19831, NULL, 1000, NULL"); /* 31 days later: the same membership */
	subscribe("3", "19000, 19800, 1000, NULL");
	subscribe("3", "19832, NULL, 1000, NULL");
	load(D);
	ASSERT_INT(o.n_events, 2);
	assert_event(0, 1, 19800, OUTCOME_CHURN, 1000);
	assert_event(1, 3, 19800, OUTCOME_CHURN, 1000);
	ASSERT_INT(o.n_customers, 4);
	assert_true(outcomes_is_customer(&o, 2, 19810));
	assert_false(outcomes_is_customer(&o, 3, 19800));
	assert_true(outcomes_is_customer(&o, 3, 19799));
}

static void nothing_is_said_of_the_last_days_nor_of_what_lies_ahead(void **state)
{
	(void)state;
	subscribe("1", "19000, 19969, 1000, NULL");
	subscribe("2", "19000, 19970, 1000, NULL");
	subscribe("3", "19000, 20001, 1000, NULL");
	load(D);
	ASSERT_INT(o.until, D - OUTCOME_LASTING_DAYS);
	ASSERT_INT(o.n_events, 1);
	assert_event(0, 1, 19969, OUTCOME_CHURN, 1000);
	assert_true(outcomes_is_customer(&o, 3, D));
	load(D + 100);
	ASSERT_INT(o.n_events, 3);
}

static void a_reason_tells_good_ends_and_unpaid_ones_apart(void **state)
{
	(void)state;
	subscribe("1", "19000, 19800, 1000, 'graduated'");
	subscribe("2", "19000, 19800, 1000, 'unpaid'");
	subscribe("3", "19000, 19800, 1000, 'too expensive'");
	load(D);
	assert_event(0, 1, 19800, OUTCOME_GOOD_END, 1000);
	assert_event(1, 2, 19800, OUTCOME_INVOLUNTARY, 1000);
	assert_event(2, 3, 19800, OUTCOME_CHURN, 1000);
	assert_null(outcomes_first(&o, 1, 19000, D, OUTCOME_LOSSES));
	assert_non_null(outcomes_first(&o, 2, 19799, 19800, OUTCOME_LOSSES));
	assert_null(outcomes_first(&o, 2, 19800, D, OUTCOME_LOSSES));
	assert_null(outcomes_first(&o, 2, 19000, 19799, OUTCOME_LOSSES));
}

static void an_end_after_a_payment_that_failed_is_involuntary(void **state)
{
	(void)state;
	subscribe("1", "19000, 19800, 1000, NULL");
	subscribe("2", "19000, 19800, 1000, NULL");
	run("INSERT INTO invoice (source_id, source_key, account_id, issued_on, failed_on, paid_on) VALUES "
	    "(1, 'i1', 1, 19750, 19760, NULL), (1, 'i2', 2, 19750, 19760, 19765)");
	load(D);
	assert_event(0, 1, 19800, OUTCOME_INVOLUNTARY, 1000);
	assert_event(1, 2, 19800, OUTCOME_CHURN, 1000);
}

static void what_a_later_day_changed_was_otherwise_before(void **state)
{
	(void)state;
	subscribe("1", "19000, 19800, 1000, NULL");
	subscribe("2", "19000, 19800, 1000, NULL");
	subscribe("3", "19000, NULL, 1000, NULL");
	run("UPDATE subscription SET deleted_on = 19850 WHERE account_id = 3;"
	    "INSERT INTO invoice (source_id, source_key, account_id, issued_on, failed_on, paid_on) VALUES "
	    "(1, 'i1', 1, 19750, 19760, 19990), (1, 'i2', 2, 19700, 19739, NULL);" /* 61 days before the end */
	    "INSERT INTO notice (source_id, source_key, account_id, kind, noticed_on, deleted_on) VALUES "
	    "(1, 'n1', 3, 'cancel', 19700, 19720)");
	load(19840);
	ASSERT_INT(o.n_events, 2);
	assert_event(0, 1, 19800, OUTCOME_INVOLUNTARY, 1000); /* nobody knew that it would be paid */
	assert_event(1, 2, 19800, OUTCOME_CHURN, 1000);
	assert_true(outcomes_is_customer(&o, 3, 19840));
	assert_false(outcomes_is_leaving(&o, 3, 19710)); /* taken back */
	load(D);
	ASSERT_INT(o.n_events, 3);
	assert_event(0, 1, 19800, OUTCOME_CHURN, 1000);
	assert_event(2, 3, 19850, OUTCOME_CHURN, 1000);
	load(19719);
	assert_true(outcomes_is_leaving(&o, 3, 19710));
}

static void amounts_move_when_it_lasts_and_by_more_than_one_in_a_hundred(void **state)
{
	(void)state;
	subscribe("1", "19000, 19500, 10000, NULL");
	subscribe("1", "19500, 19600, 9900, NULL");  /* one in a hundred */
	subscribe("1", "19600, NULL, 7000, NULL");
	subscribe("2", "19000, NULL, 10000, NULL");
	subscribe("2", "19500, 19520, 5000, NULL");  /* twenty days */
	subscribe("2", "19600, NULL, 5000, NULL");
	subscribe("3", "19000, 19500, 10000, NULL");
	subscribe("3", "19510, NULL, 6000, NULL");   /* a gap, and less behind it */
	load(D);
	ASSERT_INT(o.n_events, 3);
	assert_event(0, 1, 19600, OUTCOME_CONTRACTION, 2900);
	assert_event(1, 2, 19600, OUTCOME_EXPANSION, 5000);
	assert_event(2, 3, 19500, OUTCOME_CONTRACTION, 4000);
	assert_string_equal(o.events[2].currency, "EUR");
}

static void lines_whose_beginning_is_not_known_are_one_membership(void **state)
{
	(void)state;
	subscribe("1", "NULL, 19500, 1000, NULL");
	subscribe("1", "NULL, 19800, 1000, NULL");
	load(D);
	ASSERT_INT(o.n_customers, 1);
	ASSERT_INT(outcomes_first(&o, 1, 0, D, OUTCOME_ENDS)->on, 19800);
}

static void who_is_billed_in_another_currency_pays_neither_less_nor_more(void **state)
{
	(void)state;
	subscribe("1", "19000, 19500, 10000, NULL");
	subscribe("1", "19500, NULL, 11000, NULL");
	run("UPDATE subscription SET currency = 'USD' WHERE start_on = 19500");
	subscribe("2", "19000, 19600, 10000, NULL");
	subscribe("2", "19000, NULL, 4000, NULL");
	run("UPDATE subscription SET currency = 'USD' WHERE mrr_minor = 4000");
	subscribe("3", "19000, 19500, 10000, NULL");
	subscribe("3", "19500, NULL, 10000, NULL"); /* the account's currency, as it says none */
	run("UPDATE subscription SET currency = NULL WHERE account_id = 3 AND end_on IS NULL;"
	    "UPDATE account SET currency = 'EUR' WHERE id = 3");
	subscribe("3", "19700, NULL, 5000, NULL");
	load(D);
	ASSERT_INT(o.n_events, 2);
	assert_event(0, 2, 19600, OUTCOME_CONTRACTION, 10000); /* nothing came for it */
	assert_event(1, 3, 19700, OUTCOME_EXPANSION, 5000);
}

static void a_tracked_amount_moves_on_the_day_it_was_known(void **state)
{
	(void)state;
	run("INSERT INTO subscription (id, source_id, source_key, account_id, currency, start_on, mrr_minor) VALUES "
	    "(70, 1, 'x', 1, 'EUR', 19000, 500);"
	    "INSERT INTO history VALUES ('subscription', 70, 'mrr_minor', -2147483647, '900'), "
	    "('subscription', 70, 'mrr_minor', 19700, '500')");
	load(D);
	ASSERT_INT(o.n_events, 1);
	assert_event(0, 1, 19700, OUTCOME_CONTRACTION, 400);
	load(19699);
	ASSERT_INT(o.n_events, 0);
}

static void an_account_without_a_subscription_goes_by_its_own_revenue(void **state)
{
	(void)state;
	run("UPDATE account SET arr_minor = 12000, is_customer = 0, created_on = 19000, currency = 'EUR' WHERE id = 1;"
	    "INSERT INTO history VALUES ('account', 1, 'is_customer', -2147483647, '1'), "
	    "('account', 1, 'is_customer', 19700, '0')");
	load(D);
	ASSERT_INT(o.n_events, 1);
	assert_event(0, 1, 19700, OUTCOME_CHURN, 1000);
	assert_true(outcomes_is_customer(&o, 1, 19000));
	run("UPDATE account SET arr_minor = 12000, is_customer = 1, main_id = 1 WHERE id = 2"); /* the same one twice */
	load(D);
	ASSERT_INT(o.n_customers, 1);
}

static void a_trial_is_no_contract(void **state)
{
	(void)state;
	subscribe("1", "19000, 19030, 1000, NULL");
	run("UPDATE subscription SET is_trial = 1");
	load(D);
	ASSERT_INT(o.n_events, 0);
	ASSERT_INT(o.n_customers, 0);
}

static void a_notice_counts_where_contracts_dont_tell(void **state)
{
	(void)state;
	subscribe("1", "19000, NULL, 1000, NULL");
	subscribe("2", "19000, 19800, 1000, NULL");
	subscribe("3", "19000, NULL, 1000, NULL");
	run("INSERT INTO notice (source_id, source_key, account_id, kind, noticed_on, effective_on) VALUES "
	    "(1, 'n1', 1, 'cancel', 19700, NULL), (1, 'n2', 1, 'cancel', 19710, NULL), "
	    "(1, 'n3', 2, 'non_renewal', 19700, 19800), (1, 'n4', 3, 'cancel', 19700, 19800)");
	load(D);
	ASSERT_INT(o.n_events, 2);
	assert_event(0, 1, 19700, OUTCOME_CHURN, 0);    /* names no day; said twice */
	assert_event(1, 2, 19800, OUTCOME_CHURN, 1000); /* the end that it announced, once */
	assert_true(outcomes_is_leaving(&o, 2, 19700)); /* the third was withdrawn, and stood until its day */
	assert_true(outcomes_is_leaving(&o, 3, 19799));
	assert_false(outcomes_is_leaving(&o, 3, 19800));
	assert_false(outcomes_is_leaving(&o, 2, 19699));
}

static void a_notice_without_a_day_came_to_nothing_where_the_account_stayed_for_a_year(void **state)
{
	(void)state;
	subscribe("1", "19000, NULL, 1000, NULL");
	subscribe("2", "19000, NULL, 1000, NULL");
	run("INSERT INTO notice (source_id, source_key, account_id, kind, noticed_on) VALUES "
	    "(1, 'n1', 1, 'cancel', 19500), (1, 'n2', 2, 'cancel', 19700)");
	load(19865);
	ASSERT_INT(o.n_events, 2);
	load(19866);
	ASSERT_INT(o.n_events, 1);
	assert_event(0, 2, 19700, OUTCOME_CHURN, 0);
	assert_true(outcomes_is_leaving(&o, 1, 19500));
	assert_false(outcomes_is_leaving(&o, 1, 19590));
}

static void the_rate_is_events_over_time_drawn_to_the_prior(void **state)
{
	(void)state;
	load(D);
	assert_true(outcomes_rate(&o, OUTCOME_LOSSES, 0.001) < 0);
	subscribe("1", "19000, NULL, 1000, NULL");
	subscribe("2", "19000, 19879, 1000, NULL");
	load(D); /* until 19969; the window begins 19240: 730 + 639 days */
	ASSERT_NEAR(outcomes_rate(&o, OUTCOME_LOSSES, 0.001), (9 + 1) / 10369.0, 1e-15);
	run("INSERT INTO notice (source_id, source_key, account_id, kind, noticed_on) VALUES "
	    "(1, 'n1', 3, 'cancel', 19800)");
	load(D); /* of one that has no contract */
	ASSERT_INT(o.n_events, 2);
	ASSERT_NEAR(outcomes_rate(&o, OUTCOME_LOSSES, 0.001), (9 + 1) / 10369.0, 1e-15);
	assert_true(outcomes_rate(&o, OUTCOME_GAINS, 0.001) < 0); /* nothing grew: or nobody wrote it down */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(an_end_that_lasted_is_churn_and_a_renewal_booked_late_is_none),
		CASE(nothing_is_said_of_the_last_days_nor_of_what_lies_ahead),
		CASE(a_reason_tells_good_ends_and_unpaid_ones_apart),
		CASE(an_end_after_a_payment_that_failed_is_involuntary),
		CASE(what_a_later_day_changed_was_otherwise_before),
		CASE(amounts_move_when_it_lasts_and_by_more_than_one_in_a_hundred),
		CASE(lines_whose_beginning_is_not_known_are_one_membership),
		CASE(who_is_billed_in_another_currency_pays_neither_less_nor_more),
		CASE(a_tracked_amount_moves_on_the_day_it_was_known),
		CASE(an_account_without_a_subscription_goes_by_its_own_revenue),
		CASE(a_trial_is_no_contract),
		CASE(a_notice_counts_where_contracts_dont_tell),
		CASE(a_notice_without_a_day_came_to_nothing_where_the_account_stayed_for_a_year),
		CASE(the_rate_is_events_over_time_drawn_to_the_prior),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What rows say of how things went: replies, meetings that were put off, tickets opened again, revenue of the past. */
#include "cmocka_shim.h"

#include <string.h>

#include "store/facts.h"
#include "store/migrate.h"
#include "store/record.h"

enum { D = 20000 };
static struct err err;
static struct arena *a;
static struct db *db;
static struct fact_base base;
static struct fact_account account;

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
	    "INSERT INTO account (id, source_id, source_key, name) VALUES (1, 1, 'k1', 'Acme')");
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
	ASSERT_OK(facts_load(db, &q, &base, 0, 1, a, &account, &err));
}

static void a_ticket_says_when_it_was_answered_and_how_often_it_was_opened_again(void **state)
{
	(void)state;
	run("INSERT INTO ticket (id, source_id, source_key, account_id, subject, category, opened_at, closed_at, "
	    "first_reply_at) VALUES (7, 1, 't1', 1, 'Export fails', 'export', 19990 * 86400, NULL, 20001 * 86400);"
	    "INSERT INTO history VALUES ('ticket', 7, 'closed_at', -2147483647, NULL), "
	    "('ticket', 7, 'closed_at', 19992, '1727308800'), ('ticket', 7, 'closed_at', 19995, NULL), "
	    "('ticket', 7, 'closed_at', 19997, '1727740800'), ('ticket', 7, 'closed_at', 20001, NULL), "
	    "('ticket', 7, 'category', -2147483647, 'billing'), ('ticket', 7, 'category', 20001, 'export')");
	load(19991);
	ASSERT_INT(account.tickets[0].n_reopened, 0); /* open from the beginning is not opened again */
	load(D);
	ASSERT_INT(account.tickets[0].replied_on, DAY_NONE); /* that is tomorrow */
	ASSERT_INT(account.tickets[0].n_reopened, 1);
	assert_string_equal(account.tickets[0].subject, "Export fails");
	assert_string_equal(account.tickets[0].category, "billing");
	load(20001);
	ASSERT_INT(account.tickets[0].replied_on, 20001);
	ASSERT_INT(account.tickets[0].n_reopened, 2);
	assert_string_equal(account.tickets[0].category, "export");
	load(19990 + FACTS_TEXT_DAYS);
	assert_string_equal(account.tickets[0].subject, "");
}

static void a_meeting_that_was_put_off_is_not_one_in_which_they_spoke(void **state)
{
	static const struct {
		const char *kind, *outcome;
		bool is_put_off;
	} cases[] = {
		{ "meeting", "COMPLETED", false }, { "meeting", "SCHEDULED", false }, { "meeting", NULL, false },
		{ "meeting", "NO_SHOW", true },    { "meeting", "Rescheduled", true }, { "meeting", "CANCELED", true },
		{ "meeting", "cancelled by client", true }, { "meeting", "Declined", true },
		{ "meeting", "annul\xc3\xa9", true }, { "email", "cancelled", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		run("DELETE FROM interaction");
		run(arena_printf(a, "INSERT INTO interaction (id, source_id, source_key, account_id, kind, direction, "
		                 "contact_key, at, outcome) VALUES (1, 1, 'i', 1, '%s', 'in', 'p1', 19999 * 86400, %s)",
		                 cases[i].kind, cases[i].outcome ? arena_printf(a, "'%s'", cases[i].outcome) : "NULL"));
		load(D);
		assert_true(account.interactions[0].was_put_off == cases[i].is_put_off);
		ASSERT_INT(account.n_people, cases[i].is_put_off ? 0 : 1);
	}
}

static void what_became_of_a_meeting_is_not_seen_before_it_was_known(void **state)
{
	(void)state;
	run("INSERT INTO interaction (id, source_id, source_key, account_id, kind, at, outcome) VALUES "
	    "(1, 1, 'i', 1, 'meeting', 19999 * 86400, 'NO_SHOW');"
	    "INSERT INTO history VALUES ('interaction', 1, 'outcome', -2147483647, 'SCHEDULED'), "
	    "('interaction', 1, 'outcome', 20001, 'NO_SHOW')");
	load(D);
	assert_false(account.interactions[0].was_put_off);
	load(20001);
	assert_true(account.interactions[0].was_put_off);
}

static void a_meeting_that_is_moved_is_seen_from_that_day_though_it_lies_ahead(void **state)
{
	(void)state;
	run("INSERT INTO interaction (id, source_id, source_key, account_id, kind, at) VALUES "
	    "(1, 1, 'i', 1, 'meeting', 20030 * 86400), (2, 1, 'j', 1, 'email', 20030 * 86400), "
	    "(3, 1, 'k', 1, 'meeting', 19980 * 86400), (4, 1, 'l', 1, 'meeting', 20005 * 86400);"
	    "INSERT INTO history VALUES ('interaction', 1, 'at', -2147483647, 20002 * 86400), "
	    "('interaction', 1, 'at', 19998, 20030 * 86400), " /* later: moved */
	    "('interaction', 2, 'at', -2147483647, 20002 * 86400), ('interaction', 2, 'at', 19998, 20030 * 86400), "
	    "('interaction', 3, 'at', -2147483647, 19970 * 86400), " /* put right afterwards */
	    "('interaction', 3, 'at', 19990, 19980 * 86400), "
	    "('interaction', 4, 'at', -2147483647, 20010 * 86400), ('interaction', 4, 'at', 19999, 20005 * 86400)");
	load(19997);
	ASSERT_INT(fact_days_last(&account.moved), -1);
	load(D);
	ASSERT_INT(fact_days_count(&account.moved, 0, FACTS_DAYS), 1);
	ASSERT_INT(fact_days_last(&account.moved), 2);
}

static void an_account_unheard_of_for_years_is_known_to_have_spoken_once(void **state)
{
	(void)state;
	load(D);
	ASSERT_INT(account.heard_on, DAY_NONE);
	run("INSERT INTO interaction (source_id, source_key, account_id, kind, direction, at) VALUES "
	    "(1, 'i', 1, 'email', 'in', 19000 * 86400), (1, 'o', 1, 'email', 'out', 19010 * 86400)");
	load(D);
	ASSERT_INT(account.n_interactions, 0);
	ASSERT_INT(account.heard_on, 19000);
}

static void revenue_of_the_past_is_what_it_was_known_to_be_then(void **state)
{
	static const int64_t was[FACT_MARKS] = { 8000, 9000, 9000, 0 };

	(void)state;
	run("INSERT INTO subscription (id, source_id, source_key, account_id, mrr_minor, currency, start_on, "
	    "is_auto_renew) VALUES (1, 1, 's1', 1, 5000, 'EUR', 19700, 0), (2, 1, 's2', 1, 100, 'EUR', 19950, 1), "
	    "(3, 1, 's3', 1, 100, 'EUR', 19950, NULL);"
	    "INSERT INTO history VALUES ('subscription', 1, 'mrr_minor', -2147483647, '9000'), "
	    "('subscription', 1, 'mrr_minor', 19900, '8000'), ('subscription', 1, 'mrr_minor', 19990, '5000'), "
	    "('subscription', 1, 'mrr_minor', 20001, '1')");
	load(D);
	ASSERT_INT(account.subscriptions[0].mrr_minor, 5000);
	for (int m = 0; m < FACT_MARKS; m++) {
		ASSERT_INT(account.subscriptions[0].mrr_was_minor[m], was[m]);
		ASSERT_INT(account.subscriptions[1].mrr_was_minor[m], 0);
	}
	assert_true(account.subscriptions[0].renews_by_hand);
	assert_false(account.subscriptions[1].renews_by_hand);
	assert_false(account.subscriptions[2].renews_by_hand); /* not known */
}

static void renewal_is_switched_off_when_it_was_on_before(void **state)
{
	(void)state;
	run("INSERT INTO subscription (id, source_id, source_key, account_id, start_on, is_auto_renew) VALUES "
	    "(1, 1, 's1', 1, 19700, 0), (2, 1, 's2', 1, 19700, 0);"
	    "INSERT INTO history VALUES ('subscription', 1, 'is_auto_renew', -2147483647, '1'), "
	    "('subscription', 1, 'is_auto_renew', 20000, '0'), "
	    "('subscription', 2, 'is_auto_renew', -2147483647, NULL), ('subscription', 2, 'is_auto_renew', 19990, '0')");
	load(19999);
	assert_false(account.subscriptions[0].renews_by_hand);
	assert_false(account.subscriptions[0].was_switched_off);
	load(D);
	assert_true(account.subscriptions[0].was_switched_off);
	assert_true(account.subscriptions[1].renews_by_hand);
	assert_false(account.subscriptions[1].was_switched_off); /* its source began to say so */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_ticket_says_when_it_was_answered_and_how_often_it_was_opened_again, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_meeting_that_was_put_off_is_not_one_in_which_they_spoke, setup, teardown),
		cmocka_unit_test_setup_teardown(what_became_of_a_meeting_is_not_seen_before_it_was_known, setup, teardown),
		cmocka_unit_test_setup_teardown(a_meeting_that_is_moved_is_seen_from_that_day_though_it_lies_ahead, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(an_account_unheard_of_for_years_is_known_to_have_spoken_once, setup, teardown),
		cmocka_unit_test_setup_teardown(renewal_is_switched_off_when_it_was_on_before, setup, teardown),
		cmocka_unit_test_setup_teardown(revenue_of_the_past_is_what_it_was_known_to_be_then, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

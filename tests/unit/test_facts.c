/* Facts as of a day: what is dated later, or was learnt later, does not exist. */
#include "cmocka_shim.h"

#include <string.h>

#include "store/facts.h"
#include "store/migrate.h"
#include "store/usage.h"

enum { D = 20000 };
static struct err err;
static struct arena *a;
static struct db *db;
static struct fact_base base;
static struct fact_account accounts[8];

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
	    "INSERT INTO account (id, source_id, source_key, name, domain, external_id, segment, created_on) VALUES "
	    "(1, 1, 'k1', 'Acme', 'acme.example', 'x1', 'smb', 19000), (2, 1, 'k2', 'Bolt', 'bolt.example', 'x2', 'smb', "
	    "19900), "
	    "(3, 1, 'k3', 'Later', NULL, NULL, NULL, 20001);"
	    "INSERT INTO subscription (id, source_id, source_key, account_id, seats, mrr_minor, currency, start_on, "
	    "end_on) VALUES "
	    "(1, 1, 's1', 1, 5, 1000, 'EUR', 19000, 20010), (2, 1, 's2', 1, 5, 1000, 'EUR', 20001, NULL), "
	    "(3, 1, 's3', 2, 5, 1000, 'EUR', 19000, 19990)");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_closep(&db);
	arena_free(a);
	return 0;
}

static int64_t value_at(const struct fact_series *series, int age)
{
	int64_t value;

	fact_series_read(series, age, 1, &value);
	return value;
}

static void load(int32_t as_of)
{
	const struct fact_query q = { .as_of = as_of, .zone = zone_utc(), .stale_days = 3 };

	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	assert_true(base.n_members <= ARRAY_LEN(accounts));
	ASSERT_OK(facts_load(db, &q, &base, 0, base.n_members, a, accounts, &err));
}

static void an_end_that_lies_ahead_is_not_seen_unless_history_says_it_was_known(void **state)
{
	(void)state;
	load(D);
	ASSERT_INT(base.n_members, 2); /* the third account is not there yet */
	ASSERT_INT(accounts[0].n_subscriptions, 1);
	ASSERT_INT(accounts[0].subscriptions[0].end_on, DAY_NONE);
	assert_true(accounts[0].is_customer);
	assert_false(accounts[1].is_customer);
	assert_true(accounts[1].was_customer);
	run("INSERT INTO history VALUES ('subscription', 1, 'end_on', -2147483647, NULL), ('subscription', 1, 'end_on', "
	    "19999, '20010')");
	load(D);
	ASSERT_INT(accounts[0].subscriptions[0].end_on, 20010);
	assert_true(accounts[0].subscriptions[0].is_active);
	load(19998);
	ASSERT_INT(accounts[0].subscriptions[0].end_on, DAY_NONE);
	load(20010); /* not active on the day it ends, and the second has begun */
	assert_false(accounts[0].subscriptions[0].is_active);
	ASSERT_INT(accounts[0].n_subscriptions, 2);
}

static void a_tracked_attribute_has_the_value_of_its_day(void **state)
{
	(void)state;
	run("INSERT INTO owner (source_id, source_key, email) VALUES (1, 'o1', 'Old@X.example'), (1, 'o2', "
	    "'new@x.example');"
	    "UPDATE account SET segment = 'large', renewal_on = 20300, csm_key = 'o2', csm_email = 'new@x.example' WHERE "
	    "id = 1;"
	    "INSERT INTO history VALUES ('account', 1, 'segment', -2147483647, 'smb'), ('account', 1, 'segment', 20001, "
	    "'large'), "
	    "('account', 1, 'renewal_on', -2147483647, NULL), ('account', 1, 'renewal_on', 20001, '20300'), "
	    "('account', 1, 'csm_key', -2147483647, 'o1'), ('account', 1, 'csm_key', 20001, 'o2')");
	load(D);
	assert_string_equal(accounts[0].segment, "smb");
	assert_string_equal(base.segments[base.members[0].segment], "smb");
	ASSERT_INT(accounts[0].renewal_on, DAY_NONE);
	assert_string_equal(accounts[0].csm_email, "old@x.example");
	load(20001);
	assert_string_equal(accounts[0].segment, "large");
	ASSERT_INT(accounts[0].renewal_on, 20300);
	assert_string_equal(accounts[0].csm_email, "new@x.example");
}

static void events_count_up_to_the_end_of_the_day(void **state)
{
	(void)state;
	run("INSERT INTO ticket (source_id, source_key, account_id, subject, priority, opened_at, closed_at, satisfaction) "
	    "VALUES "
	    "(1, 't1', 1, 'first', 'high', 20000 * 86400 + 86399, 20001 * 86400, 1), (1, 't2', 1, 'next', 'high', 20001 * "
	    "86400, NULL, NULL);"
	    "INSERT INTO interaction (source_id, source_key, account_id, kind, direction, contact_key, at) VALUES "
	    "(1, 'i1', 1, 'email', 'in', 'p1', 19999 * 86400), (1, 'i2', 1, 'email', 'in', 'p2', 20001 * 86400);"
	    "INSERT INTO invoice (source_id, source_key, account_id, amount_minor, currency, issued_on, due_on, paid_on, "
	    "failed_on) VALUES "
	    "(1, 'v1', 1, 500, 'EUR', 19980, 19990, 20001, 19995), (1, 'v2', 1, 500, 'EUR', 20001, 20031, NULL, NULL);"
	    "INSERT INTO notice (source_id, source_key, account_id, kind, noticed_on, effective_on) VALUES "
	    "(1, 'n1', 1, 'cancel', 20000, 20090), (1, 'n2', 1, 'cancel', 20001, 20090);"
	    "INSERT INTO survey (source_id, source_key, account_id, kind, score, at) VALUES (1, 'q1', 1, 'nps', 3, 20001 * "
	    "86400)");
	load(D);
	ASSERT_INT(accounts[0].n_tickets, 1);
	ASSERT_INT(accounts[0].tickets[0].closed_on, DAY_NONE);
	ASSERT_INT(accounts[0].tickets[0].satisfaction, -1); /* said when it was closed */
	assert_non_null(strstr(accounts[0].tickets[0].text, "first"));
	ASSERT_INT(accounts[0].n_interactions, 1);
	ASSERT_INT(accounts[0].n_people, 1);
	ASSERT_INT(accounts[0].n_invoices, 1);
	ASSERT_INT(accounts[0].invoices[0].paid_on, DAY_NONE);
	ASSERT_INT(accounts[0].invoices[0].failed_on, 19995);
	ASSERT_INT(accounts[0].n_notices, 1);
	ASSERT_INT(accounts[0].n_surveys, 0);
	assert_false(base.sources[FACT_SURVEY].is_known);
	assert_true(base.sources[FACT_TICKET].is_known);
	load(20001);
	ASSERT_INT(accounts[0].n_tickets, 2);
	ASSERT_INT(accounts[0].tickets[0].closed_on, 20001);
	ASSERT_INT(accounts[0].n_notices, 2);
	assert_true(base.sources[FACT_SURVEY].is_known);
}

static void put_usage(const char *name, int32_t day, int64_t account, int64_t value)
{
	struct usage_cell cell = { .day = day, .account = account, .value = value };

	ASSERT_OK(metric_id(db, name, &cell.metric, &err));
	ASSERT_OK(usage_put(db, &cell, 1, &err));
}

static void usage_is_seen_by_age_and_a_limit_is_no_activity(void **state)
{
	(void)state;
	put_usage("actions", D, 1, 70000);
	put_usage("actions", D + 1, 1, 9);
	put_usage("actions", D - 7, 1, 0);
	put_usage("seats", D - 3, 1, 4);
	run("INSERT INTO account_limit (source_id, source_key, account_id, metric, value, from_on) VALUES (1, 'l1', 1, "
	    "'seats', 5, 19000), "
	    "(1, 'l2', 1, 'seats', 9, 20001)");
	load(D);
	ASSERT_INT(base.n_metrics, 2);
	assert_string_equal(base.metrics[0].name, "actions");
	assert_true(base.metrics[0].is_activity);
	assert_false(base.metrics[1].is_activity);
	ASSERT_INT(value_at(accounts[0].usage[0], 0), 70000);
	ASSERT_INT(value_at(accounts[0].usage[0], 7), 0);
	ASSERT_INT(value_at(accounts[0].usage[0], 1), USAGE_NONE);
	ASSERT_INT(fact_days_count(&accounts[0].active, 0, FACTS_DAYS), 1); /* nought is reported and no activity */
	assert_null(accounts[1].usage[0]);
	ASSERT_INT(accounts[0].n_limits, 1);
	ASSERT_INT(accounts[0].limits[0].value, 5);
	load(20001);
	ASSERT_INT(accounts[0].n_limits, 1);
	ASSERT_INT(accounts[0].limits[0].value, 9);
	ASSERT_INT(fact_days_last(&accounts[0].active), 0);
}

static void people_are_one_whatever_names_them(void **state)
{
	(void)state;
	put_usage("actions", D, 1, 1);
	run("INSERT INTO contact (source_id, source_key, account_id, name, email, role, left_on) VALUES "
	    "(1, 'c1', 1, 'Ana', 'ana@acme.example', 'champion', 20001), (1, 'c2', 1, 'Ben', NULL, NULL, 19999);"
	    "INSERT INTO usage_detail VALUES (1, 19990, 1, 'ana@acme.example', 'sales', 3), (1, 19991, 1, 'c1', '', 3), "
	    "(1, 20001, 1, 'c9', 'legal', 3), (1, 19992, 1, '', 'ops', 3);"
	    "INSERT INTO interaction (source_id, source_key, account_id, kind, direction, contact_key, at) VALUES "
	    "(1, 'i1', 1, 'email', 'in', 'c1', 19999 * 86400), (1, 'i2', 1, 'email', 'out', 'c2', 19999 * 86400)");
	load(D);
	ASSERT_INT(accounts[0].n_people, 2);
	assert_string_equal(accounts[0].people[0].key, "c1");
	assert_true(accounts[0].people[0].is_key);
	ASSERT_INT(fact_days_count(&accounts[0].people[0].used, 0, FACTS_DAYS), 2);
	ASSERT_INT(fact_days_count(&accounts[0].people[0].spoke, 0, FACTS_DAYS), 1);
	ASSERT_INT(accounts[0].people[0].left_on, DAY_NONE);
	ASSERT_INT(accounts[0].people[1].left_on, 19999);
	ASSERT_INT(fact_days_count(&accounts[0].people[1].spoke, 0, FACTS_DAYS), 0);
	ASSERT_INT(accounts[0].n_teams, 2);
	assert_string_equal(accounts[0].teams[0].name, "ops");
	ASSERT_INT(fact_days_count(&accounts[0].teams[1].used, 0, FACTS_DAYS),
	           2); /* whose team is known from another day */
}

static void a_source_is_as_fresh_as_it_was_on_that_day(void **state)
{
	(void)state;
	run("INSERT INTO ticket (source_id, source_key, account_id, opened_at) VALUES (1, 't1', 1, 19000 * 86400)");
	load(D);
	ASSERT_INT(base.sources[FACT_TICKET].fresh_on, D); /* pulled later, so known then */
	assert_false(base.sources[FACT_TICKET].is_stale);
	load(20104);
	ASSERT_INT(base.sources[FACT_TICKET].fresh_on, 20100);
	assert_true(base.sources[FACT_TICKET].is_stale);
	load(18999);
	assert_false(base.sources[FACT_TICKET].is_known);
}

static void a_source_is_stale_by_its_own_patience_and_a_kind_by_all(void **state)
{
	static const struct fact_patience patience[] = { { "crm", 36 * 3600 }, { "desk", 10 * 86400 } };
	static const struct {
		int32_t as_of;
		bool is_stale;
	} cases[] = { { 20102, false }, { 20103, true }, { 20099, false } };
	struct fact_query q = { .zone = zone_utc(), .patience = patience, .n_patience = 2, .stale_days = 90 };

	(void)state;
	run("INSERT INTO ticket (source_id, source_key, account_id, opened_at) VALUES (1, 't1', 1, 19000 * 86400)");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		q.as_of = cases[i].as_of; /* last came through on 20100; 36 hours are two days */
		ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
		ASSERT_INT(base.sources[FACT_TICKET].is_stale, cases[i].is_stale);
	}
	run("INSERT INTO source (id, name, kind, last_ok_on) VALUES (2, 'desk', 'csv', 20096);"
	    "INSERT INTO ticket (source_id, source_key, account_id, opened_at) VALUES (2, 't2', 1, 19000 * 86400)");
	q.as_of = 20106;
	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	assert_false(base.sources[FACT_TICKET].is_stale); /* the other one still comes through */
	q.as_of = 20107;
	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	assert_true(base.sources[FACT_TICKET].is_stale);
}

enum { N_SEEN = 15 };

/* Whatever could be seen of the first account, counted. */
static void count_seen(size_t out[N_SEEN])
{
	const struct fact_account *f = &accounts[0];
	const size_t seen[N_SEEN] = {
		base.n_members, base.n_metrics, f->n_subscriptions, f->n_limits, f->n_tickets, f->n_interactions, f->n_invoices,
		f->n_surveys, f->n_notices, f->n_people, f->n_teams, f->subscriptions[0].end_on != DAY_NONE,
		f->subscriptions[0].cancel_notice_on != DAY_NONE, strcmp(f->segment, "smb") != 0,
	};
	size_t n_known = 0;

	for (int kind = 0; kind < N_FACT_KINDS; kind++)
		n_known += base.sources[kind].is_known;
	memcpy(out, seen, sizeof seen);
	out[N_SEEN - 1] = n_known;
}

/* One fact of each kind that is dated after the day: none may change a thing, and on its day each does. */
static void no_fact_of_any_kind_is_seen_before_its_day(void **state)
{
	static const char *const later[] = {
		"INSERT INTO account (id, source_id, source_key, name, created_on) VALUES (9, 1, 'k9', 'New', 20001)",
		"INSERT INTO subscription (source_id, source_key, account_id, seats, mrr_minor, currency, start_on) "
		"VALUES (1, 's9', 1, 9, 9, 'EUR', 20001)",
		"UPDATE subscription SET end_on = 20001, cancel_notice_on = 20001 WHERE id = 1",
		"INSERT INTO contact (source_id, source_key, account_id, name, created_on) VALUES (1, 'c9', 1, 'X', 20001)",
		"INSERT INTO account_limit (source_id, source_key, account_id, metric, value, from_on) "
		"VALUES (1, 'l9', 1, 'seats', 9, 20001)",
		"INSERT INTO ticket (source_id, source_key, account_id, subject, opened_at) VALUES (1, 't9', 1, 'x', 20001 * 86400)",
		"INSERT INTO interaction (source_id, source_key, account_id, kind, direction, contact_key, at) "
		"VALUES (1, 'i9', 1, 'email', 'in', 'p9', 20001 * 86400)",
		"INSERT INTO survey (source_id, source_key, account_id, kind, score, at) VALUES (1, 'q9', 1, 'nps', 1, 20001 * 86400)",
		"INSERT INTO invoice (source_id, source_key, account_id, amount_minor, currency, issued_on, failed_on) "
		"VALUES (1, 'v9', 1, 9, 'EUR', 20001, 20001)",
		"INSERT INTO notice (source_id, source_key, account_id, kind, noticed_on) VALUES (1, 'n9', 1, 'cancel', 20001)",
		"INSERT INTO usage_detail VALUES (1, 20001, 1, 'p9', 'legal', 3)",
		"INSERT INTO history VALUES ('account', 1, 'segment', 20001, 'large')",
	};

	size_t before[N_SEEN], seen[N_SEEN];

	(void)state;
	load(D);
	count_seen(before);
	for (size_t i = 0; i <= ARRAY_LEN(later); i++) {
		if (i < ARRAY_LEN(later))
			run(later[i]);
		else
			put_usage("actions", 20001, 1, 5);
		load(D);
		count_seen(seen);
		if (memcmp(seen, before, sizeof seen) != 0)
			fail_msg("seen before its day: %s", i < ARRAY_LEN(later) ? later[i] : "usage");
	}
	load(20001);
	count_seen(seen);
	for (int i = 0; i < N_SEEN; i++)
		assert_true(seen[i] > before[i]);
}

static void usage_that_nobody_reports_any_more_is_a_broken_source(void **state)
{
	(void)state;
	run("INSERT INTO account (id, source_id, source_key, name) VALUES (11, 1, 'a', 'A'), (12, 1, 'b', 'B'), (13, 1, "
	    "'c', 'C')");
	for (int account = 1; account <= 2; account++)
		for (int age = 10; age < 60; age++)
			put_usage("actions", D - age, account, 5);
	load(D); /* two accounts prove nothing: the pull came through */
	assert_false(base.sources[FACT_USAGE].is_stale);
	for (int account = 11; account <= 13; account++)
		put_usage("actions", D - 10, account, 5);
	load(D);
	assert_true(base.sources[FACT_USAGE].is_stale);
	ASSERT_INT(base.sources[FACT_USAGE].fresh_on, D - 10);
	put_usage("actions", D - 1, 13, 5);
	load(D);
	assert_false(base.sources[FACT_USAGE].is_stale);
}

static void who_reports_by_the_month_is_not_broken_in_between(void **state)
{
	(void)state;
	run("INSERT INTO account (id, source_id, source_key, name) VALUES (11, 1, 'a', 'A'), (12, 1, 'b', 'B'), (13, 1, "
	    "'c', 'C')");
	for (int account = 11; account <= 13; account++)
		for (int month = 0; month < 4; month++) {
			put_usage("actions", D - 30 * month, account, 5);
			put_usage("actions", D - 30 * month, account - 10 > 2 ? 1 : account - 10, 5);
		}
	load(D + 31);
	assert_false(base.sources[FACT_USAGE].is_stale);
	load(D + 33);
	assert_true(base.sources[FACT_USAGE].is_stale);
}

static void an_account_is_found_by_any_of_its_names(void **state)
{
	static const char *const names[] = { "2", "k2", "x2", "bolt.example", "bolt" };
	size_t index;
	int64_t id;

	(void)state;
	load(D);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		ASSERT_OK(facts_find(db, D, names[i], &id, &err));
		ASSERT_INT(id, 2);
	}
	ASSERT_OK(facts_index(&base, 2, &index, &err));
	ASSERT_INT(base.members[index].id, 2);
	ASSERT_INT(facts_find(db, D, "Later", &id, &err), -1); /* not there on that day */
	ASSERT_INT(err.kind, ERR_INPUT);
	run("INSERT INTO account (id, source_id, source_key, name) VALUES (7, 1, 'k7', 'Bolt')");
	load(D);
	ASSERT_INT(facts_find(db, D, "Bolt", &id, &err), -1);
}

static void days_are_counted_over_word_ends(void **state)
{
	struct fact_days d = { 0 };

	(void)state;
	ASSERT_INT(fact_days_last(&d), -1);
	ASSERT_INT(fact_days_first(&d), -1);
	for (int age = 60; age < 70; age++)
		fact_days_add(&d, age);
	fact_days_add(&d, -1);
	fact_days_add(&d, FACTS_DAYS);
	ASSERT_INT(fact_days_count(&d, 0, FACTS_DAYS), 10);
	ASSERT_INT(fact_days_count(&d, 63, 65), 2);
	ASSERT_INT(fact_days_count(&d, 64, 64), 0);
	ASSERT_INT(fact_days_last(&d), 60);
	ASSERT_INT(fact_days_first(&d), 69);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_end_that_lies_ahead_is_not_seen_unless_history_says_it_was_known, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_tracked_attribute_has_the_value_of_its_day, setup, teardown),
		cmocka_unit_test_setup_teardown(events_count_up_to_the_end_of_the_day, setup, teardown),
		cmocka_unit_test_setup_teardown(usage_is_seen_by_age_and_a_limit_is_no_activity, setup, teardown),
		cmocka_unit_test_setup_teardown(people_are_one_whatever_names_them, setup, teardown),
		cmocka_unit_test_setup_teardown(a_source_is_as_fresh_as_it_was_on_that_day, setup, teardown),
		cmocka_unit_test_setup_teardown(a_source_is_stale_by_its_own_patience_and_a_kind_by_all, setup, teardown),
		cmocka_unit_test_setup_teardown(no_fact_of_any_kind_is_seen_before_its_day, setup, teardown),
		cmocka_unit_test_setup_teardown(usage_that_nobody_reports_any_more_is_a_broken_source, setup, teardown),
		cmocka_unit_test_setup_teardown(who_reports_by_the_month_is_not_broken_in_between, setup, teardown),
		cmocka_unit_test_setup_teardown(an_account_is_found_by_any_of_its_names, setup, teardown),
		cmocka_unit_test(days_are_counted_over_word_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cmocka_shim.h"

#include <string.h>

#include "store/identity.h"
#include "store/migrate.h"
#include "store/record.h"
#include "store/usage.h"

static struct err err;
static struct db *db;

static int open_store(void **state)
{
	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 1, &err));
	ASSERT_OK(db_run(db, "INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'x'), (2, 'billing', 'x'), "
	                     "(3, 'desk', 'x')", &err));
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	db_close(db);
	return 0;
}

static void rule(const char *source, const char *const *by, size_t n)
{
	const char *words[N_IDENTITY_BY];
	struct identity_rule r = { .source = source, .by = { words, n } };
	const struct identity_settings s = { .main = "crm", .sources = { &r, 1 } };

	memcpy(words, by, n * sizeof *by);
	ASSERT_OK(identity_rules_set(db, &s, &err));
}

#define RULE(source, ...) \
	rule(source, (const char *const[]){ __VA_ARGS__ }, sizeof (const char *const[]){ __VA_ARGS__ } / sizeof(char *))

static void resolve(void)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	ASSERT_OK(txn_begin(&txn, db, &err));
	ASSERT_OK(record_resolve_links(db, &err));
	ASSERT_OK(txn_commit(&txn, &err));
}

static void run(const char *sql)
{
	ASSERT_OK(db_run(db, sql, &err));
}

static int64_t number(const char *sql)
{
	int64_t n = 0;

	ASSERT_OK(db_int(db, sql, -1, &n, &err));
	return n;
}

/* The main account of an account; 0: itself. */
static int64_t main_of(int64_t id)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT coalesce(main_id, 0) FROM account WHERE id = :id");

	bind_int(q, ":id", id);
	assert_int_equal(stmt_step(q, &err), 1);
	return col_int(q, 0);
}

static const char *reason_of(struct arena *a, size_t expected)
{
	struct identity_conflict *list;
	size_t n;

	ASSERT_OK(identity_conflicts(db, a, &list, &n, &err));
	ASSERT_INT(n, expected);
	return n ? list[0].reason : "";
}

static void each_key_leads_to_the_main_account_and_none_to_none(void **state)
{
	static const struct {
		const char *by;
		int64_t expected;
	} cases[] = { { "external_id", 1 }, { "main_key", 2 }, { "own_key", 3 }, { "domain", 4 }, { "name", 5 } };

	(void)state;
	run("INSERT INTO account (id, source_id, source_key, name, domain, external_id) VALUES "
	    "(1, 1, 'a', 'One', NULL, 'ext'), (2, 1, 'ext', 'Two', 'two.example', NULL), (3, 1, 'c', 'Three', NULL, 'own'), "
	    "(4, 1, 'd', 'Four', 'ACME.example', NULL), (5, 1, 'e', 'Société  Éclair', NULL, NULL), "
	    "(9, 2, 'own', 'societe eclair', 'acme.EXAMPLE', 'ext'), (10, 2, 'other', 'Nobody', 'nobody.example', 'none')");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		RULE("billing", cases[i].by);
		resolve();
		ASSERT_INT(main_of(9), cases[i].expected);
		ASSERT_INT(main_of(10), 0);
	}
	ASSERT_OK(identity_rules_set(db, &(struct identity_settings){ 0 }, &err));
	resolve();
	ASSERT_INT(main_of(9), 0);
}

static void keys_that_disagree_or_lead_to_several_are_told_and_not_guessed(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	run("INSERT INTO account (id, source_id, source_key, name, domain, external_id) VALUES "
	    "(1, 1, 'a', 'One', 'one.example', 'x1'), (2, 1, 'b', 'Two', 'two.example', 'x2'), "
	    "(3, 1, 'c', 'Three', 'two.example', 'x3'), (9, 2, 'k', 'K', 'one.example', 'x1')");
	RULE("billing", "external_id", "domain");
	resolve();
	ASSERT_INT(main_of(9), 1);
	(void)reason_of(a, 0);
	run("UPDATE account SET external_id = 'x3' WHERE id = 9");
	resolve();
	ASSERT_INT(main_of(9), 0);
	assert_string_equal(reason_of(a, 1), "external_id leads to account 3, domain leads to account 1");
	run("UPDATE account SET external_id = 'x2', domain = 'two.example' WHERE id = 9");
	resolve();
	ASSERT_INT(main_of(9), 0);
	assert_string_equal(reason_of(a, 1), "external_id leads to account 2, domain leads to 2 accounts");
	run("UPDATE account SET deleted_on = 5 WHERE id = 3"); /* a person has tidied up */
	resolve();
	ASSERT_INT(main_of(9), 2);
	(void)reason_of(a, 0);
}

static void what_belongs_to_it_belongs_to_the_main_account_and_back(void **state)
{
	struct usage_cell cells[] = { { 0, 100, 9, 5 }, { 0, 100, 1, 2 }, { 0, 101, 9, 70000 }, { 0, 102, 1, 1 } };
	int64_t value;

	(void)state;
	ASSERT_OK(metric_id(db, "logins", &cells[0].metric, &err));
	for (size_t i = 1; i < ARRAY_LEN(cells); i++)
		cells[i].metric = cells[0].metric;
	run("INSERT INTO account (id, source_id, source_key, name, external_id) VALUES (1, 1, 'a', 'One', 'x'), "
	    "(9, 2, 'k', 'K', 'x'); "
	    "INSERT INTO subscription (id, source_id, source_key, account_key, start_on) VALUES (1, 2, 's', 'k', 10); "
	    "INSERT INTO invoice (id, source_id, source_key, account_key, account_by) VALUES (1, 2, 'i', 's', 4); "
	    "INSERT INTO ticket (id, source_id, source_key, account_key, account_by) VALUES (1, 3, 't', 'x', 1)");
	ASSERT_INT(usage_put(db, cells, ARRAY_LEN(cells), &err), 4);
	ASSERT_OK(usage_detail_put(db, &(struct usage_detail){ cells[0].metric, 100, 9, "ann", "", 5 }, &err));
	ASSERT_OK(usage_detail_put(db, &(struct usage_detail){ cells[0].metric, 100, 1, "ann", "", 2 }, &err));
	resolve();
	ASSERT_INT(number("SELECT account_id FROM subscription"), 9);
	ASSERT_INT(number("SELECT coalesce(account_id, 0) FROM ticket"), 0); /* two accounts have it */
	RULE("billing", "external_id");
	resolve();
	ASSERT_INT(number("SELECT account_id FROM subscription"), 1);
	ASSERT_INT(number("SELECT account_id FROM invoice"), 1);
	ASSERT_INT(number("SELECT account_id FROM ticket"), 1); /* one company has it */
	ASSERT_OK(usage_get(db, cells[0].metric, 100, 1, &value, &err));
	ASSERT_INT(value, 7);
	ASSERT_OK(usage_get(db, cells[0].metric, 101, 1, &value, &err));
	ASSERT_INT(value, 70000);
	ASSERT_OK(usage_get(db, cells[0].metric, 101, 9, &value, &err));
	assert_true(value == USAGE_NONE);
	ASSERT_INT(number("SELECT sum(value) FROM usage_detail WHERE account_id = 1"), 7);
	ASSERT_INT(number("SELECT count(*) FROM usage_detail WHERE account_id = 9"), 0);
	resolve();
	ASSERT_OK(usage_get(db, cells[0].metric, 100, 1, &value, &err));
	ASSERT_INT(value, 7);
	run("UPDATE account SET external_id = NULL WHERE id = 9");
	resolve();
	ASSERT_INT(number("SELECT account_id FROM subscription"), 9);
	ASSERT_INT(number("SELECT account_id FROM invoice"), 9);
}

static void merges_are_followed_to_the_last_survivor_and_circles_are_none(void **state)
{
	int64_t account;

	(void)state;
	run("INSERT INTO account (id, source_id, source_key, name, merged_into, merged_keys, external_id) VALUES "
	    "(1, 1, 'a', 'One', 'b', NULL, NULL), (2, 1, 'b', 'Two', 'c', NULL, 'x'), (3, 1, 'c', 'Three', NULL, 'd; e,zz', NULL), "
	    "(4, 1, 'd', 'Four', NULL, NULL, 'y'), (5, 1, 'e', 'Five', NULL, NULL, NULL), (6, 1, 'f', 'Six', 'g', NULL, NULL), "
	    "(7, 1, 'g', 'Seven', 'f', NULL, NULL), (8, 1, 'h', 'Eight', 'nobody', NULL, NULL), "
	    "(20, 2, 'k', 'K', NULL, 'l', 'x'), (21, 2, 'l', 'L', NULL, NULL, NULL); "
	    "UPDATE account SET deleted_on = 7 WHERE id IN (1, 2, 4, 5); "
	    "INSERT INTO subscription (id, source_id, source_key, account_key, start_on) VALUES (1, 1, 's', 'a', 10), "
	    "(2, 2, 't', 'l', 10); "
	    "INSERT INTO ticket (id, source_id, source_key, account_key, account_by) VALUES (1, 3, 't', 'y', 1)");
	RULE("billing", "external_id");
	resolve();
	for (int64_t id = 1; id <= 8; id++)
		ASSERT_INT(main_of(id), id == 3 || id >= 6 ? 0 : 3);
	ASSERT_INT(main_of(20), 3); /* its key is that of one that was merged away */
	ASSERT_INT(main_of(21), 3);
	ASSERT_INT(number("SELECT sum(account_id) FROM subscription"), 6);
	ASSERT_INT(number("SELECT account_id FROM ticket"), 3);
	ASSERT_INT(record_find_account(db, 1, ACCOUNT_BY_KEY, "a", &account, &err), 1);
	ASSERT_INT(account, 3);
	ASSERT_INT(number("SELECT count(*) FROM identity_conflict"), 0);
}

static void a_hundred_thousand_accounts_are_matched_in_seconds(void **state)
{
	(void)state;
	run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
	    "INSERT INTO account (source_id, source_key, name, domain, external_id) "
	    "SELECT 1, 'c' || i, 'Name ' || i, 'd' || i || '.example', 'e' || i FROM n; "
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
	    "INSERT INTO account (source_id, source_key, name, domain, external_id) "
	    "SELECT 2, 'b' || i, 'NAME  ' || i, 'D' || i || '.example', 'e' || i FROM n");
	RULE("billing", "external_id", "domain", "name");
	resolve();
	ASSERT_INT(number("SELECT count(*) FROM account WHERE main_id = id - 100000"), 100000);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
	const struct CMUnitTest tests[] = {
		CASE(each_key_leads_to_the_main_account_and_none_to_none),
		CASE(keys_that_disagree_or_lead_to_several_are_told_and_not_guessed),
		CASE(what_belongs_to_it_belongs_to_the_main_account_and_back),
		CASE(merges_are_followed_to_the_last_survivor_and_circles_are_none),
		CASE(a_hundred_thousand_accounts_are_matched_in_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

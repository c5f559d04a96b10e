#include "cmocka_shim.h"

#include <string.h>

#include "store/base_kept.h"
#include "store/migrate.h"
#include "store/pulls.h"
#include "store/record.h"
#include "store/revenue_kept.h"

enum { TODAY = 20000 };

static struct db *db;
static struct arena *arena;
static struct err err;
static const struct revenue_query today = { TODAY, "EUR" };

static void run(const char *sql)
{
	if (db_run(db, sql, &err) < 0)
		fail_msg("%s", err.text);
}

/* 60 accounts, the last of which pays by the year, some of them parts of others; 300 contracts of all sorts. */
static int open_store(void **state)
{
	int64_t source;

	(void)state;
	arena = arena_new(0);
	if (db_open(":memory:", DB_WRITE, &db, &err) < 0 || migrate_run(db, 0, &err) < 0 ||
	    source_id(db, "crm", "csv", &source, &err) < 0)
		fail_msg("%s", err.text);
	run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)"
	    " INSERT INTO account (id, source_id, source_key, name, main_id, currency, seen_on, arr_minor, is_customer)"
	    " SELECT 3 * i, 1, 'a' || i, 'A' || i, CASE WHEN i % 20 = 0 AND i < 60 THEN 3 END,"
	    " CASE i % 4 WHEN 0 THEN 'USD' WHEN 1 THEN 'CHF' END, CASE WHEN i % 7 = 0 THEN 19990 END,"
	    " CASE WHEN i = 60 THEN 120000 END, 1 FROM n");
	run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
	    " INSERT INTO subscription (id, source_id, source_key, account_id, product, plan, mrr_minor, currency, start_on,"
	    " end_on, discount_minor, discount_ends_on, is_trial, kind)"
	    " SELECT i, 1, 's' || i, 3 * (1 + i * 7 % 59), 'p' || i % 9, 'plan' || i % 4, 1000 + 13 * i,"
	    " CASE i % 5 WHEN 0 THEN 'GBP' WHEN 1 THEN 'EUR' END, 19000 + 4 * i,"
	    " CASE WHEN i % 3 = 0 THEN 19200 + 5 * i END, CASE WHEN i % 6 = 0 THEN 50 END,"
	    " CASE WHEN i % 12 = 0 THEN 19900 END, i % 17 = 0, CASE i % 11 WHEN 0 THEN 'usage' WHEN 1 THEN 'setup' END"
	    " FROM n");
	run("INSERT INTO history (entity, entity_id, field, known_on, value)"
	    " SELECT 'subscription', id, 'mrr_minor', 19700, '777' FROM subscription WHERE id % 8 = 0");
	run("INSERT INTO rate (source_id, source_key, currency, base, rate_on, rate_nano)"
	    " VALUES (1, 'x', 'NOK', 'EUR', 19000, 100000000)");
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	db_close(db);
	arena_free(arena);
	return 0;
}

static struct revenue load(const struct revenue_query *query)
{
	struct revenue r;

	ASSERT_OK(revenue_load(db, query, arena, &r, &err));
	return r;
}

static void keep_base(void)
{
	ASSERT_OK(base_kept_put(db, TODAY, "me", "base", 4, &err));
}

static bool is_kept(void)
{
	int64_t n;

	ASSERT_OK(db_int(db, "SELECT count(*) FROM base_kept WHERE revenue IS NOT NULL", 0, &n, &err));
	return n != 0;
}

static const char *name_of(const struct revenue *r, uint16_t name)
{
	return name ? r->names[name] : "";
}

static void expect_the_same(const struct revenue *is, const struct revenue *was)
{
	ASSERT_INT(is->n_lines, was->n_lines);
	ASSERT_INT(is->n_names, was->n_names);
	ASSERT_INT(is->n_rates, was->n_rates);
	ASSERT_INT(is->n_accounts, was->n_accounts);
	for (size_t i = 1; i < is->n_names; i++)
		assert_string_equal(is->names[i], was->names[i]);
	for (size_t i = 0; i < is->n_lines; i++) {
		const struct revenue_line *x = &is->lines[i], *y = &was->lines[i];

		assert_true(x->contract == y->contract && x->minor == y->minor && x->discount_minor == y->discount_minor);
		assert_true(x->account == y->account && x->from == y->from && x->to == y->to && x->kind == y->kind);
		assert_true(x->discount_until == y->discount_until && x->notice_on == y->notice_on);
		assert_true(x->paid_until == y->paid_until && x->is_trial == y->is_trial && x->is_paused == y->is_paused);
		assert_true(x->is_last == y->is_last && x->is_involuntary == y->is_involuntary);
		assert_string_equal(name_of(is, x->product), name_of(was, y->product));
		assert_string_equal(name_of(is, x->plan), name_of(was, y->plan));
		assert_string_equal(name_of(is, x->currency), name_of(was, y->currency));
	}
}

/* Changes every price behind its back: to see whether it is read at all. */
static bool is_read_from_there(const struct revenue_query *query)
{
	struct revenue before = load(query), after;

	run("CREATE TEMP TABLE saved AS SELECT id, mrr_minor FROM subscription");
	run("CREATE TEMP TABLE base AS SELECT * FROM base_kept");
	run("UPDATE subscription SET mrr_minor = mrr_minor + 1");
	run("INSERT INTO base_kept SELECT * FROM base");
	after = load(query);
	run("UPDATE subscription SET mrr_minor = (SELECT s.mrr_minor FROM saved s WHERE s.id = subscription.id)");
	run("INSERT INTO base_kept SELECT * FROM base; DROP TABLE saved; DROP TABLE base");
	for (size_t i = 0; i < before.n_lines && i < after.n_lines; i++)
		if (before.lines[i].minor != after.lines[i].minor)
			return false;
	return true;
}

static void what_was_kept_is_what_would_be_loaded_and_is_read(void **state)
{
	const struct revenue was = load(&today);
	struct revenue is;

	(void)state;
	assert_true(was.n_lines > 200);
	assert_false(is_read_from_there(&today));
	keep_base();
	ASSERT_OK(revenue_keep(db, &today, &err));
	assert_true(is_kept());
	is = load(&today);
	expect_the_same(&is, &was);
	assert_true(is_read_from_there(&today));
}

static void another_day_or_currency_has_none(void **state)
{
	static const struct revenue_query yesterday = { TODAY - 1, "EUR" }, dollars = { TODAY, "USD" };

	(void)state;
	keep_base();
	ASSERT_OK(revenue_keep(db, &yesterday, &err)); /* there is no base of that day */
	assert_false(is_kept());
	ASSERT_OK(revenue_keep(db, &today, &err));
	assert_false(is_read_from_there(&yesterday));
	assert_false(is_read_from_there(&dollars));
	run("DELETE FROM base_kept");
	ASSERT_OK(revenue_keep(db, &today, &err));
	assert_false(is_kept());
}

static void it_goes_when_a_row_changes_that_it_is_made_of(void **state)
{
	static const char *const changes[] = {
		"UPDATE account SET currency = 'SEK' WHERE id = 9", "DELETE FROM subscription WHERE id = 7",
		"UPDATE subscription SET end_on = 19999 WHERE id = 8", "UPDATE history SET value = '778' WHERE entity_id = 16",
		"INSERT INTO subscription (id, source_id, source_key, account_id) VALUES (900, 1, 'new', 9)",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		keep_base();
		ASSERT_OK(revenue_keep(db, &today, &err));
		run(changes[i]);
		if (is_kept())
			fail_msg("still there after %s", changes[i]);
	}
}

static void what_is_damaged_is_not_taken(void **state)
{
	const struct revenue was = load(&today);

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct revenue is;

		keep_base();
		ASSERT_OK(revenue_keep(db, &today, &err));
		run(arena_printf(arena, "UPDATE base_kept SET revenue = CAST(substr(revenue, 1, %d) || x'%02x' ||"
		                 " substr(revenue, %d) AS BLOB)", i * 97, (unsigned)(i * 5),
		                 i % 2 ? i * 97 + 2 : i * 97 + 5000));
		is = load(&today);
		expect_the_same(&is, &was);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_kept_is_what_would_be_loaded_and_is_read, open_store, close_store),
		cmocka_unit_test_setup_teardown(another_day_or_currency_has_none, open_store, close_store),
		cmocka_unit_test_setup_teardown(it_goes_when_a_row_changes_that_it_is_made_of, open_store, close_store),
		cmocka_unit_test_setup_teardown(what_is_damaged_is_not_taken, open_store, close_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

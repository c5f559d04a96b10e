#include "cmocka_shim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "store/db_query.h"
#include "store/migrate.h"
#include "store/record.h"
#include "store/usage.h"

enum { ACCOUNTS = 40, DAYS = 25, METRICS = 3, FIRST_DAY = 20000 };

static const struct query_limits plenty = { 100000, 60000 };
static struct err err;
static struct db *db;
static struct arena *arena;
static char path[64];

static int64_t account_of(int i)
{
	return USAGE_BLOCK - ACCOUNTS / 2 + i;
}

static void make_accounts(void)
{
	struct stmt *q;
	int64_t source;

	ASSERT_OK(source_id(db, "s", "csv", &source, &err));
	q = db_sql(db, "INSERT INTO account (id, source_id, source_key) VALUES (:id, :source, :id)");
	for (int i = 0; i < ACCOUNTS; i++) {
		bind_int(q, ":id", account_of(i));
		bind_int(q, ":source", source);
		ASSERT_OK(stmt_run(q, &err));
	}
	stmt_done(q);
}

static void make_usage(void)
{
	static const char *const names[METRICS] = { "logins", "empty", "bytes" };
	struct usage_cell cells[2 * ACCOUNTS * DAYS];
	int32_t ids[METRICS];
	size_t n = 0;

	for (int m = 0; m < METRICS; m++)
		ASSERT_OK(metric_id(db, names[m], &ids[m], &err));
	for (int i = 0; i < ACCOUNTS * DAYS; i++) {
		int64_t large = random() % 5 ? 300 : 100000;

		if (random() % 3 == 0)
			cells[n++] = (struct usage_cell){ ids[0], FIRST_DAY + i % DAYS, account_of(i / DAYS), random() % 200 };
		if (random() % 3)
			cells[n++] = (struct usage_cell){ ids[2], FIRST_DAY + i % DAYS * 2, account_of(i / DAYS),
				                              random() % large };
	}
	ASSERT_OK(usage_put(db, cells, n, &err));
}

static int open_store(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof path, "/tmp/retaind-query-%ld.db", (long)getpid());
	(void)unlink(path);
	arena = arena_new(0);
	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
	ASSERT_OK(db_run(db, "PRAGMA synchronous = OFF", &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	srandom(8);
	make_accounts();
	make_usage();
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	db_close(db);
	arena_free(arena);
	(void)unlink(path);
	return 0;
}

static struct query_result ask(const char *sql)
{
	struct query_result r;

	ASSERT_OK(db_query(path, sql, &plenty, arena, &r, &err));
	return r;
}

static void assert_same_answers(const char *condition)
{
	struct query_result table, view;
	const char *renamed = "SELECT account, metric, day, date, value FROM (SELECT account_id AS account, metric, day, "
	                      "date, value FROM usage_daily)";

	table = ask(arena_printf(arena, "SELECT account, metric, day, date, value FROM usage WHERE %s ORDER BY 1, 2, 3",
	                         condition));
	view = ask(arena_printf(arena, "%s WHERE %s ORDER BY 1, 2, 3", renamed, condition));
	ASSERT_INT(table.n_rows, view.n_rows);
	for (size_t i = 0; i < table.n_rows; i++)
		for (int k = 0; k < table.n_columns; k++)
			assert_string_equal(table.rows[i][k], view.rows[i][k]);
}

static void the_table_of_usage_says_what_the_view_says(void **state)
{
	static const char *const conditions[] = {
		"1", "account = 8130", "account = 8130.0", "account = '8130'", "account = 8130.5", "account = 'x'", "account = -1",
		"account = 9000000000000", "account IS NULL", "account IN (8120, 8128, 8140, 99)", "account > 8127",
		"account >= 8127 AND account < 8129", "account BETWEEN 8129 AND 8120", "metric = 'logins'", "metric = 'none'",
		"metric IN ('logins', 'bytes')", "metric = NULL", "day = 20003", "day BETWEEN 20003 AND 20010", "day < 20003",
		"day > 20003.5", "day >= 20003.5 AND day <= 20005.5", "day < -5", "day > 5000000000", "date = '2024-10-09'",
		"date BETWEEN '2024-10-09' AND '2024-10-12'", "date >= '2024-10'", "date > 'x'", "value > 1000",
		"value BETWEEN 10 AND 20 AND account > 8120 AND metric = 'bytes' AND day IN (20002, 20004)",
		"account = 8130 AND account = 8131", "account = 8130 OR day = 20004", "metric > 'c' AND metric < 'z'",
		"metric = 'LOGINS' COLLATE NOCASE", "metric = x'6c6f67696e73'",
		"date < '2024-10-09' || char(0) || 'x'", "date >= '2024-10-09 '", "date = '2024-10-09' COLLATE NOCASE",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
		assert_same_answers(conditions[i]);
	for (int i = 0; i < 100; i++)
		assert_same_answers(arena_printf(arena, "account BETWEEN %ld AND %ld AND day BETWEEN %ld AND %ld",
		                                 8100 + random() % 50, 8100 + random() % 50, FIRST_DAY - 5 + random() % 60,
		                                 FIRST_DAY - 5 + random() % 60));
}

static void usage_joins_with_accounts(void **state)
{
	struct query_result joined = ask("SELECT a.source_key, count(*) FROM account a JOIN usage u ON u.account = a.id "
	                                 "AND u.day < 20010 GROUP BY 1 ORDER BY 1");
	struct query_result same = ask("SELECT account_id, count(*) FROM usage_daily WHERE day < 20010 GROUP BY 1 "
	                               "ORDER BY 1");

	(void)state;
	ASSERT_INT(joined.n_rows, ACCOUNTS);
	for (size_t i = 0; i < joined.n_rows; i++)
		assert_string_equal(joined.rows[i][1], same.rows[i][1]);
	assert_string_equal(joined.names[0], "source_key");
	assert_false(joined.is_number[0]);
	assert_true(joined.is_number[1]);
}

static void refuse(const char *sql, const char *why)
{
	struct query_result r;

	assert_int_equal(db_query(path, sql, &(struct query_limits){ 10, 300 }, arena, &r, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	if (!strstr(err.text, why))
		fail_msg("%s: %s, not %s", sql, err.text, why);
}

static void signals_and_other_lists_in_JSON_are_rows(void **state)
{
	struct query_result r;

	(void)state;
	ASSERT_OK(db_run(db, "INSERT INTO account_signals (day, account_id, setting, data) VALUES (20000, 8130, 1, "
	                     "'[[0,500,null,1000,100,10,\"quiet\",3]]');"
	                     "INSERT INTO signal_set VALUES (1, 0, 'defense', 'silence', 0.25, '[\"so \",0,\" for \",1,\"\"]')",
	                 &err));
	r = ask("SELECT j.key, json_array_length(j.value) FROM account_signals s, json_each(s.data) j");
	ASSERT_INT(r.n_rows, 1);
	assert_string_equal(r.rows[0][1], "8");
	r = ask("SELECT max(t.atom) FROM account_signals s, json_tree(s.data) t WHERE t.type = 'text'");
	assert_string_equal(r.rows[0][0], "quiet");
	r = ask("SELECT signal, strength, evidence FROM score_signal WHERE account_id = 8130");
	assert_string_equal(r.rows[0][0], "silence");
	assert_string_equal(r.rows[0][1], "1");
	assert_string_equal(r.rows[0][2], "so quiet for 3");
}

static void only_one_select_is_answered(void **state)
{
	static const char *const others[] = {
		"DELETE FROM account", "INSERT INTO metric (name) VALUES ('x')", "UPDATE account SET name = 'x'",
		"DROP TABLE account", "CREATE TABLE t (a)", "CREATE TEMP TABLE t (a)", "PRAGMA user_version = 3",
		"PRAGMA table_info(account)",
		"ATTACH ':memory:' AS m", "VACUUM", "BEGIN", "REINDEX", "SELECT load_extension('x')", "DELETE FROM usage",
		"WITH x AS (SELECT 1) DELETE FROM account", "ANALYZE", "SELECT * FROM pragma_table_info('account')",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		refuse(others[i], "");
	refuse("SELECT 1; SELECT 2", "only one statement");
	refuse("SELECT 1; nonsense", "only one statement");
	refuse(" -- nothing", "no statement");
	refuse("SELECT nothing", "nothing");
	assert_string_equal(ask("SELECT 1; -- and that is all\n").rows[0][0], "1");
	ASSERT_INT(ask("SELECT count(*) FROM account").n_rows, 1);
	assert_string_equal(ask("SELECT count(*) FROM account").rows[0][0], "40");
}

static void time_rows_and_memory_have_an_end(void **state)
{
	struct query_result r;

	(void)state;
	refuse("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
	       "no answer within");
	refuse("SELECT length(zeroblob(100000000))", "too big");
	assert_int_equal(db_query(path, "SELECT printf('%.*c', 10000000, 'x') FROM usage", &plenty, arena, &r, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.text, "fewer rows"));
	ASSERT_OK(db_query(path, "SELECT account FROM usage", &(struct query_limits){ 10, 60000 }, arena, &r, &err));
	ASSERT_INT(r.n_rows, 10);
	assert_true(r.is_cut);
	ASSERT_OK(db_query(path, "SELECT 1 UNION SELECT 2", &(struct query_limits){ 2, 60000 }, arena, &r, &err));
	ASSERT_INT(r.n_rows, 2);
	assert_false(r.is_cut);
}

static void every_kind_of_value_is_shown(void **state)
{
	struct query_result r = ask("SELECT NULL, 1.5, x'00ff', 'a', 1e999, 7 UNION ALL SELECT NULL, 2, 3, 4, 5, 6");

	(void)state;
	assert_null(r.rows[0][0]);
	assert_string_equal(r.rows[0][1], "1.5");
	assert_string_equal(r.rows[0][2], "00FF");
	assert_string_equal(r.rows[0][3], "a");
	for (int i = 0; i < 6; i++)
		assert_true(r.is_number[i] == (i == 0 || i == 1 || i == 5));
}

static void damaged_usage_is_no_answer(void **state)
{
	struct query_result r;

	(void)state;
	ASSERT_OK(db_run(db, "UPDATE usage_block SET sum = sum + 1 WHERE id >> 20 & 1048575 = 20004", &err));
	ASSERT_INT(ask("SELECT sum(value) FROM usage WHERE day < 20004").n_rows, 1);
	assert_int_equal(db_query(path, "SELECT sum(value) FROM usage", &plenty, arena, &r, &err), -1);
	assert_int_equal(err.kind, ERR_FATAL);
	assert_non_null(strstr(err.text, "damaged"));
	ASSERT_OK(db_run(db, "UPDATE usage_exception SET value = value + 1", &err));
	assert_int_equal(db_query(path, "SELECT sum(value) FROM usage WHERE day <> 20004", &plenty, arena, &r, &err), -1);
	assert_non_null(strstr(err.text, "damaged"));
	ASSERT_OK(db_run(db, "DELETE FROM usage_exception", &err));
	assert_int_equal(db_query(path, "SELECT sum(value) FROM usage WHERE day <> 20004", &plenty, arena, &r, &err), -1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_table_of_usage_says_what_the_view_says),
		CASE(usage_joins_with_accounts),
		CASE(signals_and_other_lists_in_JSON_are_rows),
		CASE(only_one_select_is_answered),
		CASE(time_rows_and_memory_have_an_end),
		CASE(every_kind_of_value_is_shown),
		CASE(damaged_usage_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

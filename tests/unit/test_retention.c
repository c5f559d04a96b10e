#include "cmocka_shim.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "store/retention.h"
#include "store/usage.h"
#include "store/usage_check.h"
#include "store_file.h"

enum { FIRST_DAY = 20000, ACCOUNTS = 400, DAY_S = 86400, KEPT_DAYS = 40 };

static const struct retention_settings forty_days = {
	.usage_s = KEPT_DAYS * DAY_S, .texts_s = KEPT_DAYS * DAY_S, .scores_s = KEPT_DAYS * DAY_S,
	.signals_s = KEPT_DAYS * DAY_S, .digests_s = KEPT_DAYS * DAY_S, .runs_s = KEPT_DAYS * DAY_S,
};
static struct err err;
static struct db *db;
static char path[STORE_PATH];

static int open_store(void **state)
{
	(void)state;
	db = store_file_open(path);
	ASSERT_OK(db_run(db, "INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv'); "
	                     "INSERT INTO account (id, source_id, source_key) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
	                     "SELECT i + 1 FROM n WHERE i < 400) SELECT i, 1, 'k' || i FROM n", &err));
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	store_file_close(db, path);
	return 0;
}

static int64_t number(const char *sql)
{
	return store_number(db, sql);
}

static void put_usage(int32_t day)
{
	struct usage_cell cells[2 * ACCOUNTS];

	for (int i = 0; i < ACCOUNTS; i++) {
		cells[2 * i] = (struct usage_cell){ 1, day, 1 + i, (i * 7 + day) % 1000 };
		cells[2 * i + 1] = (struct usage_cell){ 2, day, 1 + i, i % 20 ? (i + day) % 200 : 70000 + i };
	}
	ASSERT_OK(usage_put(db, cells, ARRAY_LEN(cells), &err));
	for (int i = 0; i < 50; i++) {
		char who[32];

		(void)snprintf(who, sizeof who, "person%d@example.org", (i + day) % 97);
		ASSERT_OK(usage_detail_put(db, &(struct usage_detail){ 1, day, 1 + (i * 13 + day) % ACCOUNTS, who, "", 3 },
		                           &err));
	}
}

static void run_for(const char *sql, int32_t day)
{
	struct stmt *q = db_sql(db, sql);

	bind_int(q, ":day", day);
	ASSERT_OK(stmt_run(q, &err));
	stmt_done(q);
}

/* What a day of a steady organisation leaves. */
static void live(int32_t day)
{
	ASSERT_OK(db_run(db, "BEGIN IMMEDIATE", &err));
	put_usage(day);
	run_for("INSERT INTO score_row (day, account_id, confidence, risk_band, readiness_band, risk_band_since, "
	        "readiness_band_since, config) SELECT :day, id, 0.5, 0, 0, :day, :day, 1 FROM account", day);
	run_for("INSERT INTO score_block (id, n, config, sum, data) VALUES ((:day << 32) + 7, 1, 1, 1, zeroblob(37)), "
	        "((:day << 32) + (1 << 31) + 100, 1, 1, 1, zeroblob(13))", day);
	run_for("INSERT INTO score_signal_row (day, account_id, engine, signal, strength, weight, contribution, evidence) "
	        "SELECT :day, id, 'defense', 'silence', 1, 1, 1, 'nothing for ' || id || ' days' FROM account "
	        "WHERE id % 20 = 0", day);
	run_for("INSERT INTO account_signals (day, account_id, setting, data) SELECT :day, id, 1, "
	        "json_array(json_array(0, 1, 1, 1, 1, 1, 'nothing for ' || id || ' days')) FROM account "
	        "WHERE id % 20 = 5", day);
	run_for("INSERT INTO account_signals_long (day, account_id, data) SELECT :day, id, json_object('defense', "
	        "json_array(json_array('silence', 1, 1, 1, 1, 1, 'nothing for ' || id || ' days', :day))) FROM account "
	        "WHERE id % 20 = 10", day);
	run_for("INSERT INTO digest (id, owner_email, local_on, kind, as_of_on, made_at, config_hash, content) VALUES "
	        "(:day, 'ann@example.org', :day, 'csm', :day, :day * 86400, 'h', hex(zeroblob(3000)))", day);
	run_for("INSERT INTO outbox (id, digest_id, sink, kind, delivery_key, body, body_sha256, content_type, state, "
	        "next_at, expires_at) VALUES (:day, :day, 'mail', 'email', :day, zeroblob(20000), 's', 'text', 'sent', 0, "
	        "0)", day);
	run_for("INSERT INTO delivery (outbox_id, attempt, started_at) VALUES (:day, 1, :day * 86400)", day);
	run_for("INSERT INTO slot (owner_email, local_on, due_at, state) VALUES ('ann@example.org', :day, 0, 'done')", day);
	for (int i = 0; i < 24; i++)
		run_for("INSERT INTO pull_run (source_id, stream, mode, started_at, state) VALUES (1, 'tickets', "
		        "'incremental', :day * 86400, 'ok')", day);
	ASSERT_OK(db_run(db, "COMMIT", &err));
	ASSERT_OK(retention_apply(db, &forty_days, day, &err));
}

static int64_t file_bytes(void)
{
	struct stat st;

	ASSERT_OK(db_run(db, "PRAGMA wal_checkpoint(TRUNCATE)", &err));
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void the_file_of_a_steady_organisation_stops_growing(void **state)
{
	int64_t after_60 = 0, after_120, value;
	struct usage_checked found;
	struct arena *a = arena_new(0);

	(void)state;
	for (int32_t day = FIRST_DAY; day < FIRST_DAY + 120; day++) {
		live(day);
		if (day == FIRST_DAY + 59)
			after_60 = file_bytes();
	}
	after_120 = file_bytes();
	print_message("%lld bytes after 60 days, %lld after 120\n", (long long)after_60, (long long)after_120);
	assert_in_range(after_120, after_60 * 97 / 100, after_60 * 103 / 100);
	/* What is within the forty days is all there, and nothing else. */
	ASSERT_INT(number("SELECT count(DISTINCT day) * 1000000 + min(day) FROM usage_daily"), 41000000 + 20079);
	ASSERT_INT(number("SELECT count(DISTINCT day) FROM usage_exception"), 41);
	ASSERT_INT(number("SELECT count(DISTINCT day) FROM usage_detail"), 41);
	ASSERT_INT(number("SELECT count(DISTINCT day) FROM score_day"), 41);
	ASSERT_INT(number("SELECT count(*) FROM score_block"), 41 * 2);
	ASSERT_INT(number("SELECT count(DISTINCT day) FROM score_signal_row"), 41);
	ASSERT_INT(number("SELECT count(DISTINCT day) FROM account_signals"), 41);
	ASSERT_INT(number("SELECT count(DISTINCT day) FROM account_signals_long"), 41);
	ASSERT_INT(number("SELECT (SELECT count(*) FROM digest) * 1000000 + (SELECT count(*) FROM outbox) * 1000 + "
	                  "(SELECT count(*) FROM delivery)"), 41041041);
	ASSERT_INT(number("SELECT count(*) FROM pull_run"), 41 * 24);
	ASSERT_OK(usage_get(db, 2, FIRST_DAY + 79, 1, &value, &err));
	ASSERT_INT(value, 70000);
	ASSERT_OK(usage_check(db, a, &found, &err));
	ASSERT_INT(found.n_damaged, 0);
	arena_free(a);
}

static void texts_go_and_their_rows_stay(void **state)
{
	(void)state;
	ASSERT_OK(db_run(db, "INSERT INTO ticket (source_id, source_key, account_id, subject, body, opened_at, closed_at) "
	                     "VALUES (1, 'old', 1, 'S', 'B', 19900 * 86400, 19950 * 86400), "
	                     "(1, 'still open of late', 1, 'S', 'B', 19900 * 86400, 19990 * 86400), "
	                     "(1, 'new', 1, 'S', 'B', 19970 * 86400, NULL), (1, 'undated', 1, 'S', 'B', NULL, NULL)",
	                 &err));
	ASSERT_OK(db_run(db, "INSERT INTO interaction (source_id, source_key, account_id, subject, body, at) VALUES "
	                     "(1, 'old', 1, 'S', 'B', 19959 * 86400), (1, 'new', 1, 'S', 'B', 19960 * 86400)", &err));
	ASSERT_INT(retention_apply(db, &forty_days, FIRST_DAY, &err), 2);
	ASSERT_INT(retention_apply(db, &forty_days, FIRST_DAY, &err), 0);
	ASSERT_INT(number("SELECT count(*) FROM ticket WHERE body IS NULL AND subject IS NULL AND source_key = 'old'"), 1);
	ASSERT_INT(number("SELECT count(*) FROM ticket WHERE body IS NOT NULL"), 3);
	ASSERT_INT(number("SELECT count(*) FROM interaction WHERE body IS NULL AND source_key = 'old'"), 1);
	ASSERT_INT(number("SELECT count(*) FROM interaction"), 2);
}

static int64_t log_bytes(void)
{
	struct stat st;
	char name[80];

	(void)snprintf(name, sizeof name, "%s-wal", path);
	return stat(name, &st) < 0 ? -1 : (int64_t)st.st_size;
}

/* Years of details and texts at once, as on the first day with a shorter setting. */
static void what_goes_at_once_goes_in_steps_that_keep_the_log_small(void **state)
{
	(void)state;
	ASSERT_OK(db_run(db, "INSERT INTO usage_detail WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
	                     "WHERE i < 119999) SELECT 1 + i % 12000, 19000 + i / 12000, 1, hex(zeroblob(100)), '', 1 FROM n; "
	                     "INSERT INTO ticket (source_id, source_key, account_id, body, opened_at, closed_at) "
	                     "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 29999) SELECT 1, i, "
	                     "1 + i % 400, hex(zeroblob(500)), 19000 * 86400, 19000 * 86400 FROM n", &err));
	ASSERT_OK(db_run(db, "PRAGMA wal_checkpoint(TRUNCATE)", &err));
	ASSERT_INT(retention_apply(db, &forty_days, FIRST_DAY, &err), 150000);
	print_message("%lld bytes of log\n", (long long)log_bytes());
	assert_in_range(log_bytes(), 1, 24 << 20);
	ASSERT_INT(number("SELECT (SELECT count(*) FROM usage_detail) + (SELECT count(*) FROM ticket WHERE body > '')"), 0);
}

static void what_is_kept_for_ever_stays_and_so_does_the_last_pull(void **state)
{
	const struct retention_settings for_ever = { .runs_s = 7 * DAY_S };

	(void)state;
	put_usage(100);
	run_for("INSERT INTO pull_run (source_id, stream, mode, started_at, state) VALUES "
	        "(1, 'a', 'full', :day * 86400, 'ok'), (1, 'a', 'full', :day * 86400, 'failed'), "
	        "(1, 'b', 'full', :day * 86400, 'ok')", 100);
	ASSERT_INT(retention_apply(db, &for_ever, FIRST_DAY, &err), 1);
	ASSERT_INT(number("SELECT count(*) FROM usage_block"), 2);
	ASSERT_INT(number("SELECT count(*) FROM pull_run WHERE state = 'failed' OR stream = 'b'"), 2);
}

static void all_parts_of_a_large_table_are_looked_through_at_once_where_that_is_asked_for(void **state)
{
	(void)state;
	ASSERT_OK(db_run(db, "INSERT INTO ticket (id, source_id, source_key, account_id, body, opened_at) VALUES "
	                     "(1, 1, 'a', 1, 'B', 19900 * 86400), (300000, 1, 'b', 1, 'B', 19900 * 86400), "
	                     "(600000, 1, 'c', 1, 'B', 19900 * 86400)", &err));
	ASSERT_INT(retention_apply(db, &forty_days, FIRST_DAY, &err), 1);
	ASSERT_INT(retention_apply_all(db, &forty_days, FIRST_DAY, &err), 2);
	ASSERT_INT(number("SELECT count(*) FROM ticket WHERE body IS NOT NULL"), 0);
}

static void compacting_gives_free_pages_back(void **state)
{
	struct compacted done;
	int64_t before, value;

	(void)state;
	for (int32_t day = FIRST_DAY; day < FIRST_DAY + 60; day++)
		put_usage(day);
	before = file_bytes();
	ASSERT_OK(retention_apply(db, &forty_days, FIRST_DAY + 90, &err));
	ASSERT_INT(file_bytes(), before);
	ASSERT_OK(database_compact(db, &done, &err));
	ASSERT_INT(done.bytes_before, before);
	ASSERT_INT(done.bytes_after, file_bytes());
	assert_true(done.bytes_after < before);
	ASSERT_OK(usage_get(db, 2, FIRST_DAY + 55, 1, &value, &err));
	ASSERT_INT(value, 70000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_file_of_a_steady_organisation_stops_growing),
		CASE(texts_go_and_their_rows_stay),
		CASE(what_goes_at_once_goes_in_steps_that_keep_the_log_small),
		CASE(what_is_kept_for_ever_stays_and_so_does_the_last_pull),
		CASE(all_parts_of_a_large_table_are_looked_through_at_once_where_that_is_asked_for),
		CASE(compacting_gives_free_pages_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

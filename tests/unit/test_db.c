#include "cmocka_shim.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/store/db_fault.h"
#include "common/clock.h"
#include "store/db.h"

static struct err err;
static char folder[64], path[128];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/retaind-db-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(path, sizeof path, "%s/a/b/retaind.db", folder);
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "a/b/retaind.db", "a/b/retaind.db-wal", "a/b/retaind.db-shm", "a/b/copy.db",
		                                 "a/b/copy.db.new", "a/b/link.db" };
	char name[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(name, sizeof name, "%s/%s", folder, names[i]);
		(void)unlink(name);
	}
	(void)snprintf(name, sizeof name, "%s/a/b", folder);
	(void)rmdir(name);
	(void)snprintf(name, sizeof name, "%s/a", folder);
	(void)rmdir(name);
	return rmdir(folder);
}

static unsigned mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return st.st_mode & 07777;
}

static int64_t number(struct db *db, const char *sql)
{
	int64_t n = -1;

	ASSERT_OK(db_int(db, sql, -1, &n, &err));
	return n;
}

static void a_new_database_and_its_folders_are_private_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 0777 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		mode_t before = umask(masks[i]);
		struct db *db = NULL;
		char above[160];
		int rc = db_open(path, DB_WRITE, &db, &err);

		umask(before);
		ASSERT_OK(rc);
		ASSERT_OK(db_run(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", &err));
		assert_int_equal(mode_of(path), 0600);
		(void)snprintf(above, sizeof above, "%s-wal", path);
		assert_int_equal(mode_of(above), 0600);
		(void)snprintf(above, sizeof above, "%s/a/b", folder);
		assert_int_equal(mode_of(above), 0700);
		(void)snprintf(above, sizeof above, "%s/a", folder);
		assert_int_equal(mode_of(above), 0700);
		db_close(db);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(rmdir((snprintf(above, sizeof above, "%s/a/b", folder), above)), 0);
		assert_int_equal(rmdir((snprintf(above, sizeof above, "%s/a", folder), above)), 0);
	}
}

static void the_writing_connection_is_durable_and_strict(void **state)
{
	static const struct {
		const char *pragma;
		int64_t expected;
	} cases[] = {
		{ "PRAGMA page_size", 16384 },   { "PRAGMA synchronous", 2 },     { "PRAGMA foreign_keys", 1 },
		{ "PRAGMA trusted_schema", 0 },  { "PRAGMA secure_delete", 1 },   { "PRAGMA cell_size_check", 1 },
		{ "PRAGMA busy_timeout", 5000 }, { "PRAGMA query_only", 0 },      { "PRAGMA wal_autocheckpoint", 1000 },
	};
	struct db *db = NULL;
	struct stmt *q;

	(void)state;
	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ASSERT_INT(number(db, cases[i].pragma), cases[i].expected);
	q = db_sql(db, "PRAGMA journal_mode");
	assert_int_equal(stmt_step(q, &err), 1);
	assert_string_equal(col_text(q, 0), "wal");
	stmt_done(q);
	ASSERT_OK(db_run(db, "PRAGMA writable_schema = ON", &err));
	assert_int_equal(db_run(db, "DELETE FROM sqlite_schema", &err), -1); /* defensive mode */
	assert_int_equal(db_run(db, "SELECT \"no_such_column\"", &err), -1); /* not a text by mistake */
	db_close(db);
}

static void a_reader_can_neither_write_nor_checkpoint(void **state)
{
	struct db *writer = NULL, *reader = NULL;
	char wal[160];
	struct stat st;

	(void)state;
	ASSERT_OK(db_open(path, DB_WRITE, &writer, &err));
	ASSERT_OK(db_run(writer, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", &err));
	ASSERT_OK(db_open(path, DB_READ, &reader, &err));
	ASSERT_INT(number(reader, "SELECT x FROM t"), 1);
	assert_int_equal(db_run(reader, "INSERT INTO t VALUES (2)", &err), -1);
	assert_int_equal(err.kind, ERR_FATAL);
	ASSERT_INT(number(reader, "PRAGMA wal_autocheckpoint"), 0);
	(void)snprintf(wal, sizeof wal, "%s-wal", path);
	assert_int_equal(stat(wal, &st), 0);
	db_close(writer); /* not the last one: leaves the log */
	db_close(reader);
	assert_int_equal(stat(wal, &st), 0); /* the last one, and the log is still there */
	assert_true(st.st_size > 0);
}

static void a_reader_does_not_make_a_database(void **state)
{
	struct db *db = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(db_open(path, DB_READ, &db, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "no database yet"));
	assert_int_equal(stat(path, &st), -1);
}

static void a_link_or_an_open_file_in_its_place_is_refused_or_closed(void **state)
{
	struct db *db = NULL;
	char link_path[160];

	(void)state;
	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
	db_close(db);
	(void)snprintf(link_path, sizeof link_path, "%s/a/b/link.db", folder);
	assert_int_equal(symlink(path, link_path), 0);
	assert_int_equal(db_open(link_path, DB_WRITE, &db, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_equal(chmod(path, 0644), 0);
	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
	assert_int_equal(mode_of(path), 0600);
	db_close(db);
}

static void every_type_comes_back_as_it_went_in(void **state)
{
	struct arena *a = arena_new(0);
	struct db *db = NULL;
	struct stmt *q;
	size_t len = 0;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(db_run(db, "CREATE TABLE t (i, r, t, b, n, d, dn, at, atn, e)", &err));
	q = db_sql(db, "INSERT INTO t VALUES (:i, :r, :t, :b, :n, :d, :dn, :at, :atn, :e)");
	bind_int(q, ":i", INT64_MIN);
	bind_real(q, ":r", 1.5);
	bind_text(q, ":t", "caf\xc3\xa9");
	bind_blob(q, ":b", "a\0b", 3);
	bind_text(q, ":n", NULL);
	bind_day(q, ":d", -1);
	bind_day(q, ":dn", DAY_NONE);
	bind_instant(q, ":at", 1700000000);
	bind_instant(q, ":atn", INSTANT_NONE);
	bind_blob(q, ":e", NULL, 0);
	ASSERT_OK(stmt_run(q, &err));
	ASSERT_INT(db_changes(db), 1);
	ASSERT_INT(db_last_id(db), 1);
	stmt_done(q);
	q = db_sql(db, "SELECT * FROM t");
	assert_int_equal(stmt_step(q, &err), 1);
	ASSERT_INT(col_int(q, 0), INT64_MIN);
	ASSERT_NEAR(col_real(q, 1), 1.5, 0);
	assert_string_equal(col_text_in(q, 2, a), "caf\xc3\xa9");
	assert_memory_equal(col_blob(q, 3, &len), "a\0b", 3);
	ASSERT_INT(len, 3);
	assert_null(col_text(q, 4));
	assert_true(col_is_null(q, 4));
	ASSERT_INT(col_day(q, 5), -1);
	ASSERT_INT(col_day(q, 6), DAY_NONE);
	ASSERT_INT(col_instant(q, 7), 1700000000);
	assert_true(col_instant(q, 8) == INSTANT_NONE);
	assert_false(col_is_null(q, 9));
	assert_int_equal(stmt_step(q, &err), 0);
	stmt_done(q);
	db_close(db);
	arena_free(a);
}

static void a_statement_may_be_used_again_and_within_itself(void **state)
{
	static const char select[] = "SELECT x FROM t WHERE x > :above ORDER BY x";
	struct db *db = NULL;
	struct stmt *q, *outer, *inner = NULL;
	int n = 0;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(db_run(db, "CREATE TABLE t (x INTEGER)", &err));
	q = db_sql(db, "INSERT INTO t VALUES (:x)");
	for (int i = 1; i <= 3; i++) {
		bind_int(q, ":x", i);
		ASSERT_OK(stmt_run(q, &err));
	}
	stmt_done(q);
	outer = db_sql(db, select);
	bind_int(outer, ":above", 0);
	while (stmt_step(outer, &err) == 1) {
		inner = db_sql(db, select);
		assert_ptr_not_equal(inner, outer);
		bind_int(inner, ":above", col_int(outer, 0));
		while (stmt_step(inner, &err) == 1)
			n++;
		stmt_done(inner);
	}
	ASSERT_INT(n, 2 + 1 + 0);
	stmt_done(outer);
	q = db_sql(db, select); /* a value that was bound before is gone: NULL compares to nothing */
	assert_true(q == outer || q == inner);
	assert_int_equal(stmt_step(q, &err), 0);
	stmt_done(q);
	db_close(db);
}

static void the_same_address_with_another_text_is_another_statement(void **state)
{
	char sql[64] = "SELECT 1";
	struct db *db = NULL;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_INT(number(db, sql), 1);
	(void)snprintf(sql, sizeof sql, "SELECT 2");
	ASSERT_INT(number(db, sql), 2);
	db_close(db);
}

static void what_is_wrong_with_a_statement_is_told_by_its_step(void **state)
{
	struct db *db = NULL;
	struct stmt *q;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	q = db_sql(db, "SELECT name FROM no_such_table WHERE id = :id");
	bind_int(q, ":id", 1);
	assert_int_equal(stmt_step(q, &err), -1);
	assert_int_equal(err.kind, ERR_FATAL);
	assert_non_null(strstr(err.text, "SELECT name FROM"));
	assert_non_null(strstr(err.text, "no such table"));
	assert_int_equal(stmt_step(q, &err), -1);
	stmt_done(q);
	ASSERT_OK(db_run(db, "CREATE TABLE no_such_table (id, name)", &err));
	q = db_sql(db, "SELECT name FROM no_such_table WHERE id = :id");
	bind_int(q, ":id", 1);
	assert_int_equal(stmt_step(q, &err), 0);
	stmt_done(q);
	db_close(db);
}

static void ends_by_signal(void (*what)(struct db *db))
{
	struct db *db = NULL;
	pid_t child;
	int status;

	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	child = fork();
	if (child == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		signal(SIGABRT, SIG_DFL);
		what(db);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	db_close(db);
}

static void bind_unknown(struct db *db)
{
	bind_int(db_sql(db, "SELECT :right"), ":wrong", 1);
}

static void close_in_use(struct db *db)
{
	(void)db_sql(db, "SELECT 1");
	db_close(db);
}

static void begin_twice(struct db *db)
{
	struct txn one = { 0 }, two = { 0 };

	if (txn_begin(&one, db, &err) == 0)
		(void)!txn_begin(&two, db, &err);
}

static void our_own_bugs_end_the_process(void **state)
{
	(void)state;
	ends_by_signal(bind_unknown);
	ends_by_signal(close_in_use);
	ends_by_signal(begin_twice);
}

static void a_transaction_that_is_not_committed_leaves_nothing(void **state)
{
	struct db *db = NULL;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(db_run(db, "CREATE TABLE t (x)", &err));
	{
		CLEANUP(txn_end) struct txn txn = { 0 };

		ASSERT_OK(txn_begin(&txn, db, &err));
		ASSERT_OK(db_run(db, "INSERT INTO t VALUES (1)", &err));
	}
	ASSERT_INT(number(db, "SELECT count(*) FROM t"), 0);
	{
		CLEANUP(txn_end) struct txn txn = { 0 };

		ASSERT_OK(txn_begin(&txn, db, &err));
		ASSERT_OK(db_run(db, "INSERT INTO t VALUES (1)", &err));
		ASSERT_OK(txn_commit(&txn, &err));
	}
	ASSERT_INT(number(db, "SELECT count(*) FROM t"), 1);
	db_close(db);
}

static void a_database_that_another_one_writes_to_is_tried_again(void **state)
{
	struct db *one = NULL, *two = NULL;
	struct txn held = { 0 }, wanted = { 0 };

	(void)state;
	ASSERT_OK(db_open(path, DB_WRITE, &one, &err));
	ASSERT_OK(db_open(path, DB_WRITE, &two, &err));
	ASSERT_OK(db_run(two, "PRAGMA busy_timeout = 20", &err));
	ASSERT_OK(txn_begin(&held, one, &err));
	assert_int_equal(txn_begin(&wanted, two, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	txn_end(&wanted);
	txn_end(&held);
	ASSERT_OK(txn_begin(&wanted, two, &err));
	txn_end(&wanted);
	db_close(two);
	db_close(one);
}

static void a_full_disk_fails_and_leaves_what_was_committed(void **state)
{
	struct db *db = NULL;
	struct stmt *q;
	struct txn txn = { 0 };
	int rc = 0;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(db_run(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", &err));
	ASSERT_INT(number(db, "PRAGMA max_page_count = 4"), 4);
	ASSERT_OK(txn_begin(&txn, db, &err));
	q = db_sql(db, "INSERT INTO t VALUES (zeroblob(5000))");
	for (int i = 0; i < 100 && rc == 0; i++)
		rc = stmt_run(q, &err);
	stmt_done(q);
	assert_int_equal(rc, -1);
	assert_int_equal(err.kind, ERR_FATAL);
	assert_non_null(strstr(err.text, "INSERT INTO t"));
	assert_non_null(strstr(err.text, "full"));
	txn_end(&txn);
	ASSERT_INT(number(db, "SELECT count(*) FROM t"), 1);
	db_close(db);
}

static void a_backup_is_whole_private_and_taken_while_others_write(void **state)
{
	struct db *db = NULL, *copy = NULL, *reader = NULL;
	struct txn txn = { 0 };
	char to[160];
	struct stat st;

	(void)state;
	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
	ASSERT_OK(db_run(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", &err));
	ASSERT_OK(db_open(path, DB_READ, &reader, &err));
	ASSERT_OK(txn_begin(&txn, db, &err));
	ASSERT_OK(db_run(db, "INSERT INTO t VALUES (2)", &err));
	(void)snprintf(to, sizeof to, "%s/a/b/copy.db", folder);
	ASSERT_OK(db_backup(reader, to, &err));
	ASSERT_OK(txn_commit(&txn, &err));
	assert_int_equal(mode_of(to), 0600);
	ASSERT_OK(db_open(to, DB_READ, &copy, &err));
	ASSERT_INT(number(copy, "SELECT count(*) FROM t"), 1);
	db_close(copy);
	ASSERT_OK(db_backup(reader, to, &err)); /* over the older one */
	ASSERT_OK(db_open(to, DB_READ, &copy, &err));
	ASSERT_INT(number(copy, "SELECT count(*) FROM t"), 2);
	db_close(copy);
	(void)snprintf(to, sizeof to, "%s/a/b/copy.db.new", folder);
	assert_int_equal(stat(to, &st), -1);
	db_close(reader);
	db_close(db);
}

#ifdef RETAIND_FAULTS
/* One transaction of two rows: afterwards both are there, or none and an error. */
static int put_two(struct db *db)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	CLEANUP(stmt_donep) struct stmt *q = NULL;

	if (txn_begin(&txn, db, &err) < 0)
		return -1;
	q = db_sql(db, "INSERT INTO t VALUES (:x)");
	for (int i = 0; i < 2; i++) {
		bind_int(q, ":x", i);
		if (stmt_run(q, &err) < 0)
			return -1;
	}
	return txn_commit(&txn, &err);
}

static void whatever_action_fails_nothing_is_half_written(void **state)
{
	struct db *db = NULL;
	int64_t n = 1;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(db_run(db, "CREATE TABLE t (x)", &err));
	for (;; n++) {
		int rc;

		err = (struct err){ 0 };
		db_fault_countdown = n;
		rc = put_two(db);
		if (db_fault_countdown > 0)
			break; /* it passed untouched */
		assert_int_equal(rc, -1);
		assert_int_equal(err.kind, ERR_FATAL);
		assert_true(err.text[0] != '\0');
		ASSERT_INT(number(db, "SELECT count(*) FROM t"), 0);
	}
	db_fault_countdown = 0;
	assert_true(n > 4);
	ASSERT_INT(number(db, "SELECT count(*) FROM t"), 2);
	db_close(db);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_database_and_its_folders_are_private_whatever_the_umask, make_folder,
		                                remove_folder),
		cmocka_unit_test_setup_teardown(the_writing_connection_is_durable_and_strict, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_reader_can_neither_write_nor_checkpoint, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_reader_does_not_make_a_database, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_link_or_an_open_file_in_its_place_is_refused_or_closed, make_folder,
		                                remove_folder),
		cmocka_unit_test(every_type_comes_back_as_it_went_in),
		cmocka_unit_test(a_statement_may_be_used_again_and_within_itself),
		cmocka_unit_test(the_same_address_with_another_text_is_another_statement),
		cmocka_unit_test(what_is_wrong_with_a_statement_is_told_by_its_step),
		cmocka_unit_test(our_own_bugs_end_the_process),
		cmocka_unit_test(a_transaction_that_is_not_committed_leaves_nothing),
		cmocka_unit_test_setup_teardown(a_database_that_another_one_writes_to_is_tried_again, make_folder,
		                                remove_folder),
		cmocka_unit_test(a_full_disk_fails_and_leaves_what_was_committed),
		cmocka_unit_test_setup_teardown(a_backup_is_whole_private_and_taken_while_others_write, make_folder,
		                                remove_folder),
#ifdef RETAIND_FAULTS
		cmocka_unit_test(whatever_action_fails_nothing_is_half_written),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

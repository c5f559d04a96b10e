#include "cmocka_shim.h"

#include <string.h>

#include "../../src/store/db_fault.h"
#include "store/migrate.h"

static struct err err;

static struct db *open_memory(void)
{
	struct db *db = NULL;

	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	return db;
}

static int64_t number(struct db *db, const char *sql)
{
	int64_t n = -1;

	ASSERT_OK(db_int(db, sql, -1, &n, &err));
	return n;
}

static void an_empty_database_gets_every_migration_once(void **state)
{
	struct db *db = open_memory();

	(void)state;
	ASSERT_INT(migrate_is_current(db, &err), 0);
	ASSERT_INT(migrate_run(db, 1000, &err), number(db, "SELECT count(*) FROM migration"));
	ASSERT_INT(number(db, "PRAGMA user_version"), migrate_head());
	ASSERT_INT(number(db, "SELECT count(*) FROM migration WHERE applied_at = 1000 AND length(sha256) = 64"),
	           migrate_head());
	ASSERT_INT(migrate_is_current(db, &err), 1);
	ASSERT_INT(migrate_run(db, 2000, &err), 0);
	ASSERT_INT(number(db, "SELECT count(*) FROM migration WHERE applied_at = 2000"), 0);
	db_close(db);
}

static void a_database_newer_than_the_program_is_refused(void **state)
{
	struct db *db = open_memory();

	(void)state;
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(db_run(db, "PRAGMA user_version = 9999", &err));
	assert_int_equal(migrate_run(db, 0, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "9999"));
	assert_int_equal(migrate_is_current(db, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	db_close(db);
}

static void a_migration_that_was_edited_after_it_ran_is_refused(void **state)
{
	struct db *db = open_memory();

	(void)state;
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(db_run(db, "UPDATE migration SET sha256 = 'x' WHERE version = 1", &err));
	assert_int_equal(migrate_run(db, 0, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "0001_first"));
	assert_int_equal(migrate_is_current(db, &err), -1);
	ASSERT_OK(db_run(db, "DELETE FROM migration WHERE version = 1", &err));
	assert_int_equal(migrate_run(db, 0, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	db_close(db);
}

static void versions_ascend_without_a_gap(void **state)
{
	int expected = 1;

	(void)state;
	for (const struct migration *m = migrations; m->version; m++)
		ASSERT_INT(m->version, expected++);
	ASSERT_INT(migrate_head(), expected - 1);
}

#ifdef RETAIND_FAULTS
static void whatever_action_fails_the_schema_is_the_old_one_or_the_new_one(void **state)
{
	int64_t n;

	(void)state;
	for (n = 1;; n++) {
		struct db *db = open_memory();
		bool is_done;
		int rc;

		db_fault_countdown = n;
		rc = migrate_run(db, 0, &err);
		is_done = db_fault_countdown > 0;
		db_fault_countdown = 0;
		if (is_done) {
			ASSERT_INT(rc, migrate_head());
			db_close(db);
			break;
		}
		assert_int_equal(rc, -1);
		if (number(db, "PRAGMA user_version") == 0)
			ASSERT_INT(number(db, "SELECT count(*) FROM sqlite_schema"), 0);
		ASSERT_OK(migrate_run(db, 0, &err));
		ASSERT_INT(number(db, "PRAGMA user_version"), migrate_head());
		db_close(db);
	}
	assert_true(n > 5);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_database_gets_every_migration_once),
		cmocka_unit_test(a_database_newer_than_the_program_is_refused),
		cmocka_unit_test(a_migration_that_was_edited_after_it_ran_is_refused),
		cmocka_unit_test(versions_ascend_without_a_gap),
#ifdef RETAIND_FAULTS
		cmocka_unit_test(whatever_action_fails_the_schema_is_the_old_one_or_the_new_one),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

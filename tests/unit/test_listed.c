#include "cmocka_shim.h"

#include "store/listed.h"
#include "store/migrate.h"

static struct db *open_store(void)
{
	struct db *db = NULL;
	struct err err = { 0 };

	ASSERT_INT(db_open(":memory:", DB_WRITE, &db, &err), 0);
	if (migrate_run(db, 1, &err) < 0 ||
	    db_run(db, "INSERT INTO source (name, kind) VALUES ('crm', 'x'), ('desk', 'y')", &err) < 0)
		fail_msg("%s", err.text);
	return db;
}

static void what_a_list_did_not_show_again_is_missing(void **state)
{
	CLEANUP(db_closep) struct db *db = open_store();
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	static const char *const keys[] = { "a", "b", "c" };
	const char *const *missing = NULL;
	int64_t n_all, n_missing;
	struct err err = { 0 };
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		ASSERT_INT(listed_put(db, 1, "accounts", keys[i], 1, &err), 0);
	ASSERT_INT(listed_put(db, 1, "contacts", "a", 1, &err), 0);
	ASSERT_INT(listed_put(db, 2, "accounts", "d", 1, &err), 0);
	ASSERT_INT(listed_put(db, 1, "accounts", "b", 2, &err), 0);
	ASSERT_INT(listed_put(db, 1, "accounts", "e", 2, &err), 0);
	ASSERT_INT(listed_count(db, 1, "accounts", 2, &n_all, &n_missing, &err), 0);
	ASSERT_INT(n_all, 4);
	ASSERT_INT(n_missing, 2);
	ASSERT_INT(listed_missing(db, 1, "accounts", 2, 10, a, &missing, &n, &err), 0);
	ASSERT_INT(n, 2);
	assert_string_equal(missing[0], "a");
	assert_string_equal(missing[1], "c");
	ASSERT_INT(listed_missing(db, 1, "accounts", 2, 1, a, &missing, &n, &err), 0);
	ASSERT_INT(n, 1);
	ASSERT_INT(listed_drop(db, 1, "accounts", "a", &err), 0);
	ASSERT_INT(listed_drop(db, 1, "accounts", "c", &err), 0);
	ASSERT_INT(listed_count(db, 1, "accounts", 2, &n_all, &n_missing, &err), 0);
	ASSERT_INT(n_all, 2);
	ASSERT_INT(n_missing, 0);
	ASSERT_INT(listed_count(db, 2, "nothing", 1, &n_all, &n_missing, &err), 0);
	ASSERT_INT(n_all, 0);
	ASSERT_INT(n_missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_list_did_not_show_again_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

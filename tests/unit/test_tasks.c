#include "cmocka_shim.h"

#include "store/migrate.h"
#include "store/tasks.h"

static struct err err;

static const char rows[] =
	"INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'hubspot'), (2, 'billing', 'csv');"
	"INSERT INTO owner (source_id, source_key, email, deleted_on) VALUES (1, 'o1', 'Ana@acme.example', NULL), "
	"(2, 'o2', 'bo@acme.example', NULL), (1, 'o3', 'cy@acme.example', 7);"
	"INSERT INTO account (id, source_id, source_key, name, deleted_on) VALUES (1, 1, '10', 'Umbra', NULL), "
	"(2, 1, '11', 'Gone', 5), (3, 2, '12', 'Elsewhere', NULL);"
	"INSERT INTO finding (id, account_id, engine, cause, state, opened_on, updated_on, closed_on, score, worst_score, "
	"confidence, value_minor, currency, expected_minor, act_by_on, play, summary, evidence, owner_email) VALUES "
	"(1, 1, 'defense', 'usage', 'open', 1, 1, NULL, 9, 9, 1, 1, 'EUR', 5, 9, 'p', 's', '[]', 'ana@acme.example'), "
	"(2, 1, 'expansion', 'limit', 'open', 1, 1, NULL, 9, 9, 1, 1, 'EUR', 8, 9, 'p', 's', '[]', 'cy@acme.example'), "
	"(3, 1, 'defense', 'old', 'resolved', 1, 1, 3, 9, 9, 1, 1, 'EUR', 9, 9, 'p', 's', '[]', NULL), "
	"(4, 1, 'defense', 'late', 'snoozed', 1, 1, NULL, 9, 9, 1, 1, 'EUR', 9, 9, 'p', 's', '[]', NULL), "
	"(5, 2, 'defense', 'usage', 'open', 1, 1, NULL, 9, 9, 1, 1, 'EUR', 9, 9, 'p', 's', '[]', NULL), "
	"(6, 3, 'defense', 'usage', 'open', 1, 1, NULL, 9, 9, 1, 1, 'EUR', 9, 9, 'p', 's', '[]', NULL);";

static struct db *filled(void)
{
	struct db *db;

	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 1, &err));
	ASSERT_OK(db_run(db, rows, &err));
	return db;
}

static size_t read(struct db *db, const char *engine, int64_t most, struct arena *a, struct task_wanted **out)
{
	size_t n = 0;

	ASSERT_OK(tasks_wanted(db, "crm", engine, most, a, out, &n, &err));
	return n;
}

static void open_findings_of_living_accounts_of_the_source_are_wanted_by_value(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(db_closep) struct db *db = filled();
	struct task_wanted *list;

	(void)state;
	ASSERT_INT(read(db, NULL, 20, a, &list), 2);
	ASSERT_INT(list[0].finding, 2);
	ASSERT_INT(list[1].finding, 1);
	assert_null(list[0].owner_key); /* who acts on it was deleted in the system */
	assert_string_equal(list[1].owner_key, "o1");
	assert_true(list[1].sent_at == INSTANT_NONE);
	ASSERT_INT(read(db, "defense", 20, a, &list), 1);
	ASSERT_INT(read(db, NULL, 1, a, &list), 1);
}

static void a_company_has_its_task_at_the_row_that_the_source_has_of_it(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(db_closep) struct db *db = filled();
	struct task_wanted *list;

	(void)state;
	ASSERT_OK(db_run(db, "INSERT INTO account (id, source_id, source_key, name, main_id) VALUES (7, 1, '17', 'B', 3), "
	                     "(8, 1, '18', 'B', 3), (9, 1, '19', 'B', 1);", &err));
	ASSERT_INT(read(db, NULL, 20, a, &list), 3);
	ASSERT_INT(list[0].finding, 6);
	assert_string_equal(list[0].account_key, "17");
	assert_string_equal(list[1].account_key, "10");
}

static void what_was_sent_comes_first_until_it_is_known_to_be_there(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(db_closep) struct db *db = filled();
	struct task_wanted *list, *later;

	(void)state;
	ASSERT_INT(read(db, NULL, 20, a, &list), 2);
	ASSERT_OK(task_note(db, &list[1], "retaind-x", NULL, 77, &err));
	ASSERT_INT(read(db, NULL, 20, a, &later), 2);
	ASSERT_INT(later[0].finding, 1);
	ASSERT_INT(later[0].sent_at, 77);
	ASSERT_OK(task_note(db, &list[1], "retaind-x", "t9", 78, &err));
	ASSERT_INT(read(db, NULL, 20, a, &later), 1);
	ASSERT_OK(task_forget(db, &list[1], &err));
	ASSERT_INT(read(db, NULL, 20, a, &later), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_findings_of_living_accounts_of_the_source_are_wanted_by_value),
		cmocka_unit_test(a_company_has_its_task_at_the_row_that_the_source_has_of_it),
		cmocka_unit_test(what_was_sent_comes_first_until_it_is_known_to_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

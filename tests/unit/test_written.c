#include "cmocka_shim.h"

#include "store/migrate.h"
#include "store/written.h"

static struct err err;

static const char rows[] =
	"INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'hubspot'), (2, 'billing', 'csv');"
	"INSERT INTO account (id, source_id, source_key, name, deleted_on) VALUES (1, 1, '10', 'Scored', NULL), "
	"(2, 1, '11', 'Not scored', NULL), (3, 1, '12', 'Gone', 5), (4, 2, '13', 'Elsewhere', NULL);"
	"INSERT INTO score_row (day, account_id, risk, readiness, confidence, risk_band, readiness_band, risk_band_since, "
	"readiness_band_since, config) VALUES (100, 1, 71.5, NULL, 80, 2, 0, 90, 90, 'x'), "
	"(100, 3, 1, 1, 1, 0, 0, 1, 1, 'x'), (100, 4, 1, 1, 1, 0, 0, 1, 1, 'x'), (99, 2, 1, 1, 1, 0, 0, 1, 1, 'x');"
	"INSERT INTO finding (account_id, engine, cause, state, opened_on, updated_on, closed_on, score, worst_score, "
	"confidence, value_minor, currency, expected_minor, act_by_on, play, summary, evidence) VALUES "
	"(1, 'expansion', 'limit', 'open', 1, 1, NULL, 99, 1, 1, 1, 'EUR', 1, 1, '', '', '[]'), "
	"(1, 'defense', 'usage', 'snoozed', 1, 1, NULL, 60, 1, 1, 1, 'EUR', 1, 1, '', '', '[]'), "
	"(1, 'defense', 'old', 'resolved', 1, 1, 3, 90, 1, 1, 1, 'EUR', 1, 1, '', '', '[]');";

static struct db *filled(void)
{
	struct db *db;

	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 1, &err));
	ASSERT_OK(db_run(db, rows, &err));
	return db;
}

static void the_accounts_of_the_source_stand_as_scored_and_what_was_written_once_stays_in_sight(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(db_closep) struct db *db = filled();
	struct standing *list;
	size_t n;

	(void)state;
	ASSERT_OK(standings_read(db, "crm", 100, a, &list, &n, &err));
	ASSERT_INT(n, 1);
	assert_string_equal(list[0].key, "10");
	assert_true(list[0].is_scored);
	ASSERT_NEAR(list[0].risk, 71.5, 1e-9);
	assert_true(list[0].readiness < 0);
	ASSERT_INT(list[0].risk_band, 2);
	assert_string_equal(list[0].cause, "usage");
	ASSERT_OK(db_run(db, "INSERT INTO score_held VALUES (100, 1, 'defense', 0), (99, 1, 'defense', 1)", &err));
	ASSERT_OK(standings_read(db, "crm", 100, a, &list, &n, &err));
	ASSERT_INT(list[0].risk_band, 0); /* a person holds it there on that day */
	ASSERT_NEAR(list[0].risk, 71.5, 1e-9);
	ASSERT_OK(written_put(db, 1, 2, "r_risk", "50", 7, &err));
	ASSERT_OK(standings_read(db, "crm", 100, a, &list, &n, &err));
	ASSERT_INT(n, 2);
	assert_string_equal(list[1].key, "11");
	assert_false(list[1].is_scored);
	/* another system's account of the same company is told what is said of the main one */
	ASSERT_OK(db_run(db, "UPDATE account SET main_id = 1 WHERE id = 4", &err));
	ASSERT_OK(standings_read(db, "billing", 100, a, &list, &n, &err));
	ASSERT_INT(n, 1);
	assert_string_equal(list[0].key, "13");
	ASSERT_NEAR(list[0].risk, 71.5, 1e-9);
	assert_string_equal(list[0].cause, "usage");
	ASSERT_OK(standings_read(db, "nowhere", 100, a, &list, &n, &err));
	ASSERT_INT(n, 0);
}

static void another_name_of_a_company_stands_as_the_company(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(db_closep) struct db *db = filled();
	struct standing *list;
	size_t n;

	(void)state;
	ASSERT_OK(db_run(db, "UPDATE account SET main_id = 1 WHERE id = 4;", &err));
	ASSERT_OK(standings_read(db, "billing", 100, a, &list, &n, &err));
	ASSERT_INT(n, 1);
	assert_string_equal(list[0].key, "13");
	ASSERT_NEAR(list[0].risk, 71.5, 1e-9);
	assert_string_equal(list[0].cause, "usage");
}

static void what_was_written_last_is_known_per_field(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(db_closep) struct db *db = filled();
	const char *value = NULL;

	(void)state;
	ASSERT_INT(written_get(db, 1, 1, "r_risk", a, &value, &err), 0);
	ASSERT_OK(written_put(db, 1, 1, "r_risk", "71", 7, &err));
	ASSERT_OK(written_put(db, 1, 1, "r_risk", "", 8, &err));
	ASSERT_OK(written_put(db, 1, 1, "r_band", "watch", 8, &err));
	ASSERT_INT(written_get(db, 1, 1, "r_risk", a, &value, &err), 1);
	assert_string_equal(value, "");
	ASSERT_INT(written_get(db, 1, 1, "r_band", a, &value, &err), 1);
	assert_string_equal(value, "watch");
	ASSERT_INT(written_get(db, 1, 2, "r_band", a, &value, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_accounts_of_the_source_stand_as_scored_and_what_was_written_once_stays_in_sight),
		cmocka_unit_test(another_name_of_a_company_stands_as_the_company),
		cmocka_unit_test(what_was_written_last_is_known_per_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

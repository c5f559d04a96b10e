/* Bands that a person holds: kept with who and why, in force by the day that is looked at. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "store/score_day.h"
#include "store/migrate.h"
#include "store/overrides.h"

enum { D = 20000 };
static struct err err;
static struct arena *a;
static struct db *db;
static struct override_row *rows;

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(db_run(db, "INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv'); INSERT INTO account (id, "
	                     "source_id, source_key, name, csm_email, am_email) VALUES (1, 1, 'k1', 'Acme', 'C@x.example', "
	                     "'a@x.example'), (2, 1, 'k2', 'Bolt', '', 'a@x.example'), (3, 1, 'k3', NULL, NULL, NULL)",
	                 &err));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_closep(&db);
	arena_free(a);
	return 0;
}

static void put(int64_t account, const char *engine, int band, int32_t made_on, int32_t until_on)
{
	const struct override_row o = { .account = account, .engine = engine, .band = band, .who = "Anna", .reason = "so",
		.made_on = made_on, .until_on = until_on };

	ASSERT_OK(override_put(db, &o, (int64_t)made_on * 86400, &err));
}

static size_t listed(int32_t day, bool all)
{
	size_t n;

	ASSERT_OK(overrides_list(db, day, all, a, &rows, &n, &err));
	return n;
}

static void one_holds_from_its_day_up_to_its_end(void **state)
{
	(void)state;
	put(1, "defense", 2, D, D + 30);
	ASSERT_INT(listed(D - 1, false), 0);
	ASSERT_INT(listed(D, false), 1);
	ASSERT_INT(rows[0].band, 2);
	ASSERT_INT(rows[0].cleared_on, DAY_NONE);
	ASSERT_INT(rows[0].computed_band, -1);
	assert_string_equal(rows[0].who, "Anna");
	assert_string_equal(rows[0].owner_email, "c@x.example");
	ASSERT_INT(listed(D + 29, false), 1);
	ASSERT_INT(listed(D + 30, false), 0);
	ASSERT_INT(listed(D + 30, true), 1);
	ASSERT_INT(listed(D - 1, true), 0);
}

static void a_second_takes_the_place_of_the_first_and_of_no_other(void **state)
{
	(void)state;
	put(1, "defense", 2, D, D + 30);
	put(1, "expansion", 0, D, D + 30);
	put(2, "defense", 1, D, D + 30);
	put(1, "defense", 0, D + 5, D + 9);
	ASSERT_INT(listed(D + 5, false), 3);
	ASSERT_INT(rows[0].band, 0);
	assert_string_equal(rows[1].engine, "expansion");
	assert_string_equal(rows[1].owner_email, "a@x.example");
	assert_string_equal(rows[2].owner_email, "a@x.example"); /* nobody but the AM has it */
	ASSERT_INT(listed(D + 4, false), 3);
	ASSERT_INT(rows[0].band, 2); /* what held then */
	ASSERT_INT(listed(D + 9, false), 2); /* the first does not come back */
}

static void what_is_taken_back_holds_no_more_but_did(void **state)
{
	(void)state;
	put(1, "defense", 2, D, D + 30);
	put(1, "expansion", 0, D, D + 30);
	put(2, "defense", 2, D - 9, D - 1);
	ASSERT_INT(override_clear(db, 1, "defense", D + 3, 0, "Bo", &err), 1);
	ASSERT_INT(override_clear(db, 1, "defense", D + 3, 0, "Bo", &err), 0);
	ASSERT_INT(override_clear(db, 2, NULL, D + 3, 0, "Bo", &err), 0); /* over by itself */
	ASSERT_INT(listed(D + 3, false), 1);
	ASSERT_INT(listed(D + 2, false), 2);
	ASSERT_INT(listed(D + 3, true), 3);
	assert_string_equal(rows[0].cleared_by, "Bo");
	ASSERT_INT(override_clear(db, 1, NULL, D + 4, 0, "Bo", &err), 1);
	ASSERT_INT(listed(D + 4, false), 0);
}

static void it_goes_with_the_account_that_another_became_part_of(void **state)
{
	(void)state;
	put(2, "defense", 2, D, D + 30);
	ASSERT_OK(db_run(db, "UPDATE account SET main_id = 1 WHERE id = 2", &err));
	ASSERT_INT(listed(D, false), 1);
	ASSERT_INT(rows[0].account, 1);
	assert_string_equal(rows[0].account_name, "Acme");
	put(1, "defense", 0, D + 1, D + 30); /* and is taken over there */
	ASSERT_INT(listed(D + 1, false), 1);
	ASSERT_INT(rows[0].band, 0);
}

static void what_the_last_score_says_stands_beside_it(void **state)
{
	CLEANUP(score_day_done) struct score_day day, again;
	struct score_row score = { .account = 1, .day = D, .risk = 60, .readiness = 1, .risk_band = 2, .readiness_band = 1,
		.risk_band_since = D, .readiness_band_since = D };

	(void)state;
	put(1, "defense", 0, D - 1, D + 30);
	put(1, "expansion", 1, D - 1, D + 30);
	ASSERT_OK(score_day_begin(&day, db, D, "h", 0, &err));
	ASSERT_OK(score_day_put(&day, &score, &err));
	ASSERT_OK(score_day_end(&day, &err));
	ASSERT_OK(score_hold(db, 1, D, "defense", 0, &err));
	ASSERT_INT(listed(D + 1, false), 2);
	ASSERT_INT(rows[0].computed_band, 2);
	assert_true(rows[0].has_held);
	ASSERT_INT(rows[1].computed_band, 1);
	assert_false(rows[1].has_held);
	ASSERT_INT(listed(D - 1, false), 2);
	ASSERT_INT(rows[0].computed_band, -1);
	ASSERT_OK(score_day_begin(&again, db, D, "h", 0, &err)); /* said again: without it */
	ASSERT_INT(listed(D + 1, false), 2);
	assert_false(rows[0].has_held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_holds_from_its_day_up_to_its_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_second_takes_the_place_of_the_first_and_of_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_taken_back_holds_no_more_but_did, setup, teardown),
		cmocka_unit_test_setup_teardown(it_goes_with_the_account_that_another_became_part_of, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_last_score_says_stands_beside_it, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

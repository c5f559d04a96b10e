/* What was said before: an account's own scores, moments of others, and findings of long ago. */
#include "cmocka_shim.h"

#include <string.h>

#include "store/migrate.h"
#include "store/past.h"

static struct err err;
static struct db *db;

static int setup(void **state)
{
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(db_run(
		db,
		"INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv');"
		"INSERT INTO account (id, source_id, source_key, name) VALUES (1, 1, 'k1', 'Acme'), (2, 1, 'k2', 'Bolt'), "
		"(3, 1, 'k3', NULL), (4, 1, 'k4', 'Dune');"
		"INSERT INTO score_row (day, account_id, risk, readiness, confidence, risk_band, readiness_band, risk_band_since, "
		"readiness_band_since, config) VALUES (100, 1, 3, NULL, 1, 0, 0, 90, 90, 'a'), (101, 1, NULL, 5, 0.5, 1, 2, 90, "
		"90, 'b'), (102, 1, 9, 5, 1, 1, 2, 90, 90, 'b'), (100, 2, 20, 5, 1, 2, 0, 90, 90, 'a'), (100, 3, 12, 5, 1, 1, 0, 90, "
		"90, 'a'), (100, 4, 11, 5, 1, 0, 0, 90, 90, 'a'), (98, 2, 50, 5, 1, 2, 0, 90, 90, 'a');"
		"INSERT INTO signal_set VALUES (1, 0, 'defense', 'silence', 1, '[]'), (1, 1, 'defense', 'low_survey', 1, '[]'), "
		"(1, 2, 'defense', 'no_sponsor', 1, '[]'), (1, 3, 'expansion', 'new_teams', 1, '[]');"
		"INSERT INTO account_signals (account_id, day, setting, data) VALUES (2, 100, 1, '[[0,1000,0,500,1000,null],"
		"[1,null,0,200,1000,null],[2,0,0,0,0,null],[3,0,0,1000,1000,null]]');"
		"INSERT INTO finding (id, account_id, engine, cause, state, opened_on, updated_on, score, worst_score, confidence, "
		"value_minor, currency, expected_minor, act_by_on, play, summary, evidence, first_cause) VALUES "
		"(1, 2, 'defense', 'sudden_drop', 'lost', 90, 90, 1, 1, 1, 0, '', 0, 90, '', '', '[]', 'silence'), "
		"(2, 3, 'expansion', 'new_teams', 'open', 90, 90, 1, 1, 1, 0, '', 0, 90, '', '', '[]', 'new_teams'), "
		"(3, 1, 'defense', 'low_survey', 'open', 101, 101, 1, 1, 1, 0, '', 0, 90, '', '', '[]', 'low_survey');",
		&err));
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	db_closep(&db);
	arena_free(*state);
	return 0;
}

static void the_scores_of_an_account_come_in_order_and_end_before_the_day(void **state)
{
	const struct past_score *rows;
	size_t n;

	ASSERT_OK(past_scores(db, 1, 0, 102, *state, &rows, &n, &err));
	ASSERT_INT(n, 2);
	ASSERT_INT(rows[0].day, 100);
	assert_true(rows[0].readiness < 0 && rows[1].risk < 0);
	ASSERT_INT(rows[1].readiness_band, 2);
	assert_string_equal(rows[1].config_hash, "b");
	ASSERT_OK(past_scores(db, 1, 102, 103, *state, &rows, &n, &err));
	ASSERT_INT(n, 1);
	ASSERT_OK(past_scores(db, 9, 0, 103, *state, &rows, &n, &err));
	ASSERT_INT(n, 0);
}

static void moments_are_those_with_a_band_on_the_last_day_scored(void **state)
{
	struct past_query q = { .account = 1, .on = 100, .score = 13, .most = 9 };
	const struct past_moment *m;
	size_t n;

	ASSERT_OK(past_moments(db, &q, *state, &m, &n, &err));
	ASSERT_INT(n, 2); /* not the account itself, not who was steady */
	ASSERT_INT(m[0].account, 3); /* the nearest by score first */
	assert_string_equal(m[0].name, "k3");
	ASSERT_INT(m[0].n_signals, 0);
	ASSERT_INT(m[1].account, 2);
	ASSERT_INT(m[1].n_signals, 2); /* of the engine that is asked about */
	assert_string_equal(m[1].signals[0].name, "low_survey");
	ASSERT_NEAR(m[1].signals[1].strength, 0.5, 1e-12);
	q.most = 1;
	ASSERT_OK(past_moments(db, &q, *state, &m, &n, &err));
	ASSERT_INT(n, 1);
	q.on = 99; /* nothing on that day: the day before it */
	ASSERT_OK(past_moments(db, &q, *state, &m, &n, &err));
	ASSERT_INT(m[0].day, 98);
	q.on = 97;
	ASSERT_OK(past_moments(db, &q, *state, &m, &n, &err));
	ASSERT_INT(n, 0);
	q = (struct past_query){ true, 9, 102, 5, 9 };
	ASSERT_OK(past_moments(db, &q, *state, &m, &n, &err));
	ASSERT_INT(n, 1);
	ASSERT_INT(m[0].account, 1);
	q.on = 102 + PAST_REACH_DAYS + 1;
	ASSERT_OK(past_moments(db, &q, *state, &m, &n, &err));
	ASSERT_INT(n, 0); /* too long ago to be called that day */
}

static void findings_of_long_ago_are_of_defense_and_not_of_later(void **state)
{
	const struct past_finding *f;
	size_t n;

	ASSERT_OK(past_findings(db, 100, *state, &f, &n, &err));
	ASSERT_INT(n, 1);
	ASSERT_INT(f[0].account, 2);
	assert_string_equal(f[0].cause, "silence");
	ASSERT_INT(f[0].opened_on, 90);
	ASSERT_OK(past_findings(db, 101, *state, &f, &n, &err));
	ASSERT_INT(n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_scores_of_an_account_come_in_order_and_end_before_the_day, setup, teardown),
		cmocka_unit_test_setup_teardown(moments_are_those_with_a_band_on_the_last_day_scored, setup, teardown),
		cmocka_unit_test_setup_teardown(findings_of_long_ago_are_of_defense_and_not_of_later, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

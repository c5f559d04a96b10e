/* How often findings were worth telling, by the signal that led them. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "store/migrate.h"
#include "store/precision.h"

enum { D = 20000, HORIZON = 90 };
static struct err err;
static struct arena *a;
static struct db *db;
static struct precision *rows;
static size_t n_rows;

static void run(const char *sql)
{
	ASSERT_OK(db_run(db, sql, &err));
}

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	run("INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv')");
	for (int i = 1; i <= 40; i++)
		run(arena_printf(a, "INSERT INTO account (id, source_id, source_key) VALUES (%d, 1, 'k%d'); INSERT INTO "
		                    "subscription (source_id, source_key, account_id, currency, start_on, end_on, mrr_minor) "
		                    "VALUES (1, 's%d', %d, 'EUR', %d, NULL, 1000)", i, i, i, i, D - 900));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_closep(&db);
	arena_free(a);
	return 0;
}

/* A finding of an account with its own number; closed_on 0: open. */
static void found(int id, const char *engine, const char *cause, int opened_on, const char *state, int closed_on)
{
	run(arena_printf(a, "INSERT INTO finding (id, account_id, engine, cause, first_cause, cause_since, state, "
	                    "opened_on, updated_on, closed_on, score, worst_score, confidence, value_minor, currency, expected_minor, "
	                    "act_by_on, play, summary, evidence) VALUES (%d, %d, '%s', '%s', '%s', %d, '%s', %d, %d, "
	                    "nullif(%d, 0), 60, 60, 1, 0, 'EUR', 0, 0, '', '', '[]')", id, id, engine, cause, cause,
	                 opened_on, state, opened_on, opened_on, closed_on));
}

static void said(int id, int day, const char *kind, const char *reason)
{
	run(arena_printf(a, "INSERT INTO finding_event (finding_id, day, at, kind, reason) VALUES (%d, %d, 0, '%s', "
	                    "nullif('%s', ''))", id, day, kind, reason));
}

static void ends(int account, int day)
{
	run(arena_printf(a, "UPDATE subscription SET end_on = %d WHERE account_id = %d", day, account));
}

static void load_from(int32_t as_of, int32_t from)
{
	const struct precision_query q = { as_of, from, HORIZON };

	ASSERT_OK(precision_load(db, &q, a, &rows, &n_rows, &err));
}

static void load(int32_t as_of)
{
	load_from(as_of, DAY_NONE);
}

static void wilsons_interval_is_as_published(void **state)
{
	static const struct { int64_t right, n; double low, high; } vectors[] = {
		{ 0, 10, 0, 0.277533 }, { 10, 10, 0.722467, 1 }, { 1, 10, 0.017876, 0.404150 }, { 8, 10, 0.490162, 0.943318 },
		{ 81, 263, 0.255255, 0.366157 }, /* Newcombe 1998, table I: 0.2553 to 0.3662 */
		{ 15, 148, 0.062386, 0.160540 }, /* 0.0624 to 0.1605 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		double low, high;

		wilson_interval(vectors[i].right, vectors[i].n, &low, &high);
		ASSERT_NEAR(low, vectors[i].low, 1e-4);
		ASSERT_NEAR(high, vectors[i].high, 1e-4);
	}
}

static void what_was_acted_on_or_came_true_is_right_and_what_was_dismissed_is_wrong(void **state)
{
	static const char *const reasons[] = { "false_positive", "known", "seasonal", "data_wrong", "other", "nonsense" };

	(void)state;
	for (int i = 1; i <= 3; i++) {
		found(i, "defense", "silence", D - 200, "acknowledged", 0);
		said(i, D - 199, i == 1 ? "acknowledged" : "done", "");
	}
	for (int i = 4; i <= 9; i++) {
		found(i, "defense", "silence", D - 200, "dismissed", D - 190);
		said(i, D - 190, "dismissed", reasons[i - 4]);
	}
	found(10, "defense", "silence", D - 200, "resolved", D - 150); /* nobody said anything, nothing came of it */
	found(11, "defense", "silence", D - 20, "open", 0);
	found(12, "expansion", "near_limit", D - 300, "open", 0);
	said(12, D - 299, "expanded", "");
	load(D);
	ASSERT_INT(n_rows, 2);
	assert_string_equal(rows[0].cause, "silence");
	ASSERT_INT(rows[0].n_findings, 11);
	ASSERT_INT(rows[0].n_open, 4);
	ASSERT_INT(rows[0].n_acted, 3);
	ASSERT_INT(rows[0].n_dismissed, 6);
	for (int r = 0; r < N_DISMISS_REASONS; r++)
		ASSERT_INT(rows[0].n_by_reason[r], r == DISMISS_OTHER ? 2 : 1); /* a code that nobody knows is other */
	ASSERT_INT(rows[0].n_resolved, 1);
	ASSERT_INT(rows[0].n_judged, 9);
	ASSERT_INT(rows[0].n_right, 3);
	ASSERT_INT(rows[0].since_on, D - 200);
	assert_false(rows[0].has_enough);
	ASSERT_INT(rows[1].n_acted, 1);
	ASSERT_INT(rows[1].since_on, D - 300);
}

static void a_loss_within_the_horizon_makes_it_right_whatever_was_answered(void **state)
{
	(void)state;
	for (int i = 1; i <= 4; i++)
		found(i, "defense", "silence", D - 300, "dismissed", D - 290);
	said(1, D - 290, "dismissed", "false_positive");
	ends(1, D - 300 + HORIZON); /* the last day of it */
	said(2, D - 290, "dismissed", "false_positive");
	ends(2, D - 300 + HORIZON + 1);
	ends(3, D - 300 + HORIZON); /* nobody answered */
	load(D);
	ASSERT_INT(rows[0].n_came, 2);
	ASSERT_INT(rows[0].n_dismissed, 2);
	ASSERT_INT(rows[0].n_right, 2);
	ASSERT_INT(rows[0].n_judged, 3);
	found(5, "defense", "silence", D - 30, "lost", D - 2); /* lately: its subscriptions ended while it stood */
	said(5, D - 2, "lost", "");
	load(D);
	ASSERT_INT(rows[0].n_came, 3);
}

static void the_last_answer_counts_and_one_that_was_taken_back_does_not(void **state)
{
	(void)state;
	for (int i = 1; i <= 3; i++)
		found(i, "defense", "silence", D - 50, "open", 0);
	said(1, D - 49, "acknowledged", "");
	said(1, D - 40, "dismissed", "known");
	said(2, D - 49, "dismissed", "known");
	said(2, D - 48, "reopened", "");
	said(3, D - 49, "done", "");
	said(3, D - 48, "snoozed", ""); /* judges nothing */
	load(D);
	ASSERT_INT(rows[0].n_dismissed, 1);
	ASSERT_INT(rows[0].n_acted, 1);
	ASSERT_INT(rows[0].n_judged, 2);
}

static void nothing_that_came_later_counts(void **state)
{
	(void)state;
	found(1, "defense", "payment_trouble", D - 100, "dismissed", D - 50);
	run(arena_printf(a, "INSERT INTO finding_event (finding_id, day, at, kind, note) VALUES (1, %d, 0, "
	                    "'cause_changed', 'silence')", D - 60));
	said(1, D - 50, "dismissed", "known");
	ends(1, D - 40);
	found(2, "defense", "silence", D - 10, "open", 0);
	load(D - 70); /* led by silence still, open, not answered, not lost */
	ASSERT_INT(n_rows, 1);
	assert_string_equal(rows[0].cause, "silence");
	ASSERT_INT(rows[0].n_findings, 1);
	ASSERT_INT(rows[0].n_open, 1);
	ASSERT_INT(rows[0].n_judged, 0);
	assert_true(isnan(rows[0].share));
	load(D - 55); /* another cause, the same finding */
	ASSERT_INT(n_rows, 1);
	assert_string_equal(rows[0].cause, "payment_trouble");
	load(D - 45);
	ASSERT_INT(rows[0].n_dismissed, 1);
	ASSERT_INT(rows[0].n_right, 0);
	load_from(D, D - 20);
	ASSERT_INT(n_rows, 1);
	assert_string_equal(rows[0].cause, "silence");
}

static void a_signal_that_is_surely_more_often_wrong_is_poor_and_gets_a_weight(void **state)
{
	struct precision sum;

	(void)state;
	for (int i = 1; i <= 20; i++) {
		found(i, "defense", i <= 10 ? "silence" : "sudden_drop", D - 50, "dismissed", D - 40);
		said(i, D - 40, i == 1 || i > 14 ? "done" : "dismissed", "false_positive");
	}
	load(D);
	ASSERT_INT(n_rows, 2);
	assert_true(rows[0].has_enough && rows[0].is_poor); /* 1 of 10: 0.02 to 0.40 */
	assert_false(rows[1].is_poor);                       /* 6 of 10: 0.31 to 0.83 */
	ASSERT_NEAR(precision_weight(&rows[0], 2), 2 + log(3.0 / 11), 1e-9);
	ASSERT_NEAR(precision_weight(&rows[0], 0.5), 0, 1e-9);
	ASSERT_NEAR(precision_weight(&rows[1], 0.5), 0.5, 1e-9); /* never more than it had */
	sum = precision_total(rows, n_rows, "defense");
	ASSERT_INT(sum.n_judged, 20);
	ASSERT_INT(sum.n_right, 7);
	assert_true(sum.low > 0.18 && sum.high < 0.57);
	ASSERT_INT(precision_total(rows, n_rows, "expansion").n_findings, 0);
}

static void codes_of_reasons_are_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_DISMISS_REASONS; i++)
		assert_true(dismiss_reason_known(dismiss_reasons[i]));
	assert_false(dismiss_reason_known("because"));
	assert_false(dismiss_reason_known(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wilsons_interval_is_as_published),
		cmocka_unit_test_setup_teardown(what_was_acted_on_or_came_true_is_right_and_what_was_dismissed_is_wrong, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_loss_within_the_horizon_makes_it_right_whatever_was_answered, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(the_last_answer_counts_and_one_that_was_taken_back_does_not, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_that_came_later_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(a_signal_that_is_surely_more_often_wrong_is_poor_and_gets_a_weight, setup,
		                                teardown),
		cmocka_unit_test(codes_of_reasons_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

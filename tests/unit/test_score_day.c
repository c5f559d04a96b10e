/* The scores of a day, told again and again: what is there is what was told last, and only what differs is written. */
#include "cmocka_shim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "store/migrate.h"
#include "store/score_day.h"

enum { DAY = 20500, N_ACCOUNTS = 60, N_ROUNDS = 60, N_NUMBERS = 4000, MAX_TEXT = 1 << 16 };

static struct err err;
static struct db *db;
static uint64_t chance;

static int setup(void **state)
{
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	chance = 41;
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	db_closep(&db);
	arena_free(*state);
	return 0;
}

static uint64_t any(uint64_t n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance % n;
}

static int64_t number(const char *sql)
{
	int64_t n;

	ASSERT_OK(db_int(db, sql, -1, &n, &err));
	return n;
}

/* One of the numbers that signals have: whole, round, of any size, none. */
static double any_number(void)
{
	uint64_t bits = any(UINT64_MAX);
	double x;

	switch (any(6)) {
	case 0: return (double)any(500) - 100;
	case 1: return ((double)any(200000) - 50000) / 1000;
	case 2: return (double)any(1u << 30) / (1 << 30) / (double)(1 + any(1u << 20));
	case 3: return -(double)any(UINT64_MAX) / 7;
	case 4: return NAN;
	default:
		/* From about 1e-20 to 1e20: SQLite before 3.42 reads what lies further off by some bits. */
		bits = (bits & 0x800fffffffffffff) | (uint64_t)(1023 - 66 + any(132)) << 52;
		memcpy(&x, &bits, sizeof x);
		return x;
	}
}

static void assert_number(struct stmt *q, int column, double wanted)
{
	double x = col_real(q, column);

	if (isnan(wanted)) {
		assert_true(col_is_null(q, column));
		return;
	}
	if (x != wanted)
		print_message("%.17g came back as %.17g\n", wanted, x);
	assert_true(!col_is_null(q, column) && x == wanted);
}

static void put_signals(const struct score_signal_row *rows, size_t n, struct buf *text)
{
	buf_init(text, MAX_TEXT);
	score_signals_text(text, rows, n);
}

static void every_number_and_text_comes_back_to_the_bit(void **state)
{
	static const char *const texts[] = {
		"", "plain", "\"quoted\" \\ back", "line\n\ttab \x01", "\xc3\xa9t\xc3\xa9 5 %"
	};

	(void)state;
	for (size_t i = 0; i < N_NUMBERS; i++) {
		CLEANUP(score_day_done) struct score_day day;
		CLEANUP(buf_done) struct buf text;
		CLEANUP(stmt_donep) struct stmt *q = NULL;
		struct score_row row = { .account = 1, .risk_band_since = DAY, .readiness_band_since = DAY };
		struct score_signal_row s = { "expansion",  texts[i % 5], texts[i / 5 % 5], any_number(),
			                          any_number(), any_number(), any_number(),     any_number(),
			                          i % 3 ? DAY - 1 : DAY_NONE };

		put_signals(&s, 1, &text);
		ASSERT_OK(score_day_begin(&day, db, DAY, "h", 0, &err));
		ASSERT_OK(score_day_put(&day, &row, text.at, text.len, &err));
		ASSERT_OK(score_day_end(&day, &err));
		q = db_sql(db, "SELECT value, baseline, strength, weight, contribution, signal, evidence, fresh_on, engine "
		               "FROM score_signal WHERE day = 20500 AND account_id = 1");
		ASSERT_INT(stmt_step(q, &err), 1);
		assert_number(q, 0, s.value);
		assert_number(q, 1, s.baseline);
		assert_number(q, 2, s.strength);
		assert_number(q, 3, s.weight);
		assert_number(q, 4, s.contribution);
		assert_string_equal(col_text(q, 5), s.signal);
		assert_string_equal(col_text(q, 6), s.evidence);
		ASSERT_INT(col_day(q, 7), s.fresh_on);
		assert_string_equal(col_text(q, 8), "expansion");
		ASSERT_INT(stmt_step(q, &err), 0);
	}
}

/* What is told of an account: there or not, in a band or not, and what of it. */
struct told {
	bool is_there;
	struct score_row row;
	size_t n_signals;
	double strength;
};

static struct told any_told(int64_t account)
{
	struct told t = { .is_there = any(5) > 0, .n_signals = any(3) ? 0 : 1 + any(4), .strength = (double)any(3) / 3 };

	t.row = (struct score_row){ .account = account, .risk = (double)any(4) - 1, .readiness = (double)any(3) / 3 - 0.1,
		.confidence = 0.5, .risk_band = (int)any(3), .readiness_band = (int)any(2), .risk_band_since = DAY - 1,
		.readiness_band_since = DAY, .value_minor = (int64_t)any(2), .currency = any(3) ? "EUR" : NULL };
	return t;
}

static void tell(const struct told *told, const char *config)
{
	CLEANUP(score_day_done) struct score_day day;

	ASSERT_OK(score_day_begin(&day, db, DAY, config, 0, &err));
	for (size_t i = 0; i < N_ACCOUNTS; i++) {
		struct score_signal_row rows[4];
		CLEANUP(buf_done) struct buf text;

		for (size_t k = 0; k < 4; k++)
			rows[k] = (struct score_signal_row){ k < 2 ? "defense" : "expansion", k % 2 ? "b" : "a", "why", NAN, 0,
				                                 told[i].strength, 1, 1, DAY };
		put_signals(rows, told[i].n_signals, &text);
		if (told[i].is_there)
			ASSERT_OK(score_day_put(&day, &told[i].row, text.at, text.len, &err));
	}
	ASSERT_OK(score_day_end(&day, &err));
}

static void assert_told(const struct told *told, struct arena *a, const char *config)
{
	const struct score_row *rows;
	size_t n, at = 0;

	ASSERT_OK(scores_before(db, 0, N_ACCOUNTS, DAY, DAY + 1, a, &rows, &n, &err));
	for (size_t i = 0; i < N_ACCOUNTS; i++) {
		const struct score_row *w = &told[i].row, *r = &rows[at];
		char sql[160];

		(void)snprintf(sql, sizeof sql, "SELECT count(*) FROM score_signal WHERE day = %d AND account_id = %zu AND "
		               "abs(strength - %.9f) < 1e-6", DAY, i + 1, told[i].strength);
		ASSERT_INT(number(sql), told[i].is_there ? (int64_t)told[i].n_signals : 0);
		if (!told[i].is_there)
			continue;
		assert_true(at < n);
		assert_true(r->account == w->account && (r->risk == w->risk || (r->risk < 0 && w->risk < 0)));
		assert_true(r->readiness == w->readiness || (r->readiness < 0 && w->readiness < 0));
		assert_true(r->risk_band == w->risk_band && r->readiness_band == w->readiness_band);
		assert_true(r->value_minor == w->value_minor && !r->currency == !w->currency);
		assert_string_equal(r->config_hash, config);
		at++;
	}
	ASSERT_INT(at, n);
}

static void what_is_there_is_what_was_told_last_whatever_was_told_before(void **state)
{
	struct told told[N_ACCOUNTS];

	for (int64_t i = 0; i < N_ACCOUNTS; i++)
		told[i] = any_told(i + 1);
	for (int round = 0; round < N_ROUNDS; round++) {
		const char *config = round % 7 == 6 ? "other" : "usual";
		uint64_t n_changed = any(4) ? any(N_ACCOUNTS) : 0;

		for (uint64_t i = 0; i < n_changed; i++) {
			uint64_t k = any(N_ACCOUNTS);

			told[k] = any_told((int64_t)k + 1);
		}
		tell(told, config);
		assert_told(told, *state, config);
	}
}

static void a_day_that_is_told_again_as_it_was_writes_nothing(void **state)
{
	struct told told[N_ACCOUNTS];
	int64_t before;

	(void)state;
	for (int64_t i = 0; i < N_ACCOUNTS; i++)
		told[i] = any_told(i + 1);
	tell(told, "h");
	before = number("SELECT total_changes()");
	tell(told, "h");
	ASSERT_INT(number("SELECT total_changes()"), before);
	told[3] = any_told(4);
	told[3].is_there = true;
	told[3].row.confidence = 0.25;
	told[3].n_signals = 0;
	tell(told, "h");
	assert_in_range(number("SELECT total_changes()") - before, 1, 2);
	for (size_t i = 0; i < N_ACCOUNTS; i++)
		told[i].is_there = false;
	tell(told, "h");
	ASSERT_INT(number("SELECT (SELECT count(*) FROM score_day) + (SELECT count(*) FROM account_signals)"), 0);
}

/* What migration 0041 left of a configuration that nobody had noted: its hash, which may begin as a number does. */
static void a_hash_that_begins_like_the_number_of_the_configuration_is_another_one(void **state)
{
	struct told told[N_ACCOUNTS] = { { .is_there = true, .row = { .account = 1, .currency = "EUR" } } };

	tell(told, "h");
	ASSERT_INT(number("SELECT config FROM score_day"), 1);
	ASSERT_OK(db_run(db, "UPDATE score_day SET config = '1abc'", &err));
	tell(told, "h");
	assert_told(told, *state, "h");
}

static void signals_from_when_each_was_a_row_go_when_their_day_is_told_again(void **state)
{
	struct told told[N_ACCOUNTS] = { 0 };

	(void)state;
	ASSERT_OK(db_run(db, "INSERT INTO score_signal_row (day, account_id, engine, signal, strength, weight, "
	                     "contribution, evidence) VALUES (20500, 1, 'defense', 'silence', 0.1, 1, 1, 'x'), "
	                     "(20499, 1, 'defense', 'silence', 0.1, 1, 1, 'x')", &err));
	ASSERT_INT(number("SELECT count(*) FROM score_signal"), 2);
	tell(told, "h");
	ASSERT_INT(number("SELECT group_concat(day) FROM score_signal"), 20499);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_number_and_text_comes_back_to_the_bit, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_there_is_what_was_told_last_whatever_was_told_before, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_day_that_is_told_again_as_it_was_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hash_that_begins_like_the_number_of_the_configuration_is_another_one, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(signals_from_when_each_was_a_row_go_when_their_day_is_told_again, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

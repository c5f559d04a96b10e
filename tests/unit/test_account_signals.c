/* The signals of accounts as they are kept: what the view says of them is what was told, and a day that is told again
 * is what was told last. */
#include "cmocka_shim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "store/account_signals.h"
#include "store/migrate.h"

enum { DAY = 20500, N_NUMBERS = 3000, N_ACCOUNTS = 40, N_ROUNDS = 60, MAX_TEXT = 1 << 16 };

static struct err err;
static struct db *db;
static uint64_t chance;

static int setup(void **state)
{
	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	chance = 41;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_closep(&db);
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
	switch (any(6)) {
	case 0: return (double)any(500) - 100;
	case 1: return ((double)any(200000) - 50000) / 1000;
	case 2: return (double)any(1u << 30) / (1 << 30) / (double)(1 + any(1u << 20));
	case 3: return -(double)any(UINT64_MAX) / 7;
	case 4: return any(2) ? INFINITY : -INFINITY;
	default: return NAN;
	}
}

/* To three decimals, and as far as a double goes. */
static void assert_number(struct stmt *q, int column, double wanted)
{
	double x = col_real(q, column);

	if (isnan(wanted)) {
		assert_true(col_is_null(q, column));
		return;
	}
	if (!(x == wanted || fabs(x - wanted) <= 0.000501 + 1e-15 * fabs(wanted)))
		fail_msg("%.17g came back as %.17g", wanted, x);
}

static void open_setting(struct account_signals *signals, const struct signal_set *sets, size_t n)
{
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, MAX_TEXT);
	signal_sets_text(&text, sets, n);
	ASSERT_OK(account_signals_begin(signals, db, DAY, &err));
	ASSERT_OK(account_signals_setting(signals, text.at, &err));
}

static void put(struct account_signals *signals, int64_t account, const struct signal_said *said, size_t n)
{
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, MAX_TEXT);
	for (size_t i = 0; i < n; i++)
		signal_said_text(&text, &said[i], i == 0);
	buf_char(&text, ']');
	ASSERT_OK(account_signals_put(signals, account, text.at, &err));
}

/* What the text says with its words, as a reader would put them in. */
static void fill(char *out, size_t size, const char *text, const char *const *words)
{
	struct signal_mark marks[SIGNAL_MARKS];
	size_t n = signal_marks(text, marks), len = 0;

	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(out + len, size - len, "%.*s%s", (int)(marks[i].name - 2 - text), text,
		                        words[i] ? words[i] : "");
		text = marks[i].name + marks[i].len + 2;
	}
	(void)snprintf(out + len, size - len, "%s", text);
}

static void every_number_and_text_comes_back(void **state)
{
	static const char *const texts[] = {
		"", "plain", "{{a}}", "\"{{a}}\" \\ {{b}}{{c}}\n\x01{{ }}", "{{a}} \xc3\xa9t\xc3\xa9 {{a}} 5 % {b} }} {{",
	};
	static const char *const words[] = {
		NULL, "", "0", "7", "007", "12345678901234567890", "123456789012345", "-1", "1.50", "null", "\"q\" \\",
		"\n\x02", "\xc3\xa9t\xc3\xa9", "4,032", "[1]",
	};

	(void)state;
	for (size_t i = 0; i < N_NUMBERS; i++) {
		CLEANUP(account_signals_done) struct account_signals day;
		CLEANUP(stmt_donep) struct stmt *q = NULL;
		const char *said[4];
		struct signal_mark marks[SIGNAL_MARKS];
		const struct signal_set sets[2] = { { "defense", "other", "x", 1 },
			{ "expansion", texts[any(5)], texts[i % 5], any_number() } };
		struct signal_said s = { 1, any_number(), any_number(), 0.5, any_number(), i % 3 ? (int32_t)any(9) : -1, said,
			                     0 };
		char evidence[256];

		s.n_words = signal_marks(sets[1].text, marks);
		for (size_t k = 0; k < 4; k++)
			said[k] = words[any(ARRAY_LEN(words))];
		fill(evidence, sizeof evidence, sets[1].text, said);
		open_setting(&day, sets, isnan(sets[1].weight) || isinf(sets[1].weight) ? 1 : 2);
		if (isnan(sets[1].weight) || isinf(sets[1].weight))
			continue;
		put(&day, 1, &s, 1);
		ASSERT_OK(account_signals_end(&day, &err));
		q = db_sql(db, "SELECT value, baseline, strength, contribution, weight, signal, evidence, fresh_on, engine "
		               "FROM score_signal WHERE day = 20500 AND account_id = 1");
		ASSERT_INT(stmt_step(q, &err), 1);
		assert_number(q, 0, s.value);
		assert_number(q, 1, s.baseline);
		assert_number(q, 2, s.strength);
		assert_number(q, 3, s.contribution);
		assert_true(col_real(q, 4) == sets[1].weight);
		assert_string_equal(col_text(q, 5), sets[1].signal);
		assert_string_equal(col_text(q, 6), evidence);
		ASSERT_INT(col_day(q, 7), s.age < 0 ? DAY_NONE : DAY - s.age);
		assert_string_equal(col_text(q, 8), "expansion");
		ASSERT_INT(stmt_step(q, &err), 0);
	}
}

static void a_strength_is_never_kept_as_none(void **state)
{
	static const struct signal_set set = { "defense", "silence", "x", 1 };
	CLEANUP(account_signals_done) struct account_signals day;
	struct signal_said s = { .strength = 1e-9 };

	(void)state;
	open_setting(&day, &set, 1);
	put(&day, 1, &s, 1);
	ASSERT_OK(account_signals_end(&day, &err));
	ASSERT_INT(number("SELECT count(*) FROM score_signal WHERE strength > 0"), 1);
}

/* n_signals 0: not told. */
struct told { size_t n_signals; double strength; };

static void tell(const struct told *told, double weight)
{
	const struct signal_set sets[4] = { { "defense", "a", "x", weight }, { "defense", "b", "x", 1 },
		{ "expansion", "a", "x", 1 }, { "expansion", "b", "x", 1 } };
	CLEANUP(account_signals_done) struct account_signals day;

	open_setting(&day, sets, 4);
	for (size_t i = 0; i < N_ACCOUNTS; i++) {
		struct signal_said said[4];

		for (size_t k = 0; k < 4; k++)
			said[k] = (struct signal_said){ .place = k, .strength = told[i].strength };
		if (told[i].n_signals)
			put(&day, (int64_t)i + 1, said, told[i].n_signals);
	}
	ASSERT_OK(account_signals_end(&day, &err));
}

static void assert_told(const struct told *told, double weight)
{
	for (size_t i = 0; i < N_ACCOUNTS; i++) {
		char sql[256];

		(void)snprintf(sql, sizeof sql, "SELECT count(*) FROM score_signal WHERE day = %d AND account_id = %zu AND "
		               "abs(strength - %.9f) < 1e-3 AND (engine = 'expansion' OR signal = 'b' OR weight = %g)", DAY,
		               i + 1, told[i].strength, weight);
		ASSERT_INT(number(sql), (int64_t)told[i].n_signals);
	}
}

static struct told any_told(void)
{
	return (struct told){ any(3) ? 0 : 1 + any(4), 0.2 + (double)any(3) / 4 };
}

static void what_is_there_is_what_was_told_last_whatever_was_told_before(void **state)
{
	struct told told[N_ACCOUNTS];

	(void)state;
	for (size_t i = 0; i < N_ACCOUNTS; i++)
		told[i] = any_told();
	for (int round = 0; round < N_ROUNDS; round++) {
		uint64_t n_changed = any(4) ? any(N_ACCOUNTS) : 0;

		for (uint64_t i = 0; i < n_changed; i++)
			told[any(N_ACCOUNTS)] = any_told();
		tell(told, round % 7 == 6 ? 2 : 1);
		assert_told(told, round % 7 == 6 ? 2 : 1);
	}
	ASSERT_INT(number("SELECT count(*) FROM signal_setting"), 2);
}

static void a_day_that_is_told_again_as_it_was_writes_nothing(void **state)
{
	struct told told[N_ACCOUNTS];
	int64_t before;

	(void)state;
	for (size_t i = 0; i < N_ACCOUNTS; i++)
		told[i] = (struct told){ i % 3, 0.5 };
	tell(told, 1);
	before = number("SELECT total_changes()");
	tell(told, 1);
	ASSERT_INT(number("SELECT total_changes()"), before);
	told[4].n_signals = 0;
	tell(told, 1);
	ASSERT_INT(number("SELECT total_changes()") - before, 1);
	memset(told, 0, sizeof told);
	tell(told, 1);
	ASSERT_INT(number("SELECT count(*) FROM account_signals"), 0);
}

static void what_was_kept_in_other_forms_goes_when_its_day_is_told_again(void **state)
{
	struct told told[N_ACCOUNTS] = { 0 };

	(void)state;
	ASSERT_OK(db_run(db, "INSERT INTO score_signal_row (day, account_id, engine, signal, strength, weight, "
	                     "contribution, evidence) VALUES (20500, 1, 'defense', 'silence', 0.1, 1, 1, 'x'), "
	                     "(20499, 1, 'defense', 'silence', 0.1, 1, 1, 'x');"
	                     "INSERT INTO account_signals_long (day, account_id, data) VALUES (20500, 2, '{\"defense\":["
	                     "[\"silence\",500,null,1000,250,100,\"quiet\",19990]]}'), (20498, 2, '{\"defense\":["
	                     "[\"silence\",500,null,\"3/1\",250,100,\"quiet\",19990]]}')", &err));
	ASSERT_INT(number("SELECT count(*) FROM score_signal"), 4);
	tell(told, 1);
	ASSERT_INT(number("SELECT sum(day) FROM score_signal"), 20499 + 20498);
	ASSERT_INT(number("SELECT count(*) FROM score_signal WHERE strength = 1.5 AND evidence = 'quiet'"), 1);
}

static void signals_without_their_setting_are_refused(void **state)
{
	CLEANUP(account_signals_done) struct account_signals day;

	(void)state;
	ASSERT_OK(account_signals_begin(&day, db, DAY, &err));
	assert_int_equal(account_signals_put(&day, 1, "[[0,1,1,1,1,0]]", &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_number_and_text_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(a_strength_is_never_kept_as_none, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_there_is_what_was_told_last_whatever_was_told_before, setup, teardown),
		cmocka_unit_test_setup_teardown(a_day_that_is_told_again_as_it_was_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_kept_in_other_forms_goes_when_its_day_is_told_again, setup, teardown),
		cmocka_unit_test_setup_teardown(signals_without_their_setting_are_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

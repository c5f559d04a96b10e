/* The scores of a day, told again and again: what is there is what was told last, and only what differs is written. */
#include "cmocka_shim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "store/migrate.h"
#include "store/score_day.h"

enum { DAY = 20500, N_ACCOUNTS = 60, N_ROUNDS = 60 };

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

/* What is told of an account: there or not, in a band or not, and what of it. */
struct told {
	bool is_there;
	struct score_row row;
};

static struct told any_told(int64_t account)
{
	struct told t = { .is_there = any(5) > 0 };

	t.row = (struct score_row){ .account = account, .risk = (double)any(4) - 1, .readiness = (double)any(3) / 3 - 0.1,
		.confidence = 0.5, .risk_band = (int)any(3), .readiness_band = (int)any(2), .risk_band_since = DAY - 1,
		.readiness_band_since = DAY, .value_minor = (int64_t)any(2), .currency = any(3) ? "EUR" : NULL };
	return t;
}

static void tell(const struct told *told, const char *config)
{
	CLEANUP(score_day_done) struct score_day day;

	ASSERT_OK(score_day_begin(&day, db, DAY, config, 0, &err));
	for (size_t i = 0; i < N_ACCOUNTS; i++)
		if (told[i].is_there)
			ASSERT_OK(score_day_put(&day, &told[i].row, &err));
	ASSERT_OK(score_day_end(&day, &err));
}

static void assert_told(const struct told *told, struct arena *a, const char *config)
{
	const struct score_row *rows;
	size_t n, at = 0;

	ASSERT_OK(scores_before(db, 0, N_ACCOUNTS, DAY, DAY + 1, a, &rows, &n, &err));
	for (size_t i = 0; i < N_ACCOUNTS; i++) {
		const struct score_row *w = &told[i].row, *r = &rows[at];

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
	tell(told, "h");
	assert_in_range(number("SELECT total_changes()") - before, 1, 6); /* a block, bands it left and came to, signals */
	for (size_t i = 0; i < N_ACCOUNTS; i++)
		told[i].is_there = false;
	tell(told, "h");
	ASSERT_INT(number("SELECT count(*) FROM score_day"), 0);
}

/* What migration 0041 left of a configuration that nobody had noted: its hash, which may begin as a number does. */
static void a_hash_that_begins_like_the_number_of_the_configuration_is_another_one(void **state)
{
	struct told told[N_ACCOUNTS] = { { .is_there = true, .row = { .account = 1, .currency = "EUR" } } };

	tell(told, "h");
	ASSERT_INT(number("SELECT config FROM score_day"), 1);
	ASSERT_OK(db_run(db, "INSERT INTO score_row SELECT * FROM score_day; UPDATE score_row SET config = '1abc'; "
	                     "DELETE FROM score_block", &err));
	tell(told, "h");
	assert_told(told, *state, "h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_there_is_what_was_told_last_whatever_was_told_before, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_day_that_is_told_again_as_it_was_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hash_that_begins_like_the_number_of_the_configuration_is_another_one, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Usage as facts have it against the cells as they were put: random ones of accounts in three blocks, with large
 * values, gaps, and more metrics than the cells of a block have room for at once. */
#include "cmocka_shim.h"

#include <string.h>

#include "store/facts.h"
#include "store/migrate.h"
#include "store/usage.h"

enum { AS_OF = 20000, OLDEST = AS_OF - 460, N_METRICS = 6, N_LARGE = 2, N_CELLS = 6000, BIG = 70000 };

static const int64_t ids[] = { 1,    2,    63,   64,   65,    4000,  5500,  8127, 8128,
	                           8129, 8192, 9000, 9001, 16255, 16256, 16257, 20000 };
static struct err err;
static struct arena *a;
static struct db *db;
static struct fact_base base;
static int64_t expected[ARRAY_LEN(ids)][N_METRICS][FACTS_DAYS];
static uint64_t chance = 1;

static int64_t random_below(int64_t n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (int64_t)(chance % (uint64_t)n);
}

static void put(size_t account, int metric, int32_t day, int64_t value)
{
	struct usage_cell cell = { .day = day, .account = ids[account], .value = value };
	const char *name = arena_printf(a, "m%d", metric);

	ASSERT_OK(metric_id(db, name, &cell.metric, &err));
	ASSERT_OK(usage_put(db, &cell, 1, &err));
	if (day <= AS_OF && AS_OF - day < FACTS_DAYS)
		expected[account][metric][AS_OF - day] = value;
}

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(db_run(db, "INSERT INTO source (id, name, kind, last_ok_on) VALUES (1, 'crm', 'csv', 20100)", &err));
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		ASSERT_OK(db_run(db, arena_printf(a, "INSERT INTO account (id, source_id, source_key) VALUES (%lld, 1, 'k%zu')",
		                                  (long long)ids[i], i),
		                 &err));
	for (size_t i = 0; i < sizeof expected / sizeof ***expected; i++)
		(&expected[0][0][0])[i] = USAGE_NONE;
	for (int i = 0; i < N_CELLS; i++) {
		int kind = (int)random_below(8), metric = (int)random_below(N_METRICS);
		int64_t value = metric >= N_LARGE ? random_below(200) : kind == 1 ? BIG : random_below(65536);

		put((size_t)random_below(ARRAY_LEN(ids) - 1), metric, OLDEST + (int32_t)random_below(AS_OF + 10 - OLDEST),
		    kind == 0 ? 0 : value);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_closep(&db);
	arena_free(a);
	return 0;
}

static void check_weeks(const struct fact_series *series, const int64_t *right)
{
	for (int week = 0; week < FACTS_WEEKS; week++) {
		double sum = 0;

		for (int age = 7 * week; age < 7 * week + 7; age++) {
			sum += right[age] > 0 ? (double)right[age] : 0;
			ASSERT_INT(fact_days_count(&series->active, age, age + 1), right[age] > 0);
		}
		ASSERT_NEAR(series->weeks[week], sum, 0);
	}
}

static void check_series(const struct fact_account *f, size_t account)
{
	for (size_t m = 0; m < base.n_metrics; m++) {
		const struct fact_series *series = f->usage[m];
		const int64_t *right = expected[account][m];
		int64_t values[FACTS_DAYS];
		bool is_any = false;

		if (series)
			check_weeks(series, right);
		if (series)
			fact_series_read(series, 0, FACTS_DAYS, values);

		for (int age = 0; age < FACTS_DAYS; age++) {
			is_any = is_any || right[age] != USAGE_NONE;
			if (series && values[age] != right[age])
				fail_msg("account %lld, metric %zu, age %d: %lld, not %lld", (long long)f->id, m, age,
				         (long long)values[age], (long long)right[age]);
		}
		assert_true(is_any == (series != NULL));
	}
}

static void load_by(size_t step, bool reads_ahead)
{
	struct fact_query q = { .as_of = AS_OF, .zone = zone_utc(), .stale_days = 3, .reads_ahead = reads_ahead };
	struct fact_account accounts[ARRAY_LEN(ids)];

	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	ASSERT_INT(base.n_members, ARRAY_LEN(ids));
	ASSERT_INT(base.n_metrics, N_METRICS);
	for (size_t first = 0; first < ARRAY_LEN(ids); first += step) {
		size_t n = ARRAY_LEN(ids) - first < step ? ARRAY_LEN(ids) - first : step;

		ASSERT_OK(facts_load(db, &q, &base, first, n, a, accounts, &err));
		for (size_t i = 0; i < n; i++)
			check_series(&accounts[i], first + i);
	}
}

static void each_cell_is_seen_at_its_age_however_many_accounts_are_loaded_at_once(void **state)
{
	(void)state;
	for (int reads_ahead = 0; reads_ahead < 2; reads_ahead++)
		for (size_t step = 1; step <= ARRAY_LEN(ids); step = 2 * step + 1)
			load_by(step, reads_ahead);
}

static void accounts_may_be_loaded_in_any_order(void **state)
{
	struct fact_query q = { .as_of = AS_OF, .zone = zone_utc(), .stale_days = 3, .reads_ahead = true };
	struct fact_account account;

	(void)state;
	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	for (int i = 0; i < 40; i++) {
		size_t which = (size_t)random_below(ARRAY_LEN(ids));

		ASSERT_OK(facts_load(db, &q, &base, which, 1, a, &account, &err));
		check_series(&account, which);
	}
}

static void a_day_is_active_when_any_metric_of_activity_is_above_zero(void **state)
{
	static const char *const keys[] = { "m0", "m3" };
	struct fact_query q = { .as_of = AS_OF, .zone = zone_utc(), .stale_days = 3, .key_metrics = keys,
		                    .n_key_metrics = ARRAY_LEN(keys) };

	(void)state;
	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		for (int age = 0; age < FACTS_DAYS; age++) {
			bool is_active = expected[i][0][age] > 0 || expected[i][3][age] > 0;

			ASSERT_INT(fact_days_count(&base.active[i], age, age + 1), is_active);
		}
}

static void who_was_in_use_before_the_window_and_not_since_is_gone_for_so_long(void **state)
{
	static const char *const keys[] = { "m0", "m3" };
	struct fact_query q = { .as_of = AS_OF, .zone = zone_utc(), .stale_days = 3, .key_metrics = keys,
		                    .n_key_metrics = ARRAY_LEN(keys) };
	const size_t last = ARRAY_LEN(ids) - 1;
	struct fact_account account;

	(void)state;
	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	for (size_t i = 0; i <= last; i++)
		ASSERT_INT(base.members[i].gone_days, 0); /* in use, or never was */
	put(last, 0, AS_OF - 2 * FACTS_DAYS, 5);
	put(last, 1, AS_OF - 480, 5); /* no activity */
	put(last, 3, AS_OF - 490, 0);
	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	ASSERT_INT(base.members[last].gone_days, 0); /* too long ago to look for */
	put(last, 0, AS_OF - 700, 5);
	put(last, 3, AS_OF - 500, 5);
	put(last, 0, AS_OF - 501, BIG);
	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	ASSERT_INT(base.members[last].gone_days, 500);
	ASSERT_OK(facts_load(db, &q, &base, last, 1, a, &account, &err));
	ASSERT_INT(account.gone_days, 500);
	put(last, 0, AS_OF - FACTS_DAYS, 1);
	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	ASSERT_INT(base.members[last].gone_days, FACTS_DAYS);
	put(last, 0, AS_OF - FACTS_DAYS + 1, 1);
	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	ASSERT_INT(base.members[last].gone_days, 0);
}

static void what_the_base_used_is_added_up_over_its_members(void **state)
{
	struct fact_query q = { .as_of = AS_OF, .zone = zone_utc(), .stale_days = 3 };

	(void)state;
	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	for (size_t m = 0; m < N_METRICS; m++) {
		double sum = 0;

		for (size_t i = 0; i < ARRAY_LEN(ids); i++)
			for (int age = 0; age < FACT_SHARE_DAYS; age++)
				sum += expected[i][m][age] > 0 ? (double)expected[i][m][age] : 0;
		ASSERT_NEAR(base.metrics[m].used, sum, 1e-6);
	}
}

static void the_last_report_is_that_of_a_member_and_a_zero_is_one(void **state)
{
	struct fact_query q = { .as_of = AS_OF + 300, .zone = zone_utc(), .stale_days = 3 };

	(void)state;
	put(ARRAY_LEN(ids) - 1, 0, AS_OF + 250, 0);
	put(0, 1, AS_OF + 260, 5);
	ASSERT_OK(db_run(db, "UPDATE account SET deleted_on = 20100 WHERE id = 1", &err));
	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	ASSERT_INT(base.n_members, ARRAY_LEN(ids) - 1);
	ASSERT_INT(base.sources[FACT_USAGE].fresh_on, AS_OF + 250);
	ASSERT_INT(fact_days_count(&base.active[base.n_members - 1], 0, 100), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_cell_is_seen_at_its_age_however_many_accounts_are_loaded_at_once, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(accounts_may_be_loaded_in_any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_day_is_active_when_any_metric_of_activity_is_above_zero, setup, teardown),
		cmocka_unit_test_setup_teardown(who_was_in_use_before_the_window_and_not_since_is_gone_for_so_long, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(what_the_base_used_is_added_up_over_its_members, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_report_is_that_of_a_member_and_a_zero_is_one, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Samples of the own history: customers on as-of days, never before what is known, and not without end. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/cli/replay.h"

enum { FROM = 19000, UNTIL = 20000, N = 1000 };
static struct err err;
static struct arena *a;
static struct samples samples;
static struct outcome_span customers[N];
static const struct outcomes outcomes = { .from = FROM, .until = UNTIL, .customers = customers, .n_customers = N };

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	for (int i = 0; i < N; i++)
		customers[i] = (struct outcome_span){ i + 1, OUTCOME_BEGINNING, OUTCOME_OPEN };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static int take(int32_t from, int32_t to, int64_t every_days)
{
	const struct history_query q = { .kinds = OUTCOME_LOSSES, .from = from, .to = to, .every_days = every_days,
		                             .horizon_days = 90 };

	return samples_of_history(&outcomes, &q, a, &samples, &err);
}

static void no_day_lies_before_what_is_known_nor_behind_what_can_be_judged(void **state)
{
	(void)state;
	ASSERT_OK(take(-500000, 30000, 100));
	assert_true(samples.at[0].day >= FROM);
	ASSERT_INT(samples.at[samples.n - 1].day, UNTIL - 90);
	ASSERT_INT(samples.n, 10 * N);
}

static void more_rows_than_can_be_judged_are_refused_with_a_way_out(void **state)
{
	(void)state;
	ASSERT_INT(take(DAY_NONE, DAY_NONE, 1), -1);
	ASSERT_INT(err.kind, ERR_INPUT);
	assert_non_null(strstr(err.text, "a greater --every"));
	ASSERT_OK(take(DAY_NONE, DAY_NONE, 2));
}

static void a_beginning_behind_the_end_is_a_mistake(void **state)
{
	(void)state;
	ASSERT_INT(take(19500, 19400, 30), -1);
	ASSERT_INT(err.kind, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(no_day_lies_before_what_is_known_nor_behind_what_can_be_judged),
		CASE(more_rows_than_can_be_judged_are_refused_with_a_way_out),
		CASE(a_beginning_behind_the_end_is_a_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

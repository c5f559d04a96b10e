/* Figures of a backtest against values that scikit-learn 1.2 and numpy gave for the same numbers. */
#include "cmocka_shim.h"

#include "common/clock.h"
#include "score/quality.h"

enum { N = 40, ROWS = 4000 };
static struct arena *a;
static struct quality_row rows[ROWS];
static double scores[ROWS], probs[ROWS], weights[ROWS];

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	for (size_t i = 0; i < N; i++) {
		rows[i] = (struct quality_row){ .account = i, .event_on = DAY_NONE, .is_event = (i * i * 5 + i) % 11 < 3 };
		scores[i] = (double)((i * i * 7 + 3 * i) % 23) / 10;
		probs[i] = (scores[i] + 0.1) / 3;
		weights[i] = (double)((i % 7) % 3);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static struct quality_set set_of(size_t n, size_t n_queues)
{
	return (struct quality_set){ rows, n, n, n_queues };
}

static void figures_are_those_of_scikit_learn(void **state)
{
	const struct quality_set set = set_of(N, 1);
	struct quality_bin bins[QUALITY_BINS];
	struct quality_ranking r;

	(void)state;
	quality_rank(&set, scores, 0.1, NULL, a, &r);
	ASSERT_NEAR(quality_auc(&set, &r, NULL), 0.37109375, 1e-14);
	ASSERT_NEAR(quality_auc(&set, &r, weights), 0.5773809523809523, 1e-14);
	ASSERT_NEAR(quality_average_precision(&set, &r), 0.16128472222222223, 1e-14);
	ASSERT_NEAR(quality_brier(&set, probs, NULL), 0.25966666666666666, 1e-14);
	ASSERT_INT(quality_bins(&set, probs, a, bins), QUALITY_BINS);
	ASSERT_NEAR(quality_calibration_error(bins, QUALITY_BINS), 0.2866666666666667, 1e-14);
	ASSERT_NEAR(quality_base_rate(&set, NULL), 0.2, 1e-14);
}

static void a_perfect_order_is_one_and_no_order_is_a_half(void **state)
{
	const struct quality_set set = set_of(N, 1);
	struct quality_ranking r;

	(void)state;
	for (size_t i = 0; i < N; i++)
		scores[i] = rows[i].is_event;
	quality_rank(&set, scores, 0.1, NULL, a, &r);
	ASSERT_NEAR(quality_auc(&set, &r, NULL), 1, 0);
	ASSERT_NEAR(quality_average_precision(&set, &r), 1, 1e-15);
	for (size_t i = 0; i < N; i++)
		scores[i] = 0;
	quality_rank(&set, scores, 0.1, NULL, a, &r);
	ASSERT_NEAR(quality_auc(&set, &r, NULL), 0.5, 0);
	ASSERT_NEAR(quality_average_precision(&set, &r), 0.2, 1e-15);
	for (size_t i = 0; i < N; i++)
		rows[i].is_event = false;
	assert_true(isnan(quality_auc(&set, &r, NULL)));
}

/* Two queues of 30 and 10 rows: 3 and 1 places at a tenth. */
static void the_top_is_taken_within_each_queue(void **state)
{
	const struct quality_set set = set_of(N, 2);
	const size_t places[] = { 2, 0 };
	struct quality_ranking r;
	struct quality_list list;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		rows[i].queue = i >= 30;
		scores[i] = (double)i;
		rows[i].is_event = i == 29 || i == 38;
	}
	quality_rank(&set, scores, 0.1, NULL, a, &r);
	for (size_t i = 0; i < N; i++)
		ASSERT_INT(r.top[i], (i >= 27 && i < 30) || i == 39);
	list = quality_listed(&set, &r, NULL);
	ASSERT_NEAR(list.n_listed, 4, 0);
	ASSERT_NEAR(list.precision, 0.25, 0);
	ASSERT_NEAR(list.recall, 0.5, 0);
	ASSERT_NEAR(list.lift, 0.25 / 0.05, 1e-12);
	quality_rank(&set, scores, 0, places, a, &r);
	list = quality_listed(&set, &r, NULL);
	ASSERT_NEAR(list.n_listed, 2, 0);
	assert_true(r.top[29] && r.top[28] && !r.top[39]);
}

/* Accounts 0 and 1 have events on day 100; as-of days 0, 30, 60, 90. Account 0 is listed on day 60 only. */
static void seen_ahead_asks_for_the_last_list_early_enough(void **state)
{
	struct quality_set set = { rows, 12, 3, 4 };
	struct quality_ranking r;
	struct quality_ahead ahead;

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		rows[i] = (struct quality_row){ .account = i % 3, .queue = i / 3, .day = (int32_t)(i / 3) * 30,
			.event_on = i % 3 < 2 ? 100 : DAY_NONE };
		scores[i] = i % 3 == 2 ? 0.5 : 0;
	}
	scores[6] = 1;
	quality_rank(&set, scores, 0.34, NULL, a, &r); /* one of three */
	ahead = quality_seen_ahead(&set, &r, 28, 90); /* day 60 is the last at least 28 days ahead */
	ASSERT_INT(ahead.n_events, 2);
	ASSERT_INT(ahead.n_seen, 1);
	ASSERT_NEAR(ahead.chance, 4.0 / 12, 1e-12);
	ahead = quality_seen_ahead(&set, &r, 60, 90); /* day 30: account 0 is not listed */
	ASSERT_INT(ahead.n_events, 2);
	ASSERT_INT(ahead.n_seen, 0);
	ASSERT_INT(quality_seen_ahead(&set, &r, 91, 95).n_events, 0);
}

static double share_of_events(const struct quality_set *set, const void *of, const double *w)
{
	(void)of;
	return quality_base_rate(set, w);
}

/* The share of 1000 independent accounts with an event at 0.2: standard error 0.01265. */
static void the_interval_is_that_of_the_accounts_not_of_their_rows(void **state)
{
	struct quality_set set = { rows, ROWS, 1000, 1 };
	struct quality_interval i1, i2;

	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		rows[i] = (struct quality_row){ .account = i % 1000, .is_event = i % 1000 < 200 };
	i1 = quality_bootstrap(&set, share_of_events, NULL, 1000, 7, a);
	i2 = quality_bootstrap(&set, share_of_events, NULL, 1000, 7, a);
	ASSERT_NEAR(i1.low, 0.2 - 1.96 * 0.01265, 0.003);
	ASSERT_NEAR(i1.high, 0.2 + 1.96 * 0.01265, 0.003);
	ASSERT_NEAR(i1.low, i2.low, 0);
	ASSERT_NEAR(i1.high, i2.high, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(figures_are_those_of_scikit_learn),
		CASE(a_perfect_order_is_one_and_no_order_is_a_half),
		CASE(the_top_is_taken_within_each_queue),
		CASE(seen_ahead_asks_for_the_last_list_early_enough),
		CASE(the_interval_is_that_of_the_accounts_not_of_their_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

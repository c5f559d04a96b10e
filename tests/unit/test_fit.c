#include "cmocka_shim.h"

#include "score/fit.h"

enum { N = 4000, N_GROUPS = 200 };

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static double uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (double)(*state >> 11) / 9007199254740992.0;
}

static double chance_at(double logit)
{
	return 1 / (1 + exp(-logit));
}

/* Bins against a forecast that gives every row the same. */
static size_t binned(const double *values, const bool *events, size_t n, int direction, struct fit_bin *out)
{
	double *even = arena_array(arena, n, sizeof *even);

	for (size_t i = 0; i < n; i++)
		even[i] = 0.5;
	return fit_pool(out, fit_slices(values, events, even, n, arena, out), direction);
}

static void bins_pool_neighbours_that_go_the_wrong_way(void **state)
{
	/* rates by value: 1 -> 0/10, 2 -> 3/10, 3 -> 1/10, 4 -> 5/10; 2 and 3 have to become one */
	static const int hits[] = { 0, 3, 1, 5 };
	double values[40];
	bool events[40];
	struct fit_bin bins[FIT_MAX_SLICES];

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		values[i] = 1 + (double)(i / 10);
		events[i] = (int)(i % 10) < hits[i / 10];
	}
	ASSERT_INT(binned(values, events, 40, 1, bins), 3);
	ASSERT_NEAR(bins[1].at, 2.5, 1e-12);
	ASSERT_NEAR(bins[1].expected, 10, 0);
	ASSERT_NEAR(bins[1].events, 4, 0);
	ASSERT_INT(binned(values, events, 40, -1, bins), 1);
	ASSERT_NEAR(bins[0].events, 9, 0);
}

static void bins_are_monotone_in_either_direction_and_few(void **state)
{
	double values[N], flipped[N], last = -1;
	bool events[N];
	struct fit_bin up[FIT_MAX_SLICES], down[FIT_MAX_SLICES];
	uint64_t seed = 7;
	size_t n_up, n_down;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		values[i] = 10 * uniform(&seed);
		flipped[i] = -values[i];
		events[i] = uniform(&seed) < chance_at(values[i] - 5);
	}
	n_up = binned(values, events, N, 1, up);
	n_down = binned(flipped, events, N, -1, down);
	assert_in_range(n_up, 4, FIT_MAX_BINS);
	assert_in_range(n_down, 4, FIT_MAX_BINS);
	for (size_t i = 0; i < n_up; i++) {
		assert_true(up[i].events / up[i].expected >= 2 * last);
		last = up[i].events / up[i].expected / 2;
		ASSERT_NEAR(last, chance_at(up[i].at - 5), 0.08);
	}
	for (size_t i = 1; i < n_down; i++)
		assert_true(down[i].events / down[i].expected <= down[i - 1].events / down[i - 1].expected);
}

static void bins_leave_out_the_unknown_and_keep_equal_values_together(void **state)
{
	double values[100];
	bool events[100];
	struct fit_bin bins[FIT_MAX_SLICES];

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		values[i] = i < 10 ? NAN : i < 95 ? 0 : 1;
		events[i] = i >= 90;
	}
	ASSERT_INT(binned(values, events, 100, 1, bins), 2);
	ASSERT_NEAR(bins[0].expected, 42.5, 0);
	ASSERT_NEAR(bins[0].at, 0, 0);
	ASSERT_NEAR(bins[1].expected, 2.5, 0);
	for (size_t i = 0; i < 100; i++)
		values[i] = NAN;
	ASSERT_INT(binned(values, events, 100, 1, bins), 0);
}

static void evidence_is_the_log_of_events_against_those_foretold(void **state)
{
	static const struct fit_bin bin = { 0, 10, 4 }, none = { 0, 0, 5 }, all = { 0, 5, 1e-9 };

	(void)state;
	ASSERT_NEAR(fit_evidence(&bin), log(2.5), 1e-12);
	ASSERT_NEAR(fit_evidence(&none), -6, 0);
	ASSERT_NEAR(fit_evidence(&all), 6, 0);
}

/* Foretold by a model in which the signal says the prior already. */
static void few_events_leave_the_prior_and_many_leave_the_data(void **state)
{
	static const double prior[] = { -1, 1 };
	struct fit_bin few[] = { { 0, 4, 2 }, { 1, 4, 6 } }, many[] = { { 0, 4e4, 2e4 }, { 1, 4e4, 6e4 } };

	(void)state;
	fit_lean(few, 2, prior, 1e6);
	ASSERT_NEAR(fit_evidence(&few[0]), -1, 1e-3);
	ASSERT_NEAR(fit_evidence(&few[1]), 1, 1e-3);
	fit_lean(many, 2, prior, 1);
	ASSERT_NEAR(fit_evidence(&many[0]), -1 + log(2), 1e-3);
	ASSERT_NEAR(fit_evidence(&many[1]), 1 + log(4.0 / 6), 1e-3);
}

static void a_forecast_too_high_everywhere_says_nothing_of_a_signal(void **state)
{
	static const double prior[] = { -0.5, 0.5 };
	struct fit_bin bins[] = { { 0, 10, 30 }, { 1, 20, 60 } };

	(void)state;
	fit_lean(bins, 2, prior, 0);
	ASSERT_NEAR(fit_evidence(&bins[0]), -0.5, 1e-12);
	ASSERT_NEAR(fit_evidence(&bins[1]), 0.5, 1e-12);
}

static void a_few_rows_against_the_prior_do_not_turn_it_around(void **state)
{
	static const double prior[] = { -1, 1 };
	struct fit_bin bins[] = { { 0, 3, 1 }, { 1, 2, 4 } };

	(void)state;
	fit_lean(bins, 2, prior, 5);
	ASSERT_INT(fit_pool(bins, 2, 1), 2);
	assert_true(fit_evidence(&bins[0]) < fit_evidence(&bins[1]));
}

/* Two columns; the event follows offset + intercept + a x + b y. */
static struct fit_problem drawn_problem(double intercept, double a, double b, double offset)
{
	double *x = arena_array(arena, (size_t)2 * N, sizeof *x), *offsets = arena_array(arena, N, sizeof *offsets);
	bool *events = arena_array(arena, N, sizeof *events);
	static const double centre[] = { 0, 0 };
	uint64_t seed = 42;

	for (size_t i = 0; i < N; i++) {
		x[2 * i] = 4 * uniform(&seed) - 2;
		x[2 * i + 1] = 4 * uniform(&seed) - 2;
		offsets[i] = i % 2 ? offset : 0;
		events[i] = uniform(&seed) < chance_at(offsets[i] + intercept + a * x[2 * i] + b * x[2 * i + 1]);
	}
	return (struct fit_problem){ .x = x, .events = events, .offset = offsets, .n_rows = N, .n_columns = 2,
		                         .pull = 1e-6, .centre = centre, .intercept_pull = 1e-6 };
}

static void a_logistic_finds_the_weights_that_made_the_data(void **state)
{
	struct fit_problem p = drawn_problem(-1, 1.5, 0.5, 2);
	double weights[2], intercept;

	(void)state;
	fit_logistic(&p, arena, weights, &intercept);
	ASSERT_NEAR(weights[0], 1.5, 0.12);
	ASSERT_NEAR(weights[1], 0.5, 0.12);
	ASSERT_NEAR(intercept, -1, 0.15);
}

static void at_the_solution_the_slopes_are_zero(void **state)
{
	struct fit_problem p = drawn_problem(-1, 1.5, 0.5, 0);
	double weights[2], intercept, slopes[3] = { 0 };

	(void)state;
	p.pull = 20;
	fit_logistic(&p, arena, weights, &intercept);
	for (size_t i = 0; i < N; i++) {
		double x = p.x[2 * i], y = p.x[2 * i + 1];
		double miss = chance_at(p.offset[i] + intercept + weights[0] * x + weights[1] * y) - p.events[i];

		slopes[0] += miss;
		slopes[1] += miss * x;
		slopes[2] += miss * y;
	}
	ASSERT_NEAR(slopes[0], 0, 1e-3);
	ASSERT_NEAR(slopes[1] + p.pull * weights[0], 0, 1e-3);
	ASSERT_NEAR(slopes[2] + p.pull * weights[1], 0, 1e-3);
}

static void a_weight_is_never_negative(void **state)
{
	struct fit_problem p = drawn_problem(-1, 1, -1, 0);
	double weights[2], intercept;

	(void)state;
	fit_logistic(&p, arena, weights, &intercept);
	ASSERT_NEAR(weights[1], 0, 0);
	assert_true(weights[0] > 0.5);
}

static void without_data_the_weights_are_the_centre(void **state)
{
	static const double centre[] = { 1, 0.3 };
	struct fit_problem p = drawn_problem(-1, 1.5, 0.5, 0);
	double weights[2], intercept;

	(void)state;
	p.centre = centre;
	p.pull = 1e9;
	fit_logistic(&p, arena, weights, &intercept);
	ASSERT_NEAR(weights[0], 1, 1e-4);
	ASSERT_NEAR(weights[1], 0.3, 1e-4);
	p.n_rows = 0;
	p.pull = 1;
	fit_logistic(&p, arena, weights, &intercept);
	ASSERT_NEAR(weights[0], 1, 1e-9);
	ASSERT_NEAR(intercept, 0, 1e-9);
}

static void separable_data_end_at_finite_weights(void **state)
{
	static const double x[] = { -1, -1, 1, 1 }, centre[] = { 0 };
	static const bool events[] = { false, false, true, true };
	struct fit_problem p = { .x = x, .events = events, .n_rows = 4, .n_columns = 1, .pull = 0.01, .centre = centre,
		                     .intercept_pull = 0.01 };
	double weight, intercept;

	(void)state;
	fit_logistic(&p, arena, &weight, &intercept);
	assert_true(weight > 2 && weight < 20);
	ASSERT_NEAR(intercept, 0, 1e-6);
	/* the known solution: 4 / (1 + exp(w)) = 0.01 w */
	ASSERT_NEAR(4 / (1 + exp(weight)), 0.01 * weight, 1e-6);
}

static void log_loss_is_what_the_formula_says_and_never_infinite(void **state)
{
	static const double p[] = { 0.8, 0.1 };
	static const bool events[] = { true, false };
	static const double wrong[] = { 0, 1 };

	(void)state;
	ASSERT_NEAR(fit_log_loss(p, events, 2), -(log(0.8) + log(0.9)) / 2, 1e-12);
	ASSERT_NEAR(fit_log_loss(wrong, events, 2), -log(1e-6), 1e-6);
	ASSERT_NEAR(fit_log_loss(p, events, 0), 0, 0);
}

/* Events by a known chance; who knows it must win, who says the same must tie. */
static void a_better_forecast_is_told_from_an_equal_one(void **state)
{
	double truth[N], usual[N];
	bool events[N];
	uint32_t groups[N];
	uint64_t seed = 3;
	struct fit_gain gain, again, none;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		truth[i] = chance_at(6 * uniform(&seed) - 4);
		usual[i] = 0.27;
		events[i] = uniform(&seed) < truth[i];
		groups[i] = (uint32_t)(i % N_GROUPS);
	}
	gain = fit_compare(truth, usual, events, groups, N, N_GROUPS, arena);
	again = fit_compare(truth, usual, events, groups, N, N_GROUPS, arena);
	none = fit_compare(usual, usual, events, groups, N, N_GROUPS, arena);
	assert_true(gain.low > 0 && gain.low < gain.mean && gain.mean < gain.high);
	ASSERT_NEAR(gain.share, 1, 0);
	assert_memory_equal(&gain, &again, sizeof gain);
	ASSERT_NEAR(none.mean, 0, 0);
	ASSERT_NEAR(none.share, 0, 0);
}

/* The same rows in few accounts say less: the interval is wider than with an account a row. */
static void rows_of_one_account_are_not_independent(void **state)
{
	double ours[N], theirs[N];
	bool events[N];
	uint32_t few[N], many[N];
	struct fit_gain by_few, by_many;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		few[i] = (uint32_t)(i / 100);
		many[i] = (uint32_t)i;
		events[i] = few[i] % 3 == 0;
		ours[i] = few[i] % 2 ? 0.5 : 0.3;
		theirs[i] = 0.4;
	}
	by_few = fit_compare(ours, theirs, events, few, N, N / 100, arena);
	by_many = fit_compare(ours, theirs, events, many, N, N, arena);
	ASSERT_NEAR(by_few.mean, by_many.mean, 1e-12);
	assert_true(by_few.high - by_few.low > 3 * (by_many.high - by_many.low));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bins_pool_neighbours_that_go_the_wrong_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bins_are_monotone_in_either_direction_and_few, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bins_leave_out_the_unknown_and_keep_equal_values_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(evidence_is_the_log_of_events_against_those_foretold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(few_events_leave_the_prior_and_many_leave_the_data, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_forecast_too_high_everywhere_says_nothing_of_a_signal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_few_rows_against_the_prior_do_not_turn_it_around, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_logistic_finds_the_weights_that_made_the_data, set_up, tear_down),
		cmocka_unit_test_setup_teardown(at_the_solution_the_slopes_are_zero, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_weight_is_never_negative, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_data_the_weights_are_the_centre, set_up, tear_down),
		cmocka_unit_test_setup_teardown(separable_data_end_at_finite_weights, set_up, tear_down),
		cmocka_unit_test_setup_teardown(log_loss_is_what_the_formula_says_and_never_infinite, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_better_forecast_is_told_from_an_equal_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_of_one_account_are_not_independent, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

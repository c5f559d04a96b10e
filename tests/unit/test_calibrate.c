#include "cmocka_shim.h"

#include <string.h>

#include "common/yaml.h"
#include "score/calibrate.h"

enum { N_ACCOUNTS = 400, N_DAYS = 24, EVERY = 30, N_SIGNALS = 3, N_MOST = N_ACCOUNTS * N_DAYS };

static struct arena *arena;

static const struct calibrate_signal signals[N_SIGNALS] = {
	{ "silence", FAMILY_USAGE, 0, 10, 1, 0.4 },
	{ "level", FAMILY_USAGE, 1, 0, 1, 0.4 },
	{ "tickets", FAMILY_SUPPORT, 0, 5, 1, 0 },
};

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

static double prior_of(const struct calibrate_signal *s, double value)
{
	double strength = fmax(0, fmin(1, (value - s->low) / (s->high - s->low)));

	return isnan(value) ? 0 : strength * (s->weight + s->relief) - s->relief;
}

/* What really moves accounts in a made-up world, in logits. */
typedef double truth_fn(const double *values);

static double as_the_priors_say(const double *values)
{
	double sum = 0;

	for (int k = 0; k < N_SIGNALS; k++)
		sum += prior_of(&signals[k], values[k]);
	return sum;
}

static double nothing(const double *values)
{
	(void)values;
	return 0;
}

/* Only the level counts, and steeply at its low end; silence says nothing. */
static double only_a_low_level(const double *values)
{
	return values[1] < 0.25 ? 3 : -0.3;
}

static double upside_down(const double *values)
{
	return -2 * as_the_priors_say(values);
}

/* Accounts on as-of days; who is lost leaves. Tickets are known of every other account. */
static struct calibrate_input world(truth_fn *truth, double base, uint64_t seed)
{
	struct calibrate_row *rows = arena_array(arena, N_MOST, sizeof *rows);
	double *values = arena_array(arena, (size_t)N_MOST * N_SIGNALS, sizeof *values);
	bool *is_gone = arena_array(arena, N_ACCOUNTS, sizeof *is_gone);
	size_t n = 0;

	for (int32_t day = 0; day < N_DAYS; day++)
		for (uint32_t account = 0; account < N_ACCOUNTS; account++) {
			double *v = values + n * N_SIGNALS;

			if (is_gone[account])
				continue;
			v[0] = 12 * uniform(&seed);
			v[1] = uniform(&seed);
			v[2] = account % 2 ? NAN : floor(6 * uniform(&seed));
			rows[n] = (struct calibrate_row){ .account = account, .day = 1000 + EVERY * day, .base_logit = -3.2 };
			rows[n].logit = -3.2 + as_the_priors_say(v);
			rows[n].is_event = uniform(&seed) < 1 / (1 + exp(-base - truth(v)));
			is_gone[account] = rows[n].is_event;
			n++;
		}
	return (struct calibrate_input){ .rows = rows, .values = values, .signals = signals, .n_rows = n,
		                             .n_signals = N_SIGNALS, .n_accounts = N_ACCOUNTS, .horizon_days = EVERY,
		                             .family_cap = 2.2, .total_relief = 1 };
}

static void a_history_that_goes_other_ways_than_the_priors_is_learnt(void **state)
{
	struct calibrate_input in = world(only_a_low_level, -4.5, 11);
	struct calibration c;

	(void)state;
	calibrate_fit(&in, arena, &c);
	if (!c.is_fitted)
		fail_msg("%s", c.why);
	assert_true(c.gain.low > 0 && c.after.log_loss < c.before.log_loss && c.after.auc > c.before.auc + 0.02);
	assert_true(c.after.ece < c.before.ece);
	/* the level steep at its low end, silence nearly silent */
	assert_true(c.curves[1].logit[0] - c.curves[1].logit[c.curves[1].n - 1] > 1.8);
	assert_true(c.curves[0].logit[c.curves[0].n - 1] - c.curves[0].logit[0] < 0.5);
}

static void every_curve_goes_in_its_signal_s_direction(void **state)
{
	static truth_fn *const worlds[] = { only_a_low_level, as_the_priors_say, upside_down };

	(void)state;
	for (size_t w = 0; w < 3; w++) {
		struct calibrate_input in = world(worlds[w], -3.5, 17 + w);
		struct calibration c;

		calibrate_fit(&in, arena, &c);
		for (size_t k = 0; k < N_SIGNALS; k++)
			for (int i = 1; i < c.curves[k].n; i++) {
				double step = c.curves[k].logit[i] - c.curves[k].logit[i - 1];

				assert_true(signals[k].low < signals[k].high ? step >= 0 : step <= 0);
				assert_true(c.curves[k].at[i] > c.curves[k].at[i - 1]);
			}
	}
}

static void where_the_priors_are_right_no_fit_beats_them_by_much(void **state)
{
	int n_kept = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct calibrate_input in = world(as_the_priors_say, -3.2, seed);
		struct calibration c;

		calibrate_fit(&in, arena, &c);
		n_kept += !c.is_fitted;
		assert_true(c.after.log_loss < c.before.log_loss + 0.008 && c.after.auc > c.before.auc - 0.03);
	}
	assert_true(n_kept >= 3);
}

static void where_nothing_tells_accounts_apart_the_priors_stay(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct calibrate_input in = world(nothing, -3.2, seed);
		struct calibration c;

		calibrate_fit(&in, arena, &c);
		assert_false(c.is_fitted);
		assert_string_equal(c.why, "nothing tells accounts apart better than chance");
	}
}

static double a_little(const double *values)
{
	return 0.4 * as_the_priors_say(values);
}

/* Who ranks a little, and foretells hardly better than the rate of losses does, is not told that it is chance. */
static void a_rank_that_foretells_nothing_is_not_called_chance(void **state)
{
	static const uint64_t seeds[] = { 8, 11 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct calibrate_input in = world(a_little, -3.2, seeds[i]);
		struct calibration c;

		calibrate_fit(&in, arena, &c);
		assert_false(c.is_fitted);
		assert_true(c.after.auc > 0.55);
		assert_non_null(strstr(c.why, "ranks accounts better than chance"));
	}
}

/* Losses stop half way, and the base rate that is known follows: that is no merit of any signal. */
static void a_base_that_moves_tells_no_accounts_apart(void **state)
{
	struct calibrate_input in = world(nothing, -2, 29);
	struct calibrate_row *rows = arena_memdup(arena, in.rows, in.n_rows * sizeof *rows);
	struct calibration c;

	(void)state;
	in.rows = rows;
	for (size_t i = 0; i < in.n_rows; i++) {
		double base = rows[i].day < 1000 + 6 * EVERY ? -2 : -5;

		rows[i].is_event = rows[i].is_event && (base > -3 || rows[i].account % 7 == 0);
		rows[i].logit += base - rows[i].base_logit;
		rows[i].base_logit = base;
	}
	calibrate_fit(&in, arena, &c);
	assert_false(c.is_fitted);
	ASSERT_NEAR(c.before.auc, 0.5, 0.08);
}

static void few_events_are_refused_in_words(void **state)
{
	struct calibrate_input in = world(only_a_low_level, -9, 3);
	struct calibration c;

	(void)state;
	calibrate_fit(&in, arena, &c);
	assert_true(c.n_events > 0 && c.n_events < CALIBRATE_MIN_EVENTS);
	assert_false(c.is_fitted);
	assert_non_null(strstr(c.why, "too few to learn from"));
	in.n_rows = 0;
	calibrate_fit(&in, arena, &c);
	assert_false(c.is_fitted);
	ASSERT_INT(c.n_rows, 0);
}

/* Every row of an account has its secret, and what became of it: a fit that had seen the account would know. */
static void an_account_is_judged_by_fits_that_never_saw_it(void **state)
{
	struct calibrate_input in = world(nothing, -2, 23);
	double *values = arena_memdup(arena, in.values, in.n_rows * N_SIGNALS * sizeof *values);
	struct calibrate_row *rows = arena_memdup(arena, in.rows, in.n_rows * sizeof *rows);
	struct calibration c;
	uint64_t seed = 5;
	double secret[N_ACCOUNTS];
	bool fate[N_ACCOUNTS];

	(void)state;
	for (size_t k = 0; k < N_ACCOUNTS; k++) {
		secret[k] = 12 * uniform(&seed);
		fate[k] = uniform(&seed) < 0.2;
	}
	for (size_t i = 0; i < in.n_rows; i++) {
		values[i * N_SIGNALS] = secret[rows[i].account];
		values[i * N_SIGNALS + 1] = 1 - secret[rows[i].account] / 12;
		rows[i].is_event = fate[rows[i].account];
	}
	in.values = values;
	in.rows = rows;
	calibrate_fit(&in, arena, &c);
	assert_true(c.after.auc < 0.6);
}

static void the_same_in_gives_the_same_out(void **state)
{
	struct calibrate_input in = world(only_a_low_level, -4.5, 11);
	struct buf one, other;
	struct calibration c;

	(void)state;
	buf_init(&one, 1 << 16);
	buf_init(&other, 1 << 16);
	calibrate_fit(&in, arena, &c);
	calibrate_write(&in, &c, ENGINE_DEFENSE, arena, &one);
	calibrate_fit(&in, arena, &c);
	calibrate_write(&in, &c, ENGINE_DEFENSE, arena, &other);
	assert_string_equal(one.at, other.at);
	buf_done(&one);
	buf_done(&other);
}

static void what_is_written_is_yaml_with_its_quality_inside(void **state)
{
	struct calibrate_input in = world(only_a_low_level, -4.5, 11);
	struct mistakes mistakes = { .arena = arena };
	const struct yaml *tree, *defense;
	struct calibration c;
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 16);
	calibrate_fit(&in, arena, &c);
	calibrate_write(&in, &c, ENGINE_DEFENSE, arena, &text);
	tree = yaml_parse(arena, "weights", text.at, text.len, &mistakes);
	ASSERT_INT(mistakes.n, 0);
	defense = yaml_member(tree, "defense");
	assert_string_equal(yaml_member(defense, "fitted")->text, "true");
	assert_non_null(yaml_member(yaml_member(defense, "before"), "log_loss"));
	assert_non_null(yaml_member(yaml_member(yaml_member(defense, "signals"), "level"), "logit"));
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_history_that_goes_other_ways_than_the_priors_is_learnt, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_curve_goes_in_its_signal_s_direction, set_up, tear_down),
		cmocka_unit_test_setup_teardown(where_the_priors_are_right_no_fit_beats_them_by_much, set_up, tear_down),
		cmocka_unit_test_setup_teardown(where_nothing_tells_accounts_apart_the_priors_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_base_that_moves_tells_no_accounts_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_rank_that_foretells_nothing_is_not_called_chance, set_up, tear_down),
		cmocka_unit_test_setup_teardown(few_events_are_refused_in_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_account_is_judged_by_fits_that_never_saw_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_same_in_gives_the_same_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_written_is_yaml_with_its_quality_inside, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

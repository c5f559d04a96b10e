/* Use against its own past and against what the whole base does. */
#include "cmocka_shim.h"

#include <string.h>

#include "accounts.h"
#include "store/usage.h"

static struct sample s;
static int64_t more[FACTS_DAYS];

static int setup(void **state)
{
	struct arena *a = arena_new(0);

	sample_init(&s, a);
	s.settings.users_metric = NULL;
	s.metrics[1] = (struct fact_metric){ .id = 2, .name = "api_calls", .scale = 1 };
	s.usage[1] = more;
	for (int age = 0; age < FACTS_DAYS; age++)
		more[age] = age < 400 ? 10 : USAGE_NONE;
	*state = a;
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct reading *reading(const char *name)
{
	sample_score(&s, NULL);
	return sample_reading(&s, ENGINE_DEFENSE, name);
}

static void a_move_to_another_metric_is_no_alarm(void **state)
{
	(void)state;
	sample_use(&s, 0, 35, 0);
	assert_true(reading("sudden_drop")->strength > 0.9 && reading("below_own_baseline")->strength > 0.5);
	assert_true(reading("active_level")->value > 1);
	for (int age = 0; age < 35; age++)
		more[age] = 100; /* a script does it now */
	ASSERT_NEAR(reading("sudden_drop")->strength, 0, 1e-9);
	assert_non_null(strstr(reading("sudden_drop")->evidence, "moved to API calls"));
	ASSERT_NEAR(reading("below_own_baseline")->strength, 0, 1e-9);
	ASSERT_NEAR(reading("silence")->strength, 0, 1e-9);
	assert_true(reading("active_level")->value < 0.1);
}

static void features_given_up_count_less_those_taken_up(void **state)
{
	const struct reading *r;

	(void)state;
	assert_false(reading("features_dropped")->is_known); /* one is no choice */
	s.metrics[1].is_activity = true;
	assert_true(reading("features_dropped")->is_known);
	ASSERT_NEAR(reading("features_dropped")->value, 0, 1e-9);
	for (int age = 0; age < 28; age++)
		more[age] = 0;
	r = reading("features_dropped");
	ASSERT_NEAR(r->value, 0.5, 1e-9);
	assert_non_null(strstr(r->evidence, "1 of 2 features in regular use not touched for 28 days: API calls"));
	for (int age = 28; age < FACTS_DAYS; age++)
		more[age] = age < 160 && age % 30 == 0 ? 1 : USAGE_NONE; /* now and then: no habit that could end */
	assert_false(reading("features_dropped")->is_known);
}

/* Two weeks in which nobody works, and the same two weeks of one account. */
static void what_everybody_does_is_no_signal(void **state)
{
	static const char *const names[] = { "sudden_drop", "silence", "active_level" };
	double alone[ARRAY_LEN(names)];

	(void)state;
	sample_use(&s, 0, 14, 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		alone[i] = reading(names[i])->said;
	sample_use_all(&s, 0, 14, 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_true(reading(names[i])->said < alone[i] - 0.2);
	assert_true(reading("silence")->strength < 0.05);
	assert_true(reading("sudden_drop")->strength < 0.05);
	ASSERT_INT(s.diagnosis.verdicts[ENGINE_DEFENSE].band, 0);
}

/* What is a drop in a steady account is an ordinary week of a restless one. */
static void a_drop_is_measured_by_its_own_ups_and_downs(void **state)
{
	double steady;

	(void)state;
	for (int age = 0; age < 7; age++)
		s.usage[0][age] = s.usage[0][age] == USAGE_NONE ? USAGE_NONE : 3;
	steady = reading("sudden_drop")->value;
	assert_true(steady > 4);
	for (int age = 7; age < FACTS_DAYS; age++)
		if (s.usage[0][age] != USAGE_NONE)
			s.usage[0][age] = (uint32_t)(age / 7) * 2654435761u >> 31 ? 2 : 30;
	assert_true(reading("sudden_drop")->value < 2);
}

/* The weekend is no silence of who works on working days, and weekly work none on the sixth day. */
static void silence_goes_by_the_weekdays(void **state)
{
	double weekend, days;

	(void)state;
	sample_use(&s, 0, FACTS_DAYS, 0);
	for (int age = 2; age < 400; age++)
		if (age % 7 >= 2)
			sample_use_all(&s, age, age + 1, 1);
	for (int i = 1; i <= N_OTHERS; i++)
		for (int age = 0; age < FACTS_DAYS; age++)
			if (age % 7 < 2)
				s.active[i].words[age / 64] &= ~(UINT64_C(1) << (age % 64));
	weekend = reading("silence")->value;
	sample_use(&s, 2, 4, 0);
	days = reading("silence")->value;
	assert_true(weekend < 0.2 && days > 1.5);
}

/* Used every so many days for years, and then no more. */
static double times_after(int idle_days, int every)
{
	struct diagnosis d;

	sample_use(&s, 0, FACTS_DAYS, 0);
	for (int age = idle_days; age < FACTS_DAYS; age += every)
		sample_use(&s, age, age + 1, 1);
	s.account.gone_days = idle_days < FACTS_DAYS ? 0 : idle_days;
	sample_series(s.usage, s.arena, &s.account);
	score_account(judge_of(&s.settings, &s.base, norms_of(&s.base, s.arena), s.arena), &s.account, NULL, WORDS_ALL,
	              s.arena, &d);
	s.diagnosis = d;
	return d.verdicts[ENGINE_DEFENSE].times;
}

static void silence_is_never_forgotten_however_long_it_lasts(void **state)
{
	static const int rhythms[] = { 1, 3, 7, 14 };

	(void)state;
	s.metrics[1].is_activity = false;
	for (size_t i = 0; i < ARRAY_LEN(rhythms); i++) {
		double last = 0;

		for (int idle = 0; idle < 2 * FACTS_DAYS; idle += 7) {
			double now = times_after(idle, rhythms[i]);

			if (now < last - 1e-3)
				fail_msg("every %d days: %d silent days take the odds from %f to %f", rhythms[i], idle, last, now);
			last = now;
		}
		assert_true(last > s.settings.bands.at_risk);
	}
	assert_non_null(strstr(sample_reading(&s, ENGINE_DEFENSE, "silence")->evidence, "no activity for 889 days"));
	sample_use(&s, 0, FACTS_DAYS, 0);
	s.account.gone_days = 0;
	assert_false(reading("silence")->is_known); /* never in use: not known */
}

static void a_young_account_is_in_danger_as_far_as_it_is_not_in_use(void **state)
{
	(void)state;
	ASSERT_NEAR(reading("short_tenure")->value, 0, 1e-9);
	s.account.customer_since_on = AS_OF - 60;
	assert_true(reading("short_tenure")->value < 0.1); /* as busy as the others */
	ASSERT_NEAR(reading("stalled_adoption")->strength, 0, 1e-9);
	sample_use(&s, 0, FACTS_DAYS, 0);
	sample_use(&s, 40, 43, 1);
	assert_true(reading("short_tenure")->value > 0.5);
	assert_true(reading("stalled_adoption")->strength > 0.8);
	assert_non_null(strstr(reading("stalled_adoption")->evidence, "best month had 3 active days; 19"));
	s.account.customer_since_on = AS_OF - 300;
	ASSERT_NEAR(reading("stalled_adoption")->strength, 0, 1e-9); /* no longer a matter of onboarding */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_move_to_another_metric_is_no_alarm, setup, teardown),
		cmocka_unit_test_setup_teardown(features_given_up_count_less_those_taken_up, setup, teardown),
		cmocka_unit_test_setup_teardown(what_everybody_does_is_no_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(a_drop_is_measured_by_its_own_ups_and_downs, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_goes_by_the_weekdays, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_is_never_forgotten_however_long_it_lasts, setup, teardown),
		cmocka_unit_test_setup_teardown(a_young_account_is_in_danger_as_far_as_it_is_not_in_use, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

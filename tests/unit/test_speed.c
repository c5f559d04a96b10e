/* How fast accounts were lost before, and by when to act because of it. */
#include "cmocka_shim.h"

#include "accounts.h"
#include "score/speed.h"

enum { N = 40 };

static struct past_finding findings[N];
static struct outcome ends[N];
static struct outcomes outcomes = { .from = AS_OF - 900, .until = AS_OF, .events = ends };

static void lose(size_t i, const char *cause, int32_t opened_on, int32_t days)
{
	findings[i] = (struct past_finding){ (int64_t)i + 1, cause, opened_on };
	ends[i] = (struct outcome){ .account = (int64_t)i + 1, .on = opened_on + days, .kind = OUTCOME_CHURN };
	outcomes.n_events = i + 1;
}

static void a_quarter_of_those_lost_sets_the_speed(void **state)
{
	struct arena *a = *state;
	const struct fact_speed *speeds;
	size_t n;

	for (size_t i = 0; i < 8; i++)
		lose(i, "silence", AS_OF - 300, 10 * ((int32_t)i + 1));
	n = speed_measure(findings, 8, &outcomes, 90, a, &speeds);
	ASSERT_INT(n, 1); /* enough of this cause, too few of any */
	assert_string_equal(speeds[0].cause, "silence");
	ASSERT_INT(speeds[0].n, 8);
	ASSERT_INT(speeds[0].days, 20);
	assert_null(speed_of(speeds, n, "low_survey"));
	n = speed_measure(findings, SPEED_MIN - 1, &outcomes, 90, a, &speeds);
	ASSERT_INT(n, 0);
	n = speed_measure(findings, 8, &outcomes, 30, a, &speeds); /* what comes later is another story */
	ASSERT_INT(n, 0);
	n = speed_measure(findings, 0, &outcomes, 90, a, &speeds);
	ASSERT_INT(n, 0);
}

static void causes_with_too_few_go_by_all(void **state)
{
	struct arena *a = *state;
	const struct fact_speed *speeds;
	size_t n;

	for (size_t i = 0; i < N; i++)
		lose(i, i % 10 ? "silence" : "low_survey", AS_OF - 300, i % 10 ? 40 : 4);
	n = speed_measure(findings, N, &outcomes, 90, a, &speeds);
	ASSERT_INT(n, 2);
	ASSERT_INT(speed_of(speeds, n, "silence")->days, 40);
	assert_null(speed_of(speeds, n, "low_survey")->cause);
	ASSERT_INT(speed_of(speeds, n, "low_survey")->n, N);
}

static void it_is_time_to_act_before_the_quick_ones_were_gone(void **state)
{
	static const struct fact_speed quick = { "cancel_notice", 9, 6 }, slow = { "cancel_notice", 9, 60 };
	struct fact_notice notice = { "cancel", "EUR", "", AS_OF - 1, AS_OF + 80, 0 };
	const struct verdict *v;
	struct sample s;

	sample_init(&s, *state);
	s.account.notices = &notice;
	s.account.n_notices = 1;
	v = &sample_score(&s, NULL)->verdicts[ENGINE_DEFENSE];
	ASSERT_INT(v->act_by_on, AS_OF + 7); /* the play's days */
	assert_null(v->speed);
	s.base.speeds = &slow;
	s.base.n_speeds = 1;
	v = &sample_score(&s, NULL)->verdicts[ENGINE_DEFENSE];
	ASSERT_INT(v->act_by_on, AS_OF + 7); /* it only ever hurries */
	s.base.speeds = &quick;
	v = &sample_score(&s, NULL)->verdicts[ENGINE_DEFENSE];
	ASSERT_INT(v->act_by_on, AS_OF + 3);
	assert_ptr_equal(v->speed, &quick);
	notice.effective_on = AS_OF + 8;
	s.base.n_speeds = 0;
	v = &sample_score(&s, NULL)->verdicts[ENGINE_DEFENSE];
	ASSERT_INT(v->act_by_on, AS_OF + 1);
	ASSERT_INT(v->pressing_on, AS_OF + 8);
}

static int setup(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_quarter_of_those_lost_sets_the_speed, setup, teardown),
		cmocka_unit_test_setup_teardown(causes_with_too_few_go_by_all, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_time_to_act_before_the_quick_ones_were_gone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

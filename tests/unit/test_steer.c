/* Steering: which engine comes first, what groups pull, what findings are worth; all of it by figures made by hand. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "score/steer.h"

static struct arena *arena;

enum { N = 6 };

static struct nrr_window window(int32_t from, int32_t to, struct nrr_sums sums)
{
	struct nrr_window w = { .span = { from, to }, .why_none = "insufficient history: nothing" }, part = w;

	sums.kept_minor = sums.start_minor - sums.contraction_minor - sums.churn_minor;
	sums.cohort_end_minor = sums.kept_minor + sums.expansion_minor;
	sums.end_minor = sums.cohort_end_minor + sums.added_minor;
	part.sums = sums;
	nrr_add(&w, &part);
	return w;
}

/* Six quarters of 1,000.00 each; churn in points of each. */
static struct nrr_window quarters[N], so_far;

static struct steer_input made(const int churn[N], const int expansion[N])
{
	int32_t day = day_of(2025, 1, 1);

	for (int i = 0; i < N; i++)
		quarters[i] = window(day_add_months(day, 3 * (i - N)), day_add_months(day, 3 * (i + 1 - N)),
		                     (struct nrr_sums){ .n_start = 10, .start_minor = 100000, .churn_minor = churn[i] * 1000,
		                                        .contraction_minor = 500, .expansion_minor = expansion[i] * 1000 });
	so_far = window(day, day_of(2025, 2, 1), (struct nrr_sums){ .n_start = 10, .start_minor = 100000,
	                                                            .churn_minor = 2000 });
	return (struct steer_input){ .currency = "EUR", .quarters = quarters, .n_quarters = N, .so_far = &so_far,
		.quarter_ends_on = day_of(2025, 3, 31) };
}

static void assert_says(const char *text, const char *what)
{
	assert_non_null(text);
	if (!strstr(text, what))
		fail_msg("no `%s` in: %s", what, text);
}

static void the_engine_comes_first_that_does_worst_beside_its_own_good_quarter(void **state)
{
	struct steer_input in = made((const int[]){ 1, 2, 1, 3, 2, 6 }, (const int[]){ 4, 5, 4, 5, 4, 4 });
	struct steer s;

	(void)state;
	steer_make(&in, arena, &s);
	ASSERT_INT(s.engines[0].engine, STEER_CHURN);
	ASSERT_NEAR(s.engines[0].points, 6, 1e-9);
	ASSERT_NEAR(s.engines[0].usual, 2, 1e-9);
	ASSERT_NEAR(s.engines[0].good, 1, 1e-9); /* of 1 1 2 2 3: the better quartile by nearest rank */
	ASSERT_NEAR(s.engines[0].to_gain, 5, 1e-9);
	ASSERT_INT(s.engines[1].engine, STEER_EXPANSION); /* 4 now, 5 in a good quarter */
	ASSERT_NEAR(s.engines[1].to_gain, 1, 1e-9);
	assert_string_equal(s.first, "Work on churn first: it took 6.0 points of NRR in the three months to 2025-01-01 "
	                             "(EUR 60 a month); usually 2.0. A good quarter of your own has 1.0: that would give 5.0 points "
	                             "back.");
	assert_string_equal(s.next, "Then expansion (4.0 points, a good quarter has 5.0: 1.0 to gain).");
	assert_null(s.still);
	assert_null(s.pulls);
}

static void expansion_that_is_missing_comes_before_a_leak_that_is_as_ever(void **state)
{
	struct steer_input in = made((const int[]){ 3, 3, 3, 3, 3, 3 }, (const int[]){ 4, 5, 4, 5, 4, 0 });
	struct steer s;

	(void)state;
	steer_make(&in, arena, &s);
	ASSERT_INT(s.engines[0].engine, STEER_EXPANSION);
	ASSERT_NEAR(s.engines[0].to_gain, 5, 1e-9);
	assert_says(s.first, "Work on expansion first: it added 0.0 points of NRR");
	assert_null(s.next);
}

static void when_nothing_is_worse_than_a_good_quarter_the_largest_leak_is_told(void **state)
{
	struct steer_input in = made((const int[]){ 3, 3, 3, 3, 3, 3 }, (const int[]){ 4, 4, 4, 4, 4, 4 });
	struct steer s;

	(void)state;
	steer_make(&in, arena, &s);
	ASSERT_INT(s.engines[0].engine, STEER_CHURN);
	assert_says(s.first, "The largest leak is churn: it took 3.0 points");
	assert_says(s.first, "No engine does worse than in a good quarter of your own.");
}

static void voluntary_and_involuntary_churn_are_told_apart(void **state)
{
	struct steer_input in = made((const int[]){ 3, 3, 3, 3, 3, 3 }, (const int[]){ 4, 4, 4, 4, 4, 4 });
	struct steer s;

	(void)state;
	quarters[N - 1].sums.involuntary_minor = 2000;
	steer_make(&in, arena, &s);
	ASSERT_INT(s.engines[0].engine, STEER_INVOLUNTARY);
	ASSERT_NEAR(s.engines[0].points, 2, 1e-9);
	ASSERT_NEAR(s.engines[0].to_gain, 2, 1e-9);
	for (int i = 0; i < N_STEER_ENGINES; i++)
		if (s.engines[i].engine == STEER_CHURN)
			ASSERT_NEAR(s.engines[i].points, 1, 1e-9);
}

static void a_short_past_compares_nothing_and_a_missing_one_says_why(void **state)
{
	struct steer_input in = made((const int[]){ 3, 3, 3, 3, 3, 9 }, (const int[]){ 4, 4, 4, 4, 4, 4 });
	struct steer s;

	(void)state;
	for (int i = 0; i < 3; i++)
		quarters[i] = window(0, 1, (struct nrr_sums){ 0 });
	steer_make(&in, arena, &s);
	ASSERT_INT(s.n_past, 2);
	assert_true(isnan(s.engines[0].usual));
	assert_says(s.first, "The largest leak is churn: it took 9.0 points");
	assert_says(s.first, "4 earlier quarters are wanted; there are 2.");
	quarters[N - 1] = window(0, 1, (struct nrr_sums){ 0 });
	steer_make(&in, arena, &s);
	assert_string_equal(s.first, "insufficient history: nothing");
	assert_null(s.next);
}

static void findings_count_by_probability_within_the_quarter_and_the_cohort(void **state)
{
	static const struct steer_finding findings[] = {
		{ 1, true, 50000, 3000, 20140 },   /* of 2025-02-21: 3 points at risk */
		{ 1, true, 50000, 2900, 20140 },   /* of the same revenue */
		{ 2, true, 1000, 9000, 20140 },    /* nobody loses more than they pay: 1 point */
		{ 3, true, 50000, 2000, 20240 },   /* of June: later */
		{ 1, false, 20000, 1500, 20177 },  /* of 2025-03-30 */
		{ 5, false, 0, 5000, 20140 },      /* did not pay on the first day */
	};
	struct steer_input in = made((const int[]){ 3, 3, 3, 3, 3, 3 }, (const int[]){ 4, 4, 4, 4, 4, 4 });
	struct steer s;

	(void)state;
	in.findings = findings;
	in.n_findings = ARRAY_LEN(findings);
	steer_make(&in, arena, &s);
	ASSERT_INT(s.defense.n, 2);
	ASSERT_NEAR(s.defense.points, 4, 1e-9);
	ASSERT_INT(s.defense.n_later, 1);
	ASSERT_INT(s.expansion.n, 1);
	ASSERT_INT(s.n_outside, 1);
	assert_string_equal(s.worth, "This quarter (to 2025-03-31): NRR so far 98.0 %. Open findings: 2 accounts with 4.0 "
	                             "points at risk, 1 account with 1.5 to win; on average NRR comes to 95.5 %. Later: "
	                             "2.0 at risk, 0.0 to win. Not counted: 1 finding of accounts that did not pay on "
	                             "2025-01-01.");
	in.why_no_findings = "No account has been scored yet";
	steer_make(&in, arena, &s);
	assert_says(s.worth, "NRR so far 98.0 %. No account has been scored yet.");
	so_far = window(0, 1, (struct nrr_sums){ 0 });
	steer_make(&in, arena, &s);
	assert_non_null(strstr(s.worth, "insufficient history: nothing."));
}

/* Two segments over two days, and cohorts of three months in two years. */
static void groups_pull_the_whole_by_what_they_differ_and_weigh(void **state)
{
	struct steer_input in = made((const int[]){ 3, 3, 3, 3, 3, 3 }, (const int[]){ 4, 4, 4, 4, 4, 4 });
	struct nrr_window years[2], segments[4], cohorts[3];
	struct steer s;
	double sum = 0;

	(void)state;
	years[0] = window(0, 365, (struct nrr_sums){ .n_start = 20, .start_minor = 1000 });
	years[1] = window(90, 455, (struct nrr_sums){ .n_start = 20, .start_minor = 1000, .churn_minor = 100 });
	segments[0] = window(0, 365, (struct nrr_sums){ .n_start = 10, .start_minor = 400 });
	segments[1] = window(0, 365, (struct nrr_sums){ .n_start = 10, .start_minor = 600 });
	segments[2] = window(90, 455, (struct nrr_sums){ .n_start = 10, .start_minor = 400, .churn_minor = 100 });
	segments[3] = window(90, 455, (struct nrr_sums){ .n_start = 10, .start_minor = 600 });
	segments[0].group = segments[2].group = "SMB";
	segments[1].group = segments[3].group = "Enterprise";
	cohorts[0] = window(90, 455, (struct nrr_sums){ .n_start = 5, .start_minor = 300, .churn_minor = 100 });
	cohorts[1] = window(90, 455, (struct nrr_sums){ .n_start = 5, .start_minor = 300 });
	cohorts[2] = window(90, 455, (struct nrr_sums){ .n_start = 10, .start_minor = 400 });
	cohorts[0].group = "2023-01";
	cohorts[1].group = "2023-05";
	cohorts[2].group = "2024-01";
	in.years = years;
	in.n_years = 2;
	in.segments = (struct nrr_table){ segments, 4 };
	in.cohorts = (struct nrr_table){ cohorts, 3 };
	in.still_minor = 700;
	steer_make(&in, arena, &s);
	ASSERT_INT(s.n_groups, 4);
	assert_string_equal(s.groups[0].group, "SMB");
	ASSERT_NEAR(s.groups[0].pull, -6, 1e-9); /* (0.75 - 0.9) x 400 of 1,000 */
	ASSERT_NEAR(s.groups[1].pull, 6, 1e-9);
	assert_string_equal(s.groups[2].group, "2023");
	ASSERT_NEAR(s.groups[2].nrr[1], 500.0 / 600, 1e-9);
	assert_true(isnan(s.groups[2].nrr[0]));
	for (int i = 2; i < 4; i++)
		sum += s.groups[i].pull;
	ASSERT_NEAR(sum, 0, 1e-9);
	assert_says(s.pulls, "Over twelve months segment SMB pulls NRR down by 6.0 points (75.0 %, was 100.0 % on "
	                     "1971-01-01); segment Enterprise lifts NRR by 6.0 points");
	assert_says(s.still, "EUR 7 a month, 70 % of what was paid a year before, stands still");
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_engine_comes_first_that_does_worst_beside_its_own_good_quarter),
		CASE(expansion_that_is_missing_comes_before_a_leak_that_is_as_ever),
		CASE(when_nothing_is_worse_than_a_good_quarter_the_largest_leak_is_told),
		CASE(voluntary_and_involuntary_churn_are_told_apart),
		CASE(a_short_past_compares_nothing_and_a_missing_one_says_why),
		CASE(findings_count_by_probability_within_the_quarter_and_the_cohort),
		CASE(groups_pull_the_whole_by_what_they_differ_and_weigh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

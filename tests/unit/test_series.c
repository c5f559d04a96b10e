/* Weekly sums and days of a series, against the plain way to work them out. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/score/series.h"
#include "store/usage.h"

static int64_t series[FACTS_DAYS];

static void fill(unsigned seed)
{
	for (int age = 0; age < FACTS_DAYS; age++) {
		seed = seed * 1103515245 + 12345;
		series[age] = seed >> 16 & 3 ? USAGE_NONE : (int64_t)(seed >> 20 & 7) * 1000;
	}
}

static void sums_and_days_are_those_of_each_day(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 50; seed++) {
		double weeks[FACTS_DAYS / 7], right[FACTS_DAYS / 7] = { 0 };
		struct fact_days days = { 0 };
		int first = -1;

		fill(seed);
		for (int age = 0; age < FACTS_DAYS; age++)
			if (series[age] > 0) {
				right[age / 7] += (double)series[age];
				first = age;
			}
		series_weeks(series, FACTS_DAYS / 7, weeks);
		ASSERT_INT(series_days(series, &days), first);
		for (int w = 0; w < FACTS_DAYS / 7; w++)
			ASSERT_NEAR(weeks[w], right[w], 0);
		for (int age = 0; age < FACTS_DAYS; age++)
			ASSERT_INT(fact_days_count(&days, age, age + 1), series[age] > 0);
	}
}

static void nothing_reported_is_nothing_and_the_largest_counts_do_not_overflow(void **state)
{
	double weeks[FACTS_DAYS / 7];
	struct fact_days days = { 0 };

	(void)state;
	for (int age = 0; age < FACTS_DAYS; age++)
		series[age] = USAGE_NONE;
	ASSERT_INT(series_days(series, &days), -1);
	series_weeks(series, FACTS_DAYS / 7, weeks);
	ASSERT_NEAR(weeks[0], 0, 0);
	for (int age = 0; age < FACTS_DAYS; age++)
		series[age] = INT64_MAX;
	series_weeks(series, FACTS_DAYS / 7, weeks);
	assert_true(weeks[3] > 8e18);
	ASSERT_INT(series_days(series, &days), FACTS_DAYS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_and_days_are_those_of_each_day),
		cmocka_unit_test(nothing_reported_is_nothing_and_the_largest_counts_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

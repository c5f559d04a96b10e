/* Weekly sums and days of use, of one account and of the rows of a block, against the plain way to work them out. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/store/usage_weeks.h"
#include "store/fact_series.h"
#include "store/usage.h"

enum { N = 100, STRIDE = 104 };

static int64_t series[FACTS_DAYS];
static struct arena *a;

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
		const struct fact_series *s;
		double right[FACTS_WEEKS] = { 0 };
		int64_t values[FACTS_DAYS];

		fill(seed);
		for (int age = 0; age < FACTS_DAYS; age++)
			if (series[age] > 0)
				right[age / 7] += (double)series[age];
		s = fact_series_make(series, a);
		for (int w = 0; w < FACTS_WEEKS; w++)
			ASSERT_NEAR(s->weeks[w], right[w], 0);
		for (int age = 0; age < FACTS_DAYS; age++)
			ASSERT_INT(fact_days_count(&s->active, age, age + 1), series[age] > 0);
		fact_series_read(s, 3, FACTS_DAYS - 3, values);
		assert_memory_equal(values, series + 3, (FACTS_DAYS - 3) * sizeof *values);
	}
}

static void nothing_reported_is_nothing_and_the_largest_counts_do_not_overflow(void **state)
{
	const struct fact_series *s;

	(void)state;
	for (int age = 0; age < FACTS_DAYS; age++)
		series[age] = USAGE_NONE;
	s = fact_series_make(series, a);
	ASSERT_INT(fact_days_first(&s->active), -1);
	ASSERT_NEAR(s->weeks[0], 0, 0);
	for (int age = 0; age < FACTS_DAYS; age++)
		series[age] = INT64_MAX;
	s = fact_series_make(series, a);
	assert_true(s->weeks[3] > 8e18);
	ASSERT_INT(fact_days_first(&s->active), FACTS_DAYS - 1);
}

/* rows of cells ---------------------------------------------------------------------------------------------------- */

static uint16_t cells[FACTS_DAYS][STRIDE], masks[N];

/* By seed: all, some or none of them reported; noughts; the largest that fit; some that do not. */
static void fill_cells(unsigned seed)
{
	static const uint16_t some[] = { 0, 0, 1, 2, 3, 300, 65534, 65535 };
	unsigned chance = seed;

	for (int age = 0; age < FACTS_DAYS; age++)
		for (int i = 0; i < N; i++) {
			chance = chance * 1103515245 + 12345;
			cells[age][i] = seed < 6 ? some[seed] : some[(chance >> 16) % (seed % 2 ? 8 : 6)];
			masks[i] = (unsigned)i * seed % 3 ? 0 : UINT16_MAX;
		}
}

static void check_week(int week, int i, uint32_t word)
{
	uint32_t sum = 0, active = 0, any = 0;

	for (int d = 0; d < WEEK_DAYS; d++) {
		uint16_t cell = cells[week * WEEK_DAYS + d][i];

		sum += cell ? cell - 1u : 0;
		active |= (cell > 1 ? 1u : 0) << d;
		any |= cell;
	}
	ASSERT_INT(word & WEEK_ACTIVE, active);
	ASSERT_INT((word & WEEK_IS_TOLD) != 0, any != 0);
	ASSERT_INT((word & WEEK_IS_LARGE) != 0, any == UINT16_MAX);
	ASSERT_INT(word >> WEEK_SUM_AT, sum);
}

static void check_turned(int i, const struct fact_series *turned, const struct fact_days *days, uint32_t bits,
                         uint32_t weeks[][N])
{
	uint32_t all = 0;

	for (int week = 0; week < FACTS_WEEKS; week++) {
		all |= weeks[week][i];
		ASSERT_INT(turned->weeks[week], weeks[week][i] >> WEEK_SUM_AT);
	}
	ASSERT_INT(bits, all);
	for (int age = 0; age < FACTS_DAYS; age++) {
		ASSERT_INT(fact_days_count(days, age, age + 1), cells[age][i] > 1);
		ASSERT_INT(fact_days_count(&turned->active, age, age + 1), cells[age][i] > 1);
	}
}

static void rows_of_cells_are_added_up_by_week_and_account(void **state)
{
	uint32_t weeks[FACTS_WEEKS][N], bits[USAGE_ABREAST];
	uint8_t joined[FACTS_WEEKS][N];

	(void)state;
	for (unsigned seed = 0; seed < 30; seed++) {
		fill_cells(seed);
		memset(joined, 0, sizeof joined);
		for (int week = 0; week < FACTS_WEEKS; week++) {
			usage_week_add_up(cells[week * WEEK_DAYS], STRIDE, N, weeks[week]);
			usage_week_join(cells[week * WEEK_DAYS], STRIDE, N, joined[week]);
			for (int i = 0; i < N; i++) {
				check_week(week, i, weeks[week][i]);
				ASSERT_INT(joined[week][i], weeks[week][i] & WEEK_ACTIVE);
			}
		}
		for (int i = 0; i + USAGE_ABREAST <= N; i += USAGE_ABREAST) {
			struct fact_series turned[USAGE_ABREAST];
			struct fact_days days[USAGE_ABREAST];

			usage_weeks_turn(&weeks[0][i], N, turned, bits);
			usage_weeks_days(&joined[0][i], N, days);
			for (int k = 0; k < USAGE_ABREAST; k++)
				check_turned(i + k, &turned[k], &days[k], bits[k], weeks);
		}
	}
}

static void a_row_is_added_up_over_those_that_count(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 30; seed++) {
		uint32_t sum = 0, bits = 0;
		bool is_large = false;
		uint16_t joined[N] = { 0 };

		fill_cells(seed);
		for (int i = 0; i < N; i++)
			if (masks[i]) {
				sum += cells[5][i] ? cells[5][i] - 1u : 0;
				bits |= cells[5][i];
				is_large = is_large || cells[5][i] == UINT16_MAX;
			}
		ASSERT_INT(usage_row_bits(cells[5], masks, N), bits);
		ASSERT_INT(usage_row_is_large(cells[5], masks, N), is_large);
		ASSERT_INT(usage_row_sum(cells[5], masks, N), sum);
		usage_row_join(cells[5], N, joined);
		usage_row_join(cells[6], N, joined);
		for (int i = 0; i < N; i++)
			ASSERT_INT(joined[i], cells[5][i] | cells[6][i]);
	}
}

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_and_days_are_those_of_each_day),
		cmocka_unit_test(nothing_reported_is_nothing_and_the_largest_counts_do_not_overflow),
		cmocka_unit_test(rows_of_cells_are_added_up_by_week_and_account),
		cmocka_unit_test(a_row_is_added_up_over_those_that_count),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* What the base is like, against the plain way to count it; of more accounts than are counted at once, and with few and
 * many segments. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/score/norms.h"

enum { N = 600, DAYS = 300 };

static struct arena *a;
static struct fact_member members[N];
static struct fact_days active[N];
static const char *segments[N] = { "" };
static struct fact_base base;
static unsigned chance;

static unsigned below(unsigned n)
{
	chance = chance * 1103515245 + 12345;
	return (chance >> 16) % n;
}

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	chance = 7;
	memset(active, 0, sizeof active);
	for (int i = 0; i < N; i++) {
		members[i] = (struct fact_member){ .id = i + 1 };
		for (int age = 0; age < DAYS; age++)
			if (below(7) > (age % 7 < 2 ? 5u : 2u) && age != 10)
				fact_days_add(&active[i], age);
		fact_days_add(&active[i], DAYS);
	}
	base = (struct fact_base){ .as_of = 20500, .members = members, .n_members = N, .active = active,
	                           .segments = segments };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static void the_days_of_the_week_are_counted_over_all_accounts(void **state)
{
	const struct norms *norms = norms_of(&base, a);
	double counts[7] = { 0 }, all = 0;

	(void)state;
	for (int i = 0; i < N; i++)
		for (int age = 0; age < 182; age++) {
			int n = fact_days_count(&active[i], age, age + 1);

			counts[age % 7] += n;
			all += n;
		}
	for (int d = 0; d < 7; d++)
		ASSERT_NEAR(norms->weekday[d], 7 * (counts[d] + 5) / (all + 35), 0);
}

static void a_day_on_which_nobody_works_is_seen_and_no_other(void **state)
{
	const struct norms *norms = norms_of(&base, a);

	(void)state;
	for (int age = 0; age < SEASON_DAYS; age++)
		assert_true(age == 10 ? norms->season[age] < 0.2 : norms->season[age] > 0.6);
}

/* 64 segments are few, more are sorted. */
static void segments_are_in_order_however_many_there_are(void **state)
{
	static const int numbers[] = { 1, 3, 64, 65, 200 };
	double usual = 0;

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(numbers); t++) {
		const struct norms *norms;

		for (int i = 0; i < N; i++)
			members[i].segment = (uint32_t)(i * 7 % numbers[t]);
		for (int i = 0; i < numbers[t]; i++)
			segments[i] = arena_printf(a, "s%03d", numbers[t] - 1 - i);
		norms = norms_of(&base, a);
		ASSERT_INT(norms->n_segments, numbers[t]);
		for (size_t s = 0; s < norms->n_segments; s++) {
			double days = 0;
			int n = 0;

			assert_string_equal(norms->segments[s].name, arena_printf(a, "s%03zu", s));
			for (int i = 0; i < N; i++)
				if (strcmp(segments[members[i].segment], norms->segments[s].name) == 0) {
					days += fact_days_count(&active[i], 0, 28);
					n++;
				}
			ASSERT_INT(norms->segments[s].n, n);
			ASSERT_NEAR(norms->segments[s].active_28, (days + 10 * norms->active_28) / (n + 10), 1e-9);
		}
		usual = t ? usual : norms->usual;
		ASSERT_NEAR(norms->usual, usual, 1e-9);
	}
}

/* The level of an account is the same whether it is worked out by itself or with the whole base. */
static void the_base_is_as_its_accounts_are(void **state)
{
	const struct norms *norms = norms_of(&base, a);
	double sum = 0;

	(void)state;
	for (int i = 0; i < N; i++)
		sum += norm_level(norms, &active[i]);
	ASSERT_NEAR(sum / N, norms->mean_rate, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_days_of_the_week_are_counted_over_all_accounts, setup, teardown),
		cmocka_unit_test_setup_teardown(a_day_on_which_nobody_works_is_seen_and_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(segments_are_in_order_however_many_there_are, setup, teardown),
		cmocka_unit_test_setup_teardown(the_base_is_as_its_accounts_are, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cmocka_shim.h"

#include "../../src/score/faded.h"
#include "store/fact_rows.h"

enum { SETS = 40, RANGES = 400 };

static unsigned seed = 7;

static int chance(int below)
{
	seed = seed * 1103515245u + 12345u;
	return (int)(seed >> 16) % below;
}

/* Of every density, nearly empty and full ones too; and the same as plain flags. */
static struct fact_days made(int nth, bool flags[FACTS_DAYS])
{
	struct fact_days d = { 0 };

	for (int age = 0; age < FACTS_DAYS; age++) {
		flags[age] = nth == 1 || (nth && chance(SETS) < nth - 1) || (nth == 2 && age == FACTS_DAYS - 1);
		if (flags[age])
			fact_days_add(&d, age);
	}
	return d;
}

static void days_are_counted_and_found_as_one_by_one(void **state)
{
	bool flags[FACTS_DAYS];

	(void)state;
	for (int nth = 0; nth < SETS; nth++) {
		struct fact_days d = made(nth, flags);

		for (int r = 0; r < RANGES; r++) {
			int from = r ? chance(FACTS_DAYS + 20) - 10 : 0, to = r ? chance(FACTS_DAYS + 20) - 10 : FACTS_DAYS, n = 0;
			int next = FACTS_DAYS, before = -1;

			for (int age = 0; age < FACTS_DAYS; age++) {
				n += flags[age] && age >= from && age < to;
				next = flags[age] && age >= from && next == FACTS_DAYS ? age : next;
				before = flags[age] && age < to ? age : before;
			}
			ASSERT_INT(fact_days_count(&d, from, to), n);
			ASSERT_INT(fact_days_any(&d, from, to), n > 0);
			if (from >= 0)
				ASSERT_INT(fact_days_next(&d, from), next);
			if (to <= FACTS_DAYS)
				ASSERT_INT(fact_days_before(&d, to), before);
		}
	}
}

static void faded_weights_add_up_to_the_bit_as_one_by_one(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct faded *f = faded_new(a);

	(void)state;
	for (int to = FADED_RECENT_DAYS; to < FACTS_DAYS; to += 17) {
		double up = 0, down = 0;

		for (int age = FADED_RECENT_DAYS; age <= to; age++)
			up += faded_at(f, age);
		for (int age = to; age >= FADED_RECENT_DAYS; age--)
			down += faded_at(f, age);
		assert_memory_equal(&up, &f->from_recent[to], sizeof up);
		assert_memory_equal(&down, &f->to_recent[to], sizeof down);
		up = faded_between(f, FADED_RECENT_DAYS, to);
		assert_memory_equal(&up, &f->from_recent[to], sizeof up);
	}
	ASSERT_NEAR(faded_at(f, 90), 0.5, 1e-15);
	ASSERT_NEAR(faded_between(f, 89, 90), faded_at(f, 89) + 0.5, 1e-15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_are_counted_and_found_as_one_by_one),
		cmocka_unit_test(faded_weights_add_up_to_the_bit_as_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

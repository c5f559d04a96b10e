/* When a message is tried again. */
#include "cmocka_shim.h"

#include "../../src/deliver/channel.h"
#include "common/arena.h"

static void the_schedule_grows_from_seconds_to_hours(void **state)
{
	static const int64_t delays_s[] = { 0, 5, 30, 120, 300, 900, 1800, 3600, 7200, 14400, 14400, 14400 };

	(void)state;
	for (int n = 0; n < (int)ARRAY_LEN(delays_s); n++) {
		int64_t ms = retry_delay_ms(n, "key");

		assert_true(ms >= delays_s[n] * 800);
		assert_true(ms <= delays_s[n] * 1200);
	}
	ASSERT_INT(retry_delay_ms(-1, "key"), 0);
}

static void an_hour_of_failure_takes_at_most_eight_attempts(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	for (int k = 0; k < 1000; k++) {
		const char *key = arena_printf(a, "key %d", k);
		int64_t at_ms = 0;
		int n = 0;

		for (; at_ms <= 3600 * 1000; n++)
			at_ms += retry_delay_ms(n + 1, key);
		assert_true(n <= 8);
		assert_true(n >= 6);
	}
}

static void the_same_key_and_attempt_wait_equally_long(void **state)
{
	(void)state;
	ASSERT_INT(retry_delay_ms(3, "a"), retry_delay_ms(3, "a"));
	assert_true(retry_delay_ms(3, "a") != retry_delay_ms(3, "b"));
	assert_true(retry_delay_ms(9, "a") != retry_delay_ms(10, "a"));
}

/* 1,000 retries over the 2 s of the first jitter are 5 in each 10 ms on average. Evenly spread keys stay below 17 in
 * all of 200 such buckets (a Poisson count of 17 or more has a chance of 5e-6), and use every tenth of the range. */
static void a_thousand_first_retries_do_not_cluster(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	int fine[201] = { 0 }, coarse[11] = { 0 };

	(void)state;
	for (int k = 0; k < 1000; k++) {
		int64_t ms = retry_delay_ms(1, arena_printf(a, "%064x", (unsigned)k)) - 4000;

		assert_true(ms >= 0 && ms <= 2000);
		fine[ms / 10]++;
		coarse[ms / 200]++;
	}
	for (int i = 0; i < 201; i++)
		assert_true(fine[i] < 17);
	for (int i = 0; i < 10; i++)
		assert_true(coarse[i] > 60 && coarse[i] < 140);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_schedule_grows_from_seconds_to_hours),
		cmocka_unit_test(an_hour_of_failure_takes_at_most_eight_attempts),
		cmocka_unit_test(the_same_key_and_attempt_wait_equally_long),
		cmocka_unit_test(a_thousand_first_retries_do_not_cluster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

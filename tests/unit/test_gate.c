#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/connect/gate.h"

enum { ME = 1 };

static struct gate gate_of(int64_t most, int64_t per_ms, double burst)
{
	struct gate g = { 0 };

	gate_set(&g, most, per_ms);
	g.step_ms = (double)per_ms / (double)most;
	g.slack_ms = (burst - 1) * g.step_ms;
	return g;
}

static uint64_t dice = 88172645463325252u;

static int64_t roll(int64_t n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (int64_t)(dice % (uint64_t)n);
}

static int by_time(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Where the server's second begins doesn't matter. */
static int64_t most_within(int64_t *arrivals, size_t n, int64_t per_ms)
{
	int64_t most = 0;
	size_t from = 0;

	qsort(arrivals, n, sizeof *arrivals, by_time);
	for (size_t i = 0; i < n; i++) {
		while (arrivals[i] - arrivals[from] >= per_ms)
			from++;
		if ((int64_t)(i - from + 1) > most)
			most = (int64_t)(i - from + 1);
	}
	return most;
}

enum { N_REQUESTS = 20000, MAX_AT_ONCE = 8 };

struct under_way {
	int slot;
	int64_t done_ms; /* 0: none */
};

/* Requests that take as long as they like and arrive whenever they like meanwhile. Returns how long all took. */
static int64_t play(struct gate *g, int n_at_once, int64_t shortest_ms, int64_t longest_ms, int64_t *arrivals)
{
	struct under_way all[MAX_AT_ONCE] = { 0 };
	int64_t now = 1000, start = now;
	int n = 0;

	while (n < N_REQUESTS) {
		for (int i = 0; i < n_at_once; i++)
			if (all[i].done_ms && all[i].done_ms <= now) {
				gate_leave(g, all[i].slot, now);
				all[i].done_ms = 0;
			}
		for (int i = 0; i < n_at_once && n < N_REQUESTS; i++) {
			int64_t took = shortest_ms + roll(longest_ms - shortest_ms + 1);

			if (all[i].done_ms || gate_wait_ms(g, ME, now) > 0)
				continue;
			all[i] = (struct under_way){ gate_enter(g, ME, now), now + took };
			arrivals[n++] = now + roll(took + 1);
		}
		now++;
	}
	return now - start;
}

static void never_more_than_allowed_arrive_in_any_span(void **state)
{
	static const struct {
		int64_t most, per_ms;
		double burst;
		int n_at_once;
		int64_t shortest_ms, longest_ms;
		int64_t at_least_percent; /* of the rate that is allowed; 0: the answers are too slow for that */
	} cases[] = {
		{ 10, 1000, 1, 1, 45, 55, 94 },     { 10, 1000, 10, 1, 45, 55, 94 },   { 10, 1000, 1, 4, 45, 55, 94 },
		{ 10, 1000, 10, 8, 1, 300, 75 },    { 5, 1000, 2, 1, 10, 400, 0 },     { 100, 10000, 1, 1, 20, 80, 98 },
		{ 300, 60000, 300, 1, 5, 50, 98 },  { 1000, 2000, 1000, 8, 1, 9, 90 }, { 1, 1000, 1, 1, 100, 900, 0 },
		{ 167, 10000, 20, 8, 30, 600, 90 },
	};
	static int64_t arrivals[N_REQUESTS];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct gate g = gate_of(cases[i].most, cases[i].per_ms, cases[i].burst);
		int64_t took = play(&g, cases[i].n_at_once, cases[i].shortest_ms, cases[i].longest_ms, arrivals);
		int64_t allowed = took * cases[i].most / cases[i].per_ms;
		int64_t seen = most_within(arrivals, N_REQUESTS, cases[i].per_ms);

		if (seen > cases[i].most || N_REQUESTS * 100 < allowed * cases[i].at_least_percent)
			fail_msg("case %zu: %lld in a span, %lld %% of the rate", i, (long long)seen,
			         (long long)(N_REQUESTS * 100 / allowed));
	}
}

static void requests_are_spread_over_the_span(void **state)
{
	struct gate g = gate_of(10, 1000, 1), bursts = gate_of(10, 1000, 3);

	(void)state;
	(void)gate_enter(&g, ME, 5000);
	ASSERT_INT(gate_wait_ms(&g, ME, 5000), 100);
	ASSERT_INT(gate_wait_ms(&g, ME, 5040), 60);
	ASSERT_INT(gate_wait_ms(&g, ME, 5100), 0);
	for (int i = 0; i < 3; i++) {
		ASSERT_INT(gate_wait_ms(&bursts, ME, 5000), 0);
		(void)gate_enter(&bursts, ME, 5000);
	}
	ASSERT_INT(gate_wait_ms(&bursts, ME, 5000), 100);
}

static void a_place_is_free_when_the_span_has_gone_by_since_the_answer(void **state)
{
	struct gate g = gate_of(1, 1000, 1);
	int slot = gate_enter(&g, ME, 5000);

	(void)state;
	assert_true(gate_wait_ms(&g, ME, 5999) > 0);
	assert_true(gate_wait_ms(&g, ME, 9000) > 0); /* still under way */
	gate_leave(&g, slot, 9000);
	ASSERT_INT(gate_wait_ms(&g, ME, 9000), 1001);
	ASSERT_INT(gate_wait_ms(&g, ME, 10000), 1);
	ASSERT_INT(gate_wait_ms(&g, ME, 10001), 0);
}

static void a_killed_process_gives_its_places_back(void **state)
{
	struct gate g = gate_of(1, 1000, 1);
	int32_t child = fork(), status;

	(void)state;
	if (child == 0)
		_exit(0);
	ASSERT_INT(waitpid(child, &status, 0), child);
	(void)gate_enter(&g, child, 5000);
	ASSERT_INT(gate_wait_ms(&g, ME, 6000), 1001); /* as if it had been answered now */
	ASSERT_INT(gate_wait_ms(&g, ME, 7001), 0);
	(void)gate_enter(&g, getpid(), 7001);
	assert_true(gate_wait_ms(&g, ME, 9000) > 0); /* of one that lives: not yet */
	gate_end(&g, getpid(), 9000);                /* that number, in an earlier life */
	ASSERT_INT(gate_wait_ms(&g, ME, 10001), 0);
	(void)gate_enter(&g, getpid(), 10001);
	assert_true(gate_wait_ms(&g, ME, 10001 + 601 * 1000) > 0); /* forgotten by somebody: answered now */
	ASSERT_INT(gate_wait_ms(&g, ME, 10001 + 603 * 1000), 0);
}

static void a_clock_that_began_anew_closes_nothing(void **state)
{
	struct gate g = gate_of(2, 1000, 1);

	(void)state;
	gate_leave(&g, gate_enter(&g, ME, 90000000), 90000050);
	(void)gate_enter(&g, ME, 90000500);
	gate_close(&g, 60000, 90000500);
	ASSERT_INT(gate_wait_ms(&g, ME, 3000), 0);
}

static void what_is_closed_opens_in_time(void **state)
{
	struct gate g = gate_of(10, 1000, 10), open = { 0 };

	(void)state;
	gate_close(&g, 27000, 1000);
	gate_close(&g, 5000, 1000); /* the longest counts */
	ASSERT_INT(gate_wait_ms(&g, ME, 1000), 27000);
	ASSERT_INT(gate_wait_ms(&g, ME, 28000), 0);
	ASSERT_INT(gate_wait_ms(&open, ME, 1), 0);
	ASSERT_INT(gate_enter(&open, ME, 1), GATE_NO_SLOT);
	gate_leave(&open, GATE_NO_SLOT, 2);
	ASSERT_INT(gate_wait_ms(&open, ME, 1), 0);
	gate_close(&open, INT64_MAX, 1);
	ASSERT_INT(gate_wait_ms(&open, ME, 1), 3600 * 1000); /* no more than an hour is believed */
}

static void others_who_use_the_quota_are_counted(void **state)
{
	struct gate g = gate_of(10, 1000, 10);
	int slot;

	(void)state;
	slot = gate_enter(&g, ME, 5000);
	gate_leave(&g, slot, 5050);
	gate_count(&g, 1, 5050); /* that was us */
	ASSERT_INT(gate_wait_ms(&g, ME, 5050), 0);
	gate_count(&g, 10, 5050);
	ASSERT_INT(gate_wait_ms(&g, ME, 5050), 1001);
	ASSERT_INT(gate_wait_ms(&g, ME, 6051), 0);
	gate_set(&g, 10, 1000); /* the same numbers forget nothing */
	(void)gate_enter(&g, ME, 6051);
	gate_set(&g, 1, 1000);
	ASSERT_INT(gate_wait_ms(&g, ME, 7200), 0);
	gate_set(&g, INT64_MAX, 1000); /* so much is no limit */
	for (int i = 0; i < 1000; i++)
		(void)gate_enter(&g, ME, 7200);
	g.next_ms = 0;
	ASSERT_INT(gate_wait_ms(&g, ME, 7200), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_more_than_allowed_arrive_in_any_span),
		cmocka_unit_test(requests_are_spread_over_the_span),
		cmocka_unit_test(a_place_is_free_when_the_span_has_gone_by_since_the_answer),
		cmocka_unit_test(a_killed_process_gives_its_places_back),
		cmocka_unit_test(a_clock_that_began_anew_closes_nothing),
		cmocka_unit_test(what_is_closed_opens_in_time),
		cmocka_unit_test(others_who_use_the_quota_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

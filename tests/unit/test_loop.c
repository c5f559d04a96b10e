#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_shim.h"

#include "common/clock.h"
#include "common/loop.h"

static struct err err;

/* What the callbacks saw, and when they end the loop. */
struct seen {
	struct loop *loop;
	int n_times, stop_after_times, wake_in_s;
	int signals[8], n_signals;
	int n_children, stop_after_children, exit_codes;
};

static void on_time(void *context, int64_t now)
{
	struct seen *s = context;

	s->n_times++;
	if (s->stop_after_times > 0 && s->n_times >= s->stop_after_times)
		loop_stop(s->loop);
	if (s->wake_in_s != 0)
		loop_wake_at(s->loop, now + s->wake_in_s);
}

static void on_signal(void *context, int number)
{
	struct seen *s = context;

	s->signals[s->n_signals++] = number;
	loop_stop(s->loop);
}

static void on_child(void *context, pid_t pid, int wait_status)
{
	struct seen *s = context;

	assert_true(pid > 0);
	s->exit_codes += WEXITSTATUS(wait_status);
	if (++s->n_children == s->stop_after_children)
		loop_stop(s->loop);
}

static void a_signal_is_handed_over_and_does_not_kill(void **state)
{
	CLEANUP(loop_freep) struct loop *l = NULL;
	struct seen s = { 0 };

	(void)state;
	ASSERT_OK(loop_new(&l, &err));
	s.loop = l;
	ASSERT_OK(loop_on_signal(l, SIGTERM, on_signal, &s, &err));
	ASSERT_OK(loop_on_signal(l, SIGHUP, on_signal, &s, &err));
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	ASSERT_OK(loop_run(l, &err));
	ASSERT_INT(s.n_signals, 1);
	ASSERT_INT(s.signals[0], SIGHUP);
}

static void every_child_that_ended_is_told_even_when_signals_merge(void **state)
{
	CLEANUP(loop_freep) struct loop *l = NULL;
	struct seen s = { .stop_after_children = 5 };

	(void)state;
	ASSERT_OK(loop_new(&l, &err));
	s.loop = l;
	ASSERT_OK(loop_on_child(l, on_child, &s, &err));
	for (int i = 1; i <= 5; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(i);
		assert_true(pid > 0);
	}
	ASSERT_OK(loop_run(l, &err));
	ASSERT_INT(s.n_children, 5);
	ASSERT_INT(s.exit_codes, 15);
}

static void it_wakes_at_the_instant_that_was_asked_for(void **state)
{
	CLEANUP(loop_freep) struct loop *l = NULL;
	struct seen s = { .stop_after_times = 2, .wake_in_s = 1 };
	int64_t start = clock_monotonic_ms();

	(void)state;
	ASSERT_OK(loop_new(&l, &err));
	s.loop = l;
	ASSERT_OK(loop_on_time(l, on_time, &s, &err));
	ASSERT_OK(loop_run(l, &err));
	ASSERT_INT(s.n_times, 2);
	assert_true(clock_monotonic_ms() - start < 10000);
}

static void it_never_sleeps_longer_than_it_was_told(void **state)
{
	CLEANUP(loop_freep) struct loop *l = NULL;
	struct seen s = { .stop_after_times = 4 };

	(void)state;
	ASSERT_OK(loop_new(&l, &err));
	s.loop = l;
	loop_wake_within(l, 20);
	ASSERT_OK(loop_on_time(l, on_time, &s, &err));
	ASSERT_OK(loop_run(l, &err));
	ASSERT_INT(s.n_times, 4);
}

static void an_instant_in_the_past_wakes_it_at_once(void **state)
{
	CLEANUP(loop_freep) struct loop *l = NULL;
	struct seen s = { .stop_after_times = 3, .wake_in_s = -1 };

	(void)state;
	ASSERT_OK(loop_new(&l, &err));
	s.loop = l;
	ASSERT_OK(loop_on_time(l, on_time, &s, &err));
	ASSERT_OK(loop_run(l, &err));
	ASSERT_INT(s.n_times, 3);
}

static void the_signal_mask_is_given_back(void **state)
{
	sigset_t mask;
	struct loop *l;
	struct seen s = { 0 };

	(void)state;
	ASSERT_OK(loop_new(&l, &err));
	ASSERT_OK(loop_on_signal(l, SIGUSR2, on_signal, &s, &err));
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
	assert_true(sigismember(&mask, SIGUSR2));
	loop_free(l);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
	assert_false(sigismember(&mask, SIGUSR2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_is_handed_over_and_does_not_kill),
		cmocka_unit_test(every_child_that_ended_is_told_even_when_signals_merge),
		cmocka_unit_test(it_wakes_at_the_instant_that_was_asked_for),
		cmocka_unit_test(it_never_sleeps_longer_than_it_was_told),
		cmocka_unit_test(an_instant_in_the_past_wakes_it_at_once),
		cmocka_unit_test(the_signal_mask_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

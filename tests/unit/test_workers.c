/* Work that several processes share comes back in order, whole, or not at all. */
#include "cmocka_shim.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/cli/workers.h"
#include "common/arena.h"

enum { N_UNITS = 20, PARTS = 8, BIG = 100 << 10 };

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

/* What a child is to do. */
struct plan {
	size_t n_units, slow, fails, dies; /* units that take long, fail or die; SIZE_MAX: none */
	bool is_load_failing, is_alone, is_opened;
	size_t loaded;
};

static int load(void *state, size_t *out_units, struct err *err)
{
	struct plan *p = state;

	if (p->is_load_failing)
		return err_set(err, ERR_CONFIG, "nothing to load");
	if (p->is_alone) /* from here on no process can be made; root may always, so it is nobody */
		assert_true((geteuid() || setuid(65534) == 0) && setrlimit(RLIMIT_NPROC, &(struct rlimit){ 1, 1 }) == 0);
	p->loaded = p->n_units;
	*out_units = p->n_units;
	return 0;
}

static int open_it(void *state, struct err *err)
{
	struct plan *p = state;

	(void)err;
	p->is_opened = true;
	return 0;
}

/* All of it is more than a pipe holds and more than is read ahead, so that who is early has to wait. */
static int work(void *state, size_t unit, struct worker_out *out, struct err *err)
{
	const struct plan *p = state;

	assert_true(p->is_opened && p->loaded == p->n_units);
	if (unit == p->slow)
		(void)usleep(50000);
	if (unit == p->dies)
		(void)raise(SIGKILL);
	for (int part = 0; part < PARTS; part++) {
		for (int i = 0; i < BIG; i++)
			buf_char(&out->bytes, (char)('a' + unit % 26));
		if (unit == p->fails && part == PARTS / 2)
			return err_set(err, ERR_INPUT, "unit %zu is broken", unit);
		if (worker_send(out, err) < 0)
			return -1;
	}
	return 0;
}

static const struct plan plain = { .n_units = N_UNITS, .slow = SIZE_MAX, .fails = SIZE_MAX, .dies = SIZE_MAX };

/* How many bytes of each unit came, each unit after the one before; what workers_next said in the end. */
static int run(int n, struct plan plan, struct arena *a, size_t *bytes, struct err *err)
{
	CLEANUP(workers_donep) struct workers *w = NULL;
	const struct worker_job job = { &plan, load, open_it, work };
	const char *data;
	size_t len, unit = 0;
	int rc;

	assert_int_equal(workers_start(n, &job, a, &w, err), 0);
	if (workers_go(w, err) < 0)
		return -1;
	while ((rc = workers_next(w, &data, &len, err)) > 0)
		for (size_t i = 0; i < len; i++) {
			if (data[i] != (char)('a' + unit % 26))
				unit++;
			assert_true(unit < N_UNITS && data[i] == (char)('a' + unit % 26));
			bytes[unit]++;
		}
	return rc;
}

static void units_come_in_order_from_any_number_of_processes(void **state)
{
	for (int n = 1; n <= 5; n++) {
		size_t bytes[N_UNITS] = { 0 };
		struct plan plan = plain;
		struct err err;

		plan.slow = 3; /* all others wait for it */
		assert_int_equal(run(n, plan, *state, bytes, &err), 0);
		for (size_t i = 0; i < N_UNITS; i++)
			assert_int_equal(bytes[i], (size_t)PARTS * BIG);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
	}
}

static void where_no_further_process_can_be_made_the_first_does_all(void **state)
{
	size_t bytes[N_UNITS] = { 0 };
	struct plan plan = plain;
	struct err err;

	plan.is_alone = true;
	assert_int_equal(run(4, plan, *state, bytes, &err), 0);
	for (size_t i = 0; i < N_UNITS; i++)
		assert_int_equal(bytes[i], (size_t)PARTS * BIG);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void nothing_to_do_is_done_at_once(void **state)
{
	struct plan plan = plain;
	struct err err;

	plan.n_units = 0;
	assert_int_equal(run(3, plan, *state, NULL, &err), 0);
}

static void a_failure_comes_through_with_its_kind_and_words(void **state)
{
	size_t bytes[N_UNITS] = { 0 };
	struct plan plan = plain;
	struct err err;

	plan.fails = 7;
	for (int n = 1; n <= 3; n++) {
		assert_int_equal(run(n, plan, *state, bytes, &err), -1);
		assert_int_equal(err.kind, ERR_INPUT);
		assert_string_equal(err.text, "unit 7 is broken");
	}
	plan = plain;
	plan.is_load_failing = true;
	assert_int_equal(run(2, plan, *state, bytes, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_process_that_is_killed_is_a_failure_to_be_tried_again(void **state)
{
	for (size_t unit = 0; unit < N_UNITS; unit += 13)
		for (int n = 1; n <= 3; n++) {
			size_t bytes[N_UNITS] = { 0 };
			struct plan plan = plain;
			struct err err;

			plan.dies = unit;
			assert_int_equal(run(n, plan, *state, bytes, &err), -1);
			assert_int_equal(err.kind, ERR_RETRY);
		}
}

static void who_stops_listening_leaves_nobody_behind(void **state)
{
	const struct plan plan = plain;
	struct plan copy = plan;
	const struct worker_job job = { &copy, load, open_it, work };
	struct workers *w;
	const char *data;
	struct err err;
	size_t len;

	assert_int_equal(workers_start(3, &job, *state, &w, &err), 0);
	workers_done(w); /* before it began */
	assert_int_equal(workers_start(3, &job, *state, &w, &err), 0);
	assert_int_equal(workers_go(w, &err), 0);
	assert_int_equal(workers_next(w, &data, &len, &err), 1);
	workers_done(w);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_come_in_order_from_any_number_of_processes),
		cmocka_unit_test(where_no_further_process_can_be_made_the_first_does_all),
		cmocka_unit_test(nothing_to_do_is_done_at_once),
		cmocka_unit_test(a_failure_comes_through_with_its_kind_and_words),
		cmocka_unit_test(a_process_that_is_killed_is_a_failure_to_be_tried_again),
		cmocka_unit_test(who_stops_listening_leaves_nobody_behind),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

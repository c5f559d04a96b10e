/* The walk over the usage of all accounts comes to the same, whichever process does which part of it. */
#include "cmocka_shim.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/facts_walk.h"
#include "store/usage.h"
#include "store/usage_ahead.h"
#include "store_file.h"

enum { AS_OF = 20000, N_ACCOUNTS = 60, APART = 500 /* ids: they lie in four blocks */, N_CELLS = 6000, N_FAR = 6 };

static struct err err;
static struct db *db;
static char path[STORE_PATH];
static struct arena *a;
static struct fact_query query = { .as_of = AS_OF, .stale_days = 3 };

/* Some accounts are gone, some values are large, and one metric is in fractions. */
static void fill(void)
{
	static struct usage_cell cells[N_CELLS];

	ASSERT_OK(db_run(db, "INSERT INTO source (id, name, kind, last_ok_on) VALUES (1, 'crm', 'csv', 19999); "
	                     "UPDATE metric SET scale = 1000 WHERE id = 2", &err));
	for (int i = 0; i < N_ACCOUNTS; i++)
		ASSERT_OK(db_run(db, arena_printf(a, "INSERT INTO account (id, source_id, source_key, created_on) "
		                                     "VALUES (%d, 1, 'k%d', 18000)", (i + 1) * APART, i), &err));
	for (int i = 0; i < N_CELLS; i++) {
		int account = i * 7 % N_ACCOUNTS, latest = account % 9 == 0 ? 470 : 0;

		cells[i] = (struct usage_cell){ 1 + i % 2, AS_OF - latest - i * 31 % 300, (account + 1) * APART,
			                            i % 41 == 0 ? 80000 + i : i % 50 };
	}
	ASSERT_OK(usage_put(db, cells, N_CELLS, &err));
}

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	query.zone = zone_utc();
	db = store_file_open(path);
	fill();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_file_close(db, path);
	arena_free(a);
	return 0;
}

static void assert_same(const struct fact_base *one, const struct fact_base *other)
{
	assert_int_equal(one->n_members, N_ACCOUNTS);
	assert_int_equal(other->n_members, N_ACCOUNTS);
	assert_memory_equal(one->members, other->members, N_ACCOUNTS * sizeof *one->members);
	assert_memory_equal(one->active, other->active, N_ACCOUNTS * sizeof *one->active);
	assert_memory_equal(&one->reports.days, &other->reports.days, sizeof one->reports.days);
	assert_int_equal(one->reports.last_on, other->reports.last_on);
	assert_int_equal(one->reports.n, other->reports.n);
	assert_int_equal(one->n_metrics, 2);
	for (size_t m = 0; m < 2; m++) {
		assert_memory_equal(&one->metrics[m].used, &other->metrics[m].used, sizeof(double));
		for (int age = 0; age < FACTS_SIZE_DAYS; age++) {
			assert_int_equal(one->metrics[m].sizes[age].sum, other->metrics[m].sizes[age].sum);
			assert_int_equal(one->metrics[m].sizes[age].n, other->metrics[m].sizes[age].n);
		}
	}
}

/* n processes, one after the other or all at once, which leave nothing for this one or not. */
static void walk_in_children(const struct fact_base *base, int n, bool is_waited_for)
{
	int status;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			struct db *own = NULL;

			_exit(db_open(path, DB_READ, &own, &err) < 0 || facts_base_walk(own, base, &err) < 0);
		}
	}
	db = NULL;
	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
	if (!is_waited_for)
		ASSERT_OK(facts_base_walk(db, base, &err));
	for (int i = 0; i < n; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
}

static void load_shared(int n, bool is_waited_for, struct fact_base *out)
{
	ASSERT_OK(facts_base_begin(db, &query, a, out, &err));
	db_close(db);
	walk_in_children(out, n, is_waited_for);
	ASSERT_OK(facts_base_end(db, &query, a, out, &err));
}

static void what_one_or_more_others_walk_over_counts_as_if_one_did_it_all(void **state)
{
	struct fact_base alone, shared;

	(void)state;
	ASSERT_OK(facts_base_load(db, &query, a, &alone, &err));
	assert_true(alone.reports.n > 0 && alone.metrics[0].used > 0 && alone.metrics[1].used > 0);
	assert_true(alone.members[0].gone_days >= FACTS_DAYS);
	load_shared(1, true, &shared);
	assert_same(&alone, &shared);
	load_shared(1, false, &shared);
	assert_same(&alone, &shared);
	load_shared(5, false, &shared);
	assert_same(&alone, &shared);
}

static pid_t walk_ahead(struct fact_base *out)
{
	pid_t ahead;

	ASSERT_OK(facts_base_begin(db, &query, a, out, &err));
	db_close(db);
	ahead = facts_base_ahead(out, path);
	db = NULL;
	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
	ASSERT_OK(facts_base_walk(db, out, &err));
	usage_ahead_end(ahead);
	ASSERT_OK(facts_base_end(db, &query, a, out, &err));
	return ahead;
}

static void a_long_walk_is_read_ahead_of_which_changes_nothing(void **state)
{
	struct fact_base alone, ahead;

	(void)state;
	assert_int_equal(walk_ahead(&ahead), 0);
	for (int i = 0; i < N_FAR; i++) {
		struct usage_cell cell = { 1, AS_OF - i, (8 + 2 * i) * USAGE_BLOCK, 5 };

		ASSERT_OK(db_run(db, arena_printf(a, "INSERT INTO account (id, source_id, source_key, created_on) "
		                                     "VALUES (%lld, 1, 'far%d', 18000)", (long long)cell.account, i), &err));
		ASSERT_OK(usage_put(db, &cell, 1, &err));
	}
	ASSERT_OK(facts_base_load(db, &query, a, &alone, &err));
	assert_true(walk_ahead(&ahead) > 0);
	assert_int_equal(ahead.n_members, N_ACCOUNTS + N_FAR);
	assert_memory_equal(alone.members, ahead.members, ahead.n_members * sizeof *alone.members);
	assert_memory_equal(alone.active, ahead.active, ahead.n_members * sizeof *alone.active);
	assert_int_equal(alone.reports.n, ahead.reports.n);
	assert_memory_equal(&alone.metrics[0].used, &ahead.metrics[0].used, sizeof(double));
}

static void days_of_activity_are_given_back_once(void **state)
{
	struct fact_base base;

	(void)state;
	ASSERT_OK(facts_base_load(db, &query, a, &base, &err));
	assert_true(fact_days_last(&base.active[1]) >= 0);
	facts_forget_days(&base);
	facts_forget_days(&base);
	assert_null(base.active);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_one_or_more_others_walk_over_counts_as_if_one_did_it_all, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_walk_is_read_ahead_of_which_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(days_of_activity_are_given_back_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

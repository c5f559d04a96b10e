#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/store/usage_runs.h"
#include "common/arena.h"
#include "store/migrate.h"
#include "store/usage_gather.h"

enum { METRICS = 2, DAYS = 3, ACCOUNTS = 20000, ORIGINS = 3, FIRST_DAY = 20000, N = METRICS * DAYS * ACCOUNTS };

static struct err err;
static char folder[64], path[80];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/retaind-gather-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(path, sizeof path, "%s/retaind.db", folder);
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char name[96];

		(void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
		(void)unlink(name);
	}
	return rmdir(folder); /* which is empty: nothing else was left there */
}

/* What rows say of one cell: by origin; -1: nothing. */
struct model {
	int64_t by_origin[ORIGINS];
};

static void add_to_model(int64_t *kept, enum usage_merge merge, int64_t value)
{
	if (*kept < 0 || merge == USAGE_LAST)
		*kept = value;
	else if (merge == USAGE_SUM)
		*kept += value;
	else if (value > *kept)
		*kept = value;
}

static int64_t total_of(const struct model *m)
{
	int64_t total = USAGE_NONE;

	for (int i = 0; i < ORIGINS; i++)
		if (m->by_origin[i] >= 0)
			total = (total == USAGE_NONE ? 0 : total) + m->by_origin[i];
	return total;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

/* Mostly small, now and then as large as it may be. */
static int64_t random_value(uint64_t *seed)
{
	return next_random(seed) % 1000 == 0 ? 1000000000000 : (int64_t)(next_random(seed) % 70000);
}

static void gather_rows(struct usage_gather *g, struct model *all, enum usage_merge merge, size_t n)
{
	uint64_t seed = 17 + (uint64_t)merge;

	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)(next_random(&seed) % N);
		const struct usage_cell cell = { .metric = (int32_t)(at / ACCOUNTS / DAYS) + 1,
			                             .day = FIRST_DAY + (int32_t)(at / ACCOUNTS % DAYS),
			                             .account = (int64_t)(at % ACCOUNTS) + 1,
			                             .value = random_value(&seed) };
		uint32_t origin = (uint32_t)(next_random(&seed) % ORIGINS);

		ASSERT_OK(usage_gather_add(g, &cell, origin, &err));
		add_to_model(&all[at].by_origin[origin], merge, cell.value);
	}
}

static int64_t store_all(struct db *db, struct usage_gather *g)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	int64_t n_changed = 0;
	int rc;

	ASSERT_OK(txn_begin(&txn, db, &err));
	while ((rc = usage_gather_store(g, 5000, &n_changed, &err)) == 1)
		;
	assert_int_equal(rc, 0);
	ASSERT_OK(txn_commit(&txn, &err));
	return n_changed;
}

static void check_cells(struct db *db, const struct model *all)
{
	for (size_t at = 0; at < N; at += 7) {
		int64_t value;

		ASSERT_OK(usage_get(db, (int32_t)(at / ACCOUNTS / DAYS) + 1, FIRST_DAY + (int32_t)(at / ACCOUNTS % DAYS),
		                    (int64_t)(at % ACCOUNTS) + 1, &value, &err));
		assert_true(value == total_of(&all[at]));
	}
}

static int64_t count_said(const struct model *all)
{
	int64_t n = 0;

	for (size_t i = 0; i < N; i++)
		n += total_of(&all[i]) != USAGE_NONE;
	return n;
}

static void check_rows(size_t n, enum usage_merge merge)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(db_closep) struct db *db = NULL;
	struct model *all = arena_array(a, N, sizeof *all);

	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	for (size_t i = 0; i < N; i++)
		all[i] = (struct model){ { -1, -1, -1 } };
	for (int round = 0; round < 2; round++) {
		CLEANUP(usage_gather_freep) struct usage_gather *g = usage_gather_new(db, merge);
		struct model *said = round ? arena_array(a, N, sizeof *said) : all;

		gather_rows(g, said, merge, n);
		assert_true(store_all(db, g) == (round ? 0 : count_said(all))); /* the same again changes nothing */
	}
	check_cells(db, all);
}

static void rows_in_any_order_become_cells_as_aggregate_says(void **state)
{
	(void)state;
	for (enum usage_merge merge = USAGE_LAST; merge <= USAGE_LARGEST; merge++) {
		check_rows(30000, merge);
		assert_int_equal(remove_folder(state), 0);
		assert_int_equal(make_folder(state), 0);
	}
}

static void more_rows_than_memory_is_given_to_become_the_same_cells(void **state)
{
	(void)state;
	for (enum usage_merge merge = USAGE_LAST; merge <= USAGE_LARGEST; merge++) {
		check_rows(2200000, merge);
		assert_int_equal(remove_folder(state), 0);
		assert_int_equal(make_folder(state), 0);
	}
}

/* Two thirds of the rows are of one account on one day, by as many keys as there may be contacts of one customer. */
static void an_account_that_many_keys_name_is_their_total(void **state)
{
	enum { KEYS = 200000, ROWS = 3 * KEYS };
	static int64_t by_key[KEYS];

	for (enum usage_merge merge = USAGE_LAST; merge <= USAGE_LARGEST; merge++) {
		CLEANUP(db_closep) struct db *db = NULL;
		CLEANUP(usage_gather_freep) struct usage_gather *g = NULL;
		uint64_t seed = 3 + (uint64_t)merge;
		int64_t total = 0, value;

		ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
		ASSERT_OK(migrate_run(db, 0, &err));
		g = usage_gather_new(db, merge);
		memset(by_key, -1, sizeof by_key);
		for (int i = 0; i < ROWS; i++) {
			struct usage_cell cell = { .metric = 1, .day = FIRST_DAY, .account = i % 3 ? 7 : 8 + i % 1000 };
			uint32_t key = i % 10 ? (uint32_t)(next_random(&seed) % KEYS) : 0;

			cell.value = random_value(&seed);
			if (cell.account == 7)
				add_to_model(&by_key[key], merge, cell.value);
			ASSERT_OK(usage_gather_add(g, &cell, key, &err));
		}
		for (int i = 0; i < KEYS; i++)
			total += by_key[i] > 0 ? by_key[i] : 0;
		(void)store_all(db, g);
		ASSERT_OK(usage_get(db, 1, FIRST_DAY, 7, &value, &err));
		assert_true(value == total);
		assert_int_equal(remove_folder(state), 0);
		assert_int_equal(make_folder(state), 0);
	}
}

static void check_run(int fd, off_t start, const struct gathered *rows, size_t n)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	off_t end = start;
	struct run r;

	ASSERT_OK(run_write(fd, rows, n, &end, &err));
	ASSERT_OK(run_open(&r, &(struct run_part){ fd, start, end }, a, &err));
	for (size_t i = 0; i < n; i++) {
		assert_false(r.is_over);
		assert_true(r.now.place == rows[i].place && r.now.value == rows[i].value);
		ASSERT_OK(run_next(&r, &err));
	}
	assert_true(r.is_over);
}

static void what_is_packed_away_comes_back_from_memory_and_from_disk(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	enum { ROWS = 100000 };
	struct gathered *rows = arena_array(a, ROWS, sizeof *rows);
	uint64_t seed = 5;
	int fds[2];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		uint64_t step = next_random(&seed) << (next_random(&seed) % 12);

		rows[i] = (struct gathered){ (i ? rows[i - 1].place : 0) + step,
			                         next_random(&seed) << (next_random(&seed) % 33) | next_random(&seed) % 100 };
	}
	rows[ROWS - 1] = (struct gathered){ UINT64_MAX, UINT64_MAX };
	ASSERT_OK(runs_in_memory(&fds[0], &err));
	ASSERT_OK(runs_on_disk(a, path, &fds[1], &err));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		check_run(fds[i], 0, rows, ROWS);
		check_run(fds[i], 77, rows, 1);
		check_run(fds[i], 0, rows, 0);
		assert_int_equal(close(fds[i]), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_in_any_order_become_cells_as_aggregate_says, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(more_rows_than_memory_is_given_to_become_the_same_cells, make_folder,
		                                remove_folder),
		cmocka_unit_test_setup_teardown(an_account_that_many_keys_name_is_their_total, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(what_is_packed_away_comes_back_from_memory_and_from_disk, make_folder,
		                                remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

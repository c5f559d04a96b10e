/* The process that reads usage ahead keeps to its distance, ends by itself and when it is told to, whatever the file is
 * like, and takes nothing from who reads. */
#include "cmocka_shim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/usage.h"
#include "store/usage_ahead.h"
#include "store_file.h"

enum { TO = 20000, DAYS = 60, N_BLOCKS = 20, N_METRICS = 2, PAGE = 16384, TRIES = 2000, MS = 1000000 };

static struct err err;
static struct db *db;
static char path[STORE_PATH];
static atomic_size_t *next;

static void fill(void)
{
	static struct usage_cell cells[N_METRICS * DAYS * N_BLOCKS];
	size_t n = 0;

	for (int m = 1; m <= N_METRICS; m++)
		for (int d = 0; d < DAYS; d++)
			for (int b = 0; b < N_BLOCKS; b++)
				cells[n++] = (struct usage_cell){ m, TO - d, (b + 1) * USAGE_BLOCK - 1, 1000 + d };
	ASSERT_OK(usage_put(db, cells, n, &err));
	ASSERT_OK(db_run(db, "PRAGMA wal_checkpoint(TRUNCATE)", &err));
}

static int setup(void **state)
{
	(void)state;
	db = store_file_open(path);
	fill();
	next = mmap(NULL, sizeof *next, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(next != MAP_FAILED);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_file_close(db, path);
	(void)munmap(next, sizeof *next);
	return 0;
}

static struct usage_ahead plan_of_all(void)
{
	static const int32_t metrics[N_METRICS] = { 1, 2 };
	static int64_t blocks[N_BLOCKS];

	for (int i = 0; i < N_BLOCKS; i++)
		blocks[i] = i;
	return (struct usage_ahead){ .database = path, .metrics = metrics, .n_metrics = N_METRICS, .from = TO - DAYS + 1,
		.to = TO, .blocks = blocks, .n_blocks = N_BLOCKS, .next = next };
}

/* Closed while the other process is started, as it has to be. */
static pid_t start(const struct usage_ahead *plan)
{
	pid_t process;

	db_close(db);
	process = usage_ahead_start(plan);
	assert_true(process > 0);
	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
	return process;
}

/* Whether it has ended within some time. */
static bool ends(pid_t process, int tries)
{
	const struct timespec nap = { .tv_nsec = MS };
	int status;

	for (int i = 0; i < tries; i++) {
		if (waitpid(process, &status, WNOHANG) == process) {
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
			return true;
		}
		(void)nanosleep(&nap, NULL);
	}
	return false;
}

/* Pages of the file that the system holds; asking for that reads none. */
static int pages_in_memory(int fd)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (size_t)lseek(fd, 0, SEEK_END);
	size_t n_pages = (size - 1) / page + 1;
	unsigned char *is_there = calloc(n_pages, 1);
	void *all = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	size_t n = 0;

	assert_true(is_there && all != MAP_FAILED);
	assert_int_equal(mincore(all, size, is_there), 0);
	for (size_t i = 0; i < n_pages; i++)
		n += is_there[i] & 1;
	(void)munmap(all, size);
	free(is_there);
	return (int)(n * page / PAGE);
}

static int forget(int fd)
{
	(void)fsync(fd);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return pages_in_memory(fd);
}

/* The pages that a plan brings into memory, whose blocks have all been taken but the last; -1 where the file system
 * can't let them go. */
static int pages_brought(const struct usage_ahead *plan)
{
	const struct timespec nap = { .tv_nsec = 20 * MS };
	int fd, before, n, last = -1;

	db_close(db);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	before = forget(fd);
	atomic_store(next, plan->n_blocks - 1);
	assert_true(ends(usage_ahead_start(plan), TRIES));
	while ((n = pages_in_memory(fd)) != last) { /* until nothing is on its way any more */
		last = n;
		(void)nanosleep(&nap, NULL);
	}
	(void)close(fd);
	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
	return before < DAYS ? n : -1;
}

static void what_is_taken_next_comes_into_memory(void **state)
{
	struct usage_ahead plan = plan_of_all(), none = plan;
	int n = pages_brought(&plan), of_none;

	(void)state;
	none.database = "/nowhere/at.all";
	of_none = pages_brought(&none);
	if (n < 0 || of_none < 0)
		skip();
	assert_true(n >= N_METRICS * DAYS * N_BLOCKS);
	assert_true(of_none < DAYS);
}

static void it_waits_until_the_strip_before_is_begun(void **state)
{
	const struct usage_ahead plan = plan_of_all();
	pid_t process = start(&plan);

	(void)state;
	assert_false(ends(process, 50));
	atomic_store(next, 1);
	assert_false(ends(process, 50));
	atomic_store(next, N_BLOCKS);
	assert_true(ends(process, TRIES));
}

static void it_ends_when_it_is_told_to(void **state)
{
	const struct usage_ahead plan = plan_of_all();
	pid_t process = start(&plan);

	(void)state;
	usage_ahead_endp(&process);
	assert_int_equal(waitpid(process, NULL, WNOHANG), -1);
	usage_ahead_end(0);
}

static void blocks_metrics_and_days_are_those_that_it_is_told_of(void **state)
{
	static const int64_t blocks[] = { 3, 14, 4000, 4001, 4002 };
	static const int32_t metrics[] = { 2, 77 };
	struct usage_ahead plan = plan_of_all();
	int n;

	(void)state;
	plan.blocks = blocks;
	plan.n_blocks = ARRAY_LEN(blocks);
	plan.metrics = metrics;
	plan.n_metrics = ARRAY_LEN(metrics);
	plan.from = TO - DAYS / 2 + 1;
	n = pages_brought(&plan);
	if (n < 0)
		skip();
	assert_in_range(n, DAYS, 5 * DAYS / 2); /* with what SQLite reads; twice the days, metrics or blocks is more */
}

static void one_block_that_is_too_large_is_not_read_ahead(void **state)
{
	struct usage_ahead plan = plan_of_all();

	(void)state;
	plan.from = TO - 19000;
	assert_int_equal(usage_ahead_start(&plan), 0);
}

static void a_file_that_is_not_there_is_nothing_to_read(void **state)
{
	struct usage_ahead plan = plan_of_all();

	(void)state;
	plan.database = "/nowhere/at.all";
	assert_true(ends(start(&plan), TRIES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_taken_next_comes_into_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(it_waits_until_the_strip_before_is_begun, setup, teardown),
		cmocka_unit_test_setup_teardown(it_ends_when_it_is_told_to, setup, teardown),
		cmocka_unit_test_setup_teardown(blocks_metrics_and_days_are_those_that_it_is_told_of, setup, teardown),
		cmocka_unit_test_setup_teardown(one_block_that_is_too_large_is_not_read_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_nothing_to_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

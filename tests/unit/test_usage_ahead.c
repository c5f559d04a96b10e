/* The process that reads usage ahead keeps to its distance, ends by itself and when it is told to, whatever the file is
 * like, and takes nothing from who reads. */
#include "cmocka_shim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/usage.h"
#include "store/usage_ahead.h"
#include "store_file.h"

enum { TO = 20000, DAYS = 30, N_BLOCKS = 20, PAGE = 16384, TRIES = 2000, MS = 1000000 };

static struct err err;
static struct db *db;
static char path[STORE_PATH];
static atomic_size_t *next;

static void fill(void)
{
	static struct usage_cell cells[2 * DAYS * N_BLOCKS];
	size_t n = 0;

	for (int m = 1; m <= 2; m++)
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
	return (struct usage_ahead){ .database = path, .from = TO - DAYS + 1, .to = TO, .n_blocks = N_BLOCKS,
		.with_packs = true, .next = next };
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

static int pages_in_memory(int fd, off_t size)
{
	int n = 0;

	for (off_t at = 0; at < size; at += PAGE) {
		char byte;
		struct iovec to = { &byte, 1 };

		n += preadv2(fd, &to, 1, at, RWF_NOWAIT) == 1;
	}
	return n;
}

/* Where the file system can forget: what was let go comes back without anybody reading it. */
static void what_is_taken_next_comes_into_memory(void **state)
{
	const struct timespec nap = { .tv_nsec = MS };
	const struct usage_ahead plan = plan_of_all();
	int fd, n = 0, without;
	pid_t process;
	off_t size;

	(void)state;
	db_close(db);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = lseek(fd, 0, SEEK_END);
	(void)fsync(fd);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	without = pages_in_memory(fd, size);
	atomic_store(next, N_BLOCKS - 1);
	process = usage_ahead_start(&plan);
	for (int i = 0; i < TRIES && n < 2 * DAYS * N_BLOCKS; i++) {
		n = pages_in_memory(fd, size);
		(void)nanosleep(&nap, NULL);
	}
	assert_true(without > 2 * DAYS * N_BLOCKS || n >= 2 * DAYS * N_BLOCKS);
	assert_true(ends(process, TRIES));
	(void)close(fd);
	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
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

static void blocks_are_those_that_it_is_told_of(void **state)
{
	static const int64_t blocks[] = { 3, 4, 9, 19, 4000 };
	static const int32_t metrics[] = { 2, 77 };
	struct usage_ahead plan = plan_of_all();

	(void)state;
	plan.blocks = blocks;
	plan.n_blocks = ARRAY_LEN(blocks);
	plan.metrics = metrics;
	plan.n_metrics = ARRAY_LEN(metrics);
	atomic_store(next, 4);
	assert_true(ends(start(&plan), TRIES));
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
		cmocka_unit_test_setup_teardown(blocks_are_those_that_it_is_told_of, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_nothing_to_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

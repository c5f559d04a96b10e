/* Where rows lie in a database's file is found without SQLite, in trees of any depth, and nothing else is. */
#include "cmocka_shim.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/store/leaves.h"

enum { N_ROWS = 4000, STEP = 7, ROW_BYTES = 300, MAX_FOUND = 1 << 20 };

static char path[] = "/tmp/retaind-leaves-XXXXXX";
static struct arena *a;
static uint8_t *found; /* bytes of all runs, one after the other */
static size_t n_found, n_runs;
static struct leaves *leaves;

static void run(sqlite3 *db, const char *sql)
{
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void make(int page_size, int first, int n)
{
	sqlite3 *db;
	char sql[512];

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	(void)snprintf(sql, sizeof sql, "PRAGMA page_size = %d; PRAGMA journal_mode = OFF; BEGIN; "
	               "CREATE TABLE other (id INTEGER PRIMARY KEY, data BLOB); "
	               "CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)", page_size);
	run(db, sql);
	for (int i = 0; i < n; i++) {
		int id = first + i * STEP;

		(void)snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, '<row %d>' || hex(zeroblob(%d)))", id, id,
		               ROW_BYTES / 2);
		run(db, sql);
		if (i % 10 == 0)
			run(db, "INSERT INTO other (data) VALUES ('<other>' || hex(zeroblob(150)))");
	}
	run(db, "COMMIT");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static uint32_t root_of(const char *table)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	int root;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?", -1, &q, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_bind_text(q, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	root = sqlite3_column_int(q, 0);
	(void)sqlite3_finalize(q);
	(void)sqlite3_close(db);
	return (uint32_t)root;
}

static void take(void *context, off_t at, off_t len)
{
	(void)context;
	assert_true(n_found + (size_t)len < 8 * MAX_FOUND);
	if (pread(leaves_fd(leaves), found + n_found, (size_t)len, at) == len)
		n_found += (size_t)len;
	n_runs++;
}

static void look(uint32_t root, int64_t from, int64_t to)
{
	n_found = n_runs = 0;
	leaves_of(leaves, root, from, to, take, NULL);
}

static bool has_row(int id)
{
	char word[32];

	(void)snprintf(word, sizeof word, "<row %d>", id);
	return memmem(found, n_found, word, strlen(word)) != NULL;
}

static int setup(void **state)
{
	int fd;

	(void)state;
	(void)strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)close(fd);
	a = arena_new(0);
	found = malloc(8 * MAX_FOUND);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	leaves_close(leaves);
	leaves = NULL;
	free(found);
	arena_free(a);
	(void)unlink(path);
	return 0;
}

static void rows_of_a_range_are_in_what_is_found(void **state)
{
	static const int sizes[] = { 512, 4096, 16384, 65536 };

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		uint32_t root;

		(void)unlink(path);
		make(sizes[s], -500, N_ROWS);
		root = root_of("t");
		leaves = leaves_open(path, a);
		assert_non_null(leaves);
		for (int i = 0; i < N_ROWS; i += 97) {
			int id = -500 + i * STEP, last = id + 5 * STEP;

			look(root, id, last - 1);
			for (int k = id; k < last && k < -500 + N_ROWS * STEP; k += STEP)
				assert_true(has_row(k));
			assert_null(memmem(found, n_found, "<other>", 7));
			assert_true(n_found <= (size_t)sizes[s] * 6);
			look(root, id, id);
			assert_int_equal(n_found, sizes[s]);
			assert_true(has_row(id));
		}
		leaves_close(leaves);
		leaves = NULL;
	}
}

static void all_rows_are_found_once_and_pages_side_by_side_together(void **state)
{
	(void)state;
	make(512, 1, N_ROWS);
	leaves = leaves_open(path, a);
	look(root_of("t"), INT64_MIN, INT64_MAX);
	for (int i = 0; i < N_ROWS; i++)
		assert_true(has_row(1 + i * STEP));
	assert_int_equal(n_found, (size_t)N_ROWS * 512);
	assert_true(n_runs < N_ROWS);
}

static void what_is_no_table_has_no_pages(void **state)
{
	(void)state;
	make(4096, 1, N_ROWS);
	leaves = leaves_open(path, a);
	look(0, 1, 100);
	assert_int_equal(n_runs, 0);
	look(1 << 30, 1, 100);
	assert_int_equal(n_runs, 0);
	look(1, 1, 100);
	assert_int_equal(n_runs, 0);
	look(root_of("t"), 100, 1);
	assert_int_equal(n_runs, 0);
}

static void a_file_that_is_no_database_is_none(void **state)
{
	(void)state;
	assert_null(leaves_open(path, a)); /* empty */
	assert_null(leaves_open("/nowhere/at.all", a));
	assert_int_equal(truncate(path, 4096), 0);
	assert_null(leaves_open(path, a)); /* zeros */
}

static void count(void *context, off_t at, off_t len)
{
	(void)context;
	assert_true(at > 0 && len > 0);
	n_runs++;
}

/* As it may be while it is written: whatever stands there, nothing is read beyond the page and it ends. Half of the
 * pages look like one of a tree, and their children are pages of the file: circles, too. */
static void a_torn_file_is_survived(void **state)
{
	enum { ROUNDS = 300, TORN = 8, BYTES = 512 };
	uint32_t root, n_with_cells = 0;
	off_t n_pages;
	int fd;

	(void)state;
	n_runs = 0;
	make(BYTES, 1, N_ROWS);
	root = root_of("t");
	fd = open(path, O_RDWR | O_CLOEXEC);
	n_pages = lseek(fd, 0, SEEK_END) / BYTES;
	srand(7);
	for (int round = 0; round < ROUNDS; round++) {
		for (int torn = 0; torn < TORN; torn++) {
			uint32_t number = torn ? 2 + (uint32_t)rand() % (uint32_t)(n_pages - 2) : root;
			uint8_t page[BYTES];

			for (size_t i = 0; i < sizeof page; i++)
				page[i] = i % 4 ? (uint8_t)rand() : 0;
			page[0] = rand() % 4 ? 5 : 13;
			if (rand() % 2) {
				page[3] = 0;
				page[4] = (uint8_t)(rand() % 250);
				n_with_cells += page[4] > 0;
			}
			page[8] = page[9] = 0; /* the last child */
			page[10] = (uint8_t)(rand() % 2);
			assert_int_equal(pwrite(fd, page, sizeof page, (off_t)(number - 1) * BYTES), sizeof page);
		}
		leaves = leaves_open(path, a);
		leaves_of(leaves, root, 1, 3000, count, NULL);
		leaves_close(leaves);
	}
	assert_true(n_with_cells > ROUNDS && n_runs > 0);
	leaves = NULL;
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_of_a_range_are_in_what_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(all_rows_are_found_once_and_pages_side_by_side_together, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_table_has_no_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_is_no_database_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(a_torn_file_is_survived, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

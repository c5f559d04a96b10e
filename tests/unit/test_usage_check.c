#include "cmocka_shim.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/store/usage_block.h"
#include "common/clock.h"
#include "store/usage_check.h"
#include "store/usage_erase.h"
#include "store_file.h"

enum { DAYS = 40, FIRST_DAY = 20000, ERASED = USAGE_BLOCK + 77, NEIGHBOUR = USAGE_BLOCK + 78 };
#define MARK INT64_C(0x0123456789ABCDEF)

static struct err err;
static struct db *db;
static char path[STORE_PATH];

static int open_store(void **state)
{
	(void)state;
	db = store_file_open(path);
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	store_file_close(db, path);
	return 0;
}

static int64_t number(const char *sql)
{
	return store_number(db, sql);
}

static void fill(void)
{
	struct usage_cell cells[DAYS * 6];
	size_t n = 0;

	for (int d = 0; d < DAYS; d++)
		for (int32_t metric = 1; metric <= 2; metric++) {
			cells[n++] = (struct usage_cell){ metric, FIRST_DAY + d, 5, d };
			cells[n++] = (struct usage_cell){ metric, FIRST_DAY + d, ERASED, metric == 1 ? 60000 : MARK };
			if (d % 2)
				cells[n++] = (struct usage_cell){ metric, FIRST_DAY + d, NEIGHBOUR, 3 };
		}
	ASSERT_OK(usage_put(db, cells, n, &err));
}

static struct usage_checked check(struct arena *a)
{
	struct usage_checked found;

	ASSERT_OK(usage_check(db, a, &found, &err));
	return found;
}

static void every_damaged_block_is_found_and_named(void **state)
{
	struct arena *a = arena_new(0);
	struct usage_checked found;

	(void)state;
	fill();
	found = check(a);
	ASSERT_INT(found.n_blocks, 4 * DAYS);
	ASSERT_INT(found.n_damaged, 0);
	/* One bit here and there, then an exception that is gone. */
	ASSERT_OK(db_run(db, "UPDATE usage_block SET data = substr(data, 1, 5) || x'ff' "
	                     "WHERE id = (1 << 40) + (20007 << 20); "
	                     "DELETE FROM usage_exception WHERE day = 20010", &err));
	ASSERT_OK(db_run(db, "UPDATE usage_block SET data = substr(data, 1, 154) || x'60' || substr(data, 156) "
	                     "WHERE id = (1 << 40) + (20003 << 20) + 1", &err));
	found = check(a);
	ASSERT_INT(found.n_damaged, 3);
	assert_string_equal(found.damaged[0], "usage of logins on 2024-10-07, accounts 8128 to 16255 "
	                                      "(block 1120486293505)");
	assert_non_null(strstr(found.damaged[1], "logins on 2024-10-11, accounts 0 to 8127"));
	assert_non_null(strstr(found.damaged[2], "bytes on 2024-10-14, accounts 8128"));
	arena_free(a);
}

static void what_is_damaged_can_be_dropped_and_pulled_again(void **state)
{
	struct arena *a = arena_new(0);
	struct usage_checked found;
	int64_t value;

	(void)state;
	fill();
	ASSERT_OK(db_run(db, "UPDATE usage_block SET sum = sum + 1 WHERE id >> 20 & 1048575 = 20004", &err));
	assert_int_equal(usage_get(db, 2, 20004, ERASED, &value, &err), -1);
	ASSERT_INT(usage_drop_damaged(db, &err), 4);
	ASSERT_INT(usage_drop_damaged(db, &err), 0);
	ASSERT_INT(number("SELECT count(*) FROM usage_exception WHERE day = 20004"), 0);
	ASSERT_OK(usage_get(db, 2, 20004, ERASED, &value, &err));
	assert_true(value == USAGE_NONE);
	fill();
	ASSERT_OK(usage_get(db, 2, 20004, ERASED, &value, &err));
	assert_true(value == MARK);
	found = check(a);
	ASSERT_INT(found.n_blocks, 4 * DAYS);
	ASSERT_INT(found.n_damaged, 0);
	arena_free(a);
}

static void a_large_value_that_changed_by_a_bit_is_noticed(void **state)
{
	static const char *const flips[] = {
		"value = (value | 64) - (value & 64)", "value = value + (1 << 40)", "sum = sum + 1", "account_id = account_id + 1",
		"account_id = account_id + 8128", "day = day + 100", "metric_id = metric_id + 1",
	};
	struct arena *a = arena_new(0);
	int64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flips); i++) {
		fill();
		ASSERT_INT(check(a).n_damaged, 0);
		ASSERT_OK(db_run(db, arena_printf(a, "UPDATE usage_exception SET %s WHERE day = 20010", flips[i]), &err));
		assert_int_equal(usage_get(db, 2, 20010, ERASED, &value, &err), -1);
		assert_int_equal(err.kind, ERR_FATAL);
		ASSERT_INT(check(a).n_damaged, 1);
		ASSERT_INT(usage_drop_damaged(db, &err), 1);
		ASSERT_INT(check(a).n_damaged, 0);
	}
	fill();
	ASSERT_OK(usage_get(db, 2, 20010, ERASED, &value, &err));
	assert_true(value == MARK);
	arena_free(a);
}

static size_t read_file(struct arena *a, const char *suffix, char **out)
{
	FILE *f = fopen(arena_printf(a, "%s%s", path, suffix), "rb");
	size_t n;

	*out = arena_alloc(a, 64 << 20);
	if (!f)
		return 0;
	n = fread(*out, 1, 64 << 20, f);
	(void)fclose(f);
	return n;
}

/* How often the bytes stand in the database or in the log beside it. */
static int times_in_files(const void *bytes, size_t len)
{
	static const char *const suffixes[] = { "", "-wal" };
	int n_found = 0;

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		struct arena *a = arena_new(0);
		char *file, *at;
		size_t n = read_file(a, suffixes[i], &file);

		for (at = file; (at = memmem(at, n - (size_t)(at - file), bytes, len)); at++)
			n_found++;
		arena_free(a);
	}
	return n_found;
}

static void erasing_an_account_leaves_no_byte_of_it_and_all_of_its_neighbours(void **state)
{
	static const unsigned char mark[] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF }; /* as SQLite writes it */
	static const char person[] = "erased.person@example.org";
	int64_t value;

	(void)state;
	fill();
	ASSERT_OK(usage_detail_put(db, &(struct usage_detail){ 1, 20001, ERASED, person, "team", 5 }, &err));
	ASSERT_OK(usage_detail_put(db, &(struct usage_detail){ 1, 20001, NEIGHBOUR, "other", "team", 5 }, &err));
	ASSERT_OK(db_run(db, "INSERT INTO usage_counted VALUES (1, 's', 20001, 1, 1, x'0000000000000000006000'), "
	                     "(1, 's', 20001, 1, 0, x'00000000000000000020')", &err));
	ASSERT_OK(db_run(db, "PRAGMA wal_checkpoint(TRUNCATE)", &err));
	assert_true(times_in_files(mark, sizeof mark) >= DAYS);
	assert_true(times_in_files(person, sizeof person - 1) == 1);
	ASSERT_INT(usage_erase(db, ERASED, &err), 2 * DAYS);
	ASSERT_INT(usage_erase(db, ERASED, &err), 0);
	ASSERT_OK(db_run(db, "PRAGMA wal_checkpoint(TRUNCATE)", &err));
	assert_int_equal(times_in_files(mark, sizeof mark), 0);
	assert_int_equal(times_in_files(person, sizeof person - 1), 0);
	ASSERT_INT(number("SELECT count(*) FROM usage_exception"), 0);
	ASSERT_INT(number("SELECT count(*) FROM usage_block WHERE id & 1 = 1"), DAYS); /* the neighbour's days are left */
	ASSERT_INT(number("SELECT max(width) FROM usage_block"), 1);
	ASSERT_INT(number("SELECT hex(accounts) = '0000000000000000004000' FROM usage_counted WHERE block = 1"), 1);
	ASSERT_INT(number("SELECT hex(accounts) = '00000000000000000020' FROM usage_counted WHERE block = 0"), 1);
	for (int d = 0; d < DAYS; d++) {
		ASSERT_OK(usage_get(db, 1, FIRST_DAY + d, ERASED, &value, &err));
		assert_true(value == USAGE_NONE);
		ASSERT_OK(usage_get(db, 2, FIRST_DAY + d, NEIGHBOUR, &value, &err));
		assert_true(value == (d % 2 ? 3 : USAGE_NONE));
		ASSERT_OK(usage_get(db, 1, FIRST_DAY + d, 5, &value, &err));
		ASSERT_INT(value, d);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_damaged_block_is_found_and_named),
		CASE(what_is_damaged_can_be_dropped_and_pulled_again),
		CASE(a_large_value_that_changed_by_a_bit_is_noticed),
		CASE(erasing_an_account_leaves_no_byte_of_it_and_all_of_its_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

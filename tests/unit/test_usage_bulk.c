#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "store/migrate.h"
#include "store/usage_bulk.h"

enum { METRICS = 3, DAYS = 30, ACCOUNTS = 40, FIRST_DAY = 20000, ROUND = 500 };

static struct err err;
static struct db *db, *other;

static struct db *open_one(void)
{
	struct db *made = NULL;

	ASSERT_OK(db_open(":memory:", DB_WRITE, &made, &err));
	ASSERT_OK(migrate_run(made, 0, &err));
	for (int m = 0; m < METRICS; m++) {
		static const char *const names[METRICS] = { "a", "b", "c" };
		int32_t id;

		ASSERT_OK(metric_id(made, names[m], &id, &err));
		ASSERT_INT(id, m + 1);
	}
	return made;
}

static int open_both(void **state)
{
	(void)state;
	db = open_one();
	other = open_one();
	return 0;
}

static int close_both(void **state)
{
	(void)state;
	db_close(db);
	db_close(other);
	return 0;
}

static int64_t number(struct db *of, const char *sql)
{
	int64_t n = -1;

	ASSERT_OK(db_int(of, sql, -1, &n, &err));
	return n;
}

static int64_t random_value(void)
{
	switch (random() % 8) {
	case 0: return USAGE_NONE;
	case 1: return USAGE_MAX - 2 + random() % 5;
	case 2: return INT64_MAX - random() % 3;
	case 3: return (int64_t)1 << 32;
	default: return random() % 300;
	}
}

/* On both sides of the border between two blocks. */
static struct usage_cell random_cell(void)
{
	return (struct usage_cell){ 1 + (int32_t)(random() % METRICS), FIRST_DAY + (int32_t)(random() % DAYS),
		                        USAGE_BLOCK - ACCOUNTS / 2 + random() % ACCOUNTS, random_value() };
}

static void assert_same_rows(const char *sql)
{
	struct stmt *a = db_sql(db, sql), *b = db_sql(other, sql);
	int more;

	do {
		more = stmt_step(a, &err);
		ASSERT_OK(more);
		ASSERT_INT(stmt_step(b, &err), more);
		for (int i = 0; more && i < 4; i++) {
			assert_true(col_is_null(a, i) == col_is_null(b, i));
			if (!col_is_null(a, i))
				assert_string_equal(col_text(a, i), col_text(b, i));
		}
	} while (more);
	stmt_done(a);
	stmt_done(b);
}

static void in_bulk_the_file_becomes_what_it_becomes_one_cell_after_another(void **state)
{
	struct usage_bulk *b = usage_bulk_new(db, 0);
	int64_t n_changed = 0;

	(void)state;
	srandom(20260216);
	for (int round = 0; round < 20; round++) {
		struct usage_cell cells[ROUND];
		int64_t n;

		for (int i = 0; i < ROUND; i++)
			cells[i] = random_cell();
		ASSERT_OK(usage_bulk_add(b, cells, ROUND, &err));
		if (round % 3 == 2)
			ASSERT_OK(usage_bulk_flush(b, &err));
		n = usage_put(other, cells, ROUND, &err);
		ASSERT_OK(n);
		n_changed += n;
	}
	assert_in_range(usage_bulk_flush(b, &err), 1, n_changed); /* what changed back within a flush is no change */
	usage_bulk_free(b);
	assert_same_rows("SELECT id, hex(data), width, sum FROM usage_block ORDER BY id");
	assert_same_rows("SELECT metric_id, day, account_id, value FROM usage_exception ORDER BY 1, 2, 3");
	assert_true(number(db, "SELECT count(*) FROM usage_exception") > 500);
}

static void a_bulk_counts_the_cells_that_changed(void **state)
{
	struct usage_cell cells[] = { { 1, 20000, 7, 5 }, { 1, 20000, 8, 70000 }, { 2, 20000, 7, 5 } };
	struct usage_bulk *b = usage_bulk_new(db, 0);

	(void)state;
	ASSERT_OK(usage_bulk_add(b, cells, ARRAY_LEN(cells), &err));
	ASSERT_INT(usage_bulk_flush(b, &err), 3);
	ASSERT_OK(usage_bulk_add(b, cells, ARRAY_LEN(cells), &err));
	ASSERT_INT(usage_bulk_flush(b, &err), 3);
	cells[1].value = 80000;
	ASSERT_OK(usage_bulk_add(b, &cells[1], 1, &err));
	ASSERT_INT(usage_bulk_flush(b, &err), 4);
	usage_bulk_free(b);
}

/* More cells than 16 MiB hold, of which nobody asks for a flush. */
static void a_bulk_keeps_to_its_memory_whatever_the_order(void **state)
{
	enum { N_ACCOUNTS = 3 * USAGE_BLOCK, N_DAYS = 250 };
	struct usage_bulk *b = usage_bulk_new(db, 1);

	(void)state;
	ASSERT_OK(db_run(db, "BEGIN IMMEDIATE", &err));
	for (int64_t i = 0; i < N_ACCOUNTS; i++) {
		int64_t account = 1 + i * 7919 % N_ACCOUNTS; /* all of them, here and there */
		struct usage_cell cells[N_DAYS];

		for (int d = 0; d < N_DAYS; d++)
			cells[d] = (struct usage_cell){ 1, FIRST_DAY + d, account, (account + d) % 1000 };
		ASSERT_OK(usage_bulk_add(b, cells, N_DAYS, &err));
	}
	assert_true(number(db, "SELECT count(*) FROM usage_block") > 0);
	ASSERT_INT(usage_bulk_flush(b, &err), (int64_t)N_ACCOUNTS * N_DAYS);
	ASSERT_OK(db_run(db, "COMMIT", &err));
	usage_bulk_free(b);
	ASSERT_INT(number(db, "SELECT count(*) FROM usage_block"), 4 * N_DAYS);
	for (int i = 0; i < 1000; i++) {
		int64_t account = 1 + random() % N_ACCOUNTS, value;
		int32_t day = (int32_t)(random() % N_DAYS);

		ASSERT_OK(usage_get(db, 1, FIRST_DAY + day, account, &value, &err));
		ASSERT_INT(value, (account + day) % 1000);
	}
}

static void what_can_not_be_usage_is_refused_in_bulk_too(void **state)
{
	const struct usage_cell negative = { 1, 20000, 1, -1 }, early = { 1, -1, 1, 1 };
	struct usage_bulk *b = usage_bulk_new(db, 0);

	(void)state;
	assert_int_equal(usage_bulk_add(b, &negative, 1, &err), -1);
	assert_int_equal(err.kind, ERR_INPUT);
	assert_int_equal(usage_bulk_add(b, &early, 1, &err), -1);
	ASSERT_INT(usage_bulk_flush(b, &err), 0);
	usage_bulk_free(b);
	usage_bulk_free(NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(in_bulk_the_file_becomes_what_it_becomes_one_cell_after_another),
		CASE(a_bulk_counts_the_cells_that_changed),
		CASE(a_bulk_keeps_to_its_memory_whatever_the_order),
		CASE(what_can_not_be_usage_is_refused_in_bulk_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

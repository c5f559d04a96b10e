#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "store/migrate.h"
#include "store/usage.h"
#include "store/usage_counted.h"

enum { N_ACCOUNTS = 6, N_DAYS = 6, N_METRICS = 2, FIRST_DAY = 20500 };

static struct err err;
static struct db *db;
static int32_t metrics[N_METRICS];

/* On both sides of a block's end. */
static const int64_t accounts[N_ACCOUNTS] = {
	1, 2, USAGE_BLOCK - 1, USAGE_BLOCK, USAGE_BLOCK + 1, 3 * USAGE_BLOCK + 7,
};

static void make_account(int64_t id)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO account (id, source_id, source_key, name, external_id) "
	               "VALUES (:id, 1, 'k' || :id, 'n' || :id, 'x' || :id)");

	bind_int(q, ":id", id);
	ASSERT_OK(stmt_run(q, &err));
}

static int open_store(void **state)
{
	int64_t source;

	(void)state;
	db = NULL;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(source_id(db, "crm", "csv", &source, &err));
	for (size_t i = 0; i < N_ACCOUNTS; i++)
		make_account(accounts[i]);
	ASSERT_OK(metric_id(db, "events", &metrics[0], &err));
	ASSERT_OK(metric_id(db, "users", &metrics[1], &err));
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	db_close(db);
	return 0;
}

static void count(enum usage_merge merge, int32_t metric, int32_t day, int64_t account, const char *contact,
                  int64_t value)
{
	char key[32];
	const struct counted_row row = { metric, day, ACCOUNT_BY_EXTERNAL_ID, key, contact, "", value };

	(void)snprintf(key, sizeof key, "x%lld", (long long)account);
	ASSERT_OK(counted_add(db, merge, &row, &err));
}

static struct counted_result store(const char *stream, int32_t from, int32_t to)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct counted_days days = { 1, stream, from, to };
	struct counted_result result;

	ASSERT_OK(counted_store(db, &days, a, &result, &err));
	result.example = NULL;
	return result;
}

static int64_t cell(int32_t metric, int32_t day, int64_t account)
{
	int64_t value = -2;

	ASSERT_OK(usage_get(db, metric, day, account, &value, &err));
	return value;
}

static void a_day_that_is_counted_again_replaces_what_it_had(void **state)
{
	int64_t model[N_METRICS][N_DAYS][N_ACCOUNTS];

	(void)state;
	for (size_t m = 0; m < N_METRICS; m++)
		for (size_t d = 0; d < N_DAYS; d++)
			for (size_t i = 0; i < N_ACCOUNTS; i++)
				model[m][d][i] = USAGE_NONE;
	srand(11);
	for (int round = 0; round < 200; round++) {
		int from = rand() % N_DAYS, to = from + rand() % (N_DAYS - from);

		ASSERT_OK(counted_begin(db, &err));
		for (size_t m = 0; m < N_METRICS; m++)
			for (int d = from; d <= to; d++)
				for (size_t i = 0; i < N_ACCOUNTS; i++) {
					model[m][d][i] = USAGE_NONE;
					for (int n = rand() % 4; n > 1; n--) {
						int64_t value = rand() % 3 ? rand() % 100 : 70000;

						count(USAGE_SUM, metrics[m], FIRST_DAY + d, accounts[i], "", value);
						model[m][d][i] = model[m][d][i] == USAGE_NONE ? value : model[m][d][i] + value;
					}
				}
		(void)store("events", FIRST_DAY + from, FIRST_DAY + to);
		for (size_t m = 0; m < N_METRICS; m++)
			for (int d = 0; d < N_DAYS; d++)
				for (size_t i = 0; i < N_ACCOUNTS; i++)
					ASSERT_INT(cell(metrics[m], FIRST_DAY + d, accounts[i]), model[m][d][i]);
	}
}

static void different_contacts_are_counted_once_each(void **state)
{
	(void)state;
	ASSERT_OK(counted_begin(db, &err));
	for (int i = 0; i < 10; i++)
		count(USAGE_LAST, metrics[1], FIRST_DAY, 1, i % 3 ? "ana" : "bo", 1);
	(void)store("events", FIRST_DAY, FIRST_DAY);
	ASSERT_INT(cell(metrics[1], FIRST_DAY, 1), 2);
}

static void only_what_this_stream_counted_goes(void **state)
{
	struct usage_cell other = { metrics[0], FIRST_DAY, 2, 7 };

	(void)state;
	ASSERT_INT(usage_put(db, &other, 1, &err), 1);
	ASSERT_OK(counted_begin(db, &err));
	count(USAGE_SUM, metrics[0], FIRST_DAY, 1, "", 5);
	ASSERT_INT(store("events", FIRST_DAY, FIRST_DAY).n_changed, 1);
	ASSERT_OK(counted_begin(db, &err));
	(void)store("others", FIRST_DAY, FIRST_DAY);
	ASSERT_INT(cell(metrics[0], FIRST_DAY, 1), 5);
	ASSERT_INT(store("events", FIRST_DAY, FIRST_DAY).n_changed, 1);
	ASSERT_INT(cell(metrics[0], FIRST_DAY, 1), USAGE_NONE);
	ASSERT_INT(cell(metrics[0], FIRST_DAY, 2), 7);
}

static void without_days_those_of_the_rows_are_replaced(void **state)
{
	(void)state;
	ASSERT_OK(counted_begin(db, &err));
	for (int d = 0; d < 4; d++)
		count(USAGE_SUM, metrics[0], FIRST_DAY + d, 1, "", 1);
	(void)store("file", 1, 0);
	ASSERT_OK(counted_begin(db, &err));
	count(USAGE_SUM, metrics[0], FIRST_DAY + 1, 1, "", 9);
	count(USAGE_SUM, metrics[0], FIRST_DAY + 3, 1, "", 9);
	(void)store("file", 1, 0);
	ASSERT_INT(cell(metrics[0], FIRST_DAY, 1), 1);
	ASSERT_INT(cell(metrics[0], FIRST_DAY + 1, 1), 9);
	ASSERT_INT(cell(metrics[0], FIRST_DAY + 2, 1), USAGE_NONE);
	ASSERT_INT(cell(metrics[0], FIRST_DAY + 3, 1), 9);
	ASSERT_OK(counted_begin(db, &err));
	(void)store("file", 1, 0); /* an empty file says nothing */
	ASSERT_INT(cell(metrics[0], FIRST_DAY + 3, 1), 9);
}

static void what_waits_goes_to_the_account_that_comes(void **state)
{
	int64_t changed = 0;

	(void)state;
	ASSERT_OK(counted_begin(db, &err));
	count(USAGE_SUM, metrics[0], FIRST_DAY, 9999, "", 4);
	count(USAGE_SUM, metrics[0], FIRST_DAY + 1, 9999, "", 6);
	ASSERT_INT(store("events", FIRST_DAY, FIRST_DAY + 1).n_unknown, 1);
	ASSERT_INT(counted_settle(db, 1, "events", &changed, &err), 1);
	ASSERT_INT(changed, 0);
	make_account(9999);
	ASSERT_INT(counted_settle(db, 1, "events", &changed, &err), 0);
	ASSERT_INT(changed, 2);
	ASSERT_INT(cell(metrics[0], FIRST_DAY + 1, 9999), 6);
	ASSERT_OK(counted_settle(db, 1, "events", &changed, &err));
	ASSERT_INT(changed, 2);
	ASSERT_OK(counted_begin(db, &err)); /* and is this stream's like all it counted */
	(void)store("events", FIRST_DAY, FIRST_DAY);
	ASSERT_INT(cell(metrics[0], FIRST_DAY, 9999), USAGE_NONE);
	ASSERT_INT(cell(metrics[0], FIRST_DAY + 1, 9999), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_day_that_is_counted_again_replaces_what_it_had, open_store, close_store),
		cmocka_unit_test_setup_teardown(different_contacts_are_counted_once_each, open_store, close_store),
		cmocka_unit_test_setup_teardown(only_what_this_stream_counted_goes, open_store, close_store),
		cmocka_unit_test_setup_teardown(without_days_those_of_the_rows_are_replaced, open_store, close_store),
		cmocka_unit_test_setup_teardown(what_waits_goes_to_the_account_that_comes, open_store, close_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

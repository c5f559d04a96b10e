/* Of which accounts nothing says whether they are customers. */
#include "cmocka_shim.h"

#include "common/clock.h"
#include "store/account.h"
#include "store_file.h"

enum { DAY = 20000 };

static struct err err;
static struct db *db;
static char path[STORE_PATH];

/* 1 pays; of 2 and 3 nothing is known, but 2 was scored. */
static int setup(void **state)
{
	(void)state;
	db = store_file_open(path);
	ASSERT_OK(db_run(db,
		"INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv');"
		"INSERT INTO account (id, source_id, source_key) VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 1, 'c');"
		"INSERT INTO subscription (source_id, source_key, account_id, product, start_on) VALUES "
		"(1, 's', 1, 'p', 19000);"
		"INSERT INTO score_row (day, account_id, confidence, risk_band, readiness_band, risk_band_since, "
		"readiness_band_since, config) VALUES (20000, 2, 1, 0, 0, 20000, 20000, 1)", &err));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_file_close(db, path);
	return 0;
}

static int64_t undecided(int32_t scored_on)
{
	int64_t n;

	ASSERT_OK(accounts_undecided(db, scored_on, &n, &err));
	return n;
}

static void who_was_scored_on_the_day_is_decided(void **state)
{
	(void)state;
	assert_int_equal(undecided(DAY_NONE), 2);
	assert_int_equal(undecided(DAY), 1);
	assert_int_equal(undecided(DAY - 1), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_was_scored_on_the_day_is_decided, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

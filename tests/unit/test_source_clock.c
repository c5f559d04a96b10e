/* What the sources' clocks say of ours, whatever is done to ours. */
#include "cmocka_shim.h"

#include "store/migrate.h"
#include "store/record.h"
#include "store/source_clock.h"

enum { NOW = 1771200000, BOOT_MS = 5000000 };

static struct db *db;
static struct err err;

static int set_up(void **state)
{
	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 1, &err));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	db_close(db);
	return 0;
}

static int64_t source(const char *name)
{
	int64_t id;

	ASSERT_OK(source_id(db, name, "csv", &id, &err));
	return id;
}

static int64_t ahead(int64_t now, int64_t boot_ms)
{
	int64_t s = INT64_MIN;

	ASSERT_INT(source_clock_ahead(db, now, boot_ms, &s, &err), 1);
	return s;
}

static void nobody_has_told_the_time_at_first(void **state)
{
	int64_t s;

	(void)state;
	ASSERT_INT(source_clock_ahead(db, NOW, BOOT_MS, &s, &err), 0);
	ASSERT_OK(source_clock_note(db, 17, NOW, BOOT_MS, &err)); /* no such source */
	ASSERT_INT(source_clock_ahead(db, NOW, BOOT_MS, &s, &err), 0);
}

static void the_source_that_agrees_most_counts(void **state)
{
	(void)state;
	ASSERT_OK(source_clock_note(db, source("far"), NOW - 7200, BOOT_MS, &err));
	ASSERT_INT(ahead(NOW, BOOT_MS), 7200);
	ASSERT_OK(source_clock_note(db, source("near"), NOW + 30, BOOT_MS, &err));
	ASSERT_INT(ahead(NOW, BOOT_MS), -30);
	ASSERT_OK(source_clock_note(db, source("near"), NOW - 40, BOOT_MS, &err)); /* the last answer of a source */
	ASSERT_INT(ahead(NOW, BOOT_MS), 40);
}

/* Time goes on and nothing changes; the clock is set and that is seen at once. */
static void a_clock_that_is_set_is_seen_without_asking(void **state)
{
	(void)state;
	ASSERT_OK(source_clock_note(db, source("crm"), NOW, BOOT_MS, &err));
	ASSERT_INT(ahead(NOW + 86400, BOOT_MS + 86400000), 0);
	ASSERT_INT(ahead(NOW + 86400 + 259200, BOOT_MS + 86400000), 259200);
	ASSERT_INT(ahead(NOW - 3600, BOOT_MS), -3600);
}

static void after_a_boot_all_of_it_is_forgotten(void **state)
{
	int64_t s;

	(void)state;
	ASSERT_OK(source_clock_note(db, source("crm"), NOW, BOOT_MS, &err));
	ASSERT_OK(source_clock_forget(db, &err));
	ASSERT_INT(source_clock_ahead(db, NOW, 1000, &s, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_has_told_the_time_at_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_source_that_agrees_most_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_clock_that_is_set_is_seen_without_asking, set_up, tear_down),
		cmocka_unit_test_setup_teardown(after_a_boot_all_of_it_is_forgotten, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

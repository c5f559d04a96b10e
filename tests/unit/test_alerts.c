/* What a person has to be told: once a topic, by whom it may be told, until it was. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "store/alerts.h"
#include "store/ledger.h"
#include "store/migrate.h"

enum { NOW = 1773300000, MOST = 3 };

static struct err err;
static struct arena *a;
static struct db *db;

static int open_database(void **state)
{
	(void)state;
	a = arena_new(0);
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, NOW, &err));
	return 0;
}

static int close_database(void **state)
{
	(void)state;
	db_close(db);
	arena_free(a);
	return 0;
}

static void put(const char *topic, const char *sink)
{
	ASSERT_OK(alert_put(db, topic, sink, topic, NOW, &err));
}

static struct alerts due(const char *sink, const char *but, const char *nor, int64_t now)
{
	const struct alert_route route = { .sink = sink, .but = { but, nor } };
	struct alerts out;

	ASSERT_OK(alerts_due(db, &route, MOST, now, a, &out, &err));
	return out;
}

static void settle(const struct alerts *x, bool is_told, int64_t next_at)
{
	const struct alert_route all = { 0 };

	ASSERT_OK(alerts_begin(db, &all, x->last_id, NOW, &err));
	ASSERT_OK(alerts_settle(db, &all, x->last_id, is_told, next_at, NOW, &err));
}

static void a_topic_is_told_once(void **state)
{
	struct alerts x;

	(void)state;
	put("disabled/hook", "hook");
	put("disabled/hook", "hook");
	x = due(NULL, NULL, NULL, NOW);
	ASSERT_INT(x.n_all, 1);
	settle(&x, true, NOW);
	put("disabled/hook", "hook");
	ASSERT_INT(due(NULL, NULL, NULL, NOW + 3600).n_all, 0);
}

static void what_was_not_told_is_due_again_later_and_counts_its_attempts(void **state)
{
	struct alerts x;
	int64_t next;

	(void)state;
	put("missed", NULL);
	x = due(NULL, NULL, NULL, NOW);
	ASSERT_INT(x.n_attempts, 0);
	settle(&x, false, NOW + 30);
	ASSERT_INT(due(NULL, NULL, NULL, NOW + 29).n_all, 0);
	ASSERT_INT(due(NULL, NULL, NULL, NOW + 30).n_attempts, 1);
	ASSERT_OK(alerts_next_due(db, &next, &err));
	ASSERT_INT(next, NOW + 30);
}

static void a_sinks_own_alerts_are_kept_from_it(void **state)
{
	(void)state;
	put("of hook", "hook");
	put("of mail", "mail");
	put("of nobody", NULL);
	ASSERT_INT(due("hook", NULL, NULL, NOW).n_all, 1);
	assert_string_equal(due("hook", NULL, NULL, NOW).texts[0], "of hook");
	ASSERT_INT(due(NULL, "hook", NULL, NOW).n_all, 2);
	ASSERT_INT(due(NULL, "hook", "mail", NOW).n_all, 1);
	assert_string_equal(due(NULL, "hook", "mail", NOW).texts[0], "of nobody");
}

static void many_are_counted_and_the_oldest_few_said(void **state)
{
	struct alerts x;

	(void)state;
	for (int i = 0; i < 10; i++)
		put(arena_printf(a, "%d", i), NULL);
	x = due(NULL, NULL, NULL, NOW);
	ASSERT_INT(x.n_all, 10);
	ASSERT_INT(x.n, MOST);
	assert_string_equal(x.texts[0], "0");
	put("meanwhile", NULL); /* while these are on their way */
	settle(&x, true, NOW);
	x = due(NULL, NULL, NULL, NOW);
	ASSERT_INT(x.n_all, 1);
	assert_string_equal(x.texts[0], "meanwhile");
}

static int n_rows(const char *table)
{
	int64_t n;

	ASSERT_OK(db_int(db, arena_printf(a, "SELECT count(*) FROM %s", table), 0, &n, &err));
	return (int)n;
}

static void what_was_told_and_looked_over_long_ago_is_forgotten(void **state)
{
	struct alerts x;

	(void)state;
	put("told", NULL);
	x = due(NULL, NULL, NULL, NOW);
	settle(&x, true, NOW);
	put("not yet", NULL);
	for (int32_t day = 0; day < 2000; day++)
		ASSERT_OK(ledger_looked_over(db, NOW / 86400 + day, 0, false, NOW + day * (int64_t)86400, &err));
	ASSERT_INT(n_rows("alert"), 1);
	ASSERT_INT(n_rows("looked_over"), 401);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_database, close_database)
	const struct CMUnitTest tests[] = {
		CASE(a_topic_is_told_once),
		CASE(what_was_not_told_is_due_again_later_and_counts_its_attempts),
		CASE(a_sinks_own_alerts_are_kept_from_it),
		CASE(many_are_counted_and_the_oldest_few_said),
		CASE(what_was_told_and_looked_over_long_ago_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

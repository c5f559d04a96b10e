/* The base that scoring keeps: what comes back is what was put, for every account, until anything changes. */
#include "cmocka_shim.h"

#include <string.h>

#include "score/norms_kept.h"
#include "score/score.h"
#include "store/base_kept.h"
#include "store/fact_series.h"
#include "store/migrate.h"
#include "store/usage.h"

enum { AS_OF = 20000, N_ACCOUNTS = 60, N_CELLS = 4000, MAX_BYTES = 1 << 20 };

static struct err err;
static struct arena *a;
static struct db *db;
static struct buf kept;
static const struct fact_query query = { .as_of = AS_OF, .zone = NULL, .stale_days = 3 };
static uint64_t chance;

static int64_t random_below(int64_t n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (int64_t)(chance % (uint64_t)n);
}

static void run(const char *sql)
{
	ASSERT_OK(db_run(db, sql, &err));
}

static void put_usage(int n)
{
	static const char *const names[] = { "actions", "exports", "seats" };
	struct usage_cell cell;

	for (int i = 0; i < n; i++) {
		int64_t account = 1 + random_below(N_ACCOUNTS);
		int oldest = account % 7 == 0 ? 900 : 500, latest = account % 7 == 0 ? 450 : 0; /* some are gone */
		int32_t day = AS_OF - latest - (int32_t)random_below(oldest - latest);

		cell = (struct usage_cell){ .account = account * 300, .day = day,
			.value = i % 40 == 0 ? 80000 : random_below(50) };
		ASSERT_OK(metric_id(db, names[i % 3], &cell.metric, &err));
		ASSERT_OK(usage_put(db, &cell, 1, &err));
	}
}

static int setup(void **state)
{
	(void)state;
	chance = 7;
	a = arena_new(0);
	buf_init(&kept, MAX_BYTES);
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	run("INSERT INTO source (id, name, kind, last_ok_on) VALUES (1, 'crm', 'csv', 19999)");
	for (int i = 1; i <= N_ACCOUNTS; i++) {
		run(arena_printf(a, "INSERT INTO account (id, source_id, source_key, segment, currency, created_on) "
		                    "VALUES (%d, 1, 'k%d', 's%d', 'EUR', 18000)", i * 300, i, i % 3));
		run(arena_printf(a, "INSERT INTO subscription (id, source_id, source_key, account_id, product, plan, seats, "
		                    "mrr_minor, currency, start_on) "
		                    "VALUES (%d, 1, 's%d', %d, 'p%d', 'plan', %d, %d, 'EUR', 19000)",
		                 i, i, i * 300, i % 4, i % 5, 1000 * i));
	}
	run("INSERT INTO account_limit (id, source_id, source_key, account_id, metric, value) "
	    "VALUES (1, 1, 'l', 300, 'seats', 9)");
	run("INSERT INTO invoice (id, source_id, source_key, account_id, issued_on, paid_on) "
	    "VALUES (1, 1, 'i', 300, 19900, 19901)");
	put_usage(N_CELLS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_done(&kept);
	db_closep(&db);
	arena_free(a);
	return 0;
}

static struct fact_query asked(void)
{
	struct fact_query q = query;

	q.zone = zone_utc();
	return q;
}

static struct fact_base load(void)
{
	static const struct fact_speed speeds[] = { { NULL, 30, 40 }, { "usage_decline", 20, 35 } };
	struct fact_query q = asked();
	struct fact_base base;

	ASSERT_OK(facts_base_load(db, &q, a, &base, &err));
	base.loss_rate = 0.001;
	base.growth_rate = 0.002;
	base.speeds = speeds;
	base.n_speeds = ARRAY_LEN(speeds);
	return base;
}

static void write_all(const struct fact_base *base, const struct norms *norms, struct buf *out)
{
	struct parcel p = { .out = out, .arena = a };
	struct fact_base copy = *base;

	base_parcel(&p, &copy);
	norms_parcel(&p, base->n_metrics, &norms);
	assert_false(out->is_full);
}

static bool read_all(const char *data, size_t len, struct fact_base *base, const struct norms **norms)
{
	struct parcel p = { .at = data, .end = data + len, .arena = a };

	*base = (struct fact_base){ 0 };
	base_parcel(&p, base);
	norms_parcel(&p, base->n_metrics, norms);
	return parcel_is_whole(&p);
}

static void check_members(const struct fact_base *base)
{
	struct fact_query q = asked();
	int n_gone = 0;

	for (size_t i = 0; i < base->n_members; i++) {
		const struct fact_member *right = &base->members[i], *member;
		const struct norms *norms;
		struct fact_account one, same;
		struct fact_base again;

		assert_true(read_all(kept.at, kept.len, &again, &norms));
		ASSERT_OK(base_kept_complete(db, &q, right->id, a, &again, &err));
		member = again.members;
		ASSERT_INT(member->id, right->id);
		assert_memory_equal(again.active, &base->active[i], sizeof *base->active);
		ASSERT_INT(member->gone_days, right->gone_days);
		assert_memory_equal(again.sources, base->sources, sizeof base->sources);
		n_gone += member->gone_days > 0;
		ASSERT_OK(facts_load(db, &q, &again, 0, 1, a, &one, &err));
		ASSERT_OK(facts_load(db, &q, base, i, 1, a, &same, &err));
		assert_memory_equal(&one.active, &same.active, sizeof one.active);
		for (size_t m = 0; m < base->n_metrics; m++)
			assert_true(!one.usage[m] == !same.usage[m] && (!one.usage[m] ||
			            memcmp(one.usage[m]->weeks, same.usage[m]->weeks, sizeof same.usage[m]->weeks) == 0));
	}
	assert_true(n_gone > 2);
}

static void what_comes_back_is_what_was_put_and_each_account_is_the_same_beside_it(void **state)
{
	struct fact_base base, again;
	const struct norms *norms, *norms_again;
	CLEANUP(buf_done) struct buf twice;

	(void)state;
	base = load();
	norms = norms_of(&base, a);
	write_all(&base, norms, &kept);
	assert_true(read_all(kept.at, kept.len, &again, &norms_again));
	buf_init(&twice, MAX_BYTES);
	write_all(&again, norms_again, &twice);
	ASSERT_INT(twice.len, kept.len);
	assert_memory_equal(twice.at, kept.at, kept.len);
	ASSERT_INT(again.n_members, N_ACCOUNTS);
	ASSERT_INT(again.n_metrics, 3);
	assert_string_equal(again.metrics[2].name, "seats");
	assert_false(again.metrics[2].is_activity);
	ASSERT_INT(again.market.n_plans, 4);
	assert_string_equal(again.market.currency, "EUR");
	ASSERT_INT(again.market.mrr_high_minor, base.market.mrr_high_minor);
	assert_null(again.speeds[0].cause);
	assert_string_equal(again.speeds[1].cause, "usage_decline");
	ASSERT_INT(again.payers[0], 1);
	check_members(&base);
}

static void bytes_cut_anywhere_are_not_whole(void **state)
{
	struct fact_base base = load(), again;
	const struct norms *norms;

	(void)state;
	write_all(&base, norms_of(&base, a), &kept);
	for (size_t len = 0; len < kept.len; len += len < 600 ? 1 : 37)
		assert_false(read_all(kept.at, len, &again, &norms));
}

static int is_kept(const char *maker)
{
	const void *data;
	size_t len;
	int rc = base_kept_get(db, AS_OF, maker, a, &data, &len, &err);

	assert_true(rc >= 0);
	return rc;
}

static void it_is_given_back_to_the_same_day_and_maker_and_not_when_damaged(void **state)
{
	const void *data;
	size_t len;

	(void)state;
	ASSERT_OK(base_kept_put(db, AS_OF, "me", "first", 5, &err));
	ASSERT_OK(base_kept_put(db, AS_OF, "me", "bytes", 5, &err)); /* in its place */
	ASSERT_INT(base_kept_get(db, AS_OF, "me", a, &data, &len, &err), 1);
	ASSERT_INT(len, 5);
	assert_memory_equal(data, "bytes", 5);
	ASSERT_INT(is_kept("another"), 0);
	ASSERT_INT(base_kept_get(db, AS_OF + 1, "me", a, &data, &len, &err), 0);
	run("UPDATE base_kept SET data = CAST('bytez' AS BLOB)");
	ASSERT_INT(is_kept("me"), 0);
}

static void whatever_it_is_made_of_drops_it_when_it_changes(void **state)
{
	static const char *const changes[] = {
		"INSERT INTO account (id, source_id, source_key) VALUES (1, 1, 'new')",
		"UPDATE account SET segment = 's9' WHERE id = 300",
		"DELETE FROM account WHERE id = 1",
		"INSERT INTO subscription (id, source_id, source_key, account_id) VALUES (900, 1, 'new', 300)",
		"UPDATE subscription SET mrr_minor = 5 WHERE id = 900", "DELETE FROM subscription WHERE id = 900",
		"INSERT INTO invoice (id, source_id, source_key, account_id) VALUES (900, 1, 'new', 300)",
		"UPDATE invoice SET failed_on = 19990 WHERE id = 900", "DELETE FROM invoice WHERE id = 900",
		"INSERT INTO notice (id, source_id, source_key, account_id) VALUES (900, 1, 'new', 300)",
		"UPDATE notice SET noticed_on = 19990 WHERE id = 900", "DELETE FROM notice WHERE id = 900",
		"INSERT INTO account_limit (id, source_id, source_key, metric) VALUES (900, 1, 'new', 'actions')",
		"UPDATE account_limit SET from_on = 19990 WHERE id = 900", "DELETE FROM account_limit WHERE id = 900",
		"INSERT INTO history (entity, entity_id, field, known_on, value) VALUES ('account', 300, 'segment', 1, 's8')",
		"UPDATE history SET value = 's7'", "DELETE FROM history",
		"INSERT INTO finding (id, account_id, engine, cause, state, opened_on, updated_on, score, worst_score, "
		"confidence, value_minor, currency, expected_minor, act_by_on, play, summary, evidence) "
		"VALUES (1, 300, 'defense', 'x', 'open', 1, 1, 1, 1, 1, 1, 'EUR', 1, 1, '', '', '[]');"
		"INSERT INTO told_outcome (id, account_id, kind, finding_id, said_on) VALUES (1, 300, 'churn', 1, 19990)",
		"UPDATE told_outcome SET withdrawn_on = 19991", "DELETE FROM told_outcome",
		"INSERT INTO metric (id, name) VALUES (900, 'new')", "UPDATE metric SET scale = 10 WHERE id = 900",
		"DELETE FROM metric WHERE id = 900",
		"UPDATE usage_exception SET value = 90000", "DELETE FROM usage_exception",
		"INSERT INTO usage_exception (metric_id, day, account_id, value) VALUES (1, 1, 1, 90000)",
		"UPDATE usage_block SET data = x'00'", "DELETE FROM usage_block",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		ASSERT_OK(base_kept_put(db, AS_OF, "me", "bytes", 5, &err));
		run(changes[i]);
		if (is_kept("me"))
			fail_msg("still there after %s", changes[i]);
	}
	ASSERT_OK(base_kept_put(db, AS_OF, "me", "bytes", 5, &err));
	put_usage(1);
	ASSERT_INT(is_kept("me"), 0);
	ASSERT_OK(base_kept_put(db, AS_OF, "me", "bytes", 5, &err));
	run("UPDATE finding SET state = 'snoozed'");
	ASSERT_INT(is_kept("me"), 1); /* what people say of findings is no part of it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_comes_back_is_what_was_put_and_each_account_is_the_same_beside_it, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(bytes_cut_anywhere_are_not_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_given_back_to_the_same_day_and_maker_and_not_when_damaged, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(whatever_it_is_made_of_drops_it_when_it_changes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

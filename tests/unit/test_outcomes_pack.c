/* Outcomes that are kept are the outcomes, whatever changed since and whatever the day. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/buf.h"
#include "store/migrate.h"
#include "store/outcomes.h"

enum { D = 20000, N_ACCOUNTS = 200, ROUNDS = 400, SPREAD = 500 };
static struct err err;
static struct db *db;
static uint64_t seed = 88172645463325252u;

static int64_t below(int64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (int64_t)(seed % (uint64_t)n);
}

static int setup(void **state)
{
	*state = arena_new(0);
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	return 0;
}

static int teardown(void **state)
{
	db_closep(&db);
	arena_free(*state);
	return 0;
}

/* {x}, {y} and {z} are put in. */
static void run(const char *sql, int64_t x, int64_t y, int64_t z)
{
	const int64_t values[] = { x, y, z };
	struct buf b;

	buf_init(&b, 4096);
	for (const char *at = sql; *at; at++) {
		if (*at != '{') {
			buf_char(&b, *at);
			continue;
		}
		buf_printf(&b, "%lld", (long long)values[at[1] - 'x']);
		at += 2;
	}
	ASSERT_OK(db_run(db, b.at, &err));
	buf_done(&b);
}

static int64_t some_day(void)
{
	return D - SPREAD + below(2 * SPREAD);
}

/* x: of a row; y and z: days or amounts. */
static const char *const changes[] = {
	"UPDATE subscription SET end_on = {y} WHERE id = {x}",
	"UPDATE subscription SET end_on = NULL, end_reason = 'unpaid' WHERE id = {x}",
	"UPDATE subscription SET mrr_minor = {y} WHERE id = {x}",
	"UPDATE subscription SET account_id = {y} % 200 + 1 WHERE id = {x}",
	"UPDATE subscription SET is_trial = 1 WHERE id = {x}",
	"UPDATE subscription SET deleted_on = {y} WHERE id = {x}",
	"UPDATE subscription SET seen_on = {y} WHERE id = {x}",
	"UPDATE subscription SET currency = 'USD' WHERE id = {x}",
	"DELETE FROM subscription WHERE id = {x}",
	"INSERT INTO subscription (source_id, source_key, account_id, currency, start_on, end_on, mrr_minor)"
	" VALUES (1, 'more' || {x} || '-' || {y} || '-' || {z}, {x}, 'EUR', {y}, {y} + {z} % 400, 100)"
	" ON CONFLICT DO NOTHING",
	"UPDATE account SET arr_minor = {y}, is_customer = 1 WHERE id = {x}",
	"UPDATE account SET customer_since_on = {y}, currency = 'EUR' WHERE id = {x}",
	"UPDATE account SET created_on = {y} WHERE id = {x}",
	"UPDATE account SET deleted_on = {y} WHERE id = {x}",
	"UPDATE account SET main_id = {y} % 200 + 1 WHERE id = {x}",
	"INSERT OR REPLACE INTO history VALUES ('subscription', {x}, 'mrr_minor', {y}, {z})",
	"INSERT OR REPLACE INTO history VALUES ('subscription', {x}, 'end_on', {y}, {z})",
	"INSERT OR REPLACE INTO history VALUES ('account', {x}, 'arr_minor', {y}, {z})",
	"UPDATE history SET value = {y} WHERE entity = 'subscription' AND entity_id = {x}",
	"DELETE FROM history WHERE entity_id = {x}",
	"INSERT INTO invoice (source_id, source_key, account_id, failed_on, paid_on)"
	" VALUES (1, 'i' || {y} || '-' || {z}, {x}, {y}, {y} + {z} % 90) ON CONFLICT DO NOTHING",
	"UPDATE invoice SET paid_on = NULL WHERE id = {x}",
	"UPDATE invoice SET deleted_on = {y} WHERE id = {x}",
	"INSERT INTO notice (source_id, source_key, account_id, kind, noticed_on, effective_on, amount_minor, currency)"
	" VALUES (1, 'n' || {y} || '-' || {z}, {x}, 'cancel', {y}, {y} + {z} % 90, 50, 'EUR')"
	" ON CONFLICT DO NOTHING",
	"INSERT INTO notice (source_id, source_key, account_id, kind, noticed_on)"
	" VALUES (1, 'd' || {y} || '-' || {z}, {x}, 'downgrade', {y}) ON CONFLICT DO NOTHING",
	"UPDATE notice SET deleted_on = {y} WHERE id = {x}",
	"DELETE FROM notice WHERE id = {x}",
	"INSERT INTO told_outcome (account_id, kind, finding_id, said_on)"
	" VALUES ({x}, CASE {z} % 2 WHEN 0 THEN 'churn' ELSE 'expansion' END, 1, {y})",
	"UPDATE told_outcome SET withdrawn_on = {y} WHERE id = {x}",
};

static void make(void)
{
	run("INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv')", 0, 0, 0);
	for (int64_t i = 1; i <= N_ACCOUNTS; i++) {
		run("INSERT INTO account (id, source_id, source_key) VALUES ({x}, 1, 'k' || {x})", i, 0, 0);
		run("INSERT INTO subscription (source_id, source_key, account_id, currency, start_on, mrr_minor)"
		       " VALUES (1, 's' || {x}, {x}, 'EUR', {y}, {z})", i, some_day() - SPREAD, 100 * below(9));
	}
	run("INSERT INTO finding (id, account_id, engine, cause, state, opened_on, updated_on, score, worst_score,"
	       " confidence, value_minor, currency, expected_minor, act_by_on, play, summary, evidence)"
	       " VALUES (1, 1, 'defense', 'x', 'open', 1, 1, 1, 1, 1, 1, 'EUR', 1, 1, 'p', 's', '[]')", 0, 0, 0);
}

static void assert_spans(const struct outcome_span *l, size_t n_l, const struct outcome_span *r, size_t n_r)
{
	ASSERT_INT(n_l, n_r);
	for (size_t i = 0; i < n_l; i++) {
		ASSERT_INT(l[i].account, r[i].account);
		ASSERT_INT(l[i].from, r[i].from);
		ASSERT_INT(l[i].to, r[i].to);
	}
}

static void assert_same(const struct outcomes *l, const struct outcomes *r)
{
	ASSERT_INT(l->from, r->from);
	ASSERT_INT(l->until, r->until);
	ASSERT_INT(l->n_events, r->n_events);
	for (size_t i = 0; i < l->n_events; i++) {
		const struct outcome *x = &l->events[i], *y = &r->events[i];

		ASSERT_INT(x->account, y->account);
		ASSERT_INT(x->on, y->on);
		ASSERT_INT(x->kind, y->kind);
		ASSERT_INT(x->minor, y->minor);
		assert_true(!x->currency == !y->currency && (!x->currency || strcmp(x->currency, y->currency) == 0));
	}
	assert_spans(l->customers, l->n_customers, r->customers, r->n_customers);
	assert_spans(l->leaving, l->n_leaving, r->leaving, r->n_leaving);
}

/* Rates and losses that are counted block by block, against those of all outcomes together. */
static void check_counts(struct arena *a, int32_t day, const struct outcomes *all)
{
	static const int64_t accounts[] = { 2, 3, 3, 65, 70 };
	static const unsigned kinds[] = { OUTCOME_LOSSES, OUTCOME_GAINS, OUTCOME_ALL };
	struct outcome_counts *counts = arena_alloc(a, sizeof *counts);
	struct outcomes losses;

	ASSERT_OK(outcomes_count(db, day, accounts, ARRAY_LEN(accounts), a, counts, &losses, &err));
	ASSERT_INT(counts->from, all->from);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		ASSERT_NEAR(outcome_counts_rate(counts, kinds[i], 0.001), outcomes_rate(all, kinds[i], 0.001), 0);
	for (size_t i = 0, n = 0; i < all->n_events; i++) {
		const struct outcome *e = &all->events[i];
		bool is_asked = e->account == 2 || e->account == 3 || e->account == 65 || e->account == 70;

		if (!is_asked || !(1u << e->kind & OUTCOME_LOSSES))
			continue;
		assert_true(n < losses.n_events);
		ASSERT_INT(losses.events[n].account, e->account);
		ASSERT_INT(losses.events[n++].on, e->on);
	}
}

/* As it is kept, and made anew from rows. */
static void check(struct arena *a, int32_t day)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct outcomes kept, anew;

	ASSERT_OK(outcomes_load(db, day, a, &kept, &err));
	check_counts(a, day, &kept);
	ASSERT_OK(txn_begin(&txn, db, &err));
	ASSERT_OK(db_run(db, "DELETE FROM outcome_pack", &err));
	ASSERT_OK(outcomes_load(db, day, a, &anew, &err));
	assert_same(&kept, &anew);
	check_counts(a, day, &anew);
}

static int64_t n_kept(void)
{
	int64_t n;

	ASSERT_OK(db_int(db, "SELECT count(*) FROM outcome_pack", 0, &n, &err));
	return n;
}

static void what_is_kept_is_what_the_rows_say_after_any_change_on_any_day(void **state)
{
	struct arena *a = *state;
	size_t most = 0;

	make();
	for (int i = 0; i < ROUNDS; i++) {
		int32_t day = (int32_t)(D - SPREAD + 2 * SPREAD * i / ROUNDS);
		struct outcomes o;

		for (int64_t k = below(6); k >= 0; k--)
			run(changes[below((int64_t)ARRAY_LEN(changes))], 1 + below(N_ACCOUNTS), some_day(), some_day());
		if (below(3))
			ASSERT_OK(outcomes_keep(db, day, &err));
		check(a, day);
		check(a, day + (int32_t)below(140));
		check(a, (int32_t)some_day());
		ASSERT_OK(outcomes_load(db, day, a, &o, &err));
		most = o.n_events > most ? o.n_events : most;
		arena_reset(a);
	}
	assert_true(most > 60);
}

static void only_the_block_of_what_changed_is_worked_out_again(void **state)
{
	(void)state;
	assert_true(n_kept() == 0);
	make();
	ASSERT_OK(outcomes_keep(db, D + 2 * SPREAD, &err));
	ASSERT_INT(n_kept(), N_ACCOUNTS / 64 + 1);
	run("UPDATE subscription SET mrr_minor = mrr_minor, seats = 5", 0, 0, 0); /* nothing that matters */
	run("UPDATE account SET name = 'x', currency = currency", 0, 0, 0);
	ASSERT_INT(n_kept(), N_ACCOUNTS / 64 + 1);
	run("UPDATE subscription SET mrr_minor = 7 WHERE id = {x}", 100, 0, 0);
	ASSERT_INT(n_kept(), N_ACCOUNTS / 64);
	ASSERT_OK(outcomes_keep(db, D + 2 * SPREAD + 1, &err));
	ASSERT_INT(n_kept(), N_ACCOUNTS / 64 + 1);
}

/* On most of the days something ends, begins, or is so long ago that it lasts. */
static void what_comes_of_days_that_pass_is_kept_before_they_come_and_blocks_don_t_end_together(void **state)
{
	enum { DAYS = 150, FEW = 16, MANY = 64 };
	struct arena *a = *state;
	int64_t n;

	make();
	for (int i = 0; i < 3 * N_ACCOUNTS; i++)
		run(changes[below((int64_t)ARRAY_LEN(changes))], 1 + below(N_ACCOUNTS), D - 60 + below(200),
		    D - 60 + below(200));
	ASSERT_OK(outcomes_keep(db, D, &err));
	for (int32_t day = D; day < D + DAYS; day++) {
		ASSERT_OK(outcomes_keep(db, day, &err));
		check(a, day);
		ASSERT_OK(db_int(db, "SELECT max(known_on) FROM outcome_pack", 0, &n, &err));
		if (day < D + FEW)
			ASSERT_INT(n, D);
		arena_reset(a);
	}
	ASSERT_OK(db_int(db, "SELECT min(known_on) FROM outcome_pack", 0, &n, &err));
	assert_true(n > D);
	ASSERT_OK(db_int(db, "SELECT count(DISTINCT until_on) FROM outcome_pack", 0, &n, &err));
	ASSERT_INT(n, N_ACCOUNTS / 64 + 1);
	ASSERT_OK(db_int(db, "SELECT min(until_on - known_on) FROM outcome_pack", 0, &n, &err));
	ASSERT_INT(n, MANY); /* those of which no row changed are made for longer */
	run("UPDATE subscription SET mrr_minor = 7 WHERE id = {x}", 100, 0, 0);
	ASSERT_OK(outcomes_keep(db, D + DAYS, &err));
	ASSERT_OK(db_int(db, "SELECT count(*) FROM outcome_pack WHERE until_on - known_on BETWEEN 16 AND 31", 0, &n, &err));
	ASSERT_INT(n, 1);
}

/* The least that can be wrong of a row, in its bytes or beside them. */
static void what_is_damaged_is_not_read_but_made_anew(void **state)
{
	static const char *const damages[] = {
		"UPDATE outcome_pack SET data = substr(data, 1, length(data) - 3) WHERE block = 1",
		"UPDATE outcome_pack SET data = CAST(substr(data, 1, 39) || x'55' || substr(data, 41) AS BLOB) WHERE block = 1",
		"UPDATE outcome_pack SET until_on = until_on + 1 WHERE block = 1",
		"UPDATE outcome_pack SET data = x'' WHERE block = 1",
	};
	struct arena *a = *state;
	int64_t n, n_damaged;

	make();
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		ASSERT_OK(outcomes_keep(db, D, &err));
		ASSERT_OK(outcomes_check(db, &n, &n_damaged, &err));
		ASSERT_INT(n, N_ACCOUNTS / 64 + 1);
		ASSERT_INT(n_damaged, 0);
		ASSERT_OK(db_run(db, damages[i], &err));
		ASSERT_OK(outcomes_check(db, &n, &n_damaged, &err));
		ASSERT_INT(n_damaged, 1);
		check(a, D);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_kept_is_what_the_rows_say_after_any_change_on_any_day, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_comes_of_days_that_pass_is_kept_before_they_come_and_blocks_don_t_end_together, setup, teardown),
		cmocka_unit_test_setup_teardown(only_the_block_of_what_changed_is_worked_out_again, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_damaged_is_not_read_but_made_anew, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

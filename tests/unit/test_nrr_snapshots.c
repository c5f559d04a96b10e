#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "store/migrate.h"
#include "store/nrr_snapshots.h"

enum { N_MANY = 3000 };

static struct db *db;
static struct arena *arena;
static struct err err;

static int open_store(void **state)
{
	(void)state;
	arena = arena_new(0);
	if (db_open(":memory:", DB_WRITE, &db, &err) < 0 || migrate_run(db, 0, &err) < 0)
		fail_msg("%s", err.text);
	ASSERT_OK(db_run(db, "INSERT INTO source (id, name, kind) VALUES (1, 'billing', 'csv');"
	                     "INSERT INTO account (id, source_id, source_key, name, main_id) VALUES (7, 1, 'k7', 'Acme', NULL),"
	                     " (9, 1, 'k9', 'Acme Inc', 7);"
	                     "INSERT INTO subscription (id, source_id, source_key, start_on) VALUES (3, 1, 's3', 0)",
	                 &err));
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	db_close(db);
	arena_free(arena);
	return 0;
}

static struct nrr_snapshot report(int32_t to, int32_t months, int32_t revision, int32_t as_of)
{
	struct nrr_snapshot s = { .from_on = to - 30 * months, .to_on = to, .months = months, .revision = revision,
		.as_of_on = as_of, .policy_hash = "0123456789ab", .config_hash = "c", .currency = "EUR", .last_contract = 3,
		.sums_hash = "h" };

	for (int i = 0; i < N_SNAPSHOT_SUMS; i++)
		s.sums[i] = 100 * revision + i;
	return s;
}

static struct nrr_snapshot_account account(int64_t id, const char *owner, int64_t start, int64_t end)
{
	struct nrr_snapshot_account x = { .id = id, .owner = owner };

	x.sums[SNAPSHOT_N_START] = start > 0;
	x.sums[SNAPSHOT_N_END] = end > 0;
	x.sums[SNAPSHOT_START] = start;
	x.sums[SNAPSHOT_END] = end;
	x.sums[SNAPSHOT_COHORT_END] = start > 0 ? end : 0;
	x.sums[SNAPSHOT_KEPT] = start < end ? start : end;
	return x;
}

static void assert_same(const struct nrr_snapshot_account *left, const struct nrr_snapshot_account *right, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ASSERT_INT(left[i].id, right[i].id);
		assert_memory_equal(left[i].sums, right[i].sums, sizeof left[i].sums);
		assert_true(left[i].owner == right[i].owner || strcmp(left[i].owner, right[i].owner) == 0);
	}
}

static void keep_and_compare(const struct nrr_snapshot_account *accounts, size_t n)
{
	struct nrr_snapshot s = report(1000, 1, 1, 1000);
	struct nrr_snapshot_account *back;
	size_t n_back;
	int64_t id;

	s.sums_hash = nrr_snapshot_hash(accounts, n, arena);
	ASSERT_OK(nrr_snapshot_put(db, &s, accounts, n, NULL, 0, &err));
	ASSERT_OK(db_int(db, "SELECT max(id) FROM nrr_report", 0, &id, &err));
	ASSERT_OK(nrr_snapshot_accounts(db, id, arena, &back, &n_back, &err));
	ASSERT_INT(n_back, n);
	assert_same(back, accounts, n);
	ASSERT_OK(nrr_snapshot_remove(db, id, &err));
}

static void what_accounts_added_comes_back_as_it_was(void **state)
{
	struct nrr_snapshot_account some[] = {
		account(1, "b@x.example", 100, 100), account(2, NULL, 0, 5), account(3, "a@x.example", INT64_MAX, INT64_MAX),
		account(4, "b@x.example", 7, 0), account(INT64_MAX, "", 0, 0),
	};

	(void)state;
	some[1].sums[SNAPSHOT_FX] = INT64_MIN;
	some[3].sums[SNAPSHOT_CHURN] = some[3].sums[SNAPSHOT_FREE] = 7;
	keep_and_compare(some, ARRAY_LEN(some));
	keep_and_compare(some + 1, 1); /* nobody's */
	keep_and_compare(some, 0);
}

static void thousands_of_random_accounts_come_back_as_they_were(void **state)
{
	static const char *const owners[] = { NULL, "a@x.example", "b@x.example", "c@x.example" };
	struct nrr_snapshot_account *many = arena_array(arena, N_MANY, sizeof *many);
	uint64_t seed = 1;
	int64_t id = 0;

	(void)state;
	for (size_t i = 0; i < N_MANY; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		id += 1 + (int64_t)(seed >> 60) * (int64_t)(seed >> 50 & 255);
		many[i] = account(id, owners[seed >> 40 & 3], (int64_t)(seed >> 33 & 0xfff), (int64_t)(seed >> 34 & 0xfff));
		if (seed >> 20 & 1)
			many[i].sums[seed >> 21 & 7] = (int64_t)(seed ^ seed << 13);
	}
	keep_and_compare(many, N_MANY);
}

static void an_account_that_pays_the_same_takes_four_bytes(void **state)
{
	struct nrr_snapshot_account *many = arena_array(arena, N_MANY, sizeof *many);
	struct nrr_snapshot s = report(1000, 12, 1, 1000);
	int64_t bytes;

	(void)state;
	for (size_t i = 0; i < N_MANY; i++)
		many[i] = account((int64_t)i + 1, NULL, 100000, 100000);
	ASSERT_OK(nrr_snapshot_put(db, &s, many, N_MANY, NULL, 0, &err));
	ASSERT_OK(db_int(db, "SELECT length(accounts) + length(owners) FROM nrr_report", 0, &bytes, &err));
	ASSERT_INT(bytes, 4 * N_MANY);
}

static void the_hash_is_of_the_sums_and_not_of_the_owners(void **state)
{
	struct nrr_snapshot_account left = account(1, "a@x.example", 5, 5), right = account(1, "b@x.example", 5, 5);

	(void)state;
	assert_string_equal(nrr_snapshot_hash(&left, 1, arena), nrr_snapshot_hash(&right, 1, arena));
	right.sums[SNAPSHOT_END] = 6;
	assert_string_not_equal(nrr_snapshot_hash(&left, 1, arena), nrr_snapshot_hash(&right, 1, arena));
}

static void damage_is_told_and_never_read_as_amounts(void **state)
{
	struct nrr_snapshot_account some[] = { account(1, "a@x.example", 100, 100), account(2, "b@x.example", 1, 50) };
	struct nrr_snapshot_account *back;
	struct nrr_snapshot s = report(1000, 1, 1, 1000);
	static const char *const damages[] = {
		"UPDATE nrr_report SET accounts = substr(accounts, 1, length(accounts) - 1)",
		"UPDATE nrr_report SET accounts = x'0002'",       /* an id that is not behind the last */
		"UPDATE nrr_report SET accounts = x'ffffffffffffffffffff01'",
		"UPDATE nrr_report SET accounts = x'01660133'",   /* other amounts */
		"UPDATE nrr_report SET owners = substr(owners, 1, length(owners) - 1)",
		"UPDATE nrr_report SET owners = owners || x'00'",
		"UPDATE nrr_report SET owners = x'ffffffff7f'",   /* more owners than accounts */
		"UPDATE nrr_report SET owners = x'01ffffffff7f'", /* a name longer than what is there */
		"UPDATE nrr_report SET owners = x'0101610009'",
	};
	size_t n;

	(void)state;
	s.sums_hash = nrr_snapshot_hash(some, ARRAY_LEN(some), arena);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		ASSERT_OK(nrr_snapshot_put(db, &s, some, ARRAY_LEN(some), NULL, 0, &err));
		ASSERT_OK(db_run(db, damages[i], &err));
		assert_int_equal(nrr_snapshot_accounts(db, 1, arena, &back, &n, &err), -1);
		assert_int_equal(err.kind, ERR_FATAL);
		ASSERT_OK(nrr_snapshot_remove(db, 1, &err));
	}
	assert_int_equal(nrr_snapshot_accounts(db, 1, arena, &back, &n, &err), -1);
}

static void revisions_are_listed_by_month_window_and_revision(void **state)
{
	const struct nrr_snapshot put[] = { report(1030, 12, 1, 1031), report(1000, 12, 2, 1020), report(1000, 1, 1, 1001),
		report(1000, 12, 1, 1001), report(970, 1, 1, 1001) };
	const struct nrr_snapshot_query all = { 1000, 1030, 2000 }, then = { 1000, 1030, 1010 }, one = { 1030, 1030, 1031 };
	struct nrr_snapshot *list;
	int32_t latest;
	size_t n;

	(void)state;
	ASSERT_OK(nrr_snapshot_latest(db, &latest, &err));
	ASSERT_INT(latest, DAY_NONE);
	for (size_t i = 0; i < ARRAY_LEN(put); i++)
		ASSERT_OK(nrr_snapshot_put(db, &put[i], NULL, 0, NULL, 0, &err));
	ASSERT_OK(nrr_snapshot_latest(db, &latest, &err));
	ASSERT_INT(latest, 1031);
	ASSERT_OK(nrr_snapshots_load(db, &all, arena, &list, &n, &err));
	ASSERT_INT(n, 4);
	ASSERT_INT(list[0].months, 1);
	ASSERT_INT(list[1].revision, 1);
	ASSERT_INT(list[2].revision, 2);
	ASSERT_INT(list[3].to_on, 1030);
	assert_string_equal(list[2].policy_hash, "0123456789ab");
	assert_null(list[2].why_none);
	for (int i = 0; i < N_SNAPSHOT_SUMS; i++)
		ASSERT_INT(list[2].sums[i], 200 + i);
	ASSERT_OK(nrr_snapshots_load(db, &then, arena, &list, &n, &err)); /* what was made later is not known on that day */
	ASSERT_INT(n, 2);
	ASSERT_OK(nrr_snapshots_load(db, &one, arena, &list, &n, &err));
	ASSERT_INT(n, 1);
	assert_int_equal(nrr_snapshot_put(db, &put[0], NULL, 0, NULL, 0, &err), -1); /* a revision is made once */
}

static void reasons_come_in_their_order_with_the_names_of_today(void **state)
{
	const struct nrr_restatement reasons[] = { { .account = 9, .cause = "backdated", .words = "later" },
		{ .account = 7, .cause = "amount_corrected", .words = "EUR 5, not EUR 4" },
		{ .account = 8, .cause = "x", .words = "y" } };
	struct nrr_snapshot s = report(1000, 1, 2, 1040);
	struct nrr_restatement *back;
	size_t n;

	(void)state;
	ASSERT_OK(nrr_snapshot_put(db, &s, NULL, 0, reasons, ARRAY_LEN(reasons), &err));
	ASSERT_OK(nrr_restatements_load(db, 1, arena, &back, &n, &err));
	ASSERT_INT(n, 3);
	assert_string_equal(back[0].account_name, "Acme Inc");
	assert_string_equal(back[1].account_key, "k7");
	assert_string_equal(back[1].cause, "amount_corrected");
	assert_string_equal(back[1].words, "EUR 5, not EUR 4");
	assert_null(back[2].account_name);
}

static void names_for_an_explanation_are_found(void **state)
{
	struct nrr_named named;
	const char *key;

	(void)state;
	ASSERT_OK(nrr_account_named(db, 9, arena, &named, &err));
	assert_string_equal(named.name, "Acme Inc");
	ASSERT_INT(named.main, 7);
	ASSERT_OK(nrr_account_named(db, 99, arena, &named, &err));
	assert_null(named.key);
	ASSERT_OK(nrr_contract_named(db, 3, arena, &key, &err));
	assert_string_equal(key, "s3");
	ASSERT_OK(nrr_contract_named(db, 99, arena, &key, &err));
	assert_null(key);
}

static void a_policy_keeps_the_lines_that_were_first_seen_with_its_hash(void **state)
{
	const char *lines;

	(void)state;
	ASSERT_OK(nrr_policy_load(db, "abc", arena, &lines, &err));
	assert_null(lines);
	ASSERT_OK(nrr_policy_put(db, "abc", "fx: constant", &err));
	ASSERT_OK(nrr_policy_put(db, "abc", "fx: constant", &err));
	ASSERT_OK(nrr_policy_load(db, "abc", arena, &lines, &err));
	assert_string_equal(lines, "fx: constant");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
	const struct CMUnitTest tests[] = {
		CASE(what_accounts_added_comes_back_as_it_was),
		CASE(thousands_of_random_accounts_come_back_as_they_were),
		CASE(an_account_that_pays_the_same_takes_four_bytes),
		CASE(the_hash_is_of_the_sums_and_not_of_the_owners),
		CASE(damage_is_told_and_never_read_as_amounts),
		CASE(revisions_are_listed_by_month_window_and_revision),
		CASE(reasons_come_in_their_order_with_the_names_of_today),
		CASE(names_for_an_explanation_are_found),
		CASE(a_policy_keeps_the_lines_that_were_first_seen_with_its_hash),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}

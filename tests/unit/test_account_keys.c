#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "store/account_keys.h"
#include "store/migrate.h"

enum { ACCOUNTS = 6000 };

static struct err err;
static struct db *db;
static int64_t source;

static int open_store(void **state)
{
	(void)state;
	db = NULL;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(source_id(db, "crm", "csv", &source, &err));
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	db_close(db);
	return 0;
}

static void put(const char *entity, const char *key, const char *account, const char *external_id)
{
	struct record r = { .entity = entity_find(entity), .key = key, .account_key = account };

	if (external_id)
		r.values[entity_field_index(r.entity, "external_id")] = (struct value){ .is_set = true, .text = external_id };
	if (strcmp(entity, "subscription") == 0)
		r.values[entity_field_index(r.entity, "start_on")] = (struct value){ .is_set = true, .number = 20000 };
	ASSERT_OK(record_put(db, source, &r, 20000, &err));
}

/* Keys of several lengths in no order; some external ids are those of two accounts, some accounts have none. */
static void put_accounts(int n)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(txn_end) struct txn txn = { 0 };

	ASSERT_OK(txn_begin(&txn, db, &err));
	for (int i = 0; i < n; i++) {
		int at = (int)((int64_t)i * 7919 % n);
		const char *key = arena_printf(a, "%s%d", at % 3 ? "acc-" : "\xc3\xa9", at);

		put("account", key, NULL, at % 4 ? arena_printf(a, "x%d", at % 5 ? at : at / 10) : NULL);
		if (at % 2)
			put("subscription", arena_printf(a, "s%d", at), at % 7 ? key : "nobody", NULL);
	}
	ASSERT_OK(record_resolve_links(db, &err));
	ASSERT_OK(db_run(db, "UPDATE account SET main_id = id - 1 WHERE id % 11 = 0; " /* as a rule would */
	                     "UPDATE account SET deleted_on = 20000 WHERE id % 13 = 0", &err));
	ASSERT_OK(txn_commit(&txn, &err));
}

/* That it says what is said of each key alone. */
static void check(struct account_keys *k, enum account_by by, const char *key)
{
	const struct account_key *found;
	int64_t account = 0;

	ASSERT_OK(account_keys_find(k, key, &found, &err));
	ASSERT_OK(record_find_account(db, source, by, key, &account, &err));
	ASSERT_INT(found->account, account);
	assert_string_equal(found->text, key);
	assert_true(account_keys_kept(k, key, strlen(key)) == found);
}

static void check_all(enum account_by by, int n, int step)
{
	static const char *const starts[] = { "acc-", "\xc3\xa9", "x", "s", "none" };
	CLEANUP(account_keys_freep) struct account_keys *k = account_keys_new(db, source, by);

	for (size_t i = 0; i < ARRAY_LEN(starts) * (size_t)n; i++) {
		char key[32];

		(void)snprintf(key, sizeof key, "%s%d", starts[i / (size_t)n], (int)((int64_t)i * step % n));
		check(k, by, key);
	}
}

static void few_and_many_keys_lead_where_each_leads_alone(void **state)
{
	static const enum account_by bys[] = { ACCOUNT_BY_KEY, ACCOUNT_BY_EXTERNAL_ID, ACCOUNT_BY_SUBSCRIPTION };

	(void)state;
	put_accounts(ACCOUNTS);
	for (size_t i = 0; i < ARRAY_LEN(bys); i++) {
		check_all(bys[i], 100, 1);       /* few: one by one */
		check_all(bys[i], ACCOUNTS, 1);  /* in order */
		check_all(bys[i], ACCOUNTS, 17); /* in none */
	}
}

static void each_key_has_a_number_of_its_own_that_stays(void **state)
{
	CLEANUP(account_keys_freep) struct account_keys *k = NULL;
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	uint32_t *numbers = arena_array(a, ACCOUNTS, sizeof *numbers);
	bool *is_taken = arena_array(a, 4 * (size_t)ACCOUNTS, sizeof *is_taken);

	(void)state;
	put_accounts(ACCOUNTS);
	k = account_keys_new(db, source, ACCOUNT_BY_KEY);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < ACCOUNTS; i++) {
			const char *key = arena_printf(a, "acc-%d", (int)((int64_t)i * 31 % ACCOUNTS));
			const struct account_key *found;

			ASSERT_OK(account_keys_find(k, key, &found, &err));
			if (round) {
				ASSERT_INT(account_keys_number(k, found), numbers[i]);
				continue;
			}
			numbers[i] = account_keys_number(k, found);
			assert_true(numbers[i] < 4 * ACCOUNTS && !is_taken[numbers[i]]);
			is_taken[numbers[i]] = true;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(few_and_many_keys_lead_where_each_leads_alone, open_store, close_store),
		cmocka_unit_test_setup_teardown(each_key_has_a_number_of_its_own_that_stays, open_store, close_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cmocka_shim.h"

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/migrate.h"
#include "store/push.h"
#include "store/spool.h"
#include "store/usage.h"

static struct err err;
static char folder[] = "/tmp/retaind-spool-XXXXXX";

static int n_files(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static const char *begin(struct arena *a, const char *name)
{
	return arena_printf(a, "%s/%s/deep", folder, name);
}

static void put(struct spool *s, int64_t at, const char *text, size_t len, int expected)
{
	const struct spool_entry e = { .received_at = at, .kind = "track", .id = "msg", .body = text, .body_len = len };

	ASSERT_INT(spool_append(s, &e, &err), expected);
	ASSERT_OK(spool_sync(s, &err));
}

/* Reads on behind a position and gives the next one. */
static const char *read_all(struct arena *a, const char *path, const char *position, int expected)
{
	CLEANUP(spool_read_close) struct spool_reader r = { 0 };
	struct spool_entry e;
	int n = 0, rc;

	ASSERT_OK(spool_read_open(&r, path, position, a, &err));
	while ((rc = spool_read_next(&r, &e, &err)) == 1) {
		assert_string_equal(e.kind, "track");
		assert_string_equal(e.id, "msg");
		assert_true(e.body_len == strlen(e.body));
		n++;
	}
	ASSERT_INT(rc, 0);
	ASSERT_INT(n, expected);
	return spool_read_position(&r, a);
}

static void what_is_put_in_comes_out_once_behind_the_position(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(spool_close) struct spool s;
	const char *path = begin(a, "once"), *position;
	struct stat st;

	(void)state;
	assert_string_equal(read_all(a, path, NULL, 0), "0:0");
	assert_string_equal(read_all(a, path, "7:9", 0), "7:9");
	ASSERT_OK(spool_open(&s, path, 1 << 20, &err));
	ASSERT_INT(n_files(path), 0);
	ASSERT_OK(stat(path, &st));
	ASSERT_INT(st.st_mode & 0777, 0700);
	put(&s, 1000, "{}", 2, 0);
	put(&s, 1001, "{\"a\":1}", 7, 0);
	position = read_all(a, path, NULL, 2);
	assert_string_equal(read_all(a, path, position, 0), position);
	put(&s, 1002, "[]", 2, 0);
	position = read_all(a, path, position, 1);
	put(&s, 1001 + 3600 * 2, "[]", 2, 0); /* hours later: a file of its own */
	ASSERT_INT(n_files(path), 2);
	position = read_all(a, path, position, 1);
	ASSERT_OK(spool_forget(path, position, &err));
	ASSERT_INT(n_files(path), 1);
	assert_string_equal(read_all(a, path, position, 0), position);
	ASSERT_INT(spool_read_open(&(struct spool_reader){ 0 }, path, "what", a, &err), -1);
}

static void a_clock_that_goes_back_and_a_folder_that_was_emptied_lose_nothing(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(spool_close) struct spool s;
	const char *path = begin(a, "clock"), *position;

	(void)state;
	ASSERT_OK(spool_open(&s, path, 1 << 20, &err));
	put(&s, 5000, "{}", 2, 0);
	position = read_all(a, path, NULL, 1);
	spool_close(&s);
	ASSERT_OK(spool_open(&s, path, 1 << 20, &err));
	put(&s, 10, "{}", 2, 0);
	position = read_all(a, path, position, 1);
	ASSERT_OK(spool_forget(path, "9999999:0", &err));
	ASSERT_INT(n_files(path), 0);
	assert_string_equal(read_all(a, path, position, 0), position);
	spool_close(&s);
	ASSERT_OK(spool_open(&s, path, 1 << 20, &err));
	put(&s, 5002, "{}", 2, 0);
	(void)read_all(a, path, position, 1);
}

static void a_full_spool_says_so_until_it_has_been_read(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(spool_close) struct spool s;
	const char *path = begin(a, "full"), *position;
	char *big = arena_alloc(a, (3 << 20) + 1);

	(void)state;
	memset(big, 'x', 3 << 20);
	ASSERT_OK(spool_open(&s, path, 10 << 20, &err));
	for (int i = 0; i < 3; i++)
		put(&s, 100 + i, big, 3 << 20, 0);
	put(&s, 104, big, 3 << 20, 1);
	put(&s, 105, "{}", 2, 0);
	position = read_all(a, path, NULL, 4);
	put(&s, 106, big, 3 << 20, 1);
	ASSERT_OK(spool_forget(path, position, &err));
	put(&s, 107, big, 3 << 20, 0);
	(void)read_all(a, path, position, 1);
	put(&s, 108, big, SPOOL_MAX_BODY + 1, -1);
	ASSERT_INT(err.kind, ERR_INPUT);
}

static void torn_and_damaged_entries_end_their_file_and_only_that(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *path = begin(a, "torn"), *file;
	struct stat st;

	(void)state;
	for (int cut = 1; cut < 50; cut += 3) {
		CLEANUP(spool_close) struct spool s;
		CLEANUP(spool_close) struct spool next;

		ASSERT_OK(spool_forget(path, "9999999:0", &err));
		ASSERT_OK(spool_open(&s, path, 1 << 20, &err));
		put(&s, 1000, "{}", 2, 0);
		put(&s, 1000, "{}", 2, 0);
		file = arena_printf(a, "%s/%016d.spool", path, 1000);
		ASSERT_OK(stat(file, &st));
		ASSERT_OK(truncate(file, st.st_size - cut));
		(void)read_all(a, path, NULL, 1);
		ASSERT_OK(spool_open(&next, path, 1 << 20, &err));
		put(&next, 1000, "{}", 2, 0);
		(void)read_all(a, path, NULL, 2);
	}
}

static void an_event_is_new_once_and_usage_waits_for_its_account(void **state)
{
	CLEANUP(db_closep) struct db *db = NULL;
	static const uint8_t one[PUSH_HASH_BYTES] = { 1 }, two[PUSH_HASH_BYTES] = { 2 };
	struct usage_row row = { .day = 100, .contact_key = "ann", .team = "", .value = 3 };
	int64_t changed = 0, value;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 1, &err));
	ASSERT_OK(db_run(db, "INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv'), (2, 'p', 'push')", &err));
	ASSERT_INT(push_seen_add(db, 2, one, 10, &err), 1);
	ASSERT_INT(push_seen_add(db, 2, one, 11, &err), 0);
	ASSERT_INT(push_seen_add(db, 1, one, 11, &err), 1);
	ASSERT_INT(push_seen_add(db, 2, two, 11, &err), 1);
	ASSERT_OK(push_seen_forget(db, 2, 11, &err));
	ASSERT_INT(push_seen_add(db, 2, one, 12, &err), 1);
	ASSERT_INT(push_seen_add(db, 2, two, 12, &err), 0);
	ASSERT_OK(metric_id(db, "reports", &row.metric, &err));
	ASSERT_OK(usage_waiting_add(db, 2, ACCOUNT_BY_EXTERNAL_ID, "x", &row, &err));
	ASSERT_OK(usage_waiting_add(db, 2, ACCOUNT_BY_EXTERNAL_ID, "x", &row, &err));
	ASSERT_OK(usage_batch_begin(db, &err));
	ASSERT_INT(usage_waiting_settle(db, 2, 0, &err), 1);
	ASSERT_OK(db_run(db, "INSERT INTO account (id, source_id, source_key, external_id) VALUES (7, 1, 'a', 'x')", &err));
	ASSERT_INT(usage_waiting_settle(db, 2, 0, &err), 0);
	ASSERT_INT(usage_batch_add_up(db, 10, &changed, &err), 0);
	ASSERT_INT(changed, 1);
	row.account = 7;
	ASSERT_OK(usage_batch_add(db, USAGE_SUM, &row, &err));
	ASSERT_INT(usage_batch_add_up(db, 10, &changed, &err), 0);
	ASSERT_OK(usage_get(db, row.metric, 100, 7, &value, &err));
	ASSERT_INT(value, 9);
	ASSERT_OK(usage_get(db, row.metric, 101, 7, &value, &err));
	assert_true(value == USAGE_NONE);
	ASSERT_OK(db_int(db, "SELECT value FROM usage_detail WHERE contact_key = 'ann'", 0, &value, &err));
	ASSERT_INT(value, 9);
	row.value = 100000; /* past what a cell holds */
	ASSERT_OK(usage_batch_add(db, USAGE_SUM, &row, &err));
	ASSERT_INT(usage_batch_add_up(db, 10, &changed, &err), 0);
	ASSERT_OK(usage_get(db, row.metric, 100, 7, &value, &err));
	ASSERT_INT(value, 100009);
	ASSERT_OK(usage_waiting_add(db, 2, ACCOUNT_BY_EXTERNAL_ID, "y", &row, &err));
	ASSERT_INT(usage_waiting_settle(db, 2, 101, &err), 0);
}

static void what_waits_without_end_ends_no_pull(void **state)
{
	CLEANUP(db_closep) struct db *db = NULL;
	static const char *const contacts[] = { "ann", "bob", "cid" };
	struct usage_row row = { .day = 100, .account = 7, .team = "", .value = INT64_MAX / 10 }; /* of many events */
	int64_t changed = 0, value;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 1, &err));
	ASSERT_OK(db_run(db, "INSERT INTO source (id, name, kind) VALUES (2, 'p', 'push')", &err));
	ASSERT_OK(metric_id(db, "reports", &row.metric, &err));
	ASSERT_OK(usage_batch_begin(db, &err));
	for (int i = 0; i < 60; i++) {
		row.contact_key = contacts[i % 3];
		ASSERT_OK(usage_waiting_add(db, 2, ACCOUNT_BY_KEY, "a", &row, &err));
		ASSERT_OK(usage_batch_add(db, USAGE_SUM, &row, &err));
	}
	ASSERT_INT(usage_batch_add_up(db, 10, &changed, &err), 0);
	ASSERT_OK(db_run(db, "INSERT INTO account (id, source_id, source_key) VALUES (7, 2, 'a')", &err));
	for (int i = 0; i < 12; i++) {
		row.contact_key = "dee";
		ASSERT_OK(usage_waiting_add(db, 2, ACCOUNT_BY_KEY, "a", &row, &err));
		ASSERT_INT(usage_waiting_settle(db, 2, 0, &err), 0);
		ASSERT_INT(usage_batch_add_up(db, 10, &changed, &err), 0);
	}
	ASSERT_OK(usage_get(db, row.metric, 100, 7, &value, &err));
	assert_true(value == 1000000000000000000);
	ASSERT_OK(db_int(db, "SELECT max(value) FROM usage_detail WHERE typeof(value) = 'integer'", 0, &value, &err));
	assert_true(value == 1000000000000000000);
	ASSERT_OK(db_int(db, "SELECT count(*) FROM usage_detail WHERE typeof(value) <> 'integer'", -1, &value, &err));
	ASSERT_INT(value, 0);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_in_comes_out_once_behind_the_position),
		cmocka_unit_test(a_clock_that_goes_back_and_a_folder_that_was_emptied_lose_nothing),
		cmocka_unit_test(a_full_spool_says_so_until_it_has_been_read),
		cmocka_unit_test(torn_and_damaged_entries_end_their_file_and_only_that),
		cmocka_unit_test(an_event_is_new_once_and_usage_waits_for_its_account),
		cmocka_unit_test(what_waits_without_end_ends_no_pull),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

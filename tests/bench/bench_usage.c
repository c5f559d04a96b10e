/* Usage of 100,000 accounts over 60 days, one metric: writing it and walking over all of it, packed blocks against the
 * same rows in a plain SQLite table (metric, day, account, value) of the same file settings. */
#include "bench.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/migrate.h"
#include "store/usage.h"

enum { ACCOUNTS = 100000, DAYS = 60, FIRST_DAY = 20000, ROUNDS = 3 };

struct both {
	struct db *db;
	sqlite3 *plain;
	int32_t metric;
	struct usage_cell *cells; /* of one day */
	int64_t sum;              /* of the last walk */
};

static int64_t value_of(int32_t day, int64_t account)
{
	return (account * 7919 + day * 104729) % 997;
}

static void put_packed(struct both *b)
{
	struct err err;

	for (int32_t day = FIRST_DAY; day < FIRST_DAY + DAYS; day++) {
		CLEANUP(txn_end) struct txn txn = { 0 };

		for (int64_t i = 0; i < ACCOUNTS; i++)
			b->cells[i] = (struct usage_cell){ b->metric, day, i + 1, value_of(day, i + 1) };
		REQUIRE_OK(txn_begin(&txn, b->db, &err));
		REQUIRE_OK(usage_put(b->db, b->cells, ACCOUNTS, &err));
		REQUIRE_OK(txn_commit(&txn, &err));
	}
}

static void plain_run(struct both *b, const char *sql)
{
	if (sqlite3_exec(b->plain, sql, NULL, NULL, NULL) != SQLITE_OK)
		die("%s: %s", sql, sqlite3_errmsg(b->plain));
}

static void put_plain(struct both *b)
{
	sqlite3_stmt *q;

	if (sqlite3_prepare_v2(b->plain, "INSERT INTO usage VALUES (?, ?, ?, ?)", -1, &q, NULL) != SQLITE_OK)
		die("%s", sqlite3_errmsg(b->plain));
	for (int32_t day = FIRST_DAY; day < FIRST_DAY + DAYS; day++) {
		plain_run(b, "BEGIN IMMEDIATE");
		for (int64_t account = 1; account <= ACCOUNTS; account++) {
			(void)sqlite3_bind_int(q, 1, b->metric);
			(void)sqlite3_bind_int(q, 2, day);
			(void)sqlite3_bind_int64(q, 3, account);
			(void)sqlite3_bind_int64(q, 4, value_of(day, account));
			if (sqlite3_step(q) != SQLITE_DONE)
				die("%s", sqlite3_errmsg(b->plain));
			(void)sqlite3_reset(q);
		}
		plain_run(b, "COMMIT");
	}
	(void)sqlite3_finalize(q);
}

static void add_block(void *context, int32_t day, const int64_t *values)
{
	struct both *b = context;

	(void)day;
	for (int i = 0; i < USAGE_BLOCK; i++)
		b->sum += values[i] == USAGE_NONE ? 0 : values[i];
}

static void walk_packed(void *context)
{
	struct both *b = context;
	struct err err;

	b->sum = 0;
	for (int64_t block = 0; block <= ACCOUNTS / USAGE_BLOCK; block++)
		REQUIRE_OK(usage_walk(b->db, b->metric, block, FIRST_DAY, FIRST_DAY + DAYS - 1, add_block, b, &err));
}

static void walk_plain(void *context)
{
	static const char sql[] = "SELECT account, value FROM usage WHERE metric = ? AND day BETWEEN ? AND ?";
	struct both *b = context;
	sqlite3_stmt *q;

	if (sqlite3_prepare_v2(b->plain, sql, -1, &q, NULL) != SQLITE_OK)
		die("%s", sqlite3_errmsg(b->plain));
	(void)sqlite3_bind_int(q, 1, b->metric);
	(void)sqlite3_bind_int(q, 2, FIRST_DAY);
	(void)sqlite3_bind_int(q, 3, FIRST_DAY + DAYS - 1);
	b->sum = 0;
	while (sqlite3_step(q) == SQLITE_ROW)
		b->sum += sqlite3_column_int64(q, 1);
	(void)sqlite3_finalize(q);
}

static double megabytes(const char *path)
{
	struct stat file = { 0 };

	(void)stat(path, &file);
	return (double)file.st_size / 1e6;
}

static void open_both(struct both *b, const char *packed, const char *plain)
{
	struct err err;

	REQUIRE_OK(db_open(packed, DB_WRITE, &b->db, &err));
	REQUIRE_OK(migrate_run(b->db, 0, &err));
	REQUIRE_OK(metric_id(b->db, "logins", &b->metric, &err));
	if (sqlite3_open(plain, &b->plain) != SQLITE_OK)
		die("%s", plain);
	plain_run(b,
	          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE usage (metric INTEGER, day INTEGER, "
	          "account INTEGER, value INTEGER, PRIMARY KEY (metric, day, account)) WITHOUT ROWID");
}

static void compare(struct both *b)
{
	double start = seconds_now(), ours, theirs;
	int64_t sum;

	put_packed(b);
	ours = seconds_now() - start;
	start = seconds_now();
	put_plain(b);
	theirs = seconds_now() - start;
	print_ratio("usage_put of 6,000,000 cells", "s", ours, "plain SQLite table", theirs);
	ours = best_of(ROUNDS, walk_packed, b);
	sum = b->sum;
	theirs = best_of(ROUNDS, walk_plain, b);
	if (sum != b->sum)
		die("the sums differ: %" PRId64 " and %" PRId64, sum, b->sum);
	print_ratio("usage_walk over 6,000,000 cells", "s", ours, "plain SQLite table", theirs);
}

int main(void)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char folder[] = "/tmp/retaind-bench-XXXXXX";
	struct both both = { 0 };
	const char *packed, *plain;

	if (!mkdtemp(folder))
		die("%s can't be made", folder);
	packed = arena_printf(a, "%s/packed.db", folder);
	plain = arena_printf(a, "%s/plain.db", folder);
	both.cells = arena_array(a, ACCOUNTS, sizeof *both.cells);
	open_both(&both, packed, plain);
	compare(&both);
	db_close(both.db);
	(void)sqlite3_close(both.plain);
	print_ratio("file of 6,000,000 cells", "MB", megabytes(packed), "plain SQLite table", megabytes(plain));
	(void)unlink(packed);
	(void)unlink(plain);
	(void)rmdir(folder);
	return 0;
}

/* `retaind score`, the whole command, of a generated organisation (always the same): accounts with a subscription and
 * 400 days of three metrics. Twice: once with nothing else, once with some dated rows each (contacts, tickets,
 * exchanges, invoices, surveys, limits). The peer does far less: it sums four windows of the same usage per account and
 * metric, in plain SQL over a SQLite table of rows, and writes one score a row.
 * usage: bench_score [ACCOUNTS [FOLDER]]   FOLDER: where the organisation is kept, to be looked at */
#include "bench.h"

#include <sqlite3.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/text.h"
#include "store/migrate.h"
#include "store/usage.h"

enum {
	ACCOUNTS = 100000,
	PEER_ACCOUNTS = 10000, /* the peer takes minutes for more */
	METRICS = 3,
	DAYS = 400,
	AS_OF = 20500, /* 2026-02-16 */
	ROUNDS = 3,
	TARGET_S = 2,
	TARGET_MIB = 128,
};

struct org {
	struct arena *arena;
	const char *folder, *config, *database, *program;
	int accounts;
	bool has_events;
	double peak_mib;
};

/* A number that depends on all it is made of, evenly spread. */
static uint64_t mixed(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t x = a * 0x9E3779B97F4A7C15u ^ b * 0xBF58476D1CE4E5B9u ^ c * 0x94D049BB133111EBu;

	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
	x = (x ^ x >> 27) * 0x94D049BB133111EBu;
	return x ^ x >> 31;
}

static double share(uint64_t a, uint64_t b, uint64_t c)
{
	return (double)(mixed(a, b, c) >> 11) / (double)(UINT64_C(1) << 53);
}

/* Seven days of ten have a value; one account of twelve fades over its last months, one of twenty falls silent. */
static int64_t value_of(int metric, int32_t day, int account)
{
	uint64_t who = (uint64_t)account;
	double level = 3 + 40 * share(who, 1, (uint64_t)metric) * share(who, 2, 0), kind = share(who, 3, 0);
	int age = AS_OF - day;
	bool is_weekend = day % 7 < 2;

	if (share(who, (uint64_t)day, (uint64_t)metric + 10) > (is_weekend ? 0.3 : 0.86))
		return USAGE_NONE;
	if (kind < 0.05 && age < 5 + (int)(60 * share(who, 4, 0)))
		return USAGE_NONE;
	if (kind > 0.92 && age < 90)
		level *= 0.2 + 0.8 * age / 90;
	return (int64_t)(level * (0.5 + share(who, (uint64_t)day, (uint64_t)metric + 20)));
}

static void run_sql(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		die("%.80s: %s", sql, why);
}

/* Statements over the numbers 1 to the number of accounts, `i`; plain arithmetic stands for chance. */
static const char *const accounts_sql[] = {
	"INSERT INTO source (id, name, kind, last_ok_at, last_ok_on) VALUES (1, 'crm', 'csv', 20500 * 86400, 20500)",
	"INSERT INTO account (id, source_id, source_key, name, segment, csm_email, am_email, currency, created_on, seats) "
	"SELECT i, 1, 'k' || i, 'Account ' || i, CASE i * 7 % 10 WHEN 0 THEN 'enterprise' WHEN 1 THEN 'mid' WHEN 2 THEN 'mid' "
	"ELSE 'smb' END, 'csm' || i % 200 || '@retaind.example', 'am' || i % 50 || '@retaind.example', 'EUR', "
	"19500 + i * 31 % 500, 5 + i * 13 % 90 FROM number",
	"INSERT INTO subscription (source_id, source_key, account_id, product, plan, seats, mrr_minor, currency, start_on, "
	"renewal_on, is_trial) SELECT 1, 's' || i, i, 'core', 'pro', 5 + i * 13 % 90, 10000 + i * 977 % 400000, 'EUR', "
	"19500 + i * 31 % 500, 20500 + i * 17 % 365, 0 FROM number",
};
static const char *const events_sql[] = {
	"INSERT INTO contact (source_id, source_key, account_id, name, email, role, is_key, created_on) SELECT 1, "
	"'c' || i || '-' || n, i, 'Person ' || n, 'p' || n || '@a' || i || '.example', "
	"CASE n WHEN 0 THEN 'champion' ELSE 'user' END, n = 0, 19900 FROM number JOIN few ON n < 2",
	"INSERT INTO account_limit (source_id, source_key, account_id, metric, value, from_on) "
	"SELECT 1, 'l' || i, i, 'exports', 10 + i * 19 % 60, 19900 FROM number WHERE i % 2 = 0",
	"INSERT INTO ticket (source_id, source_key, account_id, subject, body, priority, opened_at, closed_at) SELECT 1, "
	"'t' || i || '-' || n, i, 'A question on exports', 'Hello, since the last release the export of ' || i % 90 || "
	"' rows takes longer than before. Could you have a look? Thank you.', CASE (i + n) % 9 WHEN 0 THEN 'high' ELSE "
	"'medium' END, (20500 - (i * 37 + n * 131) % 400) * 86400 + 36000, "
	"CASE (i + n) % 20 WHEN 0 THEN NULL ELSE (20500 - (i * 37 + n * 131) % 400 + 2) * 86400 END FROM number JOIN few "
	"ON n < 2",
	"INSERT INTO interaction (source_id, source_key, account_id, contact_key, kind, direction, subject, body, at) SELECT "
	"1, 'x' || i || '-' || n, i, 'c' || i || '-' || n % 2, CASE n WHEN 0 THEN 'meeting' ELSE 'email' END, CASE n % 2 "
	"WHEN 0 THEN 'in' ELSE 'out' END, 'Next steps', 'We talked about the roll-out to the second team and the training "
	"in spring.', (20500 - (i * 29 + n * 83) % 360) * 86400 + 50000 FROM number JOIN few ON n < 4",
	"INSERT INTO invoice (source_id, source_key, account_id, amount_minor, currency, issued_on, due_on, paid_on) SELECT "
	"1, 'i' || i || '-' || n, i, 30000 + i * 977 % 400000, 'EUR', 20500 - 20 - 90 * n, 20500 + 10 - 90 * n, CASE WHEN "
	"n > 0 OR i % 3 > 0 THEN 20500 - 90 * n - i % 20 END FROM number JOIN few ON n < 4",
	"INSERT INTO survey (source_id, source_key, account_id, kind, score, at) SELECT 1, 'q' || i, i, 'nps', i * 7 % 11, "
	"(20500 - i * 11 % 200) * 86400 FROM number WHERE i % 3 = 0",
};

static void put_rows(const struct org *o)
{
	sqlite3 *db;

	if (sqlite3_open(o->database, &db) != SQLITE_OK)
		die("%s", o->database);
	run_sql(db, arena_printf(o->arena,
	                         "CREATE TEMP TABLE number (i INTEGER PRIMARY KEY); INSERT INTO number WITH RECURSIVE c (i) AS "
	                         "(SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d) SELECT i FROM c; CREATE TEMP TABLE few "
	                         "(n INTEGER); INSERT INTO few VALUES (0), (1), (2), (3); BEGIN",
	                         o->accounts));
	for (size_t i = 0; i < ARRAY_LEN(accounts_sql); i++)
		run_sql(db, accounts_sql[i]);
	for (size_t i = 0; i < ARRAY_LEN(events_sql) && o->has_events; i++)
		run_sql(db, events_sql[i]);
	run_sql(db, "COMMIT");
	(void)sqlite3_close(db);
}

static void put_usage(const struct org *o, struct db *db)
{
	static const char *const names[METRICS] = { "logins", "reports", "exports" };
	struct usage_cell *cells = arena_array(o->arena, (size_t)o->accounts, sizeof *cells);
	struct err err;

	for (int m = 0; m < METRICS; m++) {
		CLEANUP(txn_end) struct txn txn = { 0 };
		int32_t metric;

		REQUIRE_OK(txn_begin(&txn, db, &err));
		REQUIRE_OK(metric_id(db, names[m], &metric, &err));
		for (int32_t day = AS_OF - DAYS + 1; day <= AS_OF; day++) {
			size_t n = 0;

			for (int account = 1; account <= o->accounts; account++) {
				int64_t value = value_of(m, day, account);

				if (value != USAGE_NONE)
					cells[n++] = (struct usage_cell){ metric, day, account, value };
			}
			REQUIRE_OK(usage_put(db, cells, n, &err));
		}
		REQUIRE_OK(txn_commit(&txn, &err));
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		die("%s can't be written", path);
}

static void shell(const struct org *o, const char *command)
{
	if (system(command) != 0)
		die("%s: %s", o->folder, command);
}

static void make_org(struct org *o)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct err err;

	o->config = arena_printf(o->arena, "%s/config", o->folder);
	o->database = arena_printf(o->arena, "%s/state/orgs/bench/retaind.db", o->folder);
	shell(o, arena_printf(o->arena, "umask 022; mkdir -p '%s' && cp -r config '%s' && rm -f '%s'/orgs/*", o->folder,
	                      o->config, o->config));
	write_file(arena_printf(o->arena, "%s/retaind.yaml", o->config),
	           arena_printf(o->arena, "state: %s/state\n", o->folder));
	write_file(arena_printf(o->arena, "%s/orgs/bench.yaml", o->config),
	           "title: Bench\nzone: UTC\ncurrency: EUR\nsources:\n  crm:\n    connector: csv\n    folder: /nowhere\n"
	           "    files:\n      accounts:\n        match: accounts.csv\n        entity: account\n        key: id\n"
	           "        map:\n          - {to: name, from: id}\n");
	shell(o, arena_printf(o->arena, "mkdir -p -m 700 '%s/state/orgs/bench'", o->folder));
	REQUIRE_OK(db_open(o->database, DB_WRITE, &db, &err));
	REQUIRE_OK(migrate_run(db, 0, &err));
	put_rows(o);
	put_usage(o, db);
}

/* The command as a child; what it took of memory is known when it ends. */
static void score(void *context)
{
	struct org *o = context;
	const char *const words[] = { o->program, "score", "--config", o->config, "--as-of", "2026-02-16", "-q" };
	char *arguments[ARRAY_LEN(words) + 1] = { NULL };
	struct rusage used;
	int status;
	pid_t child;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		arguments[i] = arena_strdup(o->arena, words[i]);
	if (posix_spawn(&child, o->program, NULL, NULL, arguments, environ) != 0)
		die("%s can't be run", o->program);
	if (wait4(child, &status, 0, &used) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die("%s score failed", o->program);
	o->peak_mib = (double)used.ru_maxrss / 1024 > o->peak_mib ? (double)used.ru_maxrss / 1024 : o->peak_mib;
}

static void put_peer(const struct org *o, sqlite3 *db)
{
	sqlite3_stmt *q;

	run_sql(db, "PRAGMA journal_mode = WAL; CREATE TABLE usage (account INTEGER, metric INTEGER, day INTEGER, value "
	            "INTEGER, PRIMARY KEY (account, metric, day)) WITHOUT ROWID; CREATE TABLE score (account INTEGER PRIMARY "
	            "KEY, risk REAL); BEGIN");
	if (sqlite3_prepare_v2(db, "INSERT INTO usage VALUES (?, ?, ?, ?)", -1, &q, NULL) != SQLITE_OK)
		die("%s", sqlite3_errmsg(db));
	for (int account = 1; account <= o->accounts; account++)
		for (int m = 0; m < METRICS; m++)
			for (int32_t day = AS_OF - DAYS + 1; day <= AS_OF; day++) {
				int64_t value = value_of(m, day, account);

				if (value == USAGE_NONE)
					continue;
				(void)sqlite3_bind_int(q, 1, account);
				(void)sqlite3_bind_int(q, 2, m);
				(void)sqlite3_bind_int(q, 3, day);
				(void)sqlite3_bind_int64(q, 4, value);
				if (sqlite3_step(q) != SQLITE_DONE)
					die("%s", sqlite3_errmsg(db));
				(void)sqlite3_reset(q);
			}
	(void)sqlite3_finalize(q);
	run_sql(db, "COMMIT");
}

static void score_peer(void *db)
{
	run_sql(db, "DELETE FROM score; INSERT INTO score SELECT account, avg(recent / (1.0 + before) + silent / 90.0 + "
	            "longer / (1.0 + whole)) FROM (SELECT account, metric, sum(CASE WHEN day > 20472 THEN value ELSE 0 END) AS "
	            "recent, sum(CASE WHEN day > 20444 AND day <= 20472 THEN value ELSE 0 END) AS before, 20500 - max(day) AS "
	            "silent, sum(CASE WHEN day > 20410 THEN value ELSE 0 END) AS longer, sum(value) AS whole FROM usage GROUP BY "
	            "account, metric) GROUP BY account");
}

static void compare_with_peer(struct org *o)
{
	const char *path = arena_printf(o->arena, "%s/peer.db", o->folder);
	double ours, theirs;
	sqlite3 *db;

	make_org(o);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		die("%s", path);
	put_peer(o, db);
	ours = best_of(ROUNDS, score, o);
	theirs = best_of(ROUNDS, score_peer, db);
	(void)sqlite3_close(db);
	print_ratio("retaind score of 10,000 accounts x 3 x 400", "s", ours, "window sums in SQL over rows", theirs);
}

static void compare_with_target(struct org *o)
{
	const char *what = o->has_events ? "with dated rows" : "usage and subscriptions";
	double ours;

	make_org(o);
	ours = best_of(ROUNDS, score, o);
	print_ratio(arena_printf(o->arena, "retaind score of %d accounts x 3 x 400, %s", o->accounts, what), "s", ours,
	            "target", TARGET_S);
	print_ratio(arena_printf(o->arena, "its peak memory, %s", what), "MiB", o->peak_mib, "target", TARGET_MIB);
}

static struct org org_in(const char *folder, const char *name, const char *program, int accounts, struct arena *a)
{
	return (struct org){ .arena = a, .folder = arena_printf(a, "%s/%s", folder, name), .program = program,
		                 .accounts = accounts };
}

int main(int argc, char **argv)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char made[] = "/tmp/retaind-bench-XXXXXX";
	const char *slash = strrchr(argv[0], '/');
	const char *program = arena_printf(a, "%.*s/../retaind", slash ? (int)(slash - argv[0]) : 1, slash ? argv[0] : ".");
	int64_t accounts = ACCOUNTS;
	const char *folder = argc > 2 ? argv[2] : mkdtemp(made);
	struct org peer, plain, rich;

	if (!folder || (argc > 1 && (!text_to_int(argv[1], &accounts) || accounts < 1 || accounts > 1000000)))
		die("usage: bench_score [ACCOUNTS [FOLDER]]");
	peer = org_in(folder, "peer", program, PEER_ACCOUNTS, a);
	plain = org_in(folder, "plain", program, (int)accounts, a);
	rich = org_in(folder, "rich", program, (int)accounts, a);
	rich.has_events = true;
	compare_with_peer(&peer);
	compare_with_target(&plain);
	compare_with_target(&rich);
	if (argc <= 2)
		shell(&plain, arena_printf(a, "rm -r '%s'", folder));
	return 0;
}

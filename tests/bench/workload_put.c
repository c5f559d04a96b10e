#include "workload.h"

#include "bench.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "store/migrate.h"
#include "store/usage.h"

enum { DAY_S = 86400, MAX_PARAMETERS = 16 };

/* An organisation's database while it is filled. */
struct filling {
	const struct workload *w;
	struct arena *arena;
	const char *folder, *database;
	sqlite3 *db;
};

static void run_sql(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		die("%.80s: %s", sql, why);
}

static void shell(const char *command)
{
	if (system(command) != 0)
		die("%s", command);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		die("%s can't be written", path);
}

/* usage ------------------------------------------------------------------------------------------------------------ */

static size_t cells_of_day(const struct workload *w, int m, int32_t metric, int day, int32_t *values,
                           struct usage_cell *cells)
{
	size_t n = 0;

	workload_values(w, m, day, 1, w->n, values);
	for (int i = 0; i < w->n; i++)
		if (values[i] >= 0)
			cells[n++] = (struct usage_cell){ metric, WORKLOAD_FIRST + day, i + 1, values[i] };
	return n;
}

static void put_usage(const struct filling *f, struct db *db)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct usage_cell *cells = arena_array(a, (size_t)f->w->n, sizeof *cells);
	int32_t *values = arena_array(a, (size_t)f->w->n, sizeof *values);
	struct err err;

	for (int m = 0; m < WORKLOAD_METRICS; m++) {
		CLEANUP(txn_end) struct txn txn = { 0 };
		int32_t metric;

		REQUIRE_OK(txn_begin(&txn, db, &err));
		REQUIRE_OK(metric_id(db, workload_metrics[m], &metric, &err));
		for (int day = 0; day < WORKLOAD_DAYS; day++)
			REQUIRE_OK(usage_put(db, cells, cells_of_day(f->w, m, metric, day, values, cells), &err));
		REQUIRE_OK(txn_commit(&txn, &err));
	}
}

/* rows ------------------------------------------------------------------------------------------------------------- */

static sqlite3_stmt *prepare(const struct filling *f, const char *sql)
{
	sqlite3_stmt *q;

	if (sqlite3_prepare_v2(f->db, sql, -1, &q, NULL) != SQLITE_OK)
		die("%.80s: %s", sql, sqlite3_errmsg(f->db));
	return q;
}

static void bind(sqlite3_stmt *q, int place, int64_t value)
{
	if (sqlite3_bind_int64(q, place, value) != SQLITE_OK)
		die("bind %d", place);
}

static void bind_word(sqlite3_stmt *q, int place, const char *word)
{
	if (sqlite3_bind_text(q, place, word, -1, SQLITE_STATIC) != SQLITE_OK)
		die("bind %d", place);
}

/* Keys are as wide as each other, so that they come in the order of their index. */
__attribute__((format(printf, 3, 4))) static void bind_key(sqlite3_stmt *q, int place, const char *format, ...)
{
	char key[32];
	va_list values;
	int len;

	va_start(values, format);
	len = vsnprintf(key, sizeof key, format, values);
	va_end(values);
	if (sqlite3_bind_text(q, place, key, len, SQLITE_TRANSIENT) != SQLITE_OK)
		die("bind %d", place);
}

#define ACCOUNT_KEY "a%07d"
#define CONTACT_KEY "%07d.%d"
#define ROW_KEY "%07d.%02d"

static void step(sqlite3_stmt *q)
{
	if (sqlite3_step(q) != SQLITE_DONE || sqlite3_reset(q) != SQLITE_OK)
		die("a row can't be stored");
}

static const char *const segments[] = { "enterprise", "mid", "mid", "smb", "smb", "smb", "smb", "smb" };
static const char *const regions[] = { "emea", "amer", "apac", "latam" };

static void put_account(const struct filling *f, sqlite3_stmt *q, int account)
{
	(void)f;
	bind(q, 1, account);
	bind_key(q, 2, ACCOUNT_KEY, account);
	bind_key(q, 3, "Account %d", account);
	bind_word(q, 4, segments[account * 7 % (int)ARRAY_LEN(segments)]);
	bind_word(q, 5, regions[account * 5 % (int)ARRAY_LEN(regions)]);
	bind_key(q, 6, "csm%05d@w.example", (account - 1) / WORKLOAD_OWNED);
	bind_key(q, 7, "am%05d@w.example", (account - 1) / WORKLOAD_OWNED / 4);
	bind(q, 8, WORKLOAD_FIRST - 30 - account * 31 % 1000);
	bind(q, 9, 5 + account * 13 % 90);
	step(q);
}

static void put_contacts(const struct filling *f, sqlite3_stmt *q, int account)
{
	static const char *const roles[WORKLOAD_CONTACTS] = { "champion", "sponsor", "user", "user", "user" };

	(void)f;
	for (int n = 0; n < WORKLOAD_CONTACTS; n++) {
		int seen = workload_contact(account, n).last_seen;

		bind_key(q, 1, CONTACT_KEY, account, n);
		bind_key(q, 2, ACCOUNT_KEY, account);
		bind(q, 3, account);
		bind_key(q, 4, "Person %d", n + 1);
		bind_word(q, 5, roles[n]);
		bind(q, 6, n == 0);
		bind(q, 7, WORKLOAD_FIRST - 20);
		if (seen >= 0)
			bind(q, 8, WORKLOAD_FIRST + seen);
		else if (sqlite3_bind_null(q, 8) != SQLITE_OK)
			die("bind 8");
		step(q);
	}
}

static void put_subscriptions(const struct filling *f, sqlite3_stmt *q, int account)
{
	(void)f;
	for (int n = 0; n < WORKLOAD_SUBSCRIPTIONS; n++) {
		struct workload_contract c = workload_contract(account, n);

		bind_key(q, 1, ROW_KEY, account, n);
		bind_key(q, 2, ACCOUNT_KEY, account);
		bind(q, 3, account);
		bind_key(q, 4, "product %d", c.product);
		bind_key(q, 5, "plan %d", c.plan);
		bind(q, 6, 1 + account * 13 % 9);
		bind(q, 7, c.monthly_minor);
		bind(q, 8, WORKLOAD_FIRST + c.start);
		bind(q, 9, WORKLOAD_FIRST + c.renewal);
		if (c.renewal < WORKLOAD_DAYS)
			bind(q, 10, WORKLOAD_FIRST + c.renewal);
		else if (sqlite3_bind_null(q, 10) != SQLITE_OK)
			die("bind 10");
		step(q);
	}
}

static void put_limits(const struct filling *f, sqlite3_stmt *q, int account)
{
	for (int m = 0; m < WORKLOAD_METRICS; m++) {
		bind_key(q, 1, CONTACT_KEY, account, m);
		bind_key(q, 2, ACCOUNT_KEY, account);
		bind(q, 3, account);
		bind_word(q, 4, workload_metrics[m]);
		bind(q, 5, workload_limit(f->w, account, m));
		bind(q, 6, WORKLOAD_FIRST - 20);
		step(q);
	}
}

static void put_tickets(const struct filling *f, sqlite3_stmt *q, int account)
{
	static const char *const priorities[] = { "medium", "low", "medium", "high", "medium", "low", "medium", "urgent" };

	(void)f;
	for (int n = 0; n < WORKLOAD_TICKETS; n++) {
		int day = workload_ticket(account, n), hours = 1 + (account + n * 7) % 90;
		int64_t at = (int64_t)(WORKLOAD_FIRST + day) * DAY_S + 36000;

		bind_key(q, 1, ROW_KEY, account, n);
		bind_key(q, 2, ACCOUNT_KEY, account);
		bind(q, 3, account);
		bind_word(q, 4, priorities[(account + n) % (int)ARRAY_LEN(priorities)]);
		bind(q, 5, at);
		if (day * 24 + hours < (WORKLOAD_DAYS - 1) * 24)
			bind(q, 6, at + (int64_t)hours * 3600);
		else if (sqlite3_bind_null(q, 6) != SQLITE_OK)
			die("bind 6");
		step(q);
	}
}

static void put_exchanges(const struct filling *f, sqlite3_stmt *q, int account)
{
	static const char *const kinds[] = { "email", "email", "email", "call", "meeting" };

	(void)f;
	for (int n = 0; n < WORKLOAD_EXCHANGES; n++) {
		bind_key(q, 1, ROW_KEY, account, n);
		bind_key(q, 2, ACCOUNT_KEY, account);
		bind(q, 3, account);
		bind_key(q, 4, CONTACT_KEY, account, n % 3);
		bind_word(q, 5, kinds[n % (int)ARRAY_LEN(kinds)]);
		bind_word(q, 6, n % 2 ? "out" : "in");
		bind(q, 7, (int64_t)(WORKLOAD_FIRST + workload_exchange(account, n)) * DAY_S + 50000 + n);
		step(q);
	}
}

/* Who was there on which of the last days; by day and then by person, as its table lies. */
static void put_presence(const struct filling *f, sqlite3_stmt *q, int account)
{
	struct workload_contact contacts[WORKLOAD_CONTACTS];

	(void)f;
	for (int n = 0; n < WORKLOAD_CONTACTS; n++)
		contacts[n] = workload_contact(account, n);
	for (int day = 0; day < WORKLOAD_SEEN_DAYS; day++)
		for (int n = 0; n < WORKLOAD_CONTACTS; n++)
			if (contacts[n].days >> day & 1) {
				bind(q, 1, account);
				bind(q, 2, WORKLOAD_AS_OF + 1 - WORKLOAD_SEEN_DAYS + day);
				bind_key(q, 3, CONTACT_KEY, account, n);
				step(q);
			}
}

static const struct {
	const char *sql;
	void (*put)(const struct filling *f, sqlite3_stmt *q, int account);
} tables[] = {
	{ "INSERT INTO account (id, source_id, source_key, name, segment, region, csm_key, csm_email, am_key, am_email, "
	  "currency, created_on, seats) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?7, 'EUR', ?8, ?9)", put_account },
	{ "INSERT INTO contact (source_id, source_key, account_key, account_id, name, role, is_key, created_on, "
	  "last_seen_on) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)", put_contacts },
	{ "INSERT INTO subscription (source_id, source_key, account_key, account_id, product, plan, seats, mrr_minor, "
	  "currency, start_on, renewal_on, end_on, is_trial) VALUES (1, ?, ?, ?, ?, ?, ?, ?, 'EUR', ?, ?, ?, 0)",
	  put_subscriptions },
	{ "INSERT INTO account_limit (source_id, source_key, account_key, account_id, metric, value, from_on, period) "
	  "VALUES (1, ?, ?, ?, ?, ?, ?, 'day')", put_limits },
	{ "INSERT INTO ticket (source_id, source_key, account_key, account_id, priority, opened_at, closed_at) VALUES "
	  "(1, ?, ?, ?, ?, ?, ?)", put_tickets },
	{ "INSERT INTO interaction (source_id, source_key, account_key, account_id, contact_key, kind, direction, at) "
	  "VALUES (1, ?, ?, ?, ?, ?, ?, ?)", put_exchanges },
	{ "INSERT INTO usage_detail (account_id, day, metric_id, contact_key, team, value) VALUES (?, ?, 1, ?, '', 1)",
	  put_presence },
};

static void put_rows(const struct filling *f)
{
	run_sql(f->db, arena_printf(f->arena,
	                            "BEGIN; INSERT INTO source (id, name, kind, last_ok_at, last_ok_on) VALUES (1, 'crm', "
	                            "'csv', %d * 86400, %d)", WORKLOAD_AS_OF + 1, WORKLOAD_AS_OF));
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		sqlite3_stmt *q = prepare(f, tables[i].sql);

		for (int account = 1; account <= f->w->n; account++)
			tables[i].put(f, q, account);
		(void)sqlite3_finalize(q);
	}
	run_sql(f->db, "COMMIT");
}

/* the whole -------------------------------------------------------------------------------------------------------- */

static void put_config(const struct filling *f)
{
	const char *config = arena_printf(f->arena, "%s/config", f->folder);

	shell(arena_printf(f->arena, "umask 022; rm -rf '%s' '%s/state' && mkdir -p '%s/inbox' && cp -r config '%s' && "
	                   "rm -f '%s'/orgs/*", config, f->folder, f->folder, config, config));
	write_file(arena_printf(f->arena, "%s/retaind.yaml", config),
	           arena_printf(f->arena, "state: %s/state\n", f->folder));
	write_file(arena_printf(f->arena, "%s/orgs/w.yaml", config),
	           arena_printf(f->arena,
	                        "title: Workload\nzone: UTC\ncurrency: EUR\nsources:\n  crm:\n    connector: csv\n"
	                        "    folder: %s/inbox\n    files:\n      usage:\n        match: \"usage*.csv\"\n"
	                        "        entity: usage\n        account: {from: account, by: key}\n        map:\n"
	                        "          - {to: metric, from: metric}\n          - {to: day, from: day}\n"
	                        "          - {to: value, from: value}\n"
	                        "score:\n  key_metrics: [logins, reports, exports]\n", f->folder));
}

/* Nobody else is there yet, and what breaks off is made anew: no journal. */
#define UNSAFE "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; " \
	"PRAGMA cache_size = -262144; PRAGMA foreign_keys = OFF; PRAGMA secure_delete = OFF"

void workload_put(const struct workload *w, const char *folder)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct filling f = { .w = w, .arena = a, .folder = folder,
		.database = arena_printf(a, "%s/state/orgs/w/retaind.db", folder) };
	struct db *db = NULL;
	struct err err;

	put_config(&f);
	shell(arena_printf(a, "mkdir -p -m 700 '%s/state' '%s/state/orgs' '%s/state/orgs/w'", folder, folder, folder));
	REQUIRE_OK(db_open(f.database, DB_WRITE, &db, &err));
	REQUIRE_OK(migrate_run(db, 0, &err));
	db_close(db);
	if (sqlite3_open(f.database, &f.db) != SQLITE_OK)
		die("%s", f.database);
	run_sql(f.db, UNSAFE);
	put_rows(&f);
	(void)sqlite3_close(f.db);
	REQUIRE_OK(db_open(f.database, DB_WRITE, &db, &err));
	put_usage(&f, db);
	db_close(db);
}

/* CSV files -------------------------------------------------------------------------------------------------------- */

static FILE *open_csv(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs("account,metric,day,value\n", file) < 0)
		die("%s can't be written", path);
	return file;
}

static const char *date_of(int day, char date[16])
{
	time_t at = (time_t)(WORKLOAD_FIRST + day) * DAY_S;
	struct tm when = { 0 };

	if (!gmtime_r(&at, &when) || strftime(date, 16, "%Y-%m-%d", &when) == 0)
		die("day %d", day);
	return date;
}

static int64_t put_day(const struct workload *w, int day, int32_t *values, FILE *file)
{
	char date[16];
	int64_t n = 0;

	(void)date_of(day, date);
	for (int m = 0; m < WORKLOAD_METRICS; m++)
		workload_values(w, m, day, 1, w->n, values + (size_t)m * (size_t)w->n);
	for (int i = 0; i < w->n; i++)
		for (int m = 0; m < WORKLOAD_METRICS; m++) {
			int32_t value = values[(size_t)m * (size_t)w->n + (size_t)i];

			if (value >= 0)
				n += fprintf(file, ACCOUNT_KEY ",%s,%s,%d\n", i + 1, workload_metrics[m], date, value) > 0;
		}
	return n;
}

int64_t workload_put_csv(const struct workload *w, int first, int n_days, const char *path)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	int32_t *values = arena_array(a, WORKLOAD_METRICS * (size_t)w->n, sizeof *values);
	FILE *file = open_csv(path);
	int64_t n = 0;

	for (int day = first; day < first + n_days; day++)
		n += put_day(w, day, values, file);
	if (fclose(file) != 0)
		die("%s can't be written", path);
	return n;
}

void workload_put_fix(int day, const char *path)
{
	FILE *file = open_csv(path);
	char date[16];

	(void)fprintf(file, ACCOUNT_KEY ",%s,%s,%d\n", 77, workload_metrics[0], date_of(day, date), 4321);
	if (fclose(file) != 0)
		die("%s can't be written", path);
}

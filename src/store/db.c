#include "store/db.h"

#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "db_fault.h"
#include "db_file.h"
#include "db_scores.h"
#include "db_usage.h"

enum {
	BUSY_MS = 5000,
	N_BUCKETS = 256,
	MAX_STATEMENTS = 2048, /* more means that someone builds statements out of data */
	WORDS_SHOWN = 60
};

struct stmt {
	struct stmt *next; /* in its bucket */
	struct db *db;
	const char *sql;   /* the caller's literal: first half of the key */
	const char *text;  /* our copy: the second half */
	sqlite3_stmt *handle; /* NULL while it can't be prepared */
	const char **names; /* of its parameters, from 1 on; the last is NULL */
	int last_place;    /* of the parameter bound last */
	bool is_used, is_fresh; /* fresh: reset, so that it may be bound */
	bool is_failed;
	struct err failure; /* for the next step */
};

struct db {
	struct arena *arena; /* everything here, this struct too */
	sqlite3 *handle;
	const char *path;
	enum db_mode mode;
	int n_statements, n_used;
	struct stmt *buckets[N_BUCKETS];
};

/* failing ---------------------------------------------------------------------------------------------------------- */

#ifdef RETAIND_FAULTS
int64_t db_fault_countdown;

static bool is_fault(void)
{
	return db_fault_countdown > 0 && --db_fault_countdown == 0;
}
#else
static bool is_fault(void)
{
	return false;
}
#endif

/* The kind of an SQLite result: busy passes, all else is about our own state. */
static enum err_kind kind_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return ERR_RETRY;
	case SQLITE_NOMEM: die("out of memory (SQLite)");
	default: return ERR_FATAL;
	}
}

static int fail(struct db *db, int rc, const char *sql, struct err *err)
{
	const char *why = sqlite3_errcode(db->handle) != SQLITE_OK ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
	size_t n = strcspn(sql, "\n");

	while (n && (sql[0] == ' ' || sql[0] == '\t')) {
		sql++;
		n--;
	}
	if (n > WORDS_SHOWN) {
		n = WORDS_SHOWN;
		while (n > 1 && sql[n] != ' ')
			n--;
	}
	return err_set(err, kind_of(rc), "database: %.*s: %s", (int)n, sql, why);
}

static int run_text(struct db *db, const char *sql, struct err *err)
{
	int rc;

	if (is_fault())
		return err_set(err, ERR_FATAL, "database: %.20s: fault of a test", sql);
	rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : fail(db, rc, sql, err);
}

/* opening ---------------------------------------------------------------------------------------------------------- */

struct pragma {
	const char *set, *get, *expected;
	enum db_mode needed_from; /* DB_READ: for both */
};

/* In this order: the page size only takes before the journal mode is set. */
static const struct pragma pragmas[] = {
	{ "PRAGMA page_size = 16384", NULL, NULL, DB_WRITE },
	{ "PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal", DB_WRITE },
	{ "PRAGMA synchronous = FULL", "PRAGMA synchronous", "2", DB_WRITE },
	{ "PRAGMA secure_delete = ON", "PRAGMA secure_delete", "1", DB_WRITE },
	{ "PRAGMA journal_size_limit = 67108864", "PRAGMA journal_size_limit", "67108864", DB_WRITE },
	{ "PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", "1", DB_READ },
	{ "PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", "0", DB_READ },
	{ "PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", "1", DB_READ },
	{ "PRAGMA cache_size = -16384", "PRAGMA cache_size", "-16384", DB_READ },
};

/* What only readers get: they neither write nor checkpoint, so that there is one checkpointer at a time. */
static const struct pragma reader_pragmas[] = {
	{ "PRAGMA wal_autocheckpoint = 0", "PRAGMA wal_autocheckpoint", "0", DB_READ },
	{ "PRAGMA query_only = ON", "PRAGMA query_only", "1", DB_READ },
};

static bool is_memory(const char *path)
{
	return strcmp(path, ":memory:") == 0;
}

/* SQLite doesn't wait by itself where two processes make the same file's journal at once. */
static int run_patiently(struct db *db, const char *sql, struct err *err)
{
	enum { TRIES = 200, PAUSE_MS = 25 };

	for (int i = 0; run_text(db, sql, err) < 0; i++) {
		if (err->kind != ERR_RETRY || i == TRIES)
			return -1;
		(void)sqlite3_sleep(PAUSE_MS);
	}
	return 0;
}

static int set_pragma(struct db *db, const struct pragma *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = NULL;
	const char *value;

	if (run_patiently(db, p->set, err) < 0)
		return -1;
	if (!p->get)
		return 0;
	q = db_sql(db, p->get);
	if (stmt_step(q, err) < 0)
		return -1;
	value = col_text(q, 0);
	if (value && strcmp(value, p->expected) == 0)
		return 0;
	if (is_memory(db->path) && strstr(p->get, "journal_mode"))
		return 0;
	return err_set(err, ERR_FATAL, "database: %s is %s, not %s", p->get, value ? value : "unknown", p->expected);
}

static int set_pragmas(struct db *db, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(pragmas); i++)
		if (pragmas[i].needed_from <= db->mode && set_pragma(db, &pragmas[i], err) < 0)
			return -1;
	for (size_t i = 0; db->mode == DB_READ && i < ARRAY_LEN(reader_pragmas); i++)
		if (set_pragma(db, &reader_pragmas[i], err) < 0)
			return -1;
	return 0;
}

/* Switches that have no pragma, read back by SQLite itself. */
static int set_switches(struct db *db, struct err *err)
{
	static const struct {
		int option, value;
	} switches[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },  { SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },    { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
	};
	int now = 0;

	for (size_t i = 0; i < ARRAY_LEN(switches); i++)
		if (sqlite3_db_config(db->handle, switches[i].option, switches[i].value, &now) != SQLITE_OK ||
		    now != switches[i].value)
			return err_set(err, ERR_FATAL, "database: option %d can't be set", switches[i].option);
	if (db->mode == DB_READ &&
	    (sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &now) != SQLITE_OK || now != 1))
		return err_set(err, ERR_FATAL, "database: checkpoint on close can't be switched off");
	return 0;
}

int db_open(const char *path, enum db_mode mode, struct db **out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(db_closep) struct db *db = NULL;
	struct db *made;
	int rc;

	db_journals_in_memory();
	if (!is_memory(path) && db_file_check(a, path, mode, err) < 0)
		return -1;
	made = arena_alloc(a, sizeof *made);
	*made = (struct db){ .path = arena_strdup(a, path), .mode = mode };
	rc = sqlite3_open_v2(path, &made->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	                     NULL);
	if (!made->handle)
		die("out of memory (SQLite)");
	made->arena = a;
	a = NULL;
	db = made;
	if (rc != SQLITE_OK)
		return err_set(err, kind_of(rc), "%s: %s", path, sqlite3_errmsg(db->handle));
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	if (db_usage_register(db->handle) != SQLITE_OK || db_scores_register(db->handle) != SQLITE_OK)
		return err_set(err, ERR_FATAL, "%s: %s", path, sqlite3_errmsg(db->handle));
	if (set_switches(db, err) < 0 || set_pragmas(db, err) < 0)
		return err_in(err, "%s", path);
	*out = db;
	db = NULL;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	if (db->n_used)
		die("database %s closed with %d statements in use", db->path, db->n_used);
	for (size_t i = 0; i < N_BUCKETS; i++)
		for (struct stmt *q = db->buckets[i]; q; q = q->next)
			sqlite3_finalize(q->handle);
	if (sqlite3_close(db->handle) != SQLITE_OK)
		die("database %s can't be closed: %s", db->path, sqlite3_errmsg(db->handle));
	arena_free(db->arena);
}

void db_closep(struct db **db)
{
	db_close(*db);
}

void db_wait_for(struct db *db, int ms)
{
	sqlite3_busy_timeout(db->handle, ms);
}

const char *db_path(const struct db *db)
{
	return db->path;
}

/* statements ------------------------------------------------------------------------------------------------------- */

static struct stmt **bucket_of(struct db *db, const char *sql)
{
	return &db->buckets[((uintptr_t)sql * 0x9E3779B97F4A7C15u >> 32) % N_BUCKETS];
}

static struct stmt *cached(struct db *db, const char *sql)
{
	struct stmt **bucket = bucket_of(db, sql);
	struct stmt *q;

	for (q = *bucket; q; q = q->next)
		if (q->sql == sql && !q->is_used && strcmp(q->text, sql) == 0)
			return q;
	if (++db->n_statements > MAX_STATEMENTS)
		die("more than %d statements; the last is %.*s", MAX_STATEMENTS, WORDS_SHOWN, sql);
	q = arena_alloc(db->arena, sizeof *q);
	q->db = db;
	q->sql = sql;
	q->text = arena_strdup(db->arena, sql);
	q->next = *bucket;
	*bucket = q;
	return q;
}

static void name_places(struct stmt *q)
{
	int n = sqlite3_bind_parameter_count(q->handle);

	q->names = arena_array(q->db->arena, (size_t)n + 2, sizeof *q->names);
	for (int i = 1; i <= n + 1; i++) /* the one behind the last has no name */
		q->names[i] = arena_strdup(q->db->arena, sqlite3_bind_parameter_name(q->handle, i));
}

struct stmt *db_sql(struct db *db, const char *sql)
{
	struct stmt *q = cached(db, sql);
	int rc = SQLITE_OK;

	q->is_used = q->is_fresh = true;
	q->is_failed = false;
	q->last_place = 0;
	db->n_used++;
	if (is_fault())
		q->is_failed = err_set(&q->failure, ERR_FATAL, "database: prepare: fault of a test") < 0;
	if (!q->handle) {
		rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &q->handle, NULL);
		name_places(q);
	}
	if (rc != SQLITE_OK)
		q->is_failed = fail(db, rc, sql, &q->failure) < 0;
	return q;
}

static void reset(struct stmt *q)
{
	if (q->handle && !q->is_fresh)
		(void)sqlite3_reset(q->handle); /* repeats the failure that step has told */
	q->is_fresh = true;
}

void stmt_done(struct stmt *q)
{
	if (!q)
		return;
	reset(q);
	if (q->handle)
		(void)sqlite3_clear_bindings(q->handle);
	q->is_used = false;
	q->db->n_used--;
}

void stmt_donep(struct stmt **q)
{
	stmt_done(*q);
}

/* The parameter's number, or 0 when the statement could not be prepared. */
static int place(struct stmt *q, const char *name)
{
	const char *next;
	int i;

	if (!q->handle)
		return 0;
	if (!q->is_fresh)
		die("bind %s before the last row of %.*s", name, WORDS_SHOWN, q->text);
	/* Mostly they are bound in the order in which the statement names them. */
	next = q->names[q->last_place + 1];
	i = next && strcmp(next, name) == 0 ? q->last_place + 1 : sqlite3_bind_parameter_index(q->handle, name);
	if (!i)
		die("no parameter %s in %s", name, q->text);
	q->last_place = i;
	return i;
}

static void bound(struct stmt *q, int i, int rc)
{
	if (i && rc != SQLITE_OK && !q->is_failed)
		q->is_failed = fail(q->db, rc, q->text, &q->failure) < 0;
}

void bind_int(struct stmt *q, const char *name, int64_t value)
{
	int i = place(q, name);

	bound(q, i, i ? sqlite3_bind_int64(q->handle, i, value) : 0);
}

void bind_real(struct stmt *q, const char *name, double value)
{
	int i = place(q, name);

	bound(q, i, i ? sqlite3_bind_double(q->handle, i, value) : 0);
}

void bind_text(struct stmt *q, const char *name, const char *text)
{
	int i = place(q, name);

	bound(q, i, i ? sqlite3_bind_text64(q->handle, i, text, text ? strlen(text) : 0, SQLITE_STATIC, SQLITE_UTF8) : 0);
}

void bind_blob(struct stmt *q, const char *name, const void *data, size_t len)
{
	int i = place(q, name);

	bound(q, i, i ? sqlite3_bind_blob64(q->handle, i, len ? data : "", len, SQLITE_STATIC) : 0);
}

void bind_null(struct stmt *q, const char *name)
{
	int i = place(q, name);

	bound(q, i, i ? sqlite3_bind_null(q->handle, i) : 0);
}

void bind_day(struct stmt *q, const char *name, int32_t day)
{
	if (day == DAY_NONE)
		bind_null(q, name);
	else
		bind_int(q, name, day);
}

void bind_instant(struct stmt *q, const char *name, int64_t at)
{
	if (at == INSTANT_NONE)
		bind_null(q, name);
	else
		bind_int(q, name, at);
}

int stmt_step(struct stmt *q, struct err *err)
{
	int rc;

	if (q->is_failed || is_fault()) {
		*err = q->is_failed ? q->failure : (struct err){ ERR_FATAL, "database: step: fault of a test" };
		q->is_failed = !q->handle; /* what can't be prepared fails again */
		reset(q);
		return -1;
	}
	q->is_fresh = false;
	rc = sqlite3_step(q->handle);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		fail(q->db, rc, q->text, err);
	reset(q);
	return rc == SQLITE_DONE ? 0 : -1;
}

int stmt_run(struct stmt *q, struct err *err)
{
	int rc = stmt_step(q, err);

	if (rc == 1)
		die("a row comes from %s", q->text);
	return rc;
}

bool col_is_null(struct stmt *q, int column)
{
	return sqlite3_column_type(q->handle, column) == SQLITE_NULL;
}

int64_t col_int(struct stmt *q, int column)
{
	return sqlite3_column_int64(q->handle, column);
}

double col_real(struct stmt *q, int column)
{
	return sqlite3_column_double(q->handle, column);
}

const char *col_text(struct stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q->handle, column);

	if (!text && !col_is_null(q, column))
		die("out of memory (SQLite)");
	return text;
}

const void *col_blob(struct stmt *q, int column, size_t *out_len)
{
	const void *data = sqlite3_column_blob(q->handle, column);

	*out_len = (size_t)sqlite3_column_bytes(q->handle, column);
	return data;
}

int32_t col_day(struct stmt *q, int column)
{
	return col_is_null(q, column) ? DAY_NONE : (int32_t)col_int(q, column);
}

int64_t col_instant(struct stmt *q, int column)
{
	return col_is_null(q, column) ? INSTANT_NONE : col_int(q, column);
}

int64_t db_changes(struct db *db)
{
	return sqlite3_changes64(db->handle);
}

int64_t db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

int db_run(struct db *db, const char *sql, struct err *err)
{
	return run_text(db, sql, err);
}

/* transactions ----------------------------------------------------------------------------------------------------- */

int txn_begin(struct txn *t, struct db *db, struct err *err)
{
	if (!sqlite3_get_autocommit(db->handle))
		die("a transaction within a transaction");
	/* a reader's is a snapshot */
	if (run_text(db, db->mode == DB_READ ? "BEGIN" : "BEGIN IMMEDIATE", err) < 0)
		return -1;
	t->db = db;
	return 0;
}

int txn_commit(struct txn *t, struct err *err)
{
	if (!t->db)
		die("commit without a transaction");
	if (run_text(t->db, "COMMIT", err) < 0)
		return -1;
	t->db = NULL;
	return 0;
}

void txn_end(struct txn *t)
{
	if (!t->db)
		return;
	if (!sqlite3_get_autocommit(t->db->handle)) /* SQLite itself has rolled back after a full disk */
		(void)sqlite3_exec(t->db->handle, "ROLLBACK", NULL, NULL, NULL);
	t->db = NULL;
}

/* backup ----------------------------------------------------------------------------------------------------------- */

static int check_integrity(struct db *db, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "PRAGMA integrity_check(1)");
	const char *answer;

	if (stmt_step(q, err) < 0)
		return -1;
	answer = col_text(q, 0);
	if (!answer || strcmp(answer, "ok") != 0)
		return err_set(err, ERR_FATAL, "database: integrity check: %s", answer ? answer : "no answer");
	return 0;
}

/* Page by page within one read transaction: in WAL mode nobody is kept from writing meanwhile. */
static int copy_pages(struct db *from, struct db *to, struct err *err)
{
	sqlite3_backup *copy;
	int rc;

	if (is_fault())
		return err_set(err, ERR_FATAL, "database: backup: fault of a test");
	copy = sqlite3_backup_init(to->handle, "main", from->handle, "main");
	if (!copy)
		return fail(to, sqlite3_errcode(to->handle), "backup", err);
	(void)sqlite3_backup_step(copy, -1);
	rc = sqlite3_backup_finish(copy);
	return rc == SQLITE_OK ? 0 : fail(to, rc, "backup", err);
}

/* A plain file without a log beside it, checked. */
static int copy_to(struct db *from, const char *path, struct err *err)
{
	CLEANUP(db_closep) struct db *to = NULL;

	if (db_open(path, DB_WRITE, &to, err) < 0 || copy_pages(from, to, err) < 0 ||
	    run_text(to, "PRAGMA journal_mode = DELETE", err) < 0)
		return -1;
	return check_integrity(to, err);
}

/* A log that lies beside a file would be played into whatever takes the file's place. */
static void remove_log(struct arena *a, const char *path)
{
	(void)unlink(arena_printf(a, "%s-wal", path));
	(void)unlink(arena_printf(a, "%s-shm", path));
}

static void remove_draft(struct arena *a, const char *draft)
{
	(void)unlink(draft);
	remove_log(a, draft);
}

int db_backup(struct db *db, const char *path, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *draft = arena_printf(a, "%s.new", path);

	if (db_file_is_same(db->path, path))
		return err_set(err, ERR_INPUT, "backup to %s: that is the database itself", path);
	remove_draft(a, draft); /* of a backup that was killed */
	if (copy_to(db, draft, err) < 0) {
		remove_draft(a, draft);
		return err_in(err, "backup to %s", path);
	}
	remove_log(a, path);
	if (db_file_settle(a, draft, path, err) < 0) {
		remove_draft(a, draft);
		return err_in(err, "backup to %s", path);
	}
	return 0;
}

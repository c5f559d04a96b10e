/* One SQLite database: connections, statements bound by name, transactions. Everything SQL in the program goes through
 * here. A statement or bind that fails is remembered and reported by the next stmt_step, so callers check once. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"

enum db_mode {
	DB_READ,  /* query_only, never checkpoints */
	DB_WRITE  /* the one writing connection of a process; makes the file (0600) and its folder (0700) when missing */
};

struct db;

void db_close(struct db *db); /* accepts NULL; dies when a statement is still in use (our bug) */
void db_closep(struct db **db);
/* Opens it, sets and reads back the pragmas (WAL, synchronous=FULL, foreign_keys, trusted_schema off, secure_delete,
 * cell_size_check, busy_timeout). ":memory:" works. Does not migrate: see store/migrate.h. */
int db_open(const char *path, enum db_mode mode, struct db **out, struct err *err) MUST_USE;
/* How long it waits for who holds the database, instead of 5 s: 0 fails with ERR_RETRY at once. */
void db_wait_for(struct db *db, int ms);
const char *db_path(const struct db *db);
/* 6 MiB of pages at most instead of 16: for one of several that read from one end to the other. */
int db_keep_few_pages(struct db *db, struct err *err) MUST_USE;
/* 2 MiB: for a reader that comes to most pages once; memory that is used again is cheaper than new memory. */
int db_read_once(struct db *db, struct err *err) MUST_USE;

struct stmt;
/* A prepared statement, from the connection's cache (keyed by the address and text of sql, a literal). Never NULL. */
struct stmt *db_sql(struct db *db, const char *sql);
void stmt_done(struct stmt *q); /* resets it and gives it back; accepts NULL */
void stmt_donep(struct stmt **q); /* for CLEANUP */
void bind_int(struct stmt *q, const char *name, int64_t value);
void bind_real(struct stmt *q, const char *name, double value);
void bind_text(struct stmt *q, const char *name, const char *text); /* NULL binds NULL; must live until stmt_done */
void bind_blob(struct stmt *q, const char *name, const void *data, size_t len);
void bind_null(struct stmt *q, const char *name);
void bind_day(struct stmt *q, const char *name, int32_t day);      /* DAY_NONE binds NULL */
void bind_instant(struct stmt *q, const char *name, int64_t at);   /* INSTANT_NONE binds NULL */
/* 1 a row, 0 done, -1 failed (ERR_RETRY when busy, ERR_FATAL otherwise). After 0 it may be bound and stepped again. */
int stmt_step(struct stmt *q, struct err *err) MUST_USE;
/* Steps to the end of a statement that gives no rows and resets it for the next binds: 0 or -1. */
int stmt_run(struct stmt *q, struct err *err) MUST_USE;
bool col_is_null(struct stmt *q, int column);
int64_t col_int(struct stmt *q, int column);
double col_real(struct stmt *q, int column);
const char *col_text(struct stmt *q, int column); /* NULL for NULL; valid until the next step */
const char *col_text_in(struct stmt *q, int column, struct arena *a); /* a copy */
const void *col_blob(struct stmt *q, int column, size_t *out_len);
int32_t col_day(struct stmt *q, int column);     /* NULL gives DAY_NONE */
int64_t col_instant(struct stmt *q, int column); /* NULL gives INSTANT_NONE */
int64_t db_changes(struct db *db); /* rows changed by the last statement */
int64_t db_last_id(struct db *db);
/* Several statements without parameters. */
int db_run(struct db *db, const char *sql, struct err *err) MUST_USE;
/* The first column of the first row, or fallback when there is none. */
int db_int(struct db *db, const char *sql, int64_t fallback, int64_t *out, struct err *err) MUST_USE;

/* Copies it whole, while others write, into a file (0600) that replaces path at the end, checked and on the disk. What
 * was there before stays when anything fails. */
int db_backup(struct db *db, const char *path, struct err *err) MUST_USE;

/* A transaction (BEGIN IMMEDIATE; on DB_READ a snapshot). Declared with CLEANUP(txn_end) before the statements that run
 * in it; rolls back unless committed. Does not nest. */
struct txn {
	struct db *db; /* off limits */
};
int txn_begin(struct txn *t, struct db *db, struct err *err) MUST_USE;
int txn_commit(struct txn *t, struct err *err) MUST_USE;
void txn_end(struct txn *t);

#endif

#include "store/db_query.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "common/clock.h"
#include "db_scores.h"
#include "db_usage.h"

enum { BUSY_MS = 5000, OPS_BETWEEN_LOOKS = 10000, MAX_COLUMNS = 200, MAX_BLOB_SHOWN = 500 };
enum { MAX_VALUE_BYTES = 16 << 20, MAX_HEAP_BYTES = 256 << 20, MAX_ANSWER_BYTES = 192 << 20 };

struct question {
	sqlite3 *handle;
	sqlite3_stmt *stmt;
	int64_t until_ms; /* by the monotonic clock */
};

static void question_done(struct question *q)
{
	(void)sqlite3_finalize(q->stmt);
	(void)sqlite3_close(q->handle);
}

/* Reading is all that there is. */
static int authorize(void *context, int action, const char *one, const char *other, const char *schema,
                     const char *trigger)
{
	(void)context;
	(void)one;
	(void)schema;
	(void)trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE: return SQLITE_OK;
	case SQLITE_FUNCTION: return strcmp(other, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
	default: return SQLITE_DENY;
	}
}

static int is_late(void *context)
{
	const struct question *q = context;

	return clock_monotonic_ms() > q->until_ms;
}

static int wrong(struct question *q, int rc, const struct query_limits *limits, struct err *err)
{
	switch (rc & 0xff) {
	case SQLITE_INTERRUPT:
		return err_set(err, ERR_USAGE, "no answer within %lld s", (long long)(limits->max_ms / 1000));
	case SQLITE_NOMEM: return err_set(err, ERR_USAGE, "the answer takes more than %d MiB", MAX_HEAP_BYTES >> 20);
	case SQLITE_AUTH: return err_set(err, ERR_USAGE, "only a SELECT can be asked: %s", sqlite3_errmsg(q->handle));
	case SQLITE_BUSY: return err_set(err, ERR_RETRY, "the database is busy");
	case SQLITE_CORRUPT: return err_set(err, ERR_FATAL, "%s", sqlite3_errmsg(q->handle));
	default: return err_set(err, ERR_USAGE, "%s", sqlite3_errmsg(q->handle));
	}
}

static int open_to_read(struct question *q, const char *path, struct err *err)
{
	int rc = sqlite3_open_v2(path, &q->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	                         NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(q->handle, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(q->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(q->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(q->handle, "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON",
		                  NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = db_usage_register(q->handle);
	if (rc == SQLITE_OK)
		rc = db_scores_register(q->handle);
	if (rc == SQLITE_OK) /* declared once, which nobody may later on */
		rc = sqlite3_exec(q->handle, "SELECT 1 FROM usage, json_each(''), json_tree(''), (SELECT 1 FROM scores WHERE "
		                  "day = 0 AND account_id = 0) LIMIT 0", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_set_authorizer(q->handle, authorize, NULL);
	if (rc != SQLITE_OK)
		return err_set(err, ERR_FATAL, "%s: %s", path, q->handle ? sqlite3_errmsg(q->handle) : "out of memory");
	(void)sqlite3_limit(q->handle, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
	(void)sqlite3_limit(q->handle, SQLITE_LIMIT_COLUMN, MAX_COLUMNS);
	(void)sqlite3_hard_heap_limit64(MAX_HEAP_BYTES);
	sqlite3_progress_handler(q->handle, OPS_BETWEEN_LOOKS, is_late, q);
	return 0;
}

/* What is behind the statement may only be blanks and comments: to SQLite those are an empty statement. */
static int prepare_one(struct question *q, const char *sql, const struct query_limits *limits, struct err *err)
{
	const char *rest;
	sqlite3_stmt *more = NULL;
	int rc = sqlite3_prepare_v2(q->handle, sql, -1, &q->stmt, &rest);

	if (rc != SQLITE_OK)
		return wrong(q, rc, limits, err);
	if (!q->stmt)
		return err_set(err, ERR_USAGE, "there is no statement");
	rc = sqlite3_prepare_v2(q->handle, rest, -1, &more, NULL);
	(void)sqlite3_finalize(more);
	if (rc != SQLITE_OK || more)
		return err_set(err, ERR_USAGE, "only one statement can be asked");
	if (!sqlite3_stmt_readonly(q->stmt) || sqlite3_column_count(q->stmt) == 0)
		return err_set(err, ERR_USAGE, "only a SELECT can be asked");
	return 0;
}

static const char *hex_text(struct arena *a, const uint8_t *bytes, size_t len)
{
	size_t n = len < MAX_BLOB_SHOWN ? len : MAX_BLOB_SHOWN;
	char *text = arena_alloc(a, 2 * n + 4);

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = "0123456789ABCDEF"[bytes[i] >> 4];
		text[2 * i + 1] = "0123456789ABCDEF"[bytes[i] & 15];
	}
	return n < len ? arena_printf(a, "%s...", text) : text;
}

static const char *cell_text(sqlite3_stmt *q, int column, bool *io_is_number, struct arena *a)
{
	int type = sqlite3_column_type(q, column);

	*io_is_number = *io_is_number && (type == SQLITE_NULL || type == SQLITE_INTEGER ||
	                                  (type == SQLITE_FLOAT && isfinite(sqlite3_column_double(q, column))));
	switch (type) {
	case SQLITE_NULL: return NULL;
	case SQLITE_INTEGER: return arena_printf(a, "%lld", (long long)sqlite3_column_int64(q, column));
	case SQLITE_FLOAT: return arena_printf(a, "%.15g", sqlite3_column_double(q, column));
	case SQLITE_BLOB:
		return hex_text(a, sqlite3_column_blob(q, column), (size_t)sqlite3_column_bytes(q, column));
	default:
		return arena_strndup(a, (const char *)sqlite3_column_text(q, column), (size_t)sqlite3_column_bytes(q, column));
	}
}

static int read_row(struct question *q, size_t least_left, const char **cells, bool *is_number, int n, struct arena *a,
                    struct err *err)
{
	for (int i = 0; i < n; i++) {
		cells[i] = cell_text(q->stmt, i, &is_number[i], a);
		if (arena_left(a) < least_left)
			return err_set(err, ERR_USAGE, "the answer takes more than %d MiB; ask for less, or for fewer rows",
			               MAX_ANSWER_BYTES >> 20);
	}
	return 0;
}

static int read_rows(struct question *q, const struct query_limits *limits, struct arena *a, struct query_result *out,
                     bool *is_number, struct err *err)
{
	size_t room = 0, least_left = arena_left(a) > MAX_ANSWER_BYTES ? arena_left(a) - MAX_ANSWER_BYTES : 0;
	int rc;

	while ((rc = sqlite3_step(q->stmt)) == SQLITE_ROW) {
		const char **cells;

		if ((int64_t)out->n_rows == limits->max_rows) {
			out->is_cut = true;
			return 0;
		}
		if (out->n_rows == room) {
			room = room ? 2 * room : 64;
			out->rows = arena_grow(a, out->rows, out->n_rows, room, sizeof *out->rows);
		}
		cells = arena_array(a, (size_t)out->n_columns, sizeof *cells);
		if (read_row(q, least_left, cells, is_number, out->n_columns, a, err) < 0)
			return -1;
		out->rows[out->n_rows++] = cells;
	}
	return rc == SQLITE_DONE ? 0 : wrong(q, rc, limits, err);
}

int db_query(const char *path, const char *sql, const struct query_limits *limits, struct arena *a,
             struct query_result *out, struct err *err)
{
	CLEANUP(question_done) struct question q = { .until_ms = clock_monotonic_ms() + limits->max_ms };
	struct query_result result = { 0 };
	bool *is_number;

	if (open_to_read(&q, path, err) < 0 || prepare_one(&q, sql, limits, err) < 0)
		return -1;
	result.n_columns = sqlite3_column_count(q.stmt);
	result.names = arena_array(a, (size_t)result.n_columns, sizeof *result.names);
	is_number = arena_array(a, (size_t)result.n_columns, sizeof *is_number);
	for (int i = 0; i < result.n_columns; i++) {
		result.names[i] = arena_strdup(a, sqlite3_column_name(q.stmt, i));
		is_number[i] = true;
	}
	if (read_rows(&q, limits, a, &result, is_number, err) < 0)
		return -1;
	result.is_number = is_number;
	*out = result;
	return 0;
}

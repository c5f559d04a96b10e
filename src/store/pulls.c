#include "store/pulls.h"

#include "common/clock.h"
#include "common/text.h"
#include "store/record.h"

enum { DAY_S = 86400 };

enum { RAW_BYTES = 4000 };

int source_id(struct db *db, const char *name, const char *kind, int64_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = NULL;
	CLEANUP(stmt_donep) struct stmt *found = db_sql(db, "SELECT id FROM source WHERE name = :name AND kind = :kind");
	int rc;

	bind_text(found, ":name", name);
	bind_text(found, ":kind", kind);
	rc = stmt_step(found, err);
	if (rc < 0)
		return -1;
	if (rc == 1) {
		*out = col_int(found, 0);
		return 0;
	}
	q = db_sql(db, "INSERT INTO source (name, kind) VALUES (:name, :kind) "
	               "ON CONFLICT (name) DO UPDATE SET kind = excluded.kind RETURNING id");
	bind_text(q, ":name", name);
	bind_text(q, ":kind", kind);
	if (stmt_step(q, err) < 0)
		return -1;
	*out = col_int(q, 0);
	return stmt_step(q, err) < 0 ? -1 : 0;
}

int source_ok(struct db *db, int64_t source, int64_t now, int32_t today, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "UPDATE source SET last_ok_at = :now, last_ok_on = :today, "
	                                                "last_error = NULL, last_error_at = NULL WHERE id = :id");

	bind_instant(q, ":now", now);
	bind_day(q, ":today", today);
	bind_int(q, ":id", source);
	return stmt_run(q, err);
}

bool source_is_stale(int32_t last_ok_on, int32_t day, int64_t stale_after_s)
{
	int64_t days = (stale_after_s + DAY_S - 1) / DAY_S;

	return last_ok_on == DAY_NONE || (int64_t)day - last_ok_on > days;
}

int source_failed(struct db *db, int64_t source, const char *error, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "UPDATE source SET last_error = :error, last_error_at = :now WHERE id = :id");

	bind_text(q, ":error", error);
	bind_instant(q, ":now", now);
	bind_int(q, ":id", source);
	return stmt_run(q, err);
}

static int end_left_behind(struct db *db, int64_t source, const char *stream, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "UPDATE pull_run SET state = 'failed', ended_at = :now, error = 'interrupted' "
	                            "WHERE source_id = :source AND stream = :stream AND state = 'running'");

	bind_instant(q, ":now", now);
	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	return stmt_run(q, err);
}

int pull_run_begin(struct db *db, int64_t source, const char *stream, const char *mode, int64_t now, int64_t *out_run,
                   struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = NULL;

	if (end_left_behind(db, source, stream, now, err) < 0)
		return -1;
	q = db_sql(db, "INSERT INTO pull_run (source_id, stream, mode, started_at, state) "
	               "VALUES (:source, :stream, :mode, :now, 'running')");
	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_text(q, ":mode", mode);
	bind_instant(q, ":now", now);
	if (stmt_run(q, err) < 0)
		return -1;
	*out_run = db_last_id(db);
	return 0;
}

int pull_run_end(struct db *db, int64_t run, const struct pull_counts *counts, const char *error, int64_t now,
                 struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "UPDATE pull_run SET state = :state, ended_at = :now, n_pages = :pages, n_rows = :rows, "
	               "n_changed = :changed, n_quarantined = :quarantined, error = :error WHERE id = :id");

	bind_text(q, ":state", error ? "failed" : "ok");
	bind_instant(q, ":now", now);
	bind_int(q, ":pages", counts->n_pages);
	bind_int(q, ":rows", counts->n_rows);
	bind_int(q, ":changed", counts->n_changed);
	bind_int(q, ":quarantined", counts->n_quarantined);
	bind_text(q, ":error", error);
	bind_int(q, ":id", run);
	return stmt_run(q, err);
}

int pull_run_expected(struct db *db, int64_t source, const char *stream, const char *mode, int64_t *out,
                      struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT n_rows FROM pull_run WHERE source_id = :source AND stream = :stream "
	                            "AND mode = :mode AND state = 'ok' ORDER BY id DESC LIMIT 1");
	int rc;

	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_text(q, ":mode", mode);
	rc = stmt_step(q, err);
	if (rc >= 0)
		*out = rc == 1 ? col_int(q, 0) : 0;
	return rc < 0 ? -1 : 0;
}

int quarantine_put(struct db *db, int64_t source, const char *stream, const char *key, const char *reason,
                   const char *raw, int64_t now, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO quarantine (source_id, stream, source_key, reason, raw, first_seen_at, last_seen_at) "
	               "VALUES (:source, :stream, :key, :reason, :raw, :now, :now) "
	               "ON CONFLICT (source_id, stream, source_key) DO UPDATE SET reason = excluded.reason, raw = excluded.raw, "
	               "last_seen_at = excluded.last_seen_at");
	char *clean = raw ? text_clean(a, raw, RAW_BYTES) : NULL;

	if (clean)
		clean[utf8_fit(clean, RAW_BYTES)] = '\0';
	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_text(q, ":key", key);
	bind_text(q, ":reason", reason);
	bind_text(q, ":raw", clean);
	bind_instant(q, ":now", now);
	return stmt_run(q, err);
}

int quarantine_clear(struct db *db, int64_t source, const char *stream, const char *key, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "DELETE FROM quarantine WHERE source_id = :source AND stream = :stream AND source_key = :key");

	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_text(q, ":key", key);
	return stmt_run(q, err) < 0 ? -1 : db_changes(db) > 0;
}

int64_t quarantine_clear_starting(struct db *db, int64_t source, const char *stream, const char *start, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "DELETE FROM quarantine WHERE source_id = :source AND stream = :stream "
	               "AND substr(source_key, 1, length(:start)) = :start");

	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_text(q, ":start", start);
	return stmt_run(q, err) < 0 ? -1 : db_changes(db);
}

int cursor_get(struct db *db, int64_t source, const char *stream, struct arena *a, const char **out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT cursor FROM stream_cursor WHERE source_id = :source AND stream = :stream");
	int rc;

	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	*out = rc ? col_text_in(q, 0, a) : NULL;
	return 0;
}

int cursor_set(struct db *db, int64_t source, const char *stream, const char *cursor, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(
		db,
		"INSERT INTO stream_cursor (source_id, stream, cursor, updated_at) VALUES (:source, :stream, :cursor, :now) "
		"ON CONFLICT (source_id, stream) DO UPDATE SET cursor = excluded.cursor, updated_at = excluded.updated_at");

	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_text(q, ":cursor", cursor);
	bind_instant(q, ":now", now);
	return stmt_run(q, err);
}

int file_is_loaded(struct db *db, int64_t source, const char *stream, const char *path, const char *sha256,
                   struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT 1 FROM file_loaded WHERE source_id = :source AND stream = :stream "
	                            "AND path = :path AND sha256 = :sha256");

	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_text(q, ":path", path);
	bind_text(q, ":sha256", sha256);
	return stmt_step(q, err);
}

int file_is_known(struct db *db, int64_t source, const char *stream, const char *path, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT 1 FROM file_loaded WHERE source_id = :source "
	                                                "AND stream = :stream AND path = :path");

	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_text(q, ":path", path);
	return stmt_step(q, err);
}

int file_set_loaded(struct db *db, int64_t source, const char *stream, const char *path, const char *sha256,
                    int64_t size_bytes, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO file_loaded (source_id, stream, path, sha256, size_bytes, loaded_at) "
	               "VALUES (:source, :stream, :path, :sha256, :size, :now) ON CONFLICT (source_id, stream, path) "
	               "DO UPDATE SET sha256 = excluded.sha256, size_bytes = excluded.size_bytes, loaded_at = excluded.loaded_at");

	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_text(q, ":path", path);
	bind_text(q, ":sha256", sha256);
	bind_int(q, ":size", size_bytes);
	bind_instant(q, ":now", now);
	return stmt_run(q, err);
}

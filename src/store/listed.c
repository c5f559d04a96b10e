#include "store/listed.h"

static void bind_row(struct stmt *q, int64_t source, const char *stream, const char *key)
{
	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_text(q, ":key", key);
}

int listed_put(struct db *db, int64_t source, const char *stream, const char *key, int64_t list, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "INSERT INTO listed (source_id, stream, source_key, list) "
	                            "VALUES (:source, :stream, :key, :list) ON CONFLICT (source_id, stream, source_key) "
	                            "DO UPDATE SET list = excluded.list WHERE list <> excluded.list");

	bind_row(q, source, stream, key);
	bind_int(q, ":list", list);
	return stmt_run(q, err);
}

int listed_drop(struct db *db, int64_t source, const char *stream, const char *key, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "DELETE FROM listed WHERE source_id = :source AND stream = :stream AND source_key = :key");

	bind_row(q, source, stream, key);
	return stmt_run(q, err);
}

int listed_count(struct db *db, int64_t source, const char *stream, int64_t list, int64_t *out_all,
                 int64_t *out_missing, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT count(*), coalesce(sum(list <> :list), 0) FROM listed "
	               "WHERE source_id = :source AND stream = :stream");

	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_int(q, ":list", list);
	if (stmt_step(q, err) < 0)
		return -1;
	*out_all = col_int(q, 0);
	*out_missing = col_int(q, 1);
	return 0;
}

int listed_missing(struct db *db, int64_t source, const char *stream, int64_t list, size_t max, struct arena *a,
                   const char *const **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT source_key FROM listed WHERE source_id = :source AND stream = :stream AND list <> :list "
	               "ORDER BY source_key LIMIT :max");
	const char **keys = arena_array(a, max + 1, sizeof *keys);
	size_t n = 0;
	int rc;

	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	bind_int(q, ":list", list);
	bind_int(q, ":max", (int64_t)max);
	while ((rc = stmt_step(q, err)) == 1)
		keys[n++] = arena_strdup(a, col_text(q, 0));
	if (rc < 0)
		return -1;
	*out = keys;
	*out_n = n;
	return 0;
}

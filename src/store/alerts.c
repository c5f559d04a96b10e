#include "store/alerts.h"

#include "common/clock.h"

int alert_put(struct db *db, const char *topic, const char *sink, const char *text, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO alert (topic, sink, text, at, next_at) VALUES (:topic, :sink, :text, :now, :now)"
		" ON CONFLICT (topic) DO NOTHING");

	bind_text(q, ":topic", topic);
	bind_text(q, ":sink", sink);
	bind_text(q, ":text", text);
	bind_int(q, ":now", now);
	return stmt_run(q, err) < 0 ? err_in(err, "alert") : 0;
}

static void bind_route(struct stmt *q, const struct alert_route *route, int64_t now)
{
	bind_text(q, ":sink", route->sink);
	bind_text(q, ":but", route->but[0]);
	bind_text(q, ":nor", route->but[1]);
	bind_int(q, ":now", now);
}

#define DUE \
	" told_at IS NULL AND next_at <= :now AND (:sink IS NULL OR sink = :sink)" \
	" AND (:but IS NULL OR sink IS NOT :but) AND (:nor IS NULL OR sink IS NOT :nor)"

int alerts_due(struct db *db, const struct alert_route *route, size_t n_most, int64_t now, struct arena *a,
               struct alerts *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *all = db_sql(db, "SELECT count(*), max(id) FROM alert WHERE" DUE);
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT text, n_attempts, at FROM alert WHERE" DUE " ORDER BY id LIMIT :most");
	const char **texts = arena_array(a, n_most, sizeof *texts);
	struct alerts due = { .texts = texts };
	int rc;

	bind_route(all, route, now);
	bind_route(q, route, now);
	bind_int(q, ":most", (int64_t)n_most);
	if (stmt_step(all, err) < 0)
		return err_in(err, "alerts");
	due.n_all = col_int(all, 0);
	due.last_id = col_int(all, 1);
	while ((rc = stmt_step(q, err)) > 0) {
		if (due.n == 0) {
			due.n_attempts = (int)col_int(q, 1);
			due.at = col_int(q, 2);
		}
		texts[due.n++] = col_text_in(q, 0, a);
	}
	if (rc < 0)
		return err_in(err, "alerts");
	*out = due;
	return 0;
}

int alerts_begin(struct db *db, const struct alert_route *route, int64_t last_id, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"UPDATE alert SET n_attempts = n_attempts + 1 WHERE id <= :last AND" DUE);

	bind_route(q, route, now);
	bind_int(q, ":last", last_id);
	return stmt_run(q, err) < 0 ? err_in(err, "alerts") : 0;
}

int alerts_settle(struct db *db, const struct alert_route *route, int64_t last_id, bool is_told, int64_t next_at,
                  int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"UPDATE alert SET next_at = :next, told_at = CASE WHEN :told THEN :now END"
		" WHERE id <= :last AND" DUE);

	bind_route(q, route, now);
	bind_int(q, ":next", next_at);
	bind_int(q, ":told", is_told);
	bind_int(q, ":last", last_id);
	return stmt_run(q, err) < 0 ? err_in(err, "alerts") : 0;
}

int alerts_next_due(struct db *db, int64_t *out, struct err *err)
{
	return db_int(db, "SELECT min(next_at) FROM alert WHERE told_at IS NULL HAVING count(*) > 0", INSTANT_NONE, out,
	              err);
}

int alerts_forget(struct db *db, int64_t before_at, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM alert WHERE told_at < :before");

	bind_int(q, ":before", before_at);
	return stmt_run(q, err) < 0 ? err_in(err, "alerts") : 0;
}

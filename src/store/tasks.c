#include "store/tasks.h"

static struct task_wanted wanted_of(struct stmt *q, struct arena *a)
{
	return (struct task_wanted){ .source = col_int(q, 0),
		                         .account = col_int(q, 1),
		                         .finding = col_int(q, 2),
		                         .account_key = col_text_in(q, 3, a),
		                         .account_name = col_text_in(q, 4, a),
		                         .engine = col_text_in(q, 5, a),
		                         .cause = col_text_in(q, 6, a),
		                         .play = col_text_in(q, 7, a),
		                         .summary = col_text_in(q, 8, a),
		                         .owner_key = col_text_in(q, 9, a),
		                         .opened_on = (int32_t)col_int(q, 10),
		                         .act_by_on = (int32_t)col_int(q, 11),
		                         .expected_minor = col_int(q, 12),
		                         .currency = col_text_in(q, 13, a),
		                         .sent_at = col_is_null(q, 14) ? INSTANT_NONE : col_int(q, 14) };
}

int tasks_wanted(struct db *db, const char *source, const char *engine, int64_t most, struct arena *a,
                 struct task_wanted **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(
		db, "SELECT a.source_id, a.id, f.id, a.source_key, a.name, f.engine, f.cause, f.play, f.summary, "
			"(SELECT o.source_key FROM owner o WHERE o.source_id = a.source_id AND o.deleted_on IS NULL "
			"AND lower(o.email) = lower(f.owner_email) ORDER BY o.id LIMIT 1), "
			"f.opened_on, f.act_by_on, f.expected_minor, f.currency, t.sent_at "
			"FROM source x JOIN account a ON a.source_id = x.id AND a.deleted_on IS NULL "
			"JOIN finding f ON f.account_id = COALESCE(a.main_id, a.id) "
			"LEFT JOIN task_written t ON t.source_id = a.source_id AND t.finding_id = f.id "
			"WHERE x.name = :source AND NOT EXISTS (SELECT 1 FROM account b WHERE b.source_id = a.source_id "
			"AND b.deleted_on IS NULL AND a.main_id IS NOT NULL "
			"AND (b.id = a.main_id OR (b.main_id = a.main_id AND b.id < a.id))) "
			"AND (:engine IS NULL OR f.engine = :engine) AND f.state = 'open' "
			"AND f.closed_on IS NULL AND t.remote_id IS NULL "
			"ORDER BY t.sent_at IS NULL, f.expected_minor DESC, f.id LIMIT :most");
	struct task_wanted *list = NULL;
	size_t n = 0;
	int rc;

	bind_text(q, ":source", source);
	bind_text(q, ":engine", engine);
	bind_int(q, ":most", most);
	while ((rc = stmt_step(q, err)) == 1) {
		list = arena_grow(a, list, n, n + 1, sizeof *list);
		list[n++] = wanted_of(q, a);
	}
	if (rc < 0)
		return err_in(err, "findings of source %s", source);
	*out = list;
	*out_n = n;
	return 0;
}

int task_note(struct db *db, const struct task_wanted *task, const char *key, const char *remote_id, int64_t now,
              struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO task_written (source_id, finding_id, task_key, remote_id, sent_at) "
	               "VALUES (:source, :finding, :key, :remote, :now) ON CONFLICT (source_id, finding_id) "
	               "DO UPDATE SET task_key = excluded.task_key, remote_id = excluded.remote_id, sent_at = excluded.sent_at");

	bind_int(q, ":source", task->source);
	bind_int(q, ":finding", task->finding);
	bind_text(q, ":key", key);
	bind_text(q, ":remote", remote_id);
	bind_instant(q, ":now", now);
	return stmt_run(q, err);
}

int task_forget(struct db *db, const struct task_wanted *task, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "DELETE FROM task_written WHERE source_id = :source AND finding_id = :finding");

	bind_int(q, ":source", task->source);
	bind_int(q, ":finding", task->finding);
	return stmt_run(q, err);
}

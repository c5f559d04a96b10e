#include "store/written.h"

static double number_or_unknown(struct stmt *q, int column)
{
	return col_is_null(q, column) ? -1 : col_real(q, column);
}

static struct standing standing_of(struct stmt *q, struct arena *a)
{
	return (struct standing){ .source = col_int(q, 0),
		                      .account = col_int(q, 1),
		                      .key = col_text_in(q, 2, a),
		                      .name = col_text_in(q, 3, a),
		                      .is_scored = col_int(q, 4) != 0,
		                      .risk = number_or_unknown(q, 5),
		                      .readiness = number_or_unknown(q, 6),
		                      .risk_band = (int)col_int(q, 7),
		                      .readiness_band = (int)col_int(q, 8),
		                      .cause = col_text_in(q, 9, a) };
}

int standings_read(struct db *db, const char *source, int32_t day, struct arena *a, struct standing **out,
                   size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(
		db, "SELECT a.source_id, a.id, a.source_key, a.name, s.account_id IS NOT NULL, s.risk, s.readiness, "
			"COALESCE((SELECT h.band FROM score_held h WHERE h.day = s.day AND h.account_id = s.account_id "
			"AND h.engine = 'defense'), s.risk_band), "
			"COALESCE((SELECT h.band FROM score_held h WHERE h.day = s.day AND h.account_id = s.account_id "
			"AND h.engine = 'expansion'), s.readiness_band), (SELECT f.cause FROM finding f "
			"WHERE f.account_id = COALESCE(a.main_id, a.id) AND f.closed_on IS NULL ORDER BY f.engine, f.score DESC, f.id LIMIT 1) "
			"FROM account a JOIN source x ON x.id = a.source_id "
			"LEFT JOIN scores s ON s.account_id = COALESCE(a.main_id, a.id) AND s.day = :day "
			"WHERE x.name = :source AND a.deleted_on IS NULL AND (s.account_id IS NOT NULL OR EXISTS "
			"(SELECT 1 FROM written_back w WHERE w.source_id = a.source_id AND w.account_id = a.id)) ORDER BY a.id");
	struct standing *list = NULL;
	size_t n = 0, cap = 0;
	int rc;

	bind_day(q, ":day", day);
	bind_text(q, ":source", source);
	while ((rc = stmt_step(q, err)) == 1) {
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			list = arena_grow(a, list, n, cap, sizeof *list);
		}
		list[n++] = standing_of(q, a);
	}
	if (rc < 0)
		return err_in(err, "accounts of source %s", source);
	*out = list;
	*out_n = n;
	return 0;
}

int written_get(struct db *db, int64_t source, int64_t account, const char *field, struct arena *a, const char **out,
                struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT value FROM written_back WHERE source_id = :source "
	                                                "AND account_id = :account AND field = :field");
	int rc;

	bind_int(q, ":source", source);
	bind_int(q, ":account", account);
	bind_text(q, ":field", field);
	rc = stmt_step(q, err);
	if (rc == 1)
		*out = col_text_in(q, 0, a);
	return rc;
}

int written_put(struct db *db, int64_t source, int64_t account, const char *field, const char *value, int64_t now,
                struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO written_back (source_id, account_id, field, value, written_at) "
	               "VALUES (:source, :account, :field, :value, :now) ON CONFLICT (source_id, account_id, field) "
	               "DO UPDATE SET value = excluded.value, written_at = excluded.written_at");

	bind_int(q, ":source", source);
	bind_int(q, ":account", account);
	bind_text(q, ":field", field);
	bind_text(q, ":value", value);
	bind_instant(q, ":now", now);
	return stmt_run(q, err);
}

#include "store/overrides.h"

#include "common/clock.h"

#include "scored_days.h"

int override_clear(struct db *db, int64_t account, const char *engine, int32_t day, int64_t at, const char *who,
                   struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"UPDATE band_override SET cleared_on = :day, cleared_at = :at, cleared_by = :who"
		" WHERE account_id IN (SELECT id FROM account WHERE coalesce(main_id, id) = :account)"
		" AND (:engine IS NULL OR engine = :engine) AND cleared_on IS NULL AND until_on > :day RETURNING id");
	int rc, n = 0;

	bind_int(q, ":account", account);
	bind_text(q, ":engine", engine);
	bind_day(q, ":day", day);
	bind_instant(q, ":at", at);
	bind_text(q, ":who", who);
	while ((rc = stmt_step(q, err)) > 0)
		n++;
	return rc < 0 ? err_in(err, "override of account %lld", (long long)account) : n;
}

int override_put(struct db *db, const struct override_row *o, int64_t at, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO band_override (account_id, engine, band, who, reason, made_on, made_at, until_on)"
		" VALUES (:account, :engine, :band, :who, :reason, :day, :at, :until)");

	if (override_clear(db, o->account, o->engine, o->made_on, at, o->who, err) < 0)
		return -1;
	bind_int(q, ":account", o->account);
	bind_text(q, ":engine", o->engine);
	bind_int(q, ":band", o->band);
	bind_text(q, ":who", o->who);
	bind_text(q, ":reason", o->reason);
	bind_day(q, ":day", o->made_on);
	bind_instant(q, ":at", at);
	bind_day(q, ":until", o->until_on);
	return stmt_run(q, err) < 0 ? err_in(err, "override of account %lld", (long long)o->account) : 0;
}

static struct override_row read_row(struct stmt *q, struct arena *a)
{
	return (struct override_row){
		.id = col_int(q, 0), .account = col_int(q, 1), .account_name = col_text_in(q, 2, a),
		.account_key = col_text_in(q, 3, a), .engine = col_text_in(q, 4, a), .band = (int)col_int(q, 5),
		.who = col_text_in(q, 6, a), .reason = col_text_in(q, 7, a), .made_on = col_day(q, 8),
		.until_on = col_day(q, 9), .cleared_on = col_day(q, 10), .cleared_by = col_text_in(q, 11, a),
		.computed_band = col_is_null(q, 12) ? -1 : (int)col_int(q, 12), .has_held = col_int(q, 13) != 0,
		.owner_email = col_text_in(q, 14, a),
	};
}

int overrides_list(struct db *db, int32_t day, bool all, struct arena *a, struct override_row **out, size_t *out_n,
                   struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"WITH last AS (SELECT " LAST_SCORED("0", ":day + 1") " AS day)"
		" SELECT o.id, m.id, m.name, m.source_key, o.engine, o.band, o.who, o.reason, o.made_on, o.until_on,"
		" o.cleared_on, o.cleared_by,"
		" (SELECT CASE o.engine WHEN 'defense' THEN s.risk_band ELSE s.readiness_band END FROM last CROSS JOIN scores s"
		"  WHERE s.day = last.day AND s.account_id = m.id),"
		" EXISTS (SELECT 1 FROM score_held h, last WHERE h.day = last.day AND h.account_id = m.id"
		"  AND h.engine = o.engine),"
		" lower(coalesce(CASE o.engine WHEN 'defense' THEN coalesce(nullif(m.csm_email, ''), m.am_email)"
		"  ELSE coalesce(nullif(m.am_email, ''), m.csm_email) END, ''))"
		" FROM band_override o JOIN account a ON a.id = o.account_id JOIN account m ON m.id = coalesce(a.main_id, a.id)"
		" WHERE o.made_on <= :day AND (:all OR (o.until_on > :day AND (o.cleared_on IS NULL OR o.cleared_on > :day)))"
		" ORDER BY m.id, o.engine, o.id");
	struct override_row *rows = NULL;
	size_t n = 0, room = 0;
	int rc;

	bind_day(q, ":day", day);
	bind_int(q, ":all", all);
	while ((rc = stmt_step(q, err)) > 0) {
		if (n == room) {
			room = room ? 2 * room : 16;
			rows = arena_grow(a, rows, n, room, sizeof *rows);
		}
		rows[n++] = read_row(q, a);
	}
	if (rc < 0)
		return err_in(err, "overrides");
	*out = rows;
	*out_n = n;
	return 0;
}

int score_hold(struct db *db, int64_t account, int32_t day, const char *engine, int band, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO score_held (day, account_id, engine, band) VALUES (:day, :account, :engine, :band)");

	bind_day(q, ":day", day);
	bind_int(q, ":account", account);
	bind_text(q, ":engine", engine);
	bind_int(q, ":band", band);
	return stmt_run(q, err) < 0 ? err_in(err, "score of account %lld", (long long)account) : 0;
}

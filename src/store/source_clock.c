#include "store/source_clock.h"

int source_clock_note(struct db *db, int64_t source, int64_t answered_at, int64_t boot_ms, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "INSERT INTO source_clock SELECT id, :at, :boot FROM source WHERE id = :source "
	                            "ON CONFLICT (source_id) DO UPDATE SET answered_at = excluded.answered_at, "
	                            "boot_ms = excluded.boot_ms");

	bind_int(q, ":source", source);
	bind_instant(q, ":at", answered_at);
	bind_int(q, ":boot", boot_ms);
	return stmt_run(q, err) < 0 ? err_in(err, "keep a source's clock") : 0;
}

int source_clock_forget(struct db *db, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM source_clock");

	return stmt_run(q, err) < 0 ? err_in(err, "forget the sources' clocks") : 0;
}

int source_clock_ahead(struct db *db, int64_t now, int64_t boot_ms, int64_t *out_s, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT :now - answered_at - (:boot - boot_ms) / 1000 AS ahead_s FROM source_clock "
	                            "ORDER BY abs(ahead_s), source_id LIMIT 1");
	int rc;

	bind_instant(q, ":now", now);
	bind_int(q, ":boot", boot_ms);
	rc = stmt_step(q, err);
	if (rc < 0)
		return err_in(err, "read the sources' clocks");
	if (rc > 0)
		*out_s = col_int(q, 0);
	return rc;
}

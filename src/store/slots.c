#include "store/slots.h"

#include "common/clock.h"

/* All rows of a statement whose columns are owner, day, due, state, reason. */
static int read_rows(struct stmt *q, struct arena *a, const struct slot_row **out, size_t *out_n, struct err *err)
{
	struct slot_row *rows = NULL;
	size_t n = 0, room = 0;
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		if (n == room) {
			room = room == 0 ? 64 : room * 2;
			rows = arena_grow(a, rows, n, room, sizeof *rows);
		}
		rows[n++] = (struct slot_row){ .owner_email = col_text_in(q, 0, a),
			                       .local_on = col_day(q, 1),
			                       .due_at = col_instant(q, 2),
			                       .state = col_text_in(q, 3, a),
			                       .reason = col_text_in(q, 4, a) };
	}
	if (rc < 0)
		return err_in(err, "read slots");
	*out = rows;
	*out_n = n;
	return 0;
}

int slots_pending(struct db *db, struct arena *a, const struct slot_row **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT owner_email, local_on, due_at, state, reason FROM slot "
	                                                "WHERE state = 'pending' ORDER BY owner_email, local_on");

	return read_rows(q, a, out, out_n, err);
}

int slots_latest(struct db *db, struct arena *a, const struct slot_row **out, size_t *out_n, struct err *err)
{
	/* From owner to owner by the key: grouped, it would read every day that ever was, at each look. */
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"WITH RECURSIVE o(email) AS (SELECT min(owner_email) FROM slot UNION ALL"
		" SELECT (SELECT min(owner_email) FROM slot WHERE owner_email > o.email) FROM o WHERE o.email IS NOT NULL)"
		" SELECT email, (SELECT max(local_on) FROM slot WHERE owner_email = email), NULL, NULL, NULL FROM o"
		" WHERE email IS NOT NULL ORDER BY email");

	return read_rows(q, a, out, out_n, err);
}

int slots_open(struct db *db, const char *owner_email, int32_t local_on, int64_t due_at, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "INSERT INTO slot (owner_email, local_on, due_at, state) "
	                                                "VALUES (:owner, :day, :due, 'pending') ON CONFLICT DO NOTHING");

	bind_text(q, ":owner", owner_email);
	bind_day(q, ":day", local_on);
	bind_instant(q, ":due", due_at);
	if (stmt_run(q, err) < 0)
		return err_in(err, "open slot");
	return db_changes(db) > 0;
}

int slots_settle(struct db *db, const struct slot_row *row, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "INSERT INTO slot (owner_email, local_on, due_at, state, reason, settled_at) "
				    "VALUES (:owner, :day, :due, :state, :reason, :now) "
				    "ON CONFLICT (owner_email, local_on) DO UPDATE SET state = excluded.state, "
				    "reason = excluded.reason, settled_at = excluded.settled_at "
				    "WHERE slot.state = 'pending'");

	bind_text(q, ":owner", row->owner_email);
	bind_day(q, ":day", row->local_on);
	bind_instant(q, ":due", row->due_at);
	bind_text(q, ":state", row->state);
	bind_text(q, ":reason", row->reason);
	bind_instant(q, ":now", now);
	return stmt_run(q, err) < 0 ? err_in(err, "settle slot") : 0;
}

int schedule_state_load(struct db *db, struct schedule_state *out, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT tick_at, is_synchronised, sync_started_at, sync_ok_started_at "
				    "FROM schedule_state WHERE id = 1");
	int rc = stmt_step(q, err);

	if (rc < 0)
		return err_in(err, "read the state of the schedule");
	*out = (struct schedule_state){ INSTANT_NONE, false, INSTANT_NONE, INSTANT_NONE };
	if (rc == 0)
		return 0;
	out->tick_at = col_instant(q, 0);
	out->is_synchronised = col_int(q, 1) != 0;
	out->sync_started_at = col_instant(q, 2);
	out->sync_ok_started_at = col_instant(q, 3);
	return 1;
}

int schedule_pulled_at(struct db *db, int64_t *out, struct err *err)
{
	return db_int(db, "SELECT max(last_ok_at) FROM source WHERE last_ok_at IS NOT NULL HAVING count(*) > 0",
		      INSTANT_NONE, out, err);
}

int schedule_state_save(struct db *db, const struct schedule_state *s, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "INSERT INTO schedule_state VALUES (1, :tick, :synchronised, :started, :ok) "
				    "ON CONFLICT (id) DO UPDATE SET tick_at = excluded.tick_at, "
				    "is_synchronised = excluded.is_synchronised, "
				    "sync_started_at = excluded.sync_started_at, "
				    "sync_ok_started_at = excluded.sync_ok_started_at");

	bind_instant(q, ":tick", s->tick_at);
	bind_int(q, ":synchronised", s->is_synchronised);
	bind_instant(q, ":started", s->sync_started_at);
	bind_instant(q, ":ok", s->sync_ok_started_at);
	return stmt_run(q, err) < 0 ? err_in(err, "keep the state of the schedule") : 0;
}

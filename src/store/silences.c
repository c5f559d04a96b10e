#include "store/silences.h"

#include <string.h>

#include "common/clock.h"

int silence_put(struct db *db, const struct silence *s, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO silence (owner_email, said_at, until_on, reason) VALUES (:owner, :at, :until, :reason)"
		" ON CONFLICT (owner_email) DO UPDATE SET said_at = excluded.said_at, until_on = excluded.until_on,"
		" reason = excluded.reason");

	bind_text(q, ":owner", s->owner_email);
	bind_int(q, ":at", s->said_at);
	bind_day(q, ":until", s->until_on);
	bind_text(q, ":reason", s->reason);
	return stmt_run(q, err) < 0 ? err_in(err, "silence %s", s->owner_email) : 0;
}

int silence_end(struct db *db, const char *owner_email, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM silence WHERE owner_email = :owner");

	bind_text(q, ":owner", owner_email);
	if (stmt_run(q, err) < 0)
		return err_in(err, "silence %s", owner_email);
	return db_changes(db) > 0;
}

int silences_load(struct db *db, int32_t day, struct arena *a, const struct silence **out, size_t *out_n,
                  struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT owner_email, until_on, reason, said_at FROM silence WHERE until_on > :day ORDER BY owner_email");
	struct silence *rows = NULL;
	size_t n = 0;
	int rc;

	bind_day(q, ":day", day);
	while ((rc = stmt_step(q, err)) > 0) {
		rows = arena_grow(a, rows, n, n + 1, sizeof *rows);
		rows[n++] = (struct silence){ .owner_email = col_text_in(q, 0, a), .until_on = col_day(q, 1),
		                              .reason = col_text_in(q, 2, a), .said_at = col_int(q, 3) };
	}
	if (rc < 0)
		return err_in(err, "silences");
	*out = rows;
	*out_n = n;
	return 0;
}

int silence_load(struct db *db, const char *owner_email, int32_t day, struct arena *a, struct silence *out,
                 struct err *err)
{
	const struct silence *rows;
	size_t n;

	if (silences_load(db, day, a, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].owner_email, owner_email) == 0) {
			*out = rows[i];
			return 1;
		}
	return 0;
}

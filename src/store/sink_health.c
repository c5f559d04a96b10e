#include "store/sink_health.h"

#include "common/attr.h"
#include "common/clock.h"
#include "store/alerts.h"
#include "store/outbox.h"

enum { MOST_FAILURES = 5, TELL_AFTER_S = 15 * 60 };

/* Of five minutes at most, so that a sink that is back is noticed well within ten (reliability D4). */
static int64_t hold_s(int64_t n_failures)
{
	static const int64_t holds_s[] = { 5, 30, 120, 300 };
	int64_t n = n_failures - MOST_FAILURES, last = (int64_t)ARRAY_LEN(holds_s) - 1;

	return holds_s[n < last ? n : last];
}

static int count_failure(struct db *db, const char *sink, int64_t now, int64_t *out_n, int64_t *out_since,
                         struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *put = db_sql(db,
		"INSERT INTO sink_state (sink, n_failures, failing_since_at) VALUES (:sink, 1, :now)"
		" ON CONFLICT (sink) DO UPDATE SET n_failures = n_failures + 1,"
		" failing_since_at = coalesce(failing_since_at, :now)");
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT n_failures, failing_since_at FROM sink_state WHERE sink = :sink");

	bind_text(put, ":sink", sink);
	bind_int(put, ":now", now);
	bind_text(q, ":sink", sink);
	if (stmt_run(put, err) < 0 || stmt_step(q, err) < 0)
		return -1;
	*out_n = col_int(q, 0);
	*out_since = col_int(q, 1);
	return 0;
}

static int tell_failing(struct db *db, const char *sink, const char *reason, int64_t since, int64_t now,
                        struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	return alert_put(db, arena_printf(a, "failing/%s/%lld", sink, (long long)since), sink,
	                 arena_printf(a, "Nothing has got through over %s since %s: %s. It goes on being tried.", sink,
	                              instant_text(a, since), reason ? reason : "no reason"), now, err);
}

int sink_failed(struct db *db, const char *sink, const char *reason, int64_t now, struct err *err)
{
	int64_t n, since;

	if (count_failure(db, sink, now, &n, &since, err) < 0)
		return err_in(err, "sink %s", sink);
	if (n >= MOST_FAILURES && sink_hold(db, sink, now + hold_s(n), err) < 0)
		return -1;
	return now - since >= TELL_AFTER_S ? tell_failing(db, sink, reason, since, now, err) : 0;
}

/* What failed only because of the sink. What it asked for itself (429, a mail server's 4yz) it waits for. */
static int release(struct db *db, const char *sink, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"UPDATE outbox SET next_at = :now WHERE state IN ('pending', 'ambiguous') AND sink = :sink"
		" AND next_at > :now AND next_at < expires_at AND EXISTS (SELECT 1 FROM delivery r"
		"  WHERE r.outbox_id = outbox.id AND r.attempt = outbox.n_attempts AND (r.status IS NULL OR r.status >= 500))");

	bind_text(q, ":sink", sink);
	bind_int(q, ":now", now);
	return stmt_run(q, err);
}

int sink_answered(struct db *db, const char *sink, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT n_failures FROM sink_state WHERE sink = :sink AND n_failures > 0");
	CLEANUP(stmt_donep) struct stmt *clear = db_sql(db,
		"UPDATE sink_state SET n_failures = 0, failing_since_at = NULL WHERE sink = :sink");
	int rc;

	bind_text(q, ":sink", sink);
	if ((rc = stmt_step(q, err)) <= 0)
		return rc < 0 ? err_in(err, "sink %s", sink) : 0;
	bind_text(clear, ":sink", sink);
	if (stmt_run(clear, err) < 0 || (col_int(q, 0) >= MOST_FAILURES && release(db, sink, now, err) < 0))
		return err_in(err, "sink %s", sink);
	return 0;
}

int sink_last_used(struct db *db, const char *sink, int64_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT max(r.started_at) FROM delivery r JOIN outbox o ON o.id = r.outbox_id"
		" WHERE o.sink = :sink AND r.id > (SELECT max(id) - 1000 FROM delivery)");

	bind_text(q, ":sink", sink);
	if (stmt_step(q, err) < 0)
		return err_in(err, "sink %s", sink);
	*out = col_instant(q, 0);
	return 0;
}

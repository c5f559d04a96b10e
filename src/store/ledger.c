#include "store/ledger.h"

#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "store/alerts.h"
#include "store/outbox.h"

enum { RETRY_LIFE_S = 20 * 3600, OVERDUE_S = 3600, KEPT_DAYS = 400 /* what was told, and looked over */ };

#define ROW_COLUMNS \
	"o.id, d.owner_email, d.kind, d.local_on, o.sink, o.kind, o.recipient, o.part, o.n_attempts, o.state, o.reason," \
	" o.provider_ref, o.delivery_key, o.body_sha256, o.next_at, o.expires_at, o.settled_at"

static struct ledger_row read_row(struct stmt *q, struct arena *a)
{
	return (struct ledger_row){
		.id = col_int(q, 0), .owner_email = col_text_in(q, 1, a), .digest_kind = col_text_in(q, 2, a),
		.local_on = col_day(q, 3), .sink = col_text_in(q, 4, a), .kind = col_text_in(q, 5, a),
		.recipient = col_text_in(q, 6, a), .part = (int)col_int(q, 7), .n_attempts = (int)col_int(q, 8),
		.state = col_text_in(q, 9, a), .reason = col_text_in(q, 10, a), .provider_ref = col_text_in(q, 11, a),
		.delivery_key = col_text_in(q, 12, a), .body_sha256 = col_text_in(q, 13, a), .next_at = col_int(q, 14),
		.expires_at = col_int(q, 15), .settled_at = col_instant(q, 16),
	};
}

int ledger_list(struct db *db, const char *state, int64_t limit, struct arena *a, const struct ledger_row **out,
                size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT " ROW_COLUMNS " FROM outbox o JOIN digest d ON d.id = o.digest_id"
		" WHERE :state IS NULL OR o.state = :state ORDER BY o.id DESC LIMIT :limit");
	struct ledger_row *rows = NULL;
	size_t n = 0, room = 0;
	int rc;

	bind_text(q, ":state", state);
	bind_int(q, ":limit", limit);
	while ((rc = stmt_step(q, err)) > 0) {
		if (n == room) {
			room = room ? 2 * room : 64;
			rows = arena_grow(a, rows, n, room, sizeof *rows);
		}
		rows[n++] = read_row(q, a);
	}
	if (rc < 0)
		return err_in(err, "list deliveries");
	*out = rows;
	*out_n = n;
	return 0;
}

int ledger_load(struct db *db, int64_t id, struct arena *a, struct ledger_row *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT " ROW_COLUMNS " FROM outbox o JOIN digest d ON d.id = o.digest_id WHERE o.id = :id");
	int rc;

	bind_int(q, ":id", id);
	if ((rc = stmt_step(q, err)) < 0)
		return err_in(err, "delivery %lld", (long long)id);
	if (rc > 0)
		*out = read_row(q, a);
	return rc;
}

int ledger_attempts(struct db *db, int64_t id, struct arena *a, const struct ledger_attempt **out, size_t *out_n,
                    struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT attempt, status, started_at, ended_at, outcome, detail FROM delivery WHERE outbox_id = :id"
		" ORDER BY id");
	struct ledger_attempt *rows = NULL;
	size_t n = 0;
	int rc;

	bind_int(q, ":id", id);
	while ((rc = stmt_step(q, err)) > 0) {
		rows = arena_grow(a, rows, n, n + 1, sizeof *rows);
		rows[n++] = (struct ledger_attempt){ .attempt = (int)col_int(q, 0), .status = (int)col_int(q, 1),
		                                     .started_at = col_int(q, 2), .ended_at = col_instant(q, 3),
		                                     .outcome = col_text_in(q, 4, a), .detail = col_text_in(q, 5, a) };
	}
	if (rc < 0)
		return err_in(err, "delivery %lld", (long long)id);
	*out = rows;
	*out_n = n;
	return 0;
}

static int queue_again(struct db *db, int64_t id, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"UPDATE outbox SET state = 'pending', next_at = :now, settled_at = NULL, reason = NULL,"
		" expires_at = CASE WHEN expires_at < :expires_at THEN :expires_at ELSE expires_at END WHERE id = :id");

	bind_int(q, ":id", id);
	bind_int(q, ":now", now);
	bind_int(q, ":expires_at", now + RETRY_LIFE_S);
	return stmt_run(q, err);
}

int ledger_retry(struct db *db, int64_t id, bool is_forced, int64_t now, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct ledger_row row;
	int rc;

	if (txn_begin(&txn, db, err) < 0 || (rc = ledger_load(db, id, a, &row, err)) < 0)
		return -1;
	if (rc == 0)
		return 0;
	if (strcmp(row.state, "inflight") == 0)
		return err_set(err, ERR_INPUT, "delivery %lld is in flight", (long long)id);
	if (!is_forced && (strcmp(row.state, "sent") == 0 || strcmp(row.state, "accepted_unverified") == 0))
		return err_set(err, ERR_INPUT, "delivery %lld was sent already; --force sends it again", (long long)id);
	if (queue_again(db, id, now, err) < 0 || sink_enable(db, row.sink, err) < 0 || txn_commit(&txn, err) < 0)
		return err_in(err, "retry delivery %lld", (long long)id);
	return 1;
}

static int end_as_cancelled(struct db *db, int64_t id, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"UPDATE outbox SET state = 'dead', settled_at = :now, reason = 'cancelled' WHERE id = :id");

	bind_int(q, ":id", id);
	bind_int(q, ":now", now);
	return stmt_run(q, err);
}

int ledger_cancel(struct db *db, int64_t id, int64_t now, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct ledger_row row;
	int rc;

	if (txn_begin(&txn, db, err) < 0 || (rc = ledger_load(db, id, a, &row, err)) < 0)
		return -1;
	if (rc == 0)
		return 0;
	if (strcmp(row.state, "pending") != 0 && strcmp(row.state, "ambiguous") != 0)
		return err_set(err, ERR_INPUT, "delivery %lld is %s: nothing to cancel", (long long)id, row.state);
	if (end_as_cancelled(db, id, now, err) < 0 || txn_commit(&txn, err) < 0)
		return err_in(err, "cancel delivery %lld", (long long)id);
	return 1;
}

/* A digest with nothing to say has no message unless its owner wants one. */
static bool is_quiet(const char *content)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct json *j;
	struct err ignored;
	bool quiet = false;

	return content && json_parse(a, content, strlen(content), &j, &ignored) == 0 &&
	       json_bool(json_at(j, "data.is_quiet"), &quiet) && quiet;
}

/* Adds what a statement gives: problem, owner, kind, day, sink, reason, message, content of a digest without any. */
static int add_gaps(struct stmt *q, struct arena *a, struct ledger_gap **gaps, size_t *n, struct err *err)
{
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		if (is_quiet(col_text(q, 7)))
			continue;
		*gaps = arena_grow(a, *gaps, *n, *n + 1, sizeof **gaps);
		(*gaps)[(*n)++] = (struct ledger_gap){ .problem = col_text_in(q, 0, a), .owner_email = col_text_in(q, 1, a),
		                                       .digest_kind = col_text_in(q, 2, a), .local_on = col_day(q, 3),
		                                       .sink = col_text_in(q, 4, a), .reason = col_text_in(q, 5, a),
		                                       .outbox_id = col_int(q, 6) };
	}
	return rc;
}

static void bind_span(struct stmt *q, int32_t since_on, int32_t until_on, int64_t now)
{
	bind_day(q, ":since", since_on);
	bind_day(q, ":until", until_on);
	bind_int(q, ":overdue", now - OVERDUE_S);
}

int ledger_audit(struct db *db, int32_t since_on, int32_t until_on, int64_t now, struct arena *a,
                 const struct ledger_gap **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *slots = db_sql(db,
		"SELECT CASE s.state WHEN 'missed' THEN 'missed' WHEN 'pending' THEN 'overdue' ELSE 'no digest' END,"
		" s.owner_email, NULL, s.local_on, NULL, s.reason, 0, NULL"
		" FROM slot s WHERE s.local_on BETWEEN :since AND :until"
		" AND ((s.state = 'missed' AND coalesce(s.reason, '') NOT IN ('silenced', 'not_scheduled', 'owner_removed'))"
		"  OR (s.state = 'pending' AND s.due_at < :overdue)"
		"  OR (s.state = 'done' AND NOT EXISTS (SELECT 1 FROM digest d WHERE d.owner_email = s.owner_email"
		"   AND d.local_on = s.local_on)))"
		" ORDER BY s.local_on, s.owner_email");
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT CASE WHEN o.id IS NULL THEN 'no delivery' WHEN o.state = 'dead' THEN 'not delivered'"
		"  ELSE 'overdue' END,"
		" d.owner_email, d.kind, d.local_on, o.sink, o.reason, coalesce(o.id, 0),"
		" CASE WHEN o.id IS NULL THEN d.content END"
		" FROM digest d LEFT JOIN outbox o ON o.digest_id = d.id"
		" WHERE d.local_on BETWEEN :since AND :until"
		" AND (o.id IS NULL OR (o.state = 'dead' AND o.reason IS NOT 'cancelled')"
		"  OR (o.state IN ('pending', 'inflight', 'ambiguous') AND d.made_at < :overdue))"
		" ORDER BY d.local_on, d.owner_email, d.kind, o.sink, o.part");
	struct ledger_gap *gaps = NULL;
	size_t n = 0;

	bind_span(slots, since_on, until_on, now);
	bind_span(q, since_on, until_on, now);
	if (add_gaps(slots, a, &gaps, &n, err) < 0 || add_gaps(q, a, &gaps, &n, err) < 0)
		return err_in(err, "audit");
	*out = gaps;
	*out_n = n;
	return 0;
}

static int forget(struct db *db, int32_t before_on, int64_t before_at, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM looked_over WHERE local_on < :before");

	bind_day(q, ":before", before_on);
	return stmt_run(q, err) < 0 || alerts_forget(db, before_at, err) < 0 ? -1 : 0;
}

int ledger_looked_over(struct db *db, int32_t local_on, size_t n_gaps, bool is_pinged, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO looked_over (local_on, n_gaps, at, pinged_at) VALUES (:day, :n, :now, :pinged)"
		" ON CONFLICT (local_on) DO UPDATE SET n_gaps = excluded.n_gaps, at = excluded.at,"
		" pinged_at = coalesce(excluded.pinged_at, pinged_at)");

	bind_day(q, ":day", local_on);
	bind_int(q, ":n", (int64_t)n_gaps);
	bind_int(q, ":now", now);
	bind_instant(q, ":pinged", is_pinged ? now : INSTANT_NONE);
	if (stmt_run(q, err) < 0 || forget(db, local_on - KEPT_DAYS, now - KEPT_DAYS * (int64_t)86400, err) < 0)
		return err_in(err, "audit");
	return 0;
}

int ledger_last_looked_over(struct db *db, int32_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT max(local_on) FROM looked_over");

	if (stmt_step(q, err) < 0)
		return err_in(err, "audit");
	*out = col_day(q, 0);
	return 0;
}

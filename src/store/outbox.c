#include "store/outbox.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/sha256.h"
#include "store/addresses.h"
#include "store/alerts.h"

/* No schedule and no sink asks for more. */
enum { LONGEST_WAIT_S = 6 * 3600 };

const char *outbox_key(struct arena *a, const char *org, const char *owner_email, int32_t local_on,
                       const char *digest_kind, const char *sink, int part)
{
	char tail[32];
	struct sha256 s;
	uint8_t sum[SHA256_BYTES];
	const char *parts[] = { org, owner_email, digest_kind, sink };

	sha256_init(&s);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) /* the NUL goes in: no two lists give the same bytes */
		sha256_add(&s, parts[i], strlen(parts[i]) + 1);
	snprintf(tail, sizeof tail, "%d/%d", local_on, part);
	sha256_add(&s, tail, strlen(tail));
	sha256_end(&s, sum);
	return hex_text(a, sum, sizeof sum);
}

int outbox_put(struct db *db, const struct outbox_message *m, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO outbox (digest_id, sink, kind, recipient, delivery_key, part, body, body_sha256, content_type,"
		" fallback, state, next_at, expires_at)"
		" VALUES (:digest, :sink, :kind, :recipient, :key, :part, :body, :sha256, :type,"
		" :fallback, 'pending', :next_at, :expires_at)"
		" ON CONFLICT (delivery_key) DO NOTHING");

	bind_int(q, ":digest", m->digest_id);
	bind_text(q, ":sink", m->sink);
	bind_text(q, ":kind", m->kind);
	bind_text(q, ":recipient", m->recipient);
	bind_text(q, ":key", m->delivery_key);
	bind_int(q, ":part", m->part);
	bind_blob(q, ":body", m->body, m->body_len);
	bind_text(q, ":sha256", sha256_hex(a, m->body, m->body_len));
	bind_text(q, ":type", m->content_type);
	if (m->fallback)
		bind_blob(q, ":fallback", m->fallback, m->fallback_len);
	else
		bind_null(q, ":fallback");
	bind_int(q, ":next_at", m->next_at);
	bind_int(q, ":expires_at", m->expires_at);
	if (stmt_run(q, err) < 0)
		return err_in(err, "outbox %s", m->sink);
	return db_changes(db) > 0;
}

int outbox_open_sinks(struct db *db, struct arena *a, const char *const **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT DISTINCT sink FROM outbox WHERE state IN ('pending', 'inflight', 'ambiguous') ORDER BY sink");
	const char **names = NULL;
	size_t n = 0;
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		names = arena_grow(a, names, n, n + 1, sizeof *names);
		names[n++] = col_text_in(q, 0, a);
	}
	if (rc < 0)
		return err_in(err, "outbox");
	*out = names;
	*out_n = n;
	return 0;
}

/* The one to go next: in order of days, then of parts. A digest whose successor has gone there, or may have, stays.
 * With thousands waiting, what is the same for all of them is asked once (:sink, not o.sink), and no body is sorted. */
static int next_message(struct db *db, const char *sink, bool resends, int64_t now, struct arena *a,
                        struct outbox_message *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT o.id, o.digest_id, o.kind, o.recipient, o.delivery_key, o.part, o.body, o.content_type, o.fallback,"
		" o.next_at, o.expires_at, o.n_attempts, o.state,"
		" EXISTS (SELECT 1 FROM delivery r WHERE r.outbox_id = o.id AND r.outcome = 'refused'),"
		" (SELECT f.provider_ref FROM outbox f WHERE f.digest_id = o.digest_id AND f.sink = o.sink AND f.part = 1"
		"  AND f.part < o.part AND f.state IN ('sent', 'accepted_unverified')),"
		" (SELECT c.address FROM channel_address c WHERE c.sink = o.sink AND c.recipient = o.recipient)"
		" FROM outbox o WHERE o.id = (SELECT o.id"
		" FROM outbox o JOIN digest d ON d.id = o.digest_id"
		" WHERE o.state IN ('pending', 'inflight', 'ambiguous') AND o.sink = :sink AND o.next_at <= :now"
		" AND o.expires_at > :now AND (o.state = 'pending' OR (o.state = 'ambiguous' AND :resends))"
		" AND NOT EXISTS (SELECT 1 FROM outbox f WHERE f.state IN ('pending', 'inflight', 'ambiguous')"
		"  AND f.state = 'inflight' AND f.sink = :sink)"
		" AND NOT EXISTS (SELECT 1 FROM sink_state s WHERE s.sink = :sink"
		"  AND (s.is_disabled <> 0 OR coalesce(s.not_before_at, 0) > :now))"
		" AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.digest_id = o.digest_id AND p.sink = o.sink"
		"  AND p.part < o.part AND p.state IN ('pending', 'inflight', 'ambiguous'))"
		" AND NOT EXISTS (SELECT 1 FROM digest e JOIN outbox n ON n.digest_id = e.id AND n.sink = o.sink"
		"  WHERE e.owner_email = d.owner_email AND e.kind = d.kind AND e.local_on > d.local_on"
		"  AND n.state IN ('inflight', 'sent', 'accepted_unverified', 'ambiguous'))"
		/* Replies stand in their own thread whenever they come: everybody's first message goes before them. */
		" ORDER BY d.local_on, CASE o.kind WHEN 'slack_api' THEN o.part END, o.next_at, o.id LIMIT 1)");
	int rc;

	bind_text(q, ":sink", sink);
	bind_int(q, ":resends", resends);
	bind_int(q, ":now", now);
	if ((rc = stmt_step(q, err)) <= 0)
		return rc;
	*out = (struct outbox_message){ .id = col_int(q, 0), .digest_id = col_int(q, 1), .sink = arena_strdup(a, sink),
	                                .kind = col_text_in(q, 2, a), .recipient = col_text_in(q, 3, a),
	                                .delivery_key = col_text_in(q, 4, a), .part = (int)col_int(q, 5),
	                                .content_type = col_text_in(q, 7, a), .next_at = col_int(q, 9),
	                                .expires_at = col_int(q, 10), .n_attempts = (int)col_int(q, 11) + 1,
	                                .first_ref = col_text_in(q, 14, a), .address = col_text_in(q, 15, a),
	                                .uses_fallback = col_int(q, 13) != 0 };
	out->body = col_blob(q, 6, &out->body_len);
	out->body = arena_memdup(a, out->body, out->body_len);
	out->fallback = col_blob(q, 8, &out->fallback_len);
	out->fallback = out->fallback ? arena_memdup(a, out->fallback, out->fallback_len) : NULL;
	return 1;
}

/* Since when it may have arrived, by the attempts after the last that surely did. */
static int load_doubt(struct db *db, struct outbox_message *m, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT min(r.started_at), (SELECT l.started_at FROM delivery l WHERE l.outbox_id = :id"
		"  AND l.outcome = 'ambiguous' ORDER BY l.attempt DESC LIMIT 1)"
		" FROM delivery r WHERE r.outbox_id = :id AND r.outcome = 'ambiguous' AND r.attempt >"
		"  (SELECT coalesce(max(s.attempt), 0) FROM delivery s WHERE s.outbox_id = :id"
		"   AND s.outcome IN ('sent', 'unverified'))");

	bind_int(q, ":id", m->id);
	if (stmt_step(q, err) < 0)
		return -1;
	m->was_ambiguous = !col_is_null(q, 0);
	m->unsure_since_at = col_instant(q, 0);
	m->unsure_last_at = col_instant(q, 1);
	return 0;
}

static int begin_attempt(struct db *db, struct outbox_message *m, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *update = db_sql(db,
		"UPDATE outbox SET state = 'inflight', n_attempts = :attempt WHERE id = :id");
	CLEANUP(stmt_donep) struct stmt *insert = db_sql(db,
		"INSERT INTO delivery (outbox_id, attempt, started_at) VALUES (:id, :attempt, :now)");

	bind_int(update, ":id", m->id);
	bind_int(update, ":attempt", m->n_attempts);
	bind_int(insert, ":id", m->id);
	bind_int(insert, ":attempt", m->n_attempts);
	bind_int(insert, ":now", now);
	if (stmt_run(update, err) < 0 || stmt_run(insert, err) < 0)
		return -1;
	m->delivery_id = db_last_id(db);
	return 0;
}

int outbox_claim(struct db *db, const char *sink, bool resends, int64_t now, struct arena *a,
                 struct outbox_message *out, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct outbox_message m;
	int rc;

	if (txn_begin(&txn, db, err) < 0 || (rc = next_message(db, sink, resends, now, a, &m, err)) < 0)
		return err_in(err, "outbox %s", sink);
	if (rc == 0)
		return 0;
	if (load_doubt(db, &m, err) < 0 || begin_attempt(db, &m, now, err) < 0 || txn_commit(&txn, err) < 0)
		return err_in(err, "outbox %s", sink);
	*out = m;
	return 1;
}

static const struct {
	const char *outcome, *state;
	bool is_open;
} outcomes[] = {
	[DELIVERY_SENT] = { "sent", "sent", false },
	[DELIVERY_UNVERIFIED] = { "unverified", "accepted_unverified", false },
	[DELIVERY_RETRY] = { "retry", "pending", true },
	[DELIVERY_REFUSED] = { "refused", "pending", true },
	[DELIVERY_DEAD] = { "dead", "dead", false },
	[DELIVERY_AMBIGUOUS] = { "ambiguous", "ambiguous", true },
};

static int settle_attempt(struct db *db, const struct outbox_message *m, const struct delivery_result *r, int64_t now,
                          struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"UPDATE delivery SET ended_at = :now, outcome = :outcome, status = :status, detail = :detail WHERE id = :id");

	bind_int(q, ":now", now);
	bind_text(q, ":outcome", outcomes[r->outcome].outcome);
	if (r->status)
		bind_int(q, ":status", r->status);
	else
		bind_null(q, ":status");
	bind_text(q, ":detail", r->detail);
	bind_int(q, ":id", m->delivery_id);
	return stmt_run(q, err);
}

static int settle_message(struct db *db, const struct outbox_message *m, const struct delivery_result *r,
                          const char *state, const char *reason, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"UPDATE outbox SET state = :state, next_at = :next_at, settled_at = :settled_at, reason = :reason,"
		" provider_ref = coalesce(:ref, provider_ref) WHERE id = :id AND state = 'inflight'");
	bool is_open = strcmp(state, "pending") == 0 || strcmp(state, "ambiguous") == 0;

	bind_text(q, ":state", state);
	bind_int(q, ":next_at", is_open ? r->retry_at : m->next_at);
	bind_instant(q, ":settled_at", is_open ? INSTANT_NONE : now);
	bind_text(q, ":reason", reason);
	bind_text(q, ":ref", r->provider_ref);
	bind_int(q, ":id", m->id);
	return stmt_run(q, err);
}

static int tell_dead(struct db *db, const struct outbox_message *m, const char *reason, int64_t now, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	return alert_put(db, arena_printf(a, "dead/%lld/%d", (long long)m->id, m->n_attempts), m->sink,
	                 arena_printf(a, "Delivery %lld over %s was not made: %s.", (long long)m->id, m->sink,
	                              reason ? reason : "no reason"), now, err);
}

int outbox_settle(struct db *db, const struct outbox_message *m, const struct delivery_result *r, int64_t now,
                  const char **out_state, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *state = outcomes[r->outcome].state;
	const char *reason = r->outcome == DELIVERY_SENT || r->outcome == DELIVERY_UNVERIFIED ? NULL : r->detail;

	if (r->outcome == DELIVERY_REFUSED && (!m->fallback || m->uses_fallback))
		state = "dead";
	else if (outcomes[r->outcome].is_open && r->retry_at >= m->expires_at) {
		state = "dead";
		reason = arena_printf(a, "expired: %s", r->detail ? r->detail : "not delivered in time");
	}
	if (settle_attempt(db, m, r, now, err) < 0 || settle_message(db, m, r, state, reason, now, err) < 0 ||
	    address_settle(db, m, r, now, err) < 0 ||
	    (strcmp(state, "dead") == 0 && tell_dead(db, m, reason, now, err) < 0))
		return err_in(err, "settle %s", m->sink);
	if (out_state)
		*out_state = state;
	return 0;
}

int64_t outbox_recover(struct db *db, int64_t now, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	CLEANUP(stmt_donep) struct stmt *attempt = db_sql(db,
		"UPDATE delivery SET ended_at = :now, outcome = 'ambiguous', detail = 'the deliverer ended in between'"
		" WHERE outcome IS NULL AND outbox_id IN (SELECT id FROM outbox WHERE state = 'inflight')");
	CLEANUP(stmt_donep) struct stmt *message = db_sql(db,
		"UPDATE outbox SET state = 'ambiguous', next_at = :now, reason = 'the deliverer ended in between'"
		" WHERE state = 'inflight'");
	CLEANUP(stmt_donep) struct stmt *late = db_sql(db,
		"UPDATE outbox SET next_at = :now WHERE state = 'pending' AND next_at > :latest");
	CLEANUP(stmt_donep) struct stmt *held = db_sql(db,
		"UPDATE sink_state SET not_before_at = NULL WHERE not_before_at > :latest");
	int64_t n;

	if (txn_begin(&txn, db, err) < 0)
		return err_in(err, "recover outbox");
	bind_int(attempt, ":now", now);
	bind_int(message, ":now", now);
	if (stmt_run(attempt, err) < 0 || stmt_run(message, err) < 0)
		return err_in(err, "recover outbox");
	n = db_changes(db);
	bind_int(late, ":now", now);
	bind_int(late, ":latest", now + LONGEST_WAIT_S);
	bind_int(held, ":latest", now + LONGEST_WAIT_S);
	if (stmt_run(late, err) < 0 || stmt_run(held, err) < 0 || txn_commit(&txn, err) < 0)
		return err_in(err, "recover outbox");
	return n;
}

int64_t outbox_expire(struct db *db, int64_t now, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	CLEANUP(stmt_donep) struct stmt *expired = db_sql(db,
		"UPDATE outbox SET state = 'dead', settled_at = :now, reason = 'expired' || coalesce(': ' || reason, '')"
		" WHERE state IN ('pending', 'ambiguous') AND expires_at <= :now");
	CLEANUP(stmt_donep) struct stmt *superseded = db_sql(db,
		"UPDATE outbox SET state = 'dead', settled_at = :now, reason = 'superseded by a later digest'"
		" WHERE state IN ('pending', 'ambiguous') AND EXISTS (SELECT 1 FROM digest d"
		"  JOIN digest e ON e.owner_email = d.owner_email AND e.kind = d.kind AND e.local_on > d.local_on"
		"  JOIN outbox n ON n.digest_id = e.id AND n.sink = outbox.sink"
		"   AND n.state IN ('inflight', 'sent', 'accepted_unverified', 'ambiguous')"
		"  WHERE d.id = outbox.digest_id)");
	CLEANUP(stmt_donep) struct stmt *tell = db_sql(db,
		"INSERT INTO alert (topic, sink, text, at, next_at)"
		" SELECT 'dead/' || id || '/' || n_attempts, sink,"
		"  'Delivery ' || id || ' over ' || sink || ' was not made: ' || reason || '.', :now, :now"
		" FROM outbox WHERE state = 'dead' AND settled_at = :now AND (reason LIKE 'expired%' OR reason LIKE 'superseded%')"
		" ON CONFLICT (topic) DO NOTHING");
	int64_t n;

	if (txn_begin(&txn, db, err) < 0)
		return err_in(err, "expire outbox");
	bind_int(expired, ":now", now);
	bind_int(superseded, ":now", now);
	if (stmt_run(expired, err) < 0)
		return err_in(err, "expire outbox");
	n = db_changes(db);
	if (stmt_run(superseded, err) < 0)
		return err_in(err, "expire outbox");
	n += db_changes(db);
	bind_int(tell, ":now", now);
	if ((n && stmt_run(tell, err) < 0) || txn_commit(&txn, err) < 0)
		return err_in(err, "expire outbox");
	return n;
}

int outbox_hold_ambiguous(struct db *db, const char *sink, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"UPDATE outbox SET next_at = expires_at WHERE state = 'ambiguous' AND sink = :sink");
	CLEANUP(stmt_donep) struct stmt *tell = db_sql(db,
		"INSERT INTO alert (topic, sink, text, at, next_at)"
		" SELECT 'held/' || id || '/' || n_attempts, sink, 'Delivery ' || id || ' over ' || sink ||"
		"  ' may have arrived and is not sent again by itself (on_ambiguous: hold): deliveries retry or cancel.', :now, :now"
		" FROM outbox WHERE state = 'ambiguous' AND sink = :sink ON CONFLICT (topic) DO NOTHING");

	bind_text(q, ":sink", sink);
	bind_text(tell, ":sink", sink);
	bind_int(tell, ":now", now);
	return stmt_run(q, err) < 0 || stmt_run(tell, err) < 0 ? err_in(err, "outbox %s", sink) : 0;
}

int outbox_next_due(struct db *db, int64_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT min(CASE WHEN coalesce(s.is_disabled, 0) <> 0 THEN o.expires_at"
		"  WHEN o.next_at < coalesce(s.not_before_at, 0) THEN s.not_before_at ELSE o.next_at END)"
		" FROM outbox o LEFT JOIN sink_state s ON s.sink = o.sink"
		" WHERE o.state IN ('pending', 'inflight', 'ambiguous')");

	if (stmt_step(q, err) < 0)
		return err_in(err, "outbox");
	*out = col_instant(q, 0);
	return 0;
}

int outbox_has_more(struct db *db, bool *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT count(*) FROM outbox o LEFT JOIN sink_state s ON s.sink = o.sink"
		" WHERE o.state IN ('pending', 'inflight', 'ambiguous') AND o.next_at < o.expires_at"
		" AND coalesce(s.is_disabled, 0) = 0");

	if (stmt_step(q, err) < 0)
		return err_in(err, "outbox");
	*out = col_int(q, 0) > 0;
	return 0;
}

int sink_state_load(struct db *db, const char *sink, struct arena *a, struct sink_state *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT is_disabled, reason, since_at, not_before_at FROM sink_state WHERE sink = :sink");
	int rc;

	bind_text(q, ":sink", sink);
	if ((rc = stmt_step(q, err)) < 0)
		return err_in(err, "sink %s", sink);
	*out = (struct sink_state){ .since_at = INSTANT_NONE, .not_before_at = INSTANT_NONE };
	if (rc > 0)
		*out = (struct sink_state){ .is_disabled = col_int(q, 0) != 0, .reason = col_text_in(q, 1, a),
		                            .since_at = col_instant(q, 2), .not_before_at = col_instant(q, 3) };
	return rc;
}

int sink_disable(struct db *db, const char *sink, const char *reason, int64_t now, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO sink_state (sink, is_disabled, reason, since_at) VALUES (:sink, 1, :reason, :now)"
		" ON CONFLICT (sink) DO UPDATE SET is_disabled = 1, reason = excluded.reason, since_at = excluded.since_at");

	bind_text(q, ":sink", sink);
	bind_text(q, ":reason", reason);
	bind_int(q, ":now", now);
	if (stmt_run(q, err) < 0)
		return err_in(err, "disable %s", sink);
	return alert_put(db, arena_printf(a, "disabled/%s/%lld", sink, (long long)now), sink,
	                 arena_printf(a, "The channel %s is switched off until someone retries a delivery over it: %s.",
	                              sink, reason), now, err);
}

int sink_enable(struct db *db, const char *sink, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *was = db_sql(db, "SELECT is_disabled FROM sink_state WHERE sink = :sink");
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"UPDATE sink_state SET is_disabled = 0, reason = NULL, since_at = NULL, not_before_at = NULL,"
		" n_failures = 0, failing_since_at = NULL"
		" WHERE sink = :sink");
	int rc;
	bool was_disabled;

	bind_text(was, ":sink", sink);
	if ((rc = stmt_step(was, err)) < 0)
		return err_in(err, "enable %s", sink);
	was_disabled = rc > 0 && col_int(was, 0) != 0;
	bind_text(q, ":sink", sink);
	return stmt_run(q, err) < 0 ? err_in(err, "enable %s", sink) : was_disabled;
}

int sink_hold(struct db *db, const char *sink, int64_t not_before_at, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO sink_state (sink, not_before_at) VALUES (:sink, :at) ON CONFLICT (sink) DO UPDATE"
		" SET not_before_at = excluded.not_before_at WHERE coalesce(not_before_at, 0) < excluded.not_before_at");

	bind_text(q, ":sink", sink);
	bind_int(q, ":at", not_before_at);
	return stmt_run(q, err) < 0 ? err_in(err, "hold %s", sink) : 0;
}

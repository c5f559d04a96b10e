#include "store/digests.h"

#include <math.h>

#include "finding_row.h"

enum { FIRST_ROOM = 64, MISSED_DAYS = 14 };

int digest_before_load(struct db *db, const char *owner_email, const char *kind, int32_t local_on,
                       struct digest_before *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT d.id, d.local_on, d.as_of_on, d.made_at FROM digest d"
		" WHERE d.owner_email = :owner AND d.kind = :kind AND d.local_on < :local_on"
		" AND EXISTS (SELECT 1 FROM outbox o WHERE o.digest_id = d.id AND o.state IN ('sent', 'accepted_unverified'))"
		" ORDER BY d.local_on DESC LIMIT 1");
	int rc;

	bind_text(q, ":owner", owner_email);
	bind_text(q, ":kind", kind);
	bind_day(q, ":local_on", local_on);
	rc = stmt_step(q, err);
	if (rc < 0)
		return err_in(err, "last digest of %s", owner_email);
	*out = (struct digest_before){ .local_on = DAY_NONE, .as_of_on = DAY_NONE, .made_at = INSTANT_NONE };
	if (rc > 0)
		*out = (struct digest_before){ .id = col_int(q, 0), .local_on = col_day(q, 1), .as_of_on = col_day(q, 2),
		                               .made_at = col_int(q, 3) };
	return rc;
}

static struct digest_finding read_finding(struct stmt *q, const struct digest_before *before, int32_t today,
                                          struct arena *a)
{
	enum { URL = FINDING_N_COLUMNS, IS_NEW, SCORE_BEFORE, BACK_FROM, ANSWERED_ON, IS_DONE, HAS_EXPANDED, IS_DEFENDED,
		HAS_NEW_CAUSE, GIVEN_BY, ASIDE, ASIDE_ON };
	struct digest_finding d = { .f = finding_row(q, a), .account_url = col_text_in(q, URL, a),
		.is_new = col_int(q, IS_NEW) != 0,
		.score_before = col_is_null(q, SCORE_BEFORE) ? (double)NAN : col_real(q, SCORE_BEFORE),
		.back_from = col_text_in(q, BACK_FROM, a), .answered_on = col_day(q, ANSWERED_ON),
		.is_done = col_int(q, IS_DONE) != 0, .has_expanded = col_int(q, HAS_EXPANDED) != 0,
		.is_defended = col_int(q, IS_DEFENDED) != 0, .has_new_cause = col_int(q, HAS_NEW_CAUSE) != 0,
		.given_by = col_text_in(q, GIVEN_BY, a), .told_on = before->as_of_on,
		.aside_before = before->id ? col_text_in(q, ASIDE, a) : NULL, .aside_on = col_day(q, ASIDE_ON) };

	d.priority = finding_priority(&d.f, today);
	return d;
}

#define OPEN_DEFENSE "EXISTS (SELECT 1 FROM finding d WHERE d.account_id = f.account_id AND d.engine = 'defense'" \
	" AND d.closed_on IS NULL)"
/* What had been said last of how it stands when that digest was made. */
#define STOOD_THEN(column) "(SELECT p." column " FROM finding_event p WHERE p.finding_id = f.id AND p.at <= :made_at" \
	" AND p.kind IN ('opened', 'reopened', 'snoozed', 'acknowledged', 'done', 'dismissed', 'resolved', 'lost'," \
	"  'expanded') ORDER BY p.id DESC LIMIT 1)"
/* A finding, and what became of it. */
#define FINDING_TOLD \
	"SELECT " FINDING_COLUMNS ", a.url," \
	" coalesce((SELECT max(e.at) FROM finding_event e WHERE e.finding_id = f.id AND e.kind = 'opened') > :made_at," \
	"  f.opened_on > :as_of) OR EXISTS (SELECT 1 FROM finding_event g WHERE g.finding_id = f.id" \
	"  AND g.kind = 'wrong_owner' AND g.at > :made_at AND NOT EXISTS (SELECT 1 FROM finding_event r" \
	"   WHERE r.finding_id = f.id AND r.kind = 'reopened' AND r.id > g.id)) AS is_new," \
	" coalesce((SELECT i.score FROM digest_item i WHERE i.digest_id = :before AND i.finding_id = f.id)," \
	"  (SELECT CASE f.engine WHEN 'defense' THEN s.risk ELSE s.readiness END FROM scores s" \
	"   WHERE s.account_id = f.account_id AND s.day = :as_of AND :before > 0))," \
	" (SELECT p.kind FROM finding_event p WHERE p.finding_id = f.id" \
	"  AND p.kind IN ('snoozed', 'acknowledged', 'done', 'dismissed', 'resolved', 'lost')" \
	"  AND p.id < (SELECT max(o.id) FROM finding_event o WHERE o.finding_id = f.id AND o.kind = 'opened')" \
	"  ORDER BY p.id DESC LIMIT 1)," \
	" (SELECT max(p.day) FROM finding_event p WHERE p.finding_id = f.id" \
	"  AND p.via IS NOT NULL AND p.kind NOT IN ('wrong_owner', 'reopened') AND p.id > coalesce((SELECT max(o.id)" \
	"   FROM finding_event o WHERE o.finding_id = f.id AND o.kind IN ('opened', 'reopened', 'wrong_owner')), 0))," \
	" EXISTS (SELECT 1 FROM finding_event p WHERE p.finding_id = f.id AND p.kind = 'done' AND p.id > coalesce(" \
	"  (SELECT max(o.id) FROM finding_event o WHERE o.finding_id = f.id AND o.kind IN ('opened', 'reopened')), 0))," \
	" f.closed_on IS NOT NULL AND EXISTS (SELECT 1 FROM finding_event p WHERE p.finding_id = f.id" \
	"  AND p.kind = 'expanded' AND p.day = f.closed_on)," \
	" f.engine = 'expansion' AND " OPEN_DEFENSE "," \
	" :before > 0 AND coalesce((SELECT max(e.at) FROM finding_event e WHERE e.finding_id = f.id" \
	"  AND e.kind = 'cause_changed') > :made_at, 0)," \
	" (SELECT nullif(n.owner_email, '') FROM not_owner n WHERE n.account_id = f.account_id AND n.engine = f.engine" \
	"  AND n.withdrawn_on IS NULL AND coalesce(n.given_to, '') = coalesce(f.owner_email, '')" \
	"  ORDER BY n.id DESC LIMIT 1)," \
	" " STOOD_THEN("kind") ", " STOOD_THEN("day") \
	" FROM finding f JOIN account a ON a.id = f.account_id"
/* Open, or closed since and told before; an event says to the second what came after the digest was made, its day
 * serves where there is no event. of: "" or whose. */
#define FINDING_IS_TOLD(of) \
	" WHERE f.id IN (SELECT id FROM finding WHERE closed_on IS NULL" of \
	"  UNION ALL SELECT id FROM finding WHERE :before > 0 AND closed_on >= :as_of" of ")" \
	" AND ((f.closed_on IS NULL AND NOT (f.engine = 'expansion' AND " OPEN_DEFENSE "))" \
	"  OR (f.state IN ('resolved', 'lost')" \
	"   AND coalesce((SELECT max(e.at) FROM finding_event e WHERE e.finding_id = f.id" \
	"    AND e.kind IN (f.state, 'expanded')) > :made_at, f.closed_on > :as_of)" \
	"   AND coalesce((SELECT min(e.at) FROM finding_event e WHERE e.finding_id = f.id" \
	"    AND e.kind = 'opened') <= :made_at, f.opened_on <= :as_of)))" \
	" ORDER BY f.id"

int digest_findings_load(struct db *db, const struct digest_before *before, const char *owner, int32_t today,
                         struct arena *a, struct digest_finding **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, owner ?
		FINDING_TOLD FINDING_IS_TOLD(" AND owner_email = lower(:owner)") : FINDING_TOLD FINDING_IS_TOLD(""));
	struct digest_finding *rows = NULL;
	size_t n = 0, room = 0;
	int rc;

	if (owner)
		bind_text(q, ":owner", owner);
	bind_int(q, ":before", before->id);
	bind_int(q, ":made_at", before->made_at);
	bind_int(q, ":as_of", before->as_of_on);
	while ((rc = stmt_step(q, err)) > 0) {
		if (n == room) {
			room = room ? 2 * room : FIRST_ROOM;
			rows = arena_grow(a, rows, n, room, sizeof *rows);
		}
		rows[n++] = read_finding(q, before, today, a);
	}
	if (rc < 0)
		return err_in(err, "findings for a digest");
	*out = rows;
	*out_n = n;
	return 0;
}

int digest_missed_load(struct db *db, const char *owner_email, int32_t after_on, int32_t before_on, int64_t now,
                       struct arena *a, struct digest_missed **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT local_on, reason FROM slot WHERE owner_email = :owner AND state = 'missed'"
		" AND local_on > :after AND local_on < :before"
		" AND coalesce(reason, '') NOT IN ('not_scheduled', 'owner_removed', 'silenced')"
		" UNION SELECT d.local_on, CASE WHEN EXISTS (SELECT 1 FROM outbox o WHERE o.digest_id = d.id"
		"  AND o.reason IS NOT 'cancelled') THEN 'undelivered' ELSE 'cancelled' END"
		" FROM digest d WHERE d.owner_email = :owner"
		" AND d.local_on > :after AND d.local_on < :before AND EXISTS (SELECT 1 FROM outbox o WHERE o.digest_id = d.id)"
		" AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.digest_id = d.id AND o.state <> 'dead'"
		"  AND (o.state NOT IN ('pending', 'ambiguous') OR o.expires_at > :now)) ORDER BY local_on");
	int32_t after = after_on == DAY_NONE ? before_on - MISSED_DAYS - 1 : after_on;
	size_t room = before_on > after ? (size_t)(before_on - after) : 0, n = 0;
	struct digest_missed *rows = arena_array(a, room, sizeof *rows);
	int rc;

	bind_text(q, ":owner", owner_email);
	bind_int(q, ":after", after);
	bind_int(q, ":before", before_on);
	bind_int(q, ":now", now);
	while ((rc = stmt_step(q, err)) > 0 && n < room)
		rows[n++] = (struct digest_missed){ .local_on = col_day(q, 0), .reason = col_text_in(q, 1, a) };
	if (rc < 0)
		return err_in(err, "missed slots of %s", owner_email);
	*out = rows;
	*out_n = n;
	return 0;
}

int digest_sources_load(struct db *db, struct arena *a, struct digest_source_state **out, size_t *out_n,
                        struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT name, last_ok_at, last_ok_on FROM source ORDER BY name");
	struct digest_source_state *rows = NULL;
	size_t n = 0, room = 0;
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		if (n == room) {
			room = room ? 2 * room : FIRST_ROOM;
			rows = arena_grow(a, rows, n, room, sizeof *rows);
		}
		rows[n++] = (struct digest_source_state){ .name = col_text_in(q, 0, a), .last_ok_at = col_instant(q, 1),
		                                          .last_ok_on = col_day(q, 2) };
	}
	if (rc < 0)
		return err_in(err, "state of sources");
	*out = rows;
	*out_n = n;
	return 0;
}

int digest_exists(struct db *db, const char *owner_email, int32_t local_on, const char *kind, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT 1 FROM digest WHERE owner_email = :owner AND local_on = :local_on AND kind = :kind");

	bind_text(q, ":owner", owner_email);
	bind_day(q, ":local_on", local_on);
	bind_text(q, ":kind", kind);
	return stmt_step(q, err);
}

static int put_digest(struct db *db, const struct digest_row *d, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO digest (owner_email, local_on, kind, as_of_on, made_at, config_hash, content)"
		" VALUES (:owner, :local_on, :kind, :as_of, :made_at, :hash, :content)");

	bind_text(q, ":owner", d->owner_email);
	bind_day(q, ":local_on", d->local_on);
	bind_text(q, ":kind", d->kind);
	bind_day(q, ":as_of", d->as_of_on);
	bind_int(q, ":made_at", d->made_at);
	bind_text(q, ":hash", d->config_hash);
	bind_text(q, ":content", d->content);
	return stmt_run(q, err);
}

static int put_items(struct db *db, int64_t digest_id, const struct digest_item_row *items, size_t n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO digest_item (digest_id, place, finding_id, change, score, value_minor)"
		" VALUES (:digest, :place, :finding, :change, :score, :value)");

	for (size_t i = 0; i < n; i++) {
		bind_int(q, ":digest", digest_id);
		bind_int(q, ":place", (int64_t)i + 1);
		bind_int(q, ":finding", items[i].finding);
		bind_text(q, ":change", items[i].change);
		bind_real(q, ":score", items[i].score);
		bind_int(q, ":value", items[i].value_minor);
		if (stmt_run(q, err) < 0)
			return -1;
	}
	return 0;
}

static int put_messages(struct db *db, int64_t digest, struct outbox_message *messages, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		messages[i].digest_id = digest;
		if (outbox_put(db, &messages[i], err) < 0)
			return -1;
	}
	return 0;
}

int digest_save(struct db *db, const struct digest_row *d, const struct digest_item_row *items, size_t n_items,
                struct outbox_message *messages, size_t n_messages, const struct slot_row *slot, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	int64_t id;
	int rc;

	if (txn_begin(&txn, db, err) < 0)
		return err_in(err, "digest of %s", d->owner_email);
	rc = digest_exists(db, d->owner_email, d->local_on, d->kind, err);
	if (rc > 0)
		return 0;
	if (rc < 0 || put_digest(db, d, err) < 0)
		return err_in(err, "digest of %s", d->owner_email);
	id = db_last_id(db);
	if (put_items(db, id, items, n_items, err) < 0 || put_messages(db, id, messages, n_messages, err) < 0 ||
	    (slot && slots_settle(db, slot, d->made_at, err) < 0))
		return err_in(err, "digest of %s", d->owner_email);
	if (txn_commit(&txn, err) < 0)
		return err_in(err, "digest of %s", d->owner_email);
	return 1;
}

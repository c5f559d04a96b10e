#include "store/answers.h"

#include <string.h>

#include "common/sha256.h"

const char *const answer_names[N_ANSWERS + 1] = {
	[ANSWER_DONE] = "done", [ANSWER_SNOOZE] = "snooze", [ANSWER_NOT_A_RISK] = "not_a_risk",
	[ANSWER_WRONG_OWNER] = "wrong_owner", [ANSWER_LOST] = "lost", [ANSWER_EXPANDED] = "expanded",
	[ANSWER_ACKNOWLEDGE] = "acknowledge", [ANSWER_REOPEN] = "reopen", NULL
};

/* What it makes of a finding. */
static const struct effect {
	const char *event, *engine; /* engine: NULL: both */
	enum finding_state state;
	bool is_end;
	const char *outcome; /* NULL: none */
} effects[N_ANSWERS] = {
	[ANSWER_DONE] = { "done", NULL, FINDING_ACKNOWLEDGED, false, NULL },
	[ANSWER_SNOOZE] = { "snoozed", NULL, FINDING_SNOOZED, false, NULL },
	[ANSWER_NOT_A_RISK] = { "dismissed", NULL, FINDING_DISMISSED, true, NULL },
	[ANSWER_WRONG_OWNER] = { "wrong_owner", NULL, FINDING_OPEN, false, NULL },
	[ANSWER_LOST] = { "lost", "defense", FINDING_LOST, true, "churn" },
	[ANSWER_EXPANDED] = { "expanded", "expansion", FINDING_RESOLVED, true, "expansion" },
	[ANSWER_ACKNOWLEDGE] = { "acknowledged", NULL, FINDING_ACKNOWLEDGED, false, NULL },
	[ANSWER_REOPEN] = { "reopened", NULL, FINDING_OPEN, false, NULL },
};

bool answer_fits(enum answer_kind kind, const char *engine)
{
	return !effects[kind].engine || strcmp(effects[kind].engine, engine) == 0;
}

/* links ------------------------------------------------------------------------------------------------------------ */

static const char *link_hash(struct arena *a, const char *link)
{
	return sha256_hex(a, link, strlen(link));
}

int answer_link_is_used(struct db *db, const char *link, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT 1 FROM answer_link WHERE token_sha256 = :hash");
	int rc;

	bind_text(q, ":hash", link_hash(a, link));
	rc = stmt_step(q, err);
	return rc < 0 ? err_in(err, "link of an answer") : rc;
}

/* Those that have expired are refused for that: nobody need know them any more. */
static int forget_links(struct db *db, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM answer_link WHERE expires_at < :now");

	bind_int(q, ":now", now);
	return stmt_run(q, err);
}

/* 1 when it was free, 0 when it had been used. */
static int use_link(struct db *db, const struct answer *x, struct arena *a, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO answer_link (token_sha256, used_at, expires_at) VALUES (:hash, :at, :expires)"
		" ON CONFLICT (token_sha256) DO NOTHING");

	if (!x->link)
		return 1;
	bind_text(q, ":hash", link_hash(a, x->link));
	bind_int(q, ":at", x->at);
	bind_int(q, ":expires", x->link_expires_at);
	if (forget_links(db, x->at, err) < 0 || stmt_run(q, err) < 0)
		return -1;
	return db_changes(db) > 0;
}

/* what goes with an answer ----------------------------------------------------------------------------------------- */

static int put_event(struct db *db, const struct answer *x, const char *note, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO finding_event (finding_id, day, at, kind, note, who, via, reason)"
		" VALUES (:finding, :day, :at, :kind, :note, :who, :via, :reason)");

	bind_int(q, ":finding", x->finding);
	bind_day(q, ":day", x->today);
	bind_int(q, ":at", x->at);
	bind_text(q, ":kind", effects[x->kind].event);
	bind_text(q, ":note", note);
	bind_text(q, ":who", x->who);
	bind_text(q, ":via", x->via);
	bind_text(q, ":reason", x->reason);
	return stmt_run(q, err);
}

static int put_not_owner(struct db *db, const struct answer *x, const struct finding *f, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO not_owner (account_id, engine, owner_email, given_to, finding_id, said_on)"
		" VALUES (:account, :engine, coalesce(:owner, ''), :to, :finding, :day)");

	bind_int(q, ":account", f->account);
	bind_text(q, ":engine", f->engine);
	bind_text(q, ":owner", f->owner_email);
	bind_text(q, ":to", x->to);
	bind_int(q, ":finding", x->finding);
	bind_day(q, ":day", x->today);
	return stmt_run(q, err);
}

static int put_outcome(struct db *db, const struct answer *x, const struct finding *f, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO told_outcome (account_id, kind, finding_id, said_on) VALUES (:account, :kind, :finding, :day)");

	bind_int(q, ":account", f->account);
	bind_text(q, ":kind", effects[x->kind].outcome);
	bind_int(q, ":finding", x->finding);
	bind_day(q, ":day", x->today);
	return stmt_run(q, err);
}

/* taking back ------------------------------------------------------------------------------------------------------ */

/* Whether the last thing that made the finding what it is was a person's, and is not taken back yet. By a link only
 * who said it takes it back. 1 yes, 0 no. */
static int is_answered(struct db *db, const struct answer *x, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT via IS NOT NULL AND kind <> 'reopened' AND (:by IS NULL OR who = :by) FROM finding_event"
		" WHERE finding_id = :finding AND kind NOT IN ('worse', 'better', 'cause_changed') ORDER BY id DESC LIMIT 1");
	int rc;

	bind_int(q, ":finding", x->finding);
	bind_text(q, ":by", x->link ? x->who : NULL);
	rc = stmt_step(q, err);
	return rc > 0 ? col_int(q, 0) != 0 : rc;
}

/* Whether the account has another open one of the engine, which took its place: 1 yes, 0 no. */
static int has_other(struct db *db, const struct finding *f, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT 1 FROM finding WHERE account_id = :account AND engine = :engine AND closed_on IS NULL AND id <> :id");

	bind_int(q, ":account", f->account);
	bind_text(q, ":engine", f->engine);
	bind_int(q, ":id", f->id);
	return stmt_step(q, err);
}

static int withdraw(struct db *db, const char *sql, const struct answer *x, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, sql);

	bind_int(q, ":finding", x->finding);
	bind_day(q, ":day", x->today);
	return stmt_run(q, err);
}

/* Whose it was before it was given away last; no row: it was not. */
static int owner_before(struct db *db, const struct answer *x, struct arena *a, struct finding *f, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT nullif(owner_email, '') FROM not_owner WHERE finding_id = :finding AND withdrawn_on IS NULL"
		" AND 'wrong_owner' = (SELECT kind FROM finding_event WHERE finding_id = :finding AND via IS NOT NULL"
		"  ORDER BY id DESC LIMIT 1) ORDER BY id DESC LIMIT 1");
	int rc;

	bind_int(q, ":finding", x->finding);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc;
	f->owner_email = col_text_in(q, 0, a);
	return withdraw(db,
	                "UPDATE not_owner SET withdrawn_on = :day WHERE id ="
	                " (SELECT max(id) FROM not_owner WHERE finding_id = :finding AND withdrawn_on IS NULL)", x, err);
}

static int take_back(struct db *db, const struct answer *x, struct arena *a, enum answer_result *out,
                     struct finding *f, struct err *err)
{
	int is_one = is_answered(db, x, err), is_replaced = has_other(db, f, err);

	if (is_one < 0 || is_replaced < 0)
		return -1;
	*out = is_one && !is_replaced ? ANSWER_TAKEN : f->closed_on == DAY_NONE ? ANSWER_UNFIT : ANSWER_CLOSED;
	if (*out != ANSWER_TAKEN)
		return 0;
	if (owner_before(db, x, a, f, err) < 0 ||
	    withdraw(db, "UPDATE told_outcome SET withdrawn_on = :day WHERE finding_id = :finding"
	                 " AND withdrawn_on IS NULL", x, err) < 0)
		return -1;
	f->closed_on = DAY_NONE;
	return 0;
}

/* answers ---------------------------------------------------------------------------------------------------------- */

static bool is_same_owner(const struct finding *f, const struct answer *x)
{
	return strcmp(f->owner_email ? f->owner_email : "", x->to ? x->to : "") == 0;
}

static int apply(struct db *db, const struct answer *x, struct arena *a, enum answer_result *out, struct finding *f,
                 struct err *err)
{
	const struct effect *e = &effects[x->kind];
	const char *note = x->note;

	*out = ANSWER_TAKEN;
	if (x->kind == ANSWER_REOPEN && (take_back(db, x, a, out, f, err) < 0 || *out != ANSWER_TAKEN))
		return *out == ANSWER_TAKEN ? -1 : 0;
	if (x->kind == ANSWER_WRONG_OWNER && put_not_owner(db, x, f, err) < 0)
		return -1;
	if (e->outcome && put_outcome(db, x, f, err) < 0)
		return -1;
	f->state = e->state;
	f->snoozed_until = x->kind == ANSWER_SNOOZE ? x->until : DAY_NONE;
	if (e->is_end)
		f->closed_on = x->today;
	if (x->kind == ANSWER_WRONG_OWNER) {
		f->owner_email = x->to;
		note = x->to;
	} else if (x->kind == ANSWER_SNOOZE) {
		note = day_text(a, x->until);
	}
	return finding_put(db, f, err) < 0 ? -1 : put_event(db, x, note, err);
}

int answer_take(struct db *db, const struct answer *x, struct arena *a, enum answer_result *out_result,
                struct finding *out, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	enum answer_result result = ANSWER_USED;
	struct finding f = { .id = 0 };
	int found, is_free;

	if (txn_begin(&txn, db, err) < 0 || (found = finding_load(db, x->finding, a, &f, err)) < 0 ||
	    (is_free = use_link(db, x, a, err)) < 0)
		return err_in(err, "answer to finding %lld", (long long)x->finding);
	*out = f;
	if (!is_free)
		result = ANSWER_USED;
	else if (!found)
		result = ANSWER_UNKNOWN;
	else if (f.closed_on != DAY_NONE && x->kind != ANSWER_REOPEN)
		result = ANSWER_CLOSED;
	else if (!answer_fits(x->kind, f.engine) || (x->kind == ANSWER_WRONG_OWNER && is_same_owner(&f, x)))
		result = ANSWER_UNFIT;
	else if (apply(db, x, a, &result, &f, err) < 0 || (result == ANSWER_TAKEN && txn_commit(&txn, err) < 0))
		return err_in(err, "answer to finding %lld", (long long)x->finding);
	*out_result = result;
	if (result == ANSWER_TAKEN)
		*out = f;
	return 0;
}

int answers_list(struct db *db, int64_t finding, int64_t limit, struct arena *a, const struct answer_row **out,
                 size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT e.finding_id, e.at, e.day, a.name, f.engine, e.kind, e.who, e.via, e.reason, e.note"
		" FROM finding_event e JOIN finding f ON f.id = e.finding_id JOIN account a ON a.id = f.account_id"
		" WHERE e.via IS NOT NULL AND (:finding = 0 OR e.finding_id = :finding) ORDER BY e.id DESC LIMIT :limit");
	struct answer_row *rows = NULL;
	size_t n = 0, room = 0;
	int rc;

	bind_int(q, ":finding", finding);
	bind_int(q, ":limit", limit);
	while ((rc = stmt_step(q, err)) > 0) {
		if (n == room) {
			room = room ? 2 * room : 64;
			rows = arena_grow(a, rows, n, room, sizeof *rows);
		}
		rows[n++] = (struct answer_row){ .finding = col_int(q, 0), .at = col_int(q, 1), .day = col_day(q, 2),
			.account = col_text_in(q, 3, a), .engine = col_text_in(q, 4, a), .answer = col_text_in(q, 5, a),
			.who = col_text_in(q, 6, a), .via = col_text_in(q, 7, a), .reason = col_text_in(q, 8, a),
			.note = col_text_in(q, 9, a) };
	}
	if (rc < 0)
		return err_in(err, "answers");
	*out = rows;
	*out_n = n;
	return 0;
}

#include "store/findings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "finding_row.h"

static const char *const states[] = {
	[FINDING_OPEN] = "open", [FINDING_SNOOZED] = "snoozed", [FINDING_ACKNOWLEDGED] = "acknowledged",
	[FINDING_DISMISSED] = "dismissed", [FINDING_RESOLVED] = "resolved", [FINDING_LOST] = "lost",
};

enum { URGENT_DAYS = 90 };

static const double MOVED = 0.7; /* logits: the odds double or halve [choice] */

const char *finding_state_text(enum finding_state s)
{
	return states[s];
}

static enum finding_state state_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (strcmp(states[i], text) == 0)
			return (enum finding_state)i;
	return FINDING_OPEN;
}

double finding_priority(const struct finding *f, int32_t today)
{
	int32_t left = f->act_by_on - today;

	left = left < 0 ? 0 : left > URGENT_DAYS ? URGENT_DAYS : left;
	return (double)f->expected_minor * (1 + (URGENT_DAYS - left) / (double)URGENT_DAYS);
}

static double logit_of(double score)
{
	double p = fmin(fmax(score / 100, 0.001), 0.999);

	return log(p / (1 - p));
}

int finding_moved(double before, double now)
{
	double moved = logit_of(now) - logit_of(before);

	return moved >= MOVED ? 1 : moved <= -MOVED ? -1 : 0;
}

struct finding finding_row(struct stmt *q, struct arena *a)
{
	return (struct finding){
		.id = col_int(q, 0),
		.account = col_int(q, 1),
		.account_name = col_text_in(q, 2, a),
		.account_key = col_text_in(q, 3, a),
		.engine = col_text_in(q, 4, a),
		.cause = col_text_in(q, 5, a),
		.state = state_of(col_text(q, 6)),
		.opened_on = col_day(q, 7),
		.updated_on = col_day(q, 8),
		.closed_on = col_day(q, 9),
		.snoozed_until = col_day(q, 10),
		.score = col_real(q, 11),
		.worst_score = col_real(q, 12),
		.confidence = col_real(q, 13),
		.value_minor = col_int(q, 14),
		.currency = col_text_in(q, 15, a),
		.expected_minor = col_int(q, 16),
		.act_by_on = col_day(q, 17),
		.play = col_text_in(q, 18, a),
		.summary = col_text_in(q, 19, a),
		.evidence = col_text_in(q, 20, a),
		.owner_email = col_text_in(q, 21, a),
		.first_cause = col_text_in(q, 22, a),
		.cause_since = col_day(q, 23),
		.n_back = (int)col_int(q, 24),
	};
}

static int read_findings(struct stmt *q, struct arena *a, struct finding **out, size_t *out_n, struct err *err)
{
	struct finding *list = NULL;
	size_t n = 0, cap = 0;
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			list = arena_grow(a, list, n, cap, sizeof *list);
		}
		list[n++] = finding_row(q, a);
	}
	if (rc < 0)
		return err_in(err, "findings");
	*out = list;
	*out_n = n;
	return 0;
}

struct ranked {
	struct finding finding;
	double priority;
};

static int by_priority(const void *left, const void *right)
{
	const struct ranked *l = left, *r = right;

	if (l->priority > r->priority || l->priority < r->priority)
		return l->priority > r->priority ? -1 : 1;
	if (l->finding.score > r->finding.score || l->finding.score < r->finding.score)
		return l->finding.score > r->finding.score ? -1 : 1;
	if (l->finding.account != r->finding.account)
		return l->finding.account < r->finding.account ? -1 : 1;
	return strcmp(l->finding.engine, r->finding.engine);
}

static void rank(struct finding *list, size_t n, int32_t today, struct arena *a)
{
	struct ranked *ranked = arena_array(a, n + 1, sizeof *ranked);

	for (size_t i = 0; i < n; i++)
		ranked[i] = (struct ranked){ list[i], finding_priority(&list[i], today) };
	qsort(ranked, n, sizeof *ranked, by_priority);
	for (size_t i = 0; i < n; i++)
		list[i] = ranked[i].finding;
}

/* By the index of what is open: of one owner without looking at the others'. "" is nobody. */
#define OPEN "SELECT id FROM finding WHERE closed_on IS NULL"
#define OPEN_OF_OWNER \
	OPEN " AND owner_email = lower(:owner) UNION ALL " OPEN " AND owner_email IS NULL AND :owner = ''"
#define FINDINGS_OPEN(ids) \
	"SELECT " FINDING_COLUMNS " FROM finding f JOIN account a ON a.id = f.account_id WHERE f.id IN (" ids ")" \
	" AND (:engine IS NULL OR f.engine = :engine) AND (:settled OR f.state = 'open') ORDER BY f.id"

int findings_list(struct db *db, const struct finding_query *query, struct arena *a, struct finding **out,
                  size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, query->owner ? FINDINGS_OPEN(OPEN_OF_OWNER) : FINDINGS_OPEN(OPEN));

	bind_text(q, ":engine", query->engine);
	if (query->owner)
		bind_text(q, ":owner", query->owner);
	bind_int(q, ":settled", query->wants_settled);
	if (read_findings(q, a, out, out_n, err) < 0)
		return -1;
	rank(*out, *out_n, query->today, a);
	return 0;
}

int findings_of_accounts(struct db *db, int64_t from_account, int64_t to_account, int32_t closed_since,
                         struct arena *a, struct finding **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT " FINDING_COLUMNS_OF("NULL", "NULL") " FROM finding f WHERE f.account_id BETWEEN :from AND :to"
		" AND (f.closed_on IS NULL OR (f.state IN ('dismissed', 'resolved') AND f.closed_on >= :since))"
		" ORDER BY f.account_id, f.id");

	bind_int(q, ":from", from_account);
	bind_int(q, ":to", to_account);
	bind_day(q, ":since", closed_since);
	return read_findings(q, a, out, out_n, err);
}

int finding_load(struct db *db, int64_t id, struct arena *a, struct finding *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT " FINDING_COLUMNS " FROM finding f JOIN account a ON a.id = f.account_id WHERE f.id = :id");
	int rc;

	bind_int(q, ":id", id);
	rc = stmt_step(q, err);
	if (rc < 0)
		return err_in(err, "finding %lld", (long long)id);
	if (rc)
		*out = finding_row(q, a);
	return rc;
}

#define THIS_FINDING "WHERE id = :id AND account_id = :account AND engine = :engine AND opened_on = :opened"
#define FINDING_SAID \
	"state = :state, updated_on = :updated, snoozed_until = :snoozed, score = :score, worst_score = :worst," \
	" confidence = :confidence, value_minor = :value, currency = :currency, expected_minor = :expected," \
	" act_by_on = :act_by, play = :play, summary = :summary, evidence = :evidence, cause_since = :since, n_back = :back"

/* An index is written anew for each of its columns that is set, whatever to: on most days all of them stay. */
static const char finding_kept[] = "UPDATE finding SET " FINDING_SAID " " THIS_FINDING
                                   " AND cause = :cause AND closed_on IS :closed AND owner_email IS :owner";
static const char finding_changed[] = "UPDATE finding SET " FINDING_SAID ", cause = :cause, closed_on = :closed,"
                                      " owner_email = :owner " THIS_FINDING;
static const char finding_new[] =
	"INSERT INTO finding (state, updated_on, snoozed_until, score, worst_score, confidence, value_minor, currency,"
	" expected_minor, act_by_on, play, summary, evidence, cause_since, n_back, id, account_id, engine, opened_on,"
	" first_cause, cause, closed_on, owner_email) VALUES (:state, :updated, :snoozed, :score, :worst, :confidence,"
	" :value, :currency, :expected, :act_by, :play, :summary, :evidence, :since, :back, :id, :account, :engine,"
	" :opened, :cause, :cause, :closed, :owner)";

/* How many rows it wrote. */
static int64_t write_finding(struct db *db, const char *sql, const struct finding *f, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, sql);

	bind_text(q, ":state", states[f->state]);
	bind_day(q, ":updated", f->updated_on);
	bind_day(q, ":snoozed", f->snoozed_until);
	bind_real(q, ":score", f->score);
	bind_real(q, ":worst", f->worst_score);
	bind_real(q, ":confidence", f->confidence);
	bind_int(q, ":value", f->value_minor);
	bind_text(q, ":currency", f->currency);
	bind_int(q, ":expected", f->expected_minor);
	bind_day(q, ":act_by", f->act_by_on);
	bind_text(q, ":play", f->play);
	bind_text(q, ":summary", f->summary);
	bind_text(q, ":evidence", f->evidence);
	bind_day(q, ":since", f->id ? f->cause_since : f->opened_on);
	bind_int(q, ":back", f->n_back);
	if (f->id)
		bind_int(q, ":id", f->id);
	bind_int(q, ":account", f->account);
	bind_text(q, ":engine", f->engine);
	bind_day(q, ":opened", f->opened_on);
	bind_text(q, ":cause", f->cause);
	bind_day(q, ":closed", f->closed_on);
	bind_text(q, ":owner", f->owner_email);
	if (stmt_run(q, err) < 0)
		return err_in(err, "finding of account %lld", (long long)f->account);
	return db_changes(db);
}

int finding_put(struct db *db, struct finding *f, struct err *err)
{
	int64_t n;

	if (!f->id) {
		if (write_finding(db, finding_new, f, err) < 0)
			return -1;
		f->id = db_last_id(db);
		return 0;
	}
	n = write_finding(db, finding_kept, f, err);
	if (n == 0)
		n = write_finding(db, finding_changed, f, err);
	return n < 0 ? -1 : 0;
}

int finding_event_put(struct db *db, int64_t finding, int32_t day, int64_t at, const char *kind, const char *note,
                      struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO finding_event (finding_id, day, at, kind, note) VALUES (:finding, :day, :at, :kind, :note)");

	bind_int(q, ":finding", finding);
	bind_day(q, ":day", day);
	bind_instant(q, ":at", at);
	bind_text(q, ":kind", kind);
	bind_text(q, ":note", note);
	return stmt_run(q, err) < 0 ? err_in(err, "event of finding %lld", (long long)finding) : 0;
}

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "revenue_parts.h"

enum { FIRST_ROOM = 256, LATE_DAYS = 14 /* no policy calls it churn earlier */ };

struct dues {
	struct revenue_loading *l;
	bool is_past; /* more has been learnt since the day */
	struct stmt *history, *payment;
	const int64_t *payers; size_t n_payers; /* see revenue_common */
	struct revenue_due *at; size_t n, room;
};

/* An invoice as it was known on the day. */
struct bill {
	int64_t id, account, source;
	int32_t due_on, paid_on, deleted_on; /* deleted_on: of one that came back, when it was thought to be gone */
	const char *status; /* in an arena of its own, or the row's */
};

/* Whether more has been learnt since the day. Mostly not: then rows say it themselves, and their history, which takes
 * long to ask for, needs no look. Runs are dated by the instant; half a day is left for the zone. */
static int find_whether_past(struct db *db, int32_t as_of, bool *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT EXISTS (SELECT 1 FROM source WHERE last_ok_on IS NULL OR last_ok_on > :as_of)"
		" OR EXISTS (SELECT 1 FROM pull_run r JOIN source s ON s.id = r.source_id"
		"  WHERE r.started_at > (:as_of + 1) * 86400 - 50400 AND r.started_at > s.last_ok_at)");
	int rc;

	bind_int(q, ":as_of", as_of);
	rc = stmt_step(q, err);
	*out = rc > 0 && col_int(q, 0) != 0;
	return rc < 0 ? -1 : 0;
}

int revenue_load_payers(struct db *db, int32_t as_of, struct arena *a, struct revenue_common *out, struct err *err)
{
	static const char *const statements[] = {
		"SELECT id FROM source WHERE EXISTS"
		" (SELECT 1 FROM invoice i WHERE source_id = source.id AND paid_on <= :as_of) ORDER BY id",
		"SELECT id FROM source WHERE EXISTS"
		" (SELECT 1 FROM invoice i WHERE source_id = source.id AND (seen_on IS NULL OR seen_on <= :as_of) AND"
		"  CASE WHEN EXISTS (SELECT 1 FROM history h WHERE entity = 'invoice' AND entity_id = i.id AND field = 'paid_on')"
		"   THEN (SELECT value + 0 FROM history h WHERE entity = 'invoice' AND entity_id = i.id AND field = 'paid_on'"
		"    AND known_on <= :as_of ORDER BY known_on DESC LIMIT 1) ELSE paid_on END <= :as_of) ORDER BY id",
	};
	CLEANUP(stmt_donep) struct stmt *q = NULL;
	int64_t *payers = NULL;
	bool is_past;
	int rc;

	if (find_whether_past(db, as_of, &is_past, err) < 0)
		return -1;
	q = db_sql(db, statements[is_past]);
	bind_int(q, ":as_of", as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		payers = arena_grow(a, payers, out->n_payers, out->n_payers + 1, sizeof *payers);
		payers[out->n_payers++] = col_int(q, 0);
	}
	out->payers = payers;
	return rc;
}

static bool tells_payments(const struct dues *d, int64_t source)
{
	for (size_t i = 0; i < d->n_payers; i++)
		if (d->payers[i] == source)
			return true;
	return false;
}

/* What was known of a bill that has changed; a payment that is dated later was not made yet. */
static int take_back(struct dues *d, struct bill *b, struct arena *a, struct err *err)
{
	int rc = 0;

	bind_int(d->history, ":id", b->id);
	bind_int(d->history, ":as_of", d->l->query->as_of);
	while (d->is_past && (rc = stmt_step(d->history, err)) > 0) {
		const char *field = col_text(d->history, 0), *value = col_text_in(d->history, 1, a);

		if (strcmp(field, "status") == 0)
			b->status = value;
		else if (strcmp(field, "due_on") == 0)
			b->due_on = trait_day(value);
		else if (strcmp(field, "deleted_on") == 0)
			b->deleted_on = trait_day(value);
		else
			b->paid_on = trait_day(value);
	}
	if (b->paid_on != DAY_NONE && b->paid_on > d->l->query->as_of)
		b->paid_on = DAY_NONE;
	return rc;
}

static bool is_late(const struct dues *d, const struct bill *b)
{
	static const char *const no_bills[] = { "void", "draft" };

	if (b->deleted_on != DAY_NONE || b->due_on == DAY_NONE || b->due_on >= d->l->query->as_of ||
	    (b->paid_on != DAY_NONE && b->paid_on <= b->due_on))
		return false;
	for (size_t i = 0; b->status && i < ARRAY_LEN(no_bills); i++)
		if (strcmp(b->status, no_bills[i]) == 0)
			return false;
	/* one that is said to be paid and never on which day was paid in time */
	return b->paid_on != DAY_NONE ||
	       (tells_payments(d, b->source) && (!b->status || strcmp(b->status, "paid") != 0));
}

/* Who pays a bill that was due later goes on as a customer, whatever became of this one: disputed, lost, forgotten. */
static int find_payment(struct dues *d, struct bill *b, struct err *err)
{
	int32_t until = b->paid_on == DAY_NONE ? d->l->query->as_of : b->paid_on, paid_on;
	int rc;

	if ((int64_t)until - b->due_on <= LATE_DAYS)
		return 0;
	bind_int(d->payment, ":account", b->account);
	bind_day(d->payment, ":due_on", b->due_on);
	bind_int(d->payment, ":as_of", d->l->query->as_of);
	if ((rc = stmt_step(d->payment, err)) <= 0)
		return rc;
	paid_on = col_day(d->payment, 0);
	if (paid_on != DAY_NONE && (b->paid_on == DAY_NONE || paid_on < b->paid_on))
		b->paid_on = paid_on;
	return stmt_run(d->payment, err);
}

static int add(struct dues *d, struct bill *b, struct err *err)
{
	int32_t account = revenue_account_index(d->l, b->account);

	if (account < 0)
		return 0;
	if (find_payment(d, b, err) < 0)
		return -1;
	if (d->n == d->room) {
		d->room = d->room ? 2 * d->room : FIRST_ROOM;
		d->at = arena_grow(d->l->scratch, d->at, d->n, d->room, sizeof *d->at);
	}
	d->at[d->n++] = (struct revenue_due){ .account = account, .due_on = b->due_on,
		.paid_on = b->paid_on == DAY_NONE ? REVENUE_OPEN : b->paid_on };
	return 0;
}

/* q: id, account_id, source_id, due_on, paid_on, status */
static int read_bills(struct dues *d, struct stmt *q, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	int rc;

	bind_int(q, ":as_of", d->l->query->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		struct bill b = { col_int(q, 0), col_int(q, 1), col_int(q, 2), col_day(q, 3), col_day(q, 4), DAY_NONE,
			col_text(q, 5) };

		arena_reset(a);
		if (take_back(d, &b, a, err) < 0)
			return -1;
		if (is_late(d, &b) && add(d, &b, err) < 0)
			return -1;
	}
	return rc;
}

static int compare_dues(const void *left, const void *right)
{
	const struct revenue_due *a = left, *b = right;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	if (a->due_on != b->due_on)
		return a->due_on < b->due_on ? -1 : 1;
	return (a->paid_on > b->paid_on) - (a->paid_on < b->paid_on);
}

static const char *const payment_statements[] = {
	"SELECT min(paid_on) FROM invoice WHERE account_id = :account AND due_on > :due_on AND paid_on > :due_on"
	" AND paid_on <= :as_of",
	"SELECT min(paid) FROM (SELECT"
	"  CASE WHEN EXISTS (SELECT 1 FROM history h WHERE entity = 'invoice' AND entity_id = i.id AND field = 'due_on')"
	"   THEN (SELECT value + 0 FROM history h WHERE entity = 'invoice' AND entity_id = i.id AND field = 'due_on'"
	"    AND known_on <= :as_of ORDER BY known_on DESC LIMIT 1) ELSE due_on END AS due,"
	"  CASE WHEN EXISTS (SELECT 1 FROM history h WHERE entity = 'invoice' AND entity_id = i.id AND field = 'paid_on')"
	"   THEN (SELECT value + 0 FROM history h WHERE entity = 'invoice' AND entity_id = i.id AND field = 'paid_on'"
	"    AND known_on <= :as_of ORDER BY known_on DESC LIMIT 1) ELSE paid_on END AS paid"
	"  FROM invoice i WHERE account_id = :account AND (seen_on IS NULL OR seen_on <= :as_of))"
	" WHERE due > :due_on AND paid > :due_on AND paid <= :as_of",
};

#define LATE_BILLS \
	"SELECT id, account_id, source_id, due_on, paid_on, status FROM invoice INDEXED BY invoice_late" \
	" WHERE account_id IS NOT NULL AND due_on IS NOT NULL AND (paid_on IS NULL OR paid_on > due_on)" \
	" AND (seen_on IS NULL OR seen_on <= :as_of) AND (deleted_on IS NULL OR deleted_on > :as_of)"
/* Seen from a day in the past, one that was paid in time may not have been known to be, or not to be due. */
#define OTHER_BILLS(from) \
	"SELECT DISTINCT i.id, i.account_id, i.source_id, i.due_on, i.paid_on, i.status FROM " from \
	" WHERE h.entity = 'invoice' AND h.field IN ('due_on', 'paid_on')" \
	" AND h.known_on > :as_of AND i.account_id IS NOT NULL" \
	" AND i.issued_on <= :as_of AND NOT (i.due_on IS NOT NULL AND (i.paid_on IS NULL OR i.paid_on > i.due_on))" \
	" AND (i.seen_on IS NULL OR i.seen_on <= :as_of) AND (i.deleted_on IS NULL OR i.deleted_on > :as_of)"

static int read_all(struct dues *d, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *late = db_sql(d->l->db, LATE_BILLS);
	CLEANUP(stmt_donep) struct stmt *other =
		db_sql(d->l->db, OTHER_BILLS("history h JOIN invoice i ON i.id = h.entity_id"));

	return read_bills(d, late, err) < 0 || (d->is_past && read_bills(d, other, err) < 0) ? -1 : 0;
}

static int read_part(struct dues *d, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *late = db_sql(d->l->db, LATE_BILLS " AND account_id = :account");
	CLEANUP(stmt_donep) struct stmt *other = db_sql(d->l->db,
		OTHER_BILLS("invoice i CROSS JOIN history h ON h.entity_id = i.id") " AND i.account_id = :account");

	for (size_t i = 0; i < d->l->part->n; i++) {
		bind_int(late, ":account", d->l->part->accounts[i]);
		if (read_bills(d, late, err) < 0)
			return -1;
		if (!d->is_past)
			continue;
		bind_int(other, ":account", d->l->part->accounts[i]);
		if (read_bills(d, other, err) < 0)
			return -1;
	}
	return 0;
}

int revenue_load_dues(struct revenue_loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *history = db_sql(l->db,
		"SELECT field, value FROM history WHERE entity = 'invoice' AND entity_id = :id"
		" AND field IN ('deleted_on', 'due_on', 'paid_on', 'status') AND known_on <= :as_of ORDER BY field, known_on");
	CLEANUP(stmt_donep) struct stmt *payment = NULL;
	struct revenue_common own = { 0 };
	const struct revenue_common *common = l->part ? l->part->common : &own;
	struct dues d = { .l = l, .history = history };

	if (find_whether_past(l->db, l->query->as_of, &d.is_past, err) < 0)
		return -1;
	d.payment = payment = db_sql(l->db, payment_statements[d.is_past]);
	if (!l->part && revenue_load_payers(l->db, l->query->as_of, l->scratch, &own, err) < 0)
		return -1;
	d.payers = common->payers;
	d.n_payers = common->n_payers;
	if ((l->part ? read_part(&d, err) : read_all(&d, err)) < 0)
		return -1;
	if (d.n)
		qsort(d.at, d.n, sizeof *d.at, compare_dues);
	l->out->dues = d.n ? arena_memdup(l->arena, d.at, d.n * sizeof *d.at) : NULL;
	l->out->n_dues = d.n;
	return 0;
}

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "facts_parts.h"
#include "store/record.h"

static void bind_range(struct stmt *q, const struct loading *l)
{
	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_instant(q, ":since", l->since_at);
	bind_instant(q, ":end", l->end_at);
	bind_day(q, ":day", l->q->as_of);
}

/* How often tickets were opened again after they had been closed: their closing was taken back. Ascending by id. */
struct reopenings {
	struct reopening {
		int64_t ticket;
		int n;
	} *at;
	size_t n;
};

static int load_reopenings(const struct loading *l, struct reopenings *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT entity_id, count(*) FROM history WHERE entity = 'ticket' AND field = 'closed_at' AND value IS NULL "
		"AND entity_id IN (SELECT id FROM ticket WHERE account_id BETWEEN :from AND :to AND opened_at >= :since "
		"AND opened_at < :end) AND known_on > :beginning AND known_on <= :day GROUP BY entity_id ORDER BY entity_id");
	size_t cap = 0;
	int rc;

	*out = (struct reopenings){ .n = 0 };
	bind_range(q, l);
	bind_int(q, ":beginning", HISTORY_BEGINNING);
	while ((rc = stmt_step(q, err)) > 0) {
		if (out->n == cap) {
			cap = cap ? 2 * cap : 64;
			out->at = arena_grow(l->arena, out->at, out->n, cap, sizeof *out->at);
		}
		out->at[out->n++] = (struct reopening){ col_int(q, 0), (int)col_int(q, 1) };
	}
	return rc < 0 ? err_in(err, "tickets opened again") : 0;
}

static int by_ticket(const void *left, const void *right)
{
	const struct reopening *l = left, *r = right;

	return l->ticket < r->ticket ? -1 : l->ticket > r->ticket;
}

static int reopenings_of(const struct reopenings *r, int64_t ticket)
{
	const struct reopening key = { .ticket = ticket };
	const struct reopening *found = r->n ? bsearch(&key, r->at, r->n, sizeof key, by_ticket) : NULL;

	return found ? found->n : 0;
}

static int load_tickets(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q =
		db_sql(l->db, "SELECT account_id, id, priority, opened_at, closed_at, satisfaction, is_escalated, "
	                  "CASE WHEN opened_at >= :text_since THEN COALESCE(subject, '') || '.\n' || COALESCE(substr(body, "
	                  "1, 4000), '') END, "
	                  "CASE WHEN opened_at >= :text_since THEN subject END, category, first_reply_at "
	                  "FROM ticket WHERE account_id BETWEEN :from AND :to AND opened_at >= :since AND opened_at < :end "
	                  "AND (deleted_on IS NULL OR deleted_on > :day) ORDER BY account_id, opened_at, id");
	struct rows rows = { .arena = l->arena, .size = sizeof(struct fact_ticket) };
	struct history history;
	const struct history *h = &history;
	struct reopenings reopened;
	int rc;

	if (history_load(l->db, TRACKED_TICKET, l->from_id, l->to_id, l->q->as_of, l->arena, &history, err) < 0 ||
	    load_reopenings(l, &reopened, err) < 0)
		return -1;
	bind_range(q, l);
	bind_instant(q, ":text_since", l->text_since_at);
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 1);
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		struct fact_ticket *t;

		if (place < 0)
			continue;
		t = rows_add(&rows, (size_t)place);
		t->priority = loading_text(l, history_text(h, id, "priority", col_text(q, 2)));
		t->opened_on = loading_day(l, col_instant(q, 3));
		t->closed_on =
			loading_seen(l, loading_day(l, history_int(h, id, "closed_at", col_instant(q, 4), INSTANT_NONE)));
		t->satisfaction = history_int(h, id, "satisfaction", col_is_null(q, 5) ? -1 : col_int(q, 5), -1);
		if (t->closed_on == DAY_NONE) /* asked when it is closed */
			t->satisfaction = -1;
		t->is_escalated = history_int(h, id, "is_escalated", col_int(q, 6), 0) != 0;
		t->text = loading_text(l, col_text(q, 7));
		t->subject = loading_text(l, col_text(q, 8));
		t->category = loading_text(l, history_text(h, id, "category", col_text(q, 9)));
		t->replied_on = loading_seen(l, loading_day(l, col_instant(q, 10)));
		t->n_reopened = reopenings_of(&reopened, id);
	}
	if (rc < 0)
		return err_in(err, "tickets");
	rows_hand_out(&rows, l->out, offsetof(struct fact_account, tickets), offsetof(struct fact_account, n_tickets));
	return 0;
}

/* Whether what a source says of a meeting means that it did not take place as agreed. */
static bool says_put_off(struct arena *a, const char *outcome)
{
	static const char *const words[] = { "cancel", "no_show", "no show", "noshow", "resched", "postpon", "declin",
		"annul", "reporte", "refuse", "absent", "missed" };
	const char *folded = outcome && *outcome ? text_fold(a, outcome) : "";

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(folded, words[i]))
			return true;
	return false;
}

static int32_t day_of_change(const struct loading *l, const char *value)
{
	int64_t at;

	return value && text_to_int(value, &at) ? loading_day(l, at) : DAY_NONE;
}

/* Notes the day on which a meeting was moved, where the row is one. */
static int add_move(struct loading *l, const struct change *c, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT account_id FROM interaction WHERE id = :id AND kind = 'meeting' "
		"AND (deleted_on IS NULL OR deleted_on > :day)");
	ptrdiff_t place;
	int rc;

	bind_int(q, ":id", c->id);
	bind_day(q, ":day", l->q->as_of);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc;
	place = loading_place(l, col_int(q, 0));
	if (place >= 0)
		fact_days_add(&l->out[place].moved, l->q->as_of - c->known_on);
	return 0;
}

/* A date that was put right after the meeting is no move. */
static int load_moves(struct loading *l, const struct history *h, struct err *err)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct change *c = &h->changes[i];
		int32_t from = strcmp(c->field, "at") == 0 && c->is_dated ? day_of_change(l, c->before) : DAY_NONE;

		if (from == DAY_NONE || from < c->known_on || day_of_change(l, c->value) <= from)
			continue;
		if (add_move(l, c, err) < 0)
			return err_in(err, "meetings that were moved");
	}
	return 0;
}

static int load_interactions(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT account_id, kind, direction, contact_key, at, CASE WHEN at >= :text_since "
		"THEN COALESCE(subject, '') || '.\n' || COALESCE(substr(body, 1, 4000), '') END, id, outcome "
		"FROM interaction WHERE account_id BETWEEN :from AND :to AND at >= :since AND at < :end "
		"AND (deleted_on IS NULL OR deleted_on > :day) ORDER BY account_id, at, id");
	struct rows rows = { .arena = l->arena, .size = sizeof(struct fact_interaction) };
	struct history history;
	int rc;

	if (history_load(l->db, TRACKED_INTERACTION, l->from_id, l->to_id, l->q->as_of, l->arena, &history, err) < 0 ||
	    load_moves(l, &history, err) < 0)
		return -1;
	bind_range(q, l);
	bind_instant(q, ":text_since", l->text_since_at);
	while ((rc = stmt_step(q, err)) > 0) {
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		struct fact_interaction *i;

		if (place < 0)
			continue;
		i = rows_add(&rows, (size_t)place);
		i->kind = loading_text(l, col_text(q, 1));
		i->direction = loading_text(l, col_text(q, 2));
		i->person = loading_text(l, col_text(q, 3));
		i->on = loading_day(l, col_instant(q, 4));
		i->text = loading_text(l, col_text(q, 5));
		i->was_put_off = strcmp(i->kind, "meeting") == 0 &&
		                 says_put_off(l->arena, history_text(&history, col_int(q, 6), "outcome", col_text(q, 7)));
	}
	if (rc < 0)
		return err_in(err, "interactions");
	rows_hand_out(&rows, l->out, offsetof(struct fact_account, interactions),
	              offsetof(struct fact_account, n_interactions));
	return 0;
}

static bool was_heard(const struct fact_account *f)
{
	for (size_t i = 0; i < f->n_interactions; i++) {
		const struct fact_interaction *x = &f->interactions[i];

		if (!x->was_put_off && (strcmp(x->direction, "in") == 0 || strcmp(x->kind, "meeting") == 0))
			return true;
	}
	return false;
}

/* When accounts that were not heard of in the window were heard of last before it. */
static int load_heard(struct loading *l, struct err *err)
{
	for (size_t i = 0; i < l->n; i++) {
		CLEANUP(stmt_donep) struct stmt *q = NULL;

		l->out[i].heard_on = DAY_NONE;
		if (!l->base->sources[FACT_INTERACTION].is_known || was_heard(&l->out[i]))
			continue;
		q = db_sql(l->db, "SELECT max(at) FROM interaction WHERE account_id = :account AND at < :since "
		                  "AND (direction = 'in' OR kind = 'meeting') AND (deleted_on IS NULL OR deleted_on > :day)");
		bind_int(q, ":account", l->base->members[l->first + i].id);
		bind_instant(q, ":since", l->since_at);
		bind_day(q, ":day", l->q->as_of);
		if (stmt_step(q, err) < 0)
			return err_in(err, "exchanges of earlier");
		l->out[i].heard_on = loading_day(l, col_instant(q, 0));
	}
	return 0;
}

static int load_surveys(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT account_id, kind, substr(comment, 1, 4000), score, at FROM survey "
		"WHERE account_id BETWEEN :from AND :to AND at >= :since AND at < :end AND score IS NOT NULL "
		"AND (deleted_on IS NULL OR deleted_on > :day) ORDER BY account_id, at, id");
	struct rows rows = { .arena = l->arena, .size = sizeof(struct fact_survey) };
	int rc;

	bind_range(q, l);
	while ((rc = stmt_step(q, err)) > 0) {
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		struct fact_survey *s;

		if (place < 0)
			continue;
		s = rows_add(&rows, (size_t)place);
		s->kind = loading_text(l, col_text(q, 1));
		s->comment = loading_text(l, col_text(q, 2));
		s->score = col_int(q, 3);
		s->on = loading_day(l, col_instant(q, 4));
	}
	if (rc < 0)
		return err_in(err, "surveys");
	rows_hand_out(&rows, l->out, offsetof(struct fact_account, surveys), offsetof(struct fact_account, n_surveys));
	return 0;
}

int facts_load_events(struct loading *l, struct err *err)
{
	return load_tickets(l, err) < 0 || load_interactions(l, err) < 0 || load_heard(l, err) < 0 ||
	               load_surveys(l, err) < 0 ?
	           -1 :
	           0;
}

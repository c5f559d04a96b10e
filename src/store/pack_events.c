#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "pack_load.h"
#include "store/record.h"

static void bind_range(struct stmt *q, const struct packing *p)
{
	packing_bind(q, p);
	bind_instant(q, ":since", p->since_at);
	bind_instant(q, ":end", p->end_at);
}

/* tickets ---------------------------------------------------------------------------------------------------------- */

/* How often tickets were opened again after they had been closed: their closing was taken back. Ascending by id. */
struct reopenings {
	struct reopening {
		int64_t ticket;
		int n;
	} *at;
	size_t n;
};

static int load_reopenings(const struct packing *p, struct reopenings *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(p->db,
		"SELECT entity_id, count(*) FROM history WHERE entity = 'ticket' AND field = 'closed_at' AND value IS NULL "
		"AND entity_id IN (SELECT id FROM ticket WHERE account_id BETWEEN :from AND :to AND opened_at >= :since "
		"AND opened_at < :end) AND known_on > :beginning AND known_on <= :day GROUP BY entity_id ORDER BY entity_id");
	size_t cap = 0;
	int rc;

	*out = (struct reopenings){ .n = 0 };
	bind_range(q, p);
	bind_int(q, ":beginning", HISTORY_BEGINNING);
	bind_day(q, ":day", p->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		if (out->n == cap) {
			cap = cap ? 2 * cap : 64;
			out->at = arena_grow(p->arena, out->at, out->n, cap, sizeof *out->at);
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

static void set_ticket(struct packing *p, size_t place, const struct history *h, struct stmt *q, int n_reopened)
{
	struct pack_draft *d = &p->drafts[place];
	int64_t *row = pack_row(d, PACK_TICKET), id = col_int(q, 1);

	row[TICKET_PRIORITY] = pack_word(d, history_text(h, id, "priority", col_text(q, 2)));
	row[TICKET_CATEGORY] = pack_word(d, history_text(h, id, "category", col_text(q, 8)));
	row[TICKET_OPENED] = packing_event_day(p, place, col_instant(q, 3));
	row[TICKET_CLOSED] = packing_day(p, history_int(h, id, "closed_at", col_instant(q, 4), INSTANT_NONE));
	row[TICKET_REPLIED] = packing_day(p, col_instant(q, 9));
	row[TICKET_SATISFACTION] = history_int(h, id, "satisfaction", col_is_null(q, 5) ? -1 : col_int(q, 5), -1);
	row[TICKET_ESCALATED] = history_int(h, id, "is_escalated", col_int(q, 6), 0) != 0;
	row[TICKET_REOPENED] = n_reopened;
	row[TICKET_TEXT] = col_int(q, 7);
	row[TICKET_GONE] = col_day(q, 10);
}

static int load_tickets(struct packing *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(p->db,
		"SELECT account_id, id, priority, opened_at, closed_at, satisfaction, is_escalated, "
		"CASE WHEN subject IS NOT NULL OR body IS NOT NULL THEN id END, category, first_reply_at, deleted_on "
		"FROM ticket WHERE account_id BETWEEN :from AND :to AND opened_at >= :since AND opened_at < :end "
		"AND (deleted_on IS NULL OR deleted_on > :gone) ORDER BY account_id, opened_at, id");
	struct history history;
	struct reopenings reopened;
	size_t place;
	int rc;

	if (packing_history(p, TRACKED_TICKET, &history, err) < 0 || load_reopenings(p, &reopened, err) < 0)
		return -1;
	bind_range(q, p);
	bind_day(q, ":gone", p->gone_by);
	while ((rc = packing_next(p, q, &place, err)) > 0) {
		packing_note(p, place, &history, col_int(q, 1));
		set_ticket(p, place, &history, q, reopenings_of(&reopened, col_int(q, 1)));
	}
	return rc < 0 ? err_in(err, "tickets") : 0;
}

/* interactions ----------------------------------------------------------------------------------------------------- */

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

static int64_t day_of_change(const struct packing *p, const char *value)
{
	int64_t at;

	return value && text_to_int(value, &at) ? packing_day(p, at) : PACK_NONE;
}

/* A date that was put right after the meeting is no move. */
static bool is_move(const struct packing *p, const struct change *c)
{
	int64_t from = c->is_dated ? day_of_change(p, c->before) : PACK_NONE;

	return from != PACK_NONE && from >= c->known_on && day_of_change(p, c->value) > from;
}

/* Notes the day on which a meeting was moved, where the row is one; and that there was another date before. */
static int add_move(struct packing *p, const struct change *c, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(p->db,
		"SELECT account_id, deleted_on FROM interaction WHERE id = :id AND kind = 'meeting' "
		"AND (deleted_on IS NULL OR deleted_on > :gone)");
	ptrdiff_t place;
	int64_t *row;
	int rc;

	bind_int(q, ":id", c->id);
	bind_day(q, ":gone", p->gone_by);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc;
	place = packing_place(p, col_int(q, 0));
	if (place < 0)
		return 0;
	if (c->known_on > p->drafts[place].since)
		p->drafts[place].since = c->known_on;
	if (!is_move(p, c))
		return 0;
	row = pack_row(&p->drafts[place], PACK_MOVE);
	row[MOVE_KNOWN] = c->known_on;
	row[MOVE_GONE] = col_day(q, 1);
	return 0;
}

static int load_moves(struct packing *p, const struct history *h, struct err *err)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct change *c = &h->changes[i];

		if (strcmp(c->field, "at") == 0 && (c->known_on > p->gone_by || is_move(p, c)) && add_move(p, c, err) < 0)
			return err_in(err, "meetings that were moved");
	}
	return 0;
}

static void set_interaction(struct packing *p, size_t place, const struct history *h, struct stmt *q)
{
	struct pack_draft *d = &p->drafts[place];
	int64_t *row = pack_row(d, PACK_INTERACTION);
	const char *kind = col_text(q, 1), *direction = col_text(q, 2);
	bool is_meeting = kind && strcmp(kind, "meeting") == 0;

	row[INTERACTION_KIND] = pack_word(d, kind);
	row[INTERACTION_DIRECTION] = pack_word(d, direction);
	row[INTERACTION_PERSON] = pack_word(d, col_text(q, 3));
	row[INTERACTION_ON] = packing_event_day(p, place, col_instant(q, 4));
	if (is_meeting && says_put_off(p->arena, history_text(h, col_int(q, 6), "outcome", col_text(q, 7))))
		row[INTERACTION_FLAGS] |= INTERACTION_IS_PUT_OFF;
	if (is_meeting || (direction && strcmp(direction, "in") == 0))
		row[INTERACTION_FLAGS] |= INTERACTION_IS_HEARD;
	row[INTERACTION_TEXT] = col_int(q, 5);
	row[INTERACTION_GONE] = col_day(q, 8);
}

static int load_interactions(struct packing *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(p->db,
		"SELECT account_id, kind, direction, contact_key, at, CASE WHEN subject IS NOT NULL OR body IS NOT NULL "
		"THEN id END, id, outcome, deleted_on "
		"FROM interaction WHERE account_id BETWEEN :from AND :to AND at >= :since AND at < :end "
		"AND (deleted_on IS NULL OR deleted_on > :gone) ORDER BY account_id, at, id");
	struct history history;
	size_t place;
	int rc;

	if (packing_history(p, TRACKED_INTERACTION, &history, err) < 0 || load_moves(p, &history, err) < 0)
		return -1;
	bind_range(q, p);
	bind_day(q, ":gone", p->gone_by);
	while ((rc = packing_next(p, q, &place, err)) > 0) {
		packing_note(p, place, &history, col_int(q, 6));
		set_interaction(p, place, &history, q);
	}
	return rc < 0 ? err_in(err, "interactions") : 0;
}

/* Whether a row says on each day that is told of that they were heard of, or had been before that day's rows begin. */
static bool was_heard(const struct packing *p, const struct pack_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const int64_t *row = t->cells + i * (INTERACTION_GONE + 1);

		if (row[INTERACTION_FLAGS] == INTERACTION_IS_HEARD &&
		    (p->as_of < INT32_MAX || (row[INTERACTION_GONE] == PACK_NONE && row[INTERACTION_ON] <= p->gone_by)))
			return true;
	}
	return false;
}

/* When accounts were heard of last before the rows that were read, where those leave it open. A row of earlier that was
 * deleted since may have been the last one before: no pack tells of the days until then. */
static int load_heard(struct packing *p, struct err *err)
{
	for (size_t i = 0; i < p->n; i++) {
		CLEANUP(stmt_donep) struct stmt *q = NULL;
		struct pack_draft *d = &p->drafts[i];

		if (!d->tables[PACK_ACCOUNT].n || was_heard(p, &d->tables[PACK_INTERACTION]))
			continue;
		q = db_sql(p->db, "SELECT max(at), (SELECT max(deleted_on) FROM interaction WHERE account_id = :account "
		                  "AND at < :since AND deleted_on > :gone) FROM interaction WHERE account_id = :account "
		                  "AND at < :since AND (direction = 'in' OR kind = 'meeting') "
		                  "AND (deleted_on IS NULL OR (deleted_on > :gone AND NOT :lasts))");
		bind_int(q, ":account", p->accounts[i]);
		bind_instant(q, ":since", p->since_at);
		bind_day(q, ":gone", p->gone_by);
		bind_int(q, ":lasts", p->as_of == INT32_MAX);
		if (stmt_step(q, err) < 0)
			return err_in(err, "exchanges of earlier");
		d->tables[PACK_ACCOUNT].cells[ACCOUNT_HEARD] = packing_day(p, col_instant(q, 0));
		if (p->as_of == INT32_MAX && !col_is_null(q, 1) && col_int(q, 1) > d->since)
			d->since = col_day(q, 1);
	}
	return 0;
}

/* surveys ---------------------------------------------------------------------------------------------------------- */

static int load_surveys(struct packing *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(p->db,
		"SELECT account_id, kind, score, at, CASE WHEN comment IS NOT NULL THEN id END, deleted_on FROM survey "
		"WHERE account_id BETWEEN :from AND :to AND at >= :since AND at < :end AND score IS NOT NULL "
		"AND (deleted_on IS NULL OR deleted_on > :gone) ORDER BY account_id, at, id");
	size_t place;
	int rc;

	bind_range(q, p);
	bind_day(q, ":gone", p->gone_by);
	while ((rc = packing_next(p, q, &place, err)) > 0) {
		int64_t *row = pack_row(&p->drafts[place], PACK_SURVEY);

		row[SURVEY_KIND] = pack_word(&p->drafts[place], col_text(q, 1));
		row[SURVEY_SCORE] = col_int(q, 2);
		row[SURVEY_ON] = packing_event_day(p, place, col_instant(q, 3));
		row[SURVEY_TEXT] = col_int(q, 4);
		row[SURVEY_GONE] = col_day(q, 5);
	}
	return rc < 0 ? err_in(err, "surveys") : 0;
}

int packing_load_events(struct packing *p, struct err *err)
{
	return load_tickets(p, err) < 0 || load_interactions(p, err) < 0 || load_heard(p, err) < 0 ||
	               load_surveys(p, err) < 0 ?
	           -1 :
	           0;
}

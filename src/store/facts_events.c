#include <stddef.h>

#include "facts_told.h"

/* Nothing was written: what a subject and a body of nothing make together. */
static const char no_text[] = ".\n";

static bool is_recent(const struct telling *t, int64_t on)
{
	return on > t->as_of - FACTS_TEXT_DAYS;
}

/* The texts of those that are recent; not all have any. */
static int ticket_texts(const struct telling *t, int64_t row, struct fact_ticket *io, struct err *err)
{
	struct told_texts texts = { no_text, "" };

	if (!is_recent(t, io->opened_on))
		texts.first = "";
	else if (row && told_texts(t, "SELECT COALESCE(subject, '') || '.\n' || COALESCE(substr(body, 1, 4000), ''), "
	                           "subject FROM ticket WHERE id = :id", row, &texts, err) < 0)
		return err_in(err, "tickets");
	io->text = texts.first;
	io->subject = texts.second;
	return 0;
}

static int tell_tickets(struct telling *t, struct fact_account *f, struct err *err)
{
	static const struct pack_field fields[] = {
		{ TICKET_PRIORITY, PACK_AS_WORD, offsetof(struct fact_ticket, priority) },
		{ TICKET_CATEGORY, PACK_AS_WORD, offsetof(struct fact_ticket, category) },
		{ TICKET_OPENED, PACK_AS_DAY, offsetof(struct fact_ticket, opened_on) },
		{ TICKET_CLOSED, PACK_AS_DAY, offsetof(struct fact_ticket, closed_on) },
		{ TICKET_REPLIED, PACK_AS_DAY, offsetof(struct fact_ticket, replied_on) },
		{ TICKET_SATISFACTION, PACK_AS_NUMBER, offsetof(struct fact_ticket, satisfaction) },
		{ TICKET_ESCALATED, PACK_AS_TRUTH, offsetof(struct fact_ticket, is_escalated) },
		{ TICKET_REOPENED, PACK_AS_DAY, offsetof(struct fact_ticket, n_reopened) },
	};
	int rc = told_open(t, PACK_TICKET);
	const int64_t *rows, *gone;
	struct fact_ticket *list;

	if (rc <= 0)
		return rc == 0;
	rows = told_cells(t, 0, TICKET_TEXT);
	gone = told_cells(t, 1, TICKET_GONE);
	list = arena_array(t->l->arena, t->n_cells, sizeof *list);
	told_rows(t, fields, ARRAY_LEN(fields), list, sizeof *list);
	for (size_t i = 0; i < t->n_cells; i++) {
		struct fact_ticket *ticket = &list[i];

		if (!told_event(t, ticket->opened_on, gone[i]))
			continue;
		if (ticket_texts(t, rows[i], ticket, err) < 0)
			return -1;
		ticket->closed_on = told_day(t, ticket->closed_on, false);
		ticket->replied_on = told_day(t, ticket->replied_on, false);
		if (ticket->closed_on == DAY_NONE) /* asked when it is closed */
			ticket->satisfaction = -1;
		if (f->n_tickets++ < i)
			list[f->n_tickets - 1] = *ticket;
	}
	f->tickets = f->n_tickets ? list : NULL;
	return 1;
}

static int interaction_text(const struct telling *t, int64_t row, struct fact_interaction *io, struct err *err)
{
	struct told_texts texts = { no_text, "" };

	if (!is_recent(t, io->on))
		texts.first = "";
	else if (row && told_texts(t, "SELECT COALESCE(subject, '') || '.\n' || COALESCE(substr(body, 1, 4000), ''), NULL"
	                           " FROM interaction WHERE id = :id", row, &texts, err) < 0)
		return err_in(err, "interactions");
	io->text = texts.first;
	return 0;
}

static struct told_speaker *speakers_of(struct telling *t)
{
	if (t->n_cells > t->cap_speakers) {
		t->cap_speakers = 2 * t->n_cells;
		t->speakers = arena_array(t->l->arena, t->cap_speakers, sizeof *t->speakers);
	}
	return t->speakers;
}

static int tell_each(struct telling *t, struct fact_account *f, bool *out_was_heard, struct err *err)
{
	static const struct pack_field fields[] = {
		{ INTERACTION_KIND, PACK_AS_WORD, offsetof(struct fact_interaction, kind) },
		{ INTERACTION_DIRECTION, PACK_AS_WORD, offsetof(struct fact_interaction, direction) },
		{ INTERACTION_PERSON, PACK_AS_WORD, offsetof(struct fact_interaction, person) },
		{ INTERACTION_ON, PACK_AS_DAY, offsetof(struct fact_interaction, on) },
	};
	struct fact_interaction *list = arena_array(t->l->arena, t->n_cells, sizeof *list);
	struct told_speaker *speakers = speakers_of(t);
	const int64_t *people = told_cells(t, 0, INTERACTION_PERSON), *flags = told_cells(t, 1, INTERACTION_FLAGS),
	              *rows = told_cells(t, 2, INTERACTION_TEXT), *gone = told_cells(t, 3, INTERACTION_GONE);

	told_rows(t, fields, ARRAY_LEN(fields), list, sizeof *list);
	for (size_t i = 0; i < t->n_cells; i++) {
		struct fact_interaction *x = &list[i];

		if (!told_event(t, x->on, gone[i])) {
			if (x->on < t->as_of && flags[i] & INTERACTION_IS_HEARD && told_row(t, gone[i]))
				t->heard_on = x->on;
			continue;
		}
		if (interaction_text(t, rows[i], x, err) < 0)
			return -1;
		x->was_put_off = flags[i] & INTERACTION_IS_PUT_OFF;
		if (flags[i] == INTERACTION_IS_HEARD) {
			*out_was_heard = true;
			speakers[t->n_speakers] = (struct told_speaker){ told_name(t, people[i]), x->on };
			t->n_speakers += speakers[t->n_speakers].word > 0;
		}
		if (f->n_interactions++ < i)
			list[f->n_interactions - 1] = *x;
	}
	f->interactions = f->n_interactions ? list : NULL;
	return 1;
}

static int tell_interactions(struct telling *t, struct fact_account *f, struct err *err)
{
	bool was_heard = !t->l->base->sources[FACT_INTERACTION].is_known;
	int rc = told_open(t, PACK_INTERACTION);

	t->n_speakers = 0;
	if (rc < 0 || (rc > 0 && tell_each(t, f, &was_heard, err) < 0))
		return rc < 0 ? 0 : -1;
	f->heard_on = was_heard ? DAY_NONE : t->heard_on;
	return 1;
}

static int tell_moves(struct telling *t, struct fact_account *f)
{
	int rc = told_open(t, PACK_MOVE);
	const int64_t *known, *gone;

	if (rc <= 0)
		return rc == 0;
	known = told_cells(t, 0, MOVE_KNOWN);
	gone = told_cells(t, 1, MOVE_GONE);
	for (size_t i = 0; i < t->n_cells; i++)
		if (told_row(t, gone[i]))
			fact_days_add(&f->moved, t->as_of - (int32_t)known[i]);
	return 1;
}

static int tell_surveys(struct telling *t, struct fact_account *f, struct err *err)
{
	static const struct pack_field fields[] = {
		{ SURVEY_KIND, PACK_AS_WORD, offsetof(struct fact_survey, kind) },
		{ SURVEY_SCORE, PACK_AS_NUMBER, offsetof(struct fact_survey, score) },
		{ SURVEY_ON, PACK_AS_DAY, offsetof(struct fact_survey, on) },
	};
	int rc = told_open(t, PACK_SURVEY);
	const int64_t *rows, *gone;
	struct fact_survey *list;

	if (rc <= 0)
		return rc == 0;
	rows = told_cells(t, 0, SURVEY_TEXT);
	gone = told_cells(t, 1, SURVEY_GONE);
	list = arena_array(t->l->arena, t->n_cells, sizeof *list);
	told_rows(t, fields, ARRAY_LEN(fields), list, sizeof *list);
	for (size_t i = 0; i < t->n_cells; i++) {
		struct told_texts texts = { "", "" };

		if (!told_event(t, list[i].on, gone[i]))
			continue;
		if (rows[i] && told_texts(t, "SELECT substr(comment, 1, 4000), NULL FROM survey WHERE id = :id", rows[i],
		                          &texts, err) < 0)
			return err_in(err, "surveys");
		list[i].comment = texts.first;
		list[f->n_surveys++] = list[i];
	}
	f->surveys = f->n_surveys ? list : NULL;
	return 1;
}

int tell_events(struct telling *t, struct fact_account *f, struct err *err)
{
	int rc = tell_tickets(t, f, err);

	rc = rc > 0 ? tell_interactions(t, f, err) : rc;
	rc = rc > 0 ? tell_moves(t, f) : rc;
	return rc > 0 ? tell_surveys(t, f, err) : rc;
}

#include "facts_told.h"

/* Nothing was written: what a subject and a body of nothing make together. */
static const char no_text[] = ".\n";

static bool is_recent(const struct telling *t, int64_t on)
{
	return on > t->l->q->as_of - FACTS_TEXT_DAYS;
}

static int tell_tickets(struct telling *t, struct fact_account *f, struct err *err)
{
	size_t n;
	const int64_t *c = told_cells(t, PACK_TICKET, &n);
	struct fact_ticket *list;

	if (!n)
		return 1;
	if (!c)
		return 0;
	list = arena_array(t->l->arena, n, sizeof *list);
	for (size_t i = 0; i < n; i++) {
		struct fact_ticket *ticket = &list[f->n_tickets];
		struct told_texts texts = { no_text, "" };

		if (!told_event(t, c[TICKET_OPENED * n + i], c[TICKET_GONE * n + i]))
			continue;
		if (!is_recent(t, c[TICKET_OPENED * n + i]))
			texts.first = "";
		else if (c[TICKET_TEXT * n + i] &&
		         told_texts(t, "SELECT COALESCE(subject, '') || '.\n' || COALESCE(substr(body, 1, 4000), ''), subject "
		                    "FROM ticket WHERE id = :id", c[TICKET_TEXT * n + i], &texts, err) < 0)
			return err_in(err, "tickets");
		ticket->priority = told_word(t, c[TICKET_PRIORITY * n + i]);
		ticket->category = told_word(t, c[TICKET_CATEGORY * n + i]);
		ticket->text = texts.first;
		ticket->subject = texts.second;
		ticket->opened_on = (int32_t)c[TICKET_OPENED * n + i];
		ticket->closed_on = told_day(t, c[TICKET_CLOSED * n + i], false);
		ticket->replied_on = told_day(t, c[TICKET_REPLIED * n + i], false);
		/* asked when it is closed */
		ticket->satisfaction = ticket->closed_on == DAY_NONE ? -1 : c[TICKET_SATISFACTION * n + i];
		ticket->is_escalated = c[TICKET_ESCALATED * n + i] != 0;
		ticket->n_reopened = (int)c[TICKET_REOPENED * n + i];
		f->n_tickets++;
	}
	f->tickets = f->n_tickets ? list : NULL;
	return 1;
}

static int tell_interaction(struct telling *t, const int64_t *c, size_t n, size_t i, struct fact_interaction *x,
                            struct err *err)
{
	struct told_texts texts = { no_text, "" };

	if (!is_recent(t, c[INTERACTION_ON * n + i]))
		texts.first = "";
	else if (c[INTERACTION_TEXT * n + i] &&
	         told_texts(t, "SELECT COALESCE(subject, '') || '.\n' || COALESCE(substr(body, 1, 4000), ''), NULL "
	                    "FROM interaction WHERE id = :id", c[INTERACTION_TEXT * n + i], &texts, err) < 0)
		return err_in(err, "interactions");
	x->kind = told_word(t, c[INTERACTION_KIND * n + i]);
	x->direction = told_word(t, c[INTERACTION_DIRECTION * n + i]);
	x->person = told_word(t, c[INTERACTION_PERSON * n + i]);
	x->on = (int32_t)c[INTERACTION_ON * n + i];
	x->text = texts.first;
	x->was_put_off = c[INTERACTION_FLAGS * n + i] & INTERACTION_IS_PUT_OFF;
	return 0;
}

/* before: when they were heard of last before the day's rows begin. */
static int tell_interactions(struct telling *t, struct fact_account *f, int64_t before, struct err *err)
{
	size_t n;
	const int64_t *c = told_cells(t, PACK_INTERACTION, &n);
	struct fact_interaction *list = n ? arena_array(t->l->arena, n, sizeof *list) : NULL;
	bool was_heard = !t->l->base->sources[FACT_INTERACTION].is_known;

	if (n && !c)
		return 0;
	for (size_t i = 0; i < n; i++) {
		int64_t on = c[INTERACTION_ON * n + i], flags = c[INTERACTION_FLAGS * n + i];

		if (!told_event(t, on, c[INTERACTION_GONE * n + i])) {
			if (on < t->l->q->as_of && flags & INTERACTION_IS_HEARD && told_row(t, c[INTERACTION_GONE * n + i]))
				before = on;
			continue;
		}
		if (tell_interaction(t, c, n, i, &list[f->n_interactions], err) < 0)
			return -1;
		was_heard = was_heard || flags == INTERACTION_IS_HEARD;
		f->n_interactions++;
	}
	f->interactions = f->n_interactions ? list : NULL;
	f->heard_on = was_heard ? DAY_NONE : (int32_t)before;
	return 1;
}

static int tell_moves(struct telling *t, struct fact_account *f)
{
	size_t n;
	const int64_t *c = told_cells(t, PACK_MOVE, &n);

	if (n && !c)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (told_row(t, c[MOVE_GONE * n + i]))
			fact_days_add(&f->moved, t->l->q->as_of - (int32_t)c[MOVE_KNOWN * n + i]);
	return 1;
}

static int tell_surveys(struct telling *t, struct fact_account *f, struct err *err)
{
	size_t n;
	const int64_t *c = told_cells(t, PACK_SURVEY, &n);
	struct fact_survey *list;

	if (!n)
		return 1;
	if (!c)
		return 0;
	list = arena_array(t->l->arena, n, sizeof *list);
	for (size_t i = 0; i < n; i++) {
		struct told_texts texts = { "", "" };

		if (!told_event(t, c[SURVEY_ON * n + i], c[SURVEY_GONE * n + i]))
			continue;
		if (c[SURVEY_TEXT * n + i] && told_texts(t, "SELECT substr(comment, 1, 4000), NULL FROM survey WHERE id = :id",
		                                         c[SURVEY_TEXT * n + i], &texts, err) < 0)
			return err_in(err, "surveys");
		list[f->n_surveys++] = (struct fact_survey){ told_word(t, c[SURVEY_KIND * n + i]), texts.first,
			                                         c[SURVEY_SCORE * n + i], (int32_t)c[SURVEY_ON * n + i] };
	}
	f->surveys = f->n_surveys ? list : NULL;
	return 1;
}

int tell_events(struct telling *t, struct fact_account *f, struct err *err)
{
	int64_t before = PACK_NONE;
	int rc;

	if (t->pack->n[PACK_ACCOUNT] && !pack_column(t->pack, PACK_ACCOUNT, ACCOUNT_HEARD, &before))
		return 0;
	rc = tell_tickets(t, f, err);
	rc = rc > 0 ? tell_interactions(t, f, before, err) : rc;
	rc = rc > 0 ? tell_moves(t, f) : rc;
	return rc > 0 ? tell_surveys(t, f, err) : rc;
}

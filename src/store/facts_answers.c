#include <string.h>

#include "facts_parts.h"

/* What was said by the day and not taken back by then. */
static int load_not_owners(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT account_id, engine, owner_email, given_to FROM not_owner WHERE account_id BETWEEN :from AND :to"
		" AND said_on <= :day AND (withdrawn_on IS NULL OR withdrawn_on > :day) ORDER BY account_id, id");
	int rc;

	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_day(q, ":day", l->q->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		struct fact_account *f = place < 0 ? NULL : &l->out[place];
		struct fact_not_owner *list;

		if (!f)
			continue;
		list = arena_grow(l->arena, f->not_owners, f->n_not_owners, f->n_not_owners + 1, sizeof *list);
		list[f->n_not_owners++] = (struct fact_not_owner){ col_text_in(q, 1, l->arena), col_text_in(q, 2, l->arena),
			                                                 col_text_in(q, 3, l->arena) };
		f->not_owners = list;
	}
	return rc;
}

static int load_outcomes(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT account_id, kind, max(said_on) FROM told_outcome WHERE account_id BETWEEN :from AND :to"
		" AND said_on <= :day AND (withdrawn_on IS NULL OR withdrawn_on > :day) GROUP BY account_id, kind");
	int rc;

	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_day(q, ":day", l->q->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		ptrdiff_t place = loading_place(l, col_int(q, 0));

		if (place < 0)
			continue;
		if (strcmp(col_text(q, 1), "churn") == 0)
			l->out[place].told_lost_on = col_day(q, 2);
		else
			l->out[place].told_grown_on = col_day(q, 2);
	}
	return rc;
}

int facts_load_answers(struct loading *l, struct err *err)
{
	return load_not_owners(l, err) < 0 || load_outcomes(l, err) < 0 ? err_in(err, "answers") : 0;
}

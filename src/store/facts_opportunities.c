#include <stddef.h>
#include <string.h>

#include "facts_parts.h"

/* An opportunity that is closed now was open until it was closed: by its history, or else up to its closing day. What a
 * closed one says it was closed on was not known while it was open. */
static void decide_state(const struct loading *l, const struct history *h, int64_t id, bool is_closed, bool is_won,
                         int32_t close_on, struct fact_opportunity *o)
{
	bool is_told = history_find(h, id, "is_closed") != NULL;

	o->is_closed = history_int(h, id, "is_closed", is_closed, 0) != 0;
	o->close_on = history_day(h, id, "close_on", close_on);
	if (o->is_closed && !is_told && o->close_on != DAY_NONE && o->close_on > l->q->as_of)
		o->is_closed = false;
	if (!o->is_closed && is_closed && !history_find(h, id, "close_on"))
		o->close_on = DAY_NONE;
	o->is_won = o->is_closed && history_int(h, id, "is_won", is_won, 0) != 0;
}

int facts_load_opportunities(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT account_id, id, name, kind, currency, amount_minor, created_on, close_on, is_closed, is_won "
		"FROM opportunity WHERE account_id BETWEEN :from AND :to AND created_on BETWEEN :since AND :day "
		"AND (deleted_on IS NULL OR deleted_on > :day) ORDER BY account_id, created_on, id");
	struct rows rows = { .arena = l->arena, .size = sizeof(struct fact_opportunity) };
	struct history history;
	const struct history *h = &history;
	int rc;

	if (history_load(l->db, TRACKED_OPPORTUNITY, l->from_id, l->to_id, l->q->as_of, l->arena, &history, err) < 0)
		return -1;
	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_day(q, ":since", l->q->as_of - FACTS_DAYS + 1);
	bind_day(q, ":day", l->q->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 1);
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		struct fact_opportunity *o;

		if (place < 0)
			continue;
		o = rows_add(&rows, (size_t)place);
		o->name = loading_text(l, col_text(q, 2));
		o->kind = loading_text(l, col_text(q, 3));
		o->currency = loading_text(l, col_text(q, 4));
		o->amount_minor = history_int(h, id, "amount_minor", col_int(q, 5), 0);
		o->created_on = col_day(q, 6);
		decide_state(l, h, id, col_int(q, 8) != 0, col_int(q, 9) != 0, col_day(q, 7), o);
	}
	if (rc < 0)
		return err_in(err, "opportunities");
	rows_hand_out(&rows, l->out, offsetof(struct fact_account, opportunities),
	              offsetof(struct fact_account, n_opportunities));
	return 0;
}

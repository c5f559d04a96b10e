#include <stddef.h>

#include "facts_parts.h"

/* There are few of them: a range of accounts is looked for among all that hold. */
int facts_load_overrides(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT coalesce(a.main_id, a.id) AS account, o.engine, o.band, o.who, o.reason, o.made_on, o.until_on"
		" FROM band_override o JOIN account a ON a.id = o.account_id"
		" WHERE o.made_on <= :day AND o.until_on > :day AND (o.cleared_on IS NULL OR o.cleared_on > :day)"
		" AND coalesce(a.main_id, a.id) BETWEEN :from AND :to ORDER BY account, o.id");
	struct rows rows = { .arena = l->arena, .size = sizeof(struct fact_override) };
	int rc;

	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_day(q, ":day", l->q->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		struct fact_override *o;

		if (place < 0)
			continue;
		o = rows_add(&rows, (size_t)place);
		*o = (struct fact_override){ col_text_in(q, 1, l->arena), col_text_in(q, 3, l->arena),
			                         col_text_in(q, 4, l->arena), (int)col_int(q, 2), col_day(q, 5), col_day(q, 6) };
	}
	if (rc < 0)
		return err_in(err, "overrides");
	rows_hand_out(&rows, l->out, offsetof(struct fact_account, overrides), offsetof(struct fact_account, n_overrides));
	return 0;
}

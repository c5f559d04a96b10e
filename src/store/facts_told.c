#include "facts_told.h"

int told_open(struct telling *t, enum pack_section section)
{
	t->n_cells = t->pack->n[section];
	if (!t->n_cells)
		return 0;
	return pack_cells(t->pack, section, pack_n_columns(section), t->cells) ? 1 : -1;
}

void told_events_of(struct telling *t, bool is_of_day)
{
	int32_t as_of = t->l->q->as_of;

	t->as_of = as_of;
	t->after = is_of_day ? INT64_MIN : as_of - FACTS_DAYS;
	t->until = is_of_day ? INT64_MAX : as_of;
	t->gone_by = is_of_day ? INT64_MIN : as_of;
}

const int64_t *told_read(struct telling *t, struct told_slot *s, const struct pack_cells *c)
{
	size_t n = t->n_cells;

	if (n > s->cap) {
		s->cap = 2 * n;
		s->at = arena_array(t->l->arena, s->cap, sizeof *s->at);
	}
	s->n_alike = c->width ? 0 : n;
	pack_numbers(c, n, s->at);
	return s->at;
}

int told_texts(const struct telling *t, const char *sql, int64_t id, struct told_texts *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(t->l->db, sql);
	int rc;

	bind_int(q, ":id", id);
	rc = stmt_step(q, err);
	if (rc > 0)
		*out = (struct told_texts){ loading_text(t->l, col_text(q, 0)), loading_text(t->l, col_text(q, 1)) };
	return rc;
}

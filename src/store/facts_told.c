#include "facts_told.h"

const int64_t *told_cells(struct telling *t, enum pack_section section, size_t *out_n)
{
	size_t n = t->pack->n[section], n_cells = n * (size_t)pack_n_columns(section);

	if (n_cells > t->cells[section].cap) {
		t->cells[section].cap = 2 * n_cells;
		t->cells[section].at = arena_array(t->l->arena, t->cells[section].cap, sizeof *t->cells[section].at);
	}
	*out_n = n;
	return pack_columns(t->pack, section, t->cells[section].at) ? t->cells[section].at : NULL;
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

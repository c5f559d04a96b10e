#include "store/revenue.h"

#include "revenue_parts.h"

void revenue_loading_init(struct revenue_loading *l, struct db *db, const struct revenue_query *query, struct arena *a,
                          struct arena *scratch)
{
	l->db = db;
	l->query = query;
	l->arena = a;
	l->scratch = scratch;
	names_init(&l->names, a);
	names_init(&l->keys, scratch);
	l->default_currency = revenue_name(l, query->default_currency);
}

static int load_lines(struct revenue_loading *l, struct err *err)
{
	int rc = l->part ? 0 : revenue_kept_lines(l, err);

	return rc ? rc : revenue_load_lines(l, err);
}

int revenue_load_some(struct db *db, const struct revenue_query *query, const struct revenue_part *part,
                      struct arena *a, struct revenue *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new(0);
	struct revenue r = { .as_of = query->as_of };
	struct revenue_loading l = { .out = &r, .part = part };

	revenue_loading_init(&l, db, query, a, scratch);
	if (revenue_load_accounts(&l, err) < 0 || load_lines(&l, err) < 0 || revenue_load_dues(&l, err) < 0 ||
	    revenue_load_rates(&l, err) < 0)
		return err_in(err, "recurring revenue");
	r.names = l.names.at;
	r.n_names = l.names.n;
	*out = r;
	return 0;
}

int revenue_load(struct db *db, const struct revenue_query *query, struct arena *a, struct revenue *out,
                 struct err *err)
{
	return revenue_load_some(db, query, NULL, a, out, err);
}

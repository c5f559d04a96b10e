#include <stdlib.h>

#include "common/clock.h"
#include "store/revenue_part.h"

enum { FIRST_ROOM = 1024, MAX_STEPS = 64 /* as in score/book: deeper is a ring */ };

struct grouping {
	struct db *db;
	struct arena *arena;
	const struct revenue_groups_query *query;
	struct revenue_groups *out;
	int32_t *up; /* by index: the account right above, or -1 */
	bool is_joined;
};

int32_t revenue_groups_index(const struct revenue_groups *g, int64_t id)
{
	size_t low = 0, high = g->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (g->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < g->n && g->ids[low] == id ? (int32_t)low : -1;
}

static int read_ids(struct grouping *g, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(g->db, "SELECT id FROM account WHERE main_id IS NULL ORDER BY id");
	CLEANUP(stmt_donep) struct stmt *count = db_sql(g->db,
		"SELECT account_id, count(*) FROM subscription WHERE account_id IS NOT NULL GROUP BY account_id ORDER BY account_id");
	int64_t *ids = NULL;
	uint32_t *n_contracts;
	size_t n = 0, room = 0;
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		if (n == room) {
			room = room ? 2 * room : FIRST_ROOM;
			ids = arena_grow(g->arena, ids, n, room, sizeof *ids);
		}
		ids[n++] = col_int(q, 0);
	}
	n_contracts = arena_array(g->arena, n, sizeof *n_contracts);
	g->out->ids = ids;
	g->out->n = n;
	g->out->n_contracts = n_contracts;
	while (rc == 0 && (rc = stmt_step(count, err)) > 0) {
		int32_t at = revenue_groups_index(g->out, col_int(count, 0));

		if (at >= 0)
			n_contracts[at] = col_int(count, 1) > UINT32_MAX ? UINT32_MAX : (uint32_t)col_int(count, 1);
		rc = 0;
	}
	return rc;
}

static void join(struct grouping *g, int64_t id, int64_t above)
{
	int32_t at = revenue_groups_index(g->out, id);

	if (at < 0)
		return;
	g->up[at] = revenue_groups_index(g->out, above);
	g->is_joined = true;
}

static int read_parents(struct grouping *g, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(g->db, "SELECT id, parent_id FROM account WHERE parent_id IS NOT NULL");
	/* Where the parent changed, the one that was known on the day, by its key. */
	CLEANUP(stmt_donep) struct stmt *known = db_sql(g->db,
		"SELECT entity_id, (SELECT coalesce(p.main_id, p.id) FROM account c JOIN account p ON p.source_id = c.source_id"
		" AND p.source_key = k.value WHERE c.id = k.entity_id) FROM (SELECT entity_id, value, max(known_on) FROM history"
		" WHERE entity = 'account' AND field = 'parent_key' AND known_on <= :as_of GROUP BY entity_id) k");
	int rc = 0;

	while (g->query->is_rolled_up && (rc = stmt_step(q, err)) > 0)
		join(g, col_int(q, 0), col_int(q, 1));
	if (rc < 0 || !g->query->is_rolled_up)
		return rc;
	bind_int(known, ":as_of", g->query->as_of);
	while ((rc = stmt_step(known, err)) > 0)
		join(g, col_int(known, 0), col_is_null(known, 1) ? -1 : col_int(known, 1));
	return rc;
}

static int find_keyed(struct grouping *g, const char *key, int64_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(g->db, "SELECT min(id) FROM account WHERE main_id IS NULL AND source_key = :key");

	bind_text(q, ":key", key);
	if (stmt_step(q, err) < 0)
		return -1;
	*out = col_is_null(q, 0) ? -1 : col_int(q, 0);
	return 0;
}

static int read_joins(struct grouping *g, struct err *err)
{
	for (size_t i = 0; i < g->query->n_joins; i++) {
		int64_t from, into;

		if (find_keyed(g, g->query->joins[i].account, &from, err) < 0 ||
		    find_keyed(g, g->query->joins[i].into, &into, err) < 0)
			return -1;
		if (from >= 0 && into >= 0)
			join(g, from, into);
	}
	return 0;
}

/* By top, each of them with those under it, by id. */
static void put_in_order(struct grouping *g, const int32_t *tops)
{
	size_t n = g->out->n;
	uint32_t *next = arena_array(g->arena, n + 1, sizeof *next);
	int32_t *order = arena_array(g->arena, n, sizeof *order);

	for (size_t i = 0; i < n; i++)
		next[tops[i] + 1]++;
	for (size_t i = 0; i < n; i++)
		next[i + 1] += next[i];
	for (size_t i = 0; i < n; i++)
		order[next[tops[i]]++] = (int32_t)i;
	g->out->order = order;
}

static void find_tops(struct grouping *g)
{
	int32_t *tops = arena_array(g->arena, g->out->n, sizeof *tops);

	for (size_t i = 0; i < g->out->n; i++) {
		tops[i] = (int32_t)i;
		for (int k = 0; k < MAX_STEPS && g->up[tops[i]] >= 0; k++)
			tops[i] = g->up[tops[i]];
	}
	for (size_t i = 0; i < g->out->n; i++)
		g->out->is_ring = g->out->is_ring || g->up[tops[i]] >= 0;
	g->out->tops = tops;
	put_in_order(g, tops);
}

int revenue_groups_load(struct db *db, const struct revenue_groups_query *query, struct arena *a,
                        struct revenue_groups *out, struct err *err)
{
	struct revenue_groups all = { 0 };
	struct grouping g = { .db = db, .arena = a, .query = query, .out = &all };

	if (read_ids(&g, err) < 0)
		return err_in(err, "accounts");
	g.up = arena_array(a, all.n, sizeof *g.up);
	for (size_t i = 0; i < all.n; i++)
		g.up[i] = -1;
	if (read_parents(&g, err) < 0 || read_joins(&g, err) < 0)
		return err_in(err, "accounts");
	if (g.is_joined)
		find_tops(&g);
	*out = all;
	return 0;
}

int revenue_fits(struct db *db, size_t most, bool *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT (SELECT count(*) FROM (SELECT 1 FROM subscription LIMIT :most)) < :most"
		" AND (SELECT count(*) FROM (SELECT 1 FROM account LIMIT :most)) < :most");

	bind_int(q, ":most", (int64_t)most + 1);
	if (stmt_step(q, err) < 0)
		return -1;
	*out = col_int(q, 0) != 0;
	return 0;
}

int revenue_names_others(struct db *db, const char *currency, bool *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT EXISTS (SELECT 1 FROM subscription WHERE currency <> :own AND currency <> '')"
		" OR EXISTS (SELECT 1 FROM account WHERE currency <> :own AND currency <> '')"
		" OR EXISTS (SELECT 1 FROM history WHERE entity IN ('account', 'subscription') AND field = 'currency'"
		"  AND value <> :own AND value <> '')");

	bind_text(q, ":own", currency);
	if (stmt_step(q, err) < 0)
		return -1;
	*out = col_int(q, 0) != 0;
	return 0;
}

#include "store/revenue_part.h"

#include <stdlib.h>

#include "revenue_parts.h"
#include "store/record.h"

enum { FIRST_ROOM = 64 };

struct moves { struct revenue_moved *at; size_t n, room; };

static void add_move(struct moves *m, struct arena *a, struct revenue_moved x)
{
	if (m->n == m->room) {
		m->room = m->room ? 2 * m->room : FIRST_ROOM;
		m->at = arena_grow(a, m->at, m->n, m->room, sizeof *m->at);
	}
	m->at[m->n++] = x;
}

static int compare_moves(const void *left, const void *right)
{
	const struct revenue_moved *a = left, *b = right;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	return (a->contract > b->contract) - (a->contract < b->contract);
}

/* By the key that was known last; the same as for one contract, see revenue_lines. */
static int load_moved(struct db *db, int32_t as_of, struct arena *a, struct revenue_common *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT s.id, s.account_id, (SELECT coalesce(a.main_id, a.id) FROM account a"
		"  WHERE (s.account_by = :by_key AND a.source_id = s.source_id AND a.source_key = k.value)"
		"   OR (s.account_by = :by_external_id AND a.external_id = k.value) ORDER BY a.id LIMIT 1) AS was"
		" FROM (SELECT entity_id, value, max(known_on) FROM history WHERE entity = 'subscription'"
		"  AND field = 'account_key' AND known_on <= :as_of GROUP BY entity_id) k"
		" JOIN subscription s ON s.id = k.entity_id WHERE s.account_id IS NOT NULL AND k.value <> ''"
		" AND was IS NOT NULL AND was <> s.account_id");
	struct moves moves = { 0 };
	int rc;

	bind_int(q, ":as_of", as_of);
	bind_int(q, ":by_key", ACCOUNT_BY_KEY);
	bind_int(q, ":by_external_id", ACCOUNT_BY_EXTERNAL_ID);
	while ((rc = stmt_step(q, err)) > 0)
		add_move(&moves, a, (struct revenue_moved){ col_int(q, 2), col_int(q, 0), col_int(q, 1) });
	if (moves.n)
		qsort(moves.at, moves.n, sizeof *moves.at, compare_moves);
	out->moved = moves.at;
	out->n_moved = moves.n;
	return rc;
}

int revenue_common_load(struct db *db, const struct revenue_query *query, struct arena *a, struct revenue_common *out,
                        struct err *err)
{
	struct revenue_common c = { .query = *query };
	int64_t has_history;

	if (load_moved(db, query->as_of, a, &c, err) < 0 || revenue_load_payers(db, query->as_of, a, &c, err) < 0 ||
	    db_int(db, "SELECT EXISTS (SELECT 1 FROM history WHERE entity = 'subscription')", 0, &has_history, err) < 0)
		return err_in(err, "recurring revenue");
	c.has_history = has_history != 0;
	*out = c;
	return 0;
}

int revenue_load_part(struct db *db, const struct revenue_part *part, struct arena *a, struct revenue *out,
                      struct err *err)
{
	return revenue_load_some(db, &part->common->query, part, a, out, err);
}

#include "identity_parts.h"

#include <stdio.h>

#include "store/record.h"
#include "store/usage.h"

enum { BLOCK_MASK = (1 << 20) - 1, DAY_MASK = (1 << 20) - 1 };

/* links ------------------------------------------------------------------------------------------------------------ */

static int unlink_entity(struct db *db, const struct entity *e, struct err *err)
{
	static char sql[RECORD_MAX_FIELDS][256];
	size_t place = (size_t)(e - entities);
	CLEANUP(stmt_donep) struct stmt *q = NULL;

	if (!sql[place][0])
		(void)snprintf(sql[place], sizeof sql[place], "UPDATE %s SET account_id = NULL WHERE account_key IS NOT NULL "
		               "AND account_id IN (SELECT was_id FROM temp.identity_changed)", e->table);
	q = db_sql(db, sql[place]);
	return stmt_run(q, err);
}

int identity_unlink(struct db *db, struct err *err)
{
	for (const struct entity *e = entities; e->name; e++)
		if (e->table && e->has_account && unlink_entity(db, e, err) < 0)
			return -1;
	return 0;
}

/* usage ------------------------------------------------------------------------------------------------------------ */

/* An account that was by itself, and whose it is now. */
struct move {
	int64_t from, to;
};

struct moves {
	struct move *at; /* ascending by from */
	size_t n;
	struct arena *arena;
	/* of the block at hand */
	struct usage_cell *cells;
	size_t n_cells;
	int32_t metric;
	int64_t block;
};

static int read_moves(struct db *db, struct moves *m, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT account_id, now_id FROM temp.identity_changed "
	                                                "WHERE was_id = account_id ORDER BY account_id");
	size_t room = 0;
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		if (m->n == room) {
			room = room ? 2 * room : 64;
			m->at = arena_grow(m->arena, m->at, m->n, room, sizeof *m->at);
		}
		m->at[m->n++] = (struct move){ col_int(q, 0), col_int(q, 1) };
	}
	return rc;
}

/* The first that comes from an account of this number or a higher one. */
static size_t first_from(const struct moves *m, int64_t account)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->at[middle].from < account)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What the block has of the accounts that move. */
static void gather(void *context, int32_t day, const int64_t *values)
{
	struct moves *m = context;
	int64_t first = m->block * USAGE_BLOCK;

	for (size_t i = first_from(m, first); i < m->n && m->at[i].from < first + USAGE_BLOCK; i++) {
		int64_t value = values[m->at[i].from - first];

		if (value == USAGE_NONE)
			continue;
		m->cells[m->n_cells++] = (struct usage_cell){ m->metric, day, m->at[i].to, value };
		m->cells[m->n_cells++] = (struct usage_cell){ m->metric, day, m->at[i].from, USAGE_NONE };
	}
}

/* One after another: several accounts may move to one. */
static int put_cells(struct db *db, struct moves *m, struct err *err)
{
	for (size_t i = 0; i < m->n_cells; i++) {
		struct usage_cell *c = &m->cells[i];
		int64_t stored = USAGE_NONE;

		if (c->value != USAGE_NONE && usage_get(db, c->metric, c->day, c->account, &stored, err) < 0)
			return -1;
		if (stored != USAGE_NONE)
			c->value += stored;
		if (usage_put(db, c, 1, err) < 0)
			return -1;
	}
	m->n_cells = 0;
	return 0;
}

/* The blocks that there are, before any of them changes. */
static int read_blocks(struct db *db, struct arena *a, int64_t **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT id FROM usage_block");
	size_t room = 0;
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		if (*out_n == room) {
			room = room ? 2 * room : 1024;
			*out = arena_grow(a, *out, *out_n, room, sizeof **out);
		}
		(*out)[(*out_n)++] = col_int(q, 0);
	}
	return rc;
}

static int move_blocks(struct db *db, struct moves *m, struct err *err)
{
	int64_t *blocks = NULL;
	size_t n = 0;

	m->cells = arena_array(m->arena, (size_t)2 * USAGE_BLOCK, sizeof *m->cells);
	if (read_blocks(db, m->arena, &blocks, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int32_t day = (int32_t)(blocks[i] >> 20 & DAY_MASK);

		m->metric = (int32_t)(blocks[i] >> 40);
		m->block = blocks[i] & BLOCK_MASK;
		if (usage_walk(db, m->metric, m->block, day, day, gather, m, err) < 0 || put_cells(db, m, err) < 0)
			return -1;
	}
	return 0;
}

static int move_details(struct db *db, struct err *err)
{
	return db_run(db,
	              "INSERT INTO usage_detail (account_id, day, metric_id, contact_key, team, value) "
	              "SELECT c.now_id, d.day, d.metric_id, d.contact_key, d.team, sum(d.value) FROM usage_detail d "
	              "JOIN temp.identity_changed c ON c.account_id = d.account_id WHERE c.was_id = c.account_id "
	              "GROUP BY 1, 2, 3, 4, 5 ON CONFLICT (account_id, day, metric_id, contact_key, team) "
	              "DO UPDATE SET value = value + excluded.value; "
	              "DELETE FROM usage_detail WHERE account_id IN (SELECT account_id FROM temp.identity_changed "
	              "WHERE was_id = account_id)",
	              err);
}

int identity_move_usage(struct db *db, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct moves m = { .arena = a };

	if (read_moves(db, &m, err) < 0)
		return -1;
	if (m.n == 0)
		return 0;
	return move_blocks(db, &m, err) < 0 ? -1 : move_details(db, err);
}

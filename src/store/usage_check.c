#include "store/usage_check.h"

#include "usage_block.h"

/* Whether the rows of a block's large values are those that its wide cells stand for, and whole. 1 or 0. */
static int exceptions_are_whole(struct db *db, int64_t id, const uint8_t *data, size_t len, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT account_id, value, sum FROM usage_exception WHERE metric_id = :metric AND day = :day "
	               "AND account_id BETWEEN :first AND :last");
	int64_t first = (id & USAGE_MAX_BLOCK) * USAGE_BLOCK, metric = id >> 40, day = id >> 20 & USAGE_MAX_DAY;
	size_t n = 0, n_cells = len / USAGE_CELL_BYTES, n_stored = 0;
	int rc;

	for (size_t i = 0; i < n_cells; i++)
		n += usage_cell_at(data, (int)i) == USAGE_EXCEPTION;
	if (n == 0)
		return 1;
	bind_int(q, ":metric", metric);
	bind_int(q, ":day", day);
	bind_int(q, ":first", first);
	bind_int(q, ":last", first + USAGE_BLOCK - 1);
	for (; (rc = stmt_step(q, err)) == 1; n_stored++) {
		size_t place = (size_t)(col_int(q, 0) - first);

		if (place >= n_cells || usage_cell_at(data, (int)place) != USAGE_EXCEPTION ||
		    usage_exception_sum(metric, day, col_int(q, 0), col_int(q, 1)) != col_int(q, 2))
			return 0;
	}
	return rc < 0 ? -1 : n == n_stored;
}

/* Of the row that the statement is at. Returns 1 when it is what was written. */
static int is_whole(struct db *db, struct stmt *q, struct err *err)
{
	int64_t id = col_int(q, 0), width = col_int(q, 2);
	const uint8_t *data;
	size_t len;

	data = col_blob(q, 1, &len);
	if (!usage_block_is_whole(id, width, data, len, col_int(q, 3)))
		return 0;
	return width == USAGE_CELL_BYTES ? exceptions_are_whole(db, id, data, len, err) : 1;
}

/* Goes on behind a block until one that is damaged; *io_n: blocks looked at. Returns 1 with it, 0 at the end. */
static int next_damaged(struct db *db, int64_t *io_id, int64_t *io_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT id, data, width, sum FROM usage_block WHERE id > :id ORDER BY id");
	int rc, whole;

	bind_int(q, ":id", *io_id);
	while ((rc = stmt_step(q, err)) == 1) {
		whole = is_whole(db, q, err);
		++*io_n;
		if (whole == 1)
			continue;
		*io_id = col_int(q, 0);
		return whole < 0 ? -1 : 1;
	}
	return rc;
}

int usage_check(struct db *db, struct arena *a, struct usage_checked *out, struct err *err)
{
	struct usage_checked found = { .damaged = arena_array(a, USAGE_CHECK_NAMES, sizeof *found.damaged) };
	int64_t id = INT64_MIN;
	int rc;

	while ((rc = next_damaged(db, &id, &found.n_blocks, err)) == 1) {
		if (found.n_named < USAGE_CHECK_NAMES)
			found.damaged[found.n_named++] = usage_block_name(db, id, a);
		found.n_damaged++;
	}
	if (rc < 0)
		return err_in(err, "usage");
	*out = found;
	return 0;
}

static int drop_block(struct db *db, int64_t id, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *block = db_sql(db, "DELETE FROM usage_block WHERE id = :id");
	CLEANUP(stmt_donep) struct stmt *large =
		db_sql(db, "DELETE FROM usage_exception WHERE metric_id = :metric AND day = :day "
	               "AND account_id BETWEEN :first AND :last");
	int64_t first = (id & USAGE_MAX_BLOCK) * USAGE_BLOCK;

	bind_int(block, ":id", id);
	bind_int(large, ":metric", id >> 40);
	bind_int(large, ":day", id >> 20 & USAGE_MAX_DAY);
	bind_int(large, ":first", first);
	bind_int(large, ":last", first + USAGE_BLOCK - 1);
	return stmt_run(block, err) < 0 || stmt_run(large, err) < 0 ? -1 : 0;
}

int64_t usage_drop_damaged(struct db *db, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	int64_t id = INT64_MIN, n_blocks = 0, n = 0;
	int rc;

	if (txn_begin(&txn, db, err) < 0)
		return -1;
	for (; (rc = next_damaged(db, &id, &n_blocks, err)) == 1; n++)
		if (drop_block(db, id, err) < 0)
			return -1;
	return rc < 0 || txn_commit(&txn, err) < 0 ? -1 : n;
}

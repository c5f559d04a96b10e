#include "store/score_check.h"

#include "score_block.h"

/* Goes on behind a block until one that is damaged; *io_n: blocks looked at. Returns 1 with it, 0 at the end. */
static int next_damaged(struct db *db, int64_t *io_id, int64_t *io_n, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT id, n, config, sum, data FROM score_block WHERE id > :id ORDER BY id");
	int rc;

	bind_int(q, ":id", *io_id);
	while ((rc = stmt_step(q, err)) > 0) {
		struct score_block b = { .id = col_int(q, 0), .n = col_int(q, 1), .config = col_int(q, 2) };

		b.data = col_blob(q, 4, &b.len);
		++*io_n;
		if (score_block_is_whole(&b, col_int(q, 3)))
			continue;
		*io_id = b.id;
		return 1;
	}
	return rc;
}

int scores_check(struct db *db, struct arena *a, struct scores_checked *out, struct err *err)
{
	struct scores_checked found = { .damaged = arena_array(a, SCORE_CHECK_NAMES, sizeof *found.damaged) };
	int64_t id = INT64_MIN;
	int rc;

	while ((rc = next_damaged(db, &id, &found.n_blocks, err)) > 0) {
		if (found.n_named < SCORE_CHECK_NAMES)
			found.damaged[found.n_named++] = score_block_name(id, a);
		found.n_damaged++;
	}
	if (rc < 0)
		return err_in(err, "scores");
	*out = found;
	return 0;
}

static int drop(struct db *db, int64_t id, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM score_block WHERE id = :id");

	bind_int(q, ":id", id);
	return stmt_run(q, err);
}

int64_t scores_drop_damaged(struct db *db, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	int64_t id = INT64_MIN, n_blocks = 0, n = 0;
	int rc;

	if (txn_begin(&txn, db, err) < 0)
		return -1;
	for (; (rc = next_damaged(db, &id, &n_blocks, err)) > 0; n++)
		if (drop(db, id, err) < 0)
			return -1;
	return rc < 0 || txn_commit(&txn, err) < 0 ? -1 : n;
}

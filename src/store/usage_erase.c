#include "store/usage_erase.h"

#include <string.h>

#include "usage_block.h"

/* cells ------------------------------------------------------------------------------------------------------------ */

struct range {
	int32_t metric, from, to; /* days that have any block */
};

static int read_ranges(struct db *db, struct arena *a, struct range **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT id, (SELECT min(b.id) >> 20 & 1048575 FROM usage_block b WHERE b.id >= m.id << 40), "
	               "(SELECT max(b.id) >> 20 & 1048575 FROM usage_block b WHERE b.id < (m.id + 1) << 40) FROM metric m "
	               "WHERE EXISTS (SELECT 1 FROM usage_block b WHERE b.id BETWEEN m.id << 40 AND ((m.id + 1) << 40) - 1)");
	struct range *ranges = NULL;
	size_t n = 0, room = 0;
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		if (n == room) {
			room = room ? 2 * room : 16;
			ranges = arena_grow(a, ranges, n, room, sizeof *ranges);
		}
		ranges[n++] = (struct range){ (int32_t)col_int(q, 0), (int32_t)col_int(q, 1), (int32_t)col_int(q, 2) };
	}
	*out = ranges;
	*out_n = n;
	return rc;
}

static int erase_cell(struct db *db, int32_t metric, int32_t day, int64_t account, struct err *err)
{
	const struct usage_cell none = { metric, day, account, USAGE_NONE };
	int64_t block = account / USAGE_BLOCK;
	uint8_t cells[USAGE_BLOCK_BYTES];
	int rc = usage_block_load(db, metric, day, block, cells, err);

	if (rc <= 0)
		return rc;
	rc = usage_cell_put(db, cells, &none, err);
	return rc > 0 && usage_block_save(db, metric, day, block, cells, err) < 0 ? -1 : rc;
}

static int64_t erase_cells(struct db *db, int64_t account, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct range *ranges;
	size_t n_ranges;
	int64_t n = 0;

	if (read_ranges(db, a, &ranges, &n_ranges, err) < 0)
		return -1;
	for (size_t i = 0; i < n_ranges; i++)
		for (int32_t day = ranges[i].from; day <= ranges[i].to; day++) {
			int rc = erase_cell(db, ranges[i].metric, day, account, err);

			if (rc < 0)
				return -1;
			n += rc;
		}
	return n;
}

/* what it was counted in ------------------------------------------------------------------------------------------- */

struct counted {
	int64_t source, day, metric;
	const char *stream;
	uint8_t *accounts;
	size_t len;
};

static int read_counted(struct db *db, int64_t account, struct arena *a, struct counted **out, size_t *out_n,
                        struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT source_id, stream, day, metric_id, accounts FROM usage_counted WHERE block = :block");
	size_t place = (size_t)(account % USAGE_BLOCK), n = 0, room = 0;
	struct counted *all = NULL;
	int rc;

	bind_int(q, ":block", account / USAGE_BLOCK);
	while ((rc = stmt_step(q, err)) == 1) {
		size_t len;
		const uint8_t *accounts = col_blob(q, 4, &len);

		if (len <= place / 8 || !(accounts[place / 8] >> place % 8 & 1))
			continue;
		if (n == room) {
			room = room ? 2 * room : 64;
			all = arena_grow(a, all, n, room, sizeof *all);
		}
		all[n] = (struct counted){ col_int(q, 0), col_int(q, 2), col_int(q, 3), col_text_in(q, 1, a),
			                       arena_memdup(a, accounts, len), len };
		all[n++].accounts[place / 8] &= (uint8_t)~(1u << place % 8);
	}
	*out = all;
	*out_n = n;
	return rc;
}

static int save_counted(struct db *db, const struct counted *c, int64_t block, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "UPDATE usage_counted SET accounts = :accounts WHERE source_id = :source AND stream = :stream "
	               "AND day = :day AND metric_id = :metric AND block = :block");

	bind_blob(q, ":accounts", c->accounts, c->len);
	bind_int(q, ":source", c->source);
	bind_text(q, ":stream", c->stream);
	bind_int(q, ":day", c->day);
	bind_int(q, ":metric", c->metric);
	bind_int(q, ":block", block);
	return stmt_run(q, err);
}

static int erase_counted(struct db *db, int64_t account, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct counted *all;
	size_t n;

	if (read_counted(db, account, a, &all, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (save_counted(db, &all[i], account / USAGE_BLOCK, err) < 0)
			return -1;
	return 0;
}

int64_t usage_erase(struct db *db, int64_t account, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM usage_detail WHERE account_id = :account");
	int64_t n;

	bind_int(q, ":account", account);
	if (stmt_run(q, err) < 0)
		return err_in(err, "usage of account %lld", (long long)account);
	n = erase_cells(db, account, err);
	if (n < 0 || erase_counted(db, account, err) < 0)
		return err_in(err, "usage of account %lld", (long long)account);
	return n;
}

#include "usage_block.h"

#include <endian.h>
#include <string.h>

#include "common/attr.h"
#include "common/clock.h"

/* checksum --------------------------------------------------------------------------------------------------------- */

/* Four words at once, in one register or in two; compilers left to it themselves reach a third of the speed. */
typedef uint64_t quad __attribute__((vector_size(32)));
enum { LANES = 4, STRIPE = (int)sizeof(quad) };

/* Of the lower and the upper halves of the words in each lane: the sum, and the sum of the sums so far, which tells the
 * order. A block is far too short for any of them to run over. */
struct lanes {
	quad low, low_order, high, high_order;
};

FOR_VECTORS static void add_stripes(struct lanes *io, const uint8_t *data, size_t n)
{
	struct lanes sums = *io;

	for (size_t i = 0; i < n; i++) {
		quad words;

		memcpy(&words, data + i * STRIPE, sizeof words);
		for (int k = 0; k < LANES; k++)
			words[k] = le64toh(words[k]);
		sums.low += words & UINT32_MAX;
		sums.high += words >> 32;
		sums.low_order += sums.low;
		sums.high_order += sums.high;
	}
	*io = sums;
}

/* Each step takes two different inputs to two different outputs, so that what changes one lane changes the end. */
static uint64_t stir(uint64_t state, uint64_t word)
{
	state = (state ^ word) * 0x9E3779B97F4A7C15u;
	return state ^ state >> 32;
}

int64_t usage_block_sum(int64_t id, int width, const uint8_t *data, size_t len)
{
	size_t n_whole = len / STRIPE, rest = len % STRIPE;
	uint64_t state = stir(stir((uint64_t)width, (uint64_t)id), len);
	uint8_t last[STRIPE] = { 0 };
	struct lanes lanes = { 0 };
	int64_t sum;

	add_stripes(&lanes, data, n_whole);
	if (rest)
		memcpy(last, data + n_whole * STRIPE, rest);
	add_stripes(&lanes, last, 1);
	for (int i = 0; i < LANES; i++) {
		state = stir(stir(state, lanes.low[i]), lanes.low_order[i]);
		state = stir(stir(state, lanes.high[i]), lanes.high_order[i]);
	}
	memcpy(&sum, &state, sizeof sum);
	return sum;
}

int64_t usage_exception_sum(int64_t metric, int64_t day, int64_t account, int64_t value)
{
	uint64_t state = stir(stir((uint64_t)metric, (uint64_t)day), (uint64_t)account);

	return (int64_t)(stir(state, (uint64_t)value) & INT32_MAX);
}

/* reading ---------------------------------------------------------------------------------------------------------- */

int64_t usage_block_id(int32_t metric, int32_t day, int64_t block)
{
	return (int64_t)metric << 40 | (int64_t)day << 20 | block;
}

const char *usage_block_name(struct db *db, int64_t id, struct arena *a)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT name FROM metric WHERE id = :id");
	int32_t metric = (int32_t)(id >> 40), day = (int32_t)(id >> 20 & USAGE_MAX_DAY);
	int64_t first = (id & USAGE_MAX_BLOCK) * USAGE_BLOCK;
	const char *name = NULL;
	struct err err;

	bind_int(q, ":id", metric);
	if (stmt_step(q, &err) > 0)
		name = col_text(q, 0);
	return arena_printf(a, "usage of %s on %s, accounts %lld to %lld (block %lld)",
	                    name ? name : arena_printf(a, "metric %d", metric), day_text(a, day), (long long)first,
	                    (long long)(first + USAGE_BLOCK - 1), (long long)id);
}

static int damaged(struct db *db, int64_t id, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	return err_set(err, ERR_FATAL, "%s: what is stored is damaged; see retaind help check",
	               usage_block_name(db, id, a));
}

bool usage_block_is_whole(int64_t id, int64_t width, const uint8_t *data, size_t len, int64_t sum)
{
	return width >= 1 && width <= USAGE_CELL_BYTES && len > 0 && len % (size_t)width == 0 &&
	       len / (size_t)width <= USAGE_BLOCK && usage_block_sum(id, (int)width, data, len) == sum;
}

/* One byte a cell becomes two. */
static void widen(uint8_t *restrict out, const uint8_t *restrict narrow, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t cell = htole16(narrow[i]);

		memcpy(out + USAGE_CELL_BYTES * i, &cell, sizeof cell);
	}
}

int usage_block_unpack(uint8_t *out, const uint8_t *data, int64_t width, size_t len)
{
	size_t n = len / (size_t)width;

	if (width == 1)
		widen(out, data, n);
	else
		memcpy(out, data, len);
	memset(out + USAGE_CELL_BYTES * n, 0, USAGE_BLOCK_BYTES - USAGE_CELL_BYTES * n);
	return (int)(USAGE_CELL_BYTES * n);
}

/* The stored bytes of a block, for as long as q is. */
static int find(struct stmt *q, struct db *db, int64_t id, const uint8_t **out, int64_t *width, size_t *len,
                struct err *err)
{
	int rc;

	bind_int(q, ":id", id);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc;
	*out = col_blob(q, 0, len);
	*width = col_int(q, 1);
	return usage_block_is_whole(id, *width, *out, *len, col_int(q, 2)) ? 1 : damaged(db, id, err);
}

#define FIND "SELECT data, width, sum FROM usage_block WHERE id = :id"

int usage_block_load(struct db *db, int32_t metric, int32_t day, int64_t block, uint8_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, FIND);
	const uint8_t *data;
	int64_t width;
	size_t len;
	int rc = find(q, db, usage_block_id(metric, day, block), &data, &width, &len, err);

	return rc <= 0 ? rc : usage_block_unpack(out, data, width, len);
}

int usage_block_load_part(struct db *db, int32_t metric, int32_t day, int64_t block, size_t first, size_t n,
                          uint8_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, FIND);
	const uint8_t *data;
	int64_t width;
	size_t len, have;
	int rc = find(q, db, usage_block_id(metric, day, block), &data, &width, &len, err);

	if (rc <= 0)
		return rc;
	have = len / (size_t)width;
	have = have <= first ? 0 : have - first < n ? have - first : n;
	if (width == 1)
		widen(out, data + first, have);
	else if (have)
		memcpy(out, data + USAGE_CELL_BYTES * first, USAGE_CELL_BYTES * have);
	memset(out + USAGE_CELL_BYTES * have, 0, USAGE_CELL_BYTES * (n - have));
	return 1;
}

/* writing ---------------------------------------------------------------------------------------------------------- */

static bool is_narrow(const uint8_t *cells, size_t n)
{
	uint8_t bits = 0;

	for (size_t i = 0; i < n; i++)
		bits |= cells[USAGE_CELL_BYTES * i + 1];
	return bits == 0;
}

static void narrow(uint8_t *restrict out, const uint8_t *restrict cells, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = cells[USAGE_CELL_BYTES * i];
}

static int block_delete(struct db *db, int64_t id, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM usage_block WHERE id = :id");

	bind_int(q, ":id", id);
	return stmt_run(q, err);
}

int usage_block_save(struct db *db, int32_t metric, int32_t day, int64_t block, const uint8_t *cells, struct err *err)
{
	int64_t id = usage_block_id(metric, day, block);
	CLEANUP(stmt_donep) struct stmt *q = NULL;
	uint8_t bytes[USAGE_BLOCK];
	size_t n = USAGE_BLOCK;
	int width;

	while (n && usage_cell_at(cells, (int)n - 1) == 0)
		n--;
	if (n == 0)
		return block_delete(db, id, err);
	width = is_narrow(cells, n) ? 1 : USAGE_CELL_BYTES;
	if (width == 1)
		narrow(bytes, cells, n);
	q = db_sql(db, "INSERT INTO usage_block (id, data, width, sum) VALUES (:id, :data, :width, :sum) "
	               "ON CONFLICT (id) DO UPDATE SET data = excluded.data, width = excluded.width, sum = excluded.sum");
	bind_int(q, ":id", id);
	bind_blob(q, ":data", width == 1 ? bytes : cells, n * (size_t)width);
	bind_int(q, ":width", width);
	bind_int(q, ":sum", usage_block_sum(id, width, width == 1 ? bytes : cells, n * (size_t)width));
	return stmt_run(q, err);
}

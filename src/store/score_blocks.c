#include "score_blocks.h"

#include <math.h>
#include <string.h>

#include "score_block.h"

enum { NO_BLOCK = -1, MAX_NEAR_BYTES = 1 << 30 };

struct score_blocks {
	struct db *db;
	int32_t day;
	int64_t config;
	int64_t block;    /* that is being packed; NO_BLOCK before the first */
	int64_t free_id;  /* the first one behind what was written */
	struct score_packing packing;
	struct buf bytes;
	struct buf near[2][SCORE_POINTS]; /* of both engines: who is in a band, by whole points of the score */
};

static void free_bytes(void *thing)
{
	struct score_blocks *b = thing;

	buf_done(&b->bytes);
	for (int i = 0; i < 2; i++)
		for (int points = 0; points < SCORE_POINTS; points++)
			buf_done(&b->near[i][points]);
}

struct score_blocks *score_blocks_begin(struct db *db, int32_t day, int64_t config, struct arena *a, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM score_row WHERE day = :day");
	struct score_blocks *b;

	bind_day(q, ":day", day);
	if (stmt_run(q, err) < 0)
		return NULL;
	b = arena_alloc(a, sizeof *b);
	b->db = db;
	b->day = day;
	b->config = config;
	b->block = NO_BLOCK;
	b->free_id = score_block_id(day, 0);
	b->packing.n = b->packing.n_confidences = b->packing.n_currencies = 0;
	buf_init(&b->bytes, MAX_NEAR_BYTES);
	for (int i = 0; i < 2; i++)
		for (int points = 0; points < SCORE_POINTS; points++)
			buf_init(&b->near[i][points], MAX_NEAR_BYTES);
	arena_on_free(a, free_bytes, b);
	return b;
}

/* What could not be packed. */
static int put_row(const struct score_blocks *b, const struct score_row *s, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(b->db, "INSERT INTO score_row (day, account_id, risk, readiness, confidence, risk_band, "
	                               "readiness_band, risk_band_since, readiness_band_since, value_minor, currency, config) "
	                               "VALUES (:day, :account, :risk, :readiness, :confidence, :risk_band, :readiness_band, "
	                               ":risk_since, :readiness_since, :value, :currency, :config)");

	bind_day(q, ":day", b->day);
	bind_int(q, ":account", s->account);
	bind_real(q, ":risk", s->risk < 0 ? NAN : s->risk); /* which SQLite keeps as NULL */
	bind_real(q, ":readiness", s->readiness < 0 ? NAN : s->readiness);
	bind_real(q, ":confidence", s->confidence);
	bind_int(q, ":risk_band", s->risk_band);
	bind_int(q, ":readiness_band", s->readiness_band);
	bind_day(q, ":risk_since", s->risk_band_since);
	bind_day(q, ":readiness_since", s->readiness_band_since);
	bind_int(q, ":value", s->value_minor);
	bind_text(q, ":currency", s->currency);
	bind_int(q, ":config", b->config);
	return stmt_run(q, err);
}

/* Takes back what lies between what was written last and an id. */
static int drop_to(struct score_blocks *b, int64_t id, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(b->db, "DELETE FROM score_block WHERE id >= :from AND id < :to");

	if (b->free_id >= id)
		return 0;
	bind_int(q, ":from", b->free_id);
	bind_int(q, ":to", id);
	b->free_id = id;
	return stmt_run(q, err);
}

static void bind_block(struct stmt *q, const struct score_block *b)
{
	bind_int(q, ":id", b->id);
	bind_int(q, ":n", b->n);
	bind_int(q, ":config", b->config);
	bind_int(q, ":sum", score_block_sum(b));
	bind_blob(q, ":data", b->data, b->len);
}

/* 1: the same bytes are there. */
static int is_there(struct db *db, const struct score_block *b, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT 1 FROM score_block WHERE id = :id AND n = :n AND config = :config AND "
	                            "sum = :sum AND data = :data");

	bind_block(q, b);
	return stmt_step(q, err);
}

/* n: accounts, of which data has the bytes; none: no row. */
static int write_block(struct score_blocks *b, int64_t id, size_t n, const struct buf *data, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(b->db, "REPLACE INTO score_block (id, n, config, sum, data) VALUES (:id, :n, :config, "
	                               ":sum, :data)");
	const struct score_block block = { id, (int64_t)n, b->config, (const uint8_t *)data->at, data->len };
	int rc;

	if (data->is_full)
		return err_set(err, ERR_FATAL, "more accounts in a band than can be stored");
	if (n == 0)
		return 0;
	rc = drop_to(b, id, err) < 0 ? -1 : is_there(b->db, &block, err);
	b->free_id = id + 1;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	bind_block(q, &block);
	return stmt_run(q, err);
}

static int write_packed(struct score_blocks *b, struct err *err)
{
	struct score_packing *p = &b->packing;
	int rc;

	if (p->n == 0)
		return 0;
	buf_reset(&b->bytes);
	score_pack_end(p, &b->bytes);
	rc = write_block(b, score_block_id(b->day, b->block), p->n, &b->bytes, err);
	p->n = p->n_confidences = p->n_currencies = 0;
	return rc;
}

int score_blocks_put(struct score_blocks *b, const struct score_row *s, struct err *err)
{
	int64_t block = s->account / SCORE_BLOCK;

	if (block != b->block && write_packed(b, err) < 0)
		return -1;
	b->block = block;
	if (!score_pack_add(&b->packing, s))
		return put_row(b, s, err);
	if (s->risk_band > 0 && s->risk >= 0)
		score_near_add(&b->near[0][(int)s->risk], s->risk, s->account);
	if (s->readiness_band > 0 && s->readiness >= 0)
		score_near_add(&b->near[1][(int)s->readiness], s->readiness, s->account);
	return 0;
}

int score_blocks_end(struct score_blocks *b, struct err *err)
{
	if (write_packed(b, err) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		for (int points = 0; points < SCORE_POINTS; points++) {
			const struct buf *near = &b->near[i][points];

			if (write_block(b, score_near_id(b->day, i, points), near->len / SCORE_NEAR_BYTES, near, err) < 0)
				return -1;
		}
	return drop_to(b, score_block_id(b->day + 1, 0), err);
}

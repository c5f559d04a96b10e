#include <stdlib.h>
#include <string.h>

#include "score_block.h"
#include "scored_days.h"

struct rows { struct arena *arena; struct score_row *at; size_t n, cap; };

static struct score_row *add_row(struct rows *r)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->at = arena_grow(r->arena, r->at, r->n, r->cap, sizeof *r->at);
	}
	return &r->at[r->n++];
}

/* Currency and configuration are the same for nearly all. */
static const char *same_text(const char *before, const char *text, size_t len, struct arena *a)
{
	if (before && text && strncmp(before, text, len) == 0 && before[len] == '\0')
		return before;
	return text ? arena_strndup(a, text, len) : NULL;
}

static const char *same_column(const char *before, struct stmt *q, int column, struct arena *a)
{
	const char *text = col_text(q, column);

	return same_text(before, text, text ? strlen(text) : 0, a);
}

#define SCORE_COLUMNS \
	"account_id, day, risk, readiness, confidence, risk_band, readiness_band, risk_band_since, readiness_band_since, " \
	"value_minor, currency, coalesce((SELECT hash FROM config_seen WHERE id = config), config)"

/* The columns of score_row, in the order of SCORE_COLUMNS. */
static int read_rows(struct stmt *q, struct rows *rows, struct err *err)
{
	const char *currency = NULL, *config = NULL;
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		currency = same_column(currency, q, 10, rows->arena);
		config = same_column(config, q, 11, rows->arena);
		*add_row(rows) = (struct score_row){
			.account = col_int(q, 0), .day = col_day(q, 1),
			.risk = col_is_null(q, 2) ? -1 : col_real(q, 2), .readiness = col_is_null(q, 3) ? -1 : col_real(q, 3),
			.confidence = col_real(q, 4), .risk_band = (int)col_int(q, 5), .readiness_band = (int)col_int(q, 6),
			.risk_band_since = col_day(q, 7), .readiness_band_since = col_day(q, 8), .value_minor = col_int(q, 9),
			.currency = currency, .config_hash = config,
		};
	}
	return rc < 0 ? -1 : 0;
}

static int read_row_range(struct db *db, int32_t day, int64_t from, int64_t to, struct rows *rows, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT " SCORE_COLUMNS " FROM score_row WHERE day = :day AND account_id BETWEEN :from "
	                            "AND :to ORDER BY account_id");

	bind_day(q, ":day", day);
	bind_int(q, ":from", from);
	bind_int(q, ":to", to);
	return read_rows(q, rows, err);
}

/* Those of a block that lie in the range. */
static void add_block(const struct score_block *b, const char *config, int64_t from, int64_t to, struct rows *rows)
{
	const char *currency = NULL;

	for (size_t i = score_block_from(b, from); i < (size_t)b->n && score_block_account(b, i) <= to; i++) {
		struct score_row *row = add_row(rows);

		currency = same_text(currency, score_block_get(b, i, row), SCORE_CURRENCY, rows->arena);
		row->currency = currency;
		row->config_hash = config;
	}
}

static int read_blocks(struct db *db, int32_t day, int64_t from, int64_t to, struct rows *rows, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT id, n, data, sum, coalesce((SELECT hash FROM config_seen WHERE id = config), "
	                            "config), config FROM score_block WHERE id BETWEEN :from AND :to ORDER BY id");
	const char *config = NULL;
	int rc;

	bind_int(q, ":from", score_block_id(day, from / SCORE_BLOCK));
	bind_int(q, ":to", score_block_id(day, (to < SCORE_MAX_ACCOUNT ? to : SCORE_MAX_ACCOUNT) / SCORE_BLOCK));
	while ((rc = stmt_step(q, err)) > 0) {
		struct score_block b = { .id = col_int(q, 0), .n = col_int(q, 1), .config = col_int(q, 5) };

		b.data = col_blob(q, 2, &b.len);
		if (!score_block_is_whole(&b, col_int(q, 3)))
			return err_set(err, ERR_FATAL, "block %lld is damaged", (long long)b.id);
		config = same_column(config, q, 4, rows->arena);
		add_block(&b, config, from, to, rows);
	}
	return rc;
}

static int by_account(const void *left, const void *right)
{
	const struct score_row *a = left, *b = right;

	return (a->account > b->account) - (a->account < b->account);
}

/* NULL: no such day. */
static int last_scored(struct db *db, int32_t oldest, int32_t before, int32_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT " LAST_SCORED(":oldest", ":before"));

	bind_day(q, ":oldest", oldest);
	bind_day(q, ":before", before);
	if (stmt_step(q, err) < 0)
		return -1;
	*out = col_day(q, 0);
	return 0;
}

int scores_before(struct db *db, int64_t from_account, int64_t to_account, int32_t oldest, int32_t before,
                  struct arena *a, const struct score_row **out, size_t *out_n, struct err *err)
{
	struct rows rows = { .arena = a };
	size_t n_rows;
	int32_t day;

	if (last_scored(db, oldest, before, &day, err) < 0)
		return err_in(err, "scores");
	if (day != DAY_NONE && read_row_range(db, day, from_account, to_account, &rows, err) < 0)
		return err_in(err, "scores");
	n_rows = rows.n;
	if (day != DAY_NONE && read_blocks(db, day, from_account, to_account, &rows, err) < 0)
		return err_in(err, "scores");
	if (n_rows > 0 && rows.n > n_rows)
		qsort(rows.at, rows.n, sizeof *rows.at, by_account);
	*out = rows.at;
	*out_n = rows.n;
	return 0;
}

int score_before(struct db *db, int64_t account, int32_t oldest, int32_t before, struct arena *a,
                 const struct score_row **out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		SCORED_DAYS "SELECT " SCORE_COLUMNS " FROM scored CROSS JOIN scores USING (day) WHERE account_id = :account "
		"LIMIT 1");
	struct rows rows = { .arena = a };

	bind_day(q, ":oldest", oldest);
	bind_day(q, ":before", before);
	bind_int(q, ":account", account);
	if (read_rows(q, &rows, err) < 0)
		return err_in(err, "scores");
	*out = rows.at;
	return 0;
}

int scores_last_day(struct db *db, int32_t *out, struct err *err)
{
	return last_scored(db, 0, INT32_MAX, out, err) < 0 ? err_in(err, "scores") : 0;
}

int scores_any(struct db *db, int32_t oldest, int32_t before, bool *out, struct err *err)
{
	int32_t day;

	if (last_scored(db, oldest, before, &day, err) < 0)
		return err_in(err, "scores");
	*out = day != DAY_NONE;
	return 0;
}

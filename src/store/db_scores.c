#include "db_scores.h"

#include <string.h>

#include "score_block.h"

enum { COLUMN_DAY, COLUMN_ACCOUNT, COLUMN_RISK, COLUMN_READINESS, COLUMN_CONFIDENCE, COLUMN_RISK_BAND,
	   COLUMN_READINESS_BAND, COLUMN_RISK_SINCE, COLUMN_READINESS_SINCE, COLUMN_VALUE, COLUMN_CURRENCY, COLUMN_CONFIG };

/* Statements are handed from one look-up to the next. */
struct scores_statements { sqlite3_stmt *block, *row; };

struct scores_table {
	sqlite3_vtab base;
	sqlite3 *handle;
	struct scores_statements kept;
};

struct scores_lookup {
	sqlite3_vtab_cursor base;
	struct scores_statements q;
	struct score_block block;  /* that the statement stands on; without data: on none */
	bool is_over, is_row;      /* is_row: of score_row */
	struct score_row score;
	const char *currency;
};

static int finalize(struct scores_statements *q)
{
	(void)sqlite3_finalize(q->block);
	(void)sqlite3_finalize(q->row);
	*q = (struct scores_statements){ 0 };
	return SQLITE_OK;
}

static int table_connect(sqlite3 *handle, void *context, int n, const char *const *arguments, sqlite3_vtab **out,
                         char **error)
{
	struct scores_table *t;
	int rc = sqlite3_declare_vtab(handle, "CREATE TABLE x (day INTEGER, account_id INTEGER, risk REAL, readiness REAL, "
	                                      "confidence REAL, risk_band INTEGER, readiness_band INTEGER, risk_band_since "
	                                      "INTEGER, readiness_band_since INTEGER, value_minor INTEGER, currency TEXT, "
	                                      "config)");

	(void)context;
	(void)n;
	(void)arguments;
	(void)error;
	if (rc != SQLITE_OK)
		return rc;
	t = sqlite3_malloc(sizeof *t);
	if (!t)
		return SQLITE_NOMEM;
	*t = (struct scores_table){ .handle = handle };
	*out = &t->base;
	return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *table)
{
	(void)finalize(&((struct scores_table *)table)->kept);
	sqlite3_free(table);
	return SQLITE_OK;
}

/* A day and an account are the only way in; the view score_day gives all there is. */
static int table_plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
	bool has[2] = { false, false };

	(void)table;
	for (int i = 0; i < info->nConstraint; i++) {
		int column = info->aConstraint[i].iColumn;

		if (!info->aConstraint[i].usable || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ ||
		    column < COLUMN_DAY || column > COLUMN_ACCOUNT || has[column])
			continue;
		has[column] = true;
		info->aConstraintUsage[i].argvIndex = column + 1;
		info->aConstraintUsage[i].omit = 1;
	}
	info->estimatedCost = 10;
	info->estimatedRows = 1;
	info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
	return has[0] && has[1] ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int lookup_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
	struct scores_lookup *l = sqlite3_malloc(sizeof *l);
	struct scores_table *t = (struct scores_table *)table;

	if (!l)
		return SQLITE_NOMEM;
	*l = (struct scores_lookup){ .q = t->kept, .is_over = true };
	t->kept = (struct scores_statements){ 0 };
	*out = &l->base;
	return SQLITE_OK;
}

static int lookup_close(sqlite3_vtab_cursor *cursor)
{
	struct scores_lookup *l = (struct scores_lookup *)cursor;
	struct scores_table *t = (struct scores_table *)cursor->pVtab;

	(void)sqlite3_reset(l->q.block);
	(void)sqlite3_reset(l->q.row);
	(void)finalize(&t->kept);
	t->kept = l->q;
	sqlite3_free(l);
	return SQLITE_OK;
}

static int prepare(struct scores_lookup *l)
{
	static const char block[] = "SELECT n, config, sum, data FROM score_block WHERE id = :id";
	static const char row[] = "SELECT day, account_id, risk, readiness, confidence, risk_band, readiness_band, "
							  "risk_band_since, readiness_band_since, value_minor, currency, config FROM score_row "
							  "WHERE day = :day AND account_id = :account";
	sqlite3 *handle = ((struct scores_table *)l->base.pVtab)->handle;
	int rc = l->q.block ? SQLITE_OK : sqlite3_prepare_v2(handle, block, -1, &l->q.block, NULL);

	return rc != SQLITE_OK || l->q.row ? rc : sqlite3_prepare_v2(handle, row, -1, &l->q.row, NULL);
}

/* Stands on the block then, if there is one, until another is asked for. */
static int find_block(struct scores_lookup *l, int64_t id)
{
	sqlite3_stmt *q = l->q.block;
	int rc;

	if (l->block.data && l->block.id == id)
		return SQLITE_OK;
	l->block.data = NULL;
	(void)sqlite3_reset(q);
	(void)sqlite3_bind_int64(q, 1, id);
	rc = sqlite3_step(q);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? sqlite3_reset(q) : rc;
	l->block = (struct score_block){ id, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
		                             sqlite3_column_blob(q, 3), (size_t)sqlite3_column_bytes(q, 3) };
	if (score_block_is_whole(&l->block, sqlite3_column_int64(q, 2)))
		return SQLITE_OK;
	sqlite3_free(l->base.pVtab->zErrMsg);
	l->base.pVtab->zErrMsg = sqlite3_mprintf("scores: block %lld is damaged", id);
	l->block.data = NULL;
	return SQLITE_CORRUPT_VTAB;
}

static int find_row(struct scores_lookup *l, int64_t day, int64_t account)
{
	int rc;

	(void)sqlite3_bind_int64(l->q.row, 1, day);
	(void)sqlite3_bind_int64(l->q.row, 2, account);
	rc = sqlite3_step(l->q.row);
	l->is_row = rc == SQLITE_ROW;
	l->is_over = !l->is_row;
	return l->is_over ? sqlite3_reset(l->q.row) : SQLITE_OK;
}

static int lookup_begin(sqlite3_vtab_cursor *cursor, int number, const char *plan, int n, sqlite3_value **arguments)
{
	struct scores_lookup *l = (struct scores_lookup *)cursor;
	int64_t day = sqlite3_value_int64(arguments[COLUMN_DAY]), account = sqlite3_value_int64(arguments[COLUMN_ACCOUNT]);
	int rc = prepare(l);
	size_t i;

	(void)number;
	(void)plan;
	(void)n;
	l->is_over = true;
	l->is_row = false;
	(void)sqlite3_reset(l->q.row);
	if (rc != SQLITE_OK || sqlite3_value_numeric_type(arguments[COLUMN_DAY]) != SQLITE_INTEGER ||
	    sqlite3_value_numeric_type(arguments[COLUMN_ACCOUNT]) != SQLITE_INTEGER || day < INT32_MIN || day > INT32_MAX)
		return rc;
	if (account < 0 || account > SCORE_MAX_ACCOUNT)
		return find_row(l, day, account);
	rc = find_block(l, score_block_id((int32_t)day, account / SCORE_BLOCK));
	if (rc != SQLITE_OK)
		return rc;
	i = l->block.data ? score_block_from(&l->block, account) : 0;
	if (!l->block.data || i == (size_t)l->block.n || score_block_account(&l->block, i) != account)
		return find_row(l, day, account);
	l->is_over = false;
	l->currency = score_block_get(&l->block, i, &l->score);
	return SQLITE_OK;
}

static int lookup_next(sqlite3_vtab_cursor *cursor)
{
	((struct scores_lookup *)cursor)->is_over = true;
	return SQLITE_OK;
}

static int lookup_is_over(sqlite3_vtab_cursor *cursor)
{
	return ((struct scores_lookup *)cursor)->is_over;
}

static void result_score(sqlite3_context *context, double score)
{
	if (score < 0)
		sqlite3_result_null(context);
	else
		sqlite3_result_double(context, score);
}

static void result_currency(sqlite3_context *context, const char *letters)
{
	if (letters)
		sqlite3_result_text(context, letters, SCORE_CURRENCY, SQLITE_TRANSIENT);
	else
		sqlite3_result_null(context);
}

static int lookup_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
	const struct scores_lookup *l = (const struct scores_lookup *)cursor;
	const struct score_row *s = &l->score;

	if (l->is_row) {
		sqlite3_result_value(context, sqlite3_column_value(l->q.row, column));
		return SQLITE_OK;
	}
	switch (column) {
	case COLUMN_DAY: sqlite3_result_int(context, s->day); break;
	case COLUMN_ACCOUNT: sqlite3_result_int64(context, s->account); break;
	case COLUMN_RISK: result_score(context, s->risk); break;
	case COLUMN_READINESS: result_score(context, s->readiness); break;
	case COLUMN_CONFIDENCE: sqlite3_result_double(context, s->confidence); break;
	case COLUMN_RISK_BAND: sqlite3_result_int(context, s->risk_band); break;
	case COLUMN_READINESS_BAND: sqlite3_result_int(context, s->readiness_band); break;
	case COLUMN_RISK_SINCE: sqlite3_result_int(context, s->risk_band_since); break;
	case COLUMN_READINESS_SINCE: sqlite3_result_int(context, s->readiness_band_since); break;
	case COLUMN_VALUE: sqlite3_result_int64(context, s->value_minor); break;
	case COLUMN_CURRENCY: result_currency(context, l->currency); break;
	default: sqlite3_result_int64(context, l->block.config); break;
	}
	return SQLITE_OK;
}

static int lookup_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out)
{
	*out = ((const struct scores_lookup *)cursor)->score.account;
	return SQLITE_OK;
}

static const sqlite3_module scores_module = {
	.xConnect = table_connect, .xDisconnect = table_disconnect, .xBestIndex = table_plan,
	.xOpen = lookup_open,      .xClose = lookup_close,          .xFilter = lookup_begin,
	.xNext = lookup_next,      .xEof = lookup_is_over,          .xColumn = lookup_column,
	.xRowid = lookup_rowid,
};

int db_scores_register(sqlite3 *handle)
{
	return sqlite3_create_module(handle, "scores", &scores_module, NULL);
}

#include "db_usage.h"

#include <string.h>

#include "common/clock.h"
#include "usage_block.h"

enum { COLUMN_ACCOUNT, COLUMN_METRIC, COLUMN_DAY, COLUMN_DATE, COLUMN_VALUE };
enum { PLAN_BYTES = 32, DATE_BYTES = 16, DATE_CHARS = 10, NAME_BYTES = 512 };

/* the table -------------------------------------------------------------------------------------------------------- */

struct usage_table {
	sqlite3_vtab base;
	sqlite3 *handle;
};

static int table_connect(sqlite3 *handle, void *context, int n, const char *const *arguments, sqlite3_vtab **out,
                         char **error)
{
	struct usage_table *t;
	int rc = sqlite3_declare_vtab(handle, "CREATE TABLE x (account INTEGER, metric TEXT, day INTEGER, date TEXT, "
	                                      "value INTEGER)");

	(void)context;
	(void)n;
	(void)arguments;
	(void)error;
	if (rc != SQLITE_OK)
		return rc;
	t = sqlite3_malloc(sizeof *t);
	if (!t)
		return SQLITE_NOMEM;
	*t = (struct usage_table){ .handle = handle };
	*out = &t->base;
	return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *table)
{
	sqlite3_free(table);
	return SQLITE_OK;
}

/* '=', '<', '>', 'm' (at most), 'l' (at least); 0: it can't be used. SQLite looks again at what the walk gives. */
static char operator_of(unsigned char op)
{
	switch (op) {
	case SQLITE_INDEX_CONSTRAINT_EQ: return '=';
	case SQLITE_INDEX_CONSTRAINT_LT: return '<';
	case SQLITE_INDEX_CONSTRAINT_GT: return '>';
	case SQLITE_INDEX_CONSTRAINT_LE: return 'm';
	case SQLITE_INDEX_CONSTRAINT_GE: return 'l';
	default: return 0;
	}
}

/* Names of metrics are looked up by their bytes: "metric = 'Logins' COLLATE NOCASE" is for SQLite to answer. */
static bool is_by_bytes(sqlite3_index_info *info, int constraint)
{
	return sqlite3_stricmp(sqlite3_vtab_collation(info, constraint), "BINARY") == 0;
}

/* The plan is a text: a digit for the column and an operator, for each argument of the walk. */
static int table_plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
	static const double shares[] = { [COLUMN_ACCOUNT] = 0.001, [COLUMN_METRIC] = 0.2, [COLUMN_DAY] = 0.1,
		                             [COLUMN_DATE] = 0.1 };
	char plan[PLAN_BYTES] = { 0 };
	double rows = 1e9;
	int n = 0;

	(void)table;
	for (int i = 0; i < info->nConstraint && 2 * n < PLAN_BYTES - 2; i++) {
		int column = info->aConstraint[i].iColumn;
		char op = operator_of(info->aConstraint[i].op);

		if (!info->aConstraint[i].usable || !op || column < 0 || column >= COLUMN_VALUE ||
		    (column == COLUMN_METRIC && (op != '=' || !is_by_bytes(info, i))))
			continue;
		plan[2 * n] = (char)('0' + column);
		plan[2 * n + 1] = op;
		info->aConstraintUsage[i].argvIndex = ++n;
		rows *= shares[column];
	}
	info->idxStr = sqlite3_mprintf("%s", plan);
	info->needToFreeIdxStr = 1;
	info->estimatedCost = rows + 100;
	info->estimatedRows = (sqlite3_int64)rows + 1;
	return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

/* the walk --------------------------------------------------------------------------------------------------------- */

struct usage_walk {
	sqlite3_vtab_cursor base;
	int64_t first_account, last_account;
	int32_t first_day, last_day;
	sqlite3_stmt *metrics, *blocks, *large;
	char metric_name[NAME_BYTES];
	int32_t metric, day, until; /* until: of this metric */
	int64_t block;
	int place, n_places;        /* in the block */
	uint8_t cells[USAGE_BLOCK_BYTES];
	bool is_over;
};

static sqlite3 *handle_of(const struct usage_walk *w)
{
	return ((struct usage_table *)w->base.pVtab)->handle;
}

static int walk_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
	struct usage_walk *w = sqlite3_malloc(sizeof *w);

	(void)table;
	if (!w)
		return SQLITE_NOMEM;
	memset(w, 0, sizeof *w);
	*out = &w->base;
	return SQLITE_OK;
}

static int walk_close(sqlite3_vtab_cursor *cursor)
{
	struct usage_walk *w = (struct usage_walk *)cursor;

	(void)sqlite3_finalize(w->metrics);
	(void)sqlite3_finalize(w->blocks);
	(void)sqlite3_finalize(w->large);
	sqlite3_free(w);
	return SQLITE_OK;
}

static int fail(struct usage_walk *w, const char *why)
{
	sqlite3_free(w->base.pVtab->zErrMsg);
	w->base.pVtab->zErrMsg = sqlite3_mprintf("usage on day %d, block %lld: %s", w->day,
	                                         usage_block_id(w->metric, w->day, w->block), why);
	return SQLITE_CORRUPT_VTAB;
}

/* The next metric that has a block within the days. */
static int next_metric(struct usage_walk *w)
{
	int rc = sqlite3_step(w->metrics);

	w->is_over = rc != SQLITE_ROW;
	if (w->is_over)
		return rc == SQLITE_DONE ? SQLITE_OK : rc;
	w->metric = sqlite3_column_int(w->metrics, 0);
	(void)sqlite3_snprintf(NAME_BYTES, w->metric_name, "%s", sqlite3_column_text(w->metrics, 1));
	w->day = sqlite3_column_int(w->metrics, 2) - 1;
	w->until = sqlite3_column_int(w->metrics, 3);
	return SQLITE_OK;
}

/* The next day of the metric, or of the one after it. */
static int next_day(struct usage_walk *w)
{
	while (w->day >= w->until) {
		int rc = next_metric(w);

		if (rc != SQLITE_OK || w->is_over)
			return rc;
	}
	w->day++;
	(void)sqlite3_reset(w->blocks);
	(void)sqlite3_bind_int64(w->blocks, 1, usage_block_id(w->metric, w->day, w->first_account / USAGE_BLOCK));
	(void)sqlite3_bind_int64(w->blocks, 2, usage_block_id(w->metric, w->day, w->last_account / USAGE_BLOCK));
	return SQLITE_OK;
}

static int take_block(struct usage_walk *w)
{
	int64_t id = sqlite3_column_int64(w->blocks, 0), width = sqlite3_column_int64(w->blocks, 2), first;
	const uint8_t *data = sqlite3_column_blob(w->blocks, 1);
	size_t len = (size_t)sqlite3_column_bytes(w->blocks, 1);

	w->block = id & USAGE_MAX_BLOCK;
	if (!usage_block_is_whole(id, width, data, len, sqlite3_column_int64(w->blocks, 3)))
		return fail(w, "what is stored is damaged; see retaind help check");
	usage_block_unpack(w->cells, data, width, len);
	first = w->block * USAGE_BLOCK;
	w->place = w->first_account > first ? (int)(w->first_account - first) - 1 : -1;
	w->n_places = w->last_account - first < USAGE_BLOCK ? (int)(w->last_account - first) + 1 : USAGE_BLOCK;
	return SQLITE_OK;
}

static int next_block(struct usage_walk *w)
{
	for (;;) {
		int rc = sqlite3_step(w->blocks);

		if (rc == SQLITE_ROW)
			return take_block(w);
		if (rc != SQLITE_DONE)
			return rc;
		rc = next_day(w);
		if (rc != SQLITE_OK || w->is_over)
			return rc;
	}
}

static int walk_next(sqlite3_vtab_cursor *cursor)
{
	struct usage_walk *w = (struct usage_walk *)cursor;

	for (;;) {
		int rc;

		while (++w->place < w->n_places)
			if (usage_cell_at(w->cells, w->place))
				return SQLITE_OK;
		rc = next_block(w);
		if (rc != SQLITE_OK || w->is_over)
			return rc;
	}
}

/* bounds ----------------------------------------------------------------------------------------------------------- */

static int64_t at_least(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t at_most(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void limit(char op, int64_t value, int64_t *io_first, int64_t *io_last)
{
	if (op == '=' || op == '>' || op == 'l')
		*io_first = at_least(*io_first, value + (op == '>'));
	if (op == '=' || op == '<' || op == 'm')
		*io_last = at_most(*io_last, value - (op == '<'));
}

/* The argument as a number; false: it is none, and SQLite will tell which rows fit. */
static bool number_of(int column, sqlite3_value *argument, int64_t *out)
{
	int type = sqlite3_value_type(argument);
	int32_t day;

	if (column == COLUMN_DATE) {
		if (type != SQLITE_TEXT || !day_parse((const char *)sqlite3_value_text(argument), &day) ||
		    sqlite3_value_bytes(argument) != DATE_CHARS) /* more behind a NUL */
			return false;
		*out = day;
		return true;
	}
	*out = at_least(at_most(sqlite3_value_int64(argument), INT64_MAX / 2), INT64_MIN / 2); /* one more or less fits */
	return type == SQLITE_INTEGER;
}

static const char *set_bounds(struct usage_walk *w, const char *plan, sqlite3_value **arguments)
{
	int64_t first_day = 0, last_day = USAGE_MAX_DAY, value;
	const char *metric = NULL;

	w->first_account = 0;
	w->last_account = ((int64_t)USAGE_MAX_BLOCK + 1) * USAGE_BLOCK - 1;
	for (int i = 0; plan[2 * i]; i++) {
		int column = plan[2 * i] - '0';

		if (column == COLUMN_METRIC)
			metric = (const char *)sqlite3_value_text(arguments[i]);
		else if (!number_of(column, arguments[i], &value))
			continue;
		else if (column == COLUMN_ACCOUNT)
			limit(plan[2 * i + 1], value, &w->first_account, &w->last_account);
		else
			limit(plan[2 * i + 1], value, &first_day, &last_day);
	}
	w->first_day = (int32_t)at_most(first_day, USAGE_MAX_DAY);
	w->last_day = (int32_t)at_least(last_day, -1);
	return metric;
}

static int prepare(sqlite3 *handle, const char *sql, sqlite3_stmt **io)
{
	if (*io)
		return sqlite3_reset(*io);
	return sqlite3_prepare_v2(handle, sql, -1, io, NULL);
}

static int prepare_all(struct usage_walk *w)
{
	static const char metrics[] =
		"SELECT id, name, max(?2, (SELECT min(b.id) >> 20 & 1048575 FROM usage_block b WHERE b.id >= m.id << 40)), "
		"min(?3, (SELECT max(b.id) >> 20 & 1048575 FROM usage_block b WHERE b.id < (m.id + 1) << 40)) FROM metric m "
		"WHERE (?1 IS NULL OR name = ?1) AND EXISTS (SELECT 1 FROM usage_block b "
		"WHERE b.id BETWEEN m.id << 40 AND ((m.id + 1) << 40) - 1) ORDER BY id";
	static const char blocks[] =
		"SELECT id, data, width, sum FROM usage_block WHERE id BETWEEN :first AND :last ORDER BY id";
	static const char large[] = "SELECT value, sum FROM usage_exception WHERE metric_id = :metric AND day = :day "
								"AND account_id = :account";
	int rc = prepare(handle_of(w), metrics, &w->metrics);

	if (rc == SQLITE_OK)
		rc = prepare(handle_of(w), blocks, &w->blocks);
	return rc == SQLITE_OK ? prepare(handle_of(w), large, &w->large) : rc;
}

static int walk_begin(sqlite3_vtab_cursor *cursor, int number, const char *plan, int n, sqlite3_value **arguments)
{
	struct usage_walk *w = (struct usage_walk *)cursor;
	const char *metric = set_bounds(w, plan, arguments);
	int rc = prepare_all(w);

	(void)number;
	(void)n;
	if (rc != SQLITE_OK)
		return rc;
	(void)sqlite3_bind_text(w->metrics, 1, metric, -1, SQLITE_TRANSIENT);
	(void)sqlite3_bind_int(w->metrics, 2, w->first_day);
	(void)sqlite3_bind_int(w->metrics, 3, w->last_day);
	w->day = w->until = w->place = w->n_places = 0;
	w->is_over = w->first_account > w->last_account;
	if (w->is_over)
		return SQLITE_OK;
	rc = next_day(w);
	return rc != SQLITE_OK || w->is_over ? rc : walk_next(cursor);
}

/* rows ------------------------------------------------------------------------------------------------------------- */

static int walk_is_over(sqlite3_vtab_cursor *cursor)
{
	return ((struct usage_walk *)cursor)->is_over;
}

static int value_of(struct usage_walk *w, sqlite3_context *context)
{
	unsigned cell = usage_cell_at(w->cells, w->place);
	int64_t account = w->block * USAGE_BLOCK + w->place, value = 0;
	bool is_whole = false;
	int rc;

	if (cell != USAGE_EXCEPTION) {
		sqlite3_result_int64(context, (sqlite3_int64)cell - 1);
		return SQLITE_OK;
	}
	(void)sqlite3_bind_int(w->large, 1, w->metric);
	(void)sqlite3_bind_int(w->large, 2, w->day);
	(void)sqlite3_bind_int64(w->large, 3, account);
	rc = sqlite3_step(w->large);
	if (rc == SQLITE_ROW) {
		value = sqlite3_column_int64(w->large, 0);
		is_whole = usage_exception_sum(w->metric, w->day, account, value) == sqlite3_column_int64(w->large, 1);
	}
	(void)sqlite3_reset(w->large);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return rc;
	if (!is_whole)
		return fail(w, "a large value is missing or damaged; see retaind help check");
	sqlite3_result_int64(context, value);
	return SQLITE_OK;
}

static void result_date(sqlite3_context *context, int32_t day)
{
	int year, month, of_month;
	char date[DATE_BYTES];

	day_split(day, &year, &month, &of_month);
	(void)sqlite3_snprintf(DATE_BYTES, date, "%04d-%02d-%02d", year, month, of_month);
	sqlite3_result_text(context, date, -1, SQLITE_TRANSIENT);
}

static int walk_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
	struct usage_walk *w = (struct usage_walk *)cursor;

	switch (column) {
	case COLUMN_ACCOUNT: sqlite3_result_int64(context, w->block * USAGE_BLOCK + w->place); break;
	case COLUMN_METRIC: sqlite3_result_text(context, w->metric_name, -1, SQLITE_TRANSIENT); break;
	case COLUMN_DAY: sqlite3_result_int(context, w->day); break;
	case COLUMN_DATE: result_date(context, w->day); break;
	default: return value_of(w, context);
	}
	return SQLITE_OK;
}

static int walk_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out)
{
	const struct usage_walk *w = (const struct usage_walk *)cursor;

	/* The 13 bits of the place below the number of its block. */
	*out = (sqlite3_int64)((uint64_t)usage_block_id(w->metric, w->day, w->block) << 13 | (unsigned)w->place);
	return SQLITE_OK;
}

static const sqlite3_module usage_module = {
	.xConnect = table_connect, .xDisconnect = table_disconnect, .xBestIndex = table_plan,
	.xOpen = walk_open,        .xClose = walk_close,            .xFilter = walk_begin,
	.xNext = walk_next,        .xEof = walk_is_over,            .xColumn = walk_column,
	.xRowid = walk_rowid,
};

/* the function ----------------------------------------------------------------------------------------------------- */

static void block_sum(sqlite3_context *context, int n, sqlite3_value **values)
{
	const void *data = sqlite3_value_blob(values[2]);
	int len = sqlite3_value_bytes(values[2]);

	(void)n;
	sqlite3_result_int64(context, usage_block_sum(sqlite3_value_int64(values[0]), sqlite3_value_int(values[1]),
	                                              data ? data : (const void *)"", data ? (size_t)len : 0));
}

static void exception_sum(sqlite3_context *context, int n, sqlite3_value **values)
{
	(void)n;
	sqlite3_result_int64(context, usage_exception_sum(sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]),
	                                                  sqlite3_value_int64(values[2]), sqlite3_value_int64(values[3])));
}

int db_usage_register(sqlite3 *handle)
{
	int rc = sqlite3_create_function(handle, "usage_block_sum", 3, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, block_sum,
	                                 NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(handle, "usage_exception_sum", 4, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
		                             exception_sum, NULL, NULL);
	return rc == SQLITE_OK ? sqlite3_create_module(handle, "usage", &usage_module, NULL) : rc;
}

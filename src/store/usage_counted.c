#include "store/usage_counted.h"

#include <string.h>

#include "store/usage.h"

enum {
	SET_BYTES = USAGE_BLOCK / 8,
	MAX_CELLS = 5000000,   /* of one count */
	MAX_WAITING = 1000000, /* rows of a stream */
	MAX_KEYS = 1000000
};

int counted_begin(struct db *db, struct err *err)
{
	return db_run(db,
	              "CREATE TABLE IF NOT EXISTS temp.counted (metric INTEGER NOT NULL, day INTEGER NOT NULL, "
	              "account_by INTEGER NOT NULL, account_key TEXT NOT NULL, contact_key TEXT NOT NULL, team TEXT NOT NULL, "
	              "value INTEGER NOT NULL, "
	              "PRIMARY KEY (metric, day, account_by, account_key, contact_key, team)) WITHOUT ROWID; "
	              "CREATE TABLE IF NOT EXISTS temp.counted_key (account_by INTEGER NOT NULL, account_key TEXT NOT NULL, "
	              "account INTEGER NOT NULL, PRIMARY KEY (account_by, account_key)) WITHOUT ROWID; "
	              "DELETE FROM temp.counted; DELETE FROM temp.counted_key",
	              err);
}

int counted_add(struct db *db, enum usage_merge merge, const struct counted_row *row, struct err *err)
{
	static const char *const sql[] = {
		[USAGE_LAST] = "INSERT INTO temp.counted (metric, day, account_by, account_key, contact_key, team, value) "
		               "VALUES (:metric, :day, :by, :account, :contact, :team, :value) "
		               "ON CONFLICT (metric, day, account_by, account_key, contact_key, team) "
		               "DO UPDATE SET value = excluded.value",
		[USAGE_SUM] = "INSERT INTO temp.counted (metric, day, account_by, account_key, contact_key, team, value) "
		              "VALUES (:metric, :day, :by, :account, :contact, :team, :value) "
		              "ON CONFLICT (metric, day, account_by, account_key, contact_key, team) "
		              "DO UPDATE SET value = " USAGE_ADDED,
		[USAGE_LARGEST] = "INSERT INTO temp.counted (metric, day, account_by, account_key, contact_key, team, value) "
		                  "VALUES (:metric, :day, :by, :account, :contact, :team, :value) "
		                  "ON CONFLICT (metric, day, account_by, account_key, contact_key, team) "
		                  "DO UPDATE SET value = excluded.value WHERE excluded.value > value",
	};
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, sql[merge]);

	bind_int(q, ":metric", row->metric);
	bind_int(q, ":day", row->day);
	bind_int(q, ":by", row->by);
	bind_text(q, ":account", row->account_key);
	bind_text(q, ":contact", row->contact_key);
	bind_text(q, ":team", row->team);
	bind_int(q, ":value", row->value);
	return stmt_run(q, err);
}

/* accounts --------------------------------------------------------------------------------------------------------- */

struct key {
	enum account_by by;
	const char *text;
};

static int read_keys(struct stmt *q, struct arena *a, struct key **out, size_t *out_n, struct err *err)
{
	size_t n = 0, room = 256;
	int rc;

	*out = arena_array(a, room, sizeof **out);
	while ((rc = stmt_step(q, err)) == 1) {
		if (n == MAX_KEYS)
			return err_set(err, ERR_INPUT, "names more than %d accounts", MAX_KEYS);
		if (n == room) {
			*out = arena_grow(a, *out, n, room * 2, sizeof **out);
			room *= 2;
		}
		(*out)[n++] = (struct key){ (enum account_by)col_int(q, 0), arena_strdup(a, col_text(q, 1)) };
	}
	*out_n = n;
	return rc;
}

static int put_key(struct db *db, const struct key *k, int64_t account, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(
		db, "INSERT INTO temp.counted_key (account_by, account_key, account) VALUES (:by, :key, :account)");

	bind_int(q, ":by", k->by);
	bind_text(q, ":key", k->text);
	bind_int(q, ":account", account);
	return stmt_run(q, err);
}

/* Which account each key names; 0: none yet. */
static int find_accounts(struct db *db, int64_t source, struct arena *a, struct counted_result *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT DISTINCT account_by, account_key FROM temp.counted");
	struct key *keys;
	size_t n;

	if (read_keys(q, a, &keys, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int64_t account = 0;
		int rc = record_find_account(db, source, keys[i].by, keys[i].text, &account, err);

		if (rc < 0 || put_key(db, &keys[i], rc ? account : 0, err) < 0)
			return -1;
		if (rc)
			continue;
		out->n_unknown++;
		out->example = keys[i].text;
	}
	return 0;
}

/* cells ------------------------------------------------------------------------------------------------------------ */

struct cells {
	struct usage_cell *at;
	size_t n, room;
	struct arena *arena;
};

static int add_cell(struct cells *c, const struct usage_cell *cell, struct err *err)
{
	if (c->n == MAX_CELLS)
		return err_set(err, ERR_INPUT, "more than %d counts at once: use a shorter step", MAX_CELLS);
	if (c->n == c->room) {
		c->at = arena_grow(c->arena, c->at, c->n, c->room ? c->room * 2 : 1024, sizeof *c->at);
		c->room = c->room ? c->room * 2 : 1024;
	}
	c->at[c->n++] = *cell;
	return 0;
}

static int count_cells(struct db *db, const struct counted_days *d, struct cells *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT c.metric, c.day, k.account, sum(c.value) FROM temp.counted c "
	               "JOIN temp.counted_key k ON k.account_by = c.account_by AND k.account_key = c.account_key "
	               "WHERE k.account > 0 AND c.day BETWEEN :from AND :to "
	               "GROUP BY c.metric, c.day, k.account ORDER BY c.metric, c.day, k.account");
	int rc;

	bind_int(q, ":from", d->from);
	bind_int(q, ":to", d->to);
	while ((rc = stmt_step(q, err)) == 1) {
		const struct usage_cell cell = { .metric = (int32_t)col_int(q, 0), .day = (int32_t)col_int(q, 1),
			                             .account = col_int(q, 2), .value = col_int(q, 3) };

		if (add_cell(out, &cell, err) < 0)
			return -1;
	}
	return rc;
}

static bool is_before(const struct usage_cell *a, const struct usage_cell *b)
{
	if (a->metric != b->metric)
		return a->metric < b->metric;
	return a->day != b->day ? a->day < b->day : a->account < b->account;
}

static bool is_counted(const struct usage_cell *sorted, size_t n, const struct usage_cell *cell)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (is_before(&sorted[middle], cell))
			from = middle + 1;
		else
			to = middle;
	}
	return from < n && !is_before(cell, &sorted[from]);
}

/* sets of accounts ------------------------------------------------------------------------------------------------- */

/* What was counted before and isn't now becomes "not reported". */
static int add_vanished(struct db *db, const struct counted_days *d, struct cells *cells, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT metric_id, day, block, accounts FROM usage_counted "
	               "WHERE source_id = :source AND stream = :stream AND day BETWEEN :from AND :to");
	size_t n_counted = cells->n;
	int rc;

	bind_int(q, ":source", d->source);
	bind_text(q, ":stream", d->stream);
	bind_int(q, ":from", d->from);
	bind_int(q, ":to", d->to);
	while ((rc = stmt_step(q, err)) == 1) {
		struct usage_cell cell = { .metric = (int32_t)col_int(q, 0), .day = (int32_t)col_int(q, 1),
			                       .value = USAGE_NONE };
		size_t len;
		const uint8_t *set = col_blob(q, 3, &len);

		for (size_t i = 0; i < len * 8; i++) {
			cell.account = col_int(q, 2) * USAGE_BLOCK + (int64_t)i;
			if ((set[i / 8] >> (i % 8) & 1) && !is_counted(cells->at, n_counted, &cell) &&
			    add_cell(cells, &cell, err) < 0)
				return -1;
		}
	}
	return rc;
}

static int set_load(struct db *db, const struct counted_days *d, int32_t metric, int64_t block, uint8_t *out,
                    struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT accounts FROM usage_counted WHERE source_id = :source AND stream = :stream "
	               "AND day = :day AND metric_id = :metric AND block = :block");
	const void *data;
	size_t len;
	int rc;

	memset(out, 0, SET_BYTES);
	bind_int(q, ":source", d->source);
	bind_text(q, ":stream", d->stream);
	bind_int(q, ":day", d->from);
	bind_int(q, ":metric", metric);
	bind_int(q, ":block", block);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc;
	data = col_blob(q, 0, &len);
	if (len > SET_BYTES)
		return err_set(err, ERR_FATAL, "a set of counted accounts has %zu bytes", len);
	memcpy(out, data, len);
	return 0;
}

/* d->from is the day. */
static int set_save(struct db *db, const struct counted_days *d, int32_t metric, int64_t block, const uint8_t *set,
                    struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO usage_counted (source_id, stream, day, metric_id, block, accounts) "
	               "VALUES (:source, :stream, :day, :metric, :block, :accounts) "
	               "ON CONFLICT (source_id, stream, day, metric_id, block) DO UPDATE SET accounts = excluded.accounts");
	size_t len = SET_BYTES;

	while (len && !set[len - 1])
		len--;
	bind_int(q, ":source", d->source);
	bind_text(q, ":stream", d->stream);
	bind_int(q, ":day", d->from);
	bind_int(q, ":metric", metric);
	bind_int(q, ":block", block);
	bind_blob(q, ":accounts", set, len);
	return stmt_run(q, err);
}

/* The sets of sorted cells, a block at a time. */
static int save_sets(struct db *db, const struct counted_days *d, const struct usage_cell *cells, size_t n,
                     struct err *err)
{
	for (size_t start = 0, end; start < n; start = end) {
		const struct usage_cell *first = &cells[start];
		const struct counted_days day = { d->source, d->stream, first->day, first->day };
		uint8_t set[SET_BYTES] = { 0 };

		for (end = start; end < n && cells[end].metric == first->metric && cells[end].day == first->day &&
		                  cells[end].account / USAGE_BLOCK == first->account / USAGE_BLOCK; end++)
			set[cells[end].account % USAGE_BLOCK / 8] |= (uint8_t)(1u << (cells[end].account % USAGE_BLOCK % 8));
		if (set_save(db, &day, first->metric, first->account / USAGE_BLOCK, set, err) < 0)
			return -1;
	}
	return 0;
}

/* storing ---------------------------------------------------------------------------------------------------------- */

static int run_for_days(struct db *db, const char *sql, const struct counted_days *d, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, sql);

	bind_int(q, ":source", d->source);
	bind_text(q, ":stream", d->stream);
	bind_int(q, ":from", d->from);
	bind_int(q, ":to", d->to);
	return stmt_run(q, err);
}

static int keep_waiting(struct db *db, const struct counted_days *d, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO counted_waiting (source_id, stream, day, metric_id, account_by, account_key, value) "
	               "SELECT :source, :stream, c.day, c.metric, c.account_by, c.account_key, sum(c.value) FROM temp.counted c "
	               "JOIN temp.counted_key k ON k.account_by = c.account_by AND k.account_key = c.account_key "
	               "WHERE k.account = 0 AND c.day BETWEEN :from AND :to "
	               "GROUP BY c.day, c.metric, c.account_by, c.account_key "
	               "LIMIT max(0, :most - (SELECT count(*) FROM counted_waiting WHERE source_id = :source AND stream = :stream))");

	bind_int(q, ":source", d->source);
	bind_text(q, ":stream", d->stream);
	bind_int(q, ":from", d->from);
	bind_int(q, ":to", d->to);
	bind_int(q, ":most", MAX_WAITING);
	return stmt_run(q, err);
}

/* Returns 0 when there is no row at all. */
static int days_of_rows(struct db *db, struct counted_days *d, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT min(day), max(day) FROM temp.counted");

	if (stmt_step(q, err) < 0)
		return -1;
	if (col_is_null(q, 0))
		return 0;
	d->from = (int32_t)col_int(q, 0);
	d->to = (int32_t)col_int(q, 1);
	return 1;
}

int counted_store(struct db *db, const struct counted_days *days, struct arena *a, struct counted_result *out,
                  struct err *err)
{
	struct counted_days d = *days;
	struct cells cells = { .arena = a };
	size_t n_counted;
	int64_t n;
	int rc = d.from > d.to ? days_of_rows(db, &d, err) : 1;

	*out = (struct counted_result){ 0 };
	if (rc <= 0)
		return rc;
	if (find_accounts(db, d.source, a, out, err) < 0 || count_cells(db, &d, &cells, err) < 0)
		return -1;
	n_counted = cells.n;
	if (add_vanished(db, &d, &cells, err) < 0 ||
	    run_for_days(db, "DELETE FROM usage_counted WHERE source_id = :source AND stream = :stream "
	                     "AND day BETWEEN :from AND :to", &d, err) < 0 ||
	    save_sets(db, &d, cells.at, n_counted, err) < 0 ||
	    run_for_days(db, "DELETE FROM counted_waiting WHERE source_id = :source AND stream = :stream "
	                     "AND day BETWEEN :from AND :to", &d, err) < 0 ||
	    keep_waiting(db, &d, err) < 0)
		return -1;
	n = cells.n ? usage_put(db, cells.at, cells.n, err) : 0;
	if (n < 0)
		return -1;
	out->n_changed = n;
	return 0;
}

/* waiting ---------------------------------------------------------------------------------------------------------- */

/* One count that waited: on top of what the account has that day. */
static int give(struct db *db, const struct counted_days *day, struct usage_cell *cell, int64_t *io_changed,
                struct err *err)
{
	int64_t place = cell->account % USAGE_BLOCK, block = cell->account / USAGE_BLOCK, before, n;
	uint8_t set[SET_BYTES];

	if (set_load(db, day, cell->metric, block, set, err) < 0 ||
	    usage_get(db, cell->metric, cell->day, cell->account, &before, err) < 0)
		return -1;
	/* What another system said of that day is no part of the count. */
	if ((set[place / 8] >> (place % 8) & 1) && before != USAGE_NONE)
		cell->value += before;
	set[place / 8] |= (uint8_t)(1u << (place % 8));
	n = usage_put(db, cell, 1, err);
	if (n < 0 || set_save(db, day, cell->metric, block, set, err) < 0)
		return -1;
	*io_changed += n;
	return 0;
}

static int give_all(struct db *db, const struct counted_days *d, const struct key *k, int64_t account,
                    int64_t *io_changed, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT metric_id, day, value FROM counted_waiting WHERE source_id = :source AND stream = :stream "
	               "AND account_by = :by AND account_key = :key");
	CLEANUP(stmt_donep) struct stmt *done = NULL;
	int rc;

	bind_int(q, ":source", d->source);
	bind_text(q, ":stream", d->stream);
	bind_int(q, ":by", k->by);
	bind_text(q, ":key", k->text);
	while ((rc = stmt_step(q, err)) == 1) {
		struct usage_cell cell = { .metric = (int32_t)col_int(q, 0), .day = (int32_t)col_int(q, 1),
			                       .account = account, .value = col_int(q, 2) };
		const struct counted_days day = { d->source, d->stream, cell.day, cell.day };

		if (give(db, &day, &cell, io_changed, err) < 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	done = db_sql(db, "DELETE FROM counted_waiting WHERE source_id = :source AND stream = :stream "
	                  "AND account_by = :by AND account_key = :key");
	bind_int(done, ":source", d->source);
	bind_text(done, ":stream", d->stream);
	bind_int(done, ":by", k->by);
	bind_text(done, ":key", k->text);
	return stmt_run(done, err);
}

int64_t counted_settle(struct db *db, int64_t source, const char *stream, int64_t *io_changed, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT DISTINCT account_by, account_key FROM counted_waiting "
	                                                "WHERE source_id = :source AND stream = :stream");
	const struct counted_days d = { .source = source, .stream = stream };
	int64_t n_waiting = 0;
	struct key *keys;
	size_t n;

	bind_int(q, ":source", source);
	bind_text(q, ":stream", stream);
	if (read_keys(q, a, &keys, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int64_t account;
		int rc = record_find_account(db, source, keys[i].by, keys[i].text, &account, err);

		if (rc < 0 || (rc && give_all(db, &d, &keys[i], account, io_changed, err) < 0))
			return -1;
		n_waiting += !rc;
	}
	return n_waiting;
}

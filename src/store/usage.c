#include "store/usage.h"

#include <string.h>

#include "common/text.h"
#include "usage_block.h"

enum { MAX_METRIC_NAME = 64 };

static int64_t block_of(int64_t account)
{
	return account / USAGE_BLOCK;
}

/* exceptions ------------------------------------------------------------------------------------------------------- */

int usage_exception_get(struct db *db, int32_t metric, int32_t day, int64_t account, int64_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT value, sum FROM usage_exception "
	                                                "WHERE metric_id = :metric AND day = :day AND account_id = :account");
	int rc;

	bind_int(q, ":metric", metric);
	bind_int(q, ":day", day);
	bind_int(q, ":account", account);
	rc = stmt_step(q, err);
	if (rc == 0)
		return err_set(err, ERR_FATAL, "usage of account %lld on day %d: the large value is missing",
		               (long long)account, day);
	if (rc < 0)
		return -1;
	*out = col_int(q, 0);
	if (usage_exception_sum(metric, day, account, *out) != col_int(q, 1))
		return err_set(err, ERR_FATAL, "usage of account %lld on day %d: the large value is damaged; see retaind help "
		               "check", (long long)account, day);
	return 0;
}

static int exception_put(struct db *db, const struct usage_cell *c, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(
		db, "INSERT INTO usage_exception (metric_id, day, account_id, value, sum) "
			"VALUES (:metric, :day, :account, :value, :sum) "
			"ON CONFLICT (metric_id, day, account_id) DO UPDATE SET value = excluded.value, sum = excluded.sum");

	bind_int(q, ":metric", c->metric);
	bind_int(q, ":day", c->day);
	bind_int(q, ":account", c->account);
	bind_int(q, ":value", c->value);
	bind_int(q, ":sum", usage_exception_sum(c->metric, c->day, c->account, c->value));
	return stmt_run(q, err);
}

static int exception_remove(struct db *db, const struct usage_cell *c, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM usage_exception "
	                                                "WHERE metric_id = :metric AND day = :day AND account_id = :account");

	bind_int(q, ":metric", c->metric);
	bind_int(q, ":day", c->day);
	bind_int(q, ":account", c->account);
	return stmt_run(q, err);
}

static int cell_value(struct db *db, unsigned cell, int32_t metric, int32_t day, int64_t account, int64_t *out,
                      struct err *err)
{
	if (cell == USAGE_EXCEPTION)
		return usage_exception_get(db, metric, day, account, out, err);
	*out = cell ? (int64_t)cell - 1 : USAGE_NONE;
	return 0;
}

/* writing ---------------------------------------------------------------------------------------------------------- */

static bool is_before(const struct usage_cell *a, const struct usage_cell *b)
{
	if (a->metric != b->metric)
		return a->metric < b->metric;
	if (a->day != b->day)
		return a->day < b->day;
	return a->account < b->account;
}

/* Merge sort: of two cells for the same place the later one must stay the later one. */
static void sort_cells(struct usage_cell *cells, size_t n, struct usage_cell *room)
{
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t start = 0; start < n; start += 2 * width) {
			size_t middle = start + width < n ? start + width : n, end = start + 2 * width < n ? start + 2 * width : n;
			size_t left = start, right = middle;

			for (size_t i = start; i < end; i++) {
				bool takes_right = left == middle || (right < end && is_before(&cells[right], &cells[left]));

				room[i] = cells[takes_right ? right++ : left++];
			}
		}
		memcpy(cells, room, n * sizeof *cells);
	}
}

int usage_cell_check(const struct usage_cell *c, struct err *err)
{
	if (c->metric <= 0 || c->metric > USAGE_MAX_METRIC || c->account <= 0 || block_of(c->account) > USAGE_MAX_BLOCK)
		die("usage of metric %d, account %lld", c->metric, (long long)c->account);
	if (c->day < 0 || c->day > USAGE_MAX_DAY)
		return err_set(err, ERR_INPUT, "usage on day %d: before 1970", c->day);
	if (c->value < 0 && c->value != USAGE_NONE)
		return err_set(err, ERR_INPUT, "usage of %lld: negative", (long long)c->value);
	return 0;
}

static int sort_and_check(struct usage_cell *cells, size_t n, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	bool is_sorted = true;

	for (size_t i = 0; i < n; i++) {
		if (usage_cell_check(&cells[i], err) < 0)
			return -1;
		is_sorted = is_sorted && (i == 0 || !is_before(&cells[i], &cells[i - 1]));
	}
	if (!is_sorted)
		sort_cells(cells, n, arena_array(a, n, sizeof *cells));
	return 0;
}

int usage_cell_put(struct db *db, uint8_t *block, const struct usage_cell *c, struct err *err)
{
	int place = (int)(c->account % USAGE_BLOCK);
	unsigned old = usage_cell_at(block, place), new;
	int64_t value;

	if (cell_value(db, old, c->metric, c->day, c->account, &value, err) < 0)
		return -1;
	if (value == c->value)
		return 0;
	new = c->value == USAGE_NONE ? 0 : c->value > USAGE_MAX ? USAGE_EXCEPTION : (unsigned)c->value + 1;
	if (new == USAGE_EXCEPTION && exception_put(db, c, err) < 0)
		return -1;
	if (new != USAGE_EXCEPTION && old == USAGE_EXCEPTION && exception_remove(db, c, err) < 0)
		return -1;
	usage_cell_set(block, place, new);
	return 1;
}

/* The cells of one block; of several for one account the last one counts. */
static int64_t put_block(struct db *db, const struct usage_cell *cells, size_t n, struct err *err)
{
	uint8_t block[USAGE_BLOCK_BYTES] = { 0 };
	int64_t number = block_of(cells->account), n_changed = 0;

	if (usage_block_load(db, cells->metric, cells->day, number, block, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc;

		if (i + 1 < n && cells[i + 1].account == cells[i].account)
			continue;
		rc = usage_cell_put(db, block, &cells[i], err);
		if (rc < 0)
			return -1;
		n_changed += rc;
	}
	if (n_changed && usage_block_save(db, cells->metric, cells->day, number, block, err) < 0)
		return -1;
	return n_changed;
}

int64_t usage_put(struct db *db, struct usage_cell *cells, size_t n, struct err *err)
{
	int64_t n_changed = 0;

	if (sort_and_check(cells, n, err) < 0)
		return -1;
	for (size_t start = 0, end; start < n; start = end) {
		const struct usage_cell *first = &cells[start];
		int64_t changed;

		for (end = start + 1; end < n; end++)
			if (cells[end].metric != first->metric || cells[end].day != first->day ||
			    block_of(cells[end].account) != block_of(first->account))
				break;
		changed = put_block(db, first, end - start, err);
		if (changed < 0)
			return -1;
		n_changed += changed;
	}
	return n_changed;
}

static int put_detail(struct stmt *q, const struct usage_detail *d, struct err *err)
{
	bind_int(q, ":account", d->account);
	bind_day(q, ":day", d->day);
	bind_int(q, ":metric", d->metric);
	bind_text(q, ":contact", d->contact_key);
	bind_text(q, ":team", d->team);
	bind_int(q, ":value", d->value);
	return stmt_run(q, err);
}

int usage_detail_put(struct db *db, const struct usage_detail *d, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO usage_detail (account_id, day, metric_id, contact_key, team, value) "
	               "VALUES (:account, :day, :metric, :contact, :team, :value) "
	               "ON CONFLICT (account_id, day, metric_id, contact_key, team) DO UPDATE SET value = excluded.value");

	return put_detail(q, d, err);
}

int usage_detail_add(struct db *db, const struct usage_detail *d, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(
		db, "INSERT INTO usage_detail (account_id, day, metric_id, contact_key, team, value) "
			"VALUES (:account, :day, :metric, :contact, :team, :value) "
			"ON CONFLICT (account_id, day, metric_id, contact_key, team) DO UPDATE SET value = " USAGE_ADDED);

	return put_detail(q, d, err);
}

static int metric_find(struct db *db, const char *name, int32_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT id FROM metric WHERE name = :name");
	int rc;

	bind_text(q, ":name", name);
	rc = stmt_step(q, err);
	if (rc == 1)
		*out = (int32_t)col_int(q, 0);
	return rc;
}

int metric_id(struct db *db, const char *name, int32_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = NULL;
	int rc = metric_find(db, name, out, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (text_is_blank(name) || utf8_length(name) > MAX_METRIC_NAME || !utf8_is_valid(name, strlen(name)))
		return err_set(err, ERR_INPUT, "the metric's name must have 1 to %d characters", MAX_METRIC_NAME);
	q = db_sql(db, "INSERT INTO metric (name) VALUES (:name)");
	bind_text(q, ":name", name);
	if (stmt_run(q, err) < 0)
		return -1;
	if (db_last_id(db) > USAGE_MAX_METRIC)
		return err_set(err, ERR_INPUT, "more than %d metrics", USAGE_MAX_METRIC);
	*out = (int32_t)db_last_id(db);
	return 0;
}

/* reading ---------------------------------------------------------------------------------------------------------- */

int usage_get(struct db *db, int32_t metric, int32_t day, int64_t account, int64_t *out, struct err *err)
{
	uint8_t block[USAGE_BLOCK_BYTES] = { 0 };

	if (usage_block_load(db, metric, day, block_of(account), block, err) < 0)
		return -1;
	return cell_value(db, usage_cell_at(block, (int)(account % USAGE_BLOCK)), metric, day, account, out, err);
}

static int32_t clamp_day(int32_t day)
{
	return day < 0 ? 0 : day > USAGE_MAX_DAY ? USAGE_MAX_DAY : day;
}

int usage_walk(struct db *db, int32_t metric, int64_t block, int32_t from, int32_t to, usage_block_fn *fn,
               void *context, struct err *err)
{
	uint8_t packed[USAGE_BLOCK_BYTES];
	int64_t values[USAGE_BLOCK];

	for (int32_t day = clamp_day(from); day <= clamp_day(to); day++) {
		int len = usage_block_load(db, metric, day, block, packed, err);

		if (len < 0)
			return -1;
		if (len == 0)
			continue;
		for (int i = 0; i < USAGE_BLOCK; i++)
			if (cell_value(db, usage_cell_at(packed, i), metric, day, block * USAGE_BLOCK + i, &values[i], err) < 0)
				return -1;
		fn(context, day, values);
	}
	return 0;
}

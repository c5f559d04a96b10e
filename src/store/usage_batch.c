#include "store/usage_batch.h"

#include "store/usage.h"

int usage_batch_begin(struct db *db, struct err *err)
{
	return db_run(db,
	              "CREATE TABLE IF NOT EXISTS temp.usage_gathered (metric INTEGER NOT NULL, day INTEGER NOT NULL, "
	              "account INTEGER NOT NULL, origin TEXT NOT NULL, contact_key TEXT NOT NULL, "
	              "team TEXT NOT NULL, value INTEGER NOT NULL, "
	              "PRIMARY KEY (metric, day, account, origin, contact_key, team)) WITHOUT ROWID; "
	              "DELETE FROM temp.usage_gathered",
	              err);
}

int usage_batch_add(struct db *db, enum usage_merge merge, const struct usage_row *row, struct err *err)
{
	static const char *const sql[] = {
		[USAGE_LAST] = "INSERT INTO temp.usage_gathered (metric, day, account, origin, contact_key, team, value) "
		               "VALUES (:metric, :day, :account, :origin, :contact, :team, :value) "
		               "ON CONFLICT (metric, day, account, origin, contact_key, team) DO UPDATE SET value = excluded.value",
		[USAGE_SUM] = "INSERT INTO temp.usage_gathered (metric, day, account, origin, contact_key, team, value) "
		              "VALUES (:metric, :day, :account, :origin, :contact, :team, :value) "
		              "ON CONFLICT (metric, day, account, origin, contact_key, team) "
		              "DO UPDATE SET value = " USAGE_ADDED,
		[USAGE_LARGEST] = "INSERT INTO temp.usage_gathered (metric, day, account, origin, contact_key, team, value) "
		                  "VALUES (:metric, :day, :account, :origin, :contact, :team, :value) "
		                  "ON CONFLICT (metric, day, account, origin, contact_key, team) DO UPDATE SET value = excluded.value "
		                  "WHERE excluded.value > value",
	};
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, sql[merge]);

	bind_int(q, ":metric", row->metric);
	bind_int(q, ":day", row->day);
	bind_int(q, ":account", row->account);
	bind_text(q, ":origin", row->origin ? row->origin : "");
	bind_text(q, ":contact", row->contact_key);
	bind_text(q, ":team", row->team);
	bind_int(q, ":value", row->value);
	return stmt_run(q, err);
}

/* Reads the first cells; returns their number. */
static int read_cells(struct db *db, struct usage_cell *cells, int max_cells, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT metric, day, account, " USAGE_TOTAL
	                                                " FROM temp.usage_gathered "
	                                                "GROUP BY metric, day, account ORDER BY metric, day, account LIMIT :max");
	int n = 0, rc;

	bind_int(q, ":max", max_cells);
	while ((rc = stmt_step(q, err)) == 1)
		cells[n++] = (struct usage_cell){ .metric = (int32_t)col_int(q, 0), .day = (int32_t)col_int(q, 1),
			                              .account = col_int(q, 2), .value = col_int(q, 3) };
	return rc < 0 ? -1 : n;
}

typedef int detail_fn(struct db *db, const struct usage_detail *d, struct err *err);

static int store_details(struct db *db, const struct usage_cell *last, detail_fn *store, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT metric, day, account, contact_key, team, " USAGE_TOTAL " FROM temp.usage_gathered "
	               "WHERE (metric, day, account) <= (:metric, :day, :account) AND (contact_key <> '' OR team <> '') "
	               "GROUP BY metric, day, account, contact_key, team");
	int rc;

	bind_int(q, ":metric", last->metric);
	bind_int(q, ":day", last->day);
	bind_int(q, ":account", last->account);
	while ((rc = stmt_step(q, err)) == 1) {
		struct usage_detail d = { .metric = (int32_t)col_int(q, 0),
			                      .day = (int32_t)col_int(q, 1),
			                      .account = col_int(q, 2),
			                      .contact_key = col_text(q, 3),
			                      .team = col_text(q, 4),
			                      .value = col_int(q, 5) };

		if (store(db, &d, err) < 0)
			return -1;
	}
	return rc;
}

static int forget(struct db *db, const struct usage_cell *last, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "DELETE FROM temp.usage_gathered WHERE (metric, day, account) <= (:metric, :day, :account)");

	bind_int(q, ":metric", last->metric);
	bind_int(q, ":day", last->day);
	bind_int(q, ":account", last->account);
	return stmt_run(q, err);
}

/* Adds what is stored; sums end where no count of a day can be. */
static int add_stored(struct db *db, struct usage_cell *cells, int n, struct err *err)
{
	static const int64_t most = 1000000000000000000;

	for (int i = 0; i < n; i++) {
		int64_t stored;

		if (usage_get(db, cells[i].metric, cells[i].day, cells[i].account, &stored, err) < 0)
			return -1;
		if (stored == USAGE_NONE)
			continue;
		cells[i].value = stored > most - cells[i].value ? most : stored + cells[i].value;
	}
	return 0;
}

static int store_cells(struct db *db, int max_cells, bool adds, int64_t *io_changed, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct usage_cell *cells = arena_array(a, (size_t)max_cells, sizeof *cells);
	int n = read_cells(db, cells, max_cells, err);
	int64_t changed;

	if (n <= 0)
		return n;
	if (adds && add_stored(db, cells, n, err) < 0)
		return -1;
	changed = usage_put(db, cells, (size_t)n, err); /* in order already: the last one stays the last one */
	if (changed < 0 || store_details(db, &cells[n - 1], adds ? usage_detail_add : usage_detail_put, err) < 0 ||
	    forget(db, &cells[n - 1], err) < 0)
		return -1;
	*io_changed += changed;
	return n == max_cells;
}

int usage_batch_store(struct db *db, int max_cells, int64_t *io_changed, struct err *err)
{
	return store_cells(db, max_cells, false, io_changed, err);
}

int usage_batch_add_up(struct db *db, int max_cells, int64_t *io_changed, struct err *err)
{
	return store_cells(db, max_cells, true, io_changed, err);
}

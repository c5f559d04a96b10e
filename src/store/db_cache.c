#include "store/db.h"

int db_keep_few_pages(struct db *db, struct err *err)
{
	return db_run(db, "PRAGMA cache_size = -6144", err);
}

int db_read_once(struct db *db, struct err *err)
{
	return db_run(db, "PRAGMA cache_size = -2048", err);
}

int db_int(struct db *db, const char *sql, int64_t fallback, int64_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, sql);
	int rc = stmt_step(q, err);

	if (rc < 0)
		return -1;
	*out = rc == 1 && !col_is_null(q, 0) ? col_int(q, 0) : fallback;
	return 0;
}

const char *col_text_in(struct stmt *q, int column, struct arena *a)
{
	return arena_strdup(a, col_text(q, column));
}

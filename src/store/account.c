#include "store/account.h"

int account_find(struct db *db, int64_t source, const char *key, int64_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT id FROM account WHERE source_id = :source AND source_key = :key AND deleted_on IS NULL");
	int rc;

	bind_int(q, ":source", source);
	bind_text(q, ":key", key);
	rc = stmt_step(q, err);
	if (rc == 1)
		*out = col_int(q, 0);
	return rc;
}

int accounts_undecided(struct db *db, int64_t *out, struct err *err)
{
	return db_int(db, "SELECT count(*) FROM account a WHERE deleted_on IS NULL AND is_customer IS NULL "
	                  "AND COALESCE(arr_minor, 0) = 0 AND NOT EXISTS (SELECT 1 FROM subscription s "
	                  "WHERE s.account_id = a.id AND s.deleted_on IS NULL)", 0, out, err);
}

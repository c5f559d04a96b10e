#include "store/account.h"

int accounts_undecided(struct db *db, int32_t scored_on, int64_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT count(*) FROM account a WHERE deleted_on IS NULL AND main_id IS NULL AND is_customer IS NULL "
		"AND COALESCE(arr_minor, 0) = 0 AND NOT EXISTS (SELECT 1 FROM scores d WHERE d.day = :scored AND "
		"d.account_id = a.id) AND NOT EXISTS (SELECT 1 FROM subscription s WHERE s.account_id = a.id AND "
		"s.deleted_on IS NULL)");

	bind_day(q, ":scored", scored_on);
	if (stmt_step(q, err) < 0)
		return err_in(err, "accounts");
	*out = col_int(q, 0);
	return 0;
}

int account_keys_load(struct db *db, struct arena *a, const struct account_key **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT source_key, coalesce(main_id, id) AS main FROM account ORDER BY source_key, main");
	struct account_key *keys = NULL;
	size_t n = 0, room = 0;
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		if (n == room) {
			room = room ? 2 * room : 256;
			keys = arena_grow(a, keys, n, room, sizeof *keys);
		}
		keys[n++] = (struct account_key){ col_text_in(q, 0, a), col_int(q, 1) };
	}
	if (rc < 0)
		return err_in(err, "keys of accounts");
	*out = keys;
	*out_n = n;
	return 0;
}

int accounts_count(struct db *db, int64_t *out, struct err *err)
{
	return db_int(db, "SELECT count(*) FROM account", 0, out, err) < 0 ? err_in(err, "accounts") : 0;
}

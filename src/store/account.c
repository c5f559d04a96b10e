#include "store/account.h"

int accounts_undecided(struct db *db, int64_t *out, struct err *err)
{
	return db_int(db, "SELECT count(*) FROM account a WHERE deleted_on IS NULL AND main_id IS NULL "
	                  "AND is_customer IS NULL AND COALESCE(arr_minor, 0) = 0 AND NOT EXISTS (SELECT 1 FROM subscription s "
	                  "WHERE s.account_id = a.id AND s.deleted_on IS NULL)", 0, out, err);
}

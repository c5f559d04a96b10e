#include "store/db.h"

int db_keep_few_pages(struct db *db, struct err *err)
{
	return db_run(db, "PRAGMA cache_size = -6144", err);
}

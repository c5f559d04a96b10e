#include "store_file.h"

#include <unistd.h>

#include "cmocka_shim.h"
#include "store/migrate.h"
#include "store/usage.h"

struct db *store_file_open(char path[STORE_PATH])
{
	static const char *const names[] = { "logins", "bytes" };
	struct db *db = NULL;
	struct err err;
	int32_t id;

	(void)snprintf(path, STORE_PATH, "/tmp/retaind-store-%ld.db", (long)getpid());
	(void)unlink(path);
	ASSERT_OK(db_open(path, DB_WRITE, &db, &err));
	ASSERT_OK(db_run(db, "PRAGMA synchronous = OFF", &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ASSERT_OK(metric_id(db, names[i], &id, &err));
	return db;
}

void store_file_close(struct db *db, const char *path)
{
	db_close(db);
	(void)unlink(path);
}

int64_t store_number(struct db *db, const char *sql)
{
	struct err err;
	int64_t n;

	ASSERT_OK(db_int(db, sql, -1, &n, &err));
	return n;
}

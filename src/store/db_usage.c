#include "db_usage.h"

#include "usage_block.h"

static void block_sum(sqlite3_context *context, int n, sqlite3_value **values)
{
	const void *data = sqlite3_value_blob(values[2]);
	int len = sqlite3_value_bytes(values[2]);

	(void)n;
	sqlite3_result_int64(context, usage_block_sum(sqlite3_value_int64(values[0]), sqlite3_value_int(values[1]),
	                                              data ? data : (const void *)"", data ? (size_t)len : 0));
}

int db_usage_register(sqlite3 *handle)
{
	return sqlite3_create_function(handle, "usage_block_sum", 3, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, block_sum,
	                               NULL, NULL);
}

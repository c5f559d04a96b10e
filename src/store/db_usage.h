/* What every connection knows of usage on top of plain SQL: the function usage_block_sum(id, width, data). */
#ifndef DB_USAGE_H
#define DB_USAGE_H

#include <sqlite3.h>

/* Gives it to a connection; an SQLite result. */
int db_usage_register(sqlite3 *handle);

#endif

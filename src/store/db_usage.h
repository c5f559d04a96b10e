/* What every connection knows of usage on top of plain SQL: the functions usage_block_sum(id, width, data) and
 * usage_exception_sum(metric_id, day, account_id, value), and the table usage(account, metric, day, date, value), one
 * row for each cell with a value: fast where account, day or date, and metric are limited by =, <, >, BETWEEN or IN. */
#ifndef DB_USAGE_H
#define DB_USAGE_H

#include <sqlite3.h>

/* Gives both to a connection; an SQLite result. */
int db_usage_register(sqlite3 *handle);

#endif

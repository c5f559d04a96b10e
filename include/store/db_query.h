/* One question in SQL by a person, on a connection of its own that can only read: a single SELECT, with limits on its
 * time, memory and rows. */
#ifndef STORE_DB_QUERY_H
#define STORE_DB_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"

struct query_limits {
	int64_t max_rows, max_ms;
};

struct query_result {
	int n_columns;
	const char **names;
	const bool *is_number;   /* by column: every value is a number or NULL */
	size_t n_rows;
	const char *const **rows; /* cells as text, NULL for NULL; a blob as its hexadecimal digits */
	bool is_cut;             /* there are more rows */
};

/* Besides its tables the database at path has usage(account, metric, day, date, value), a row for each account, metric
 * and day with a value, fast where account, metric and days are limited. ERR_USAGE: what was asked can't be answered,
 * err says why. */
int db_query(const char *path, const char *sql, const struct query_limits *limits, struct arena *a,
             struct query_result *out, struct err *err) MUST_USE;

#endif

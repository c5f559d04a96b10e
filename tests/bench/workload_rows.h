/* The workload as tables of whole numbers, a row at a time: what its peers are filled with. */
#ifndef BENCH_WORKLOAD_ROWS_H
#define BENCH_WORKLOAD_ROWS_H

#include "workload.h"

enum { WORKLOAD_MAX_COLUMNS = 5 };
#define WORKLOAD_NULL INT32_MIN

typedef void workload_row_fn(void *context, const int32_t *values);

struct workload_table {
	const char *name;
	const char *columns[WORKLOAD_MAX_COLUMNS + 1]; /* ends with NULL */
	const char *key;                               /* the primary key where rows are kept in its order; or NULL */
	void (*walk)(const struct workload *w, workload_row_fn *fn, void *context); /* by account */
};

extern const struct workload_table workload_tables[]; /* ends with name NULL */
int workload_n_columns(const struct workload_table *t);

#endif

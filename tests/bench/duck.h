/* DuckDB as a peer: the part of its C interface that the benches use, from the package that npm puts under
 * build/duckdb. Only its results are compared; it is no part of the program. */
#ifndef BENCH_DUCK_H
#define BENCH_DUCK_H

#include <stdbool.h>
#include <stdint.h>

enum { DUCK_ROWS = 2048, DUCK_MAX_COLUMNS = 8 };

struct duck_result { uint64_t room[8]; };

/* Rows of whole numbers on their way into a table. */
struct duck_writer {
	void *appender, *chunk;
	int32_t *columns[DUCK_MAX_COLUMNS];
	int n_columns;
	uint64_t n;
};

bool duck_find(void); /* false where it can't be had: no npm, no network */
void duck_open(const char *path); /* the one database of the process; dies on failure, as all that follow */
void duck_close(void);
void duck_ask(const char *sql, struct duck_result *out);
void duck_tell(const char *sql);
int64_t duck_int(struct duck_result *r, uint64_t column, uint64_t row);
double duck_real(struct duck_result *r, uint64_t column, uint64_t row);
const char *duck_text(struct duck_result *r, uint64_t column, uint64_t row); /* leaks: for the few that are shown */
uint64_t duck_n_rows(struct duck_result *r);
void duck_done(struct duck_result *r);

void duck_write_begin(struct duck_writer *w, const char *table, int n_columns);
void duck_write(struct duck_writer *w, const int32_t *values); /* INT32_MIN: NULL */
void duck_write_end(struct duck_writer *w);

#endif

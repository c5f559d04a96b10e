/* Usage, packed: one blob per (metric, day, block of USAGE_BLOCK accounts) with a checksum. A cell is value + 1 and 0 =
 * not reported; one byte each where all of the block fit, else little-endian u16 with 65535 = see usage_exception.
 * Source of the layout: measured against rows, month chunks and DuckDB. */
#ifndef STORE_USAGE_H
#define STORE_USAGE_H

#include <stdint.h>

#include "store/db.h"

enum { USAGE_BLOCK = 8128, USAGE_MAX = 65533 };
#define USAGE_NONE INT64_MIN

struct usage_cell {
	int32_t metric, day;
	int64_t account;
	int64_t value; /* scaled by the metric's scale, >= 0; USAGE_NONE erases */
};

/* The metric's id, made when new. scale: stored value = reported value * scale (for fractional metrics), 1 by default.
 */
int metric_id(struct db *db, const char *name, int32_t *out, struct err *err) MUST_USE;

/* Writes cells (any order; sorted in place). A cell given twice keeps the last. Returns the number of cells that
 * changed. */
int64_t usage_put(struct db *db, struct usage_cell *cells, size_t n, struct err *err) MUST_USE;

/* Sums end where no count of a day can be; SQL's sum() would fail beyond an int64. */
#define USAGE_TOTAL "CAST(min(total(value), 1e18) AS INTEGER)"
#define USAGE_ADDED "min(value + excluded.value, 1000000000000000000)"

/* What a cell holds; USAGE_NONE where nothing was reported. */
int usage_get(struct db *db, int32_t metric, int32_t day, int64_t account, int64_t *out, struct err *err) MUST_USE;

/* Walks the blocks of a metric and a range of days for one account block (account / USAGE_BLOCK): for each day with
 * data calls fn with USAGE_BLOCK values (USAGE_NONE where not reported). */
typedef void usage_block_fn(void *context, int32_t day, const int64_t *values);
int usage_walk(struct db *db, int32_t metric, int64_t block, int32_t from, int32_t to, usage_block_fn *fn,
               void *context, struct err *err) MUST_USE;

/* Who and where, when the source says so: adds nothing to the totals. */
struct usage_detail {
	int32_t metric, day;
	int64_t account;
	const char *contact_key; /* "" when not known */
	const char *team;        /* "" when not known */
	int64_t value;
};
int usage_detail_put(struct db *db, const struct usage_detail *d, struct err *err) MUST_USE;
int usage_detail_add(struct db *db, const struct usage_detail *d, struct err *err) MUST_USE; /* to what is there */

#endif

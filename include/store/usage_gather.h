/* Gathers the usage of one file: rows in any order become one cell per metric, day and account, and the cells come out
 * in order, so that each block of the store is written once, however long the file and in whatever order. What doesn't
 * fit into memory goes, packed, to a nameless file beside the database. */
#ifndef STORE_USAGE_GATHER_H
#define STORE_USAGE_GATHER_H

#include "store/usage.h"
#include "store/usage_batch.h"

/* Accounts, and origins, that rows can be gathered of; values: less than 2^40. */
enum { GATHER_ACCOUNTS = 1 << 24 };

struct usage_gather;

/* Whether the accounts that there are can be gathered of: 1 or 0. */
int usage_gather_fits(struct db *db, struct err *err) MUST_USE;

void usage_gather_free(struct usage_gather *g); /* accepts NULL */
void usage_gather_freep(struct usage_gather **g); /* for CLEANUP */
/* merge: what becomes of several rows of one origin; a cell is the total over its origins. */
struct usage_gather *usage_gather_new(struct db *db, enum usage_merge merge);
/* origin: a number of the key that named the account. */
int usage_gather_add(struct usage_gather *g, const struct usage_cell *cell, uint32_t origin, struct err *err) MUST_USE;
/* Stores the cells of at least one more block and of at most some more than max_cells; adds the cells that changed to
 * *io_changed. Nothing can be added any more. Returns 1 when there are more, 0 when that was all. Writes: in a
 * transaction of the caller. */
int usage_gather_store(struct usage_gather *g, size_t max_cells, int64_t *io_changed, struct err *err) MUST_USE;
/* How much of what was added is stored, 0 to 1. */
double usage_gather_stored(const struct usage_gather *g);

#endif

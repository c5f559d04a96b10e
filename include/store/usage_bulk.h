/* Usage in bulk: cells of many days and accounts, in any order, gathered in memory (4 bytes a cell) and written a whole
 * block at a time, in the order of the file. For the first years of a source and for whole days of a large base;
 * usage_put is for the rest. What is gathered isn't there for readers before it is flushed. */
#ifndef STORE_USAGE_BULK_H
#define STORE_USAGE_BULK_H

#include "store/usage.h"

struct usage_bulk;

void usage_bulk_free(struct usage_bulk *b); /* accepts NULL; forgets what was not flushed */
void usage_bulk_freep(struct usage_bulk **b); /* for CLEANUP */
/* memory_bytes: what it takes at most, 16 MiB at least; 0 = 256 MiB. The db must outlive it. */
struct usage_bulk *usage_bulk_new(struct db *db, size_t memory_bytes);
/* Gathers cells; of several for one place the last counts, as with usage_put. Writes all that it has when memory is
 * full, so in a transaction of the caller. ERR_INPUT for a cell that can't be usage: those before it are taken. */
int usage_bulk_add(struct usage_bulk *b, const struct usage_cell *cells, size_t n, struct err *err) MUST_USE;
/* Writes what it has, in a transaction of the caller. Returns how many cells have changed since usage_bulk_new. */
int64_t usage_bulk_flush(struct usage_bulk *b, struct err *err) MUST_USE;

#endif

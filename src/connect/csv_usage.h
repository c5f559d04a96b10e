/* Usage out of a CSV file: most rows without the detour of a mapped record, all of them gathered until the file is read
 * and then stored in order. */
#ifndef CONNECT_CSV_USAGE_H
#define CONNECT_CSV_USAGE_H

#include "csv_rows.h"
#include "store/account_keys.h"

struct csv_usage;

void csv_usage_free(struct csv_usage *u); /* accepts NULL */
void csv_usage_freep(struct csv_usage **u); /* for CLEANUP */
/* For the rows of one file, whose accounts the keys tell: they are its own from here on, unless it fails. In a
 * transaction, as all that follows. */
int csv_usage_new(struct db *db, struct account_keys *keys, const struct csv_rows *rows, struct csv_usage **out,
                  struct err *err) MUST_USE;

/* Takes as many of the next lines of the file, and of most, as say what they do in the plainest way, of accounts and
 * metrics that came before. Returns how many; 0: the next row must be read. */
int64_t csv_usage_lines(struct csv_usage *u, const struct csv_rows *rows, int64_t most, struct err *err) MUST_USE;
/* Takes the row at hand when it says what it does in the plainest way, of an account and metric that came before.
 * Returns 1, or 0: it must go through the mapping. */
int csv_usage_take(struct csv_usage *u, const struct csv_row *row, struct err *err) MUST_USE;

enum csv_usage_put { USAGE_TAKEN, USAGE_REFUSED, USAGE_WAITS };
/* Takes a mapped row. USAGE_REFUSED: *why (in the arena) says what is wrong with it; USAGE_WAITS: likewise, that its
 * account isn't known yet. */
int csv_usage_put(struct csv_usage *u, const struct record *r, struct arena *a, const char **why,
                  struct err *err) MUST_USE;

/* Stores at least some of it; adds the cells that changed to *io_changed. Returns 1 when there is more, 0 when that was
 * all. */
int csv_usage_store(struct csv_usage *u, int64_t *io_changed, struct err *err) MUST_USE;
/* How much of it is stored, 0 to 1, as far as that is known. */
double csv_usage_stored(const struct csv_usage *u);

#endif

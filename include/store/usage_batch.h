/* Gathers usage rows of one file in a temporary table, adds up what belongs to one cell, and hands the cells over in
 * order, some at a time. One batch at a time per connection; every call writes, so in a transaction of the caller. */
#ifndef STORE_USAGE_BATCH_H
#define STORE_USAGE_BATCH_H

#include "store/db.h"

/* What becomes of several rows with the same account, origin, metric, day, contact and team. A cell is the total over
 * its origins, contacts and teams. */
enum usage_merge { USAGE_LAST, USAGE_SUM, USAGE_LARGEST };

struct usage_row {
	int32_t metric, day;
	int64_t account, value;
	const char *contact_key, *team; /* "" when not known */
	const char *origin; /* the account's key: of several that are one company each counts; NULL: one has one */
};

int usage_batch_begin(struct db *db, struct err *err) MUST_USE;
int usage_batch_add(struct db *db, enum usage_merge merge, const struct usage_row *row, struct err *err) MUST_USE;
/* Stores at most max_cells cells and what is known of their contacts and teams. Adds the cells that changed to
 * *io_changed. Returns 1 when there are more, 0 when that was all. */
int usage_batch_store(struct db *db, int max_cells, int64_t *io_changed, struct err *err) MUST_USE;
/* The same, but what was gathered is added to what is stored: of events that come once. */
int usage_batch_add_up(struct db *db, int max_cells, int64_t *io_changed, struct err *err) MUST_USE;

#endif

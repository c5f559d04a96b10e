/* Lets go of what is older than it has to be kept, a bounded piece at a time, so that a steady organisation's file
 * stops growing: what is freed takes what comes next. */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include <stdint.h>

#include "store/db.h"
#include "store/settings.h"

/* For once a day, in transactions of its own. Removes at most some hundred thousand rows, the rest another day; the
 * largest tables are looked through in parts, one a day. Returns how many rows went or lost their texts. */
int64_t retention_apply(struct db *db, const struct retention_settings *r, int32_t today, struct err *err) MUST_USE;
/* All of it at once, however long that takes. */
int64_t retention_apply_all(struct db *db, const struct retention_settings *r, int32_t today, struct err *err) MUST_USE;

/* Packs the file anew without the pages that are free, all or nothing; needs as much room again on the disk meanwhile.
 * What it took before and takes after. */
struct compacted {
	int64_t bytes_before, bytes_after;
};
int database_compact(struct db *db, struct compacted *out, struct err *err) MUST_USE;

#endif

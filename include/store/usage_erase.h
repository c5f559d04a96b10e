/* Forgets one account's usage: its cells of every metric and day, values that were too large for a cell, what single
 * contacts and teams used, and that it was counted. Other accounts keep theirs. */
#ifndef STORE_USAGE_ERASE_H
#define STORE_USAGE_ERASE_H

#include "store/db.h"

/* In a transaction of the caller. Deleted bytes are overwritten (secure_delete); the log beside the database still has
 * them until a checkpoint has emptied it. Returns how many cells there were. */
int64_t usage_erase(struct db *db, int64_t account, struct err *err) MUST_USE;

#endif

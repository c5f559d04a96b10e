/* Whether the blocks of usage are what was once written: every one is read and held against its checksum. */
#ifndef STORE_USAGE_CHECK_H
#define STORE_USAGE_CHECK_H

#include "store/db.h"

struct usage_checked {
	int64_t n_blocks, n_damaged;
	const char **damaged; /* the first ones: "usage of logins on 2026-02-16, accounts 0 to 8127 (block ...)" */
	size_t n_named;
};

enum { USAGE_CHECK_NAMES = 100 }; /* damaged blocks that are named at most */

int usage_check(struct db *db, struct arena *a, struct usage_checked *out, struct err *err) MUST_USE;
/* Removes the blocks that are damaged, so that their cells count as never reported and may be pulled again. In a
 * transaction of its own. Returns how many there were. */
int64_t usage_drop_damaged(struct db *db, struct err *err) MUST_USE;

#endif

/* Whether the blocks of scores are what was once written: every one is read and held against its checksum. */
#ifndef STORE_SCORE_CHECK_H
#define STORE_SCORE_CHECK_H

#include "store/db.h"

struct scores_checked {
	int64_t n_blocks, n_damaged;
	const char **damaged; /* the first ones: "scores of 2026-02-16, accounts 256 to 511 (block ...)" */
	size_t n_named;
};

enum { SCORE_CHECK_NAMES = 100 }; /* damaged blocks that are named at most */

int scores_check(struct db *db, struct arena *a, struct scores_checked *out, struct err *err) MUST_USE;
/* Removes the blocks that are damaged, as if these accounts had not been scored on that day. In a transaction of its
 * own. Returns how many there were. */
int64_t scores_drop_damaged(struct db *db, struct err *err) MUST_USE;

#endif

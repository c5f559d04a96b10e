/* What is asked of accounts as a whole. */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include "common/clock.h"
#include "store/db.h"

/* Accounts of which nothing says whether they are customers: neither a subscription, nor ARR, nor is_customer. Those
 * that were scored on that day are not asked about; DAY_NONE: all are. */
int accounts_undecided(struct db *db, int32_t scored_on, int64_t *out, struct err *err) MUST_USE;

/* All there are, gone ones too. */
int accounts_count(struct db *db, int64_t *out, struct err *err) MUST_USE;

/* Which account goes by a source's key; ascending by key (bytes), then id. Two sources may use the same key. */
struct account_key { const char *key; int64_t account; };
int account_keys_load(struct db *db, struct arena *a, const struct account_key **out, size_t *out_n,
                      struct err *err) MUST_USE;

#endif

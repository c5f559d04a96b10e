/* Accounts by the key that their source gave them, and those that nothing says anything of. */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include "store/db.h"

/* Returns 1 and the account's id, 0 when the source gave no such account (or it is deleted). */
int account_find(struct db *db, int64_t source, const char *key, int64_t *out, struct err *err) MUST_USE;

/* Accounts of which nothing says whether they are customers: neither a subscription, nor ARR, nor is_customer. */
int accounts_undecided(struct db *db, int64_t *out, struct err *err) MUST_USE;

#endif

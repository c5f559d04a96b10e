/* What is asked of accounts as a whole. */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include "store/db.h"

/* Accounts of which nothing says whether they are customers: neither a subscription, nor ARR, nor is_customer. */
int accounts_undecided(struct db *db, int64_t *out, struct err *err) MUST_USE;

#endif

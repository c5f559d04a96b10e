/* The packs of accounts (store/pack.h) in the database: made from the rows, never the other way round. Whatever changes
 * a row of an account puts that account on a list (triggers of the database see to it); such packs are not read until
 * they are made anew. So no answer depends on whether there are any. */
#ifndef STORE_PACKS_H
#define STORE_PACKS_H

#include "common/clock.h"
#include "store/db.h"
#include "store/pack.h"

/* Makes the packs anew of all accounts that changed since; of all, when the zone or the format is another one. They
 * tell of today and some days before it. A few thousand accounts a transaction: bounded memory, and what is done stays
 * done. Not inside a transaction. Returns how many were made. */
int64_t packs_refresh(struct db *db, const struct zone *zone, int32_t today, struct err *err) MUST_USE;
/* Nothing of the account is left in its pack. */
int packs_erase(struct db *db, int64_t account, struct err *err) MUST_USE;
/* How many there are, and how many of them are damaged. */
int packs_check(struct db *db, int64_t *out_n, int64_t *out_damaged, struct err *err) MUST_USE;

/* The packs of accounts from .. to as they are, stale ones too, ascending. */
struct stmt *packs_of(struct db *db, int64_t from, int64_t to);
/* The next whose bytes are whole: returns 1, valid until the next call or stmt_done; 0 at the end. */
int packs_next(struct stmt *q, int64_t *out_account, struct pack *out, struct err *err) MUST_USE;

#endif

/* What the store keeps for sources that push: which events it has had, and usage whose account isn't known yet. Every
 * call writes: in a transaction of the caller. */
#ifndef STORE_PUSH_H
#define STORE_PUSH_H

#include "store/record.h"
#include "store/usage_batch.h"

enum { PUSH_HASH_BYTES = 16 };

/* Returns 1 when the event is new, 0 when it was there before. */
int push_seen_add(struct db *db, int64_t source, const uint8_t hash[PUSH_HASH_BYTES], int32_t received_on,
                  struct err *err) MUST_USE;
/* Forgets the events that were received before a day. */
int push_seen_forget(struct db *db, int64_t source, int32_t before, struct err *err) MUST_USE;

/* Keeps a row (its account is not read) until the account is known that the key names. */
int usage_waiting_add(struct db *db, int64_t source, enum account_by by, const char *key, const struct usage_row *row,
                      struct err *err) MUST_USE;
int usage_waiting_count(struct db *db, int64_t source, int64_t *out, struct err *err) MUST_USE;
/* Hands what waits for accounts that are known by now to the batch that has begun. Usage of before a day is given up.
 * Returns the rows that still wait. */
int64_t usage_waiting_settle(struct db *db, int64_t source, int32_t before, struct err *err) MUST_USE;

#endif

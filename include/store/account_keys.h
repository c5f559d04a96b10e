/* Which accounts the keys of a file name. While they are few they are looked up one by one; once they are many, all
 * that there are are read at once. An answer, that there is none included, is kept as long as this lives. */
#ifndef STORE_ACCOUNT_KEYS_H
#define STORE_ACCOUNT_KEYS_H

#include "store/record.h"

struct account_keys;

struct account_key {
	const char *text;
	uint32_t hash, len; /* of the text */
	int64_t account;    /* 0: none is known by it */
};

void account_keys_free(struct account_keys *k); /* accepts NULL */
void account_keys_freep(struct account_keys **k); /* for CLEANUP */
struct account_keys *account_keys_new(struct db *db, int64_t source, enum account_by by);
/* What is kept of a key; NULL: nothing yet. */
const struct account_key *account_keys_kept(struct account_keys *k, const char *key, size_t len);
/* Of the keys that come next after the one that was asked for last: the one that stands at at, followed by end, in the
 * room that there is. NULL: none of them. */
const struct account_key *account_keys_at(struct account_keys *k, const char *at, size_t room, char end);
/* What is kept of a key, and asks the database where nothing is kept. ERR_INPUT when there are too many. */
int account_keys_find(struct account_keys *k, const char *key, const struct account_key **out,
                      struct err *err) MUST_USE;
/* Reads all that there are, so that nothing that isn't kept is known. Returns 1, 0 when they are too many or can't be
 * read at once. */
int account_keys_read_all(struct account_keys *k, struct err *err) MUST_USE;
/* A number of its own for each key that is kept, from 0. */
uint32_t account_keys_number(const struct account_keys *k, const struct account_key *key);

#endif

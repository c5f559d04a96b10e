/* Owners who are to get no digest for a while, by a person's word. */
#ifndef STORE_SILENCES_H
#define STORE_SILENCES_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "store/db.h"

struct silence {
	const char *owner_email;
	int32_t until_on;   /* the first day with a digest again */
	const char *reason; /* NULL: none was given */
	int64_t said_at;
};

/* Takes the place of an earlier one of the owner. */
int silence_put(struct db *db, const struct silence *s, struct err *err) MUST_USE;
/* Returns 1 ended, 0 there was none. */
int silence_end(struct db *db, const char *owner_email, struct err *err) MUST_USE;
/* Returns 1 when the owner is silenced on a day, else 0. */
int silence_load(struct db *db, const char *owner_email, int32_t day, struct arena *a, struct silence *out,
                 struct err *err) MUST_USE;
/* Those that hold on a day, by owner. */
int silences_load(struct db *db, int32_t day, struct arena *a, const struct silence **out, size_t *out_n,
                  struct err *err) MUST_USE;

#endif

/* Which rows a stream's lists have shown, so that those that a later whole list no longer shows are found. */
#ifndef STORE_LISTED_H
#define STORE_LISTED_H

#include "store/db.h"

/* The row was in list number `list` of the stream. */
int listed_put(struct db *db, int64_t source, const char *stream, const char *key, int64_t list,
               struct err *err) MUST_USE;
/* The row is gone, as is known by other means. */
int listed_drop(struct db *db, int64_t source, const char *stream, const char *key, struct err *err) MUST_USE;
/* How many rows are known, and how many of them were not in list number `list`. */
int listed_count(struct db *db, int64_t source, const char *stream, int64_t list, int64_t *out_all,
                 int64_t *out_missing, struct err *err) MUST_USE;
/* The keys of those that were not, at most max of them, by key; in the arena. */
int listed_missing(struct db *db, int64_t source, const char *stream, int64_t list, size_t max, struct arena *a,
                   const char *const **out, size_t *out_n, struct err *err) MUST_USE;

#endif

/* Between the files of the past: who had a score near another one on a day. */
#ifndef PAST_NEAR_H
#define PAST_NEAR_H

#include "store/past.h"

struct near_score { int64_t account; double score; };

/* Of the accounts in a band on the day, but for the one that is left out: the nearest first, then by account. */
int past_near(struct db *db, const struct past_query *query, int32_t day, struct arena *a,
              const struct near_score **out, size_t *out_n, struct err *err) MUST_USE;

#endif

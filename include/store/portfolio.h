/* What was shown of accounts over some time, for who looks after the whole of them. */
#ifndef STORE_PORTFOLIO_H
#define STORE_PORTFOLIO_H

#include "common/clock.h"
#include "store/db.h"

/* The accounts on which a finding was open at some time from a day to another one: ids ascending, each once. */
int portfolio_listed(struct db *db, int32_t from, int32_t to, struct arena *a, int64_t **out, size_t *out_n,
                     struct err *err) MUST_USE;

#endif

/* Whether closing months anew would find anything else than it did: most days nothing changed that revenue is made of.
 * Where there are bills only the same day is sure: what is due depends on how long. */
#ifndef STORE_NRR_CLOSED_H
#define STORE_NRR_CLOSED_H

#include <stdbool.h>

#include "store/db.h"

/* rules: the policy and whatever else decides beside the rows. */
int nrr_closed_holds(struct db *db, int32_t day, const char *rules, bool *out, struct err *err) MUST_USE;
/* Before the rows are read; what changes from here on is seen. */
int nrr_closed_begin(struct db *db, struct err *err) MUST_USE;
/* All of it was closed as of a day. */
int nrr_closed_end(struct db *db, int32_t day, const char *rules, struct err *err) MUST_USE;

#endif

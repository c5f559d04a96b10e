/* Rows that a whole list no longer has, at sources that don't tell of deletions. */
#ifndef CONNECT_MISSING_H
#define CONNECT_MISSING_H

#include "rows.h"

/* After a stream's whole list, which came to its end, has been stored as number to->list: the rows that it no longer
 * has, as gone; where each is asked about by itself, no more than a pull may ask, the others next time. Returns 1, with
 * err in words for a person, when they are so many that rather the list is in doubt, and the pull doesn't accept it. */
int missing_find(const struct rows_to *to, struct arena *a, struct row **out, size_t *out_n, struct err *err) MUST_USE;
/* Deletes those that are gone and stores the others. Runs in the caller's transaction. */
int missing_settle(const struct rows_to *to, const struct row *rows, size_t n, struct arena *a,
                   struct err *err) MUST_USE;

#endif

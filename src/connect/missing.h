/* Rows that a whole list no longer has, at sources that don't tell of deletions. */
#ifndef CONNECT_MISSING_H
#define CONNECT_MISSING_H

#include "rows.h"

/* After a stream's whole list, which came to its end, has been stored as number to->list: deletes what it no longer has
 * and adds to the counts. Returns 1, with err in words for a person, when that is so much that rather the list is in
 * doubt: nothing is deleted then unless the pull accepts it. Runs in the caller's transaction. */
int missing_delete(const struct rows_to *to, struct arena *a, struct err *err) MUST_USE;

#endif

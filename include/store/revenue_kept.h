/* The lines of recurring revenue as known on the last day that was scored, kept beside that day's base (base_kept),
 * whose triggers drop both when a row changes: whoever reports on that day need not go through all contracts and their
 * history. revenue_load takes them from there, and whether they are there makes no difference to what it gives. */
#ifndef STORE_REVENUE_KEPT_H
#define STORE_REVENUE_KEPT_H

#include "store/revenue.h"

/* After the day was scored: loads the lines as of the query's day and keeps them, in a transaction of its own. Does
 * nothing where that day's base was not kept, or where there are more contracts than are worth it. */
int revenue_keep(struct db *db, const struct revenue_query *query, struct err *err) MUST_USE;

#endif

/* What the workload's score makes of one metric's usage of a block of accounts: arrays over the accounts, one loop
 * after the other. */
#ifndef BENCH_WORKLOAD_USAGE_H
#define BENCH_WORKLOAD_USAGE_H

#include "store/db.h"
#include "store/usage.h"

struct workload_use; /* in the arena */
struct workload_use *workload_use_new(struct arena *a);
/* Adds what a metric says of churn and of growth to those of the block's accounts that ever reported it. */
int workload_use_add(struct workload_use *u, struct db *db, int32_t metric, int64_t block,
                     const double *restrict limits, double *restrict churn, double *restrict upsell,
                     struct err *err) MUST_USE;

#endif

/* What tracked fields of one entity were over time, all of their changes that were known by a day: for revenue and
 * outcomes, which look back over years. (Facts need the last value only: see facts_history.) */
#ifndef STORE_TRAIT_H
#define STORE_TRAIT_H

#include "store/revenue.h"

struct trait_history {
	struct revenue_change *rows; /* by id, field, day */
	size_t n;
};
/* Owners change by key; their rows hold the e-mail address. Returns 0 or -1. */
int trait_load(struct db *db, const char *entity, int32_t as_of, struct arena *a, struct trait_history *out,
               struct err *err) MUST_USE;
/* The same of some accounts ("account") or their subscriptions ("subscription"). */
int trait_load_of(struct db *db, const char *entity, int64_t from_account, int64_t to_account, int32_t as_of,
                  struct arena *a, struct trait_history *out, struct err *err) MUST_USE;
/* The same of these accounts, by ids that rise. */
int trait_load_each(struct db *db, const int64_t *accounts, size_t n, int32_t as_of, struct arena *a,
                    struct trait_history *out, struct err *err) MUST_USE;
/* now: what it is when it never changed. */
struct revenue_trait trait_of(const struct trait_history *h, int64_t id, const char *field, const char *now);

int64_t trait_number(const char *value, int64_t fallback);
bool trait_truth(const char *value, bool fallback);
int32_t trait_day(const char *value); /* a number of days or a date; else DAY_NONE */

#endif

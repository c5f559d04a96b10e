/* Usage that is counted from events: many rows become one cell per account, metric and day, and a day that is counted
 * again replaces what was counted before. Accounts that aren't known yet get theirs when they come. Every call writes,
 * so in a transaction of the caller; one count at a time per connection. */
#ifndef STORE_USAGE_COUNTED_H
#define STORE_USAGE_COUNTED_H

#include "store/record.h"
#include "store/usage_batch.h"

struct counted_row {
	int32_t metric, day;
	enum account_by by;
	const char *account_key, *contact_key, *team; /* contact, team: "" when not known; a cell is the total over them */
	int64_t value;
};

int counted_begin(struct db *db, struct err *err) MUST_USE;
/* What becomes of several rows that differ in value alone, merge says. */
int counted_add(struct db *db, enum usage_merge merge, const struct counted_row *row, struct err *err) MUST_USE;

/* Of whom, and the days that were counted whole; from > to: those between the first and the last row's. */
struct counted_days {
	int64_t source;
	const char *stream;
	int32_t from, to;
};
struct counted_result {
	int64_t n_changed;     /* cells */
	int64_t n_unknown;     /* keys of accounts that aren't known */
	const char *example;   /* one of them */
};

/* Replaces what these days had. */
int counted_store(struct db *db, const struct counted_days *d, struct arena *a, struct counted_result *out,
                  struct err *err) MUST_USE;
/* Gives what waits to accounts that have come; adds the cells that changed. Returns how many keys still wait. */
int64_t counted_settle(struct db *db, int64_t source, const char *stream, int64_t *io_changed,
                       struct err *err) MUST_USE;

#endif

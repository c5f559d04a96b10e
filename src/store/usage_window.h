/* Usage of accounts, as facts want it. The blocks hold it by day; a window reads each day of a block once for as many
 * accounts as it has room for, adds up their weeks together, and then hands out one account after the other. */
#ifndef USAGE_WINDOW_H
#define USAGE_WINDOW_H

#include "store/fact_series.h"
#include "store/facts.h"

struct usage_window;
/* Of these metrics, back from the as-of day. Lives in the arena, which must outlive its use; so must the metrics. */
struct usage_window *usage_window_new(int32_t as_of, const struct fact_metric *metrics, size_t n, struct arena *a);
/* Makes the window hold accounts first to last, which are of one block; with room left, those of the block up to
 * `until`, too (`last`: none): whoever goes through the accounts in order reads each block once. */
int usage_window_seek(struct usage_window *w, struct db *db, int64_t first, int64_t last, int64_t until,
                      struct err *err) MUST_USE;
/* Of an account in the window: by metric, NULL where it has none. Single days live as long as the window stays where it
 * is, unless they are copied; all else in the arena. */
int usage_window_series(struct usage_window *w, struct db *db, int64_t account, bool is_copied, struct arena *a,
                        const struct fact_series **out, struct err *err) MUST_USE;
/* How many accounts it can hold at most. */
int usage_window_room(const struct usage_window *w);

#endif

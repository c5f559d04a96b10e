/* The base of a day as scoring made it, kept so that who looks at one account need not go through all. There is one, of
 * the last day that was scored. It is dropped (by triggers, migration base_kept) as soon as anything it was made of
 * changes, and it is only given back to the same configuration and program: whether there is one makes no difference to
 * what is said. What sources are and how fresh is not kept but asked, as that is cheap. */
#ifndef STORE_BASE_KEPT_H
#define STORE_BASE_KEPT_H

#include "common/parcel.h"
#include "store/facts.h"

/* The parts of a base that are made of all its accounts, into or out of a parcel; members are not among them. */
void base_parcel(struct parcel *p, struct fact_base *io);
/* One of them alone. */
void base_speeds_parcel(struct parcel *p, const struct fact_speed **io, size_t *io_n);

/* Within the transaction that scores the day. maker: what program and configuration it is good for. */
int base_kept_put(struct db *db, int32_t day, const char *maker, const void *data, size_t len,
                  struct err *err) MUST_USE;
/* 1: there is one. The bytes live in the arena. */
int base_kept_get(struct db *db, int32_t day, const char *maker, struct arena *a, const void **out, size_t *out_len,
                  struct err *err) MUST_USE;

/* Makes a base whose kept parts are read whole again: its sources as they are now, and of its members the one with
 * this id (of the as-of day: see facts_find), which is then at index 0. */
int base_kept_complete(struct db *db, const struct fact_query *q, int64_t account, struct arena *a,
                       struct fact_base *io, struct err *err) MUST_USE;

/* The same with all members; of their days of activity only the last one is there, and nothing before the window: for
 * a query that skips judging. */
int facts_base_seen(struct db *db, const struct fact_query *q, struct arena *a, struct fact_base *io,
                    struct err *err) MUST_USE;

#endif

/* Between the files of facts: rows collected per account, and what history says of tracked attributes. */
#ifndef FACTS_PARTS_H
#define FACTS_PARTS_H

#include "store/facts.h"

/* One load of facts_load. */
struct loading {
	struct db *db;
	const struct fact_query *q;
	const struct fact_base *base;
	size_t first, n;
	int64_t from_id, to_id;
	struct arena *arena;
	struct fact_account *out;
};

/* The place in out of an account, or -1. */
ptrdiff_t loading_place(const struct loading *l, int64_t account);
/* The first instant of a day; of the next one where the zone left that day out. */
int64_t facts_day_start(const struct zone *zone, int32_t day);
/* A copy in the arena; "" when there is none. */
const char *loading_text(const struct loading *l, const char *text);

/* Rows that grow one by one, each of one account, in ascending order of accounts. */
struct rows {
	struct arena *arena;
	char *at;
	size_t *places;
	size_t n, cap, size;
};
void *rows_add(struct rows *r, size_t place);
/* Points each account's list (a pointer and a count at these offsets of struct fact_account) to its rows. */
void rows_hand_out(const struct rows *r, struct fact_account *out, size_t at_offset, size_t n_offset);

enum tracked {
	TRACKED_ACCOUNT, TRACKED_SUBSCRIPTION, TRACKED_CONTACT, TRACKED_LIMIT, TRACKED_TICKET, TRACKED_INTERACTION,
	TRACKED_INVOICE, TRACKED_OPPORTUNITY
};

struct change {
	int64_t id;
	const char *field, *value; /* value NULL: empty */
	bool is_dated;             /* not the first value that was ever seen */
	const char *before;        /* the value it took the place of; of the first one NULL */
	int32_t known_on;
};
/* The last value known by the as-of day of every tracked field of a range of accounts. */
struct history {
	const struct change *changes;
	size_t n;
};
int history_load(struct db *db, enum tracked what, int64_t from_account, int64_t to_account, int32_t as_of,
                 struct arena *a, struct history *out, struct err *err) MUST_USE;
/* The same of all accounts' segments alone. */
int history_load_segments(struct db *db, int32_t as_of, struct arena *a, struct history *out, struct err *err) MUST_USE;
const struct change *history_find(const struct history *h, int64_t id, const char *field); /* NULL: never changed */
const char *history_text(const struct history *h, int64_t id, const char *field, const char *current);
int64_t history_int(const struct history *h, int64_t id, const char *field, int64_t current, int64_t none);
int32_t history_day(const struct history *h, int64_t id, const char *field, int32_t current);
/* A date that tells of an event is seen when it has come, or when it was known before: when it was set later on. */
bool history_is_dated(const struct history *h, int64_t id, const char *field);

/* The walk over usage of facts_walk.h: begins where the base's members and metrics are known; adds up, into these, the
 * days of activity and the metrics' use, the last day on which a member reported usage (DAY_NONE when never), the days
 * of late on which any did, and how many did of late. */
int facts_walk_begin(struct fact_base *io, struct fact_member *members, struct arena *a, struct err *err) MUST_USE;
void facts_walk_end(struct fact_base *io, struct arena *a);
void facts_walk_free(struct facts_walk *walk); /* and the days with it; twice is once */

/* Only the last day of each member into out, whose days are all unset. */
int facts_load_seen(struct db *db, const struct fact_base *base, struct fact_days *out, struct err *err) MUST_USE;
/* How fresh the sources of the base are, where its metrics and reports are known. */
int facts_load_sources(struct db *db, const struct fact_query *query, struct fact_base *io, struct err *err) MUST_USE;

/* The parts of facts_load. */
int facts_load_rows(struct loading *l, struct err *err) MUST_USE; /* the account, its contracts, events and people */
int facts_load_subscriptions(struct loading *l, struct err *err) MUST_USE; /* alone, and who is a customer by them */
int facts_load_market(struct db *db, const struct fact_query *q, const struct fact_base *base, struct arena *a,
                      struct fact_market *out, struct err *err) MUST_USE;
int facts_load_answers(struct loading *l, struct err *err) MUST_USE;   /* what owners said of findings */
int facts_load_overrides(struct loading *l, struct err *err) MUST_USE;
int facts_load_usage(struct loading *l, struct err *err) MUST_USE;

#endif

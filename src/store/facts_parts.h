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
	int64_t end_at;         /* the first instant after the as-of day */
	int64_t since_at;       /* events before are not loaded */
	int64_t text_since_at;  /* nor texts before */
	struct arena *arena;
	struct fact_account *out;
};

/* The place in out of an account, or -1. */
ptrdiff_t loading_place(const struct loading *l, int64_t account);
int32_t loading_day(const struct loading *l, int64_t at);   /* INSTANT_NONE gives DAY_NONE */
/* The first instant of a day; of the next one where the zone left that day out. */
int64_t facts_day_start(const struct zone *zone, int32_t day);
/* A copy in the arena; "" when there is none. */
const char *loading_text(const struct loading *l, const char *text);
int32_t loading_seen(const struct loading *l, int32_t day); /* DAY_NONE when later than the as-of day */

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
/* A date that tells of an event: seen when it has come, or when history says that it was known before. */
int32_t history_event(const struct history *h, int64_t id, const char *field, int32_t current, int32_t as_of);

/* What recurring revenue subscriptions had on the days that are looked back at, and which renewed by themselves. */
struct past_revenue;
int past_revenue_load(const struct loading *l, const struct past_revenue **out, struct err *err) MUST_USE;
/* Into s, where all else is set. */
void past_revenue_tell(const struct past_revenue *p, int64_t id, int32_t as_of, struct fact_subscription *s);
/* A part of facts_base_load: sets the days of activity of the base's members, these, and what its metrics
 * were used; gives the last day on which a member reported usage (DAY_NONE when never), the days of late on which any
 * did, and how many did of late. */
int facts_load_activity(struct db *db, struct fact_base *base, struct fact_member *members, struct arena *a,
                        int32_t *out_last_on, struct fact_days *out_days, size_t *out_n, struct err *err) MUST_USE;

/* How fresh the sources of the base are, where its metrics and reports are known. */
int facts_load_sources(struct db *db, const struct fact_query *query, struct fact_base *io, struct err *err) MUST_USE;

/* The parts of facts_load. */
int facts_load_accounts(struct loading *l, struct err *err) MUST_USE;
int facts_load_contracts(struct loading *l, struct err *err) MUST_USE; /* subscriptions, limits, invoices, notices */
int facts_load_subscriptions(struct loading *l, struct err *err) MUST_USE; /* and who is a customer by them */
int facts_load_opportunities(struct loading *l, struct err *err) MUST_USE;
int facts_load_market(struct db *db, const struct fact_query *q, const struct fact_base *base, struct arena *a,
                      struct fact_market *out, struct err *err) MUST_USE;
int facts_load_events(struct loading *l, struct err *err) MUST_USE;    /* tickets, interactions, surveys */
int facts_load_people(struct loading *l, struct err *err) MUST_USE;    /* after events */
int facts_load_answers(struct loading *l, struct err *err) MUST_USE;   /* what owners said of findings */
int facts_load_overrides(struct loading *l, struct err *err) MUST_USE;
int facts_load_usage(struct loading *l, struct err *err) MUST_USE;

#endif

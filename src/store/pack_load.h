/* Between the files that make packs: the rows of some accounts, read into drafts. */
#ifndef PACK_LOAD_H
#define PACK_LOAD_H

#include "facts_parts.h"
#include "store/pack.h"

/* What is read: for the facts of one day, what was known then; for a pack that lasts, all that any day may ask for. */
struct packing {
	struct db *db;
	const struct zone *zone;
	int32_t as_of;           /* of a pack that lasts: INT32_MAX */
	int32_t gone_by;         /* rows that were deleted by this day are left out; a pack tells of no day before it */
	int32_t since_on;        /* events before are left out */
	int64_t since_at, end_at; /* the same, and the first instant after as_of */
	const int64_t *accounts; /* ascending */
	size_t n;
	struct arena *arena;
	struct pack_draft *drafts; /* one an account */
	bool *is_odd; /* an event's instant and its day don't agree on what came first: no pack says when it was */
};

/* The rows of one day; since when a lasting pack tells what it does. */
void packing_for_day(struct packing *p, const struct fact_query *q);
void packing_to_last(struct packing *p, int32_t today);
/* is_all: else subscriptions alone. */
int packing_load(struct packing *p, bool is_all, struct err *err) MUST_USE;
/* How many of n accounts, from the first on, have so few rows that they are read together; one whatever it has. io_fit:
 * how many did before, n at first: what lies together is mostly alike. */
int packing_fit(struct db *db, const int64_t *accounts, size_t n, size_t *io_fit, struct err *err) MUST_USE;

/* Between them. */
int packing_load_accounts(struct packing *p, struct err *err) MUST_USE;
int packing_load_subscriptions(struct packing *p, struct err *err) MUST_USE;
int packing_load_contracts(struct packing *p, struct err *err) MUST_USE; /* without subscriptions */
int packing_load_events(struct packing *p, struct err *err) MUST_USE;
int packing_load_people(struct packing *p, struct err *err) MUST_USE;
/* Binds :from and :to, the first and last account. */
void packing_bind(struct stmt *q, const struct packing *p);
int packing_history(const struct packing *p, enum tracked what, struct history *out, struct err *err) MUST_USE;
ptrdiff_t packing_place(const struct packing *p, int64_t account); /* -1: none of these */
/* The next row of one of these, whose id is its first column; out_place: its place. Returns 1, or 0 at the end. */
int packing_next(const struct packing *p, struct stmt *q, size_t *out_place, struct err *err) MUST_USE;
/* The draft's history of a row: before the last change it says something else. */
void packing_note(struct packing *p, size_t place, const struct history *h, int64_t id);
/* The day of an instant, PACK_NONE of none. */
int64_t packing_day(const struct packing *p, int64_t at);
/* The same of an event's, in whose order the days go. */
int64_t packing_event_day(struct packing *p, size_t place, int64_t at);

#endif

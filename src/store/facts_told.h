/* Between the files that say what an account's pack means on a day. */
#ifndef FACTS_TOLD_H
#define FACTS_TOLD_H

#include "facts_parts.h"
#include "store/pack.h"

/* One account of a load. */
struct telling {
	struct loading *l;
	const struct pack *pack;
	int64_t account;
	bool is_of_day;        /* its rows were read for this day: all of them count */
	const char **words;    /* by number */
	size_t cap_words;
	struct { int64_t *at; size_t cap; } cells[N_PACK_SECTIONS];
};

/* A section's cells, column by column: column c of row i is at [c * n + i]. NULL when the bytes make no sense. They
 * stay until the same section's of another account are asked for. */
const int64_t *told_cells(struct telling *t, enum pack_section section, size_t *out_n);

static inline const char *told_word(const struct telling *t, int64_t number)
{
	return number > 0 && number < (int64_t)t->pack->n_words ? t->words[number] : "";
}

/* Whether a row is there on the day. */
static inline bool told_row(const struct telling *t, int64_t gone_on)
{
	return gone_on == PACK_NONE || gone_on > t->l->q->as_of;
}

/* Of a row that tells of an event: whether it counts, on the day and by it. */
static inline bool told_event(const struct telling *t, int64_t on, int64_t gone_on)
{
	int32_t as_of = t->l->q->as_of;

	return t->is_of_day || (on <= as_of && on > as_of - FACTS_DAYS && (gone_on == PACK_NONE || gone_on > as_of));
}

/* A day that has come, or that was known before it came; else DAY_NONE. */
static inline int32_t told_day(const struct telling *t, int64_t day, bool is_dated)
{
	return day <= t->l->q->as_of || is_dated ? (int32_t)day : DAY_NONE;
}
/* The texts of a row, by its id: of a column each, in the arena. */
struct told_texts { const char *first, *second; };
int told_texts(const struct telling *t, const char *sql, int64_t id, struct told_texts *out, struct err *err) MUST_USE;

/* All of these return 1, or 0 when the bytes make no sense, or -1. */
int tell_account(struct telling *t, const struct fact_member *member, struct fact_account *f,
                 struct err *err) MUST_USE;
int tell_subscriptions(struct telling *t, struct fact_account *f) MUST_USE; /* and who is a customer by them */
int tell_contracts(struct telling *t, struct fact_account *f, struct err *err) MUST_USE;
int tell_events(struct telling *t, struct fact_account *f, struct err *err) MUST_USE;
int tell_people(struct telling *t, struct fact_account *f) MUST_USE; /* after events */

#endif

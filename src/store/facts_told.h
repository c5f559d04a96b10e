/* Between the files that say what an account's pack means on a day. */
#ifndef FACTS_TOLD_H
#define FACTS_TOLD_H

#include "facts_parts.h"
#include "pack_cells.h"

enum { TOLD_SLOTS = 16 };

/* One account of a load. */
struct telling {
	struct loading *l;
	const struct pack *pack;
	int64_t account;
	struct pack_words words; /* of the pack */
	const char **word_list;  /* where those are */
	size_t cap_words;
	struct pack_cells cells[PACK_MAX_COLUMNS]; /* of the section that was opened last */
	size_t n_cells;                            /* its rows */
	struct told_slot {
		int64_t *at;
		size_t cap, n_alike; /* n_alike: so many cells are as the first, where a column was all alike */
	} slots[TOLD_SLOTS];
	int32_t as_of;
	int64_t after, until, gone_by; /* which days' events count, and since when they may be gone */
	int32_t heard_on; /* when they were heard of last before the rows of interactions begin */
	struct told_speaker { size_t word; int32_t on; } *speakers; /* who was heard and when, by their word */
	size_t n_speakers, cap_speakers;
};

/* The day, and which events count: of a pack made for this day alone all of them. */
void told_events_of(struct telling *t, bool is_of_day);
/* Opens a section for what follows. Returns 1, 0 when it has no rows, -1 when the bytes make no sense. */
int told_open(struct telling *t, enum pack_section section);
/* Sets fields of the structs, of size bytes each and zeroed, that the section's rows become. */
static inline void told_rows(const struct telling *t, const struct pack_field *fields, size_t n_fields, void *to,
                             size_t size)
{
	pack_rows(t->cells, t->n_cells, fields, n_fields, &t->words, to, size);
}
const int64_t *told_read(struct telling *t, struct told_slot *s, const struct pack_cells *c);
/* A column of the section by row; there until the same slot is asked for again. Most are alike, of all accounts. */
static inline const int64_t *told_cells(struct telling *t, int slot, int column)
{
	const struct pack_cells *c = &t->cells[column];
	struct told_slot *s = &t->slots[slot];

	if (!c->width && t->n_cells <= s->n_alike && *s->at == (c->has_none ? PACK_NONE : c->base))
		return s->at;
	return told_read(t, s, c);
}

static inline const char *told_word(const struct telling *t, int64_t number)
{
	return (uint64_t)number < t->words.n ? t->words.at[number] : "";
}

/* The number of a word that says something; 0: of none. */
static inline size_t told_name(const struct telling *t, int64_t number)
{
	return (uint64_t)number < t->words.n ? (size_t)number : 0;
}

/* Whether a row is there on the day. */
static inline bool told_row(const struct telling *t, int64_t gone_on)
{
	return gone_on == PACK_NONE || gone_on > t->as_of;
}

/* Of a row that tells of an event: whether it counts, on the day and by it. */
static inline bool told_event(const struct telling *t, int64_t on, int64_t gone_on)
{
	return on > t->after && on <= t->until && (gone_on == PACK_NONE || gone_on > t->gone_by);
}

/* A day that has come, or that was known before it came; else DAY_NONE. */
static inline int32_t told_day(const struct telling *t, int32_t day, bool is_dated)
{
	return day <= t->as_of || is_dated ? day : DAY_NONE;
}
/* The texts of a row, by its id: of a column each, in the arena. */
struct told_texts { const char *first, *second; };
int told_texts(const struct telling *t, const char *sql, int64_t id, struct told_texts *out, struct err *err) MUST_USE;

/* All of these return 1, or 0 when the bytes make no sense, or -1. */
int tell_account(struct telling *t, const struct fact_member *member, struct fact_account *f,
                 struct err *err) MUST_USE;
int tell_subscriptions(struct telling *t, struct fact_account *f) MUST_USE; /* and who is a customer by them */
int tell_contracts(struct telling *t, struct fact_account *f, struct err *err) MUST_USE;
int tell_events(struct telling *t, struct fact_account *f, struct err *err) MUST_USE; /* after the account */
int tell_people(struct telling *t, struct fact_account *f) MUST_USE; /* after events */

#endif

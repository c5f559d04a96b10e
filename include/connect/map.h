/* From a row of a source (JSON or CSV) to a record of the store: the same words for both. */
#ifndef CONNECT_MAP_H
#define CONNECT_MAP_H

#include "common/clock.h"
#include "common/yaml.h"
#include "store/record.h"
#include "store/usage_batch.h"

/* One entry: `{ to: renewal_on, from: properties.renewal_date, format: "%Y-%m-%d" }`. */
struct map_entry {
	const char *to;       /* a field of the entity */
	const char *from;     /* column, or JSON path; NULL with a fixed value */
	const char *value;    /* fixed */
	const char *format;   /* dates and instants: instant_parse_format; NULL: ISO 8601, or epoch seconds / ms by size */
	const char *fallback; /* `default:` when what came is empty */
	const struct yaml *values; /* mapping from what comes to what is stored; "*" for all else */
	bool is_minor;        /* amounts come in minor units already (cents) */
	int as;               /* enum map_as */
	bool is_utc;          /* `zone: utc`: times without an offset are UTC, not the organisation's */
	double scale;         /* numbers and money are multiplied by it (1/12 for a yearly amount); 0: as it is */
	const char *times;    /* path or column of a number that they are multiplied by besides (seats); NULL: none */
	const char *over;     /* likewise divided by; where either is empty, so is the value */
	const char *per;      /* path of day, week, month, quarter or year: the value becomes one per month */
	const char *sum;      /* path of a list: what the other paths say of each of its elements is added up */
	const char *unless;   /* with sum: path of a boolean that says the list isn't whole; then the value is empty */
	int field;            /* index of `to` in the entity */
	int line;             /* in the YAML, for messages */
};

/* `as:` address: the first e-mail address in the text; direction: out where that is one of ours, else in; domain: the
 * host of a website or address without its www, by which systems find each other's accounts. */
enum map_as { MAP_AS_TEXT, MAP_AS_ADDRESS, MAP_AS_DIRECTION, MAP_AS_DOMAIN };

/* What one row becomes: one record of one entity; a stream may have several maps over the same row. */
struct map {
	const struct entity *entity;
	const char *key;          /* path or column; joined with "+" ("id+date", "'note'+id"); "end?" may be empty */
	const char *account;      /* path or column of the account's key; NULL: none, or set later by a link */
	enum account_by account_by;
	const char *ours;         /* addresses and domains that are no customer's; rows without any other are left out */
	const struct map_entry *entries;
	size_t n_entries;
	const char *when_from;    /* the row counts only when this column or path ... */
	const struct yaml *when_in; /* ... has one of these values (a list); NULL: always */
	const char *deleted_from; /* path or column that says the row is gone, a boolean ... */
	const struct yaml *deleted_in; /* ... or, where this list is given, one of these values; NULL: none */
	enum usage_merge merge;   /* `aggregate:` of usage: several rows for one account, metric, day, contact and team */
};

/* Reads `entity: key: account: {from:, by:}: map: [...] when: {from:, in: [...]} deleted:` of a stream or file. */
const struct map *map_read(struct arena *a, const struct yaml *node, struct mistakes *m);
/* With further entries that replace those with the same `to` (organisation's file over connector). */
const struct map *map_extend(struct arena *a, const struct map *base, const struct yaml *more, struct mistakes *m);

/* With another account (organisation's file over connector): path, or { from:, by: }. */
const struct map *map_with_account(struct arena *a, const struct map *base, const struct yaml *account,
                                   struct mistakes *m);

/* The next path or column of a key from *at on, NULL behind the last; *may_be_empty: "?" stands behind it. */
const char *map_key_part(struct arena *a, const char **at, bool *may_be_empty);

/* Gives the text of a column or path, NULL when it is not there or null; may use the arena. */
typedef const char *map_get_fn(const void *row, const char *from, struct arena *a);

/* Whether what stands at deleted_from (NULL: nothing) says that the row is gone; ERR_INPUT when it can't be read. */
int map_reads_deleted(const struct map *map, const char *text, struct arena *a, bool *out, struct err *err) MUST_USE;

/* Returns 1 with a record (texts in the arena), 2 with a record whose row is deleted (key only), 0 when `when` leaves
 * the row out, -1 ERR_INPUT with what is wrong: field, what came, what would be right. */
int map_apply(const struct map *map, map_get_fn *get, const void *row, const struct zone *zone, struct arena *a,
              struct record *out, struct err *err) MUST_USE;

#endif

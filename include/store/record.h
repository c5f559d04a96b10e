/* Rows as sources give them: one table of entities and fields serves mapping (which names are allowed), storing
 * (upsert, history of what changes, quarantine) and linking (a row whose account is not there yet is kept and linked
 * when it comes). */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "store/db.h"

enum value_type {
	VALUE_TEXT,
	VALUE_INT,
	VALUE_REAL,
	VALUE_BOOL,
	VALUE_MONEY,   /* minor units; the row's currency applies */
	VALUE_NANO,    /* a decimal above 0, times 1e9: rates of exchange */
	VALUE_DAY,
	VALUE_INSTANT
};

enum { RECORD_MAX_FIELDS = 32, HISTORY_BEGINNING = -2147483647 };

struct entity_field {
	/* in YAML `to:` and in SQL (money: name_minor, day: name_on, instant: name_at are written out in name) */
	const char *name;
	enum value_type type;
	bool is_tracked;  /* changes are kept in table history */
	bool is_required;
	const char *const *words; /* of a text: which there are, NULL behind the last; NULL: any */
};

struct entity {
	/* account, contact, subscription, usage, limit, ticket, interaction, invoice, survey, opportunity, notice, rate,
	 * owner */
	const char *name;
	const char *table; /* NULL: stored otherwise (usage) */
	const struct entity_field *fields;
	int n_fields;
	bool has_account;  /* belongs to an account: account_key is resolved by account_by */
	bool has_seen_on;  /* keeps the day on which a row was first seen, NULL with the first load of its source */
};

/* In the order to load them: accounts, subscriptions, the rest; ends with name NULL. */
extern const struct entity entities[];
const struct entity *entity_find(const char *name); /* NULL when unknown */
int entity_field_index(const struct entity *e, const char *name); /* -1 when unknown */

struct value {
	bool is_set; /* the source said something (text NULL / DAY_NONE / INSTANT_NONE then means: it is empty) */
	bool is_null;
	int64_t number;   /* int, bool, money, day, instant */
	double real;
	const char *text;
};

/* How account_key names its account. */
enum account_by {
	ACCOUNT_BY_KEY,         /* the source's own key */
	ACCOUNT_BY_EXTERNAL_ID, /* account.external_id, whatever its source */
	ACCOUNT_BY_DOMAIN,      /* account.domain, likewise */
	ACCOUNT_BY_NAME,        /* account.name, folded, likewise; must be unambiguous */
	ACCOUNT_BY_SUBSCRIPTION, /* account_key is the key of a subscription of this source */
	ACCOUNT_BY_CONTACT,      /* ... of a contact of this source */
	ACCOUNT_BY_PARTICIPANTS  /* a list of e-mail addresses in JSON: of the first that is a contact's, whatever its
	                          * source, else of the first whose domain is an account's */
};

struct record {
	const struct entity *entity;
	const char *key;         /* the source's id of this row */
	const char *account_key; /* NULL: not given (an upsert leaves it) */
	enum account_by account_by;
	struct value values[RECORD_MAX_FIELDS]; /* by field index */
};

/* Finds or makes the source's row; returns its id in *out. */
int source_id(struct db *db, const char *name, const char *kind, int64_t *out, struct err *err) MUST_USE;

/* Upserts by (source, key); unset values stay as they are. Changes of tracked fields go to history, dated known_on (the
 * first value counts from the beginning). What comes before its source first came through as a whole counts as always
 * known; a later row of an entity that has_seen_on is dated known_on. No instant tells when we looked: the same input
 * gives the same rows. Usage goes to store/usage.h instead. Returns 0 nothing changed, 1 new, 2 changed. */
int record_put(struct db *db, int64_t source, const struct record *r, int32_t known_on, struct err *err) MUST_USE;
/* The row is gone at the source (archived, deleted): marks it deleted from known_on. Returns 1 when it was there. One
 * that comes back was never gone; where the entity has_seen_on, the days on which it was thought to be stay in history,
 * as deleted_on. */
int record_delete(struct db *db, int64_t source, const struct entity *e, const char *key, int32_t known_on,
                  struct err *err) MUST_USE;
/* Sets the account_key of a row that is there (HubSpot associations). Returns 1 when changed. */
int record_link(struct db *db, int64_t source, const struct entity *e, const char *key, const char *account_key,
                struct err *err) MUST_USE;
/* Resolves account_key -> account_id wherever it is open, parents and owners too. Returns the number still open.
 * Writes: in a transaction of the caller. */
int64_t record_resolve_links(struct db *db, struct err *err) MUST_USE;
/* The same where something came, went or changed since it was last done, which is noted by whoever changes it: rows of
 * what, NULL: who is one company by which rules. */
int record_resolve_links_due(struct db *db, struct err *err) MUST_USE;
int record_mark_links_due(struct db *db, const struct entity *what, struct err *err) MUST_USE;
/* The account that a key of a source names, resolved as of the last record_resolve_links. Returns 1 with its id, 0
 * none. */
int record_find_account(struct db *db, int64_t source, enum account_by by, const char *key, int64_t *out,
                        struct err *err) MUST_USE;

/* A row that can't be used: kept with the reason and the first 4,000 bytes of what came; the same row again counts
 * once. */
int quarantine_put(struct db *db, int64_t source, const char *stream, const char *key, const char *reason,
                   const char *raw, int64_t now, struct err *err) MUST_USE;

/* Where a stream stopped; NULL text when never. The page's rows and its cursor go in one transaction of the caller. */
int cursor_get(struct db *db, int64_t source, const char *stream, struct arena *a, const char **out,
               struct err *err) MUST_USE;
int cursor_set(struct db *db, int64_t source, const char *stream, const char *cursor, int64_t now,
               struct err *err) MUST_USE;

#endif

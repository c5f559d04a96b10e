/* Which accounts are one company: by keys that the organisation declared, and by merges in their own system. Nothing is
 * guessed: where keys lead to several accounts, or disagree, the account stays by itself and is told of. */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "store/db.h"
#include "store/settings.h"

/* What is compared, in the order of the words in an organisation's file (config/identity.c). */
enum identity_by {
	IDENTITY_EXTERNAL_ID, /* both have the same external_id */
	IDENTITY_MAIN_KEY,    /* its external_id is the main account's own key */
	IDENTITY_OWN_KEY,     /* its own key is the main account's external_id */
	IDENTITY_DOMAIN,
	IDENTITY_NAME,        /* folded */
	N_IDENTITY_BY
};
extern const char *const identity_by_names[]; /* ends with NULL */

/* Makes the rules those of the settings, in a transaction of its own. */
int identity_rules_set(struct db *db, const struct identity_settings *s, struct err *err) MUST_USE;
/* Finds every account's main account anew and moves what belongs to it; a part of record_resolve_links, after the names
 * were folded. Usage that was counted before follows once and does not come back. */
int identity_resolve(struct db *db, struct err *err) MUST_USE;
/* Whether a rule compares names. */
int identity_uses_names(struct db *db, bool *out, struct err *err) MUST_USE;

/* The account that is gone was taken in by another of its source. */
int identity_note_merge(struct db *db, int64_t source, const char *key, const char *into, struct err *err) MUST_USE;

/* What a person should look at. */
struct identity_conflict {
	const char *kind; /* conflict: of keys; waiting: usage of an account that nobody knows */
	const char *source, *key, *name, *reason;
};

int identity_conflicts(struct db *db, struct arena *a, struct identity_conflict **out, size_t *out_n,
                       struct err *err) MUST_USE;

#endif

/* Digests for tests: a small fixed database, and random ones made of the nastiest text. */
#ifndef DIGEST_SAMPLE_H
#define DIGEST_SAMPLE_H

#include "digest/compose.h"
#include "store/db.h"

enum { SAMPLE_TODAY = 20514 /* 2026-03-02, a Monday */ };
#define SAMPLE_NOW 1772434800LL /* 2026-03-02T07:00:00Z */

/* A migrated database in memory with nine findings of two owners; dies when that fails. */
struct db *sample_open(void);
/* The digest of an owner of it on SAMPLE_TODAY. kind: csm, am or manager. */
void sample_digest(struct db *db, const char *kind, size_t capacity, struct arena *a, struct digest *out);
/* Gives every item the answers of its engine, with addresses under https://crm.example/a/. */
void sample_add_answers(struct digest *d, struct arena *a);
/* A digest with up to max_items items; the same for the same seed. */
void sample_random(uint64_t seed, size_t max_items, struct arena *a, struct digest *out);

#endif

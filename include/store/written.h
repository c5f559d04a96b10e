/* What a CRM is to be told of its accounts, and what it was told last. */
#ifndef STORE_WRITTEN_H
#define STORE_WRITTEN_H

#include <stdbool.h>

#include "common/clock.h"
#include "store/db.h"

/* How an account stands on a day. */
struct standing {
	int64_t source, account;
	const char *key, *name;  /* in its source */
	bool is_scored;          /* else nothing below but the strings, and something was written of it once */
	double risk, readiness;  /* below 0: not enough data to say */
	int risk_band, readiness_band;
	const char *cause;       /* of the leading finding that isn't closed, defense first; NULL: none */
};

/* The accounts that the source has, with a score on the day or with something written once; ascending. What is said of
 * one that is another name of a company's is what is said of the company. */
int standings_read(struct db *db, const char *source, int32_t day, struct arena *a, struct standing **out,
                   size_t *out_n, struct err *err) MUST_USE;
/* Returns 1 with what was last written into the field, 0 when nothing ever was. */
int written_get(struct db *db, int64_t source, int64_t account, const char *field, struct arena *a, const char **out,
                struct err *err) MUST_USE;
int written_put(struct db *db, int64_t source, int64_t account, const char *field, const char *value, int64_t now,
                struct err *err) MUST_USE;

#endif

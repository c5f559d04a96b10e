/* Contracts written as rows into a store in memory, and the book of recurring revenue that comes of them: what the
 * tests of retention and movements begin with. Failures fail the test. */
#ifndef SUPPORT_CONTRACTS_H
#define SUPPORT_CONTRACTS_H

#include "score/book.h"

/* Days are texts, "2025-03-01"; NULL: there is none. */
struct contract {
	const char *account; /* made when it is new */
	const char *from, *to;
	int64_t minor; /* per month */
	const char *product, *plan;
	const char *currency;   /* NULL: EUR */
	const char *end_reason;
	const char *notice_on, *paid_until;
};

struct db *contracts_open(void);
int32_t contracts_day(const char *text);
void contracts_account(struct db *db, const char *account, const char *segment);
/* Returns the subscription's id. */
int64_t contracts_put(struct db *db, const struct contract *c);
/* A value that was known from a day on ("" : from the beginning) of a field that has changed since. */
void contracts_past(struct db *db, const char *entity, int64_t id, const char *field, const char *from,
                    const char *value);
int64_t contracts_account_id(struct db *db, const char *account);
/* One unit of currency in base, times 1e9, from a day on. */
void contracts_rate(struct db *db, const char *currency, const char *base, const char *on, int64_t nano);
/* What was known on a day, in EUR unless another currency is asked for. */
struct book contracts_book(struct db *db, const char *as_of, const struct nrr_policy *policy, const char *currency,
                           struct arena *a);

#endif

/* Books of recurring revenue at random, as rows of the store: the same number gives the same book. Days lie close
 * together and often on the ends of the windows, amounts are now and then nothing, negative or huge. */
#ifndef SUPPORT_RANDOM_BOOK_H
#define SUPPORT_RANDOM_BOOK_H

#include <stdbool.h>

#include "store/db.h"

enum { RANDOM_SPANS = 3, RANDOM_ACCOUNTS = 5 };

struct random_book {
	uint64_t number;
	const char **rows;  /* INSERT, then UPDATE; #A1# and #S1# stand for ids of accounts and subscriptions */
	bool *is_left_out;  /* by the one who makes it smaller */
	size_t n_rows;
	int32_t from[RANDOM_SPANS], to[RANDOM_SPANS];
	int32_t as_of;
	bool is_rich;       /* paid periods and notices besides */
	bool is_mixed;      /* amounts in several currencies */
	bool has_rates;     /* from each of them to EUR, for both ends of all spans */
};

/* Each number drawn changes *seed. */
uint64_t random_next(uint64_t *seed);
/* 0 .. n - 1 */
int random_upto(uint64_t *seed, int n);

void random_book_make(uint64_t number, bool is_rich, struct arena *a, struct random_book *out);
/* Replaces what is in the store, which must not check foreign keys: rows come in any order, and some not at all. They
 * come in another order and with other ids for each other value of order. */
int random_book_put(const struct random_book *b, uint64_t order, struct db *db, struct arena *a,
                    struct err *err) MUST_USE;

#endif

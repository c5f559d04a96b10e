/* Amounts of several currencies side by side. */
#ifndef DIGEST_WORTH_H
#define DIGEST_WORTH_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/words.h"

enum { DIGEST_CURRENCIES = 4 };

/* Amounts are never added across currencies. What is in a fifth one is only counted. */
struct digest_worth {
	struct {
		const char *currency;
		int64_t minor;
	} of[DIGEST_CURRENCIES];
	size_t n, n_further;
};
void digest_worth_add(struct digest_worth *w, int64_t minor, const char *currency);
/* "EUR 1.2M and USD 30k"; "" when there is nothing. */
const char *digest_worth_text(const struct words *words, struct arena *a, const struct digest_worth *w);

#endif

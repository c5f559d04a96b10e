/* How a language writes numbers, money and days. One row of languages[] per language. */
#ifndef COMMON_WORDS_LANGUAGE_H
#define COMMON_WORDS_LANGUAGE_H

#include "common/words.h"

enum { MAX_PLURALS = 2 };

struct language {
	const char *name;
	int n_plurals;
	int (*plural)(uint64_t n, bool has_decimals); /* the index of the plural class; n: the whole part */
	const char *group, *point, *percent; /* percent: between number and sign, and the sign */
	const char *weekdays[7], *months[12], *full_months[12], *first_of_month;
	bool has_money_behind; /* "48 000 \u20ac" instead of "EUR 48,000" */
	const char *thousands[4]; /* "", k, M, bn */
	const char *no_break; /* signs before which a blank is a narrow no-break one; NULL: none */
	bool elides;          /* "de " before a vowel is "d'" */
};

const struct language *language_of(const struct words *w);
const char *language_argument(const struct language *l, struct arena *a, const struct word *arg);

#endif

/* Cuts text into folded words that a vocabulary knows by number, so that phrases are compared as numbers. French
 * elisions and English contractions are words of their own: "l'abonnement" is l, abonnement; "don't" is do, n't. */
#ifndef SCORE_WORDS_H
#define SCORE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

enum { WORD_BYTES = 31 /* longer words are known to nobody */ };
/* What stands between a word and the one before it. */
enum { BREAK_CLAUSE = 1, BREAK_QUOTE = 2, BREAK_SENTENCE = 4 };

struct word {
	uint32_t at, end;     /* bytes of the text */
	uint32_t exact, stem; /* numbers in the vocabulary, 0: not there; stem: the longest beginning that is */
	uint64_t bits;        /* word_bit of each number that it is */
	uint8_t breaks;
};

/* Goes through a text word by word. */
struct cutter {
	const char *text;
	size_t len, at, line; /* line: where the present one begins */
};
struct cut {
	size_t at, end;
	uint8_t breaks;
	char folded[WORD_BYTES + 1];
	size_t len; /* above WORD_BYTES: too long */
};
bool cut_next(struct cutter *c, struct cut *out);

struct vocabulary;
struct vocabulary *vocabulary_new(struct arena *a);
/* The number of a folded word, given to it now when it has none. is_stem: of all words that begin so (4 letters at
 * least). Words of classes (bits) are given them in addition. */
uint32_t vocabulary_add(struct vocabulary *v, const char *folded, bool is_stem, uint32_t classes);
uint32_t vocabulary_size(const struct vocabulary *v); /* above every number */
/* The next shorter stem that such words begin with, 0: none. */
uint32_t vocabulary_shorter(const struct vocabulary *v, uint32_t stem);
/* One of 64 bits for a number, so that a set of words can be ruled out at a glance. 0: no word. */
uint64_t word_bit(uint32_t number);
/* Whether a word is the one of that number, or begins like it; and all classes of a word. */
bool word_is(const struct vocabulary *v, const struct word *w, uint32_t number);
uint32_t word_classes(const struct vocabulary *v, const struct word *w);
/* At most max words of text. */
size_t words_read(const struct vocabulary *v, const char *text, size_t len, struct word *out, size_t max);

#endif

/* Phrases of the lexicons, made ready to be found: each as parts, each part as words of which one stands there. */
#ifndef SCORE_PHRASES_H
#define SCORE_PHRASES_H

#include "score/settings.h"
#include "words.h"

enum { MAX_PARTS = 6 };

struct phrases;
struct phrase_found { size_t first, last; /* words */ uint32_t phrase; };

struct phrases *phrases_new(struct arena *a, struct vocabulary *v);
/* Adds one phrase of an owner (a number of the caller's) in the syntax of config/lexicon/cancel_request.yaml; sets:
 * struct word_set. Returns NULL, or what is wrong with it, in words. */
const char *phrases_add(struct phrases *p, const char *phrase, uint32_t owner, struct yaml_array sets);
void phrases_ready(struct phrases *p); /* behind the last one, and when the vocabulary is whole */
uint32_t phrases_owner(const struct phrases *p, uint32_t phrase);

/* Whether a word may stand in the gap of a phrase. */
typedef bool gap_fn(const void *context, uint32_t owner, const struct word *w);
/* The next phrase from *at on that begins at word *at or behind it; *at and *nth remember the place (both 0 at first).
 * False when there is none. */
struct phrase_search {
	const struct phrases *phrases;
	const struct word *words;
	size_t n_words;
	gap_fn *may_skip;
	const void *context;
	size_t at, nth;
	uint64_t failed[MAX_PARTS]; /* of the present try: where a part did not stand, by words from its start */
};
bool phrases_next(struct phrase_search *s, struct phrase_found *out);

#endif

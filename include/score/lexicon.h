/* Lexicons made ready: looks for all phrases of all lexicons in one walk over a text. Only words that its writer means
 * count: not denied, not supposed, not of somebody else, not quoted, not in a signature. */
#ifndef SCORE_LEXICON_H
#define SCORE_LEXICON_H

#include "common/arena.h"
#include "common/err.h"
#include "score/settings.h"

enum { MAX_LEXICONS = 64 };
struct lexicon_index;
/* lexicons: struct lexicon_settings. A phrase that can't be read is ERR_CONFIG, of the lexicon
 * *out_wrong. It lives in the arena and reads the settings no more. */
int lexicon_index_new(struct arena *a, struct yaml_array lexicons, const struct lexicon_index **out, size_t *out_wrong,
                      struct err *err) MUST_USE;

/* Where a lexicon was found in a text: the sentence, from shortly before the phrase. */
struct lexicon_hit { size_t lexicon; const char *sentence; /* index among the settings' */ };
/* Looks for every lexicon in a text; at most one hit each, in their order. Returns how many there are. */
size_t lexicon_hear(const struct lexicon_index *index, const char *text, struct arena *a,
                    struct lexicon_hit out[MAX_LEXICONS]);

/* Whether an account has a text in which something could be found. */
struct fact_account;
bool lexicon_is_needed(const struct fact_account *account);

#endif

/* Short signed texts for links: whoever holds one may do the one thing that it is for, and nobody can make or change
 * one without the key. 33 bytes, base64url without padding (RFC 4648 5): fields, and the first half of HMAC-SHA256
 * (RFC 2104, 5: at least half of the hash) over scope and fields. The same fields give the same token. */
#ifndef COMMON_TOKEN_H
#define COMMON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

enum { TOKEN_CHARS = 44, TOKEN_FORM_CHARS = 22, TOKEN_MIN_KEY = 16 };
#define TOKEN_MAX_SUBJECT ((INT64_C(1) << 40) - 1)

struct token {
	int purpose;        /* 0..255 */
	int64_t subject;    /* what it is about: 0..TOKEN_MAX_SUBJECT */
	int64_t expires_at; /* the first second at which it is none any more; up to 2106 */
	int32_t made_on;    /* a day up to 2149; tells tokens of several days apart */
	uint64_t holder;    /* whom it was made for, see token_holder */
};

/* 40 bits of an address, whatever its case: enough to know again who of a few thousand it was. */
uint64_t token_holder(const char *email);
/* scope: what the key signs besides, so that what one organisation was given is nothing to another. NULL: a field is
 * out of its range. */
const char *token_make(struct arena *a, const char *key, const char *scope, const struct token *t);

enum token_state { TOKEN_GOOD, TOKEN_EXPIRED, TOKEN_NONE /* changed, cut, another scope's, written in another way */ };
/* Any of the keys is right: while one is replaced there are two. Sets *out unless it is TOKEN_NONE, and *out_key to the
 * one that fits. Takes the same time whatever is wrong with a token of the right form. */
enum token_state token_read(const char *text, const char *const *keys, size_t n_keys, const char *scope, int64_t now,
                            struct token *out, const char **out_key);

/* What a form about a token carries, so that only who was shown the form can send it. */
const char *token_form(struct arena *a, const char *key, const char *scope, const char *token);
/* Whether two texts are the same, in a time that depends on the length of the second only. */
bool token_is_same(const char *secret, const char *given);

#endif

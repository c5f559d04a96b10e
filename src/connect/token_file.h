/* What an OAuth source must remember between two runs, in a file of its own beside the database: 0600 in a folder 0700,
 * replaced as a whole, and on the disk before anything relies on it. */
#ifndef CONNECT_TOKEN_FILE_H
#define CONNECT_TOKEN_FILE_H

#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"

struct token {
	const char *seed;       /* digest of the secrets that it all began with */
	const char *access;     /* NULL: none */
	const char *refresh;    /* that the other side gave last; NULL: the secret's own still counts */
	const char *base_url;   /* that the other side gave; NULL: none */
	int64_t fresh_until;    /* then it is renewed beforehand; 0: not known, until it is refused */
	int64_t asked_at;       /* a rotating renewal was asked for and its answer never kept; 0: none */
};

/* Returns 1, or 0 when there is none yet. ERR_CONFIG: others may read it, or it isn't ours to read. */
int token_load(const char *path, struct arena *a, struct token *out, struct err *err) MUST_USE;
/* One process at a time, the one that holds the lock. */
int token_save(const char *path, const struct token *t, struct err *err) MUST_USE;
/* Makes the folder of the file where it is missing. */
int token_folder(const char *path, struct err *err) MUST_USE;

#endif

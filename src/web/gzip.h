/* Bodies that come packed, as the libraries for phones send them. */
#ifndef WEB_GZIP_H
#define WEB_GZIP_H

#include "common/arena.h"
#include "common/err.h"

/* ERR_INPUT when it is no gzip, or more than WEB_MAX_BODY unpacked. *out lives in the arena, with a NUL behind it. */
int gzip_unpack(struct arena *a, const char *body, size_t len, const char **out, size_t *out_len,
                struct err *err) MUST_USE;

#endif

/* Bytes that grow up to a ceiling. Always NUL-terminated behind len (at is "" when empty, never NULL after buf_init).
 * What would pass the ceiling is dropped and is_full is set: a writer appends freely and asks once at the end. */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/attr.h"

struct buf {
	char *at;
	size_t len;
	bool is_full; /* something was dropped */
	size_t cap, limit; /* off limits */
};

void buf_init(struct buf *b, size_t limit_bytes);
void buf_done(struct buf *b); /* for CLEANUP too */
void buf_reset(struct buf *b); /* empties it and keeps the room */
/* len bytes more, which the caller writes before anything else is added; NULL, and is_full is set, at the ceiling. */
char *buf_take(struct buf *b, size_t len);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_text(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);
/* Cuts it down to its first len bytes. */
void buf_cut(struct buf *b, size_t len);

#endif

#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

static char nothing[1];

void buf_init(struct buf *b, size_t limit_bytes)
{
	*b = (struct buf){ .at = nothing, .limit = limit_bytes };
}

void buf_done(struct buf *b)
{
	if (b->cap)
		free(b->at);
	buf_init(b, b->limit);
}

void buf_reset(struct buf *b)
{
	buf_cut(b, 0);
	b->is_full = false;
}

void buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->at[len] = '\0';
}

/* Whether len more bytes and the NUL fit as it is, which they nearly always do. */
static bool has_room(const struct buf *b, size_t len)
{
	return len <= b->limit - b->len && b->len + len < b->cap;
}

/* Makes room for len more bytes and the NUL; false at the ceiling. */
static bool make_room(struct buf *b, size_t len)
{
	size_t cap = b->cap ? b->cap : 256;
	char *at;

	if (len > b->limit - b->len) {
		b->is_full = true;
		return false;
	}
	while (cap <= b->len + len)
		cap *= 2;
	if (cap == b->cap)
		return true;
	at = realloc(b->cap ? b->at : NULL, cap);
	if (!at)
		die("out of memory (%zu bytes)", cap);
	b->at = at;
	b->cap = cap;
	return true;
}

char *buf_take(struct buf *b, size_t len)
{
	char *at;

	if (!has_room(b, len) && !make_room(b, len))
		return NULL;
	at = b->at + b->len;
	at[len] = '\0';
	b->len += len;
	return at;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	char *at = len ? buf_take(b, len) : NULL;

	if (at)
		memcpy(at, data, len);
}

void buf_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_char(struct buf *b, char c)
{
	char *at = buf_take(b, 1);

	if (at)
		*at = c;
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		die("buf_printf: bad format %s", format);
	if (!n || !make_room(b, (size_t)n))
		return;
	va_start(args, format);
	(void)vsnprintf(b->at + b->len, (size_t)n + 1, format, args);
	va_end(args);
	b->len += (size_t)n;
}

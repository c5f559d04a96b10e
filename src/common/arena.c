#include "common/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

enum { BLOCK_BYTES = 16 * 1024, DEFAULT_LIMIT = 1 << 30 };

struct block {
	struct block *next;
	size_t used, size;
	alignas(max_align_t) char at[];
};

struct deferred {
	struct deferred *next;
	void (*release)(void *thing);
	void *thing;
};

struct arena {
	struct block *blocks; /* newest first; the last is the one that arena_reset keeps */
	struct deferred *deferred;
	size_t limit, taken;
};

static struct block *block_new(size_t size)
{
	struct block *b = malloc(sizeof *b + size);

	if (!b)
		die("out of memory (%zu bytes)", size);
	b->next = NULL;
	b->used = 0;
	b->size = size;
	return b;
}

struct arena *arena_new(size_t limit_bytes)
{
	struct arena *a = calloc(1, sizeof *a);

	if (!a)
		die("out of memory");
	a->limit = limit_bytes ? limit_bytes : DEFAULT_LIMIT;
	a->blocks = block_new(BLOCK_BYTES);
	return a;
}

void arena_reset(struct arena *a)
{
	while (a->deferred) {
		struct deferred *d = a->deferred;

		a->deferred = d->next;
		d->release(d->thing);
	}
	while (a->blocks->next) {
		struct block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	a->blocks->used = 0;
	a->taken = 0;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	arena_reset(a);
	free(a->blocks);
	free(a);
}

void arena_freep(struct arena **a)
{
	arena_free(*a);
}

size_t arena_left(const struct arena *a)
{
	return a->limit - a->taken;
}

/* A block with room for size bytes: the newest, or a further one. A large piece gets a block of its own behind the
 * newest, so that the room left in that one is not lost. */
static struct block *block_for(struct arena *a, size_t size)
{
	struct block *b = a->blocks;

	if (size <= b->size - b->used)
		return b;
	if (size > BLOCK_BYTES / 4) {
		struct block *own = block_new(size);

		own->next = b->next;
		b->next = own;
		if (!own->next) { /* keep the plain block last: arena_reset keeps the last one */
			b->next = NULL;
			own->next = b;
			a->blocks = own;
		}
		return own;
	}
	b = block_new(BLOCK_BYTES);
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

/* A piece in which anything stands but at its end: the last bytes of it, from whole on, are 0. */
static char *take(struct arena *a, size_t size, size_t whole)
{
	size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct block *b;
	char *piece;

	if (rounded < size || rounded > arena_left(a))
		die("arena: %zu bytes asked, %zu of %zu left", size, arena_left(a), a->limit);
	b = block_for(a, rounded);
	piece = b->at + b->used;
	b->used += rounded;
	a->taken += rounded;
	memset(piece + whole, 0, rounded - whole);
	return piece;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return take(a, size, 0);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		die("arena: %zu elements of %zu bytes", n, size);
	return arena_alloc(a, bytes);
}

void *arena_grow(struct arena *a, const void *old, size_t old_n, size_t new_n, size_t size)
{
	size_t bytes, old_bytes = old_n * size;
	char *piece;

	if (__builtin_mul_overflow(new_n, size, &bytes))
		die("arena: %zu elements of %zu bytes", new_n, size);
	piece = take(a, bytes, old_bytes);
	if (old_bytes)
		memcpy(piece, old, old_bytes);
	return piece;
}

void *arena_memdup(struct arena *a, const void *data, size_t len)
{
	char *piece = take(a, len, len);

	if (len)
		memcpy(piece, data, len);
	return piece;
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
	char *copy;

	if (len == (size_t)-1)
		die("arena: a text of %zu bytes", len);
	copy = take(a, len + 1, len);
	if (len)
		memcpy(copy, text, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
	return text ? arena_strndup(a, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	char brief[256]; /* most are */
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(brief, sizeof brief, format, args);
	va_end(args);
	if (n < 0)
		die("arena_printf: bad format %s", format);
	if ((size_t)n < sizeof brief)
		return arena_strndup(a, brief, (size_t)n);
	text = arena_alloc(a, (size_t)n + 1);
	va_start(args, format);
	(void)vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

void arena_on_free(struct arena *a, void (*release)(void *thing), void *thing)
{
	struct deferred *d = arena_alloc(a, sizeof *d);

	d->release = release;
	d->thing = thing;
	d->next = a->deferred;
	a->deferred = d;
}

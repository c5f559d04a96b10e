/* Memory of one unit of work (a page, an account, a digest, a request): handed out piece by piece, given back at once.
 * Zeroed, never NULL: memory that runs out, or a size past the arena's limit, ends the process (die). Sizes that come
 * from outside must meet a ceiling of their own first. */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <stddef.h>

#include "common/attr.h"

struct arena;

void arena_free(struct arena *a); /* accepts NULL */
void arena_freep(struct arena **a); /* for CLEANUP */
/* limit_bytes: all that may ever be asked of it; 0 = 1 GiB. */
FREED_BY(arena_free) struct arena *arena_new(size_t limit_bytes);
/* Makes it empty for the next unit of work, keeping one block. */
void arena_reset(struct arena *a);
/* What is still within the limit. */
size_t arena_left(const struct arena *a);

void *arena_alloc(struct arena *a, size_t size);
/* n elements of size bytes; the product is checked. */
void *arena_array(struct arena *a, size_t n, size_t size);
/* A copy of old_n elements with room for new_n. */
void *arena_grow(struct arena *a, const void *old, size_t old_n, size_t new_n, size_t size);
void *arena_memdup(struct arena *a, const void *data, size_t len);
char *arena_strdup(struct arena *a, const char *text); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *text, size_t len);
char *arena_printf(struct arena *a, const char *format, ...) PRINTF(2, 3);
/* Calls release(thing) when the arena is emptied or freed, last come first served. */
void arena_on_free(struct arena *a, void (*release)(void *thing), void *thing);

#endif

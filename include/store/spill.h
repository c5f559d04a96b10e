/* Bytes that are gathered in small pieces, many lists at once: the last of each are in memory, those before in a file
 * without a name beside the database. */
#ifndef STORE_SPILL_H
#define STORE_SPILL_H

#include "common/buf.h"
#include "common/err.h"

struct arena;

struct spill {
	struct buf tail; /* not yet in the file */
	const char *database;
	int fd; /* -1: all is in the tail */
	size_t len, limit;
};

/* database: the path of the one beside which there is room; it has to stay. */
void spill_init(struct spill *s, const char *database, size_t limit_bytes);
void spill_done(struct spill *s); /* for CLEANUP too */
/* ERR_INPUT beyond the limit. */
int spill_add(struct spill *s, const void *data, size_t len, struct err *err) MUST_USE;
/* All of it, s->len bytes: in the arena, or where it lies until the next piece is added. */
int spill_read(struct spill *s, struct arena *a, const void **out, struct err *err) MUST_USE;

#endif

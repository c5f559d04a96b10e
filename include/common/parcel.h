/* Structs as bytes and back, for what is kept in a blob for the same program to read again: one function goes over the
 * fields and serves both ways, so that they can't differ. Bytes from a file may be damaged: lengths are checked, and
 * whoever reads asks once at the end. Numbers lie as the machine has them; whoever keeps a parcel keeps with it what
 * made it. */
#ifndef COMMON_PARCEL_H
#define COMMON_PARCEL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/buf.h"

struct parcel {
	struct buf *out;      /* where to write; NULL: it is read */
	const char *at, *end; /* what is left to read */
	struct arena *arena;  /* for what is read, and for copies */
	bool is_bad;          /* read: it ended too early, or has a number beyond reason. What was read is zero then */
};

bool parcel_is_read(const struct parcel *p);
/* A number, or a struct without pointers. */
void parcel_bytes(struct parcel *p, void *at, size_t size);
void parcel_text(struct parcel *p, const char **io); /* NULL stays NULL */
/* A list of *n elements of size bytes: a copy of it when written, room for it when read; the caller then goes over its
 * elements. each: the fewest bytes that an element takes. */
void *parcel_list(struct parcel *p, const void *list, size_t *n, size_t size, size_t each);
/* The same of numbers or structs without pointers: with its elements. */
void *parcel_array(struct parcel *p, const void *list, size_t *n, size_t size);
/* Whether it was read up to its end and was in order. */
bool parcel_is_whole(const struct parcel *p);

#endif

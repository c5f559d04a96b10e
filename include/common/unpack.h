/* Unpacks gzip and zip, an entry at a time and from file to file, so that an export takes disk and not memory. What is
 * outside sets no size: entries, bytes and the ratio between packed and unpacked have ceilings. Owns zlib. */
#ifndef COMMON_UNPACK_H
#define COMMON_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct unpack_settings {
	bool is_zip, is_gzip; /* both: the entries of a zip are gzip each */
	int64_t max_bytes;    /* unpacked, over all entries; 0: 16 GiB */
};

struct unpack;

void unpack_free(struct unpack *u); /* accepts NULL */
void unpack_freep(struct unpack **u);
/* fd stays the caller's and must outlive it. ERR_RETRY: cut short; ERR_INPUT: no such file, or beyond a ceiling. */
int unpack_open(const struct unpack_settings *s, int fd, struct unpack **out, struct err *err) MUST_USE;
/* Writes the next entry to the file to, which is emptied before. Returns 1, 0 when there is none left, -1 as above.
 * gzip whose first bytes aren't gzip's was unpacked on the way, and is taken as it is. */
int unpack_next(struct unpack *u, int to, struct err *err) MUST_USE;

#endif

/* SHA-256 of a file, by what the processor has for it. */
#ifndef COMMON_FILE_HASH_H
#define COMMON_FILE_HASH_H

#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"

/* Of the text before and the file's bytes, in hex. ERR_INPUT when it can't be read. */
int file_hash(struct arena *a, const char *path, const char *before, const char **out_hex, int64_t *out_bytes,
              struct err *err) MUST_USE;

#endif

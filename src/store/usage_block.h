/* Between the files of usage: the packed blocks as they are stored, see store/usage.h. */
#ifndef USAGE_BLOCK_H
#define USAGE_BLOCK_H

#include "store/usage.h"

enum { USAGE_CELL_BYTES = 2, USAGE_BLOCK_BYTES = USAGE_BLOCK * USAGE_CELL_BYTES, USAGE_EXCEPTION = 65535 };

/* The cells of one metric, day and block of accounts into USAGE_BLOCK_BYTES. Returns the bytes that are stored (0: no
 * such block, and out is left alone); the rest of the block is zero. */
int usage_block_load(struct db *db, int32_t metric, int32_t day, int64_t block, uint8_t *out, struct err *err) MUST_USE;
/* The value of a cell that is USAGE_EXCEPTION. */
int usage_exception_get(struct db *db, int32_t metric, int32_t day, int64_t account, int64_t *out,
                        struct err *err) MUST_USE;

static inline unsigned usage_cell_at(const uint8_t *block, int place)
{
	return (unsigned)block[USAGE_CELL_BYTES * place] | (unsigned)block[USAGE_CELL_BYTES * place + 1] << 8;
}

#endif

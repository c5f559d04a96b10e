/* Between the files of usage: the packed blocks as they are stored, see store/usage.h. In memory a cell has always two
 * bytes; in the file one where no cell of the block needs more. */
#ifndef USAGE_BLOCK_H
#define USAGE_BLOCK_H

#include "store/usage.h"

enum { USAGE_CELL_BYTES = 2, USAGE_BLOCK_BYTES = USAGE_BLOCK * USAGE_CELL_BYTES, USAGE_EXCEPTION = 65535 };
enum { USAGE_MAX_METRIC = 1 << 16, USAGE_MAX_DAY = (1 << 20) - 1, USAGE_MAX_BLOCK = (1 << 20) - 1 };

/* The row of a metric, day and block of accounts. */
int64_t usage_block_id(int32_t metric, int32_t day, int64_t block);
/* The cells of one metric, day and block of accounts into USAGE_BLOCK_BYTES. Returns the bytes up to the last cell with
 * a value (0: no such block, and out is left alone); the rest of the block is zero. ERR_FATAL, with the names of
 * metric, day and accounts, where the stored bytes aren't those that were written. */
int usage_block_load(struct db *db, int32_t metric, int32_t day, int64_t block, uint8_t *out, struct err *err) MUST_USE;
/* n of its cells from the first-th on. 0: there is no such block, and out is left alone. */
int usage_block_load_part(struct db *db, int32_t metric, int32_t day, int64_t block, size_t first, size_t n,
                          uint8_t *out, struct err *err) MUST_USE;
/* Stores all cells of a block; none with a value: no row. */
int usage_block_save(struct db *db, int32_t metric, int32_t day, int64_t block, const uint8_t *cells,
                     struct err *err) MUST_USE;
/* What is stored with the bytes of a block of this id and width to know them again: whatever changes within one or two
 * words of 32 bits is noticed, and nearly all else. */
int64_t usage_block_sum(int64_t id, int width, const uint8_t *data, size_t len);
bool usage_block_is_whole(int64_t id, int64_t width, const uint8_t *data, size_t len, int64_t sum);
/* The stored bytes of a block that is whole as cells, USAGE_BLOCK_BYTES. Returns the bytes up to the last value. */
int usage_block_unpack(uint8_t *out, const uint8_t *data, int64_t width, size_t len);
/* "usage of logins on 2026-02-16, accounts 0 to 8127 (block ...)" */
const char *usage_block_name(struct db *db, int64_t id, struct arena *a);
/* Of a value that is too large for its cell; 31 bits. */
int64_t usage_exception_sum(int64_t metric, int64_t day, int64_t account, int64_t value);
/* The value of a cell that is USAGE_EXCEPTION. ERR_FATAL where it is missing or isn't what was written. */
int usage_exception_get(struct db *db, int32_t metric, int32_t day, int64_t account, int64_t *out,
                        struct err *err) MUST_USE;

/* Dies of what no caller may ask for; ERR_INPUT for a day or value that can't be usage. */
int usage_cell_check(const struct usage_cell *c, struct err *err) MUST_USE;
/* Puts one cell into the block in memory, and what is too large for it where exceptions are. 1: it changed. */
int usage_cell_put(struct db *db, uint8_t *block, const struct usage_cell *c, struct err *err) MUST_USE;

static inline unsigned usage_cell_at(const uint8_t *block, int place)
{
	return (unsigned)block[USAGE_CELL_BYTES * place] | (unsigned)block[USAGE_CELL_BYTES * place + 1] << 8;
}

static inline void usage_cell_set(uint8_t *block, int place, unsigned cell)
{
	block[USAGE_CELL_BYTES * place] = (uint8_t)cell;
	block[USAGE_CELL_BYTES * place + 1] = (uint8_t)(cell >> 8);
}

#endif

/* Blocks of outcomes that are kept, between those who make and read them: what the rows of some accounts say on each
 * day from known_on to until_on - 1, as long as none of them changes. A record holds on some of those days.
 *
 * checksum of the row and all that follows (8) | mark of the program that made it (4) | number of records: of firsts,
 * customers, leaving, events (4 each) | the records, in this order; of a day, they are in the order of outcomes.
 *
 * A record: account in the block, kind << OUTCOME_KIND_SHIFT (2) | days behind known_on: the first on which it holds
 * (1), the first on which it holds no more (1) | first: the first dated contract of any account (4); customers,
 * leaving: from, to (4 each); events: on (4), minor (8), currency (8). All is little-endian. */
#ifndef OUTCOMES_KEPT_H
#define OUTCOMES_KEPT_H

#include <endian.h>
#include <string.h>

#include "outcomes_parts.h"

enum {
	OUTCOME_BLOCK_BITS = 6, OUTCOME_BLOCK = 1 << OUTCOME_BLOCK_BITS, /* accounts; as the triggers have it */
	OUTCOME_KIND_SHIFT = OUTCOME_BLOCK_BITS,
	OUTCOME_SUM_BYTES = 8, OUTCOME_HEAD_BYTES = OUTCOME_SUM_BYTES + 20,
	OUTCOME_WHO_BYTES = 2, OUTCOME_WHEN_BYTES = 2, /* with which each record begins */
	OUTCOME_FIRST_BYTES = 8, OUTCOME_SPAN_BYTES = 12, OUTCOME_EVENT_BYTES = 24, OUTCOME_CURRENCY_BYTES = 8
};

/* A row of the table. */
struct outcome_block {
	int64_t block;
	int32_t known_on, until_on;
	const char *data;
	size_t len;
};

/* Of a query for block, known_on, until_on, data; the data until its next step. */
struct outcome_block outcome_block_read(struct stmt *q);
uint32_t outcome_block_mark(void); /* of this program */
uint64_t outcome_block_sum(const struct outcome_block *b);
bool outcome_block_is_whole(const struct outcome_block *b);
bool outcome_block_is_good(const struct outcome_block *b); /* whole, and of this program */
int outcome_blocks_count(struct db *db, int64_t *out, struct err *err) MUST_USE; /* kept or not */

static inline void outcome_put(char **at, int64_t value, size_t size)
{
	uint64_t bytes = htole64((uint64_t)value);

	memcpy(*at, &bytes, size);
	*at += size;
}

static inline int64_t outcome_get(const char **at, size_t size)
{
	uint64_t bytes = 0;

	memcpy(&bytes, *at, size);
	*at += size;
	bytes = le64toh(bytes);
	return size == sizeof(int32_t) ? (int32_t)bytes : (int64_t)bytes;
}

#endif

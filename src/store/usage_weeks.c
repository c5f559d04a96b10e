#include "usage_weeks.h"

#include <endian.h>

#include "usage_block.h"

_Static_assert(FACTS_DAYS % WEEK_DAYS == 0, "whole weeks");
_Static_assert((uint64_t)USAGE_BLOCK * USAGE_EXCEPTION <= UINT32_MAX, "the sum of a row");

/* What a cell stands for; 0 when nothing was reported. */
static inline uint16_t value_of(uint16_t cell)
{
	cell = le16toh(cell);
	return (uint16_t)(cell - (cell != 0));
}

void usage_week_add_up(const uint16_t *rows, size_t stride, size_t n, uint32_t *restrict out)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t any = 0, active = 0;
		uint32_t sum = 0;

		for (int d = 0; d < WEEK_DAYS; d++) {
			uint16_t cell = rows[(size_t)d * stride + i], value = value_of(cell);

			any |= cell;
			active |= (uint16_t)((value != 0) << d);
			sum += value;
		}
		out[i] = sum << WEEK_SUM_AT | (any != 0 ? WEEK_IS_TOLD : 0u) | (any == USAGE_EXCEPTION ? WEEK_IS_LARGE : 0u) |
		         active;
	}
}

void usage_week_join(const uint16_t *rows, size_t stride, size_t n, uint32_t *restrict io)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t active = 0;

		for (int d = 0; d < WEEK_DAYS; d++)
			active |= (uint16_t)((value_of(rows[(size_t)d * stride + i]) != 0) << d);
		io[i] |= active;
	}
}

void usage_weeks_days(const uint32_t *weeks, size_t stride, struct fact_days *out)
{
	enum { TOGETHER = 8, BITS = TOGETHER * WEEK_DAYS }; /* weeks that fit into a word */

	*out = (struct fact_days){ 0 };
	for (int at = 0; at < FACTS_DAYS; at += BITS) {
		uint64_t bits = 0;

		for (int w = 0; w < TOGETHER; w++)
			bits |= (uint64_t)(weeks[(size_t)(at / WEEK_DAYS + w) * stride] & WEEK_ACTIVE) << (WEEK_DAYS * w);
		out->words[at / 64] |= bits << at % 64;
		if (at % 64 + BITS > 64)
			out->words[at / 64 + 1] |= bits >> (64 - at % 64);
	}
}

unsigned usage_row_bits(const uint16_t *row, const uint16_t *masks, size_t n)
{
	uint16_t bits = 0;

	for (size_t i = 0; i < n; i++)
		bits |= row[i] & masks[i];
	return bits;
}

uint32_t usage_row_sum(const uint16_t *row, const uint16_t *masks, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint16_t)(value_of(row[i]) & masks[i]);
	return sum;
}

void usage_row_join(const uint16_t *row, size_t n, uint16_t *restrict io)
{
	for (size_t i = 0; i < n; i++)
		io[i] |= row[i];
}

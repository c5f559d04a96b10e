#include "usage_weeks.h"

#include <endian.h>
#include <string.h>

#include "common/attr.h"
#include "usage_block.h"

_Static_assert(FACTS_DAYS % WEEK_DAYS == 0, "whole weeks");
_Static_assert((uint64_t)USAGE_BLOCK * USAGE_EXCEPTION <= UINT32_MAX, "the sum of a row");

enum { TOGETHER = 8 }; /* weeks whose days fit into a word */
_Static_assert(FACTS_DAYS == TOGETHER * TOGETHER * WEEK_DAYS, "words of days as spread joins them");

/* What a cell stands for; 0 when nothing was reported. */
static inline uint16_t value_of(uint16_t cell)
{
	cell = le16toh(cell);
	return (uint16_t)(cell - (cell != 0));
}

FOR_VECTORS void usage_week_add_up(const uint16_t *rows, size_t stride, size_t n, uint32_t *restrict out)
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

FOR_VECTORS void usage_week_join(const uint16_t *rows, size_t stride, size_t n, uint8_t *restrict io)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t active = 0;

		for (int d = 0; d < WEEK_DAYS; d++)
			active |= (uint16_t)((value_of(rows[(size_t)d * stride + i]) != 0) << d);
		io[i] |= (uint8_t)active;
	}
}

/* Words of eight weeks, 56 days, to words of 64. */
static inline void spread(uint64_t (*days)[USAGE_ABREAST], struct fact_days *out, size_t step)
{
	for (int w = 0; w < FACTS_DAYS / 64; w++)
		for (int i = 0; i < USAGE_ABREAST; i++) {
			uint64_t word = days[w][i] >> 8 * w | days[w + 1][i] << (56 - 8 * w);

			memcpy((char *)&out->words[w] + (size_t)i * step, &word, sizeof word);
		}
}

FOR_VECTORS void usage_weeks_turn(const uint32_t *weeks, size_t stride, struct fact_series *restrict out,
                                  uint32_t *restrict bits)
{
	uint64_t days[FACTS_WEEKS / TOGETHER][USAGE_ABREAST] = { { 0 } };
	uint32_t all[USAGE_ABREAST] = { 0 };

	for (size_t w = 0; w < FACTS_WEEKS; w++)
		for (size_t i = 0; i < USAGE_ABREAST; i++) {
			uint32_t week = weeks[w * stride + i];

			all[i] |= week;
			days[w / TOGETHER][i] |= (uint64_t)(week & WEEK_ACTIVE) << WEEK_DAYS * (w % TOGETHER);
			out[i].weeks[w] = (double)(int32_t)(week >> WEEK_SUM_AT);
		}
	memcpy(bits, all, sizeof all);
	spread(days, &out->active, sizeof *out);
}

FOR_VECTORS void usage_weeks_days(const uint8_t *weeks, size_t stride, struct fact_days *restrict out)
{
	uint64_t days[FACTS_WEEKS / TOGETHER][USAGE_ABREAST] = { { 0 } };

	for (size_t w = 0; w < FACTS_WEEKS; w++)
		for (size_t i = 0; i < USAGE_ABREAST; i++)
			days[w / TOGETHER][i] |= (uint64_t)weeks[w * stride + i] << WEEK_DAYS * (w % TOGETHER);
	spread(days, out, sizeof *out);
}

FOR_VECTORS unsigned usage_row_bits(const uint16_t *row, const uint16_t *masks, size_t n)
{
	uint16_t bits = 0;

	for (size_t i = 0; i < n; i++)
		bits |= row[i] & masks[i];
	return bits;
}

FOR_VECTORS bool usage_row_is_large(const uint16_t *row, const uint16_t *masks, size_t n)
{
	uint16_t is_any = 0;

	for (size_t i = 0; i < n; i++)
		is_any |= (uint16_t)((row[i] & masks[i]) == USAGE_EXCEPTION);
	return is_any != 0;
}

FOR_VECTORS uint32_t usage_row_sum(const uint16_t *row, const uint16_t *masks, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint16_t)(value_of(row[i]) & masks[i]);
	return sum;
}

FOR_VECTORS void usage_row_join(const uint16_t *row, size_t n, uint16_t *restrict io)
{
	for (size_t i = 0; i < n; i++)
		io[i] |= row[i];
}

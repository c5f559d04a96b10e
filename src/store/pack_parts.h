/* Between the files of packs: how their bytes lie.
 *
 * checksum (8) | version (1) | zone (4) | since (4) | length and number of the words | per section: number of rows and,
 * where there are any, length | words | sections. Numbers without a size given are of 7 bits a byte, the lowest first.
 *
 * A column: a byte that says how wide cells (bits 0-2) and their base (bits 3-5) are and whether a cell of 0 stands for
 * PACK_NONE (bit 6); the base; the cells, each what is to be added to the base. All is little-endian. */
#ifndef PACK_PARTS_H
#define PACK_PARTS_H

#include <endian.h>
#include <string.h>

#include "store/pack.h"

enum {
	PACK_VERSION = 1, PACK_HEAD_BYTES = 17, PACK_MAX_BYTES = 4 << 20,
	PACK_WIDTH_MASK = 7, PACK_BASE_SHIFT = 3, PACK_HAS_NONE = 64,
	N_PACK_WIDTHS = 5
};
static const uint8_t pack_widths[8] = { 0, 1, 2, 4, 8 };

static inline uint16_t pack_load_2(const unsigned char *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof value);
	return le16toh(value);
}

static inline uint32_t pack_load_4(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	return le32toh(value);
}

static inline uint64_t pack_load_8(const unsigned char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof value);
	return le64toh(value);
}

/* Of any width up to 8. */
static inline uint64_t pack_load(const unsigned char *at, size_t width)
{
	uint64_t value = 0;

	for (size_t i = 0; i < width; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

/* Four sums side by side, none of which a change of its bytes leaves as it was. */
static inline uint64_t pack_checksum(const unsigned char *at, size_t len)
{
	const uint64_t odd = 0x9E3779B97F4A7C15u;
	uint64_t sum = len, second = 1, third = 2, fourth = 3;

	for (; len >= 32; at += 32, len -= 32) {
		sum = (sum ^ pack_load_8(at)) * odd;
		second = (second ^ pack_load_8(at + 8)) * odd;
		third = (third ^ pack_load_8(at + 16)) * odd;
		fourth = (fourth ^ pack_load_8(at + 24)) * odd;
	}
	for (; len >= 8; at += 8, len -= 8)
		sum = (sum ^ pack_load_8(at)) * odd;
	for (; len; at++, len--)
		sum = (sum ^ *at) * odd;
	sum = ((sum ^ sum >> 29) * odd) ^ second;
	sum = ((sum ^ sum >> 29) * odd) ^ third;
	sum = ((sum ^ sum >> 29) * odd) ^ fourth;
	return sum ^ sum >> 32;
}

#endif

#include "common/figures.h"

#include <stdio.h>
#include <string.h>

enum { MAX_DECIMALS = 3, FRACTION_BITS = 52, EXPONENT_BIAS = 1023, ROOM = 24 };

/* Backwards from end; returns the first of at least least figures. */
static char *put_back(char *end, uint64_t n, int least)
{
	char *at = end;

	for (; n >= 10 || least > 1; n /= 10, least--)
		*--at = (char)('0' + n % 10);
	*--at = (char)('0' + n);
	return at;
}

size_t figures_int(char to[FIGURES_INT_BYTES], int64_t value)
{
	char text[ROOM], *end = text + sizeof text, *at = put_back(end, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
	size_t len;

	if (value < 0)
		*--at = '-';
	len = (size_t)(end - at);
	memcpy(to, at, len);
	to[len] = '\0';
	return len;
}

/* A double is mantissa / 2^down: below 2^52, times 10^3, its mantissa (53 bits) still is a whole number of 63 bits, so
 * that what is cut off is known exactly. Half goes to the even neighbour. */
static uint64_t rounded(uint64_t mantissa, int down, uint64_t power)
{
	uint64_t scaled = mantissa * power, whole, rest, half;

	if (down >= 64) /* below 2^-11, which three decimals do not see */
		return 0;
	whole = scaled >> down;
	rest = scaled - (whole << down);
	half = (uint64_t)1 << (down - 1);
	return whole + (rest > half || (rest == half && whole % 2));
}

int figures_real(char *to, size_t size, double value, int decimals)
{
	static const uint64_t powers[MAX_DECIMALS + 1] = { 1, 10, 100, 1000 };
	char text[ROOM], *end = text + sizeof text, *at = end;
	uint64_t bits, n;
	int exponent;
	size_t len;

	memcpy(&bits, &value, sizeof bits);
	exponent = (int)(bits >> FRACTION_BITS & 0x7FF) - EXPONENT_BIAS;
	if (decimals < 0 || decimals > MAX_DECIMALS || exponent >= FRACTION_BITS || size < ROOM)
		return snprintf(to, size, "%.*f", decimals, value);
	n = rounded((bits & (((uint64_t)1 << FRACTION_BITS) - 1)) | (uint64_t)1 << FRACTION_BITS, FRACTION_BITS - exponent,
	            powers[decimals]);
	if (decimals) {
		at = put_back(at, n % powers[decimals], decimals);
		*--at = '.';
	}
	at = put_back(at, n / powers[decimals], 1);
	if (bits >> 63)
		*--at = '-';
	len = (size_t)(end - at);
	memcpy(to, at, len);
	to[len] = '\0';
	return (int)len;
}

#include "store/score_day.h"

#include <math.h>
#include <string.h>

enum { MAX_DIGITS = 20, MANTISSA_BITS = 52, ONE = 1075, MAX_SHIFT = 62 };

static void put_int(struct buf *out, int64_t n)
{
	char digits[MAX_DIGITS + 1];
	size_t at = sizeof digits;
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (n < 0)
		digits[--at] = '-';
	buf_add(out, digits + at, sizeof digits - at);
}

/* "m/k" of m / 2^k: false when it isn't one with a k that SQL can shift by. */
static bool put_binary(struct buf *out, double x)
{
	uint64_t bits;
	int64_t mantissa;
	int exponent, n_zeros, shift;

	memcpy(&bits, &x, sizeof bits);
	exponent = (int)(bits >> MANTISSA_BITS & 0x7ff);
	mantissa = (int64_t)((bits & ((1ull << MANTISSA_BITS) - 1)) | 1ull << MANTISSA_BITS);
	n_zeros = __builtin_ctzll((uint64_t)mantissa);
	shift = ONE - exponent - n_zeros;
	if (exponent == 0 || shift < 0 || shift > MAX_SHIFT)
		return false;
	mantissa >>= n_zeros;
	buf_char(out, '"');
	put_int(out, x < 0 ? -mantissa : mantissa);
	buf_char(out, '/');
	put_int(out, shift);
	buf_char(out, '"');
	return true;
}

static void put_number(struct buf *out, double x)
{
	static const double most = 1e12; /* whose thousandths are whole numbers without doubt */
	int64_t thousandths = fabs(x) < most ? llround(x * 1000) : 0;

	buf_char(out, ',');
	if (isnan(x))
		buf_text(out, "null");
	else if (isinf(x))
		buf_text(out, x < 0 ? "-9e999" : "9e999");
	else if ((double)thousandths / 1000.0 == x)
		put_int(out, thousandths);
	else if (!put_binary(out, x))
		buf_printf(out, "%.17e", x);
}

/* A JSON string. */
static void put_text(struct buf *out, const char *text)
{
	buf_char(out, '"');
	for (const char *at = text;; at++) {
		if ((unsigned char)*at >= ' ' && *at != '"' && *at != '\\')
			continue;
		buf_add(out, text, (size_t)(at - text));
		if (!*at)
			break;
		buf_printf(out, "\\u%04x", (unsigned char)*at);
		text = at + 1;
	}
	buf_char(out, '"');
}

static void put_row(struct buf *out, const struct score_signal_row *r)
{
	const double numbers[] = { r->value, r->baseline, r->strength, r->weight, r->contribution };

	buf_char(out, '[');
	put_text(out, r->signal);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		put_number(out, numbers[i]);
	buf_char(out, ',');
	put_text(out, r->evidence);
	buf_char(out, ',');
	if (r->fresh_on == DAY_NONE)
		buf_text(out, "null");
	else
		put_int(out, r->fresh_on);
	buf_char(out, ']');
}

void score_signals_text(struct buf *out, const struct score_signal_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && strcmp(rows[i].engine, rows[i - 1].engine) == 0) {
			buf_char(out, ',');
		} else {
			buf_text(out, i == 0 ? "{" : "],");
			put_text(out, rows[i].engine);
			buf_text(out, ":[");
		}
		put_row(out, &rows[i]);
	}
	if (n)
		buf_text(out, "]}");
}

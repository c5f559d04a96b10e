#include "common/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BAD_CHAR = 0xFFFD, ELLIPSIS = 0x2026, FOLD_FIRST = 0xC0, FOLD_END = 0x180 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Reads digits into *value; returns their end, or NULL when there is none or they are too many for an int64. */
static const char *read_digits(const char *at, int64_t *value)
{
	*value = 0;
	if (!is_digit(*at))
		return NULL;
	for (; is_digit(*at); at++) {
		if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, *at - '0', value))
			return NULL;
	}
	return at;
}

bool text_to_int(const char *text, int64_t *out)
{
	bool is_negative = text && *text == '-';
	int64_t value = 0;

	if (!text)
		return false;
	if (*text == '-' || *text == '+')
		text++;
	if (!is_digit(*text))
		return false;
	for (; is_digit(*text); text++) {
		int digit = is_negative ? '0' - *text : *text - '0'; /* negative all the way, so that INT64_MIN fits */

		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (*text)
		return false;
	*out = value;
	return true;
}

/* Whether text is [+-]digits[.digits][e[+-]digits] with a digit somewhere before the exponent. */
static bool is_decimal(const char *at)
{
	size_t n, n_fraction = 0;

	if (*at == '-' || *at == '+')
		at++;
	n = strspn(at, "0123456789");
	at += n;
	if (*at == '.') {
		n_fraction = strspn(++at, "0123456789");
		at += n_fraction;
	}
	if (n + n_fraction == 0)
		return false;
	if (*at == 'e' || *at == 'E') {
		at++;
		if (*at == '-' || *at == '+')
			at++;
		n = strspn(at, "0123456789");
		if (n == 0)
			return false;
		at += n;
	}
	return *at == '\0';
}

bool text_to_real(const char *text, double *out)
{
	double value;

	if (!text || !is_decimal(text))
		return false;
	value = strtod(text, NULL);
	if (!isfinite(value))
		return false;
	*out = value;
	return true;
}

bool text_to_bool(const char *text, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "true", true }, { "false", false }, { "yes", true }, { "no", false }, { "1", true }, { "0", false }
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text && text_equal_fold(text, words[i].word)) {
			*out = words[i].value;
			return true;
		}
	}
	return false;
}

/* Appends up to most decimal digits to a value kept negative, so that INT64_MIN fits. Returns their end, or NULL when
 * it gets too large. */
static const char *push_digits(const char *at, ptrdiff_t most, int64_t *value)
{
	for (; most > 0 && is_digit(*at); at++, most--) {
		if (__builtin_mul_overflow(*value, 10, value) || __builtin_sub_overflow(*value, *at - '0', value))
			return NULL;
	}
	return at;
}

/* Reads digits[.digits] times ten to the power of n_decimals, rounded half away from zero, as a negative value. */
static const char *read_scaled(const char *text, int n_decimals, int64_t *value)
{
	const char *at = push_digits(text, PTRDIFF_MAX, value), *fraction;
	bool has_digits = is_digit(*text);

	if (!at)
		return NULL;
	at += *at == '.';
	fraction = at;
	at = push_digits(fraction, n_decimals, value);
	if (!at || (!has_digits && !is_digit(*fraction)))
		return NULL;
	for (ptrdiff_t n = at - fraction; n < n_decimals; n++) {
		if (!push_digits("0", 1, value))
			return NULL;
	}
	if (is_digit(*at) && *at >= '5' && __builtin_sub_overflow(*value, 1, value))
		return NULL;
	return at + strspn(at, "0123456789");
}

bool text_to_minor(const char *text, int digits, int64_t *out)
{
	bool is_negative = text && *text == '-';
	int64_t value = 0;
	const char *end;

	if (!text)
		return false;
	end = read_scaled(text + (*text == '-' || *text == '+'), digits, &value);
	if (!end || *end || (!is_negative && value == INT64_MIN))
		return false;
	*out = is_negative ? value : -value;
	return true;
}

bool text_to_duration(const char *text, int64_t *out_s)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	const char *end;
	int64_t n;

	end = text ? read_digits(text, &n) : NULL;
	if (!end || !*end || end[1])
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (*end == units[i].unit) {
			if (__builtin_mul_overflow(n, units[i].seconds, &n))
				return false;
			*out_s = n;
			return true;
		}
	}
	return false;
}

bool text_to_time_of_day(const char *text, int *out_minutes)
{
	int hour, minute;

	if (!text || strlen(text) != 5 || text[2] != ':' || !is_digit(text[0]) || !is_digit(text[1]) ||
	    !is_digit(text[3]) || !is_digit(text[4]))
		return false;
	hour = (text[0] - '0') * 10 + (text[1] - '0');
	minute = (text[3] - '0') * 10 + (text[4] - '0');
	if (hour > 23 || minute > 59)
		return false;
	*out_minutes = hour * 60 + minute;
	return true;
}

bool text_equal_fold(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

bool text_starts(const char *text, const char *start)
{
	return text && strncmp(text, start, strlen(start)) == 0;
}

size_t utf8_next(const char *text, size_t len, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = (uint8_t)text[0];
	size_t n = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF8 ? 4 : 0;
	uint32_t code;

	*out = BAD_CHAR;
	if (n == 0 || n > len)
		return 0;
	code = n == 1 ? first : first & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++) {
		uint8_t next = (uint8_t)text[i];

		if ((next & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (next & 0x3F);
	}
	if (code < least[n] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
		return 0;
	*out = code;
	return n;
}

/* utf8_next over foreign text: a bad byte is one U+FFFD. Moves on and returns false at the end. */
static bool next_char(const char **at, const char *end, uint32_t *out)
{
	size_t n;

	if (*at >= end)
		return false;
	if ((unsigned char)**at < 0x80) {
		*out = (unsigned char)*(*at)++;
		return true;
	}
	n = utf8_next(*at, (size_t)(end - *at), out);
	*at += n ? n : 1;
	return true;
}

/* Writes one code point; returns behind it. */
static char *put_char(char *to, uint32_t code)
{
	if (code < 0x80) {
		*to++ = (char)code;
		return to;
	}
	if (code < 0x800) {
		*to++ = (char)(0xC0 | code >> 6);
	} else {
		if (code < 0x10000) {
			*to++ = (char)(0xE0 | code >> 12);
		} else {
			*to++ = (char)(0xF0 | code >> 18);
			*to++ = (char)(0x80 | (code >> 12 & 0x3F));
		}
		*to++ = (char)(0x80 | (code >> 6 & 0x3F));
	}
	*to++ = (char)(0x80 | (code & 0x3F));
	return to;
}

struct range {
	uint32_t first, last;
};

static bool is_within(const struct range *ranges, size_t n, uint32_t code)
{
	for (size_t i = 0; i < n; i++) {
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	}
	return false;
}

/* Unicode's property White_Space. */
static bool is_space(uint32_t code)
{
	static const struct range spaces[] = {
		{ 0x09, 0x0D }, { 0x20, 0x20 }, { 0x85, 0x85 }, { 0xA0, 0xA0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200A },
		{ 0x2028, 0x2029 }, { 0x202F, 0x202F }, { 0x205F, 0x205F }, { 0x3000, 0x3000 },
	};

	return is_within(spaces, ARRAY_LEN(spaces), code);
}

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029;
}

/* What can't be seen and can mislead: soft hyphen, zero-width characters, direction marks and overrides, tags. */
static bool is_invisible(uint32_t code)
{
	static const struct range invisibles[] = {
		{ 0xAD, 0xAD }, { 0x061C, 0x061C }, { 0x180E, 0x180E }, { 0x200B, 0x200F }, { 0x202A, 0x202E },
		{ 0x2060, 0x206F }, { 0xFEFF, 0xFEFF }, { 0xFFF9, 0xFFFB }, { 0xE0000, 0xE007F },
	};

	return is_within(invisibles, ARRAY_LEN(invisibles), code);
}

/* An accent that comes as a character of its own, behind its letter. */
static bool is_accent(uint32_t code)
{
	return code >= 0x0300 && code <= 0x036F;
}

bool text_is_blank(const char *text)
{
	const char *at = text ? text : "", *end = at + strlen(at);
	uint32_t code;

	while (next_char(&at, end, &code)) {
		if (!is_space(code))
			return false;
	}
	return true;
}

char *text_trim(struct arena *a, const char *text)
{
	const char *at = text ? text : "", *end = at + strlen(at);
	const char *first = NULL, *last = at, *before = at;
	uint32_t code;

	while (next_char(&at, end, &code)) {
		if (!is_space(code)) {
			first = first ? first : before;
			last = at;
		}
		before = at;
	}
	return first ? arena_strndup(a, first, (size_t)(last - first)) : arena_strdup(a, "");
}

/* The letters of Latin-1 Supplement and Latin Extended-A in lower case without accents; NULL: no letter. */
static const char *const folds[FOLD_END - FOLD_FIRST] = {
	"a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",   /* U+00C0 */
	"d", "n", "o", "o", "o", "o", "o", NULL, "o", "u", "u", "u", "u", "y", "th", "ss", /* U+00D0 */
	"a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",   /* U+00E0 */
	"d", "n", "o", "o", "o", "o", "o", NULL, "o", "u", "u", "u", "u", "y", "th", "y",  /* U+00F0 */
	"a", "a", "a", "a", "a", "a", "c", "c", "c", "c", "c", "c", "c", "c", "d", "d",    /* U+0100 */
	"d", "d", "e", "e", "e", "e", "e", "e", "e", "e", "e", "e", "g", "g", "g", "g",    /* U+0110 */
	"g", "g", "g", "g", "h", "h", "h", "h", "i", "i", "i", "i", "i", "i", "i", "i",    /* U+0120 */
	"i", "i", "ij", "ij", "j", "j", "k", "k", "k", "l", "l", "l", "l", "l", "l", "l",  /* U+0130 */
	"l", "l", "l", "n", "n", "n", "n", "n", "n", "'n", "n", "n", "o", "o", "o", "o",   /* U+0140 */
	"o", "o", "oe", "oe", "r", "r", "r", "r", "r", "r", "s", "s", "s", "s", "s", "s",  /* U+0150 */
	"s", "s", "t", "t", "t", "t", "t", "t", "u", "u", "u", "u", "u", "u", "u", "u",    /* U+0160 */
	"u", "u", "u", "u", "w", "w", "y", "y", "y", "z", "z", "z", "z", "z", "z", "s",    /* U+0170 */
};

/* What else people type in two ways. offset: the distance to the lower case letter, or 0 and text. */
static const struct {
	struct range of;
	uint32_t offset;
	const char *text;
} other_folds[] = {
	{ { 0x0218, 0x0219 }, 0, "s" }, /* Romanian comma below */
	{ { 0x021A, 0x021B }, 0, "t" },
	{ { 0x02BC, 0x02BC }, 0, "'" }, /* apostrophes */
	{ { 0x2018, 0x2019 }, 0, "'" },
	{ { 0x0391, 0x03A9 }, 32, NULL }, /* Greek and Cyrillic capitals */
	{ { 0x0410, 0x042F }, 32, NULL },
	{ { 0x0400, 0x040F }, 80, NULL },
	{ { 0x1E9E, 0x1E9E }, 0, "ss" },
	{ { 0x2010, 0x2015 }, 0, "-" }, /* hyphens and dashes */
};

char *text_put_folded(char *to, uint32_t code)
{
	const char *text = code >= FOLD_FIRST && code < FOLD_END ? folds[code - FOLD_FIRST] : NULL;

	if (code < 0x80) {
		*to++ = lower((char)code);
		return to;
	}
	for (size_t i = 0; !text && i < ARRAY_LEN(other_folds); i++) {
		if (code < other_folds[i].of.first || code > other_folds[i].of.last)
			continue;
		if (other_folds[i].offset)
			return put_char(to, code + other_folds[i].offset);
		text = other_folds[i].text;
	}
	return text ? stpcpy(to, text) : put_char(to, code);
}

char *text_fold(struct arena *a, const char *text)
{
	const char *at = text ? text : "", *end = at + strlen(at);
	char *folded = arena_array(a, (size_t)(end - at) + 1, 3), *to = folded; /* a bad byte becomes the three of U+FFFD */
	bool has_blank = false;
	uint32_t code;

	while (next_char(&at, end, &code)) {
		bool is_plain = code > ' ' && code < 0x7F; /* as most of it is */

		if (!is_plain && (is_invisible(code) || is_accent(code)))
			continue;
		if (!is_plain && is_space(code)) {
			has_blank = true;
			continue;
		}
		if (has_blank && to > folded)
			*to++ = ' ';
		has_blank = false;
		to = text_put_folded(to, code);
	}
	return folded;
}

bool utf8_is_valid(const char *text, size_t len)
{
	const char *end = text + len;
	uint64_t eight;
	uint32_t code;

	while (text < end) {
		size_t n;

		if (end - text >= 8 && (memcpy(&eight, text, 8), (eight & UINT64_C(0x8080808080808080)) == 0)) {
			text += 8; /* ASCII, as most of it is */
			continue;
		}
		n = utf8_next(text, (size_t)(end - text), &code);

		if (n == 0)
			return false;
		text += n;
	}
	return true;
}

size_t utf8_length(const char *text)
{
	const char *end = text + strlen(text);
	size_t n = 0;
	uint32_t code;

	while (next_char(&text, end, &code))
		n++;
	return n;
}

size_t utf8_fit(const char *text, size_t max_bytes)
{
	size_t n = strnlen(text, max_bytes);
	uint32_t code;

	if (n < max_bytes || text[n] == '\0')
		return n;
	/* A code point that begins before the cut and ends behind it; text[n] may be read, so may what belongs to it. */
	for (size_t back = 1; back <= 3 && back <= n; back++) {
		const char *start = text + n - back;

		if (utf8_next(start, strnlen(start, 4), &code) > back)
			return n - back;
	}
	return n;
}

/* Text of at most max code points being written. */
struct cut {
	char *to, *last; /* behind it, and where its last code point begins */
	size_t n, max;
};

/* Appends a code point; at the ceiling an ellipsis takes the last one's place and it returns false. */
static bool push_char(struct cut *c, uint32_t code)
{
	if (c->n == c->max) {
		if (c->n)
			*put_char(c->last, ELLIPSIS) = '\0';
		return false;
	}
	c->last = c->to;
	c->to = put_char(c->to, code);
	c->n++;
	return true;
}

char *text_clean(struct arena *a, const char *text, size_t max_chars)
{
	const char *at = text ? text : "", *end = at + strlen(at);
	size_t len = (size_t)(end - at);
	char *clean = arena_array(a, (len < max_chars ? len : max_chars) + 1, 4);
	struct cut cut = { .to = clean, .last = clean, .max = max_chars };
	bool has_blank = false; /* line ends and tabs are blanks, one for a run */
	uint32_t code;

	while (next_char(&at, end, &code)) {
		if (is_control(code)) {
			has_blank = has_blank || is_space(code);
			continue;
		}
		if (is_invisible(code))
			continue;
		if (has_blank && cut.n && !push_char(&cut, ' '))
			break;
		has_blank = false;
		if (!push_char(&cut, code))
			break;
	}
	return clean;
}

char *text_sentence(struct arena *a, const char *text, size_t max_chars)
{
	char *clean = text_clean(a, text, max_chars);
	unsigned char *first = (unsigned char *)clean;

	if (first[0] >= 'a' && first[0] <= 'z')
		first[0] = (unsigned char)(first[0] - 'a' + 'A');
	else if (first[0] == 0xc3 && first[1] >= 0xa0 && first[1] <= 0xbe && first[1] != 0xb7)
		first[1] = (unsigned char)(first[1] - 0x20);
	return clean;
}

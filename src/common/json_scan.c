#include "json_scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/json.h"
#include "common/text.h"

enum {
	EXACT_DIGITS = 15, /* decimal digits that every double keeps */
	MAX_NUMBER = 63    /* cJSON reads no longer ones */
};

struct scan {
	struct arena *arena;
	const char *text; /* as given, or fixed */
	char *fixed;      /* the corrected copy, NULL until it is needed */
	size_t at, len, n_long;
	int depth;
};

static int wrong(const struct scan *s, const char *what, struct err *err)
{
	return err_set(err, ERR_INPUT, "JSON: offset %zu: %s", s->at, what);
}

/* The value of four hexadecimal digits at an offset, or -1. */
static int hex4(const struct scan *s, size_t at)
{
	int value = 0;

	for (size_t i = at; i < at + 4; i++) {
		char c = i < s->len ? s->text[i] : '\0';
		int digit = c >= '0' && c <= '9'   ? c - '0'
		            : c >= 'a' && c <= 'f' ? c - 'a' + 10
		            : c >= 'A' && c <= 'F' ? c - 'A' + 10
		                                   : -1;

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Writes \ufffd over the escape at s->at. */
static int replace_escape(struct scan *s, struct err *err)
{
	if (!s->fixed) {
		if (s->len >= arena_left(s->arena) / 4)
			return wrong(s, "too large to correct", err);
		s->fixed = arena_strndup(s->arena, s->text, s->len);
		s->text = s->fixed;
	}
	memcpy(s->fixed + s->at, "\\ufffd", 6);
	return 0;
}

static int scan_unicode_escape(struct scan *s, struct err *err)
{
	int code = hex4(s, s->at + 2), low;

	if (code < 0)
		return wrong(s, "bad \\u escape", err);
	if (code >= 0xD800 && code <= 0xDBFF && s->len - s->at > 7 && s->text[s->at + 6] == '\\' &&
	    s->text[s->at + 7] == 'u') {
		low = hex4(s, s->at + 8);
		if (low >= 0xDC00 && low <= 0xDFFF) {
			s->at += 12;
			return 0;
		}
	}
	if ((code == 0 || (code >= 0xD800 && code <= 0xDFFF)) && replace_escape(s, err) < 0)
		return -1;
	s->at += 6;
	return 0;
}

/* The place of the next quote, backslash or control character, or the end. */
static size_t plain_until(const struct scan *s)
{
	size_t at = s->at;

	while (at < s->len && s->text[at] != '"' && s->text[at] != '\\' && (uint8_t)s->text[at] >= 0x20)
		at++;
	return at;
}

/* From the opening quote to behind the closing one. */
static int scan_string(struct scan *s, struct err *err)
{
	s->at++;
	for (;;) {
		char c;

		s->at = plain_until(s);
		if (s->at == s->len)
			return wrong(s, "a string without end", err);
		c = s->text[s->at];
		if (c == '"') {
			s->at++;
			return 0;
		}
		if (c != '\\')
			return wrong(s, "a control character in a string", err);
		if (s->len - s->at < 2 || !s->text[s->at + 1] || !strchr("\"\\/bfnrtu", s->text[s->at + 1]))
			return wrong(s, "bad escape", err);
		if (s->text[s->at + 1] != 'u')
			s->at += 2;
		else if (scan_unicode_escape(s, err) < 0)
			return -1;
	}
}

/* Length of a run of digits. */
static size_t digits_at(const char *at, const char *end)
{
	const char *start = at;

	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return (size_t)(at - start);
}

/* The length of the JSON number (RFC 8259 section 6) at a place, or 0 when it is none. */
static size_t number_length(const char *start, const char *end)
{
	const char *at = start + (*start == '-');
	size_t n = digits_at(at, end);

	if (n == 0 || (n > 1 && *at == '0'))
		return 0;
	at += n;
	if (at < end && *at == '.') {
		n = digits_at(++at, end);
		if (n == 0)
			return 0;
		at += n;
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '-' || *at == '+'))
			at++;
		n = digits_at(at, end);
		if (n == 0)
			return 0;
		at += n;
	}
	return (size_t)(at - start);
}

bool json_scan_is_long(const char *number, size_t len)
{
	size_t n = 0, n_zeros = 0; /* significant digits, and those of them at the end of a fraction that are 0 */
	bool is_fraction = false;

	for (size_t i = 0; i < len; i++) {
		char c = number[i];

		if (c == 'e' || c == 'E')
			return false;
		if (c == '.')
			is_fraction = true;
		if (c < '0' || c > '9' || (n == 0 && c == '0'))
			continue;
		n++;
		n_zeros = is_fraction && c == '0' ? n_zeros + 1 : 0;
	}
	return n - n_zeros > EXACT_DIGITS;
}

static int scan_number(struct scan *s, struct err *err)
{
	size_t len = number_length(s->text + s->at, s->text + s->len);

	if (len == 0)
		return wrong(s, "a malformed number", err);
	if (len > MAX_NUMBER)
		return wrong(s, "a number that is too long", err);
	s->n_long += json_scan_is_long(s->text + s->at, len);
	s->at += len;
	return 0;
}

static int scan_token(struct scan *s, struct err *err)
{
	char c = s->text[s->at];

	if (c == '"')
		return scan_string(s, err);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s, err);
	if (c == '[' || c == '{') {
		if (++s->depth > JSON_MAX_DEPTH)
			return wrong(s, "nested too deep", err);
	} else if (c == ']' || c == '}') {
		s->depth--;
	} else if (c >= 0 && c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
		return wrong(s, "a control character", err);
	}
	s->at++;
	return 0;
}

int json_scan(struct arena *a, const char **text, size_t len, size_t *out_n_long, struct err *err)
{
	struct scan s = { .arena = a, .text = *text, .len = len };

	if (!utf8_is_valid(*text, len))
		return wrong(&s, "not valid UTF-8", err);
	while (s.at < s.len) {
		if (scan_token(&s, err) < 0)
			return -1;
	}
	*text = s.text;
	*out_n_long = s.n_long;
	return 0;
}

size_t json_scan_number(const char **at, const char *end)
{
	while (*at < end) {
		char c = **at;

		if (c == '-' || (c >= '0' && c <= '9'))
			return number_length(*at, end);
		(*at)++;
		if (c != '"')
			continue;
		while (**at != '"')
			*at += **at == '\\' ? 2 : 1;
		(*at)++;
	}
	return 0;
}

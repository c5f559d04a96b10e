#include <string.h>

#include "answer_parts.h"
#include "common/text.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* As browsers send it: + is a blank, %XX a byte; a % that begins none is itself. */
static char *decoded(struct arena *a, const char *at, size_t len, size_t *out_len)
{
	char *text = arena_alloc(a, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int high = at[i] == '%' && len - i > 2 ? hex_value(at[i + 1]) : -1;
		int low = high >= 0 ? hex_value(at[i + 2]) : -1;

		text[n++] = low >= 0 ? (char)(high << 4 | low) : at[i] == '+' ? ' ' : at[i];
		i += low >= 0 ? 2 : 0;
	}
	text[n] = '\0';
	*out_len = n;
	return text;
}

const char *form_field(struct arena *a, const char *body, size_t len, const char *name)
{
	for (size_t at = 0; at < len;) {
		const char *end = memchr(body + at, '&', len - at);
		size_t piece = end ? (size_t)(end - body) - at : len - at, n_name, n;
		const char *equals = memchr(body + at, '=', piece);
		size_t before = equals ? (size_t)(equals - body) - at : piece;
		const char *called = decoded(a, body + at, before, &n_name), *text;

		if (strlen(called) == n_name && strcmp(called, name) == 0) {
			text = decoded(a, body + at + before + (equals != NULL), piece - before - (equals != NULL), &n);
			return strlen(text) == n && utf8_is_valid(text, n) ? text : NULL;
		}
		at += piece + 1;
	}
	return NULL;
}

#include "common/json.h"

#include <math.h>
#include <string.h>

#include "common/figures.h"
#include "common/text.h"

enum { REAL_BYTES = 400 }; /* 1e308 with more decimals than anybody wants */

struct json_out json_out_to(struct buf *to)
{
	return (struct json_out){ .to = to };
}

/* How many bytes at text stand for themselves: ASCII without quotation mark, backslash and control characters, of which
 * nearly all is. Eight at a time: each byte's upper bit tells of one that is not. */
static size_t plain_length(const char *text, size_t len)
{
	static const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
	size_t n = 0;

	for (; n + 8 <= len; n += 8) {
		uint64_t word, quote, slash;

		memcpy(&word, text + n, sizeof word);
		quote = word ^ ones * '"';
		slash = word ^ ones * '\\';
		if ((word | (word - ones * 0x20) | (quote - ones) | (slash - ones)) & tops)
			break;
	}
	while (n < len && (unsigned char)text[n] >= 0x20 && (unsigned char)text[n] < 0x80 && text[n] != '"' &&
	       text[n] != '\\')
		n++;
	return n;
}

/* The character at text that needs more than a copy, or none of its own (n is 0). */
static void put_escaped(struct buf *to, const char *text, size_t n, uint32_t code)
{
	static const char special[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *escape = code < 0x80 ? strchr(special, (char)code) : NULL;

	if (n == 0)
		buf_text(to, "\xEF\xBF\xBD");
	else if (escape)
		buf_printf(to, "\\%c", letter[escape - special]);
	else if (code < 0x20)
		buf_printf(to, "\\u%04x", (unsigned)code);
	else
		buf_add(to, text, n);
}

/* Text of which some stands for something else, or for nothing. */
static void put_escapes(struct buf *to, const char *text, const char *end)
{
	while (text < end) {
		size_t n = plain_length(text, (size_t)(end - text));
		uint32_t code;

		buf_add(to, text, n);
		text += n;
		if (text == end)
			break;
		n = utf8_next(text, (size_t)(end - text), &code);
		put_escaped(to, text, n, code);
		text += n ? n : 1;
	}
}

/* All at once where nothing is to be escaped. */
static void put_quoted(struct json_out *o, const char *text, bool is_key)
{
	size_t len = strlen(text), before = o->needs_comma ? 2 : 1, behind = is_key ? 2 : 1;
	bool is_plain = plain_length(text, len) == len;
	char *at = buf_take(o->to, before + (is_plain ? len + behind : 0));

	if (!at)
		return;
	*at = ',';
	at[before - 1] = '"';
	if (is_plain) {
		memcpy(at + before, text, len);
		memcpy(at + before + len, "\":", behind);
	} else {
		put_escapes(o->to, text, text + len);
		buf_add(o->to, "\":", behind);
	}
	o->needs_comma = !is_key && o->depth > 0;
}

/* What comes before a value. */
static void begin(struct json_out *o, const char *key)
{
	if (key)
		put_quoted(o, key, true);
	else if (o->needs_comma)
		buf_char(o->to, ',');
	o->needs_comma = o->depth > 0;
}

static void open_with(struct json_out *o, const char *key, char bracket)
{
	begin(o, key);
	buf_char(o->to, bracket);
	o->depth++;
	o->needs_comma = false;
}

static void close_with(struct json_out *o, char bracket)
{
	buf_char(o->to, bracket);
	o->depth--;
	o->needs_comma = o->depth > 0;
}

void json_open_object(struct json_out *o, const char *key)
{
	open_with(o, key, '{');
}

void json_close_object(struct json_out *o)
{
	close_with(o, '}');
}

void json_open_array(struct json_out *o, const char *key)
{
	open_with(o, key, '[');
}

void json_close_array(struct json_out *o)
{
	close_with(o, ']');
}

void json_put_text(struct json_out *o, const char *key, const char *text)
{
	if (!text) {
		json_put_null(o, key);
		return;
	}
	if (key)
		put_quoted(o, key, true);
	put_quoted(o, text, false);
}

void json_put_int(struct json_out *o, const char *key, int64_t value)
{
	char digits[FIGURES_INT_BYTES];

	begin(o, key);
	buf_add(o->to, digits, figures_int(digits, value));
}

void json_put_real(struct json_out *o, const char *key, double value, int decimals)
{
	LATER_SET char digits[REAL_BYTES];
	char *at = digits;
	size_t len;

	if (!isfinite(value)) {
		json_put_null(o, key);
		return;
	}
	len = (size_t)figures_real(digits, sizeof digits, value, decimals);
	if (*at == '-' && strspn(at + 1, "0.") == len - 1) { /* no "-0.00" */
		at++;
		len--;
	}
	begin(o, key);
	buf_add(o->to, at, len);
}

void json_put_bool(struct json_out *o, const char *key, bool value)
{
	begin(o, key);
	buf_text(o->to, value ? "true" : "false");
}

void json_put_null(struct json_out *o, const char *key)
{
	begin(o, key);
	buf_text(o->to, "null");
}

void json_put_raw(struct json_out *o, const char *key, const char *json)
{
	begin(o, key);
	buf_text(o->to, json);
}

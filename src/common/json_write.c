#include "common/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

struct json_out json_out_to(struct buf *to)
{
	return (struct json_out){ .to = to };
}

static void put_quoted(struct buf *to, const char *text)
{
	static const char special[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	const char *end = text + strlen(text), *plain = text; /* where what needs no escape begins */
	uint32_t code;

	buf_char(to, '"');
	while (text < end) {
		size_t n = utf8_next(text, (size_t)(end - text), &code);
		const char *escape = code < 0x80 ? strchr(special, (char)code) : NULL;

		if (n && code >= 0x20 && !escape) {
			text += n;
			continue;
		}
		buf_add(to, plain, (size_t)(text - plain));
		if (n == 0)
			buf_text(to, "\xEF\xBF\xBD");
		else if (escape)
			buf_printf(to, "\\%c", letter[escape - special]);
		else
			buf_printf(to, "\\u%04x", (unsigned)code);
		text += n ? n : 1;
		plain = text;
	}
	buf_add(to, plain, (size_t)(text - plain));
	buf_char(to, '"');
}

/* What comes before a value. */
static void begin(struct json_out *o, const char *key)
{
	if (o->needs_comma)
		buf_char(o->to, ',');
	if (key) {
		put_quoted(o->to, key);
		buf_char(o->to, ':');
	}
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
	begin(o, key);
	put_quoted(o->to, text);
}

void json_put_int(struct json_out *o, const char *key, int64_t value)
{
	begin(o, key);
	buf_printf(o->to, "%" PRId64, value);
}

void json_put_real(struct json_out *o, const char *key, double value, int decimals)
{
	size_t start;

	if (!isfinite(value)) {
		json_put_null(o, key);
		return;
	}
	begin(o, key);
	start = o->to->len;
	buf_printf(o->to, "%.*f", decimals, value);
	if (o->to->len > start && o->to->at[start] == '-' &&
	    strspn(o->to->at + start + 1, "0.") == o->to->len - start - 1) {
		buf_cut(o->to, start); /* no "-0.00" */
		buf_printf(o->to, "%.*f", decimals, 0.0);
	}
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

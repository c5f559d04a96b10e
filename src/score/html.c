#include "html.h"

#include <stdbool.h>
#include <string.h>

#include "common/text.h"

enum { MAX_HTML = 16000, MAX_TAG = 2000, MAX_NAME = 12 };

enum tag_kind { TAG_NONE, TAG_INLINE, TAG_BLOCK, TAG_QUOTE, TAG_HIDDEN };

static const struct {
	enum tag_kind kind;
	const char *names; /* each between blanks */
} tags[] = {
	{ TAG_INLINE, " a abbr b big center code em font html body i img ins label meta link o:p s small span strong "
	              "strike sub sup u wbr del mark tbody thead " },
	{ TAG_BLOCK, " p div br li ul ol tr td th table h1 h2 h3 h4 h5 h6 hr pre section article header footer " },
	{ TAG_QUOTE, " blockquote " },
	{ TAG_HIDDEN, " style script head title " },
};
static const struct {
	const char *name, *text;
} entities[] = {
	{ "amp", "&" },          { "lt", "<" },           { "gt", ">" },           { "quot", "\"" },
	{ "apos", "'" },         { "nbsp", " " },         { "rsquo", "'" },        { "lsquo", "'" },
	{ "ldquo", "\"" },       { "rdquo", "\"" },       { "laquo", "\"" },       { "raquo", "\"" },
	{ "ndash", "-" },        { "mdash", "-" },        { "hellip", "..." },     { "euro", "EUR" },
	{ "eacute", "\xC3\xA9" }, { "egrave", "\xC3\xA8" }, { "ecirc", "\xC3\xAA" }, { "agrave", "\xC3\xA0" },
	{ "acirc", "\xC3\xA2" }, { "ccedil", "\xC3\xA7" }, { "ugrave", "\xC3\xB9" }, { "ocirc", "\xC3\xB4" },
	{ "icirc", "\xC3\xAE" }, { "Eacute", "\xC3\x89" },
};

struct tag { enum tag_kind kind; bool is_end; size_t len; char name[MAX_NAME + 3]; };

/* The tag that stands at text, of kind TAG_NONE when HTML knows none there. */
static struct tag tag_at(const char *text, size_t len)
{
	struct tag t = { .name = " " };
	size_t at = 1, n = 1;
	const char *end;

	t.is_end = at < len && text[at] == '/';
	for (at += t.is_end; at < len && n <= MAX_NAME && !strchr(" \t\r\n/>", text[at]); at++)
		t.name[n++] = (char)(text[at] >= 'A' && text[at] <= 'Z' ? text[at] | 0x20 : text[at]);
	t.name[n] = ' ';
	end = at < len ? memchr(text + at, '>', len - at < MAX_TAG ? len - at : MAX_TAG) : NULL;
	for (size_t i = 0; end && n > 1 && i < ARRAY_LEN(tags); i++)
		if (strstr(tags[i].names, t.name))
			t.kind = tags[i].kind;
	t.len = end ? (size_t)(end - text) + 1 : 0;
	return t;
}

static char *put_code(char *to, uint32_t code)
{
	if (code < 0x80) {
		*to++ = (char)(code < ' ' ? ' ' : code);
	} else if (code < 0x800) {
		*to++ = (char)(0xC0 | code >> 6);
		*to++ = (char)(0x80 | (code & 0x3F));
	} else {
		*to++ = (char)(0xE0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3F));
		*to++ = (char)(0x80 | (code & 0x3F));
	}
	return to;
}

/* The value of a digit, base when it is none. */
static uint32_t digit_value(char c, uint32_t base)
{
	uint32_t value = base;

	if (c >= '0' && c <= '9')
		value = (uint32_t)(c - '0');
	else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		value = (uint32_t)((c | 0x20) - 'a') + 10;
	return value < base ? value : base;
}

/* "&#233;" and "&#xE9;": its bytes, or 0 when it is none that stands for a letter of ours. */
static size_t put_number(const char *text, size_t len, char **to)
{
	uint32_t base = (text[2] | 0x20) == 'x' ? 16 : 10, code = 0;
	size_t at = base == 16 ? 3 : 2;

	for (; at < len && code < 0x10000 && text[at] != ';'; at++) {
		uint32_t value = digit_value(text[at], base);

		if (value == base)
			return 0;
		code = code * base + value;
	}
	if (at >= len || text[at] != ';' || !code || code >= 0xD800)
		return 0;
	*to = put_code(*to, code);
	return at + 1;
}

/* An entity at text becomes what it stands for: how many bytes it took, 0 when it is none. */
static size_t put_entity(const char *text, size_t len, char **to)
{
	if (len > 3 && text[1] == '#')
		return put_number(text, len, to);
	for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
		size_t n = strlen(entities[i].name);

		if (len > n + 1 && memcmp(text + 1, entities[i].name, n) == 0 && text[n + 1] == ';') {
			*to = stpcpy(*to, entities[i].text);
			return n + 2;
		}
	}
	return 0;
}

static bool has_tag(const char *text, size_t len)
{
	for (const char *at = text; (at = memchr(at, '<', len - (size_t)(at - text))) != NULL; at++)
		if (tag_at(at, len - (size_t)(at - text)).kind != TAG_NONE)
			return true;
	return false;
}

/* What a tag leaves behind; *depth: how many quotes and hidden elements are open. */
static char *put_tag(const struct tag *t, int *depth, char *to)
{
	if (t->kind == TAG_INLINE)
		return to;
	if (t->kind == TAG_BLOCK)
		return *depth ? to : stpcpy(to, "\n\n");
	if (t->is_end) {
		*depth -= *depth > 0;
		return *depth ? to : stpcpy(to, "\n\n");
	}
	/* A header of a reply is one by the quote behind it. */
	return (*depth)++ || t->kind != TAG_QUOTE ? to : stpcpy(to, "\n> \n\n");
}

const char *html_plain(struct arena *a, const char *text)
{
	size_t len = utf8_fit(text, MAX_HTML), step;
	char *plain, *to;
	int depth = 0;

	if (!has_tag(text, len))
		return text;
	plain = to = arena_alloc(a, 2 * len + 1);
	for (size_t at = 0; at < len; at += step) {
		struct tag t = { .kind = TAG_NONE };

		step = 1;
		if (text[at] == '<')
			t = tag_at(text + at, len - at);
		if (t.kind != TAG_NONE) {
			to = put_tag(&t, &depth, to);
			step = t.len;
		} else if (depth == 0 && !(text[at] == '&' && (step = put_entity(text + at, len - at, &to)) > 0)) {
			step = 1;
			*to++ = text[at] == '\n' ? ' ' : text[at]; /* a line end is nothing in HTML */
		}
	}
	return plain;
}

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/text.h"
#include "signal.h"

enum { MAX_EVIDENCE = 2000, MIN_PHONE_DIGITS = 8 };

bool reading_unknown(struct reading *out, const char *why)
{
	out->why = why;
	return false;
}

void reading_value(struct reading *out, double value, double baseline)
{
	out->value = value;
	out->baseline = baseline;
}

void reading_word(struct reading *out, const char *name, const char *text)
{
	if (out->n_words < MAX_WORDS && !out->is_brief)
		out->words[out->n_words++] = (struct evidence_word){ name, text };
}

void reading_number(const struct context *c, struct reading *out, const char *name, double value, int decimals)
{
	char digits[64], *grouped;
	int len, whole, n = 0;

	if (out->is_brief)
		return;
	len = snprintf(digits, sizeof digits, "%.*f", decimals, value);
	grouped = arena_alloc(c->arena, 2 * sizeof digits);
	if (len >= (int)sizeof digits) { /* no number that people would read */
		reading_word(out, name, arena_printf(c->arena, "%.3g", value));
		return;
	}
	whole = (int)strcspn(digits, ".");
	for (int i = 0; i < len; i++) {
		if (i > 0 && i < whole && (whole - i) % 3 == 0 && digits[i - 1] != '-')
			grouped[n++] = ',';
		grouped[n++] = digits[i];
	}
	reading_word(out, name, grouped);
}

void reading_mention(const struct context *c, struct reading *out, const struct mention *m)
{
	if (out->is_brief)
		return;
	reading_word(out, "texts", counted(c->arena, m->n, "text", "texts"));
	if (!m->n)
		return;
	reading_word(out, "on", arena_printf(c->arena, "%s %s", m->n > 1 ? "last on" : "on", day_text(c->arena, m->on)));
	reading_word(out, "quote", evidence_quote(c->arena, m->sentence, 160));
}

const char *metric_words(struct arena *a, const char *name)
{
	char *words = arena_strdup(a, evidence_quote(a, name, 40));

	for (char *at = words; *at; at++) {
		bool is_start = at == words || at[-1] == ' ';

		if (*at == '_' || *at == '-')
			*at = ' ';
		if (is_start && strncmp(at, "api", 3) == 0 && !isalnum((unsigned char)at[3]))
			memcpy(at, "API", 3);
	}
	return words;
}

const char *counted(struct arena *a, int n, const char *one, const char *many)
{
	return arena_printf(a, "%d %s", n, n == 1 ? one : many);
}

const char *evidence_render(struct arena *a, const char *template, const struct evidence_word *words, int n)
{
	CLEANUP(buf_done) struct buf out;

	buf_init(&out, MAX_EVIDENCE);
	while (*template) {
		const char *open = strstr(template, "{{"), *close = open ? strstr(open, "}}") : NULL;

		if (!close) {
			buf_text(&out, template);
			break;
		}
		buf_add(&out, template, (size_t)(open - template));
		for (int i = 0; i < n; i++)
			if (strlen(words[i].name) == (size_t)(close - open - 2) &&
			    memcmp(words[i].name, open + 2, (size_t)(close - open - 2)) == 0)
				buf_text(&out, words[i].text);
		template = close + 2;
	}
	return arena_strdup(a, out.at);
}

static bool is_address_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("._%+-'", c)) || (unsigned char)c >= 0x80;
}

/* How many bytes of an e-mail address begin at text, 0 for none. */
static size_t address_length(const char *text)
{
	size_t local = 0, host;

	while (is_address_char(text[local]))
		local++;
	if (!local || text[local] != '@')
		return 0;
	for (host = local + 1; is_address_char(text[host]);)
		host++;
	return host > local + 1 ? host : 0;
}

/* How many bytes of a phone number begin at text: digits with blanks, dots, dashes, slashes and brackets, eight digits
 * at least; a date such as 2026-03-01 or an amount is none of that length but for the date, which is left alone. */
static size_t phone_length(const char *text)
{
	size_t len = 0, last = 0;
	int digits = 0;

	if (!isdigit((unsigned char)*text) && *text != '+' && *text != '(')
		return 0;
	for (; text[len] && (isdigit((unsigned char)text[len]) || strchr(" .-/()+", text[len])); len++)
		if (isdigit((unsigned char)text[len])) {
			digits++;
			last = len + 1;
		}
	if (digits == 8 && last == 10 && text[4] == '-' && text[7] == '-')
		return 0;
	return digits >= MIN_PHONE_DIGITS ? last : 0;
}

/* How many bytes of a link begin at text, 0 for none: what is behind it may be a key to something. */
static size_t link_length(const char *text)
{
	if (strncasecmp(text, "http://", 7) != 0 && strncasecmp(text, "https://", 8) != 0 &&
	    strncasecmp(text, "www.", 4) != 0)
		return 0;
	return strcspn(text, " \t\n<>\"");
}

const char *evidence_quote(struct arena *a, const char *text, size_t max_chars)
{
	CLEANUP(buf_done) struct buf out;
	const char *clean = text_clean(a, text, 4 * max_chars);
	bool is_start = true; /* of a word */

	buf_init(&out, strlen(clean) * 2 + 64);
	while (*clean) {
		size_t link = is_start ? link_length(clean) : 0, address = is_start && !link ? address_length(clean) : 0;
		size_t phone = is_start && !link && !address ? phone_length(clean) : 0;

		if (link || address || phone) {
			buf_text(&out, link ? "[link]" : address ? "[e-mail]" : "[phone]");
			clean += link + address + phone;
			continue;
		}
		is_start = !is_address_char(*clean);
		buf_char(&out, *clean++);
	}
	return text_clean(a, out.at, max_chars);
}

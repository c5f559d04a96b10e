#include "evidence.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/figures.h"
#include "common/text.h"

enum { MAX_EVIDENCE = 2000, MIN_PHONE_DIGITS = 8, MAX_ARGS = 4 };

static void add_word(struct reading *out, const char *name, const char *text, const struct said *said)
{
	if (out->n_words < MAX_WORDS && !out->is_brief)
		out->words[out->n_words++] = (struct evidence_word){ name, text, said };
}

void reading_word(struct reading *out, const char *name, const char *text)
{
	add_word(out, name, text, NULL);
}

static const struct said *keep_said(struct arena *a, const char *key, const struct word *args, size_t n)
{
	struct said *said = arena_alloc(a, sizeof *said);

	*said = (struct said){ key, arena_memdup(a, args, n * sizeof *args), n };
	return said;
}

/* "evidence.KEY" */
static const char *text_key(struct arena *a, const char *key)
{
	static const char start[] = "evidence.";
	size_t len = strlen(key) + 1;
	char *text = arena_alloc(a, sizeof start - 1 + len);

	memcpy(text, start, sizeof start - 1);
	memcpy(text + sizeof start - 1, key, len);
	return text;
}

/* In English, where days stand as YYYY-MM-DD. */
void reading_say(const struct context *c, struct reading *out, const char *name, const char *key,
                 const struct word *args, size_t n)
{
	LATER_SET struct word plain[MAX_ARGS];
	const char *text;

	if (out->is_brief)
		return;
	for (size_t i = 0; i < n && i < MAX_ARGS; i++) {
		plain[i] = args[i];
		if (args[i].kind == WORD_DATE)
			plain[i] = (struct word)W_TEXT(args[i].name, day_text(c->arena, (int32_t)args[i].number));
	}
	text = key ? words_say(NULL, c->arena, text_key(c->arena, key), plain, n) :
	             words_one(NULL, c->arena, plain);
	add_word(out, name, text, keep_said(c->arena, key, args, n));
}

void reading_phrase(const struct context *c, struct reading *out, const char *name, const char *key)
{
	reading_say(c, out, name, key, NULL, 0);
}

void reading_day(const struct context *c, struct reading *out, const char *name, int32_t day)
{
	reading_say(c, out, name, NULL, &(struct word)W_DATE("", day), 1);
}

void reading_money(const struct context *c, struct reading *out, const char *name, int64_t minor, const char *currency)
{
	reading_say(c, out, name, NULL, &(struct word)W_MONEY("", minor, currency), 1);
}

void reading_number(const struct context *c, struct reading *out, const char *name, double value, int decimals)
{
	LATER_SET char digits[64];
	char *grouped;
	int len, whole, n = 0;

	if (out->is_brief)
		return;
	len = figures_real(digits, sizeof digits, value, decimals);
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
	add_word(out, name, grouped, keep_said(c->arena, NULL, &(struct word)W_REAL("", value, decimals), 1));
}

void reading_metric(const struct context *c, struct reading *out, const char *name, const char *metric)
{
	const char *words = metric_words(c->arena, metric);
	char *key = arena_printf(c->arena, "metric.%s", words);

	for (char *at = key; *at; at++)
		*at = (char)(*at == ' ' ? '_' : tolower((unsigned char)*at));
	if (words_find(NULL, text_key(c->arena, key)))
		reading_phrase(c, out, name, key);
	else
		reading_word(out, name, words);
}

void reading_quoted(const struct context *c, struct reading *out, const char *name, const char *text, size_t max_chars)
{
	if (out->is_brief)
		return;
	if (*text)
		READING_SAY(c, out, name, "quoted", W_TEXT("quote", evidence_quote(c->arena, text, max_chars)));
	else
		reading_word(out, name, "");
}

void reading_mention(const struct context *c, struct reading *out, const struct mention *m)
{
	if (out->is_brief)
		return;
	READING_SAY(c, out, "texts", "texts", W_INT("n", m->n));
	if (!m->n)
		return;
	READING_SAY(c, out, "on", m->n > 1 ? "last_on" : "on", W_DATE("day", m->on));
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

/* Room for one text; what does not fit in whole is left out. */
struct room {
	char at[MAX_EVIDENCE];
	size_t len;
};

static void put(struct room *r, const char *text, size_t len)
{
	if (len > sizeof r->at - r->len)
		return;
	memcpy(r->at + r->len, text, len);
	r->len += len;
}

static void put_named(struct room *out, const char *name, size_t len, const struct evidence_word *words, int n)
{
	bool is_first = true;

	for (int i = 0; i < n; i++) {
		if (*words[i].name != *name || strncmp(words[i].name, name, len) != 0 || words[i].name[len])
			continue;
		if (!is_first)
			put(out, ", ", 2);
		put(out, words[i].text, strlen(words[i].text));
		is_first = false;
	}
}

/* The next such pair of signs; NULL: none. */
static const char *next_pair(const char *text, char sign)
{
	while ((text = strchr(text, sign)) && text[1] != sign)
		text++;
	return text;
}

const char *evidence_render(struct arena *a, const char *template, const struct evidence_word *words, int n)
{
	LATER_SET struct room out;

	out.len = 0;
	while (*template) {
		const char *open = next_pair(template, '{'), *close = open ? next_pair(open, '}') : NULL;

		if (!close) {
			put(&out, template, strlen(template));
			break;
		}
		put(&out, template, (size_t)(open - template));
		put_named(&out, open + 2, (size_t)(close - open - 2), words, n);
		template = close + 2;
	}
	return arena_strndup(a, out.at, out.len);
}

const char *reading_evidence(struct arena *a, const struct reading *r)
{
	return r->evidence || !r->text ? r->evidence : evidence_render(a, r->text, r->words, r->n_words);
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

/* Whether nothing of a text is to be cleaned, cut or masked: a few words of letters and figures. */
static bool is_plain(const char *text, size_t max_chars)
{
	size_t len = 0;
	int digits = 0;

	for (; isascii(text[len]) && isalnum((unsigned char)text[len]); len += text[len + 1] == ' ' ? 2 : 1)
		digits += isdigit((unsigned char)text[len]) != 0;
	return !text[len] && len <= max_chars && digits < MIN_PHONE_DIGITS && (!len || text[len - 1] != ' ');
}

static const char *masked(struct arena *a, const char *text, size_t max_chars)
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

const char *evidence_quote(struct arena *a, const char *text, size_t max_chars)
{
	return text && is_plain(text, max_chars) ? arena_strdup(a, text) : masked(a, text, max_chars);
}

/* {"int": 3}, {"real": 0.5, "decimals": 1}, {"day": 20514}, {"minor": 4800000, "currency": "EUR"} or a text. */
static void put_argument(struct json_out *o, const char *key, const struct word *arg)
{
	if (arg->kind == WORD_TEXT) {
		json_put_text(o, key, arg->text);
		return;
	}
	json_open_object(o, key);
	if (arg->kind == WORD_INT) {
		json_put_int(o, "int", arg->number);
	} else if (arg->kind == WORD_DATE) {
		json_put_int(o, "day", arg->number);
	} else if (arg->kind == WORD_MONEY) {
		json_put_int(o, "minor", arg->number);
		json_put_text(o, "currency", arg->text);
	} else {
		json_put_real(o, "real", arg->real, arg->decimals);
		json_put_int(o, "decimals", arg->decimals);
	}
	json_close_object(o);
}

static void put_word(struct json_out *o, const char *key, const struct evidence_word *w)
{
	if (!w->said) {
		json_put_text(o, key, w->text);
	} else if (!w->said->key) {
		put_argument(o, key, w->said->args);
	} else {
		json_open_object(o, key);
		json_put_text(o, "say", w->said->key);
		for (size_t i = 0; i < w->said->n; i++)
			put_argument(o, w->said->args[i].name, &w->said->args[i]);
		json_close_object(o);
	}
}

/* Most names differ in their first character. */
static bool is_same(const char *name, const char *other)
{
	return *name == *other && strcmp(name, other) == 0;
}

static bool is_named(const struct evidence_word *words, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (is_same(words[i].name, name))
			return true;
	return false;
}

void evidence_put(struct json_out *o, const struct reading *r, struct arena *a)
{
	if (!r->is_worded) {
		json_put_text(o, NULL, reading_evidence(a, r));
		return;
	}
	json_open_object(o, NULL);
	json_put_text(o, "text", reading_evidence(a, r));
	json_put_text(o, "signal", r->name);
	json_open_object(o, "words");
	for (int i = 0; i < r->n_words; i++) {
		const char *name = r->words[i].name;
		bool is_list = is_named(r->words + i + 1, r->n_words - i - 1, name);

		if (is_named(r->words, i, name))
			continue;
		if (is_list)
			json_open_array(o, name);
		for (int k = i; k < (is_list ? r->n_words : i + 1); k++)
			if (is_same(r->words[k].name, name))
				put_word(o, is_list ? NULL : name, &r->words[k]);
		if (is_list)
			json_close_array(o);
	}
	json_close_object(o);
	json_close_object(o);
}

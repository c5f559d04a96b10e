#include "common/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/text.h"
#include "words_language.h"

enum { MAX_TEXT = 64 << 10, MAX_REPLACED = 2000, MAX_REPLACED_TEXT = 2000 };

/* {{name}} or {{name|one|other}}. */
struct mark {
	const char *at, *end; /* from the braces to behind them */
	const char *name;
	size_t name_len;
	struct { const char *at; size_t len; } forms[MAX_PLURALS + 1];
	int n_forms;
};

const struct words *words_of(const char *language)
{
	for (const struct words *w = words_built_in; w->language; w++)
		if (language && strcmp(w->language, language) == 0)
			return w;
	return NULL;
}

const struct words *words_copy(struct arena *a, const struct words *w)
{
	struct words_entry *entries;
	struct words *copy;

	if (!w || w == words_of(w->language))
		return w;
	copy = arena_memdup(a, w, sizeof *w);
	entries = arena_array(a, w->n, sizeof *entries);
	for (size_t i = 0; i < w->n; i++)
		entries[i] = (struct words_entry){ arena_strdup(a, w->entries[i].key), arena_strdup(a, w->entries[i].text) };
	copy->language = arena_strdup(a, w->language);
	copy->entries = entries;
	copy->base = words_copy(a, w->base);
	return copy;
}

const char *words_language(const struct words *w)
{
	return w ? w->language : words_built_in[0].language;
}

static int compare_keys(const void *left, const void *right)
{
	return strcmp(((const struct words_entry *)left)->key, ((const struct words_entry *)right)->key);
}

/* In w itself and what it replaces. */
static const char *find_own(const struct words *w, const char *key)
{
	const struct words_entry wanted = { key, NULL }, *found = NULL;

	for (; w && !found; w = w->base)
		found = w->n ? bsearch(&wanted, w->entries, w->n, sizeof wanted, compare_keys) : NULL;
	return found ? found->text : NULL;
}

const char *words_find(const struct words *w, const char *key)
{
	const char *text = find_own(w, key);

	return text ? text : find_own(&words_built_in[0], key);
}

/* The next such pair of signs; NULL: none. */
static const char *next_pair(const char *text, char sign)
{
	while ((text = strchr(text, sign)) && text[1] != sign)
		text++;
	return text;
}

/* How long a part of a mark is: a few letters, so that a search by strcspn would take longer to begin. */
static size_t part_length(const char *text)
{
	size_t len = 0;

	while (text[len] && text[len] != '|' && text[len] != '}')
		len++;
	return len;
}

/* The first mark at or behind text; false: none. */
static bool next_mark(const char *text, struct mark *out)
{
	const char *open = next_pair(text, '{'), *close = open ? next_pair(open, '}') : NULL, *at;

	if (!close)
		return false;
	out->at = open;
	out->end = close + 2;
	out->name = open + 2;
	out->name_len = part_length(out->name);
	out->n_forms = 0;
	for (at = out->name + out->name_len; *at == '|' && out->n_forms <= MAX_PLURALS;) {
		size_t len = part_length(at + 1);

		out->forms[out->n_forms].at = at + 1;
		out->forms[out->n_forms++].len = len;
		at += 1 + len;
	}
	return true;
}

static bool is_named(const struct mark *m, const char *name)
{
	return strlen(name) == m->name_len && memcmp(m->name, name, m->name_len) == 0;
}

static const struct word *find_argument(const struct mark *m, const struct word *args, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_named(m, args[i].name))
			return &args[i];
	return NULL;
}

static const struct word *argument(const struct mark *m, const struct word *args, size_t n)
{
	const struct word *found = find_argument(m, args, n);

	if (!found)
		die("a text wants {{%.*s}}, which nobody gives", (int)m->name_len, m->name);
	return found;
}

bool words_can_fill(const char *text, const struct word *args, size_t n)
{
	struct mark m;

	for (; next_mark(text, &m); text = m.end)
		if (!find_argument(&m, args, n))
			return false;
	return true;
}

/* The blank at text[i] as the language has it: not to be broken at before certain signs, nor inside quotation marks. */
static const char *blank_at(const struct language *l, const char *text, size_t len, size_t i)
{
	char next = i + 1 < len ? text[i + 1] : '\0';

	if (next && strchr(l->no_break, next))
		return "\u202f";
	if (next == ':' || (i + 2 < len && memcmp(text + i + 1, "\u00bb", 2) == 0) ||
	    (i >= 2 && memcmp(text + i - 2, "\u00ab", 2) == 0))
		return "\u00a0";
	return " ";
}

static void add_literal(const struct language *l, struct buf *b, const char *text, size_t len)
{
	size_t from = 0;

	for (const char *blank; l->no_break && (blank = memchr(text + from, ' ', len - from));) {
		size_t at = (size_t)(blank - text);

		buf_add(b, text + from, at - from);
		buf_text(b, blank_at(l, text, len, at));
		from = at + 1;
	}
	buf_add(b, text + from, len - from);
}

static bool begins_with_vowel(const char *text)
{
	uint32_t code;
	char folded[8];

	if (!*text)
		return false;
	utf8_next(text, strlen(text), &code);
	*text_put_folded(folded, code) = '\0';
	return *folded && strchr("aeiou", *folded);
}

/* "de " and "que " lose their vowel before another one. */
static void elide(struct buf *b, const char *next)
{
	static const char *const words[] = { " de ", " que " };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);

		if (((b->len >= len && memcmp(b->at + b->len - len, words[i], len) == 0) ||
		     (b->len == len - 1 && memcmp(b->at, words[i] + 1, len - 1) == 0)) && begins_with_vowel(next)) {
			buf_cut(b, b->len - 2);
			buf_text(b, "\u2019");
			return;
		}
	}
}

/* The plural class that goes with an argument as it is written; a text's is that of several. */
static int form_of(const struct language *l, const struct word *arg)
{
	double real = fabs(arg->real);

	if (arg->kind == WORD_INT)
		return l->plural(arg->number < 0 ? -(uint64_t)arg->number : (uint64_t)arg->number, false);
	if (arg->kind == WORD_REAL && real < 1e15)
		return l->plural((uint64_t)(arg->decimals ? real : round(real)), arg->decimals > 0);
	return l->n_plurals - 1;
}

const char *words_fill(const struct words *w, struct arena *a, const char *text, const struct word *args, size_t n)
{
	const struct language *l = language_of(w);
	CLEANUP(buf_done) struct buf b;
	LATER_SET struct mark m;

	buf_init(&b, MAX_TEXT);
	for (; next_mark(text, &m); text = m.end) {
		const struct word *arg = argument(&m, args, n);

		add_literal(l, &b, text, (size_t)(m.at - text));
		if (m.n_forms) {
			int form = form_of(l, arg);

			form = form < m.n_forms ? form : m.n_forms - 1;
			add_literal(l, &b, m.forms[form].at, m.forms[form].len);
		} else {
			const char *value = language_argument(l, a, arg);

			if (l->elides)
				elide(&b, value);
			buf_text(&b, value);
		}
	}
	add_literal(l, &b, text, strlen(text));
	return arena_strndup(a, b.at, b.len);
}

const char *words_literal(const struct words *w, struct arena *a, const char *text)
{
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, MAX_TEXT);
	add_literal(language_of(w), &b, text, strlen(text));
	return arena_strndup(a, b.at, b.len);
}

const char *words_say(const struct words *w, struct arena *a, const char *key, const struct word *args, size_t n)
{
	const char *text = words_find(w, key);

	if (!text)
		die("there is no text `%s`", key);
	if (!language_of(w)->no_break && !strchr(text, '{'))
		return text;
	/* A text that only English has is written in the English way. */
	return words_fill(find_own(w, key) ? w : NULL, a, text, args, n);
}

const char *words_text(const struct words *w, struct arena *a, const char *key)
{
	return words_say(w, a, key, NULL, 0);
}

struct word words_day(const struct words *w, struct arena *a, const char *name, int32_t day)
{
	if (w)
		return (struct word)W_DATE(name, day);
	return (struct word)W_TEXT(name, day_text(a, day));
}

const char *words_one(const struct words *w, struct arena *a, const struct word *arg)
{
	return language_argument(language_of(w), a, arg);
}

const char *words_list(const struct words *w, struct arena *a, const char *const *texts, size_t n)
{
	const char *text = n ? texts[0] : "";

	for (size_t i = 1; i + 1 < n; i++)
		text = arena_printf(a, "%s, %s", text, texts[i]);
	return n < 2 ? text : SAY(w, a, "list.last", W_TEXT("list", text), W_TEXT("last", texts[n - 1]));
}

static bool has_mark(const char *text, const struct mark *wanted)
{
	struct mark m;

	for (; next_mark(text, &m); text = m.end)
		if (m.name_len == wanted->name_len && memcmp(m.name, wanted->name, m.name_len) == 0)
			return true;
	return false;
}

/* Whether every argument of text is one that the text it replaces has, in all its plural forms. */
static bool check_marks(const struct words *w, const char *text, const char *was, const struct yaml *where,
                        struct mistakes *mistakes)
{
	const struct language *l = language_of(w);
	struct mark m;

	for (; next_mark(text, &m); text = m.end) {
		if (!has_mark(was, &m)) {
			mistake_at(mistakes, where, "has {{%.*s}}, expected only what is in: %s", (int)m.name_len, m.name, was);
			return false;
		}
		if (m.n_forms && m.n_forms != l->n_plurals) {
			mistake_at(mistakes, where, "has %d plural forms for %.*s, expected %d", m.n_forms, (int)m.name_len,
			           m.name, l->n_plurals);
			return false;
		}
	}
	return true;
}

const struct words *words_replace(struct arena *a, const struct words *base, const struct yaml *mapping,
                                  struct mistakes *m)
{
	struct words *w = arena_alloc(a, sizeof *w);
	struct words_entry *entries = arena_array(a, MAX_REPLACED, sizeof *entries);

	*w = (struct words){ .language = base->language, .entries = entries, .base = base };
	if (mapping && mapping->type != YAML_MAPPING)
		mistake_at(m, mapping, "is no mapping, expected `key: text`");
	for (const struct yaml *y = mapping && mapping->type == YAML_MAPPING ? mapping->first : NULL; y; y = y->next) {
		const char *was = words_find(base, y->key);

		if (!was)
			mistake_at(m, y, "is no text of ours, expected a key of texts/%s.yaml as it comes with retaind",
			           base->language);
		else if (y->type != YAML_SCALAR || strlen(y->text) > MAX_REPLACED_TEXT || w->n == MAX_REPLACED)
			mistake_at(m, y, "is no text of at most %d bytes", MAX_REPLACED_TEXT);
		else if (check_marks(base, y->text, was, y, m))
			entries[w->n++] = (struct words_entry){ y->key, y->text };
	}
	qsort(entries, w->n, sizeof *entries, compare_keys);
	return w;
}

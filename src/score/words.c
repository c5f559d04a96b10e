#include "words.h"

#include <string.h>

#include "common/text.h"

enum { STEM_LETTERS = 4, WRAPPED_FROM = 50, FIRST_SLOTS = 1024 };

static bool is_letter(uint32_t code)
{
	if (code < 0x80)
		return (code | 0x20) - 'a' < 26 || code - '0' < 10;
	if (code < 0x2000)
		return code >= 0xC0 && code != 0xD7 && code != 0xF7 && !(code >= 0x2B0 && code < 0x370);
	return code >= 0x2C00 && !(code >= 0x3000 && code < 0x3040) && code < 0xE000;
}

static bool is_apostrophe(uint32_t code)
{
	return code == '\'' || code == 0x2019 || code == 0x2018 || code == 0x2BC;
}

/* An accent of its own behind its letter, or what can't be seen: it neither ends a word nor counts. */
static bool is_nothing(uint32_t code)
{
	return (code >= 0x300 && code < 0x370) || code == 0xAD || (code >= 0x200B && code <= 0x200F) || code == 0xFEFF;
}

/* The code point at `at`, 0 at the end; its bytes in *size (1 for a byte that begins none). */
static uint32_t char_at(const struct cutter *c, size_t at, size_t *size)
{
	uint32_t code;

	*size = 1;
	if (at >= c->len)
		return 0;
	if ((unsigned char)c->text[at] < 0x80)
		return (unsigned char)c->text[at];
	*size = utf8_next(c->text + at, c->len - at, &code);
	*size = *size ? *size : 1;
	return code;
}

static bool is_letter_at(const struct cutter *c, size_t at)
{
	size_t size;

	return is_letter(char_at(c, at, &size));
}

/* Whether the line end at `at` only wraps a long line. */
static bool is_wrap(const struct cutter *c, size_t at)
{
	return at - c->line >= WRAPPED_FROM && at + 1 < c->len && !strchr("\n\r>-*", c->text[at + 1]);
}

/* What a sign between words parts. */
static uint8_t break_of(struct cutter *c, uint32_t code, size_t at, size_t size)
{
	static const struct {
		uint32_t code;
		uint8_t breaks;
	} signs[] = {
		{ ';', BREAK_SENTENCE }, { 0x2026, BREAK_SENTENCE },
		{ ',', BREAK_CLAUSE },   { ':', BREAK_CLAUSE },   { '(', BREAK_CLAUSE },   { ')', BREAK_CLAUSE },
		{ 0x2013, BREAK_CLAUSE }, { 0x2014, BREAK_CLAUSE }, { '"', BREAK_QUOTE },  { 0xAB, BREAK_QUOTE },
		{ 0xBB, BREAK_QUOTE },   { 0x201C, BREAK_QUOTE }, { 0x201D, BREAK_QUOTE }, { 0x201E, BREAK_QUOTE },
	};

	if (code == '\n') {
		bool wraps = is_wrap(c, at);

		c->line = at + 1;
		return wraps ? 0 : BREAK_SENTENCE;
	}
	if (code == '.' || code == '?' || code == '!')
		return is_letter_at(c, at + size) ? 0 : BREAK_SENTENCE; /* 2.1, x.example and /?page=1 go on */
	if (code == '-')
		return at > 0 && c->text[at - 1] == ' ' ? BREAK_CLAUSE : 0;
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (signs[i].code == code)
			return signs[i].breaks;
	return 0;
}

/* Bytes of an apostrophe and what English hangs on with it ('s 'd 'll 're 've 'm), 0 for none. */
static size_t hung_on(const struct cutter *c, size_t at)
{
	static const char *const ends[] = { "s", "d", "m", "ll", "re", "ve" };
	size_t size, n;

	if (at >= c->len || (c->text[at] != '\'' && (unsigned char)c->text[at] < 0x80) ||
	    !is_apostrophe(char_at(c, at, &size)))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		n = strlen(ends[i]);
		if (c->len - at >= size + n && strncasecmp(c->text + at + size, ends[i], n) == 0 &&
		    !is_letter_at(c, at + size + n))
			return size + n;
	}
	return 0;
}

/* Bytes of "n't", 0 for none. */
static size_t hung_not(const struct cutter *c, size_t at)
{
	size_t size;

	if (at >= c->len || (c->text[at] != 'n' && c->text[at] != 'N') || !is_apostrophe(char_at(c, at + 1, &size)))
		return 0;
	at += 1 + size;
	if (at >= c->len || (c->text[at] != 't' && c->text[at] != 'T') || is_letter_at(c, at + 1))
		return 0;
	return 2 + size;
}

static void take(struct cut *out, uint32_t code)
{
	char folded[8];
	size_t n;

	if (code < 0x80 && out->len < WORD_BYTES) {
		out->folded[out->len++] = (char)(code - 'A' < 26 ? code | 0x20 : code);
		return;
	}
	n = (size_t)(text_put_folded(folded, code) - folded);
	if (out->len + n <= WORD_BYTES)
		memcpy(out->folded + out->len, folded, n);
	out->len += n;
}

/* What hangs on a word by an apostrophe, a word of its own. */
static void read_tail(struct cutter *c, struct cut *out)
{
	size_t n = hung_on(c, c->at), size;

	out->end = c->at + (n ? n : hung_not(c, c->at));
	for (; c->at < out->end; c->at += size)
		take(out, char_at(c, c->at, &size));
}

/* Whether the letters so far lose their vowel before the next word, as in l'abonnement. */
static bool is_elided(const struct cut *w)
{
	static const char *const words[] = { "l", "d", "n", "j", "c", "s", "m", "t", "qu", "lorsqu", "jusqu", "puisqu" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == w->len && memcmp(words[i], w->folded, w->len) == 0)
			return true;
	return false;
}

/* Reads the letters from c->at. */
static void read_word(struct cutter *c, struct cut *out)
{
	size_t size;

	for (uint32_t code; (code = char_at(c, c->at, &size)) != 0; c->at += size) {
		if (is_nothing(code))
			continue;
		if (!is_letter(code))
			break;
		if (out->len && hung_not(c, c->at))
			break;
		take(out, code);
	}
	out->end = c->at;
	if (is_apostrophe(char_at(c, c->at, &size)) && is_elided(out) && is_letter_at(c, c->at + size))
		c->at += size;
}

bool cut_next(struct cutter *c, struct cut *out)
{
	size_t size = 0;

	*out = (struct cut){ .at = c->at };
	for (uint32_t code; !is_letter(code = char_at(c, c->at, &size)) && !hung_on(c, c->at); c->at += size) {
		if (c->at >= c->len)
			return false;
		out->breaks |= break_of(c, code, c->at, size);
	}
	out->at = c->at;
	if (hung_on(c, c->at) || hung_not(c, c->at))
		read_tail(c, out);
	else
		read_word(c, out);
	out->folded[out->len <= WORD_BYTES ? out->len : WORD_BYTES] = '\0';
	return true;
}

/* A word or a stem of it; slots find words by all their letters and stems by their first four. */
struct entry {
	const char *folded;
	size_t len;
	uint32_t classes;
	uint32_t next; /* stem: the next one of the same first letters, longest first */
	bool is_stem;
};
struct slot { uint32_t hash, number; };

struct vocabulary {
	struct arena *arena;
	struct entry *entries;
	size_t n, n_room;
	struct slot *words, *stems;
	size_t n_slots; /* of each; a power of two */
};

static uint32_t hash_of(const char *text, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	return hash;
}

struct vocabulary *vocabulary_new(struct arena *a)
{
	struct vocabulary *v = arena_alloc(a, sizeof *v);

	*v = (struct vocabulary){ .arena = a, .n = 1, .n_slots = FIRST_SLOTS, .n_room = FIRST_SLOTS / 2 };
	v->entries = arena_array(a, v->n_room, sizeof *v->entries);
	v->words = arena_array(a, v->n_slots, sizeof *v->words);
	v->stems = arena_array(a, v->n_slots, sizeof *v->stems);
	return v;
}

uint32_t vocabulary_size(const struct vocabulary *v)
{
	return (uint32_t)v->n;
}

/* The first of a chain of stems that a word begins with, 0: none. */
static uint32_t stem_among(const struct vocabulary *v, uint32_t number, const char *folded, size_t len)
{
	for (; number; number = v->entries[number].next) {
		const struct entry *e = &v->entries[number];

		if (e->len <= len && memcmp(e->folded, folded, e->len) == 0)
			break;
	}
	return number;
}

uint32_t vocabulary_shorter(const struct vocabulary *v, uint32_t stem)
{
	const struct entry *from = &v->entries[stem];

	return stem_among(v, from->next, from->folded, from->len - 1);
}

/* The slot of these letters, or the free one where they belong. */
static struct slot *find_slot(const struct vocabulary *v, struct slot *slots, const char *text, size_t len)
{
	uint32_t hash = hash_of(text, len);
	size_t i = hash & (v->n_slots - 1);

	for (; slots[i].number; i = (i + 1) & (v->n_slots - 1)) {
		const struct entry *e = &v->entries[slots[i].number];

		if (slots[i].hash == hash && (e->is_stem || e->len == len) && memcmp(e->folded, text, len) == 0)
			break;
	}
	return &slots[i];
}

static void fill_slot(struct vocabulary *v, struct slot *slots, size_t len, uint32_t number)
{
	const char *folded = v->entries[number].folded;

	*find_slot(v, slots, folded, len) = (struct slot){ hash_of(folded, len), number };
}

static void grow(struct vocabulary *v)
{
	size_t n_old = v->n_slots;
	struct slot *words = v->words, *stems = v->stems;

	v->entries = arena_grow(v->arena, v->entries, v->n, 2 * v->n_room, sizeof *v->entries);
	v->n_room *= 2;
	v->n_slots *= 2;
	v->words = arena_array(v->arena, v->n_slots, sizeof *v->words);
	v->stems = arena_array(v->arena, v->n_slots, sizeof *v->stems);
	for (size_t i = 0; i < n_old; i++) {
		if (words[i].number)
			fill_slot(v, v->words, v->entries[words[i].number].len, words[i].number);
		if (stems[i].number)
			fill_slot(v, v->stems, STEM_LETTERS, stems[i].number);
	}
}

/* Puts a stem among those of the same first letters, longest first. */
static uint32_t add_stem(struct vocabulary *v, const char *folded, size_t len)
{
	struct slot *slot = find_slot(v, v->stems, folded, STEM_LETTERS);
	uint32_t *link = &slot->number, number = (uint32_t)v->n;

	slot->hash = hash_of(folded, STEM_LETTERS);
	for (; *link && v->entries[*link].len >= len; link = &v->entries[*link].next)
		if (v->entries[*link].len == len && memcmp(v->entries[*link].folded, folded, len) == 0)
			return *link;
	v->entries[v->n++] = (struct entry){ arena_strndup(v->arena, folded, len), len, 0, *link, true };
	*link = number;
	return number;
}

uint32_t vocabulary_add(struct vocabulary *v, const char *folded, bool is_stem, uint32_t classes)
{
	size_t len = strlen(folded);
	uint32_t number;

	if (v->n == v->n_room)
		grow(v);
	if (is_stem && len >= STEM_LETTERS) {
		number = add_stem(v, folded, len);
	} else {
		number = find_slot(v, v->words, folded, len)->number;
		if (!number) {
			number = (uint32_t)v->n++;
			v->entries[number] = (struct entry){ arena_strdup(v->arena, folded), len, 0, 0, false };
			fill_slot(v, v->words, len, number);
		}
	}
	v->entries[number].classes |= classes;
	return number;
}

uint64_t word_bit(uint32_t number)
{
	return number ? UINT64_C(1) << (number % 64) : 0;
}

bool word_is(const struct vocabulary *v, const struct word *w, uint32_t number)
{
	uint32_t stem = w->stem;

	while (stem && stem != number)
		stem = vocabulary_shorter(v, stem);
	return number && (w->exact == number || stem == number);
}

uint32_t word_classes(const struct vocabulary *v, const struct word *w)
{
	uint32_t classes = v->entries[w->exact].classes;

	for (uint32_t stem = w->stem; stem; stem = vocabulary_shorter(v, stem))
		classes |= v->entries[stem].classes;
	return classes;
}

/* The longest stem that a word begins with, 0: none. */
static uint32_t stem_of(const struct vocabulary *v, const char *folded, size_t len)
{
	return len < STEM_LETTERS ? 0 : stem_among(v, find_slot(v, v->stems, folded, STEM_LETTERS)->number, folded, len);
}

size_t words_read(const struct vocabulary *v, const char *text, size_t len, struct word *out, size_t max)
{
	struct cutter c = { .text = text, .len = len };
	struct cut cut;
	size_t n = 0;

	while (n < max && cut_next(&c, &cut)) {
		struct word *w = &out[n++];

		*w = (struct word){ .at = (uint32_t)cut.at, .end = (uint32_t)cut.end, .breaks = cut.breaks };
		if (cut.len > WORD_BYTES)
			continue;
		w->exact = find_slot(v, v->words, cut.folded, cut.len)->number;
		w->stem = stem_of(v, cut.folded, cut.len);
		w->bits = word_bit(w->exact);
		for (uint32_t stem = w->stem; stem; stem = vocabulary_shorter(v, stem))
			w->bits |= word_bit(stem);
	}
	return n;
}

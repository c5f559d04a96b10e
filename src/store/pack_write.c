#include <stdlib.h>

#include "pack_parts.h"

/* words ------------------------------------------------------------------------------------------------------------ */

static size_t hash_of(const char *word)
{
	size_t h = 1469598103934665603u;

	for (; *word; word++)
		h = (h ^ (unsigned char)*word) * 1099511628211u;
	return h ^ h >> 29;
}

/* Where a word is, or would be. */
static uint32_t *slot_of(const struct pack_draft *d, const char *word)
{
	size_t at = hash_of(word) & (d->n_slots - 1);

	while (d->slots[at] && strcmp(d->words[d->slots[at] - 1], word) != 0)
		at = (at + 1) & (d->n_slots - 1);
	return &d->slots[at];
}

static void make_room(struct pack_draft *d)
{
	size_t cap = d->cap_words ? 2 * d->cap_words : 32;

	d->words = arena_grow(d->arena, d->words, d->n_words, cap, sizeof *d->words);
	d->cap_words = cap;
	d->n_slots = 2 * cap;
	d->slots = arena_array(d->arena, d->n_slots, sizeof *d->slots);
	if (!d->n_words)
		d->words[d->n_words++] = "";
	for (size_t i = 0; i < d->n_words; i++)
		*slot_of(d, d->words[i]) = (uint32_t)i + 1;
}

int64_t pack_word(struct pack_draft *d, const char *word)
{
	uint32_t *slot;

	if (!word || !*word)
		return 0;
	if (d->n_words + 1 >= d->cap_words)
		make_room(d);
	slot = slot_of(d, word);
	if (!*slot) {
		d->words[d->n_words] = arena_strdup(d->arena, word);
		*slot = (uint32_t)++d->n_words;
	}
	return *slot - 1;
}

/* rows ------------------------------------------------------------------------------------------------------------- */

int64_t *pack_row(struct pack_draft *d, enum pack_section section)
{
	struct pack_table *t = &d->tables[section];
	size_t n_columns = (size_t)pack_n_columns(section);

	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : section == PACK_ACCOUNT ? 1 : 8;

		t->cells = arena_grow(d->arena, t->cells, t->n * n_columns, cap * n_columns, sizeof *t->cells);
		t->cap = cap;
	}
	return t->cells + n_columns * t->n++;
}

/* bytes ------------------------------------------------------------------------------------------------------------ */

static void add_bytes(struct buf *b, uint64_t value, size_t width)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
	buf_add(b, bytes, width);
}

static void add_number(struct buf *b, uint64_t value)
{
	for (; value >= 128; value >>= 7)
		buf_char(b, (char)(value | 128));
	buf_char(b, (char)value);
}

/* The least of the widths that has room for a number from 0, and for one of either sign. */
static int width_for(uint64_t most)
{
	for (int w = 0; w < N_PACK_WIDTHS - 1; w++)
		if (most >> (8 * pack_widths[w]) == 0)
			return w;
	return N_PACK_WIDTHS - 1;
}

static int signed_width_for(int64_t value)
{
	for (int w = 0; w < N_PACK_WIDTHS - 1; w++) {
		int64_t half = w ? INT64_C(1) << (8 * pack_widths[w] - 1) : 0;

		if (value == 0 || (value >= -half && value < half))
			return w;
	}
	return N_PACK_WIDTHS - 1;
}

/* Words sort by what they say: their numbers then do the same. */
struct sorting {
	const char *word;
	uint32_t was;
};

static int by_word(const void *left, const void *right)
{
	const struct sorting *l = left, *r = right;

	return strcmp(l->word, r->word);
}

static bool is_word(enum pack_section section, int column)
{
	static const uint32_t words[N_PACK_SECTIONS] = { /* a bit a column */
		[PACK_ACCOUNT] = (1u << ACCOUNT_CSM_IS_KEY) - 1,
		[PACK_SUBSCRIPTION] = 1u << SUBSCRIPTION_PRODUCT | 1u << SUBSCRIPTION_PLAN | 1u << SUBSCRIPTION_CURRENCY,
		[PACK_LIMIT] = 1u << LIMIT_METRIC, [PACK_INVOICE] = 1u << INVOICE_CURRENCY,
		[PACK_NOTICE] = 1u << NOTICE_KIND | 1u << NOTICE_CURRENCY,
		[PACK_OPPORTUNITY] = 1u << OPPORTUNITY_NAME | 1u << OPPORTUNITY_KIND | 1u << OPPORTUNITY_CURRENCY,
		[PACK_TICKET] = 1u << TICKET_PRIORITY | 1u << TICKET_CATEGORY,
		[PACK_INTERACTION] = 1u << INTERACTION_KIND | 1u << INTERACTION_DIRECTION | 1u << INTERACTION_PERSON,
		[PACK_SURVEY] = 1u << SURVEY_KIND,
		[PACK_CONTACT] = 1u << CONTACT_KEY | 1u << CONTACT_EMAIL | 1u << CONTACT_NAME | 1u << CONTACT_ROLE |
		                 1u << CONTACT_TEAM,
		[PACK_USE] = 1u << USE_PERSON | 1u << USE_TEAM,
	};

	return words[section] >> column & 1;
}

/* A column of a draft; words have the numbers that they have once sorted. */
struct column {
	const int64_t *cells, *renamed; /* renamed NULL: no words */
	size_t n, stride;
};

static int64_t cell_of(const struct column *c, size_t i)
{
	int64_t value = c->cells[i * c->stride];

	return c->renamed ? c->renamed[value] : value;
}

static void add_cells(struct buf *b, const struct column *c, uint64_t base, uint64_t most, bool has_none)
{
	int width = width_for(most - base), base_width = signed_width_for((int64_t)base);

	buf_char(b, (char)(width | base_width << PACK_BASE_SHIFT | (has_none ? PACK_HAS_NONE : 0)));
	add_bytes(b, base, pack_widths[base_width]);
	for (size_t i = 0; i < c->n && width; i++) {
		int64_t value = cell_of(c, i);

		add_bytes(b, has_none && value == PACK_NONE ? 0 : (uint64_t)value - base, pack_widths[width]);
	}
}

static void add_column(struct buf *b, const struct column *c)
{
	int64_t least = INT64_MAX, most = INT64_MIN;
	bool has_none = false;

	for (size_t i = 0; i < c->n; i++) {
		int64_t value = cell_of(c, i);

		has_none = has_none || value == PACK_NONE;
		if (value != PACK_NONE) {
			least = value < least ? value : least;
			most = value > most ? value : most;
		}
	}
	if (least > most) {
		add_cells(b, c, 0, 0, has_none);
	} else if (has_none && least == INT64_MIN) { /* no number is left over for what is not known: it stays as it is */
		most = most > PACK_NONE ? most : PACK_NONE;
		add_cells(b, c, (uint64_t)least, (uint64_t)most, false);
	} else {
		add_cells(b, c, (uint64_t)least - has_none, (uint64_t)most, has_none);
	}
}

static void add_section(struct buf *b, const struct pack_draft *d, enum pack_section section, const int64_t *renamed)
{
	const struct pack_table *t = &d->tables[section];
	size_t n_columns = (size_t)pack_n_columns(section);

	for (size_t i = 0; t->n && i < n_columns; i++) {
		const struct column column = { t->cells + i, is_word(section, (int)i) ? renamed : NULL, t->n, n_columns };

		add_column(b, &column);
	}
}

/* The words in their order, and the number that each has by it. */
static const struct sorting *sort_words(const struct pack_draft *d, int64_t *renamed)
{
	struct sorting *sorted = arena_array(d->arena, d->n_words + 1, sizeof *sorted);

	for (size_t i = 0; i < d->n_words; i++)
		sorted[i] = (struct sorting){ d->words[i], (uint32_t)i };
	if (!d->n_words)
		sorted[0].word = "";
	qsort(sorted, d->n_words, sizeof *sorted, by_word);
	for (size_t i = 0; i < d->n_words; i++)
		renamed[sorted[i].was] = (int64_t)i;
	return sorted;
}

void pack_write(const struct pack_draft *d, uint32_t zone, struct buf *out)
{
	CLEANUP(buf_done) struct buf sections;
	int64_t *renamed = arena_array(d->arena, d->n_words + 1, sizeof *renamed);
	const struct sorting *words = sort_words(d, renamed);
	size_t n_words = d->n_words ? d->n_words : 1, words_len = 0, before = 0, start = out->len;
	uint64_t sum;

	buf_init(&sections, out->limit);
	add_bytes(out, 0, 8);
	add_bytes(out, PACK_VERSION, 1);
	add_bytes(out, zone, 4);
	add_bytes(out, (uint32_t)d->since, 4);
	for (size_t i = 0; i < n_words; i++)
		words_len += strlen(words[i].word) + 1;
	add_number(out, words_len);
	add_number(out, n_words);
	for (int i = 0; i < N_PACK_SECTIONS; i++) {
		add_section(&sections, d, (enum pack_section)i, renamed);
		add_number(out, d->tables[i].n);
		if (d->tables[i].n)
			add_number(out, sections.len - before);
		before = sections.len;
	}
	for (size_t i = 0; i < n_words; i++)
		buf_add(out, words[i].word, strlen(words[i].word) + 1);
	buf_add(out, sections.at, sections.len);
	out->is_full = out->is_full || sections.is_full;
	sum = pack_checksum((const unsigned char *)out->at + start + 8, out->len - start - 8);
	for (size_t i = 0; i < 8; i++)
		out->at[start + i] = (char)(sum >> (8 * i));
}

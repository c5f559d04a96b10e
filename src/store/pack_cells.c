#include "pack_cells.h"

#include "pack_parts.h"

/* A number of some bytes, of either sign, of which left bytes are there at least. */
static inline int64_t read_base(const unsigned char *at, size_t bytes, size_t left)
{
	size_t unused = 64 - 8 * bytes;

	if (!bytes)
		return 0;
	return (int64_t)((left < 8 ? pack_load(at, bytes) : pack_load_8(at)) << unused) >> unused;
}

bool pack_cells(const struct pack *p, enum pack_section section, int n_columns, struct pack_cells *out)
{
	const unsigned char *at = p->sections[section].at, *end = p->sections[section].end;
	uint64_t n = p->n[section];

	for (struct pack_cells *c = out; c < out + n_columns; c++) {
		uint64_t base_bytes, bytes;

		if (at >= end)
			return false;
		c->has_none = *at & PACK_HAS_NONE;
		if (!(*at & ~PACK_HAS_NONE)) { /* as most are: noughts, or not known */
			c->width = 0;
			c->base = 0;
			at++;
			continue;
		}
		c->width = *at & PACK_WIDTH_MASK;
		if (c->width >= N_PACK_WIDTHS) /* cells would be read that are not there */
			return false;
		base_bytes = pack_widths[*at++ >> PACK_BASE_SHIFT & PACK_WIDTH_MASK];
		bytes = n * pack_widths[c->width];
		if (base_bytes + bytes > (uint64_t)(end - at))
			return false;
		c->base = read_base(at, base_bytes, (size_t)(end - at));
		c->at = at + base_bytes;
		at = c->at + bytes;
	}
	return true;
}

/* Eight bytes at a time: of each that is 0 the highest bit, of others none. */
static inline uint64_t noughts_of(const char *at)
{
	const uint64_t low = UINT64_C(0x7F7F7F7F7F7F7F7F);
	uint64_t bytes = pack_load_8((const unsigned char *)at);

	return ~(((bytes & low) + low) | bytes | low);
}

void pack_words_of(const char *text, size_t len, size_t n, const char **out)
{
	size_t at = 0, found = 0;

	out[found++] = text;
	for (; at + 8 <= len; at += 8)
		for (uint64_t noughts = noughts_of(text + at); noughts && found < n; noughts &= noughts - 1)
			out[found++] = text + at + (size_t)__builtin_ctzll(noughts) / 8 + 1;
	for (; at < len && found < n; at++)
		if (!text[at])
			out[found++] = text + at + 1;
	if (out[found - 1] == text + len)
		found--;
	while (found < n)
		out[found++] = "";
}

static inline int64_t value_of(const struct pack_cells *c, size_t i, int width)
{
	uint64_t cell = 0;

	if (width == 1)
		cell = c->at[i];
	else if (width == 2)
		cell = pack_load_2(c->at + 2 * i);
	else if (width == 3)
		cell = pack_load_4(c->at + 4 * i);
	else if (width == 4)
		cell = pack_load_8(c->at + 8 * i);
	if (!cell && c->has_none)
		return PACK_NONE;
	return (int64_t)((uint64_t)c->base + cell);
}

/* Of the following each is laid open once for every width and kind. */
static inline void put(int64_t value, enum pack_kind kind, const struct pack_words *words, unsigned char *to)
{
	const char *word;

	switch (kind) {
	case PACK_AS_DAY:
		memcpy(to, &(int32_t){ (int32_t)value }, sizeof(int32_t));
		return;
	case PACK_AS_NUMBER:
		memcpy(to, &value, sizeof value);
		return;
	case PACK_AS_TRUTH:
		memcpy(to, &(bool){ value != 0 }, sizeof(bool));
		return;
	case PACK_AS_WORD:
	default:
		word = (uint64_t)value < words->n ? words->at[value] : "";
		memcpy(to, &word, sizeof word);
	}
}

/* All alike. */
static inline void fill(int64_t value, size_t n, enum pack_kind kind, const struct pack_words *words,
                        unsigned char *to, size_t stride)
{
	for (size_t i = 0; i < n; i++, to += stride)
		put(value, kind, words, to);
}

static inline void spread_width(struct pack_cells c, size_t n, enum pack_kind kind, struct pack_words words,
                                unsigned char *to, size_t stride, int width)
{
	if (!c.has_none)
		for (size_t i = 0; i < n; i++, to += stride)
			put(value_of(&(struct pack_cells){ c.at, c.base, c.width, false }, i, width), kind, &words, to);
	else
		for (size_t i = 0; i < n; i++, to += stride)
			put(value_of(&c, i, width), kind, &words, to);
}

static inline void spread(const struct pack_cells *c, size_t n, enum pack_kind kind, const struct pack_words *words,
                          unsigned char *to, size_t stride)
{
	switch (c->width) {
	case 0:
		fill(c->has_none ? PACK_NONE : c->base, n, kind, words, to, stride);
		return;
	case 1:
		spread_width(*c, n, kind, *words, to, stride, 1);
		return;
	case 2:
		spread_width(*c, n, kind, *words, to, stride, 2);
		return;
	case 3:
		spread_width(*c, n, kind, *words, to, stride, 3);
		return;
	default:
		spread_width(*c, n, kind, *words, to, stride, 4);
	}
}

void pack_rows(const struct pack_cells *cells, size_t n, const struct pack_field *fields, size_t n_fields,
               const struct pack_words *words, void *to, size_t size)
{
	for (const struct pack_field *f = fields; f < fields + n_fields; f++) {
		const struct pack_cells *c = &cells[f->column];
		unsigned char *field = (unsigned char *)to + f->offset;

		if (f->kind == PACK_AS_WORD)
			spread(c, n, PACK_AS_WORD, words, field, size);
		else if (!c->width && !c->base && !c->has_none)
			continue; /* noughts */
		else if (f->kind == PACK_AS_DAY)
			spread(c, n, PACK_AS_DAY, words, field, size);
		else if (f->kind == PACK_AS_NUMBER)
			spread(c, n, PACK_AS_NUMBER, words, field, size);
		else
			spread(c, n, PACK_AS_TRUTH, words, field, size);
	}
}

void pack_numbers(const struct pack_cells *c, size_t n, int64_t *out)
{
	const struct pack_words none = { NULL, 0 };

	spread(c, n, PACK_AS_NUMBER, &none, (unsigned char *)out, sizeof *out);
}

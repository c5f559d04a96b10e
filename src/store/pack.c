#include "store/pack.h"

#include "pack_parts.h"

static const uint8_t columns[N_PACK_SECTIONS] = {
	[PACK_ACCOUNT] = ACCOUNT_HEARD + 1,           [PACK_SUBSCRIPTION] = SUBSCRIPTION_GONE + 1,
	[PACK_AMOUNT] = AMOUNT_MRR + 1,               [PACK_LIMIT] = LIMIT_GONE + 1,
	[PACK_INVOICE] = INVOICE_GONE + 1,            [PACK_NOTICE] = NOTICE_GONE + 1,
	[PACK_OPPORTUNITY] = OPPORTUNITY_GONE + 1,    [PACK_TICKET] = TICKET_GONE + 1,
	[PACK_INTERACTION] = INTERACTION_GONE + 1,    [PACK_MOVE] = MOVE_GONE + 1,
	[PACK_SURVEY] = SURVEY_GONE + 1,              [PACK_CONTACT] = CONTACT_GONE + 1,
	[PACK_USE] = USE_TEAM + 1,
};

int pack_n_columns(enum pack_section section)
{
	return columns[section];
}

static bool read_number(const unsigned char **at, const unsigned char *end, uint32_t *out)
{
	uint32_t value = 0;

	for (int shift = 0; shift < 32 && *at < end; shift += 7) {
		unsigned char byte = *(*at)++;

		value |= (uint32_t)(byte & 127) << shift;
		if (byte < 128) {
			*out = value;
			return true;
		}
	}
	return false;
}

/* How much there is of everything. */
static bool read_head(const unsigned char **at, const unsigned char *end, struct pack *p, uint32_t *lengths)
{
	uint32_t words_len, n_words;

	if (!read_number(at, end, &words_len) || !read_number(at, end, &n_words))
		return false;
	for (int i = 0; i < N_PACK_SECTIONS; i++)
		if (!read_number(at, end, &p->n[i]) || (p->n[i] && !read_number(at, end, &lengths[i])))
			return false;
	p->words_len = words_len;
	p->n_words = n_words;
	return words_len && words_len <= (size_t)(end - *at) && (*at)[words_len - 1] == '\0' && n_words <= words_len;
}

bool pack_open(const void *data, size_t len, struct pack *out)
{
	const unsigned char *at = data, *end = at + len;
	uint32_t lengths[N_PACK_SECTIONS] = { 0 };
	struct pack p = { 0 };

	if (len < PACK_HEAD_BYTES || at[8] != PACK_VERSION || pack_checksum(at + 8, len - 8) != pack_load_8(at))
		return false;
	p.zone = pack_load_4(at + 9);
	p.since = (int32_t)pack_load_4(at + 13);
	at += PACK_HEAD_BYTES;
	if (!read_head(&at, end, &p, lengths))
		return false;
	p.words = (const char *)at;
	at += p.words_len;
	for (int i = 0; i < N_PACK_SECTIONS; i++) {
		if (lengths[i] > (size_t)(end - at))
			return false;
		p.sections[i].at = at;
		p.sections[i].end = at += lengths[i];
	}
	*out = p;
	return true;
}

/* The cells of a column, n of them, out of at; a loop a width, so that each is done many at a time. */
static void read_cells(const unsigned char *at, size_t n, int width, uint64_t base, int64_t *restrict out)
{
	switch (width) {
	case 0:
		for (size_t i = 0; i < n; i++)
			out[i] = (int64_t)base;
		return;
	case 1:
		for (size_t i = 0; i < n; i++)
			out[i] = (int64_t)(base + at[i]);
		return;
	case 2:
		for (size_t i = 0; i < n; i++)
			out[i] = (int64_t)(base + pack_load_2(at + 2 * i));
		return;
	case 3:
		for (size_t i = 0; i < n; i++)
			out[i] = (int64_t)(base + pack_load_4(at + 4 * i));
		return;
	default:
		for (size_t i = 0; i < n; i++)
			out[i] = (int64_t)(base + pack_load_8(at + 8 * i));
	}
}

/* Reads a column, or passes over it where out is NULL. Returns what comes behind it, or NULL. */
static const unsigned char *read_column(const unsigned char *at, const unsigned char *end, size_t n, int64_t *out)
{
	unsigned char code;
	size_t width, base_width;
	uint64_t base;

	if (at >= end)
		return NULL;
	code = *at++;
	width = pack_widths[code & PACK_WIDTH_MASK];
	base_width = pack_widths[code >> PACK_BASE_SHIFT & PACK_WIDTH_MASK];
	if ((size_t)(end - at) < base_width || ((size_t)(end - at) - base_width) / (width ? width : 1) < (width ? n : 0))
		return NULL;
	base = pack_load(at, base_width);
	if (base_width && base_width < 8 && base >> (8 * base_width - 1)) /* negative */
		base |= UINT64_MAX << (8 * base_width);
	at += base_width;
	if (out)
		read_cells(at, n, code & PACK_WIDTH_MASK, base, out);
	if (out && code & PACK_HAS_NONE)
		for (size_t i = 0; i < n; i++)
			out[i] = out[i] == (int64_t)base ? PACK_NONE : out[i];
	return at + n * width;
}

bool pack_column(const struct pack *p, enum pack_section section, int column, int64_t *out)
{
	const unsigned char *at = p->sections[section].at, *end = p->sections[section].end;

	for (int i = 0; at && i <= column; i++)
		at = read_column(at, end, p->n[section], i == column ? out : NULL);
	return at != NULL;
}

bool pack_columns(const struct pack *p, enum pack_section section, int64_t *out)
{
	const unsigned char *at = p->sections[section].at, *end = p->sections[section].end;
	size_t n = p->n[section];

	for (int i = 0; at && n && i < columns[section]; i++)
		at = read_column(at, end, n, out + (size_t)i * n);
	return at != NULL;
}

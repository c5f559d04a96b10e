#include "store/pack.h"

#include "pack_cells.h"
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

	if (*at < end && **at < 128) { /* as most are */
		*out = *(*at)++;
		return true;
	}
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
	return words_len && words_len <= (size_t)(end - *at) && (*at)[words_len - 1] == '\0' && n_words &&
	       n_words <= words_len;
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

bool pack_column(const struct pack *p, enum pack_section section, int column, int64_t *out)
{
	struct pack_cells cells[PACK_MAX_COLUMNS] LATER_SET;

	if (!pack_cells(p, section, column + 1, cells))
		return false;
	pack_numbers(&cells[column], p->n[section], out);
	return true;
}

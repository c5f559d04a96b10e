/* An account's pack: its dated rows (contracts, events, people) as numbers in narrow columns, so that a year of them is
 * read in a microsecond. A table a section, a number a cell; a day is a day, a word the number of one of the pack's
 * words (0: ""), PACK_NONE what is not known. Where packs come from: store/packs.h; what they mean on a day:
 * store/facts.h. */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/clock.h"

#define PACK_NONE ((int64_t)DAY_NONE)
enum { PACK_MAX_COLUMNS = 24 };

enum pack_section {
	PACK_ACCOUNT, /* one row */
	PACK_SUBSCRIPTION, PACK_AMOUNT, PACK_LIMIT, PACK_INVOICE, PACK_NOTICE, PACK_OPPORTUNITY,
	PACK_TICKET, PACK_INTERACTION, PACK_MOVE, PACK_SURVEY, PACK_CONTACT,
	PACK_USE,     /* usage by person and team, ascending by day */
	N_PACK_SECTIONS
};
enum pack_account {
	ACCOUNT_KEY, ACCOUNT_NAME, ACCOUNT_DOMAIN, ACCOUNT_EXTERNAL_ID, ACCOUNT_SEGMENT, ACCOUNT_PLAN, ACCOUNT_CURRENCY,
	ACCOUNT_CSM, ACCOUNT_AM, /* words: an address, or a key that is still to be resolved */
	ACCOUNT_CSM_IS_KEY, ACCOUNT_AM_IS_KEY, ACCOUNT_SEATS, ACCOUNT_ARR, ACCOUNT_RENEWAL, ACCOUNT_CREATED,
	ACCOUNT_SINCE, ACCOUNT_IS_CUSTOMER, ACCOUNT_HEARD /* last heard of before the first row of interactions */
};
enum pack_subscription {
	SUBSCRIPTION_PRODUCT, SUBSCRIPTION_PLAN, SUBSCRIPTION_CURRENCY, SUBSCRIPTION_SEATS, SUBSCRIPTION_MRR,
	SUBSCRIPTION_START, SUBSCRIPTION_END, SUBSCRIPTION_RENEWAL, SUBSCRIPTION_CANCEL, SUBSCRIPTION_FLAGS,
	SUBSCRIPTION_SEEN, SUBSCRIPTION_GONE
};
enum { /* SUBSCRIPTION_FLAGS */
	SUBSCRIPTION_IS_TRIAL = 1, SUBSCRIPTION_BY_HAND = 2, SUBSCRIPTION_RENEWED_ITSELF = 4, SUBSCRIPTION_HAS_AMOUNTS = 8,
	SUBSCRIPTION_END_DATED = 16, SUBSCRIPTION_CANCEL_DATED = 32 /* dated: the day was known before it came */
};
enum pack_amount { AMOUNT_OF, AMOUNT_FROM, AMOUNT_MRR }; /* from a day on; of: the subscription's place */
enum pack_limit { LIMIT_METRIC, LIMIT_VALUE, LIMIT_PERIOD_DAYS, LIMIT_FROM, LIMIT_GONE }; /* by metric and day */
enum pack_invoice {
	INVOICE_AMOUNT, INVOICE_CURRENCY, INVOICE_ISSUED, INVOICE_DUE, INVOICE_PAID, INVOICE_FAILED, INVOICE_DISPUTED,
	INVOICE_FLAGS, INVOICE_SOURCE, INVOICE_SEEN, INVOICE_GONE
};
enum { /* INVOICE_FLAGS */
	INVOICE_IS_PAID = 1 /* and never said when */, INVOICE_PAID_DATED = 2, INVOICE_FAILED_DATED = 4,
	INVOICE_DISPUTED_DATED = 8
};
enum pack_notice {
	NOTICE_KIND, NOTICE_CURRENCY, NOTICE_NOTICED, NOTICE_EFFECTIVE, NOTICE_AMOUNT, NOTICE_TEXT, NOTICE_GONE
};
enum pack_opportunity {
	OPPORTUNITY_NAME, OPPORTUNITY_KIND, OPPORTUNITY_CURRENCY, OPPORTUNITY_AMOUNT, OPPORTUNITY_CREATED,
	OPPORTUNITY_CLOSE, OPPORTUNITY_FLAGS, OPPORTUNITY_GONE
};
enum { /* OPPORTUNITY_FLAGS */
	OPPORTUNITY_IS_CLOSED = 1, OPPORTUNITY_IS_TOLD = 2 /* when it was closed */, OPPORTUNITY_IS_CLOSED_NOW = 4,
	OPPORTUNITY_CLOSE_TOLD = 8, OPPORTUNITY_IS_WON = 16
};
/* _TEXT: the row's id, by which its texts are read; 0: it has none. _GONE: since when the row is deleted. */
enum pack_ticket {
	TICKET_PRIORITY, TICKET_CATEGORY, TICKET_OPENED, TICKET_CLOSED, TICKET_REPLIED, TICKET_SATISFACTION,
	TICKET_ESCALATED, TICKET_REOPENED, TICKET_TEXT, TICKET_GONE
};
enum pack_interaction {
	INTERACTION_KIND, INTERACTION_DIRECTION, INTERACTION_PERSON, INTERACTION_ON, INTERACTION_FLAGS, INTERACTION_TEXT,
	INTERACTION_GONE
};
enum { INTERACTION_IS_PUT_OFF = 1, INTERACTION_IS_HEARD = 2 }; /* INTERACTION_FLAGS; heard: from them, or a meeting */
enum pack_move { MOVE_KNOWN, MOVE_GONE };
enum pack_survey { SURVEY_KIND, SURVEY_SCORE, SURVEY_ON, SURVEY_TEXT, SURVEY_GONE };
enum pack_contact {
	CONTACT_KEY, CONTACT_EMAIL, CONTACT_NAME, CONTACT_ROLE, CONTACT_TEAM, CONTACT_LEFT, CONTACT_FLAGS, CONTACT_CREATED,
	CONTACT_LAST_SEEN, CONTACT_GONE
};
enum { CONTACT_IS_KEY = 1, CONTACT_LEFT_DATED = 2 }; /* CONTACT_FLAGS */
enum pack_use { USE_DAY, USE_PERSON, USE_TEAM };

int pack_n_columns(enum pack_section section);

/* Reading: valid as long as the bytes are. */
struct pack {
	int32_t since; /* says what was known on this day and on any later one */
	uint32_t zone; /* of the zone whose days these are: zone_mark */
	uint32_t n[N_PACK_SECTIONS]; /* rows */
	size_t n_words, words_len;
	const char *words; /* one after the other, each NUL-terminated, ascending; the first is "" */
	struct { const unsigned char *at, *end; } sections[N_PACK_SECTIONS]; /* off limits */
};
/* False when these are not the bytes of a pack: cut off, changed, of another version. */
bool pack_open(const void *data, size_t len, struct pack *out);
/* A column into out, which has room for all rows of the section, where there are any. False where the bytes make no
 * sense. */
bool pack_column(const struct pack *p, enum pack_section section, int column, int64_t *out) MUST_USE;

/* Writing: cells come row by row, words as texts. */
struct pack_table { int64_t *cells; size_t n, cap; };
struct pack_draft {
	struct arena *arena;
	int32_t since;
	struct pack_table tables[N_PACK_SECTIONS];
	const char **words;      /* by number as cells have it until it is written */
	size_t n_words, cap_words;
	uint32_t *slots; /* off limits */
	size_t n_slots;
};
int64_t *pack_row(struct pack_draft *d, enum pack_section section); /* of zeros */
/* The number of a word; NULL is "". */
int64_t pack_word(struct pack_draft *d, const char *word);
void pack_write(const struct pack_draft *d, uint32_t zone, struct buf *out);

#endif

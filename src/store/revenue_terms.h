/* The terms of one contract as they were known, and the lines of revenue that come of them. */
#ifndef REVENUE_TERMS_H
#define REVENUE_TERMS_H

#include "store/revenue.h"

enum term {
	/* the price: since amount_from_on, where that is known, else since the day on which it was known */
	TERM_AMOUNT, TERM_DISCOUNT, TERM_PERCENT, TERM_DISCOUNT_END, TERM_CURRENCY, N_PRICE_TERMS,
	/* what is paid for: with a price that changed on the same day, else since the day on which it was known */
	TERM_PRODUCT = N_PRICE_TERMS, TERM_PLAN, TERM_KIND, TERM_TRIAL, TERM_CUSTOMER, N_TERMS_IN_TIME,
	/* of the whole contract, as known last */
	TERM_ACCOUNT = N_TERMS_IN_TIME, TERM_START, TERM_END, TERM_NOTICE, TERM_PAID_UNTIL, TERM_INVOLUNTARY, TERM_DELETED,
	/* which become pauses */
	TERM_PAUSED_ON, TERM_RESUMES_ON, TERM_PAUSED,
	TERM_AMOUNT_FROM, N_TERMS
};

#define TERM_NONE INT64_MIN   /* there is no value */
#define PERCENT_SCALE 1000000 /* of TERM_PERCENT */

struct term_change {
	int64_t value;
	int32_t known_on;
};

/* Terms from a day on. */
struct term_span {
	int64_t value[N_TERMS_IN_TIME];
	int32_t from;
};

struct pause {
	int32_t from, to;
};

/* One contract at a time; what it needs room for is kept for the next. */
struct contract {
	int64_t id;
	int32_t account;
	int32_t seen_on;          /* DAY_NONE: it came with the first load */
	bool is_annual;           /* amounts are those of a year, without trials and free plans */
	int64_t now[N_TERMS];     /* of terms that never changed */
	size_t first[N_TERMS], n[N_TERMS]; /* of the others: into changes; the first is what it was when first seen */
	struct term_change *changes; size_t n_changes, room;
	/* worked out */
	int32_t *days; size_t n_days;
	struct term_span *prices, *uses; size_t n_prices, n_uses;
	struct pause *pauses; size_t n_pauses;
	size_t spans_room;
	struct arena *arena;      /* of all that room */
};

/* Each term of changes together, ascending by day. */
void contract_note(struct contract *c, enum term term, int32_t known_on, int64_t value);
/* What is known of a term on a day. */
int64_t contract_on(const struct contract *c, enum term term, int32_t day);

/* Called with each line, ascending by from. */
typedef void contract_line_fn(void *context, const struct revenue_line *line);
/* The lines of what was known on a day; none when it did not exist yet. */
void contract_lines(struct contract *c, int32_t as_of, contract_line_fn *add, void *context);

#endif

/* The rows of an account as they were known on one day: contracts, events, people. See store/facts.h. */
#ifndef STORE_FACT_ROWS_H
#define STORE_FACT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FACTS_DAYS = 448, FACTS_TEXT_DAYS = 90, /* how far back usage and events go; and the texts of events */
	FACT_MARKS = 4, FACT_MARK_DAYS = 91,    /* how often and how far apart revenue is looked back at */
	FACT_SHARE_DAYS = 28                    /* what the whole base used is added up over */
};

/* A set of days by age: bit 0 of word 0 is the as-of day. */
struct fact_days {
	uint64_t words[FACTS_DAYS / 64];
};
/* Ages outside are ignored. */
static inline void fact_days_add(struct fact_days *d, int age)
{
	if (age >= 0 && age < FACTS_DAYS)
		d->words[age / 64] |= UINT64_C(1) << (age % 64);
}
int fact_days_count(const struct fact_days *d, int from_age, int to_age); /* from_age <= age < to_age */
bool fact_days_any(const struct fact_days *d, int from_age, int to_age);  /* whether that is above 0 */
int fact_days_next(const struct fact_days *d, int from_age);             /* the next one from there on; FACTS_DAYS */
int fact_days_before(const struct fact_days *d, int to_age);             /* the oldest one below to_age; -1 */
/* The youngest age, -1 when empty. Inline, as the next ones, for it is asked some hundred times of each account. */
static inline int fact_days_last(const struct fact_days *d)
{
	for (int w = 0; w < FACTS_DAYS / 64; w++)
		if (d->words[w])
			return 64 * w + __builtin_ctzll(d->words[w]);
	return -1;
}
/* The oldest age, -1 when empty. */
static inline int fact_days_first(const struct fact_days *d)
{
	for (int w = FACTS_DAYS / 64 - 1; w >= 0; w--)
		if (d->words[w])
			return 64 * w + 63 - __builtin_clzll(d->words[w]);
	return -1;
}
/* A week of them, by weeks back: a bit a day, the youngest first. */
static inline unsigned fact_days_week(const struct fact_days *d, int week)
{
	int w = 7 * week / 64, at = 7 * week % 64;

	return (unsigned)((d->words[w] >> at | (at > 57 ? d->words[w + 1] << (64 - at) : 0)) & 127);
}

struct fact_subscription {
	const char *product, *plan, *currency;
	int64_t seats, mrr_minor; /* 0 when not known */
	int32_t start_on, end_on, renewal_on, cancel_notice_on;
	bool is_trial, is_active, renews_by_hand; /* by hand: known not to renew by itself */
	bool was_switched_off;                    /* it renewed by itself before */
	int64_t mrr_was_minor[FACT_MARKS];        /* by quarters back, the latest first; 0 where it was not active */
};
/* period_days 0: a level, or what may be used on any one day; else how much may be used within so many days. */
struct fact_limit { const char *metric; int64_t value; int period_days; };
struct fact_opportunity {
	const char *name, *kind, *currency; /* kind: new | renewal | upsell | cross_sell; "" when not known */
	int64_t amount_minor;         /* 0 when not known */
	int32_t created_on, close_on; /* close_on: expected while it is open */
	bool is_closed, is_won;
};
struct fact_ticket {
	const char *priority, *text; /* text: subject and body, "" when older than FACTS_TEXT_DAYS */
	int32_t opened_on, closed_on; /* closed_on: DAY_NONE while open */
	int64_t satisfaction;         /* -1 when not said */
	bool is_escalated;
	const char *subject, *category; /* "" when not known; the subject as the text */
	int32_t replied_on;             /* our first reply; DAY_NONE */
	int n_reopened;
};
struct fact_interaction {
	const char *kind, *direction, *person, *text; int32_t on;
	bool was_put_off; /* a meeting that was cancelled, moved, declined or missed */
};
struct fact_invoice {
	int64_t amount_minor;
	const char *currency;
	int32_t issued_on, due_on, paid_on, failed_on, disputed_on;
};
struct fact_survey { const char *kind, *comment; int64_t score; int32_t on; };
struct fact_notice { const char *kind, *currency, *text; int32_t noticed_on, effective_on; int64_t amount_minor; };
/* A band that a person holds, as of the day; until_on: the first day on which it does not any more. */
struct fact_override { const char *engine, *who, *reason; int band; int32_t made_on, until_on; };
/* Someone at the account: a contact, or who is known from usage or exchanges only. */
struct fact_person {
	const char *key, *name, *role, *team; /* "" when not known */
	bool is_key;
	int32_t left_on;
	struct fact_days used, spoke; /* spoke: exchanges that came from them, and meetings */
};
struct fact_team { const char *name; struct fact_days used; };

/* Reports of usage over the whole base. */
struct fact_reports {
	int32_t last_on;       /* the last day with one, DAY_NONE when never */
	struct fact_days days; /* of late */
	size_t n;              /* members that reported of late */
};

#endif

/* What was said of accounts: scores and their signals per day, findings with their states and events. */
#ifndef STORE_FINDINGS_H
#define STORE_FINDINGS_H

#include <stdbool.h>

#include "common/clock.h"
#include "store/db.h"

struct score_row {
	int64_t account;
	int32_t day;
	double risk, readiness; /* below 0: not enough data to say */
	double confidence;
	int risk_band, readiness_band; /* 0 steady/not_yet 1 watch/emerging 2 at_risk/ready */
	int32_t risk_band_since, readiness_band_since;
	int64_t value_minor;
	const char *currency;   /* NULL: not known */
	const char *config_hash; /* only read */
};

/* The scores of a range of accounts on the last scored day before a day, not older than oldest, by account. */
int scores_before(struct db *db, int64_t from_account, int64_t to_account, int32_t oldest, int32_t before,
                  struct arena *a, const struct score_row **out, size_t *out_n, struct err *err) MUST_USE;
/* The latest score of one account before a day, not older than oldest; NULL when there is none. For an account that
 * scores_before does not have: each day back is a look-up. */
int score_before(struct db *db, int64_t account, int32_t oldest, int32_t before, struct arena *a,
                 const struct score_row **out, struct err *err) MUST_USE;
/* Whether any day from oldest on and before a day has scores. */
int scores_any(struct db *db, int32_t oldest, int32_t before, bool *out, struct err *err) MUST_USE;
/* The latest day that has scores, DAY_NONE when there is none. */
int scores_last_day(struct db *db, int32_t *out, struct err *err) MUST_USE;

enum finding_state {
	FINDING_OPEN,
	FINDING_SNOOZED,
	FINDING_ACKNOWLEDGED,
	FINDING_DISMISSED,
	FINDING_RESOLVED,
	FINDING_LOST
};
const char *finding_state_text(enum finding_state s);

struct finding {
	int64_t id; /* 0: new */
	int64_t account;
	const char *account_name, *account_key; /* only read */
	const char *engine; /* defense | expansion */
	const char *cause;  /* the leading signal */
	const char *first_cause; /* the one that it was opened by; NULL of a new one: the same */
	int32_t cause_since;
	int n_back;         /* how often it came back after it was resolved */
	enum finding_state state;
	int32_t opened_on, updated_on, closed_on, snoozed_until; /* DAY_NONE */
	double score, worst_score, confidence;
	int64_t value_minor, expected_minor; /* at stake; times probability */
	const char *currency;
	int32_t act_by_on;
	const char *play, *summary;
	/* JSON array, heaviest first: texts, and where the text is a signal's own {"text": in English, "signal": its name,
	 * "words": what it is made of, to be said in other languages}, see score/evidence.h and digest/evidence.c. */
	const char *evidence;
	const char *owner_email; /* NULL: nobody */
};

/* Value at stake x probability x urgency: 1 when 90 days or more are left, 2 on the day and after. */
double finding_priority(const struct finding *f, int32_t today);
/* Whether a score (a probability in 100) went up enough to be told (1) or down (-1): its odds doubled or halved. */
int finding_moved(double before, double now);

struct finding_query {
	const char *engine, *owner; /* NULL: all; owner "": nobody's */
	int32_t today;
	bool wants_settled;         /* those snoozed and acknowledged too */
};
/* What is not closed, by priority, ties by account and engine. */
int findings_list(struct db *db, const struct finding_query *q, struct arena *a, struct finding **out, size_t *out_n,
                  struct err *err) MUST_USE;
/* Of a range of accounts: what is not closed, or was dismissed or resolved on or after a day. Ascending by account and
 * id. */
int findings_of_accounts(struct db *db, int64_t from_account, int64_t to_account, int32_t closed_since,
                         struct arena *a, struct finding **out, size_t *out_n, struct err *err) MUST_USE;
/* 1 found, 0 there is no such finding. */
int finding_load(struct db *db, int64_t id, struct arena *a, struct finding *out, struct err *err) MUST_USE;
/* Inserts (id 0, which is then set) or updates. */
int finding_put(struct db *db, struct finding *f, struct err *err) MUST_USE;
/* kind: opened worse better cause_changed (note: the cause before) snoozed acknowledged dismissed resolved lost. */
int finding_event_put(struct db *db, int64_t finding, int32_t day, int64_t at, const char *kind, const char *note,
                      struct err *err) MUST_USE;

#endif

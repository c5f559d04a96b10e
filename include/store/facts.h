/* What was known of accounts on one day, as plain structs for the scorers: facts dated later don't exist here, and a
 * tracked attribute has the value that history says it had. Everything lives in the arena. The rows of an account: see
 * store/fact_rows.h. */
#ifndef STORE_FACTS_H
#define STORE_FACTS_H

#include "common/clock.h"
#include "store/db.h"
#include "store/fact_rows.h"
#include "store/fact_series.h"
#include "store/market.h"

enum fact_kind {
	FACT_USAGE, FACT_PERSON /* usage by person */, FACT_CONTACT, FACT_TICKET, FACT_INTERACTION, FACT_INVOICE,
	FACT_SURVEY, FACT_SUBSCRIPTION, FACT_NOTICE, FACT_OPPORTUNITY, N_FACT_KINDS
};
/* Of a kind over all accounts. */
struct fact_source {
	bool is_known;    /* some account had such a fact by then */
	bool is_stale;    /* each source that gave it is stale; usage: nobody reported any within stale_days */
	int32_t fresh_on; /* DAY_NONE when never */
};

/* How big the counts of a day were over the base: the sum over accounts of the logarithm to base 2 in steps of an
 * eighth, so that each counts the same, and how many accounts that is (of a big base a sample). */
enum { FACTS_SIZE_DAYS = 128, FACTS_SIZE_STEPS = 8 };
struct fact_size { int64_t sum; int32_t n; };

struct fact_metric {
	int32_t id; const char *name; double scale;
	bool is_activity; /* counts as activity (key_metrics) */
	double used; struct fact_size *sizes; /* by the whole base in FACT_SHARE_DAYS; by age, NULL: not known */
};

struct fact_member {
	int64_t id;
	uint32_t segment; /* its place in the base's segments */
	int gone_days; /* since the last activity, where that is FACTS_DAYS and more, twice as many at most; else 0 */
};

/* How fast accounts were lost once a finding was open: a quarter of those that were lost went within so many days. */
struct fact_speed {
	const char *cause; /* NULL: of any cause */
	int n; int32_t days; /* n: that were lost */
};

/* The whole base as of a day: what one account is compared with. Members ascend by id. */
struct fact_base {
	int32_t as_of;
	const struct fact_member *members; /* of a base that was kept (store/base_kept.h): only the one asked for */
	size_t n_members;
	const struct fact_days *active; /* days with activity, by member; NULL: forgotten, usage says it of each account */
	const char *const *segments;    /* the first is "": not known */
	struct fact_reports reports;
	const struct fact_metric *metrics; size_t n_metrics;
	struct fact_source sources[N_FACT_KINDS];
	double loss_rate, growth_rate; /* share of accounts lost or shrunk, grown, a day, where history shows it; or < 0 */
	struct fact_market market;
	const struct fact_speed *speeds; /* any cause first; none where too few were lost */
	size_t n_speeds;
	const int64_t *payers; /* ids of the sources that tell of payments: of others an open invoice says nothing */
	size_t n_payers;
	struct usage_window *window; struct facts_walk *walk; /* off limits: what facts_load read ahead; where active is */
};

/* Whose the account is not, whatever its source says, for findings of an engine; and who has it instead. */
struct fact_not_owner { const char *engine, *owner_email /* "": nobody */, *given_to; /* NULL: nobody */ };

struct fact_account {
	int64_t id;
	const char *key, *name, *domain, *external_id, *segment, *plan, *currency, *csm_email, *am_email;
	int64_t seats, arr_minor; /* 0 when not known */
	int32_t renewal_on, created_on, customer_since_on;
	bool is_customer, was_customer; /* has, had a subscription that is no trial; without any: is_customer or ARR */
	int32_t heard_on; /* when they were last heard of, where that is longer ago than FACTS_DAYS; else DAY_NONE */
	struct fact_days active;
	int gone_days; /* as of the member */
	struct fact_days moved; /* days on which a meeting that lay ahead was moved to a later day */
	const struct fact_series **usage; /* by metric index, NULL when nothing was reported */
	const struct fact_subscription *subscriptions; size_t n_subscriptions;
	const struct fact_limit *limits; size_t n_limits;
	const struct fact_opportunity *opportunities; size_t n_opportunities;
	const struct fact_ticket *tickets; size_t n_tickets;
	const struct fact_interaction *interactions; size_t n_interactions;
	const struct fact_invoice *invoices; size_t n_invoices;
	const struct fact_survey *surveys; size_t n_surveys;
	const struct fact_notice *notices; size_t n_notices;
	const struct fact_person *people; size_t n_people;
	const struct fact_team *teams; size_t n_teams;
	const struct fact_not_owner *not_owners; size_t n_not_owners; /* as they were said one after the other */
	int32_t told_lost_on, told_grown_on; /* an owner said so; 0: nobody did */
	const struct fact_override *overrides; size_t n_overrides;
};

struct fact_patience { const char *source; int64_t stale_after_s; }; /* see source_is_stale of store/pulls.h */
struct fact_query {
	int32_t as_of;
	const struct zone *zone;   /* in which instants become days */
	const struct fact_patience *patience; size_t n_patience;
	int64_t stale_days;        /* for usage, which does not say its source, and sources without patience of their own */
	const char *const *key_metrics; size_t n_key_metrics; /* none: every metric that no limit names, or all */
	bool reads_ahead;          /* facts_load goes through all members in order: usage is read a block at a time, and its
	                              days are there until the next call */
	bool skips_judging;        /* facts_load leaves usage out (days of activity are there), the base what others pay */
};

int facts_base_load(struct db *db, const struct fact_query *q, struct arena *a, struct fact_base *out,
                    struct err *err) MUST_USE;
/* Gives back the room of the days of activity, by far the most of a base. facts_load then must not skip usage. */
void facts_forget_days(struct fact_base *io);
/* Members first .. first + n - 1, into out. */
int facts_load(struct db *db, const struct fact_query *q, const struct fact_base *base, size_t first, size_t n,
               struct arena *a, struct fact_account *out, struct err *err) MUST_USE;
/* The account of the as-of day that a person means by id, source key, external id, domain or name; ERR_INPUT when
 * there is none or more than one. */
int facts_find(struct db *db, int32_t as_of, const char *what, int64_t *out_id, struct err *err) MUST_USE;
/* Its index among the members; ERR_INPUT when it is none. */
int facts_index(const struct fact_base *base, int64_t id, size_t *out_index, struct err *err) MUST_USE;

#endif

/* The rules by which retention is computed, one named switch for each case on which published definitions disagree:
 * the organisation's file chooses, every report prints them with their hash. Source: what ChartMogul, ProfitWell,
 * Stripe, Recurly, Chargify, the GASP standard, PostHog's handbook and 10-K filings say they do. */
#ifndef SCORE_NRR_POLICY_H
#define SCORE_NRR_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/yaml.h"

enum nrr_method { NRR_POINT_TO_POINT, NRR_MOVEMENT_SUM };       /* compare both ends, or add up dated movements */
enum nrr_new_and_gone { NEW_AND_GONE_IGNORED, NEW_AND_GONE_BOTH }; /* in a waterfall of movements */
enum nrr_back_in_cohort { BACK_COUNTED, BACK_STRICT }; /* strict: who left within the window keeps counting 0 */
enum nrr_back_outside { BACK_EXCLUDED, BACK_CREDITED };         /* of accounts that did not pay at the start */
enum nrr_churn_date { CHURN_AT_PERIOD_END, CHURN_AT_BILLING_END, CHURN_AT_NOTICE };
enum nrr_fx { FX_CONSTANT, FX_SPOT, FX_PURCHASE }; /* rates of: the start, each end, each purchase */
enum nrr_discounts { DISCOUNTS_NET, DISCOUNTS_FOREVER_ONLY, DISCOUNTS_GROSS }; /* which are taken off */
enum nrr_credits { CREDITS_EXCLUDED, CREDITS_NEGATIVE };        /* negative lines; an account never falls below 0 */
enum nrr_free_plan { FREE_IS_ACTIVE, FREE_IS_CANCELLED };       /* whether a free account is still a logo */
enum nrr_addon { ADDON_IS_CONTRACTION, ADDON_IS_CHURN };        /* a subscription that ends while others go on */
enum nrr_paused { PAUSED_IS_ZERO, PAUSED_KEEPS };
enum nrr_usage { USAGE_SEPARATE, USAGE_INCLUDED, USAGE_EXCLUDED };
enum nrr_segment { SEGMENT_AT_START, SEGMENT_AT_END };
enum nrr_parents { PARENTS_SEPARATE, PARENTS_ROLLED_UP };

/* Whose book an account is in for a window, by who held it when (score/owner_book). All 0: who held it on the first
 * day answers for it, whatever came later. */
struct nrr_owner_book {
	int64_t assigned_before_end_days; /* who holds it so many days before the window's end; 0: on its first day */
	int64_t min_hold_days;            /* and for at least so many days within the window */
	int64_t drop_grace_days;          /* who gives it away more than so many days into it answers for it; 0: never */
	int64_t unmanaged_grace_days;     /* taken on within it after so many days with nobody: not counted; 0: counted */
};

/* A company that became part of another, by source keys. Both are one at both ends of every window of a report that is
 * made as of that day or later. */
struct nrr_merge { const char *account, *into; int32_t on; };

struct nrr_policy {
	const char *preset; /* "default", ... whose values it began with */
	enum nrr_method method;
	enum nrr_new_and_gone new_and_gone;
	enum nrr_back_in_cohort back_in_cohort;
	enum nrr_back_outside back_outside;
	int64_t back_after_days;  /* a shorter gap is none: revenue is taken as paid on */
	int64_t back_within_days; /* who comes back later is new; 0: comes back whenever */
	enum nrr_churn_date churn_date;
	int64_t past_due_days;    /* unpaid for longer: churn, dated at the due date; -1: never */
	enum nrr_fx fx;
	enum nrr_discounts discounts;
	enum nrr_credits credits;
	enum nrr_free_plan free_plan;
	enum nrr_addon addon;
	enum nrr_paused paused;
	enum nrr_usage usage;
	enum nrr_segment segment;
	enum nrr_parents parents;
	int64_t group_days;       /* movements of one account within so many days are one; 0: those of one day */
	int64_t rate_age_days;    /* a rate of exchange is good for so many days */
	struct nrr_owner_book owner_book;
	struct yaml_array merges; /* struct nrr_merge */
};

extern const struct nrr_policy nrr_default_policy;
/* NULL: no preset of that name. */
const struct nrr_policy *nrr_preset(const char *name);
/* Reads `nrr:` of an organisation's file: its preset first, then every switch that it names. Nothing: the default. */
void nrr_policy_read(struct arena *a, const struct yaml *where, struct nrr_policy *out, struct mistakes *m);
/* One switch and its value after the other, in the order of the file: "method: point_to_point" ...; by index from 0,
 * NULL behind the last. The preset is none of them: what it set is. */
const char *nrr_policy_line(const struct nrr_policy *p, size_t i, struct arena *a);
/* The first twelve digits of the SHA-256 of all lines, each with its line feed: the same policy has the same hash
 * anywhere, written out or by preset. */
const char *nrr_policy_hash(const struct nrr_policy *p, struct arena *a);

#endif

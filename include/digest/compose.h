/* Makes a digest out of an owner's findings: what changed since the last one that was delivered, then what stands, by
 * priority and within the owner's capacity; what was left out is counted. Pure. */
#ifndef DIGEST_COMPOSE_H
#define DIGEST_COMPOSE_H

#include "digest/digest.h"
#include "store/digests.h"
#include "store/overrides.h"
#include "store/precision.h"
#include "store/silences.h"

struct digest_play {
	const char *name, *title, *first_step;
};

/* What of an engine's findings is shown. */
struct digest_choice {
	struct digest_chosen {
		const struct digest_finding *finding;
		enum digest_change change;
	} *items, *news;
	size_t n_items, n_news;
	size_t n_accounts;           /* shown and not */
	size_t n_rest, n_rest_news;
	size_t n_of[DIGEST_CHANGES]; /* by change: shown and not */
	size_t n_due;                /* to be acted on today or before: shown and not */
	size_t n_snoozed, n_acknowledged; /* these are not listed until they are due again */
	int32_t back_on;             /* when the first of the snoozed ones comes back; DAY_NONE */
	struct digest_worth worth, rest_worth, expected; /* each account once; expected: of all, times probability */
};

/* Within the capacity, of defense: what changed by priority, then what stands, the longest first; of what stands the
 * most pressing is taken. Of expansion: one list by expected value. */

void digest_choose(const struct digest_finding *findings, size_t n, const char *engine, size_t capacity, int32_t today,
                   struct arena *a, struct digest_choice *out);

struct digest_person {
	const char *email, *name;
};

struct digest_source {
	const char *name;
	int64_t stale_after_s;
};

/* An account of a portfolio and what is to be said of it. */
struct digest_account {
	const char *name, *key, *owner_email, *currency, *reason; /* owner: "" for nobody; currency: NULL when not known */
	int64_t value_minor; /* a year; 0 when not known */
};

/* How a reader's answers come back; see common/token.h. */
struct digest_answering {
	const char *url, *key; /* url: of the endpoint, without / at its end */
	int64_t expires_at;
};

struct digest_input {
	const struct words *words; /* of the reader's language; NULL: English */
	const char *org, *org_title, *account_url; /* template with {{key}}; NULL: the account's own */
	const char *const *hosts; /* whose links an account may bring: those of the configured sources */
	size_t n_hosts;
	const char *owner_email, *owner_name, *kind;
	size_t capacity;
	int32_t local_on, as_of_on, before_on; /* before: of the last digest that was delivered; DAY_NONE: none */
	int32_t scores_age_days; /* of the latest scores before as_of_on; -1: there are none yet */
	int64_t syncing_since; /* a sync that has not come through; 0: the last one did */
	int64_t synced_at;     /* the last one that did began then; 0: not known */
	const struct zone *zone; /* the owner's; NULL: UTC */
	int64_t made_at;
	const struct digest_finding *findings;
	size_t n_findings;
	const struct digest_play *plays;
	size_t n_plays;
	const struct digest_person *people; /* owners by name */
	size_t n_people;
	const struct digest_missed *missed;
	size_t n_missed;
	const struct silence *silences; /* of those whom a manager sees */
	size_t n_silences;
	const struct digest_source_state *states; /* of the sources in the database */
	size_t n_states;
	const struct digest_source *sources;      /* as configured */
	size_t n_sources;
	const struct digest_answering *answering; /* NULL: items carry no links */
	const struct digest_nrr *nrr;
	const struct digest_account *watermelons, *blind_spots; /* the most valuable first */
	size_t n_watermelons, n_blind_spots;
	const struct precision *precision; /* of past findings, by signal */
	size_t n_precision;
	const struct override_row *overrides; /* that hold, of the accounts and engines that the reader sees */
	size_t n_overrides;
};

void digest_compose(const struct digest_input *in, struct arena *a, struct digest *out);
/* The digest as JSON, as it is kept and as webhooks get it:
 * {"type": "digest.created", "timestamp": .., "data": {..}}. */
char *digest_json(struct arena *a, const struct digest *d);
/* The host of an https URL made of harmless bytes only; NULL for anything else: such a link is not shown. */
const char *digest_url_host(struct arena *a, const char *url);

#endif

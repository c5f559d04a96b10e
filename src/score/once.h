/* What several signals ask of an account's contracts and exchanges, worked out once per account. */
#ifndef ONCE_H
#define ONCE_H

#include "signal.h"

/* Of the active contracts that are no trial. */
struct contracts {
	bool is_read;
	int32_t renewal_on;                    /* see next_renewal */
	int64_t seats;                         /* see active_seats */
	const struct fact_subscription *main; /* the line that costs most; NULL: none costs anything */
	const struct fact_subscription *ending; /* the first under notice, NULL */
	bool is_any, renews_by_hand; /* whether there is any such contract; one that renews by hand */
	/* Where all contracts are in one currency, else NULL: the sums over those that are no trial, whether active or not,
	 * of a month; in which some is worth anything or was; and of a year, of the active ones. */
	const char *currency;
	struct monthly { int64_t now, was[FACT_MARKS]; /* by quarters back */ } monthly;
	bool has_amount;
	int64_t yearly;
};
const struct contracts *contracts_of(const struct context *c);

/* Of its exchanges. Theirs: see is_from_them; ours: what we sent, no meeting. Ages in days. */
struct exchanges {
	bool is_read, has_put_off, has_meetings;
	struct fact_days ours, theirs;
	int first, first_theirs; /* age of the oldest of either, of theirs; -1: none */
	int n_recent;            /* theirs of FADED_RECENT_DAYS */
	int last_before;         /* age of the last of theirs before these; FACTS_DAYS: none */
	double faded;            /* the weights of theirs before these, added up */
	int32_t heard_on, met_on; /* the latest of theirs; meeting of theirs; DAY_NONE */
};
const struct exchanges *exchanges_of(const struct context *c);

#endif

/* While a report of a closed month is made: see nrr_close. */
#ifndef NRR_MAKING_H
#define NRR_MAKING_H

#include "nrr_parts.h"
#include "score/restate.h"

enum { NRR_MAX_TOLD = 500 /* accounts of a report whose reasons are told; of others only how they moved is known */ };

struct nrr_closing {
	const struct session *session;
	struct arena *arena;
	size_t most;                /* contracts at once */
	struct nrr_parts now, then; /* then: the day of the report that is compared with; kept for the next */
	const char *policy, *policy_lines;
	struct nrr_snapshot *kept; size_t n_kept; /* all revisions of the months that are looked at */
	/* of all parts */
	int64_t last_contract;
	size_t n_pieces;
	int32_t first_on;
};

/* One report. */
struct nrr_making {
	struct nrr_closing *closing;
	struct arena *arena;
	struct nrr_span span;
	struct nrr_snapshot report;
	struct nrr_packing accounts;
	const struct nrr_snapshot *before, *today; /* the revision of an earlier day; the one of this very day; or NULL */
	struct nrr_unpacking was; /* the accounts of before, while those of today come */
	struct nrr_snapshot_account next; bool has_next; /* of them */
	struct restate_change *changes; size_t n_changes; /* those that moved most, and some that are not yet sorted out */
	struct nrr_restatement *reasons; size_t n_reasons, room;
	size_t n;                 /* accounts there are */
	bool is_wanted;
};

struct nrr_snapshot_account nrr_account_of(const struct revenue *facts, const struct nrr_contribution *c);
/* What made the report differ from the one before: sets its reasons. */
int nrr_reasons(struct nrr_making *m, struct err *err) MUST_USE;

#endif

/* What score and explain share: one day of an organisation, and the diagnoses of some of its accounts. */
#ifndef DIAGNOSE_H
#define DIAGNOSE_H

#include "cli/cli.h"
#include "score/score.h"

struct diagnosing {
	const struct session *session;
	struct fact_query query;
	struct fact_base base;
	const struct norms *norms;
	const struct judge *judge; /* of this very struct's base: not for a copy of it */
	int32_t scored_on; /* the last day that has scores, DAY_NONE when none has */
	bool has_before;   /* some day before it, not long ago, has scores */
	bool is_sweep; /* all members in order; those that are no customers are not judged */
};

/* Everything lives in a. */
int diagnose_day(const struct session *s, int32_t as_of, struct arena *a, struct diagnosing *out,
                 struct err *err) MUST_USE;
/* Members first .. first + n - 1 of the base into out. */
int diagnose_accounts(const struct diagnosing *d, size_t first, size_t n, struct arena *a, struct diagnosis *out,
                      struct err *err) MUST_USE;

/* "24 accounts are left out: ..." */
const char *left_out_text(struct arena *a, int64_t n, const char *org);

#endif

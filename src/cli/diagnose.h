/* What score and explain share: one day of an organisation, and the diagnoses of some of its accounts. */
#ifndef DIAGNOSE_H
#define DIAGNOSE_H

#include "cli/cli.h"
#include "common/buf.h"
#include "common/parcel.h"
#include "score/score.h"

struct diagnosing {
	const struct session *session;
	struct fact_query query;
	struct fact_base base;
	const struct norms *norms;
	const struct judge *judge; /* of this very struct's base: not for a copy of it */
	int32_t contracts_from; /* the first dated contract, DAY_NONE when there is none: outcomes are known from then on */
	int32_t scored_on; /* the last day that has scores, DAY_NONE when none has */
	bool has_before;   /* some day before it, not long ago, has scores */
	bool is_sweep; /* all members in order; those that are no customers are not judged */
};

/* What is usual here, by what was known on the day: how many are lost or grow, and how fast they are lost. */
struct day_rates {
	const struct fact_speed *speeds;
	size_t n_speeds;
	double loss_rate, growth_rate;
	int32_t contracts_from;
};

/* A day without its base. */
struct diagnosing diagnose_begin(const struct session *s, int32_t as_of, struct arena *a);
int diagnose_scores(const struct session *s, struct diagnosing *io, struct err *err) MUST_USE;
/* Everything lives in a. */
int diagnose_day(const struct session *s, int32_t as_of, struct arena *a, struct diagnosing *out,
                 struct err *err) MUST_USE;
/* The same in pieces, for several processes (store/facts_walk.h): after diagnose_begin, the base is begun and walked
 * over, and the rates are worked out, in any of them; the end is in the first. */
int diagnose_rates(const struct session *s, int32_t as_of, struct arena *a, struct day_rates *out,
                   struct err *err) MUST_USE;
void diagnose_rates_parcel(struct parcel *p, struct day_rates *io);
int diagnose_end(struct diagnosing *io, const struct day_rates *rates, struct arena *a, struct err *err) MUST_USE;
/* Members first .. first + n - 1 of the base, to be diagnosed one after the other. */
struct diagnosed {
	const struct fact_account *facts;
	const struct score_row *rows; /* what they were scored before */
	size_t n_rows, at, i;         /* at: of the rows; i: of the next member */
};
int diagnose_load(const struct diagnosing *d, size_t first, size_t n, struct arena *a, struct diagnosed *out,
                  struct err *err) MUST_USE;
/* The next of them; what is said of it lives in a. */
int diagnose_next(const struct diagnosing *d, struct diagnosed *io, struct arena *a, struct diagnosis *out,
                  struct err *err) MUST_USE;
/* One member. */
int diagnose_account(const struct diagnosing *d, size_t index, struct arena *a, struct diagnosis *out,
                     struct err *err) MUST_USE;

/* The day of one account that a person means by what, without going through all accounts where the base of that day was
 * kept: gives its index for diagnose_account, and a base whose members are not all there. The same is said of it. */
int diagnose_one(const struct session *s, int32_t as_of, const char *what, struct arena *a, struct diagnosing *out,
                 size_t *out_index, struct err *err) MUST_USE;
/* The base of a query that skips judging: by the kept one, or by all accounts. */
int diagnose_seen(struct diagnosing *io, struct arena *a, struct err *err) MUST_USE;
/* What diagnose_one goes by: for base_kept_put, by this maker, within the transaction that scores the day. */
void diagnose_keep(const struct diagnosing *d, struct buf *out);
const char *diagnose_maker(const struct session *s, struct arena *a);

/* "24 accounts are left out: ..." */
const char *left_out_text(struct arena *a, int64_t n, const char *org);

#endif

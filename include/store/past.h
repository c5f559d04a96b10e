/* What was said before: the history of one account's score, moments of other accounts to compare with, and findings of
 * long ago. Only reads; everything lives in the arena. */
#ifndef STORE_PAST_H
#define STORE_PAST_H

#include "common/clock.h"
#include "store/db.h"

struct past_score {
	int32_t day;
	double risk, readiness; /* below 0: not enough data to say */
	int risk_band, readiness_band;
	const char *config_hash;
};
/* An account's scores from a day on and before another, ascending. */
int past_scores(struct db *db, int64_t account, int32_t from, int32_t before, struct arena *a,
                const struct past_score **out, size_t *out_n, struct err *err) MUST_USE;

struct past_signal { const char *name; double strength; };
/* An account on a day on which an engine had something to say of it. */
struct past_moment {
	int64_t account;
	const char *name;
	int32_t day;
	double score;
	const struct past_signal *signals; size_t n_signals; /* those with a strength, by name */
};
struct past_query {
	bool is_expansion;     /* else defense */
	int64_t account;       /* left out */
	int32_t on;            /* the last day that was scored up to this one, at most PAST_REACH_DAYS before it */
	double score;          /* those nearest to it */
	int64_t most;
};
enum { PAST_REACH_DAYS = 30 };
int past_moments(struct db *db, const struct past_query *q, struct arena *a, const struct past_moment **out,
                 size_t *out_n, struct err *err) MUST_USE;

struct past_finding { int64_t account; const char *cause; int32_t opened_on; }; /* cause: what opened it */
/* The defense findings that were opened up to a day, by id. */
int past_findings(struct db *db, int32_t until, struct arena *a, const struct past_finding **out, size_t *out_n,
                  struct err *err) MUST_USE;

#endif

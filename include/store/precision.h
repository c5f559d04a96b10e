/* How often findings were worth telling, by the signal that led them: what people answered and what became of the
 * accounts. As known on a day: nothing that came later counts.
 *
 * A finding is judged by the last answer to it (acknowledged, done, expanded: right; dismissed: wrong, whatever the
 * reason), unless its account was lost or shrank (of expansion: grew) within the horizon after it was opened, which
 * makes it right whatever was answered. What nobody answered and nothing came of is not judged, neither right nor
 * wrong.
 */
#ifndef STORE_PRECISION_H
#define STORE_PRECISION_H

#include <stdbool.h>

#include "common/arena.h"
#include "store/db.h"

enum dismiss_reason {
	DISMISS_FALSE_POSITIVE, /* nothing is wrong there */
	DISMISS_KNOWN,          /* it is so, but was no news */
	DISMISS_SEASONAL,       /* it is like that every year */
	DISMISS_DATA_WRONG,     /* a source says what is not so */
	DISMISS_OTHER,          /* see the note */
	N_DISMISS_REASONS
};
extern const char *const dismiss_reasons[N_DISMISS_REASONS]; /* "false_positive" ... */
bool dismiss_reason_known(const char *code);

enum { PRECISION_ENOUGH = 10 }; /* judged findings below which a share says too little [choice] */

struct precision {
	const char *engine, *cause; /* cause NULL: of several */
	int64_t n_findings, n_open; /* led by it; not closed */
	int64_t n_acted;            /* acknowledged, done or expanded */
	int64_t n_dismissed, n_by_reason[N_DISMISS_REASONS]; /* unknown codes: other */
	int64_t n_resolved;         /* its score left the band by itself */
	int64_t n_came;             /* lost or shrank (grew) within the horizon */
	int64_t n_right, n_judged;
	int32_t since_on;           /* the first one was opened; DAY_NONE */
	double share, low, high;    /* right of judged, with Wilson's interval of 95 %; NAN where none is judged */
	bool has_enough;            /* PRECISION_ENOUGH are judged */
	bool is_poor;               /* has_enough, and surely more often wrong than right: high < 0.5 */
};

struct precision_query {
	int32_t as_of;
	int32_t from;         /* findings opened on that day and after; DAY_NONE: all */
	int64_t horizon_days; /* within which an outcome counts */
};
/* One row for each signal that led a finding, by engine and name. */
int precision_load(struct db *db, const struct precision_query *q, struct arena *a, struct precision **out,
                   size_t *out_n, struct err *err) MUST_USE;
/* All of an engine together. */
struct precision precision_total(const struct precision *all, size_t n, const char *engine);
/* A weight that goes with what was right: weight + logit((right + 2) / (judged + 4)), at least 0, at most the weight. A
 * signal that is right every other time keeps its weight; the shares of few are pulled towards that (Agresti-Coull). */
double precision_weight(const struct precision *p, double weight);
/* Wilson's score interval (1927) of 95 % for right of n; n > 0. */
void wilson_interval(int64_t right, int64_t n, double *out_low, double *out_high);

#endif

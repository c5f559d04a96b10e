/* Forecasts of retention as they were said, so that they can be held against what happened; and what is known of
 * accounts on a day, beside their revenue, that bears on the coming quarters. */
#ifndef STORE_FORECASTS_H
#define STORE_FORECASTS_H

#include <stdbool.h>

#include "common/clock.h"
#include "store/db.h"

enum { FORECAST_MAX_QUARTERS = 4 };
enum forecast_quantile { FORECAST_P10, FORECAST_P50, FORECAST_P90, N_FORECAST_QUANTILES };

/* Of one account. */
struct forecast_hint {
	int64_t account;
	int32_t renewal_on;     /* its own or of its contracts, the next one; else the last one; DAY_NONE: not known */
	int32_t term_months;    /* 1, 3, 12 ...; 0: not known */
	double risk, readiness; /* 0..1, of loss and growth within the horizon of scores; below 0: not known */
};
/* As known on a day, by account. Scores are of the last scored day up to it, at most FORECAST_SCORE_DAYS old. */
enum { FORECAST_SCORE_DAYS = 30 };
int forecast_hints_load(struct db *db, int32_t as_of, struct arena *a, struct forecast_hint **out, size_t *n_out,
                        struct err *err) MUST_USE;

/* What was said on a day of one of the quarters after it. */
struct forecast_said {
	int32_t on, to;     /* the window */
	int32_t quarters;   /* its length: 1 .. FORECAST_MAX_QUARTERS */
	const char *policy_hash, *currency;
	int64_t start_minor;
	int64_t end_minor[N_FORECAST_QUANTILES], kept_minor[N_FORECAST_QUANTILES]; /* see score/forecast.h */
};
/* Adds one, unless that day has one of this length already: what was said stays. Writes: in a transaction of the
 * caller. */
int forecast_put(struct db *db, const struct forecast_said *s, struct err *err) MUST_USE;
int forecast_is_said(struct db *db, int32_t on, bool *out, struct err *err) MUST_USE;
/* All that were said on as_of or before of windows of a length, by day. */
int forecasts_load(struct db *db, int32_t quarters, int32_t as_of, struct arena *a, struct forecast_said **out,
                   size_t *n_out, struct err *err) MUST_USE;

#endif

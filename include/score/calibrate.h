/* Fits how one engine's signals are weighed to an organisation's own history, and says whether that is any better.
 * Pure: dated rows with what became of them in, curves and their measured quality out.
 *
 * Two kinds are tried, the simpler first: the priors with another slope, and curves. A curve is the weight of evidence
 * in monotone bins that a signal has beyond the others, smoothed by pseudo-events that say what the prior says; a
 * logistic without negative weights, pulled to 1, puts the curves together, and a slope fitted to what they said out of
 * sample calibrates them. Rows of one account are not independent, so that every pull is as many times stronger as an
 * account that ended has rows. A fit is judged on later rows of accounts that it was not fitted to only: where it does
 * not clearly beat the priors there, and who knows the rate of losses but no signals, they stay. */
#ifndef SCORE_CALIBRATE_H
#define SCORE_CALIBRATE_H

#include "common/buf.h"
#include "score/fit.h"
#include "score/score.h"

enum {
	CALIBRATE_MIN_EVENTS = 30,   /* rows that an event followed; below, nothing is fitted */
	CALIBRATE_MIN_ACCOUNTS = 10, /* accounts among them */
	CALIBRATE_MAX_PER_FAMILY = 8,
	CALIBRATE_MAX_ROWS = 100000,
};

/* One account on one as-of day. */
struct calibrate_row {
	uint32_t account;  /* 0 .. n_accounts - 1 */
	int32_t day;
	bool is_event;     /* within (day, day + horizon] */
	double base_logit; /* of the usual account that day */
	double logit;      /* what the priors say */
};

/* A signal of the engine, in the order of the values. */
struct calibrate_signal {
	const char *name;
	enum score_family family;
	double low, high, weight, relief; /* the prior, see struct signal_settings */
};

struct calibrate_input {
	const struct calibrate_row *rows;      /* ascending by day */
	const double *values;                  /* n_rows x n_signals, by row; NAN: not known */
	const struct calibrate_signal *signals;
	size_t n_rows, n_signals, n_accounts;
	int64_t horizon_days;
	double family_cap, total_relief;      /* of the priors */
};

struct calibrate_quality { double auc, log_loss, brier, ece; };

struct calibration {
	bool is_fitted;    /* else the priors stay */
	const char *why;   /* either way, a sentence */
	struct curve *curves; /* by signal; n 0: the prior stands */
	double slope, base;   /* curves are multiplied by slope already; base is added to the usual account's logit */
	double family_cap, total_relief;
	int64_t n_rows, n_events, n_accounts, n_lost; /* n_lost: accounts among the events */
	int32_t from, to;  /* as-of days */
	int64_t n_judged, n_judged_events; /* the rows out of sample that the rest is measured on */
	int32_t judged_from;
	struct calibrate_quality before, after;
	struct fit_gain gain; /* in log loss, of the fit over the priors */
};

void calibrate_fit(const struct calibrate_input *in, struct arena *a, struct calibration *out);

/* What was fitted as YAML, for weights/NNNN.yaml: one engine's entry. */
void calibrate_write(const struct calibrate_input *in, const struct calibration *c, enum score_engine engine,
                     struct arena *a, struct buf *out);

#endif

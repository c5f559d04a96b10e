/* How an account's use goes against its own past, week by week; what the signals of usage share. */
#ifndef PACE_H
#define PACE_H

#include "signal.h"

enum { PACE_WEEKS = 8, MAX_FEATURES = 64 };

struct pace {
	bool is_read;
	const double **weekly;     /* by metric: sums of NORM_WEEKS weeks; NULL where nothing was reported */
	int weeks;                 /* of history in whole weeks, 0: none */
	int idle_weeks;            /* whole weeks since the last activity */
	int gone_days; /* days of silence, where it leaves the window too little to know a rhythm by; else 0 */
	/* Week by week, 0 the last one: the square root of what was used (so that one big day doesn't make a baseline)
	 * against its own usual, the mean over the metrics of activity; the last PACE_WEEKS with the season removed. */
	double index[NORM_WEEKS];
	double sums[NORM_WEEKS + 1]; /* of the index of so many of its weeks; for more, of all of them */
	double season[PACE_WEEKS]; /* what was removed: the base's week against its usual, 1 when it was no quieter */
	const char *moved_to;      /* NULL, or the metric that rises while others fall: it has moved, not left */
	struct fact_days days;     /* of activity; of all metrics when it has moved */
	/* Features (metrics of activity) that were in regular use until a month ago; those of them not used since, and
	 * those taken up since. */
	int n_regular, n_dropped, n_taken_up;
	const char *dropped[3];
};

/* The weights of so many weeks of a baseline, added up. */
void pace_weigh(double out[NORM_WEEKS + 1]);
/* Worked out once per account. */
const struct pace *pace_of(const struct context *c);

#endif

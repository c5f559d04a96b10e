/* Past forecasts held against what happened: how often the truth lay within p10..p90 (four times in five, when the
 * spread is honest) and how far off they were (pinball loss: Koenker and Bassett), beside a forecast that only looks at
 * the ratios of the year before. Pure. */
#ifndef SCORE_FORECAST_CHECK_H
#define SCORE_FORECAST_CHECK_H

#include "score/forecast.h"

struct forecast_ratios { double nrr[N_FORECAST_QUANTILES], grr[N_FORECAST_QUANTILES]; };

struct forecast_case {
	int32_t on, to;
	bool was_stored;               /* as it was said; else as it would have been said, from what was known then */
	struct forecast_ratios said;
	double nrr, grr;               /* what happened, as known now */
	bool has_naive;                /* a window of this length was over on that day */
	struct forecast_ratios naive;
};

struct forecast_ratios forecast_ratios_of(const struct forecast_said *said); /* start_minor is above 0 */
/* The quantiles of windows that were over: those without ratios are left out; false when none has any. */
bool forecast_naive(const struct nrr_window *past, size_t n, struct arena *a, struct forecast_ratios *out);

struct forecast_quality {
	size_t n, n_nrr_within, n_grr_within; /* p10 <= truth <= p90 */
	size_t n_naive;                       /* the losses are of cases that have a naive forecast */
	double nrr_loss, grr_loss, naive_nrr_loss, naive_grr_loss;
};
void forecast_judge(const struct forecast_case *cases, size_t n, struct forecast_quality *out);

#endif

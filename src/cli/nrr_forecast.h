/* `retaind nrr --forecast`: where revenue will stand after the coming quarters, and how good that was in the past. */
#ifndef CLI_NRR_FORECAST_H
#define CLI_NRR_FORECAST_H

#include "nrr_report.h"
#include "score/forecast.h"

/* A forecast is of the accounts that pay on its day, each compared with itself at both ends: so much of a policy is set
 * aside, for what happened too. */
struct nrr_policy nrr_forecast_policy(const struct nrr_policy *p);
/* What is said of a book's day; hints are loaded as known on it. */
int nrr_foretell(const struct session *s, const struct book *b, int n_quarters, struct arena *a, struct forecast *out,
                 struct err *err) MUST_USE;
/* The same as it is stored: quarter 1 .. n_quarters. */
struct forecast_said nrr_said(const struct book *b, const struct forecast *f, int quarter, struct arena *a);
/* Stores what is said as of the first of the month that has begun, once: what is said of earlier months later on is no
 * forecast. Nothing where history is too short. */
int nrr_forecast_store(const struct session *s, struct err *err) MUST_USE;

/* Views: --forecast, and --forecast --check. */
int nrr_print_forecast(struct nrr_report *r, struct err *err) MUST_USE;
int nrr_check_forecasts(struct nrr_report *r, int n_quarters, struct err *err) MUST_USE;

#endif

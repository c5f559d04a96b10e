/* Draws what a book of recurring revenue says; see score/picture.h. */
#ifndef CLI_NRR_PICTURES_H
#define CLI_NRR_PICTURES_H

#include "score/cohorts.h"
#include "score/forecast.h"
#include "score/nrr.h"
#include "score/picture.h"

enum { NRR_TREND_POINTS = 37 }; /* three years, both ends */

struct picture_waterfall nrr_waterfall(const struct nrr_window *w, const char *currency, struct arena *a);
/* The windows of as many months as the span has that end with each month up to its end; of three months where fewer
 * than four of those are known.
 * f: goes on with what it says of a window of this length; NULL, or of another day: nothing. */
int nrr_trend(const struct book *b, struct nrr_span span, const struct forecast *f, struct arena *a,
              struct picture_trend *out, struct err *err) MUST_USE;
/* The revenue of today's accounts after each of the coming quarters, of what it is today. */
struct picture_trend nrr_cone(const struct forecast *f, struct arena *a);
/* NRR by month of first revenue after some months; as_of: what is known of it. Returns 1, or 0 and why there is none
 * (out then has a head only): no account is old enough, or a rate of exchange of an account's first day is missing. */
int nrr_heat(const struct book *b, int32_t as_of, struct arena *a, struct picture_heat *out, const char **why_none,
             struct err *err) MUST_USE;

#endif

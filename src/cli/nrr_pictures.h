/* Draws what a book of recurring revenue says; see score/picture.h. */
#ifndef CLI_NRR_PICTURES_H
#define CLI_NRR_PICTURES_H

#include "score/cohorts.h"
#include "score/nrr.h"
#include "score/picture.h"

enum { NRR_TREND_POINTS = 37 }; /* three years, both ends */

struct picture_waterfall nrr_waterfall(const struct nrr_window *w, const char *currency, struct arena *a);
/* The windows of as many months as the span has that end with each month up to its end; of three months where fewer
 * than four of those are known. */
int nrr_trend(const struct book *b, struct nrr_span span, struct arena *a, struct picture_trend *out,
              struct err *err) MUST_USE;
/* NRR by month of first revenue after some months; as_of: what is known of it. 1, or 0: there is no cohort. */
int nrr_heat(const struct book *b, int32_t as_of, struct arena *a, struct picture_heat *out, struct err *err) MUST_USE;

#endif

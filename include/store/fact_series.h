/* What one account used of one metric, by age in days. Weeks and days of use are there at once; the values of single
 * days, which few ask for, are read. */
#ifndef STORE_FACT_SERIES_H
#define STORE_FACT_SERIES_H

#include "common/arena.h"
#include "store/fact_rows.h"

enum { FACTS_WEEKS = FACTS_DAYS / 7 };

struct fact_series {
	double weeks[FACTS_WEEKS]; /* sums, by weeks back */
	struct fact_days active;   /* days above zero */
	const uint16_t *cells;     /* off limits: of each day, step apart */
	size_t step;
	const int64_t *values;     /* off limits: by age, where a cell can't hold them; else NULL */
};

/* From FACTS_DAYS values by age, USAGE_NONE where nothing was reported; they must live as long. */
const struct fact_series *fact_series_make(const int64_t *values, struct arena *a);
/* The values of n days from an age back, USAGE_NONE where nothing was reported. All within FACTS_DAYS. */
void fact_series_read(const struct fact_series *s, int from_age, int n, int64_t *out);

/* The last n days as cells: 0 where nothing was reported, else the value and 1. False where these can't hold them. */
bool fact_series_small(const struct fact_series *s, int n, uint16_t *out);

#endif

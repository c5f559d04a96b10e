/* What is asked of a series of usage again and again: values by age, USAGE_NONE where nothing was reported. Without a
 * branch for each day: which days have a value is chance, and a wrong guess costs more than what is read. */
#ifndef SERIES_H
#define SERIES_H

#include "store/fact_rows.h"

/* Sums of n weeks, by weeks back; at most FACTS_DAYS / 7. */
void series_weeks(const int64_t *series, int n, double *weeks);
/* Adds the days above zero; returns the oldest age of one, -1 when there is none. */
int series_days(const int64_t *series, struct fact_days *days);

#endif

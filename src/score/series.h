/* What is asked of a series of usage again and again: values by age, USAGE_NONE where nothing was reported. Without a
 * branch for each day: which days have a value is chance, and a wrong guess costs more than what is read. */
#ifndef SERIES_H
#define SERIES_H

#include "store/fact_rows.h"

/* Sums by weeks back. */
void series_weeks(const int64_t *series, double weeks[FACTS_DAYS / 7]);
/* Adds the days above zero; returns the oldest age of one, -1 when there is none. */
int series_days(const int64_t *series, struct fact_days *days);

#endif

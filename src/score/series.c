#include "series.h"

/* So that a week's sum can't overflow; no count is that large. */
static const int64_t MOST = INT64_MAX / 8;

void series_weeks(const int64_t *series, int n, double *weeks)
{
	for (int w = 0; w < n; w++) {
		int64_t sum = 0;

		for (int age = 7 * w; age < 7 * w + 7; age++) {
			int64_t value = series[age] > 0 ? series[age] : 0;

			sum += value < MOST ? value : MOST;
		}
		weeks[w] = (double)sum;
	}
}

int series_days(const int64_t *series, struct fact_days *days)
{
	int first = -1;

	for (int w = 0; w < FACTS_DAYS / 64; w++) {
		uint64_t word = 0;

		for (int i = 0; i < 64; i++)
			word |= (uint64_t)(series[64 * w + i] > 0) << i;
		days->words[w] |= word;
		if (word)
			first = 64 * w + 63 - __builtin_clzll(word);
	}
	return first;
}

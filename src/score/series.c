#include "series.h"

/* So that a week's sum can't overflow; no count is that large. */
static const int64_t MOST = INT64_MAX / 8;

static double capped_sum(const int64_t *week)
{
	int64_t sum = 0;

	for (int i = 0; i < 7; i++)
		sum += week[i] < 0 ? 0 : week[i] < MOST ? week[i] : MOST;
	return (double)sum;
}

void series_weeks(const int64_t *series, int n, double *weeks)
{
	for (int w = 0; w < n; w++) {
		uint64_t sum = 0, bits = 0;

		for (int age = 7 * w; age < 7 * w + 7; age++) {
			uint64_t value = (uint64_t)(series[age] & ~(series[age] >> 63)); /* 0 for what is negative or none */

			bits |= value;
			sum += value;
		}
		weeks[w] = bits <= (uint64_t)MOST ? (double)(int64_t)sum : capped_sum(series + 7 * w);
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

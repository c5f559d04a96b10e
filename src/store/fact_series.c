#include "store/fact_series.h"

#include <endian.h>

#include "store/usage.h"

/* So that a week's sum can't overflow; no count is that large. */
static const int64_t MOST = INT64_MAX / 8;

static double sum_of(const int64_t *week)
{
	int64_t sum = 0;

	for (int i = 0; i < 7; i++)
		sum += week[i] < 0 ? 0 : week[i] < MOST ? week[i] : MOST;
	return (double)sum;
}

const struct fact_series *fact_series_make(const int64_t *values, struct arena *a)
{
	struct fact_series *s = arena_alloc(a, sizeof *s);

	s->values = values;
	for (int w = 0; w < FACTS_WEEKS; w++)
		s->weeks[w] = sum_of(values + 7 * w);
	for (int age = 0; age < FACTS_DAYS; age++)
		s->active.words[age / 64] |= (uint64_t)(values[age] > 0) << (age % 64);
	return s;
}

bool fact_series_small(const struct fact_series *s, int n, uint16_t *out)
{
	if (s->values)
		return false;
	for (int i = 0; i < n; i++)
		out[i] = le16toh(s->cells[(size_t)i * s->step]);
	return true;
}

void fact_series_read(const struct fact_series *s, int from_age, int n, int64_t *out)
{
	const uint16_t *cells = s->cells;

	for (int i = 0; i < n && s->values; i++)
		out[i] = s->values[from_age + i];
	for (int i = 0; i < n && !s->values; i++) {
		uint16_t cell = le16toh(cells[(size_t)(from_age + i) * s->step]);

		out[i] = cell ? (int64_t)cell - 1 : USAGE_NONE;
	}
}

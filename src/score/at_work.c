#include <stdlib.h>
#include <string.h>

#include "expansion.h"
#include "store/usage.h"

enum { WINDOW = 28, MIN_LEVEL_DAYS = 5, FEW_VALUES = 64, VERY_FEW_VALUES = 16 };

int metric_index(const struct fact_base *base, const char *name)
{
	for (size_t m = 0; name && m < base->n_metrics; m++) /* most differ in their first character */
		if (*base->metrics[m].name == *name && strcmp(base->metrics[m].name, name) == 0)
			return (int)m;
	return -1;
}

static int by_value(const void *left, const void *right)
{
	const int64_t *l = left, *r = right;

	return *l < *r ? -1 : *l > *r;
}

/* Which of two is more nobody can foresee, so that very few are sorted fastest without a branch. */
static void sort_very_few(int64_t *values, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		int64_t least = values[i];

		for (size_t at = i; at > 0; at--) {
			int64_t other = values[at - 1];

			values[at] = other > least ? other : least;
			least = other > least ? least : other;
		}
		values[0] = least;
	}
}

/* Few are sorted faster by hand than through a function for each pair. */
void values_sort(int64_t *values, size_t n)
{
	if (n > FEW_VALUES) {
		qsort(values, n, sizeof *values, by_value);
		return;
	}
	if (n <= VERY_FEW_VALUES) {
		sort_very_few(values, n);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		int64_t value = values[i];
		size_t at = i;

		for (; at > 0 && values[at - 1] > value; at--)
			values[at] = values[at - 1];
		values[at] = value;
	}
}

/* The middle of what was reported in the last days, so that one day of more or less changes nothing; -1 with too few.
 */
static double middle(const struct fact_series *series, double scale)
{
	int64_t days[WINDOW], values[WINDOW];
	size_t n = 0;

	if (!series)
		return -1;
	fact_series_read(series, 0, WINDOW, days);
	for (int age = 0; age < WINDOW; age++)
		if (days[age] != USAGE_NONE)
			values[n++] = days[age];
	if (n < MIN_LEVEL_DAYS)
		return -1;
	values_sort(values, n);
	return (double)values[n / 2] / (scale > 0 ? scale : 1);
}

static double read_at_work(const struct context *c)
{
	int m = metric_index(c->base, c->settings->users_metric);
	double counted_people = m >= 0 ? middle(c->account->usage[m], c->base->metrics[m].scale) : -1;
	int n = 0;

	if (counted_people >= 0 || !has_named_use(c->account))
		return counted_people;
	for (size_t i = 0; i < c->account->n_people; i++)
		n += fact_days_count(&c->account->people[i].used, 0, WINDOW) >= 2;
	return n;
}

double people_at_work(const struct context *c)
{
	struct levers *l = c->levers;

	if (!l->is_at_work_read)
		l->at_work = read_at_work(c);
	l->is_at_work_read = true;
	return l->at_work;
}

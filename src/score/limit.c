#include <string.h>

#include "evidence.h"
#include "expansion.h"
#include "store/usage.h"

enum {
	LEVEL_DAYS = 14, MANY_VALUES = 5, FEW_VALUES = 2, SPARSE_DAYS = 62, /* how a level is read */
	LONG_PERIOD_DAYS = 91, LANES = 16,
};
static const double MOST_RISE = 1.5; /* a quota's use counts up to so many times the period before: no spike */

/* The k-th of these, from the least: all are compared with each other at once, in vectors. A day without a report, a 0,
 * is the most, as if it was not there. */
static double small_middle(const uint16_t cells[LANES], int k)
{
	LATER_SET int16_t values[LANES];
	int16_t below[LANES] = { 0 }, found = INT16_MIN, most = (int16_t)k;

	for (int i = 0; i < LANES; i++)
		values[i] = (int16_t)((cells[i] - 1) ^ 0x8000);
	for (int i = 0; i < LEVEL_DAYS; i++) {
		int16_t value = values[i];

		for (int lane = 0; lane < LANES; lane++)
			below[lane] = (int16_t)(below[lane] + (value < values[lane]));
	}
	for (int lane = 0; lane < LANES; lane++) {
		int16_t value = below[lane] <= most ? values[lane] : INT16_MIN;

		found = value > found ? value : found;
	}
	return (double)found - INT16_MIN;
}

/* The middle of what was reported in 14 days; where it is reported seldom, of the last values. -1: one value proves
 * nothing. */
static double level_of(const struct fact_series *series)
{
	LATER_SET int64_t days[SPARSE_DAYS], values[LEVEL_DAYS];
	uint16_t cells[LANES] = { 0 };
	size_t n = 0;

	if (fact_series_small(series, LEVEL_DAYS, cells)) {
		for (int age = 0; age < LEVEL_DAYS; age++)
			n += cells[age] != 0;
		if (n >= MANY_VALUES)
			return small_middle(cells, (int)(n - 1) / 2);
		n = 0;
	}
	fact_series_read(series, 0, LEVEL_DAYS, days);
	for (int age = 0; age < LEVEL_DAYS; age++) {
		values[n] = days[age]; /* no branch, as nobody knows which days there are */
		n += days[age] != USAGE_NONE;
	}
	if (n < MANY_VALUES)
		fact_series_read(series, LEVEL_DAYS, SPARSE_DAYS - LEVEL_DAYS, days + LEVEL_DAYS);
	for (int age = LEVEL_DAYS; age < SPARSE_DAYS && n < MANY_VALUES; age++)
		if (days[age] != USAGE_NONE)
			values[n++] = days[age];
	if (n < FEW_VALUES)
		return -1;
	values_sort(values, n);
	return (double)values[(n - 1) / 2];
}

static double sum_of(const int64_t *days, int from_age, int to_age)
{
	double sum = 0;

	for (int age = from_age; age < to_age && age < FACTS_DAYS; age++)
		sum += days[age] == USAGE_NONE ? 0 : (double)days[age];
	return sum;
}

static int first_told(const int64_t *days)
{
	for (int age = FACTS_DAYS - 1; age >= 0; age--)
		if (days[age] != USAGE_NONE)
			return age;
	return -1;
}

/* What was used within a period; -1 with less than two of them behind, unless the period is long enough to bear a spike
 * by itself. */
static double quota_use(const struct fact_series *series, int period)
{
	int64_t days[FACTS_DAYS];
	double now, before;
	int first_age;

	fact_series_read(series, 0, FACTS_DAYS, days);
	first_age = first_told(days);
	now = sum_of(days, 0, period);
	before = sum_of(days, period, 2 * period);
	if (period > LONG_PERIOD_DAYS)
		return first_age >= period - 1 ? now : -1;
	if (first_age < 2 * period - 1)
		return -1;
	return now > MOST_RISE * before ? MOST_RISE * before : now;
}

static double use_of(const struct context *c, const struct fact_limit *limit)
{
	int m = metric_index(c->base, limit->metric);
	const struct fact_series *series = m >= 0 ? c->account->usage[m] : NULL;
	double scale = m >= 0 && c->base->metrics[m].scale > 0 ? c->base->metrics[m].scale : 1, use;

	if (!series)
		return -1;
	use = limit->period_days ? quota_use(series, limit->period_days) : level_of(series);
	return use < 0 ? -1 : use / scale;
}

struct pressure pressure_of(const struct context *c)
{
	const struct fact_account *f = c->account;
	struct pressure most = { .what = NULL };
	double seats = (double)contracts_of(c)->seats, people = seats > 0 ? people_at_work(c) : -1;

	for (size_t i = 0; i < f->n_limits; i++) {
		double limit = (double)f->limits[i].value, use = limit > 0 ? use_of(c, &f->limits[i]) : -1;

		if (use >= 0 && (!most.what || use * most.limit > most.use * limit))
			most = (struct pressure){ f->limits[i].metric, use, limit, limit == seats };
	}
	if (seats > 0 && people >= 0 && (!most.what || people * most.limit > most.use * seats))
		most = (struct pressure){ "seats used", people, seats, true };
	return most;
}

void tell_limit(const struct context *c, const struct pressure *p, struct reading *out)
{
	reading_metric(c, out, "what", p->what);
}

static void tell_rung(const struct context *c, double use, double limit, struct reading *out)
{
	const char *key = use > limit         ? "rung.over" :
	                  use >= limit        ? "rung.at" :
	                  use >= 0.95 * limit ? "rung.urgent" :
	                  use >= 0.8 * limit  ? "rung.near" :
	                                        NULL;

	if (key)
		reading_phrase(c, out, "rung", key);
	else
		reading_word(out, "rung", "");
}

static bool read_near_limit(const struct context *c, struct reading *out)
{
	const struct pressure *p = &levers_of(c)->pressure;

	if (!p->what)
		return reading_unknown(out, "no limit and use of it known");
	reading_value(out, p->use / p->limit, 1);
	if (c->is_brief)
		return true;
	tell_limit(c, p, out);
	reading_number(c, out, "use", p->use, 0);
	reading_number(c, out, "limit", p->limit, 0);
	reading_number(c, out, "percent", 100 * p->use / p->limit, 0);
	tell_rung(c, p->use, p->limit, out);
	if (p->is_seats ? worth_of_seats(c, 1.1 * p->use, &out->stake_minor, &out->stake_how) :
	                  worth_of_next_plan(c, &out->stake_minor, &out->stake_how))
		return true;
	/* A limit of another kind than seats, and no dearer plan known: the next size up, by seats. */
	(void)worth_of_seats(c, 1.1 * (double)contracts_of(c)->seats * p->use / p->limit, &out->stake_minor,
	                     &out->stake_how);
	return true;
}

static const struct signal signals[] = {
	{ "near_limit", ENGINE_EXPANSION, FAMILY_VALUE, read_near_limit, FACT_USAGE, true,
	  PUBLISHED ": 80, 95 and 100 % of the limit, the middle of 14 days", NULL, LOSS_ANY },
};
const struct signal_table limit_signals = { signals, ARRAY_LEN(signals) };

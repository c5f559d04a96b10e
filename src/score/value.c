#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "signal.h"
#include "store/usage.h"

enum { WINDOW = 28, LIMIT_DAYS = 14, MIN_LIMIT_DAYS = 5, METRIC_DAYS = 3 };

int64_t active_seats(const struct fact_account *f)
{
	int64_t seats = 0;

	for (size_t i = 0; i < f->n_subscriptions; i++)
		if (f->subscriptions[i].is_active && !f->subscriptions[i].is_trial)
			seats = added(seats, f->subscriptions[i].seats);
	return seats > 0 ? seats : f->seats;
}

static int metric_index(const struct fact_base *base, const char *name)
{
	for (size_t m = 0; name && m < base->n_metrics; m++)
		if (strcmp(base->metrics[m].name, name) == 0)
			return (int)m;
	return -1;
}

static int by_value(const void *left, const void *right)
{
	const int64_t *l = left, *r = right;

	return *l < *r ? -1 : *l > *r;
}

/* The middle of what was reported in the last days, so that one day of more or less changes nothing; -1 with too few.
 */
static double middle(const int64_t *series, double scale, int days)
{
	int64_t values[FACTS_DAYS];
	size_t n = 0;

	for (int age = 0; age < days && series; age++)
		if (series[age] != USAGE_NONE)
			values[n++] = series[age];
	if (n < MIN_LIMIT_DAYS)
		return -1;
	qsort(values, n, sizeof *values, by_value);
	return (double)values[n / 2] / (scale > 0 ? scale : 1);
}

double people_at_work(const struct context *c)
{
	int m = metric_index(c->base, c->settings->users_metric);
	double counted_people = m >= 0 ? middle(c->account->usage[m], c->base->metrics[m].scale, WINDOW) : -1;
	int n = 0;

	if (counted_people >= 0 || !has_named_use(c->account))
		return counted_people;
	for (size_t i = 0; i < c->account->n_people; i++)
		n += fact_days_count(&c->account->people[i].used, 0, WINDOW) >= 2;
	return n;
}

/* How many of the metrics that the base uses this account uses regularly, and whether it does so as often as ever. */
static bool read_adoption_depth(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	double normal = segment_active_28(c->norms, f->segment);
	int days = fact_days_count(&f->active, 0, WINDOW), wide = 0, of = 0;
	double level, breadth;

	if (fact_days_first(&f->active) < 2 * WINDOW || normal <= 0)
		return reading_unknown(out, "less than 56 days of usage");
	for (size_t m = 0; m < c->base->n_metrics; m++) {
		int used = 0;

		if (!c->base->metrics[m].is_activity)
			continue;
		of++;
		for (int age = 0; age < WINDOW && f->usage[m]; age++)
			used += f->usage[m][age] != USAGE_NONE && f->usage[m][age] > 0;
		wide += used >= METRIC_DAYS;
	}
	level = days / (normal * season_between(c->norms, 0, WINDOW));
	breadth = of ? wide / (double)of : 0;
	reading_value(out, sqrt((level > 1.5 ? 1.5 : level) * breadth), 1);
	reading_number(c, out, "days", days, 0);
	reading_number(c, out, "normal", normal, 0);
	reading_word(out, "features",
	             of > 1 ? arena_printf(c->arena, ", %d of %d features in regular use", wide, of) : "");
	return true;
}

/* What more seats are worth a year: the price of one now times how many are wanted. */
static void stake_seats(const struct context *c, struct reading *out, double wanted)
{
	const char *currency;
	bool is_left_out;
	int64_t seats = active_seats(c->account), revenue = yearly_revenue(c->account, &currency, &is_left_out);
	double more = ceil(wanted - (double)seats);

	if (seats <= 0 || revenue <= 0)
		return;
	if (more < ceil((double)seats / 10))
		more = ceil((double)seats / 10);
	out->stake_minor = llround(more * (double)revenue / (double)seats);
	out->stake_how = arena_printf(c->arena, "%.0f more seats x yearly revenue per seat", more);
}

static const char *rung_of(double use, double limit)
{
	if (use >= limit)
		return use > limit ? ", over the limit" : ", at the limit";
	return use >= 0.95 * limit ? ", urgent" : use >= 0.8 * limit ? ", near the limit" : "";
}

static bool read_near_limit(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	int64_t seats = active_seats(f);
	double people = people_at_work(c), use = -1, limit = 0;
	const char *what = NULL;

	for (size_t i = 0; i < f->n_limits; i++) {
		int m = metric_index(c->base, f->limits[i].metric);
		double value = m >= 0 ? middle(f->usage[m], c->base->metrics[m].scale, LIMIT_DAYS) : -1;

		if (f->limits[i].value > 0 && value >= 0 && (!what || value * limit > use * (double)f->limits[i].value)) {
			what = metric_words(c->arena, f->limits[i].metric);
			use = value;
			limit = (double)f->limits[i].value;
		}
	}
	if (seats > 0 && people >= 0 && (!what || people * limit > use * (double)seats)) {
		what = "seats used";
		use = people;
		limit = (double)seats;
	}
	if (!what)
		return reading_unknown(out, "no limit and use of it known");
	reading_value(out, use / limit, 1);
	reading_word(out, "what", what);
	reading_number(c, out, "use", use, 0);
	reading_number(c, out, "limit", limit, 0);
	reading_number(c, out, "percent", 100 * use / limit, 0);
	reading_word(out, "rung", rung_of(use, limit));
	if (seats > 0)
		stake_seats(c, out, 1.1 * (double)seats * use / limit);
	return true;
}

static const struct signal signals[] = {
	{ "near_limit", ENGINE_EXPANSION, FAMILY_VALUE, read_near_limit, FACT_USAGE, true,
	  "{{use}} of {{limit}} {{what}} ({{percent}} %){{rung}}",
	  PUBLISHED ": 80, 95 and 100 % of the limit, the middle of 14 days", NULL, LOSS_ANY },
	{ "adoption_depth", ENGINE_EXPANSION, FAMILY_USAGE, read_adoption_depth, FACT_USAGE, true,
	  "active on {{days}} of the last 28 days ({{normal}} usual in its segment){{features}}",
	  PUBLISHED ": adoption of what they have comes before more", NULL, LOSS_ANY },
};
const struct signal_table value_signals = { signals, ARRAY_LEN(signals) };

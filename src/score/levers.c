#include <math.h>

#include "expansion.h"
#include "pace.h"
#include "store/usage.h"

enum {
	NOW_WEEKS = 4, BEFORE_WEEKS = 12, HALF = TREND_WEEKS / 2, DENSE_WEEKS = 10, MIN_ABOVE = 3,
	YOUNG_DAYS = 112,                   /* before that nothing is known of growth */
	RENEWAL_FAR = 180, RENEWAL_NEAR = 30,
};
static const double FULL_FROM = 0.4, FULL_AT = 1, GROWING_AT = 0.5, WORTH_FROM = 0.7, WORTH_AT = 2;

static double line(double value, double low, double high)
{
	double strength = (value - low) / (high - low);

	return strength < 0 ? 0 : strength > 1 ? 1 : strength;
}

/* Adds one to each week with a day of it. */
static void add_weeks(const struct fact_days *d, double weeks[TREND_WEEKS])
{
	int first = fact_days_first(d);

	for (int w = 0; w < TREND_WEEKS && 7 * w <= first; w++)
		weeks[w] += fact_days_week(d, w) != 0;
}

/* Of a week; 0 where nothing was reported. */
static int64_t most_of(const int64_t days[7])
{
	int64_t most = 0;

	_Static_assert(USAGE_NONE < 0, "no report is less than any");
	for (int i = 0; i < 7; i++)
		most = days[i] > most ? days[i] : most;
	return most;
}

static bool read_people(const struct context *c, double weeks[TREND_WEEKS])
{
	const struct fact_account *f = c->account;
	int m = metric_index(c->base, c->settings->users_metric);
	const struct fact_series *series = m >= 0 ? f->usage[m] : NULL;
	int64_t days[7 * TREND_WEEKS];
	double scale = m >= 0 && c->base->metrics[m].scale > 0 ? c->base->metrics[m].scale : 1;

	if (!series && !has_named_use(f))
		return false;
	if (series)
		fact_series_read(series, 0, 7 * TREND_WEEKS, days);
	for (size_t i = 0; i < f->n_people && !series; i++)
		add_weeks(&f->people[i].used, weeks);
	for (int w = 0; w < TREND_WEEKS && series; w++)
		weeks[w] = (double)most_of(days + 7 * w) / scale;
	return true;
}

const double *weekly_people(const struct context *c)
{
	struct levers *l = c->levers;

	if (!l->is_people_read)
		l->has_people = read_people(c, l->people);
	l->is_people_read = true;
	return l->has_people ? l->people : NULL;
}

static void add_use(const double *restrict sums, double scale, double all, double *restrict weeks)
{
	for (int w = 0; w < TREND_WEEKS; w++)
		weeks[w] += sums[w] / scale / all;
}

static bool read_use(const struct context *c, double weeks[TREND_WEEKS])
{
	const struct pace *pace = pace_of(c);
	int n = 0;

	for (size_t m = 0; m < c->base->n_metrics; m++) {
		const struct fact_metric *metric = &c->base->metrics[m];

		if (!metric->is_activity || metric->used <= 0)
			continue;
		n++;
		if (pace->weekly[m])
			add_use(pace->weekly[m], metric->scale > 0 ? metric->scale : 1, metric->used, weeks);
	}
	for (int w = 0; w < TREND_WEEKS && n; w++)
		weeks[w] /= n * c->norms->season[w];
	return n > 0;
}

const double *weekly_use(const struct context *c)
{
	struct levers *l = c->levers;

	if (!l->is_use_read)
		l->has_use = read_use(c, l->use);
	l->is_use_read = true;
	return l->has_use ? l->use : NULL;
}

/* The lower middle of some weeks: one week of more is not growth. At most BEFORE_WEEKS. */
static double lower_middle(const double *weeks, int n)
{
	double sorted[BEFORE_WEEKS];
	int filled = 0;

	for (int i = 0; i < n; i++) {
		int at = filled++;

		for (; at > 0 && sorted[at - 1] > weeks[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = weeks[i];
	}
	return sorted[(n - 1) / 2];
}

double month_growth(const double weeks[TREND_WEEKS], double *out_now, double *out_before)
{
	int above = 0;

	*out_now = lower_middle(weeks, NOW_WEEKS);
	*out_before = lower_middle(weeks + NOW_WEEKS, BEFORE_WEEKS);
	for (int w = 0; w < NOW_WEEKS; w++)
		above += weeks[w] > *out_before;
	return above >= MIN_ABOVE && *out_before > 0 && *out_now > *out_before ? *out_now / *out_before - 1 : 0;
}

double quarter_growth(const double weeks[TREND_WEEKS])
{
	double now = 0, before = 0, best = 0, second = 0;
	int filled[2] = { 0, 0 };
	bool is_dense;

	for (int w = 0; w < TREND_WEEKS; w++) {
		filled[w / HALF] += weeks[w] > 0;
		if (w < HALF) {
			now += weeks[w];
			second = weeks[w] > best ? best : weeks[w] > second ? weeks[w] : second;
			best = weeks[w] > best ? weeks[w] : best;
		} else {
			before += weeks[w];
		}
	}
	/* Where most weeks have something, the best two are left out, as a busy week may lie across two; what is reported
	 * by the month has no best week. */
	is_dense = filled[0] >= DENSE_WEEKS && filled[1] >= DENSE_WEEKS;
	if (!is_dense && (filled[0] < 3 || filled[1] < 3))
		return 0;
	if (is_dense)
		now = (now - best - second) * HALF / (HALF - 2);
	return before > 0 && now > before ? now / before - 1 : 0;
}

double use_growth(const struct context *c)
{
	struct levers *l = c->levers;
	const double *weeks;

	if (!l->is_use_grown_read && (weeks = weekly_use(c)))
		l->use_grown = quarter_growth(weeks);
	l->is_use_grown_read = true;
	return l->use_grown;
}

const struct people_growth *people_growth(const struct context *c, const double weeks[TREND_WEEKS])
{
	struct people_growth *g = &c->levers->people_grown;

	if (!g->is_read) {
		g->growth = month_growth(weeks, &g->now, &g->before);
		g->growth = g->now - g->before >= 2 ? g->growth : 0; /* one person more is no growth */
		g->is_read = true;
	}
	return g;
}

static void read_growth(const struct context *c, struct levers *l)
{
	const double *weeks = weekly_people(c);
	double growth;
	int first = fact_days_first(&c->account->active);

	if (first < YOUNG_DAYS)
		return;
	if (weeks) {
		l->growth = people_growth(c, weeks)->growth;
		l->has_growth = true;
	}
	if (first >= 7 * TREND_WEEKS && weekly_use(c)) {
		growth = use_growth(c);
		l->growth = growth > l->growth ? growth : l->growth;
		l->has_growth = true;
	}
}

/* How much of the base's use is this account's, against how much of the base's revenue: by people at work and the usual
 * price of a seat where both are known, else by the use of all metrics. */
static void read_worth(const struct context *c, struct levers *l)
{
	const struct fact_market *market = &c->base->market;
	double revenue = (double)yearly_revenue(c)->minor / 12, people = people_at_work(c);
	double use = 0, usual;
	const double *weeks;

	if (!market_currency(c) || revenue <= 0 || market->mrr_mean_minor <= 0)
		return;
	if (people >= 0 && market->seat_minor > 0) {
		l->worth = people * (double)market->seat_minor / revenue;
		l->has_worth = true;
		return;
	}
	weeks = weekly_use(c);
	if (!weeks || market->n_sampled <= 0)
		return;
	for (int w = 0; w < FACT_SHARE_DAYS / 7; w++)
		use += weeks[w];
	usual = (double)c->base->n_members * market->n_accounts / market->n_sampled; /* paying accounts */
	l->worth = use * usual * market->mrr_mean_minor / revenue;
	l->has_worth = true;
}

const struct levers *levers_of(const struct context *c)
{
	struct levers *l = c->levers;

	if (l->is_read)
		return l;
	l->is_read = true;
	l->pressure = pressure_of(c);
	l->renewal_on = contracts_of(c)->renewal_on;
	read_growth(c, l);
	read_worth(c, l);
	if (l->pressure.what)
		l->full = line(l->pressure.use / l->pressure.limit, FULL_FROM, FULL_AT);
	l->growing = line(l->growth, 0, GROWING_AT);
	l->worthwhile = l->worth > 0 ? line(log(l->worth), log(WORTH_FROM), log(WORTH_AT)) : 0;
	l->renewing = l->renewal_on != DAY_NONE ? line(l->renewal_on - c->as_of, RENEWAL_FAR, RENEWAL_NEAR) : 0;
	return l;
}

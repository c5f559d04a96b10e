#include <math.h>

#include "signal.h"
#include "store/usage.h"

enum {
	WINDOW = 28,
	N_WEEKS = FACTS_DAYS / 7,
	BASELINE_SKIPS_WEEKS = 4, /* the recent past must not be its own yardstick */
	COMPARED_WEEKS = 8,
	MIN_HISTORY_WEEKS = 12,
	SHRINK_DAYS = 7,          /* how many days of the segment's normal a month of one's own is mixed with */
};

/* The account's best four weeks, but for the last four. */
static int peak_days(const struct fact_days *active)
{
	int first = fact_days_first(active), peak = 0;

	for (int age = WINDOW; age + WINDOW <= FACTS_DAYS && age <= first; age += 7) {
		int n = fact_days_count(active, age, age + WINDOW);

		peak = n > peak ? n : peak;
	}
	return peak;
}

static bool read_active_level(const struct context *c, struct reading *out)
{
	const struct fact_days *active = &c->account->active;
	double normal = segment_active_28(c->norms, c->account->segment);
	double season = season_between(c->norms, 0, WINDOW);
	int days = fact_days_count(active, 0, WINDOW), first = fact_days_first(active), peak = peak_days(active);
	double own, level, reference;

	if (first < WINDOW)
		return reading_unknown(out, "less than 28 days of usage");
	own = peak * season;
	level = (days * (double)WINDOW + normal * SHRINK_DAYS) / (WINDOW + SHRINK_DAYS);
	reference = first >= 2 * WINDOW && own > 0 && normal > 0 ? sqrt(own * normal) : own > 0 ? own : normal;
	if (reference <= 0)
		return reading_unknown(out, "no usage to compare with");
	reading_value(out, level / reference, 1);
	reading_number(c, out, "days", days, 0);
	reading_number(c, out, "own", own, 0);
	reading_number(c, out, "segment", normal, 0);
	reading_word(out, "season", season < 0.9 ? arena_printf(c->arena, " (base-wide quiet weeks allowed for)") : "");
	return true;
}

/* Weekly sums over the metrics of activity, each relative to its own baseline so that none outweighs the others by its
 * unit. The baseline: a mean that halves every 90 days, from four weeks ago back. Returns the weeks of history. */
static int weekly_index(const struct context *c, double index[COMPARED_WEEKS])
{
	int longest = 0, n = 0;

	for (int w = 0; w < COMPARED_WEEKS; w++)
		index[w] = 0;
	for (size_t m = 0; m < c->base->n_metrics; m++) {
		const int64_t *series = c->account->usage[m];
		double sums[N_WEEKS] = { 0 }, weight = 0, baseline = 0;
		int first = -1;

		if (!c->base->metrics[m].is_activity || !series)
			continue;
		for (int age = 0; age < FACTS_DAYS; age++)
			if (series[age] != USAGE_NONE && series[age] > 0) {
				sums[age / 7] += (double)series[age];
				first = age / 7;
			}
		for (int w = BASELINE_SKIPS_WEEKS; w <= first; w++) {
			double part = exp2(-7.0 * w / 90);

			baseline += part * sums[w];
			weight += part;
		}
		if (baseline <= 0)
			continue;
		for (int w = 0; w < COMPARED_WEEKS; w++)
			index[w] += sums[w] * weight / baseline;
		longest = first > longest ? first : longest;
		n++;
	}
	for (int w = 0; w < COMPARED_WEEKS && n; w++)
		index[w] /= n;
	return n ? longest + 1 : 0;
}

static bool read_below_own_baseline(const struct context *c, struct reading *out)
{
	double index[COMPARED_WEEKS], recent = 0;
	int weeks = weekly_index(c, index), below = 0;

	if (weeks < MIN_HISTORY_WEEKS)
		return reading_unknown(out, "less than 12 weeks of usage");
	for (int w = 0; w < COMPARED_WEEKS; w++) {
		below += index[w] < 0.5 * c->norms->season[w];
		recent += w < 4 ? index[w] / 4 : 0;
	}
	reading_value(out, below, 0);
	reading_word(out, "weeks", below == COMPARED_WEEKS ? "all" : arena_printf(c->arena, "%d", below));
	reading_number(c, out, "percent", 100 * recent, 0);
	out->why = arena_printf(c->arena, "use holds its usual level; the last month at %.0f %% of it", 100 * recent);
	return true;
}

static bool read_silence(const struct context *c, struct reading *out)
{
	const struct fact_days *active = &c->account->active;
	int last = fact_days_last(active), first = fact_days_first(active);
	int lag = c->as_of - c->base->sources[FACT_USAGE].fresh_on, from, n;
	double rate, missed = 0;

	if (first < WINDOW || last < 0)
		return reading_unknown(out, last < 0 ? "no usage seen" : "less than 28 days of usage");
	from = last > WINDOW ? last : WINDOW;
	n = fact_days_count(active, from, first + 1);
	if (n < 3)
		return reading_unknown(out, "too little usage to know its rhythm");
	rate = n / (double)(first + 1 - from);
	lag = lag > 0 ? lag : 0;
	for (int age = lag; age < last; age++)
		missed += rate * season_between(c->norms, age, age + 1);
	reading_value(out, missed, 0);
	reading_word(out, "days", counted(c->arena, last > lag ? last - lag : 0, "day", "days"));
	reading_number(c, out, "per_week", 7 * rate, 1);
	reading_number(c, out, "missed", missed, 1);
	out->why = arena_printf(c->arena, "last active on %s, which is nothing unusual",
	                        day_text(c->arena, c->as_of - last));
	return true;
}

static const struct signal signals[] = {
	{ "active_level", ENGINE_DEFENSE, FAMILY_USAGE, read_active_level, FACT_USAGE, true,
	  "active on {{days}} of the last 28 days; {{own}} in its best month, {{segment}} usual in its segment{{season}}",
	  MEASURED ": active-day rate, shrunk to the segment, against own peak and segment", NULL, LOSS_ANY },
	{ "below_own_baseline", ENGINE_DEFENSE, FAMILY_USAGE, read_below_own_baseline, FACT_USAGE, true,
	  "use below half of its usual in {{weeks}} of the last 8 weeks; the last month at {{percent}} % of it",
	  MEASURED ": weeks below half of a baseline that halves every 90 days and leaves out the last 28", NULL,
	  LOSS_ANY },
	{ "silence", ENGINE_DEFENSE, FAMILY_USAGE, read_silence, FACT_USAGE, true,
	  "no activity for {{days}}; usually active on {{per_week}} days a week",
	  MEASURED ": silence against its own rhythm", NULL, LOSS_ANY },
};
const struct signal_table usage_signals = { signals, ARRAY_LEN(signals) };

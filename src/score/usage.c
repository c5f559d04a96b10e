#include <math.h>
#include <string.h>

#include "evidence.h"
#include "pace.h"

enum {
	WINDOW = 28,
	MIN_HISTORY_WEEKS = 12,
	MIN_ACTIVE_DAYS = 3,  /* fewer have no rhythm */
	WEEKDAY_PRIOR = 8,    /* weeks' worth of the base's week that an account's own weekdays are mixed with */
	SPREAD_WEEKS = 26,    /* what an account's own ups and downs are read from */
	LONGEST_STRETCH = 4,
	MIN_SPREAD = 8,
	COMPARED_FROM = 4, COMPARED_TO = 12, /* weeks back from which a drop is looked for */
	QUARTER_WEEKS = 13,
};

static const double EVEN_SPREAD = 0.05; /* the least spread that anybody is held to */
static const double HOLIDAY_SPREAD = 0.5; /* more of it when the base pauses: some stay away for all of a holiday */
static const double DROP_FROM = 0.25, DROP_ALL = 0.45; /* a fall by less is nobody's alarm, whatever the spread */
static const double SURELY_STEADY = 0.867; /* of the index: its square is more than 1 - DROP_FROM, rounding and all */
static const double SURELY_LESS = 1e-9;    /* how far sums are apart whatever the order they are added up in */

static bool read_active_level(const struct context *c, struct reading *out)
{
	const struct pace *p = pace_of(c);
	const struct norms *n = c->norms;
	int first = fact_days_first(&p->days);
	double usual = norm_usual(n, c->account->segment, first);

	if (first < WINDOW)
		return reading_unknown(out, "less than 28 days of usage");
	if (usual <= 0)
		return reading_unknown(out, "no usage to compare with");
	reading_value(out, log2(usual / norm_level(n, &p->days)), 0);
	if (out->is_brief)
		return true;
	reading_number(c, out, "days", fact_days_count(&p->days, 0, WINDOW), 0);
	reading_number(c, out, "segment", WINDOW * usual, 1);
	if (season_between(n, 0, WINDOW) < 0.9)
		reading_phrase(c, out, "season", "season");
	else
		reading_word(out, "season", "");
	if (p->moved_to)
		READING_SAY(c, out, "moved", "moved", W_TEXT("what", p->moved_to));
	else
		reading_word(out, "moved", "");
	return true;
}

static bool read_below_own_baseline(const struct context *c, struct reading *out)
{
	const struct pace *p = pace_of(c);
	double short_of = 0, recent = 0;
	int below = 0;

	if (p->weeks < MIN_HISTORY_WEEKS && !p->gone_days)
		return reading_unknown(out, "less than 12 weeks of usage");
	for (int w = 0; w < PACE_WEEKS; w++) {
		below += p->index[w] * p->index[w] < 0.5;
		short_of += p->index[w] < 1 ? (1 - p->index[w]) / PACE_WEEKS : 0;
		recent += w < 4 ? p->index[w] * p->index[w] / 4 : 0;
	}
	reading_value(out, p->gone_days ? 1 : short_of, 0);
	if (out->is_brief)
		return true;
	READING_SAY(c, out, "weeks", below == PACE_WEEKS ? "all" : "n", W_INT("n", below));
	reading_number(c, out, "percent", 100 * recent, 0);
	out->why = p->moved_to ? arena_printf(c->arena, "use has moved to %s and holds its usual level", p->moved_to)
	                       : arena_printf(c->arena, "use holds its usual level; the last month at %.0f %% of it",
	                                      100 * recent);
	return true;
}

/* One added so many times, rounded as often: below a power of two nothing is rounded, so steps go up to the next. */
static double plus_ones(double sum, int n)
{
	for (int end = 1; n > 0; end *= 2) {
		int step = end - (int)sum < n ? end - (int)sum : n;

		if (step <= 0)
			continue;
		sum += step;
		n -= step;
	}
	return sum;
}

/* The days of the week on which it works, from its own past and the base's: what each is to its mean day. */
static void own_weekdays(const struct context *c, const struct fact_days *active, int from, int to, double out[7])
{
	double each = fact_days_count(active, from, to) / (double)(to - from), all = 0;
	uint64_t counts = 0; /* a byte for each day of the week */

	for (int w = from / 7; 7 * w < to; w++) {
		uint64_t days = fact_days_week(active, w);

		if (7 * w < from)
			days = days >> (from - 7 * w) << (from - 7 * w);
		counts += days * UINT64_C(0x0002040810204081) & UINT64_C(0x0101010101010101); /* a bit a byte */
	}
	for (int d = 0; d < 7; d++)
		out[d] = plus_ones(WEEKDAY_PRIOR * each * c->norms->weekday[d], (int)(counts >> 8 * d & 255));
	for (int d = 0; d < 7; d++)
		all += out[d];
	for (int d = 0; d < 7; d++)
		out[d] *= 7 / all;
}

/* How many days of work it missed since the last one, by the rhythm of those from an age back to the first. */
static double missed_days(const struct context *c, const struct fact_days *active, int from, int lag)
{
	const struct norms *n = c->norms;
	int last = fact_days_last(active), to = fact_days_first(active) + 1;
	double weekdays[7], rate, missed = 0;

	if (lag >= last)
		return 0;
	rate = (fact_days_count(active, from, to) + n->mean_rate * n->prior_days) / (to - from + n->prior_days);
	own_weekdays(c, active, from, to, weekdays);
	for (int age = lag; age < last; age++)
		missed += rate * weekdays[age % 7] * (age < SEASON_DAYS ? n->season[age] : 1);
	return missed;
}

static bool read_silence(const struct context *c, struct reading *out)
{
	const struct pace *p = pace_of(c);
	const struct fact_days *active = &p->days;
	int last = fact_days_last(active), first = fact_days_first(active);
	int lag = c->as_of - c->base->sources[FACT_USAGE].fresh_on, from, days;
	double missed;

	if (first < WINDOW || last < 0)
		return reading_unknown(out, last < 0 ? "no usage seen" : "less than 28 days of usage");
	from = last > WINDOW ? last : WINDOW;
	days = fact_days_count(active, from, first + 1);
	if (days < MIN_ACTIVE_DAYS && !p->gone_days)
		return reading_unknown(out, "too little usage to know its rhythm");
	lag = lag > 0 ? lag : 0;
	missed = missed_days(c, active, from, lag);
	reading_value(out, missed, 0);
	if (out->is_brief)
		return true;
	last = p->gone_days ? p->gone_days : last;
	READING_SAY(c, out, "days", "days", W_INT("n", last > lag ? last - lag : 0));
	if (days < MIN_ACTIVE_DAYS)
		reading_phrase(c, out, "per_week", "some");
	else
		reading_number(c, out, "per_week", 7.0 * days / (first + 1 - from), 1);
	reading_number(c, out, "missed", missed, 1);
	READING_WHY(c, out, "last active on %s, which is nothing unusual",
	            day_text(c->arena, c->as_of - last));
	return true;
}

/* The means of so many weeks in a row, from each week back, as running sums of them and of their squares. */
struct stretches {
	double sums[NORM_WEEKS + 1], squares[NORM_WEEKS + 1];
	double now, quiet; /* of the last one; how much quieter the base was in it, 0..1 */
	int n;
};

/* Added up as far back as is asked for. */
static void set_stretches(const struct pace *p, int length, struct stretches *out)
{
	int until = p->idle_weeks + COMPARED_TO + SPREAD_WEEKS;
	LATER_SET double parts[NORM_WEEKS];

	out->now = out->quiet = 0;
	for (int w = 0; w < p->weeks && w < until + length; w++)
		parts[w] = p->index[w] / length;
	for (int w = 0; w < length; w++)
		out->quiet += (1 - p->season[w]) / length;
	out->n = p->weeks - length + 1;
	out->sums[0] = out->squares[0] = 0;
	for (int at = 0; at < out->n && at < until; at++) {
		double mean = 0;

		for (int w = at; w < at + length; w++)
			mean += parts[w];
		out->now = at ? out->now : mean;
		out->sums[at + 1] = out->sums[at] + mean;
		out->squares[at + 1] = out->squares[at] + mean * mean;
	}
}

/* How far the last stretch lies below those from a week back, in spreads of theirs. The spread is the account's own: a
 * steady one that falls stands out, a restless one does not. */
static double spreads_below(const struct stretches *s, int from, double *out_share)
{
	int to = from + SPREAD_WEEKS < s->n ? from + SPREAD_WEEKS : s->n, n = to - from;
	double mean, variance, share;

	if (n < MIN_SPREAD || s->sums[to] - s->sums[from] <= 0)
		return 0;
	mean = (s->sums[to] - s->sums[from]) / n;
	variance = (s->squares[to] - s->squares[from]) / n - mean * mean;
	share = 1 - s->now * s->now / (mean * mean);
	if (s->now >= mean || share <= DROP_FROM)
		return 0;
	*out_share = share;
	return (mean - s->now) / (sqrt(variance > 0 ? variance : 0) + (EVEN_SPREAD + HOLIDAY_SPREAD * s->quiet) * mean) *
	       (share < DROP_ALL ? (share - DROP_FROM) / (DROP_ALL - DROP_FROM) : 1);
}

/* The most that the index adds up to over SPREAD_WEEKS in a row, of all that a stretch may be compared with; where some
 * of these lie before the first, there is no telling. */
static double most_before(const struct pace *p)
{
	int to = p->idle_weeks + COMPARED_TO + LONGEST_STRETCH;
	double most = 0;

	if (to + SPREAD_WEEKS > p->weeks)
		return HUGE_VAL;
	for (int from = COMPARED_FROM; from < to; from++) {
		double sum = p->sums[from + SPREAD_WEEKS] - p->sums[from];

		most = sum > most ? sum : most;
	}
	return most;
}

static bool read_sudden_drop(const struct context *c, struct reading *out)
{
	static const int lengths[] = { 1, 2, LONGEST_STRETCH };
	const struct pace *p = pace_of(c);
	double most = 0, fall = 0, before;
	LATER_SET struct stretches stretches;
	int over = 1;

	if (p->weeks < MIN_HISTORY_WEEKS && !p->gone_days)
		return reading_unknown(out, "less than 12 weeks of usage");
	before = most_before(p);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		if (p->sums[lengths[i]] * SPREAD_WEEKS >= SURELY_STEADY * before * lengths[i])
			continue;
		set_stretches(p, lengths[i], &stretches);
		/* Back to what came before the silence, or a long one would be its own yardstick; and what fewer weeks of it
		 * told stays told. */
		for (int from = COMPARED_FROM; from <= p->idle_weeks + COMPARED_TO; from++) {
			double share = 0, spreads = spreads_below(&stretches, from, &share);

			if (spreads > most) {
				most = spreads;
				fall = share;
				over = lengths[i];
			}
		}
	}
	reading_value(out, p->gone_days ? 1 / EVEN_SPREAD : most, 0); /* all the way down, and no ups for a year */
	if (out->is_brief)
		return true;
	reading_number(c, out, "percent", p->gone_days ? 100 : 100 * fall, 0);
	READING_SAY(c, out, "span", p->gone_days ? "year" : over == 1 ? "week" : "weeks", W_INT("n", over));
	out->why = p->moved_to ? arena_printf(c->arena, "use has moved to %s: no drop", p->moved_to)
	                       : "no drop beyond its usual ups and downs";
	return true;
}

static double mean_of_quarter(const double *index)
{
	double sum = 0;

	for (int w = 0; w < QUARTER_WEEKS; w++)
		sum += index[w] / QUARTER_WEEKS;
	return sum;
}

/* How far the last quarter lies below its best one before. Which that is, running sums tell. */
static double decline_of(const struct pace *p)
{
	const double *sums = p->sums;
	double now = mean_of_quarter(p->index), best = 0, most = 0;

	for (int w = QUARTER_WEEKS; w + QUARTER_WEEKS <= p->weeks; w++)
		most = sums[w + QUARTER_WEEKS] - sums[w] > most ? sums[w + QUARTER_WEEKS] - sums[w] : most;
	for (int w = QUARTER_WEEKS; w + QUARTER_WEEKS <= p->weeks; w++)
		if (sums[w + QUARTER_WEEKS] - sums[w] >= most - SURELY_LESS) {
			double before = mean_of_quarter(p->index + w);

			best = before > best ? before : best;
		}
	return best > now ? 1 - now * now / (best * best) : 0;
}

static bool read_long_decline(const struct context *c, struct reading *out)
{
	const struct pace *p = pace_of(c);
	double fall;

	if (p->weeks < 2 * QUARTER_WEEKS && !p->gone_days)
		return reading_unknown(out, "less than half a year of usage");
	fall = p->gone_days ? 1 : decline_of(p);
	reading_value(out, fall, 0);
	if (out->is_brief)
		return true;
	reading_number(c, out, "percent", 100 * fall, 0);
	out->why = "the last quarter is about as busy as its best";
	return true;
}

static bool read_features_dropped(const struct context *c, struct reading *out)
{
	const struct pace *p = pace_of(c);
	int net = p->n_dropped - p->n_taken_up;

	if (p->n_regular < 2)
		return reading_unknown(out, "fewer than two features in regular use");
	reading_value(out, net > 0 ? net / (double)p->n_regular : 0, 0);
	if (out->is_brief)
		return true;
	for (int i = 0; i < p->n_dropped && i < (int)ARRAY_LEN(p->dropped); i++)
		reading_metric(c, out, "names", p->dropped[i]);
	reading_number(c, out, "dropped", p->n_dropped, 0);
	reading_number(c, out, "of", p->n_regular, 0);
	out->why = p->n_dropped ? "features given up for others" : "no feature given up";
	return true;
}

static const struct signal signals[] = {
	{ "active_level", ENGINE_DEFENSE, FAMILY_USAGE, read_active_level, FACT_USAGE, true,
	  MEASURED ": active-day rate shrunk to the base, in halvings below what is usual in its segment and tenure", NULL,
	  LOSS_ANY },
	{ "below_own_baseline", ENGINE_DEFENSE, FAMILY_USAGE, read_below_own_baseline, FACT_USAGE, true,
	  MEASURED ": how far 8 weeks fall short of a baseline that halves every 90 days and leaves out the last 28", NULL,
	  LOSS_ANY },
	{ "silence", ENGINE_DEFENSE, FAMILY_USAGE, read_silence, FACT_USAGE, true,
	  MEASURED ": silence against its own rhythm and days of the week", NULL, LOSS_ANY },
	{ "sudden_drop", ENGINE_DEFENSE, FAMILY_USAGE, read_sudden_drop, FACT_USAGE, true,
	  PUBLISHED ": 30 to 40 % below the own baseline for one to two weeks, beyond its own spread", NULL, LOSS_ANY },
	{ "long_decline", ENGINE_DEFENSE, FAMILY_USAGE, read_long_decline, FACT_USAGE, true,
	  MEASURED ": 90 days against its own best 90 days", NULL, LOSS_ANY },
	{ "features_dropped", ENGINE_DEFENSE, FAMILY_USAGE, read_features_dropped, FACT_USAGE, true,
	  "regular use that ends, less what was taken up instead; " PUBLISHED, NULL, LOSS_CONTRACTION },
};
const struct signal_table usage_signals = { signals, ARRAY_LEN(signals) };

#include "norms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	COMPARED_WEEKS = 8,                      /* what a day is compared with: the same weekday of so many weeks before */
	SETTLED_DAYS = SEASON_DAYS + 7 * COMPARED_WEEKS, /* there for all of it */
	ENOUGH_ACCOUNTS = 20,                    /* fewer can't speak for the base */
	WEEKDAY_DAYS = 182,
	ALIVE_DAYS = 90,
	RECENT_DAYS = 28,
	LEAN_ACCOUNTS = 10,                      /* a small segment leans on so many accounts' worth of the base */
	LEAN_TENURE = 20,
};

/* The level looks back over about six active days of a usual account, three weeks at least and a season at most. */
static const double LEVEL_ACTIVE_DAYS = 6, MIN_HALF_LIFE = 21, MAX_HALF_LIFE = 112;
static const double MIN_PRIOR = 3, MAX_PRIOR = 14; /* days; more would hide that somebody is silent */
static const double MIN_SEASON = 0.1;
/* Below this a day is quieter than chance alone would make it: two standard deviations of a count. */
static const double SURELY = 2;

#define FOUR(n) n, n + 1, n + 1, n + 2
#define SIXTEEN(n) FOUR(n), FOUR(n + 1), FOUR(n + 1), FOUR(n + 2)
/* How many of seven bits are set. */
const uint8_t norm_days_of_week[128] = { SIXTEEN(0), SIXTEEN(1), SIXTEEN(1), SIXTEEN(2),
	                                     SIXTEEN(1), SIXTEEN(2), SIXTEEN(2), SIXTEEN(3) };

/* How quiet it was against the usual, when that is no chance; 1 otherwise. That others are busy is nobody's fault. */
static double quietness(double now, double usual)
{
	if (usual <= 0 || now >= usual - SURELY * sqrt(usual))
		return 1;
	return now / usual > MIN_SEASON ? now / usual : MIN_SEASON;
}

enum { TALLY_WORDS = 3, PLANES = 8, FULL = (1 << PLANES) - 1 };
_Static_assert(SETTLED_DAYS <= 64 * TALLY_WORDS && WEEKDAY_DAYS <= 64 * TALLY_WORDS, "the days that are counted");

/* On each of the last days, how many accounts were active: counts of 64 days side by side, a plane a binary digit. */
struct tally {
	uint64_t planes[TALLY_WORDS][PLANES];
	int n; /* accounts in the planes */
	double counts[64 * TALLY_WORDS];
};

static void tally_settle(struct tally *t)
{
	for (int age = 0; age < 64 * TALLY_WORDS; age++)
		for (int p = 0; p < PLANES; p++)
			t->counts[age] += (double)((t->planes[age / 64][p] >> age % 64 & 1) << p);
	memset(t->planes, 0, sizeof t->planes);
	t->n = 0;
}

static void tally_add(struct tally *t, const struct fact_days *active)
{
	if (t->n == FULL)
		tally_settle(t);
	for (int w = 0; w < TALLY_WORDS; w++) {
		uint64_t carry = active->words[w];

		for (int p = 0; carry; p++) {
			uint64_t both = t->planes[w][p] & carry;

			t->planes[w][p] ^= carry;
			carry = both;
		}
	}
	t->n++;
}

/* By day where a day alone is enough to tell, else by the week around it. */
static void set_season(const struct fact_base *base, struct norms *norms)
{
	double usual[SEASON_DAYS] = { 0 };
	struct tally t = { .n = 0 };
	const double *counts = t.counts;
	int n = 0;

	for (size_t i = 0; i < base->n_members; i++) {
		const struct fact_days *active = &base->active[i];

		if (fact_days_first(active) < SETTLED_DAYS)
			continue;
		n++;
		tally_add(&t, active);
	}
	tally_settle(&t);
	for (int age = 0; age < SEASON_DAYS; age++)
		for (int w = 1; w <= COMPARED_WEEKS; w++)
			usual[age] += counts[age + 7 * w] / COMPARED_WEEKS;
	for (int age = 0; age < SEASON_DAYS; age++) {
		double now_7 = 0, usual_7 = 0;

		for (int near = age > 3 ? age - 3 : 0; near <= age + 3 && near < SEASON_DAYS; near++) {
			now_7 += counts[near];
			usual_7 += usual[near];
		}
		norms->season[age] = n < ENOUGH_ACCOUNTS ? 1 : quietness(counts[age], usual[age]);
		if (n >= ENOUGH_ACCOUNTS && norms->season[age] >= 1)
			norms->season[age] = quietness(now_7, usual_7);
	}
}

static void set_weekdays(const struct fact_base *base, struct norms *norms)
{
	double counts[7] = { 0 }, all = 0;
	struct tally t = { .n = 0 };

	for (size_t i = 0; i < base->n_members; i++)
		tally_add(&t, &base->active[i]);
	tally_settle(&t);
	for (int age = 0; age < WEEKDAY_DAYS; age++)
		counts[age % 7] += t.counts[age];
	for (int d = 0; d < 7; d++)
		all += counts[d];
	/* A few weeks' worth of an even week, so that a base of three accounts has no empty weekday. */
	for (int d = 0; d < 7; d++)
		norms->weekday[d] = 7 * (counts[d] + 5) / (all + 35);
}

/* How big the active days of a week were against the eight weeks before, in doublings: the mean over accounts of the
 * logarithm, so that no account outweighs the others. */
static double size_of_week(const struct fact_metric *m, int week)
{
	double now = 0, usual = 0, n_now = 0, n_usual = 0;

	for (int age = 7 * week; age < 7 * (week + 1 + COMPARED_WEEKS); age++) {
		bool is_now = age < 7 * (week + 1);

		*(is_now ? &now : &usual) += (double)m->sizes[age].sum / FACTS_SIZE_STEPS;
		*(is_now ? &n_now : &n_usual) += m->sizes[age].n;
	}
	if (n_now < ENOUGH_ACCOUNTS || n_usual < ENOUGH_ACCOUNTS)
		return 1;
	return exp2(now / n_now - usual / n_usual);
}

static void set_volume(const struct fact_base *base, struct arena *a, struct norms *norms)
{
	double(*volume)[SEASON_WEEKS] = arena_array(a, base->n_metrics + 1, sizeof *volume);

	for (size_t m = 0; m < base->n_metrics; m++)
		for (int w = 0; w < SEASON_WEEKS; w++) {
			double days = season_between(norms, 7 * w, 7 * w + 7);
			double size = base->metrics[m].sizes ? size_of_week(&base->metrics[m], w) : 1;
			double both = days * (size < 0.9 ? size : 1);

			volume[m][w] = both > MIN_SEASON ? both : MIN_SEASON;
		}
	norms->volume = (const double(*)[SEASON_WEEKS])volume;
}

/* A member as far as the level needs it: there are as many as accounts. */
struct alive {
	uint32_t member;
	int first;
	double level; /* until the base's mean is known, how often it was active lately */
};

static int weeks_since(int first)
{
	return (first + 1) / 7 > 0 ? (first + 1) / 7 : 1;
}

/* What recent_rate makes of weeks, added up once for every number of them. */
struct weights {
	double products[NORM_WEEKS][8]; /* weight of the week times days */
	double sum[NORM_WEEKS + 1], squares[NORM_WEEKS + 1]; /* of so many weeks */
};

static void set_weights(const struct norms *n, struct weights *out)
{
	out->sum[0] = out->squares[0] = 0;
	for (int w = 0; w < NORM_WEEKS; w++) {
		out->sum[w + 1] = out->sum[w] + n->weights[w];
		out->squares[w + 1] = out->squares[w] + n->weights[w] * n->weights[w];
		for (int days = 0; days < 8; days++)
			out->products[w][days] = n->weights[w] * days;
	}
}

static void add_up_season(struct norms *n)
{
	for (int age = 0; age < SEASON_DAYS; age++)
		n->seasons[age + 1] = n->seasons[age] + n->season[age];
}

void norms_add_up(struct norms *n, size_t n_metrics, struct arena *a)
{
	double(*roots)[SEASON_WEEKS] = arena_array(a, n_metrics + 1, sizeof *roots);

	for (size_t m = 0; m < n_metrics; m++)
		for (int w = 0; w < SEASON_WEEKS; w++)
			roots[m][w] = sqrt(n->volume[m][w]);
	n->roots = (const double(*)[SEASON_WEEKS])roots;
	for (int w = 0; w < NORM_WEEKS; w++) {
		n->weighed[w + 1].sum = n->weighed[w].sum + n->weights[w];
		n->weighed[w + 1].squares = n->weighed[w].squares + n->weights[w] * n->weights[w];
	}
	add_up_season(n);
}

/* Weighted active days per day over the whole weeks since the first activity. */
static double recent_rate(const struct weights *weights, const struct fact_days *active, int first)
{
	int weeks = weeks_since(first);
	double sum = 0;

	for (int w = 0; w < weeks; w++)
		sum += weights->products[w][days_in_week(active, w)];
	return sum / (7 * weights->sum[weeks]);
}

/* How many days that stands for. */
static double recent_days(const struct weights *weights, int first)
{
	int weeks = weeks_since(first);
	double weight = weights->sum[weeks];

	return 7 * weight * weight / weights->squares[weeks];
}

static void set_half_life(const struct fact_base *base, struct norms *norms)
{
	double days = 0, span = 0, half_life;

	for (size_t i = 0; i < base->n_members; i++) {
		const struct fact_days *active = &base->active[i];
		int first = fact_days_first(active);

		if (first < RECENT_DAYS)
			continue;
		days += fact_days_count(active, RECENT_DAYS, first + 1);
		span += first + 1 - RECENT_DAYS;
	}
	half_life = days > 0 ? LEVEL_ACTIVE_DAYS * span / days : MIN_HALF_LIFE;
	half_life = half_life < MIN_HALF_LIFE ? MIN_HALF_LIFE : half_life > MAX_HALF_LIFE ? MAX_HALF_LIFE : half_life;
	norms->half_life = half_life;
	for (int w = 0; w < NORM_WEEKS; w++)
		norms->weights[w] = exp2(-7 * w / half_life);
}

/* Those that were active lately, and by how often, the half-life of the level. */
static size_t find_alive(const struct fact_base *base, struct alive *alive, struct norms *norms,
                         struct weights *out_weights)
{
	size_t n = 0;

	set_half_life(base, norms);
	set_weights(norms, out_weights);
	for (size_t i = 0; i < base->n_members; i++) {
		const struct fact_days *active = &base->active[i];
		int last = fact_days_last(active), first = fact_days_first(active);

		if (last < 0 || last >= (4 * norms->half_life > ALIVE_DAYS ? 4 * norms->half_life : ALIVE_DAYS))
			continue;
		alive[n++] = (struct alive){ (uint32_t)i, first, recent_rate(out_weights, active, first) };
	}
	return n;
}

/* Empirical Bayes by moments: how many days of the base's mean an account's own rate is mixed with. The more accounts
 * differ beyond what chance makes of the few days seen, the less. */
static void set_prior(const struct alive *alive, size_t n, const struct weights *weights, struct norms *norms)
{
	double sum = 0, squares = 0, chance = 0, mean, between;

	norms->prior_days = 7;
	if (!n)
		return;
	for (size_t i = 0; i < n; i++) {
		double rate = alive[i].level;

		sum += rate;
		squares += rate * rate;
		chance += rate * (1 - rate) / recent_days(weights, alive[i].first);
	}
	mean = norms->mean_rate = sum / (double)n;
	between = (squares - sum * mean - chance) / (double)n;
	norms->prior_days = between > 0 ? mean * (1 - mean) / between - 1 : MAX_PRIOR;
	norms->prior_days = norms->prior_days < MIN_PRIOR   ? MIN_PRIOR
	                    : norms->prior_days > MAX_PRIOR ? MAX_PRIOR
	                                                    : norms->prior_days;
}

static int tenure_of(int first)
{
	return first < 90 ? 0 : first < 180 ? 1 : 2;
}

static double mixed(const struct norms *n, double rate, double days)
{
	return (rate * days + n->mean_rate * n->prior_days) / (days + n->prior_days);
}

static void set_tenures(const struct alive *alive, const uint32_t *order, size_t n, double all, struct norms *norms)
{
	double sums[N_TENURES] = { 0 }, counts[N_TENURES] = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct alive *x = &alive[order[i]];

		sums[tenure_of(x->first)] += x->level - all;
		counts[tenure_of(x->first)]++;
	}
	for (int t = 0; t < N_TENURES; t++)
		norms->tenures[t] = exp(sums[t] / (counts[t] + LEAN_TENURE));
}

/* A segment, and how many of it are alive. */
struct named { const char *name; uint32_t segment, n; };

static int by_name(const void *left, const void *right)
{
	const struct named *l = left, *r = right;

	return strcmp(l->name, r->name);
}

/* The places of alive by the names of segments, and by id, as they come. */
static uint32_t *sorted(const struct fact_base *base, const struct alive *alive, size_t n, struct arena *a)
{
	uint32_t *out = arena_array(a, n + 1, sizeof *out), n_segments = 1, at = 0, *starts;
	struct named *names;

	for (size_t i = 0; i < n; i++)
		if (base->members[alive[i].member].segment >= n_segments)
			n_segments = base->members[alive[i].member].segment + 1;
	names = arena_array(a, n_segments, sizeof *names);
	for (uint32_t s = 0; s < n_segments; s++)
		names[s] = (struct named){ base->segments[s], s, 0 };
	for (size_t i = 0; i < n; i++)
		names[base->members[alive[i].member].segment].n++;
	qsort(names, n_segments, sizeof *names, by_name);
	starts = arena_array(a, n_segments, sizeof *starts);
	for (uint32_t s = 0; s < n_segments; at += names[s++].n)
		starts[names[s].segment] = at;
	for (uint32_t i = 0; i < n; i++)
		out[starts[base->members[alive[i].member].segment]++] = i;
	return out;
}

static void set_segments(const struct fact_base *base, const struct alive *alive, const uint32_t *order, size_t n,
                         struct arena *a, struct norms *norms)
{
	struct segment_norm *segments = NULL, *last = NULL;
	double all = 0, days_28 = 0;
	size_t n_segments = 0, cap = 0;

	for (size_t i = 0; i < n; i++) {
		const struct alive *x = &alive[order[i]];
		const char *name = base->segments[base->members[x->member].segment];
		int days = fact_days_count(&base->active[x->member], 0, RECENT_DAYS);

		if (!last || last->name != name) {
			if (n_segments == cap) {
				cap = cap ? 2 * cap : 16;
				segments = arena_grow(a, segments, n_segments, cap, sizeof *segments);
			}
			last = &segments[n_segments++];
			*last = (struct segment_norm){ .name = name };
		}
		last->usual += x->level;
		last->active_28 += days;
		last->n++;
		all += x->level;
		days_28 += days;
	}
	all = n ? all / (double)n : 0;
	norms->usual = n ? exp(all) : 0;
	norms->active_28 = n ? days_28 / (double)n : 0;
	for (size_t i = 0; i < n_segments; i++) {
		segments[i].usual = exp((segments[i].usual + LEAN_ACCOUNTS * all) / (segments[i].n + LEAN_ACCOUNTS));
		segments[i].active_28 =
			(segments[i].active_28 + LEAN_ACCOUNTS * norms->active_28) / (segments[i].n + LEAN_ACCOUNTS);
	}
	norms->segments = segments;
	norms->n_segments = n_segments;
	set_tenures(alive, order, n, all, norms);
}

const struct norms *norms_of(const struct fact_base *base, struct arena *a)
{
	CLEANUP(arena_freep) struct arena *own = arena_new(0);
	struct norms *norms = arena_alloc(a, sizeof *norms);
	struct alive *alive = arena_array(own, base->n_members + 1, sizeof *alive);
	struct weights weights;
	size_t n;

	set_season(base, norms);
	add_up_season(norms);
	set_weekdays(base, norms);
	set_volume(base, a, norms);
	n = find_alive(base, alive, norms, &weights);
	set_prior(alive, n, &weights, norms);
	for (size_t i = 0; i < n; i++)
		alive[i].level = log(mixed(norms, alive[i].level, recent_days(&weights, alive[i].first)));
	set_segments(base, alive, sorted(base, alive, n, own), n, a, norms);
	norms_add_up(norms, base->n_metrics, a);
	return norms;
}

static const struct segment_norm *segment_of(const struct norms *n, const char *segment)
{
	for (size_t i = 0; i < n->n_segments; i++)
		if (*n->segments[i].name == *segment && strcmp(n->segments[i].name, segment) == 0)
			return &n->segments[i];
	return NULL;
}

double norm_level(const struct norms *n, const struct fact_days *active)
{
	int first = fact_days_first(active), weeks = weeks_since(first);
	double sum = 0, weight = n->weighed[weeks].sum;

	if (first < 0)
		return 0;
	for (int w = 0; w < weeks; w += 4) { /* in the order of weeks */
		unsigned month = days_of_month(active, w / 4);

		for (int i = w; i < w + 4 && i < weeks; i++, month >>= 7)
			sum += n->weights[i] * norm_days_of_week[month & 127];
	}
	return mixed(n, sum / (7 * weight), 7 * weight * weight / n->weighed[weeks].squares);
}

double norm_usual(const struct norms *n, const char *segment, int first_age)
{
	const struct segment_norm *s = segment_of(n, segment);

	return (s ? s->usual : n->usual) * n->tenures[tenure_of(first_age)];
}

double segment_active_28(const struct norms *n, const char *segment)
{
	const struct segment_norm *s = segment_of(n, segment);

	return s ? s->active_28 : n->active_28;
}

double season_between(const struct norms *n, int from_age, int to_age)
{
	double sum = 0;

	if (from_age == 0 && to_age > 0 && to_age <= SEASON_DAYS)
		return n->seasons[to_age] / to_age;
	for (int age = from_age; age < to_age; age++)
		sum += age < SEASON_DAYS ? n->season[age] : 1;
	return to_age > from_age ? sum / (to_age - from_age) : 1;
}

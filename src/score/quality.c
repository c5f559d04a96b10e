#include "score/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

/* Rows with what they are sorted by. */
struct keyed {
	double key;
	uint64_t tie;
	size_t queue, row;
};

static int compare_keyed(const void *left, const void *right)
{
	const struct keyed *a = left, *b = right;

	if (a->queue != b->queue)
		return a->queue < b->queue ? -1 : 1;
	if (a->key < b->key || a->key > b->key)
		return a->key < b->key ? -1 : 1;
	if (a->tie != b->tie)
		return a->tie < b->tie ? -1 : 1;
	return (a->row > b->row) - (a->row < b->row);
}

/* splitmix64: Steele, Lea, Flood (2014). */
static uint64_t mixed(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static size_t *sorted_rows(const double *keys, size_t n, struct arena *a)
{
	struct keyed *all = arena_array(a, n + 1, sizeof *all);
	size_t *order = arena_array(a, n + 1, sizeof *order);

	for (size_t i = 0; i < n; i++)
		all[i] = (struct keyed){ .key = keys[i], .row = i };
	if (n)
		qsort(all, n, sizeof *all, compare_keyed);
	for (size_t i = 0; i < n; i++)
		order[i] = all[i].row;
	return order;
}

static const bool *top_of_queues(const struct quality_set *set, const double *scores, double share,
                                 const size_t *places, struct arena *a)
{
	struct keyed *all = arena_array(a, set->n + 1, sizeof *all);
	bool *top = arena_array(a, set->n + 1, sizeof *top);

	for (size_t i = 0; i < set->n; i++) {
		const struct quality_row *r = &set->rows[i];

		all[i] = (struct keyed){ .key = -scores[i], .tie = mixed(mixed(r->queue) ^ r->account), .queue = r->queue,
			                     .row = i };
	}
	if (set->n)
		qsort(all, set->n, sizeof *all, compare_keyed);
	for (size_t at = 0, end; at < set->n; at = end) {
		size_t n_top;

		for (end = at + 1; end < set->n && all[end].queue == all[at].queue; end++)
			;
		n_top = places ? places[all[at].queue] : (size_t)llround(share * (double)(end - at));
		if (!places && n_top < 1)
			n_top = 1;
		for (size_t i = at; i < end && i - at < n_top; i++)
			top[all[i].row] = true;
	}
	return top;
}

void quality_rank(const struct quality_set *set, const double *scores, double share, const size_t *places,
                  struct arena *a, struct quality_ranking *out)
{
	*out = (struct quality_ranking){ .scores = scores, .order = sorted_rows(scores, set->n, a),
		.top = top_of_queues(set, scores, share, places, a) };
}

static double weight_of(const struct quality_row *r, const double *weights)
{
	return weights ? weights[r->account] : 1;
}

/* The row behind the last one with the same score as order[at]. */
static size_t end_of_ties(const struct quality_set *set, const struct quality_ranking *r, size_t at)
{
	double score = r->scores[r->order[at]];

	while (at < set->n && r->scores[r->order[at]] <= score)
		at++;
	return at;
}

double quality_auc(const struct quality_set *set, const struct quality_ranking *r, const double *weights)
{
	double below = 0, events = 0, area = 0; /* below: weight of non-events with a lower score */

	for (size_t at = 0, end; at < set->n; at = end) {
		double tied_events = 0, tied_others = 0;

		end = end_of_ties(set, r, at);
		for (size_t i = at; i < end; i++) {
			const struct quality_row *row = &set->rows[r->order[i]];

			*(row->is_event ? &tied_events : &tied_others) += weight_of(row, weights);
		}
		area += tied_events * (below + tied_others / 2);
		below += tied_others;
		events += tied_events;
	}
	return events > 0 && below > 0 ? area / (events * below) : (double)NAN;
}

double quality_average_precision(const struct quality_set *set, const struct quality_ranking *r)
{
	size_t n_events = 0, n_before = 0, n_found = 0, n_listed = 0;
	double sum = 0;

	for (size_t i = 0; i < set->n; i++)
		n_events += set->rows[i].is_event;
	for (size_t end = set->n; end > 0; n_before = n_found) {
		double score = r->scores[r->order[end - 1]];

		for (; end > 0 && r->scores[r->order[end - 1]] >= score; end--, n_listed++)
			n_found += set->rows[r->order[end - 1]].is_event;
		sum += (double)(n_found - n_before) * (double)n_found / (double)n_listed;
	}
	return n_events ? sum / (double)n_events : (double)NAN;
}

struct quality_list quality_listed(const struct quality_set *set, const struct quality_ranking *r,
                                   const double *weights)
{
	double all = 0, events = 0, listed = 0, hits = 0;
	struct quality_list out;

	for (size_t i = 0; i < set->n; i++) {
		double weight = weight_of(&set->rows[i], weights);

		all += weight;
		events += set->rows[i].is_event ? weight : 0;
		listed += r->top[i] ? weight : 0;
		hits += r->top[i] && set->rows[i].is_event ? weight : 0;
	}
	out.n_listed = listed;
	out.precision = listed > 0 ? hits / listed : (double)NAN;
	out.recall = events > 0 ? hits / events : (double)NAN;
	out.lift = events > 0 ? out.precision / (events / all) : (double)NAN;
	return out;
}

double quality_base_rate(const struct quality_set *set, const double *weights)
{
	double all = 0, events = 0;

	for (size_t i = 0; i < set->n; i++) {
		all += weight_of(&set->rows[i], weights);
		events += set->rows[i].is_event ? weight_of(&set->rows[i], weights) : 0;
	}
	return all > 0 ? events / all : (double)NAN;
}

double quality_brier(const struct quality_set *set, const double *probs, const double *weights)
{
	double all = 0, sum = 0;

	for (size_t i = 0; i < set->n; i++) {
		double miss = probs[i] - (set->rows[i].is_event ? 1 : 0);

		all += weight_of(&set->rows[i], weights);
		sum += weight_of(&set->rows[i], weights) * miss * miss;
	}
	return all > 0 ? sum / all : (double)NAN;
}

size_t quality_bins(const struct quality_set *set, const double *probs, struct arena *a,
                    struct quality_bin out[QUALITY_BINS])
{
	const size_t *order = sorted_rows(probs, set->n, a);
	size_t n_bins = 0;

	for (size_t b = 0, at = 0; b < QUALITY_BINS; b++) {
		size_t n = set->n / QUALITY_BINS + (b < set->n % QUALITY_BINS);
		struct quality_bin bin = { .n = n };

		for (size_t i = at; i < at + n; i++) {
			bin.n_events += set->rows[order[i]].is_event;
			bin.mean += probs[order[i]] / (double)n;
		}
		if (!n)
			continue;
		bin.low = probs[order[at]];
		bin.high = probs[order[at + n - 1]];
		at += n;
		out[n_bins++] = bin;
	}
	return n_bins;
}

double quality_calibration_error(const struct quality_bin *bins, size_t n)
{
	double sum = 0, all = 0;

	for (size_t i = 0; i < n; i++) {
		sum += fabs((double)bins[i].n_events - bins[i].mean * (double)bins[i].n);
		all += (double)bins[i].n;
	}
	return all > 0 ? sum / all : (double)NAN;
}

/* One event of an account, and the last row early enough before it. */
struct early {
	size_t account, row;
	int32_t event_on;
};

static int compare_early(const void *left, const void *right)
{
	const struct early *a = left, *b = right;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	if (a->event_on != b->event_on)
		return a->event_on < b->event_on ? -1 : 1;
	return (a->row > b->row) - (a->row < b->row);
}

struct quality_ahead quality_seen_ahead(const struct quality_set *set, const struct quality_ranking *r, int lead_days,
                                        int most_days)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct early *all = arena_array(a, set->n + 1, sizeof *all);
	struct quality_ahead out = { 0 };
	size_t n = 0, n_listed = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct quality_row *row = &set->rows[i];
		int64_t lead = (int64_t)row->event_on - row->day;

		n_listed += r->top[i];
		if (row->event_on != DAY_NONE && lead >= lead_days && lead <= most_days)
			all[n++] = (struct early){ row->account, i, row->event_on };
	}
	if (n)
		qsort(all, n, sizeof *all, compare_early);
	for (size_t at = 0, end; at < n; at = end) {
		size_t last = at;

		for (end = at; end < n && all[end].account == all[at].account && all[end].event_on == all[at].event_on; end++)
			if (set->rows[all[end].row].day >= set->rows[all[last].row].day)
				last = end;
		out.n_events++;
		out.n_seen += r->top[all[last].row];
	}
	out.chance = set->n ? (double)n_listed / (double)set->n : (double)NAN;
	return out;
}

static int compare_reals(const void *left, const void *right)
{
	double a, b;

	memcpy(&a, left, sizeof a);
	memcpy(&b, right, sizeof b);
	return (a > b) - (a < b);
}

/* The value at a share of sorted values, on the straight line between its neighbours (numpy's "linear"). */
static double quantile(const double *values, size_t n, double share)
{
	double place = share * (double)(n - 1), floor_ = floor(place);
	size_t low = (size_t)floor_, high = low + 1 < n ? low + 1 : low;

	return values[low] + (place - floor_) * (values[high] - values[low]);
}

struct quality_interval quality_bootstrap(const struct quality_set *set, quality_figure figure, const void *of,
                                          int n_draws, uint64_t seed, struct arena *a)
{
	double *weights = arena_array(a, set->n_accounts + 1, sizeof *weights);
	double *values = arena_array(a, (size_t)n_draws + 1, sizeof *values);
	size_t n = 0;
	uint64_t state = seed;

	for (int draw = 0; draw < n_draws; draw++) {
		double value;

		memset(weights, 0, set->n_accounts * sizeof *weights);
		for (size_t i = 0; i < set->n_accounts; i++)
			weights[mixed(state++) % set->n_accounts]++;
		value = figure(set, of, weights);
		if (!isnan(value))
			values[n++] = value;
	}
	if (!n)
		return (struct quality_interval){ (double)NAN, (double)NAN };
	qsort(values, n, sizeof *values, compare_reals);
	return (struct quality_interval){ quantile(values, n, 0.025), quantile(values, n, 0.975) };
}

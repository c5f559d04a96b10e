#include "score/backtest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum {
	DRAWS = 200, FEW_DRAWS = 50, MANY_ROWS = 200000, /* samples of the accounts; fewer where each takes long */
	FEW_EVENTS = 10,           /* below, nothing is said of chance */
	FEW_GROUP_EVENTS = 5,      /* below, a group's ranking is left out */
	QUARTERS_UP_TO_DAYS = 1100 /* a longer replay is told by years */
};
static const uint64_t seed = 20260301;
static const double top_share = 0.1;
static const int lead_days[BACKTEST_LEADS] = { 14, 28, 60, 90 };
static const char *const naive_names[N_ENGINES][N_NAIVE] = {
	{ "recency (days silent)", "fall, 30 days to 30 days", "short tenure" },
	{ "recency (active lately)", "rise, 30 days to 30 days", "long tenure" },
};

/* numbering -------------------------------------------------------------------------------------------------------- */

/* Something rows share (account, list, group), to be numbered from 0. */
struct named {
	int64_t number;
	const char *text;
	size_t row;
};

static int compare_named(const void *left, const void *right)
{
	const struct named *a = left, *b = right;
	int order;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	order = strcmp(a->text, b->text);
	return order ? order : (a->row > b->row) - (a->row < b->row);
}

/* Numbers by row; returns how many there are. Sorts all. */
static size_t number_them(struct named *all, size_t n, size_t *out)
{
	size_t count = 0;

	if (n)
		qsort(all, n, sizeof *all, compare_named);
	for (size_t i = 0; i < n; i++) {
		if (i && (all[i].number != all[i - 1].number || strcmp(all[i].text, all[i - 1].text) != 0))
			count++;
		out[all[i].row] = count;
	}
	return n ? count + 1 : 0;
}

static void make_set(struct backtest_report *r, struct arena *a)
{
	const struct backtest_input *in = r->in;
	struct quality_row *rows = arena_array(a, in->n + 1, sizeof *rows);
	struct named *all = arena_array(a, in->n + 1, sizeof *all);
	size_t *accounts = arena_array(a, in->n + 1, sizeof *accounts);
	size_t *queues = arena_array(a, in->n + 1, sizeof *queues);

	for (size_t i = 0; i < in->n; i++)
		all[i] = (struct named){ in->rows[i].account, in->rows[i].account_key, i };
	r->n_accounts = number_them(all, in->n, accounts);
	for (size_t i = 0; i < in->n; i++)
		all[i] = (struct named){ in->rows[i].day, "", i };
	for (size_t i = 0; i < in->n; i++)
		if (in->rows[i].queue)
			all[i] = (struct named){ 0, in->rows[i].queue, i };
	r->set = (struct quality_set){ rows, in->n, r->n_accounts, number_them(all, in->n, queues) };
	for (size_t i = 0; i < in->n; i++)
		rows[i] = (struct quality_row){ accounts[i], queues[i], in->rows[i].day, in->rows[i].event_on,
			                            in->rows[i].is_event };
}

static void count_rows(struct backtest_report *r, struct arena *a)
{
	const struct backtest_input *in = r->in;
	bool *has_event = arena_array(a, r->n_accounts + 1, sizeof *has_event);
	struct named *all = arena_array(a, in->n + 1, sizeof *all);
	size_t *days = arena_array(a, in->n + 1, sizeof *days);

	r->from = r->to = in->n ? in->rows[0].day : DAY_NONE;
	for (size_t i = 0; i < in->n; i++) {
		const struct backtest_row *row = &in->rows[i];

		r->n_events += row->is_event;
		r->n_unknown += !row->is_known;
		has_event[r->set.rows[i].account] |= row->is_event;
		r->from = row->day < r->from ? row->day : r->from;
		r->to = row->day > r->to ? row->day : r->to;
		all[i] = (struct named){ row->day, "", i };
	}
	r->n_days = number_them(all, in->n, days);
	for (size_t i = 0; i < r->n_accounts; i++)
		r->n_event_accounts += has_event[i];
	r->base_rate = quality_base_rate(&r->set, NULL);
}

/* figures that are drawn ------------------------------------------------------------------------------------------- */

static double auc_figure(const struct quality_set *set, const void *of, const double *weights)
{
	return quality_auc(set, of, weights);
}

static double lift_figure(const struct quality_set *set, const void *of, const double *weights)
{
	return quality_listed(set, of, weights).lift;
}

/* Two rankings: by how much the first one's AUC is above the second's. */
static double gain_figure(const struct quality_set *set, const void *of, const double *weights)
{
	const struct quality_ranking *const *both = of;

	return quality_auc(set, both[0], weights) - quality_auc(set, both[1], weights);
}

/* By how much the base rate's Brier score is above that of the probabilities. */
static double brier_gain_figure(const struct quality_set *set, const void *of, const double *weights)
{
	double rate = quality_base_rate(set, weights);

	return rate * (1 - rate) - quality_brier(set, of, weights);
}

static struct quality_interval drawn(const struct quality_set *set, quality_figure figure, const void *of,
                                     struct arena *a)
{
	return quality_bootstrap(set, figure, of, set->n > MANY_ROWS ? FEW_DRAWS : DRAWS, seed, a);
}

static void judge_rankers(struct backtest_report *r, struct arena *a)
{
	const struct backtest_input *in = r->in;
	const struct quality_ranking *both[2];

	for (int k = 0; k <= N_NAIVE; k++) {
		struct backtest_ranker *ranker = &r->rankers[k];
		double *scores = arena_array(a, in->n + 1, sizeof *scores);

		for (size_t i = 0; i < in->n; i++)
			scores[i] = k == 0 ? in->rows[i].score : in->rows[i].naive[k - 1];
		quality_rank(&r->set, scores, top_share, NULL, a, &ranker->ranking);
		ranker->name = k == 0 ? (in->engine == ENGINE_DEFENSE ? "risk" : "readiness") : naive_names[in->engine][k - 1];
		ranker->auc = quality_auc(&r->set, &ranker->ranking, NULL);
		ranker->average_precision = quality_average_precision(&r->set, &ranker->ranking);
		ranker->top = quality_listed(&r->set, &ranker->ranking, NULL);
		ranker->auc_in = drawn(&r->set, auc_figure, &ranker->ranking, a);
		ranker->lift_in = drawn(&r->set, lift_figure, &ranker->ranking, a);
		if (k > 0 && (k == 1 || ranker->auc > r->rankers[r->best_naive].auc))
			r->best_naive = k;
	}
	both[0] = &r->rankers[0].ranking;
	both[1] = &r->rankers[r->best_naive].ranking;
	r->gain_in = drawn(&r->set, gain_figure, both, a);
}

/* Lists as owners get them: each owner's accounts of a day, as many as the owner takes. Rows of nobody are left out. */
static void judge_owners(struct backtest_report *r, struct arena *a)
{
	const struct backtest_input *in = r->in;
	struct quality_row *rows = arena_array(a, in->n + 1, sizeof *rows);
	struct named *all = arena_array(a, in->n + 1, sizeof *all);
	size_t *queues = arena_array(a, in->n + 1, sizeof *queues), *places = arena_array(a, in->n + 1, sizeof *places);
	double *scores = arena_array(a, in->n + 1, sizeof *scores);
	struct quality_set set = { .rows = rows, .n_accounts = r->n_accounts };
	struct quality_ranking ranking;

	for (size_t i = 0; i < in->n; i++) {
		const char *owner = in->rows[i].owner;

		if (!in->capacity || !*owner || in->capacity(in->capacity_context, owner) <= 0)
			continue;
		rows[set.n] = r->set.rows[i];
		scores[set.n] = in->rows[i].score;
		all[set.n] = (struct named){ in->rows[i].day, owner, set.n };
		set.n++;
	}
	if (!set.n)
		return;
	set.n_queues = number_them(all, set.n, queues);
	for (size_t i = 0; i < set.n; i++) {
		rows[all[i].row].queue = queues[all[i].row];
		places[queues[all[i].row]] = (size_t)in->capacity(in->capacity_context, all[i].text);
	}
	quality_rank(&set, scores, 0, places, a, &ranking);
	r->owners = quality_listed(&set, &ranking, NULL);
	r->has_owners = true;
}

static void judge_leads(struct backtest_report *r)
{
	for (size_t i = 0; i < BACKTEST_LEADS; i++) {
		struct backtest_lead lead = { .days = lead_days[i] };

		lead.seen = quality_seen_ahead(&r->set, &r->rankers[0].ranking, lead.days,
		                               lead.days + (int)r->in->horizon_days);
		if (lead.seen.n_events)
			r->leads[r->n_leads++] = lead;
	}
}

static void judge_probabilities(struct backtest_report *r, struct arena *a)
{
	double *probs = arena_array(a, r->in->n + 1, sizeof *probs);

	for (size_t i = 0; i < r->in->n; i++)
		probs[i] = r->in->rows[i].prob;
	r->brier = quality_brier(&r->set, probs, NULL);
	r->brier_base = r->base_rate * (1 - r->base_rate);
	r->brier_gain_in = drawn(&r->set, brier_gain_figure, probs, a);
	r->n_bins = quality_bins(&r->set, probs, a, r->bins);
	r->calibration_error = quality_calibration_error(r->bins, r->n_bins);
}

/* parts of the rows ------------------------------------------------------------------------------------------------ */

/* The rows for which keep() holds, with scores of their own. */
struct part {
	struct quality_row *rows;
	double *scores;
	struct quality_set set;
	size_t n_events;
};

static struct part part_of(const struct backtest_report *r, struct arena *a)
{
	struct part p = { .rows = arena_array(a, r->in->n + 1, sizeof *p.rows),
		              .scores = arena_array(a, r->in->n + 1, sizeof *p.scores) };

	p.set = (struct quality_set){ .rows = p.rows, .n_accounts = r->n_accounts, .n_queues = r->set.n_queues };
	return p;
}

static void part_add(struct part *p, const struct backtest_report *r, size_t row, double score)
{
	p->rows[p->set.n] = r->set.rows[row];
	p->scores[p->set.n++] = score;
	p->n_events += r->set.rows[row].is_event;
}

static struct backtest_signal judge_signal(const struct backtest_report *r, size_t signal)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct backtest_signal out = { .name = r->in->signals[signal] };
	struct part p = part_of(r, a);
	struct quality_ranking ranking;
	size_t n_hits = 0;

	for (size_t i = 0; i < r->in->n; i++) {
		const float *strengths = r->in->rows[i].strengths;

		if (!strengths || isnan(strengths[signal]))
			continue;
		part_add(&p, r, i, (double)strengths[signal]);
		out.n_speaks += strengths[signal] >= 0.5f;
		n_hits += strengths[signal] >= 0.5f && r->in->rows[i].is_event;
	}
	out.n_known = p.set.n;
	quality_rank(&p.set, p.scores, top_share, NULL, a, &ranking);
	out.auc = quality_auc(&p.set, &ranking, NULL);
	out.precision = out.n_speaks ? (double)n_hits / (double)out.n_speaks : (double)NAN;
	out.lift = out.precision / quality_base_rate(&p.set, NULL);
	return out;
}

static int compare_signals(const void *left, const void *right)
{
	const struct backtest_signal *a = left, *b = right;
	double of_a = isnan(a->auc) ? -1 : a->auc, of_b = isnan(b->auc) ? -1 : b->auc;

	if (of_a > of_b || of_a < of_b)
		return of_a > of_b ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void judge_signals(struct backtest_report *r, struct arena *a)
{
	struct backtest_signal *all = arena_array(a, r->in->n_signals + 1, sizeof *all);

	for (size_t i = 0; i < r->in->n_signals; i++) {
		all[r->n_signals] = judge_signal(r, i);
		r->n_signals += all[r->n_signals].n_known > 0;
	}
	if (r->n_signals)
		qsort(all, r->n_signals, sizeof *all, compare_signals);
	r->signals = all;
}

/* Groups by number, in ascending order; names by number. */
static struct backtest_group *judge_groups(const struct backtest_report *r, const size_t *groups,
                                           const char *const *names, size_t n_groups, struct arena *a)
{
	struct backtest_group *out = arena_array(a, n_groups + 1, sizeof *out);

	for (size_t g = 0; g < n_groups; g++) {
		CLEANUP(arena_freep) struct arena *of_group = arena_new(0);
		struct part p = part_of(r, of_group);
		struct quality_ranking ranking;

		for (size_t i = 0; i < r->in->n; i++) {
			if (groups[i] != g)
				continue;
			part_add(&p, r, i, r->in->rows[i].score);
			out[g].mean_prob += r->in->rows[i].prob;
		}
		out[g].name = names[g];
		out[g].n = p.set.n;
		out[g].n_events = p.n_events;
		out[g].mean_prob /= (double)(p.set.n ? p.set.n : 1);
		out[g].auc = out[g].lift = out[g].auc_in.low = out[g].auc_in.high = (double)NAN;
		if (p.n_events < FEW_GROUP_EVENTS)
			continue;
		quality_rank(&p.set, p.scores, top_share, NULL, of_group, &ranking);
		out[g].auc = quality_auc(&p.set, &ranking, NULL);
		out[g].lift = quality_listed(&p.set, &ranking, NULL).lift;
		out[g].auc_in = drawn(&p.set, auc_figure, &ranking, of_group);
	}
	return out;
}

static const char *const *names_of_groups(const struct named *all, size_t n, const size_t *groups, size_t n_groups,
                                          struct arena *a)
{
	const char **names = arena_array(a, n_groups + 1, sizeof *names);

	for (size_t i = 0; i < n; i++)
		names[groups[all[i].row]] = all[i].text;
	return names;
}

static int compare_sizes(const void *left, const void *right)
{
	const struct backtest_group *a = left, *b = right;

	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void judge_segments(struct backtest_report *r, struct arena *a)
{
	struct named *all = arena_array(a, r->in->n + 1, sizeof *all);
	size_t *groups = arena_array(a, r->in->n + 1, sizeof *groups), n;
	struct backtest_group *segments;

	for (size_t i = 0; i < r->in->n; i++)
		all[i] = (struct named){ 0, *r->in->rows[i].segment ? r->in->rows[i].segment : "(none)", i };
	n = number_them(all, r->in->n, groups);
	if (n < 2)
		return;
	segments = judge_groups(r, groups, names_of_groups(all, r->in->n, groups, n, a), n, a);
	qsort(segments, n, sizeof *segments, compare_sizes);
	r->segments = segments;
	r->n_segments = n < BACKTEST_MAX_GROUPS ? n : BACKTEST_MAX_GROUPS;
}

static void judge_periods(struct backtest_report *r, struct arena *a)
{
	struct named *all = arena_array(a, r->in->n + 1, sizeof *all);
	size_t *groups = arena_array(a, r->in->n + 1, sizeof *groups);

	for (size_t i = 0; i < r->in->n; i++) {
		int year, month, day;
		bool is_by_year = r->to - r->from > QUARTERS_UP_TO_DAYS;

		day_split(r->in->rows[i].day, &year, &month, &day);
		all[i] = (struct named){ 4 * year + (is_by_year ? 0 : (month - 1) / 3), "", i };
		all[i].text = is_by_year ? arena_printf(a, "%d", year) : arena_printf(a, "%d Q%d", year, (month - 1) / 3 + 1);
	}
	r->n_periods = number_them(all, r->in->n, groups);
	r->periods = judge_groups(r, groups, names_of_groups(all, r->in->n, groups, r->n_periods, a), r->n_periods, a);
}

/* what it comes to ------------------------------------------------------------------------------------------------- */

static bool is_above(struct quality_interval in, double value)
{
	return !isnan(in.low) && in.low > value;
}

static const char *auc_words(const struct backtest_ranker *ranker, struct arena *a)
{
	return arena_printf(a, "%.3f [%.3f, %.3f]", ranker->auc, ranker->auc_in.low, ranker->auc_in.high);
}

static const char *verdict_of(const struct backtest_report *r, struct arena *a)
{
	const struct backtest_ranker *ours = &r->rankers[0], *naive = &r->rankers[r->best_naive];
	const char *gain = arena_printf(a, "%+.3f [%+.3f, %+.3f]", ours->auc - naive->auc, r->gain_in.low,
	                                r->gain_in.high);

	if (r->n_event_accounts < FEW_EVENTS)
		return arena_printf(a, "Too little happened to say anything: %zu accounts had an event, the least is %d.",
		                    r->n_event_accounts, FEW_EVENTS);
	if (!r->beats_chance && !is_above(naive->auc_in, 0.5))
		return arena_printf(a, "Nothing beats chance here. Chance has an AUC of 0.5, %s has %s, and the best naive "
		                       "rule, %s, has %s. Don't act on these scores.", ours->name, auc_words(ours, a),
		                    naive->name, auc_words(naive, a));
	if (!r->beats_chance)
		return arena_printf(a, "Nothing beats chance here but a naive rule. Chance has an AUC of 0.5, %s has %s, "
		                       "and %s alone has %s. Don't act on these scores.", ours->name, auc_words(ours, a),
		                    naive->name, auc_words(naive, a));
	if (r->gain_in.high < 0)
		return arena_printf(a, "It beats chance, but a naive rule is better: %s alone has an AUC of %s; the difference "
		                       "is %s. Until more is known, go by the rule.", naive->name, auc_words(naive, a), gain);
	if (!r->beats_naive)
		return arena_printf(a, "It beats chance, but is not shown to beat a naive rule: %s alone has an AUC of %s; the "
		                       "difference is %s.", naive->name, auc_words(naive, a), gain);
	return arena_printf(a, "It beats chance and every naive rule: the best of them, %s, has an AUC of %s; the "
	                       "difference is %s.", naive->name, auc_words(naive, a), gain);
}

void backtest_judge(const struct backtest_input *in, struct arena *a, struct backtest_report *out)
{
	struct backtest_report r = { .in = in };

	make_set(&r, a);
	count_rows(&r, a);
	judge_rankers(&r, a);
	judge_owners(&r, a);
	judge_leads(&r);
	judge_probabilities(&r, a);
	judge_signals(&r, a);
	judge_segments(&r, a);
	judge_periods(&r, a);
	r.beats_chance = r.n_event_accounts >= FEW_EVENTS && is_above(r.rankers[0].auc_in, 0.5);
	r.beats_naive = r.beats_chance && is_above(r.gain_in, 0);
	r.verdict = verdict_of(&r, a);
	*out = r;
}

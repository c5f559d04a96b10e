#include "score/steer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/money.h"

/* Less than this many points is as good as nothing. */
static const double least_points = 0.05;

const char *const steer_engine_names[N_STEER_ENGINES] = { "churn", "involuntary churn", "contraction", "expansion" };

static int64_t amount_of(const struct nrr_sums *s, enum steer_engine engine)
{
	const int64_t amounts[N_STEER_ENGINES] = { s->churn_minor - s->involuntary_minor, s->involuntary_minor,
		                                       s->contraction_minor, s->expansion_minor };

	return amounts[engine];
}

static double points_of(int64_t minor, const struct nrr_sums *s)
{
	return 100 * (double)minor / (double)s->start_minor;
}

static int compare_numbers(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* The value below which a share of the sorted ones lies, by nearest rank. */
static double quantile(const double *sorted, size_t n, double share)
{
	size_t rank = (size_t)ceil(share * (double)n);

	return sorted[rank ? rank - 1 : 0];
}

static int by_gain(const void *left, const void *right)
{
	const struct steer_reading *a = left, *b = right;
	double leak_a = a->engine == STEER_EXPANSION ? 0 : a->points, leak_b = b->engine == STEER_EXPANSION ? 0 : b->points;

	if (fmax(a->to_gain, b->to_gain) >= least_points && a->to_gain != b->to_gain)
		return a->to_gain < b->to_gain ? 1 : -1;
	if (leak_a != leak_b)
		return leak_a < leak_b ? 1 : -1;
	return (int)a->engine - (int)b->engine;
}

static struct steer_reading reading_of(const struct steer_input *in, enum steer_engine engine, struct arena *a)
{
	const struct nrr_window *last = &in->quarters[in->n_quarters - 1];
	struct steer_reading r = { .engine = engine, .minor = amount_of(&last->sums, engine), .usual = NAN, .good = NAN };
	double *past = arena_array(a, in->n_quarters, sizeof *past);
	size_t n = 0;

	r.points = points_of(r.minor, &last->sums);
	for (size_t i = 0; i + 1 < in->n_quarters; i++)
		if (!in->quarters[i].why_none)
			past[n++] = points_of(amount_of(&in->quarters[i].sums, engine), &in->quarters[i].sums);
	if (n < STEER_LEAST_PAST)
		return r;
	qsort(past, n, sizeof *past, compare_numbers);
	r.usual = quantile(past, n, 0.5);
	r.good = quantile(past, n, engine == STEER_EXPANSION ? 0.75 : 0.25);
	r.to_gain = fmax(0, engine == STEER_EXPANSION ? r.good - r.points : r.points - r.good);
	return r;
}

static void read_engines(const struct steer_input *in, struct arena *a, struct steer *out)
{
	for (size_t i = 0; i + 1 < in->n_quarters; i++)
		out->n_past += !in->quarters[i].why_none;
	out->why_none = in->n_quarters ? in->quarters[in->n_quarters - 1].why_none
	                               : "insufficient history: no quarter is over";
	for (int e = 0; e < N_STEER_ENGINES && !out->why_none; e++)
		out->engines[e] = reading_of(in, (enum steer_engine)e, a);
	if (!out->why_none)
		qsort(out->engines, N_STEER_ENGINES, sizeof *out->engines, by_gain);
}

/* groups ----------------------------------------------------------------------------------------------------------- */

/* "2025-03" -> "2025"; what is no month stays. */
static const char *name_of(struct arena *a, const char *group, bool is_cohort)
{
	return is_cohort && strlen(group) == 7 && group[4] == '-' ? arena_strndup(a, group, 4) : group;
}

struct gathered {
	const char *group;
	struct nrr_window *windows; /* of each day */
};

static struct gathered *group_named(struct gathered *groups, size_t *n, const char *name, size_t n_years,
                                    struct arena *a)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(groups[i].group, name) == 0)
			return &groups[i];
	groups[*n] = (struct gathered){ name, arena_array(a, n_years, sizeof *groups->windows) };
	for (size_t i = 0; i < n_years; i++)
		groups[*n].windows[i].why_none = "insufficient history";
	return &groups[(*n)++];
}

static size_t day_index(const struct steer_input *in, int32_t to)
{
	size_t i = 0;

	while (i < in->n_years && in->years[i].span.to != to)
		i++;
	return i;
}

static void add_groups(const struct steer_input *in, const struct nrr_table *t, bool is_cohort, struct arena *a,
                       struct steer *out)
{
	const struct nrr_window *whole = &in->years[in->n_years - 1];
	struct gathered *groups = arena_array(a, t->n + 1, sizeof *groups);
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		size_t day = day_index(in, t->rows[i].span.to);

		if (day < in->n_years)
			nrr_add(&group_named(groups, &n, name_of(a, t->rows[i].group, is_cohort), in->n_years, a)->windows[day],
			        &t->rows[i]);
	}
	if (n == 1 && strcmp(groups[0].group, "(none)") == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct nrr_window *last = &groups[i].windows[in->n_years - 1];
		double *nrr = arena_array(a, in->n_years, sizeof *nrr);

		if (last->why_none)
			continue;
		for (size_t k = 0; k < in->n_years; k++)
			nrr[k] = groups[i].windows[k].why_none ? NAN : groups[i].windows[k].nrr;
		out->groups[out->n_groups++] = (struct steer_group){
			.by = is_cohort ? "cohort" : "segment", .group = groups[i].group, .nrr = nrr, .n_start = last->sums.n_start,
			.pull = 100 * (last->nrr - whole->nrr) * (double)last->sums.start_minor / (double)whole->sums.start_minor,
		};
	}
}

static int by_pull(const void *left, const void *right)
{
	const struct steer_group *a = left, *b = right;
	int order = -strcmp(a->by, b->by);

	if (order)
		return order;
	return a->pull != b->pull ? (a->pull > b->pull) - (a->pull < b->pull) : strcmp(a->group, b->group);
}

static void read_groups(const struct steer_input *in, struct arena *a, struct steer *out)
{
	out->groups = arena_array(a, in->segments.n + in->cohorts.n + 1, sizeof *out->groups);
	if (!in->n_years || in->years[in->n_years - 1].why_none)
		return;
	add_groups(in, &in->segments, false, a, out);
	add_groups(in, &in->cohorts, true, a, out);
	qsort(out->groups, out->n_groups, sizeof *out->groups, by_pull);
}

/* findings --------------------------------------------------------------------------------------------------------- */

/* By account and engine, the dearest first; of equals the one to act on first. */
static int by_account(const void *left, const void *right)
{
	const struct steer_finding *a = left, *b = right;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	if (a->is_defense != b->is_defense)
		return a->is_defense ? -1 : 1;
	if (a->expected_minor != b->expected_minor)
		return a->expected_minor > b->expected_minor ? -1 : 1;
	return (a->act_by_on > b->act_by_on) - (a->act_by_on < b->act_by_on);
}

static void read_findings(const struct steer_input *in, struct arena *a, struct steer *out)
{
	const struct nrr_sums *s = &in->so_far->sums;
	struct steer_finding *sorted;

	if (!in->n_findings || in->so_far->why_none)
		return;
	sorted = arena_memdup(a, in->findings, in->n_findings * sizeof *sorted);
	qsort(sorted, in->n_findings, sizeof *sorted, by_account);
	for (size_t i = 0; i < in->n_findings; i++) {
		const struct steer_finding *f = &sorted[i];
		struct steer_worth *w = f->is_defense ? &out->defense : &out->expansion;
		/* Nobody loses more than they pay. */
		int64_t expected = f->is_defense && f->expected_minor > f->paid_minor ? f->paid_minor : f->expected_minor;

		if (i && f[-1].account == f->account && f[-1].is_defense == f->is_defense)
			continue;
		if (f->paid_minor <= 0) {
			out->n_outside++;
		} else if (f->act_by_on <= in->quarter_ends_on) {
			w->n++;
			w->points += points_of(expected, s);
		} else {
			w->n_later++;
			w->later_points += points_of(expected, s);
		}
	}
}

/* sentences -------------------------------------------------------------------------------------------------------- */

static const char *const engine_keys[N_STEER_ENGINES] = {
	[STEER_CHURN] = "steer.churn", [STEER_INVOLUNTARY] = "steer.involuntary",
	[STEER_CONTRACTION] = "steer.contraction", [STEER_EXPANSION] = "steer.expansion",
};

static const char *what_it_did(const struct steer_input *in, const struct steer_reading *r, struct arena *a)
{
	return SAY(in->words, a, r->engine == STEER_EXPANSION ? "steer.added" : "steer.took",
	           W_REAL("points", r->points, 1), W_MONEY("amount", r->minor, in->currency),
	           words_day(in->words, a, "day", in->quarters[in->n_quarters - 1].span.to));
}

static const char *first_sentence(const struct steer_input *in, const struct steer *s, struct arena *a)
{
	const struct steer_reading *r = &s->engines[0];
	const struct words *w = in->words;
	const char *text, *engine;

	if (s->why_none)
		return s->why_none;
	engine = words_text(w, a, engine_keys[r->engine]);
	if (r->to_gain >= least_points)
		return SAY(w, a, "steer.first", W_TEXT("engine", engine), W_TEXT("did", what_it_did(in, r, a)),
		           W_REAL("usual", r->usual, 1), W_REAL("good", r->good, 1), W_REAL("gain", r->to_gain, 1));
	if (r->engine == STEER_EXPANSION || r->points < least_points)
		text = words_text(w, a, "steer.no_leak");
	else
		text = SAY(w, a, "steer.leak", W_TEXT("engine", engine), W_TEXT("did", what_it_did(in, r, a)));
	if (s->n_past < STEER_LEAST_PAST)
		return SAY(w, a, "steer.no_past", W_TEXT("text", text), W_INT("least", STEER_LEAST_PAST),
		           W_INT("n", s->n_past));
	return SAY(w, a, "steer.none_worse", W_TEXT("text", text));
}

static const char *next_sentence(const struct steer *s, struct arena *a)
{
	const char *text = NULL;

	for (int i = 1; i < N_STEER_ENGINES && !s->why_none; i++) {
		const struct steer_reading *r = &s->engines[i];

		if (r->to_gain < least_points)
			continue;
		text = arena_printf(a, "%s%s (%.1f points, a good quarter has %.1f: %.1f to gain)",
		                    text ? arena_printf(a, "%s, ", text) : "Then ", steer_engine_names[r->engine], r->points,
		                    r->good, r->to_gain);
	}
	return text ? arena_printf(a, "%s.", text) : NULL;
}

static const char *still_sentence(const struct steer_input *in, struct arena *a)
{
	const struct nrr_window *year = in->n_years ? &in->years[in->n_years - 1] : NULL;

	if (!year || year->why_none || in->still_minor <= 0)
		return NULL;
	return arena_printf(a, "%s a month, %.0f %% of what was paid a year before, stands still: those accounts pay what "
	                       "they paid then.", money_text(a, in->still_minor, in->currency),
	                    points_of(in->still_minor, &year->sums));
}

static const char *change_text(const struct steer_input *in, const struct steer_group *g, struct arena *a)
{
	double now = g->nrr[in->n_years - 1], before = g->nrr[0];

	if (in->n_years < 2 || isnan(before))
		return arena_printf(a, "%.1f %%", 100 * now);
	return arena_printf(a, "%.1f %%, was %.1f %% on %s", 100 * now, 100 * before, day_text(a, in->years[0].span.to));
}

/* Of segments and of cohorts, the one that pulls down the most and the one that lifts the most. */
static const char *pulls_sentence(const struct steer_input *in, const struct steer *s, struct arena *a)
{
	const char *text = NULL;

	for (size_t i = 0; i < s->n_groups; i++) {
		const struct steer_group *g = &s->groups[i];
		bool is_first = i == 0 || strcmp(g->by, s->groups[i - 1].by) != 0;
		bool is_last = i + 1 == s->n_groups || strcmp(g->by, s->groups[i + 1].by) != 0;

		if (is_first == is_last || g->n_start < STEER_LEAST_ACCOUNTS || fabs(g->pull) < least_points ||
		    (g->pull < 0) != is_first)
			continue;
		text = arena_printf(a, "%s%s %s %s by %.1f points (%s)", text ? arena_printf(a, "%s; ", text)
		                    : "Over twelve months ", g->by, g->group,
		                    g->pull < 0 ? "pulls NRR down" : "lifts NRR", fabs(g->pull), change_text(in, g, a));
	}
	return text ? arena_printf(a, "%s.", text) : NULL;
}

static const char *worth_sentence(const struct steer_input *in, const struct steer *s, struct arena *a)
{
	const struct words *w = in->words;
	const struct word until = words_day(w, a, "day", in->quarter_ends_on);
	const char *later = "", *outside = "";
	double so_far = in->so_far->nrr;

	if (in->so_far->why_none)
		return s->why_none ? NULL : SAY(w, a, "steer.no_worth", until, W_TEXT("why", in->so_far->why_none));
	if (in->why_no_findings)
		return SAY(w, a, "steer.no_findings", until, W_PERCENT("nrr", so_far, 1), W_TEXT("why", in->why_no_findings));
	if (s->defense.n_later + s->expansion.n_later)
		later = SAY(w, a, "steer.later", W_REAL("risk", s->defense.later_points, 1),
		            W_REAL("win", s->expansion.later_points, 1));
	if (s->n_outside)
		outside = SAY(w, a, "steer.outside", W_INT("n", s->n_outside),
		              words_day(w, a, "day", in->so_far->span.from));
	return SAY(w, a, "steer.worth", until, W_PERCENT("nrr", so_far, 1), W_INT("n_defense", s->defense.n),
	           W_REAL("risk", s->defense.points, 1), W_INT("n_expansion", s->expansion.n),
	           W_REAL("win", s->expansion.points, 1),
	           W_PERCENT("end", so_far + (s->expansion.points - s->defense.points) / 100, 1), W_TEXT("later", later),
	           W_TEXT("outside", outside));
}

void steer_make(const struct steer_input *in, struct arena *a, struct steer *out)
{
	*out = (struct steer){ 0 };
	read_engines(in, a, out);
	read_groups(in, a, out);
	read_findings(in, a, out);
	out->first = first_sentence(in, out, a);
	out->next = next_sentence(out, a);
	out->still = still_sentence(in, a);
	out->pulls = pulls_sentence(in, out, a);
	out->worth = worth_sentence(in, out, a);
}

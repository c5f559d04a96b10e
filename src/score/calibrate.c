#include "score/calibrate.h"

#include <inttypes.h>
#include <math.h>

#include "calibrate_model.h"
#include "score/quality.h"

enum {
	N_FOLDS = 5,      /* accounts are judged by fits that never saw them */
	N_SLICES = 3,     /* and that ended before the slice of days that they are judged in */
	MIN_FIT_EVENTS = 10,
	N_DRAWS = 500,
};

static const double FIRST_CUT = 0.4, NEXT_CUT = 0.2; /* shares of the events before each slice */
/* Shares of draws in which a change has to be for the better (it leans on the priors, so that an error of it costs
 * little), and in which signals have to tell more than the rate of losses does. */
static const double SURE = 0.8, SURE_TO_TELL = 0.9;
static const double PULL_SLOPE = 4;                  /* as of the whole in calibrate_model.c */

/* Behind the models: who knows how many are lost but nothing of accounts, so that its unfitted and fitted stay 0. */
enum { MODEL_BLIND = N_MODELS, N_JUDGED };

/* Rows out of sample, with what the priors and each kind of model say of them. */
struct judged {
	size_t *rows;
	uint32_t *groups; /* account */
	bool *events;
	double *base, *before;                          /* before: as probability */
	double *unfitted[N_JUDGED], *fitted[N_JUDGED];  /* against the base */
	double *after[N_JUDGED];                        /* as probability, calibrated */
	size_t n, n_events, n_lost;
};

static double chance_of(double logit)
{
	return 1 / (1 + exp(-logit));
}

/* Accounts are numbered by age or by name: mixed, so that no fold is a generation. */
static uint32_t fold_of(uint32_t account)
{
	return (account * 2654435761u >> 16) % N_FOLDS;
}

/* The days at which slices begin: when that share of the events had been seen. */
static void find_cuts(const struct calibrate_input *in, int64_t n_events, int32_t cuts[N_SLICES + 1])
{
	int64_t n_seen = 0;
	int slice = 0;

	for (size_t i = 0; i < in->n_rows && slice < N_SLICES; i++) {
		n_seen += in->rows[i].is_event;
		if ((double)n_seen >= (FIRST_CUT + NEXT_CUT * slice) * (double)n_events)
			cuts[slice++] = in->rows[i].day + 1;
	}
	cuts[slice] = INT32_MAX;
}

static size_t rows_to_fit(const struct calibrate_input *in, int32_t before, uint32_t fold, size_t *out,
                          int *out_events)
{
	size_t n = 0;

	*out_events = 0;
	for (size_t i = 0; i < in->n_rows; i++) {
		const struct calibrate_row *r = &in->rows[i];

		if (r->day + in->horizon_days >= before || fold_of(r->account) == fold)
			continue;
		out[n++] = i;
		*out_events += r->is_event;
	}
	return n;
}

static void judge_row(const struct calibrate_input *in, const struct model models[N_MODELS], size_t row,
                      struct judged *out)
{
	out->rows[out->n] = row;
	out->groups[out->n] = in->rows[row].account;
	out->events[out->n] = in->rows[row].is_event;
	out->base[out->n] = in->rows[row].base_logit;
	out->before[out->n] = chance_of(in->rows[row].logit);
	for (int k = 0; k < N_MODELS; k++) {
		out->unfitted[k][out->n] = model_unfitted(in, &models[k], row);
		out->fitted[k][out->n] = model_fitted(in, &models[k], row);
	}
	out->n_events += out->events[out->n];
	out->n++;
}

/* Rows of a slice of days, fold by fold, by models that were fitted to earlier days of other accounts. */
static void judge_slice(const struct calibrate_input *in, int32_t from, int32_t to, struct judged *out)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	for (uint32_t fold = 0; fold < N_FOLDS; fold++) {
		size_t *rows = arena_array(a, in->n_rows + 1, sizeof *rows), n;
		struct model models[N_MODELS];
		int n_events;

		n = rows_to_fit(in, from, fold, rows, &n_events);
		if (n_events >= MIN_FIT_EVENTS) {
			for (int k = 0; k < N_MODELS; k++)
				model_fit(in, (enum calibrate_kind)k, rows, n, a, &models[k]);
			for (size_t i = 0; i < in->n_rows; i++)
				if (in->rows[i].day >= from && in->rows[i].day < to && fold_of(in->rows[i].account) == fold)
					judge_row(in, models, i, out);
		}
		arena_reset(a);
	}
}

static size_t accounts_among_events(const bool *events, const uint32_t *accounts, size_t n, size_t n_accounts,
                                    struct arena *a)
{
	bool *is_counted = arena_array(a, n_accounts + 1, sizeof *is_counted);
	size_t n_counted = 0;

	for (size_t i = 0; i < n; i++)
		if (events[i] && !is_counted[accounts[i]]) {
			is_counted[accounts[i]] = true;
			n_counted++;
		}
	return n_counted;
}

static void judge_all(const struct calibrate_input *in, int64_t n_events, struct arena *a, struct judged *out)
{
	int32_t cuts[N_SLICES + 1];
	size_t room = in->n_rows + 1;

	*out = (struct judged){ .rows = arena_array(a, room, sizeof *out->rows),
		                    .groups = arena_array(a, room, sizeof *out->groups),
		                    .events = arena_array(a, room, sizeof *out->events),
		                    .base = arena_array(a, room, sizeof *out->base),
		                    .before = arena_array(a, room, sizeof *out->before) };
	for (int k = 0; k < N_JUDGED; k++) {
		out->unfitted[k] = arena_array(a, room, sizeof **out->unfitted);
		out->fitted[k] = arena_array(a, room, sizeof **out->fitted);
		out->after[k] = arena_array(a, room, sizeof **out->after);
	}
	find_cuts(in, n_events, cuts);
	for (int i = 0; i < N_SLICES && cuts[i] < INT32_MAX; i++)
		judge_slice(in, cuts[i], cuts[i + 1], out);
	out->n_lost = accounts_among_events(out->events, out->groups, out->n, in->n_accounts, a);
}

/* Slope and shift that calibrate a model on what it said out of sample (Platt), pulled to changing nothing. skip: a
 * fold to leave out, N_FOLDS: none. */
static void fit_platt(const struct judged *j, int kind, uint32_t skip, struct arena *a, double *slope, double *shift)
{
	static const double one[] = { 1 };
	double *x = arena_array(a, j->n + 1, sizeof *x), *offset = arena_array(a, j->n + 1, sizeof *offset);
	bool *events = arena_array(a, j->n + 1, sizeof *events);
	double pull = PULL_SLOPE * (j->n_lost ? (double)j->n_events / (double)j->n_lost : 1);
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++) {
		if (fold_of(j->groups[i]) == skip)
			continue;
		x[n] = j->fitted[kind][i];
		offset[n] = j->base[i] + j->unfitted[kind][i];
		events[n++] = j->events[i];
	}
	fit_logistic(&(struct fit_problem){ .x = x, .events = events, .offset = offset, .n_rows = n, .n_columns = 1,
	                                    .pull = pull, .centre = one, .intercept_pull = pull },
	             a, slope, shift);
}

/* What each model says once calibrated, by slopes that were fitted to other accounts. */
static void calibrate_judged(struct judged *j, int kind, struct arena *a)
{
	for (uint32_t fold = 0; fold < N_FOLDS; fold++) {
		double slope, shift;

		fit_platt(j, kind, fold, a, &slope, &shift);
		for (size_t i = 0; i < j->n; i++)
			if (fold_of(j->groups[i]) == fold)
				j->after[kind][i] = chance_of(j->base[i] + j->unfitted[kind][i] + slope * j->fitted[kind][i] + shift);
	}
}

static struct quality_set set_of(const struct calibrate_input *in, const struct judged *j, struct arena *a)
{
	struct quality_row *rows = arena_array(a, j->n + 1, sizeof *rows);

	for (size_t i = 0; i < j->n; i++)
		rows[i] = (struct quality_row){ .account = j->groups[i], .day = in->rows[j->rows[i]].day,
			                            .event_on = DAY_NONE, .is_event = j->events[i] };
	return (struct quality_set){ .rows = rows, .n = j->n, .n_accounts = in->n_accounts, .n_queues = 1 };
}

static double auc_figure(const struct quality_set *set, const void *of, const double *weights)
{
	return quality_auc(set, of, weights);
}

/* The AUC is of what signals say against the usual account of the day: a base rate that rises and falls tells no
 * accounts apart. out_low: the lower end of its interval. */
static struct calibrate_quality measure(const struct quality_set *set, const struct judged *j, const double *chances,
                                        struct arena *a, double *out_low)
{
	double *against_usual = arena_array(a, j->n + 1, sizeof *against_usual);
	struct quality_bin bins[QUALITY_BINS];
	struct quality_ranking ranking;
	size_t n = quality_bins(set, chances, a, bins);

	for (size_t i = 0; i < j->n; i++)
		against_usual[i] = log(chances[i] / (1 - chances[i])) - j->base[i];
	quality_rank(set, against_usual, 0.1, NULL, a, &ranking);
	*out_low = quality_bootstrap(set, auc_figure, &ranking, N_DRAWS, 1, a).low;
	return (struct calibrate_quality){ .auc = quality_auc(set, &ranking, NULL),
		                               .log_loss = fit_log_loss(chances, j->events, j->n),
		                               .brier = quality_brier(set, chances, NULL),
		                               .ece = quality_calibration_error(bins, n) };
}

/* What was fitted together must not be cut off afterwards. */
static void set_ends(const struct calibrate_input *in, struct calibration *out)
{
	double highest[N_FAMILIES] = { 0 }, lowest = 0;

	for (size_t k = 0; k < in->n_signals; k++) {
		const struct curve *c = &out->curves[k];

		if (!c->n)
			continue;
		highest[in->signals[k].family] += fmax(0, fmax(c->logit[0], c->logit[c->n - 1]));
		lowest += fmin(0, fmin(c->logit[0], c->logit[c->n - 1]));
	}
	for (int f = 0; f < N_FAMILIES; f++)
		out->family_cap = fmax(out->family_cap, highest[f]);
	out->total_relief = fmax(out->total_relief, -lowest);
}

/* The fit to all rows; the slope from what was said out of sample. */
static void fit_finally(const struct calibrate_input *in, const struct judged *j, int kind, struct arena *a,
                        struct calibration *out)
{
	size_t *rows = arena_array(a, in->n_rows + 1, sizeof *rows);
	double shift;
	struct model m;

	for (size_t i = 0; i < in->n_rows; i++)
		rows[i] = i;
	model_fit(in, (enum calibrate_kind)kind, rows, in->n_rows, a, &m);
	fit_platt(j, kind, N_FOLDS, a, &out->slope, &shift);
	for (size_t k = 0; k < in->n_signals; k++)
		for (int i = 0; i < m.curves[k].n; i++)
			m.curves[k].logit[i] *= out->slope;
	model_settle(in, rows, in->n_rows, a, &m);
	out->base = m.intercept;
	out->curves = m.curves;
	set_ends(in, out);
}

/* The kind of model that beats the priors and every simpler kind; -1: none does. */
static int best_kind(const struct calibrate_input *in, const struct judged *j, struct arena *a,
                     struct calibration *out)
{
	const double *best = j->before;
	int kind = -1;

	for (int k = 0; k < N_MODELS; k++) {
		struct fit_gain gain = fit_compare(j->after[k], best, j->events, j->groups, j->n, in->n_accounts, a);

		if (gain.mean > 0 && gain.share >= SURE) {
			kind = k;
			best = j->after[k];
		}
	}
	out->gain = fit_compare(kind < 0 ? j->after[N_MODELS - 1] : best, j->before, j->events, j->groups, j->n,
	                        in->n_accounts, a);
	return kind;
}

/* Better than the priors may only mean a better base; and that there is anything to tell is the greater claim. */
static bool beats_blind(const struct calibrate_input *in, const struct judged *j, int kind, struct arena *a)
{
	struct fit_gain gain =
		fit_compare(j->after[kind], j->after[MODEL_BLIND], j->events, j->groups, j->n, in->n_accounts, a);

	return gain.mean > 0 && gain.share >= SURE_TO_TELL;
}

static void judge(const struct calibrate_input *in, struct arena *a, struct calibration *out)
{
	struct judged j;
	struct quality_set set;
	double low;
	int kind;

	judge_all(in, out->n_events, a, &j);
	out->n_judged = (int64_t)j.n;
	out->n_judged_events = (int64_t)j.n_events;
	if (j.n_events < MIN_FIT_EVENTS || j.n_events == j.n) {
		out->why = arena_printf(a, "only %zu events are left on later days to judge a fit by: too few to say that it "
		                           "is better", j.n_events);
		return;
	}
	for (int k = 0; k < N_JUDGED; k++)
		calibrate_judged(&j, k, a);
	out->judged_from = in->rows[j.rows[0]].day;
	kind = best_kind(in, &j, a, out);
	set = set_of(in, &j, a);
	out->before = measure(&set, &j, j.before, a, &low);
	out->after = measure(&set, &j, j.after[kind < 0 ? N_MODELS - 1 : kind], a, &low);
	if (kind < 0) {
		out->why = "out of sample a fit is not clearly better than the priors";
	} else if (low <= 0.5) {
		out->why = "nothing tells accounts apart better than chance";
	} else if (!beats_blind(in, &j, kind, a)) {
		out->why = "a fit ranks accounts better than chance, but what it foretells is not clearly better than the "
		           "plain rate of events";
	} else {
		fit_finally(in, &j, kind, a, out);
		out->is_fitted = true;
		out->why = kind == MODEL_SCALED ?
			"the priors with another slope are better out of sample, and curves are no better than that" :
			"curves fitted to this history are better out of sample";
	}
}

void calibrate_fit(const struct calibrate_input *in, struct arena *a, struct calibration *out)
{
	bool *events = arena_array(a, in->n_rows + 1, sizeof *events);
	uint32_t *accounts = arena_array(a, in->n_rows + 1, sizeof *accounts);

	*out = (struct calibration){ .slope = 1, .family_cap = in->family_cap, .total_relief = in->total_relief,
		                         .n_rows = (int64_t)in->n_rows, .n_accounts = (int64_t)in->n_accounts,
		                         .curves = arena_array(a, in->n_signals + 1, sizeof *out->curves),
		                         .from = DAY_NONE, .to = DAY_NONE, .judged_from = DAY_NONE };
	for (size_t i = 0; i < in->n_rows; i++) {
		events[i] = in->rows[i].is_event;
		accounts[i] = in->rows[i].account;
		out->n_events += events[i];
	}
	out->n_lost = (int64_t)accounts_among_events(events, accounts, in->n_rows, in->n_accounts, a);
	if (in->n_rows) {
		out->from = in->rows[0].day;
		out->to = in->rows[in->n_rows - 1].day;
	}
	if (out->n_events < CALIBRATE_MIN_EVENTS || out->n_lost < CALIBRATE_MIN_ACCOUNTS) {
		out->why = arena_printf(a, "only %" PRId64 " rows of %" PRId64 " accounts came before an event, below %d of "
		                           "%d: too few to learn from", out->n_events, out->n_lost, CALIBRATE_MIN_EVENTS,
		                        CALIBRATE_MIN_ACCOUNTS);
		return;
	}
	judge(in, a, out);
}

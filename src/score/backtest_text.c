#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "score/backtest.h"

/* What happened to the accounts, by engine. */
static const char *const what_happened[N_ENGINES] = { "lost or shrunk", "grown" };

static const char *real(struct arena *a, double value, int decimals)
{
	return isnan(value) ? "-" : arena_printf(a, "%.*f", decimals, value);
}

static const char *interval(struct arena *a, struct quality_interval in, int decimals)
{
	return isnan(in.low) ? "" : arena_printf(a, "[%.*f, %.*f]", decimals, in.low, decimals, in.high);
}

static void head_text(const struct backtest_report *r, struct arena *a, struct buf *out)
{
	const struct backtest_input *in = r->in;

	buf_printf(out, "%s replayed from %s to %s: %zu rows of %zu accounts on %zu days\n", r->rankers[0].name,
	           r->from == DAY_NONE ? "-" : day_text(a, r->from), r->to == DAY_NONE ? "-" : day_text(a, r->to), in->n,
	           r->n_accounts, r->n_days);
	buf_printf(out, "within %lld days %zu rows (%s %%) of %zu accounts were %s; scores by %s\n",
	           (long long)in->horizon_days, r->n_events, real(a, 100 * r->base_rate, 1), r->n_event_accounts,
	           what_happened[in->engine], in->weights);
	if (r->n_unknown)
		buf_printf(out, "%zu rows are of accounts that were not in the store on their day: they got the lowest score\n",
		           r->n_unknown);
	for (size_t i = 0; i < in->n_notes; i++)
		buf_printf(out, "%s\n", in->notes[i]);
	buf_printf(out, "\n%s\n", r->verdict);
}

static void rankers_text(const struct backtest_report *r, struct arena *a, struct buf *out)
{
	buf_printf(out, "\n%-26s %6s  %-16s %6s | top tenth: %9s %6s %5s\n", "ranking", "AUC", "95 %", "AP", "precision",
	           "recall", "lift");
	for (int i = 0; i <= N_NAIVE; i++) {
		const struct backtest_ranker *k = &r->rankers[i];

		buf_printf(out, "%-26s %6s  %-16s %6s | %20s %6s %5s  %s\n", k->name, real(a, k->auc, 3),
		           interval(a, k->auc_in, 3), real(a, k->average_precision, 3), real(a, k->top.precision, 3),
		           real(a, k->top.recall, 3), real(a, k->top.lift, 1), interval(a, k->lift_in, 1));
	}
	if (r->has_owners)
		buf_printf(out, "at the owners' capacity, of %.0f that were listed: precision %s, recall %s, lift %s\n",
		           r->owners.n_listed, real(a, r->owners.precision, 3), real(a, r->owners.recall, 3),
		           real(a, r->owners.lift, 1));
}

static void leads_text(const struct backtest_report *r, struct buf *out)
{
	if (!r->n_leads)
		return;
	buf_printf(out, "\n%-20s %8s %8s %8s\n", "seen ahead (top tenth)", "events", "seen", "chance");
	for (size_t i = 0; i < r->n_leads; i++) {
		const struct quality_ahead *seen = &r->leads[i].seen;

		buf_printf(out, "at least %3d days    %10zu %8.2f %8.2f\n", r->leads[i].days, seen->n_events,
		           (double)seen->n_seen / (double)seen->n_events, seen->chance);
	}
}

static void probabilities_text(const struct backtest_report *r, struct arena *a, struct buf *out)
{
	buf_printf(out, "\nBrier score %s, the base rate's %s: better by %s %s; calibration error %s\n",
	           real(a, r->brier, 4), real(a, r->brier_base, 4), real(a, r->brier_base - r->brier, 4),
	           interval(a, r->brier_gain_in, 4), real(a, r->calibration_error, 4));
	buf_printf(out, "%17s %8s %9s %7s\n", "said", "on mean", "happened", "rows");
	for (size_t i = 0; i < r->n_bins; i++) {
		const struct quality_bin *b = &r->bins[i];

		buf_printf(out, "%6.1f to %6.1f %% %7.1f%% %8.1f%% %7zu\n", 100 * b->low, 100 * b->high, 100 * b->mean,
		           100 * (double)b->n_events / (double)b->n, b->n);
	}
}

static void signals_text(const struct backtest_report *r, struct arena *a, struct buf *out)
{
	buf_printf(out, "\n%-24s %7s %7s %9s %5s %6s\n", "signal", "known", "speaks", "precision", "lift", "AUC");
	for (size_t i = 0; i < r->n_signals; i++) {
		const struct backtest_signal *s = &r->signals[i];

		buf_printf(out, "%-24s %6.1f%% %6.1f%% %9s %5s %6s\n", s->name,
		           100 * (double)s->n_known / (double)r->in->n, 100 * (double)s->n_speaks / (double)s->n_known,
		           real(a, s->precision, 3), real(a, s->lift, 1), real(a, s->auc, 3));
	}
}

static void groups_text(const char *title, const struct backtest_group *groups, size_t n, struct arena *a,
                        struct buf *out)
{
	if (n < 2)
		return;
	buf_printf(out, "\n%-24s %7s %7s %9s %6s  %-16s %5s\n", title, "rows", "events", "mean said", "AUC", "95 %",
	           "lift");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%-24s %7zu %6.1f%% %8.1f%% %6s  %-16s %5s\n", groups[i].name, groups[i].n,
		           100 * (double)groups[i].n_events / (double)groups[i].n, 100 * groups[i].mean_prob,
		           real(a, groups[i].auc, 3), interval(a, groups[i].auc_in, 3), real(a, groups[i].lift, 1));
}

void backtest_text(const struct backtest_report *r, struct arena *a, struct buf *out)
{
	head_text(r, a, out);
	if (!r->in->n)
		return;
	rankers_text(r, a, out);
	leads_text(r, out);
	probabilities_text(r, a, out);
	signals_text(r, a, out);
	groups_text("segment", r->segments, r->n_segments, a, out);
	groups_text("time", r->periods, r->n_periods, a, out);
	buf_text(out, "\nAUC: how often of two accounts, one that had the event and one that had not, the first is ranked "
	              "higher; 0.5 is chance. AP: average precision. Intervals hold 95 % of samples of the accounts. Lift: "
	              "how many times the usual share. A signal speaks at half its strength.\n");
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void interval_json(struct json_out *o, const char *key, struct quality_interval in)
{
	json_open_array(o, key);
	json_put_real(o, NULL, in.low, 6);
	json_put_real(o, NULL, in.high, 6);
	json_close_array(o);
}

static void list_json(struct json_out *o, const char *key, const struct quality_list *list)
{
	json_open_object(o, key);
	json_put_real(o, "listed", list->n_listed, 0);
	json_put_real(o, "precision", list->precision, 6);
	json_put_real(o, "recall", list->recall, 6);
	json_put_real(o, "lift", list->lift, 6);
	json_close_object(o);
}

static void rankers_json(const struct backtest_report *r, struct json_out *o)
{
	json_open_array(o, "rankings");
	for (int i = 0; i <= N_NAIVE; i++) {
		json_open_object(o, NULL);
		json_put_text(o, "name", r->rankers[i].name);
		json_put_real(o, "auc", r->rankers[i].auc, 6);
		interval_json(o, "auc_95", r->rankers[i].auc_in);
		json_put_real(o, "average_precision", r->rankers[i].average_precision, 6);
		list_json(o, "top_tenth", &r->rankers[i].top);
		interval_json(o, "lift_95", r->rankers[i].lift_in);
		json_close_object(o);
	}
	json_close_array(o);
	json_put_text(o, "best_naive", r->rankers[r->best_naive].name);
	interval_json(o, "auc_above_best_naive_95", r->gain_in);
	if (r->has_owners)
		list_json(o, "at_owners_capacity", &r->owners);
	json_open_array(o, "seen_ahead");
	for (size_t i = 0; i < r->n_leads; i++) {
		json_open_object(o, NULL);
		json_put_int(o, "days", r->leads[i].days);
		json_put_int(o, "events", (int64_t)r->leads[i].seen.n_events);
		json_put_int(o, "seen", (int64_t)r->leads[i].seen.n_seen);
		json_put_real(o, "chance", r->leads[i].seen.chance, 6);
		json_close_object(o);
	}
	json_close_array(o);
}

static void probabilities_json(const struct backtest_report *r, struct json_out *o)
{
	json_put_real(o, "brier", r->brier, 6);
	json_put_real(o, "brier_of_base_rate", r->brier_base, 6);
	interval_json(o, "brier_gain_95", r->brier_gain_in);
	json_put_real(o, "calibration_error", r->calibration_error, 6);
	json_open_array(o, "calibration");
	for (size_t i = 0; i < r->n_bins; i++) {
		json_open_object(o, NULL);
		json_put_int(o, "rows", (int64_t)r->bins[i].n);
		json_put_int(o, "events", (int64_t)r->bins[i].n_events);
		json_put_real(o, "low", r->bins[i].low, 6);
		json_put_real(o, "high", r->bins[i].high, 6);
		json_put_real(o, "mean", r->bins[i].mean, 6);
		json_close_object(o);
	}
	json_close_array(o);
}

static void groups_json(const char *key, const struct backtest_group *groups, size_t n, struct json_out *o)
{
	json_open_array(o, key);
	for (size_t i = 0; i < n; i++) {
		json_open_object(o, NULL);
		json_put_text(o, "name", groups[i].name);
		json_put_int(o, "rows", (int64_t)groups[i].n);
		json_put_int(o, "events", (int64_t)groups[i].n_events);
		json_put_real(o, "mean_probability", groups[i].mean_prob, 6);
		json_put_real(o, "auc", groups[i].auc, 6);
		interval_json(o, "auc_95", groups[i].auc_in);
		json_put_real(o, "lift", groups[i].lift, 6);
		json_close_object(o);
	}
	json_close_array(o);
}

void backtest_json(const struct backtest_report *r, struct arena *a, struct buf *out)
{
	struct json_out o = json_out_to(out);

	json_open_object(&o, NULL);
	json_put_text(&o, "engine", engine_names[r->in->engine]);
	json_put_text(&o, "weights", r->in->weights);
	json_put_int(&o, "horizon_days", r->in->horizon_days);
	json_put_text(&o, "from", r->from == DAY_NONE ? NULL : day_text(a, r->from));
	json_put_text(&o, "to", r->to == DAY_NONE ? NULL : day_text(a, r->to));
	json_put_int(&o, "rows", (int64_t)r->in->n);
	json_put_int(&o, "accounts", (int64_t)r->n_accounts);
	json_put_int(&o, "events", (int64_t)r->n_events);
	json_put_int(&o, "accounts_with_event", (int64_t)r->n_event_accounts);
	json_put_int(&o, "rows_not_in_store", (int64_t)r->n_unknown);
	json_put_real(&o, "base_rate", r->base_rate, 6);
	json_put_bool(&o, "beats_chance", r->beats_chance);
	json_put_bool(&o, "beats_naive", r->beats_naive);
	json_put_text(&o, "verdict", r->verdict);
	rankers_json(r, &o);
	probabilities_json(r, &o);
	json_open_array(&o, "signals");
	for (size_t i = 0; i < r->n_signals; i++) {
		json_open_object(&o, NULL);
		json_put_text(&o, "name", r->signals[i].name);
		json_put_int(&o, "known", (int64_t)r->signals[i].n_known);
		json_put_int(&o, "speaks", (int64_t)r->signals[i].n_speaks);
		json_put_real(&o, "precision", r->signals[i].precision, 6);
		json_put_real(&o, "lift", r->signals[i].lift, 6);
		json_put_real(&o, "auc", r->signals[i].auc, 6);
		json_close_object(&o);
	}
	json_close_array(&o);
	groups_json("segments", r->segments, r->n_segments, &o);
	groups_json("time", r->periods, r->n_periods, &o);
	json_close_object(&o);
}

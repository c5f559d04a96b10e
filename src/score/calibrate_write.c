#include <inttypes.h>

#include "score/calibrate.h"

static void write_day(struct arena *a, struct buf *out, const char *key, int32_t day)
{
	if (day != DAY_NONE)
		buf_printf(out, "  %s: %s\n", key, day_text(a, day));
}

static void write_quality(struct buf *out, const char *key, const struct calibrate_quality *q)
{
	buf_printf(out, "  %s: { auc: %.4f, log_loss: %.5f, brier: %.5f, ece: %.4f }\n", key, q->auc, q->log_loss, q->brier,
	           q->ece);
}

static void write_numbers(struct buf *out, const char *key, const double *numbers, int n)
{
	buf_printf(out, "      %s: [", key);
	for (int i = 0; i < n; i++)
		buf_printf(out, "%s%.10g", i ? ", " : " ", numbers[i]);
	buf_text(out, " ]\n");
}

static void write_curves(const struct calibrate_input *in, const struct calibration *c, struct buf *out)
{
	buf_text(out, "  signals:\n");
	for (size_t k = 0; k < in->n_signals; k++) {
		if (!c->curves[k].n)
			continue;
		buf_printf(out, "    %s:\n", in->signals[k].name);
		write_numbers(out, "at", c->curves[k].at, c->curves[k].n);
		write_numbers(out, "logit", c->curves[k].logit, c->curves[k].n);
	}
}

/* What is measured, for people: nothing reads it to judge. */
static void write_measures(const struct calibration *c, struct arena *a, struct buf *out)
{
	write_day(a, out, "from", c->from);
	write_day(a, out, "to", c->to);
	buf_printf(out, "  rows: %" PRId64 "\n  events: %" PRId64 "\n  accounts: %" PRId64 "\n  lost: %" PRId64 "\n",
	           c->n_rows, c->n_events, c->n_accounts, c->n_lost);
	if (c->judged_from == DAY_NONE)
		return;
	write_day(a, out, "judged_from", c->judged_from);
	buf_printf(out, "  judged_rows: %" PRId64 "\n  judged_events: %" PRId64 "\n", c->n_judged, c->n_judged_events);
	write_quality(out, "before", &c->before);
	write_quality(out, "after", &c->after);
	buf_printf(out, "  gain: [ %.5f, %.5f, %.5f ]\n", c->gain.mean, c->gain.low, c->gain.high);
}

void calibrate_write(const struct calibrate_input *in, const struct calibration *c, enum score_engine engine,
                     struct arena *a, struct buf *out)
{
	buf_printf(out, "%s:\n  fitted: %s\n  why: \"%s\"\n", engine_names[engine], c->is_fitted ? "true" : "false",
	           c->why);
	write_measures(c, a, out);
	if (!c->is_fitted)
		return;
	buf_printf(out, "  base: %.10g\n  family_cap: %.10g\n  total_relief: %.10g\n", c->base, c->family_cap,
	           c->total_relief);
	write_curves(in, c, out);
}

/* One window for people: where recurring revenue came from and went, as a waterfall, and the ratios. */
#include <inttypes.h>
#include <stdio.h>

#include "common/money.h"
#include "nrr_report.h"

enum { BAR_CELLS = 30 };

struct step {
	const char *what;
	int64_t minor;
	bool is_optional; /* left out when nothing happened */
};

static int cells_of(int64_t minor, int64_t most)
{
	return most > 0 && minor > 0 ? (int)((double)minor / (double)most * BAR_CELLS + 0.5) : 0;
}

/* One step of the waterfall: a bar from where the last one ended. */
static void print_step(struct arena *a, const struct step *step, int64_t from, int64_t to, int64_t most,
                       const char *currency)
{
	int64_t low = from < to ? from : to, high = from < to ? to : from;
	int begin = cells_of(low, most), end = cells_of(high, most);

	if (end == begin && high > low)
		end++;
	(void)printf("  %-13s %16s", step->what, money_text(a, step->minor, currency));
	if (end > begin)
		(void)printf("  %*s", begin, "");
	for (int i = begin; i < end; i++)
		(void)fputs(from > to ? "\u2591" : "\u2588", stdout);
	(void)putchar('\n');
}

static void print_waterfall(struct arena *a, const struct nrr_sums *s, const char *currency)
{
	const struct step steps[] = { { "new", s->added_minor, false }, { "expansion", s->expansion_minor, false },
		{ "reactivation", s->reactivation_minor, false }, { "exchange", s->fx_minor, true },
		{ "contraction", -s->contraction_minor, false }, { "churn", -s->churn_minor, false } };
	const struct step start = { "start", s->start_minor, false }, end = { "end", s->end_minor, false };
	const struct step residual = { "residual", nrr_residual(s), false };
	int64_t at = s->start_minor, most = at;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		most += steps[i].minor > 0 ? steps[i].minor : 0;
	print_step(a, &start, 0, s->start_minor, most, currency);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (steps[i].minor || !steps[i].is_optional)
			print_step(a, &steps[i], at, at + steps[i].minor, most, currency);
		at += steps[i].minor;
	}
	print_step(a, &end, 0, s->end_minor, most, currency);
	print_step(a, &residual, 0, 0, most, currency);
}

/* What is inside a step, where there is something to tell apart. */
static void print_parts(struct arena *a, const struct nrr_sums *s, const char *currency)
{
	if (s->cross_sell_minor)
		(void)printf("  of expansion: upsell %s, cross-sell %s\n",
		             money_text(a, s->expansion_minor - s->cross_sell_minor, currency),
		             money_text(a, s->cross_sell_minor, currency));
	if (s->involuntary_minor)
		(void)printf("  of churn: %s for want of payment\n", money_text(a, s->involuntary_minor, currency));
	if (s->free_minor)
		(void)printf("  of churn: %s went on to a free plan\n", money_text(a, s->free_minor, currency));
	if (s->returned_minor)
		(void)printf("  of the end: %s of accounts that had left within the window and came back\n",
		             money_text(a, s->returned_minor, currency));
}

static void print_ratios(struct arena *a, const struct nrr_window *w)
{
	const struct nrr_sums *s = &w->sums;
	const char *quick = nrr_quick_text(a, s, 2);

	if (w->why_none)
		(void)printf("  %s\n", w->why_none);
	else
		(void)printf("  net retention (NRR) %.1f %%   gross retention (GRR) %.1f %%   logos kept %.1f %% (%" PRId64
		             " of %" PRId64 ")\n", 100 * w->nrr, 100 * w->grr, 100 * w->logo, s->n_start - s->n_churned,
		             s->n_start);
	if (quick)
		(void)printf("  quick ratio %s (gained for each unit lost)\n", quick);
	else if (s->start_minor || s->end_minor)
		(void)puts("  no quick ratio: nothing was lost");
}

static void print_window(struct arena *a, const struct nrr_window *w, const char *currency)
{
	print_waterfall(a, &w->sums, currency);
	(void)putchar('\n');
	print_ratios(a, w);
	print_parts(a, &w->sums, currency);
}

int nrr_print_summary(struct nrr_report *r, struct err *err)
{
	struct arena *a = r->cli->arena;
	struct nrr_window w;
	struct nrr_usage_part usage;
	int has_usage;

	if (nrr_report_whole(&r->book, r->span, a, &w, err) < 0 || (has_usage = nrr_report_usage(r, &usage, err)) < 0)
		return -1;
	(void)printf("%s revenue per month, %s to %s\n\n", r->is_usage ? "Usage" : "Recurring", day_text(a, r->span.from),
	             day_text(a, r->span.to));
	print_window(a, &w, r->book.currency);
	if (has_usage) {
		/* It stands apart: nobody has committed to it, and it comes and goes with the season. */
		(void)puts("\nUsage revenue per month, which is not in the above\n");
		print_window(a, &usage.window, usage.currency);
	}
	nrr_print_footer(r);
	return 0;
}

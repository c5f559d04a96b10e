#include "nrr_pictures.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "nrr_steer.h"

enum { SHORT_MONTHS = 3, YEAR_MONTHS = 12, LEAST_POINTS = 4 };

struct picture_waterfall nrr_waterfall(const struct nrr_window *w, const char *currency, struct arena *a)
{
	const struct nrr_sums *s = &w->sums;
	const struct picture_step all[] = {
		{ "start", s->start_minor, true }, { "new", s->added_minor, false }, { "upsell", s->expansion_minor -
		s->cross_sell_minor, false }, { "cross-sell", s->cross_sell_minor, false },
		{ "reactivation", s->reactivation_minor, false }, { "contraction", -s->contraction_minor, false },
		{ "churn", -(s->churn_minor - s->involuntary_minor), false }, { "involuntary", -s->involuntary_minor, false },
		{ "exchange", s->fx_minor, false }, { "end", s->end_minor, true },
	};
	struct picture_step *steps = arena_array(a, ARRAY_LEN(all), sizeof *steps);
	size_t n = 0;

	/* What there is nothing of is only left out where most books have none. */
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].minor || (all[i].label[0] != 'e' && all[i].label[0] != 'i') || all[i].is_level)
			steps[n++] = all[i];
	return (struct picture_waterfall){ { "waterfall", "Recurring revenue per month",
	                                     arena_printf(a, "%s to %s", day_text(a, w->span.from),
	                                                  day_text(a, w->span.to)) },
		                               currency, steps, n };
}

/* Points of windows of so many months; returns how many are known, or -1. out_why: why the last is not. */
static int points_of(const struct book *b, int32_t to, int months, struct picture_point out[NRR_TREND_POINTS],
                     const char **out_why, struct arena *a, struct err *err)
{
	struct nrr_span spans[NRR_TREND_POINTS];
	struct nrr_table tables[N_NRR_BY];
	size_t first;
	int n_known = 0;

	for (int i = 0; i < NRR_TREND_POINTS; i++) {
		int32_t end = day_add_months(to, i + 1 - NRR_TREND_POINTS);

		spans[i] = (struct nrr_span){ day_add_months(end, -months), end };
	}
	if (nrr_compute_back(b, spans, NRR_TREND_POINTS, 1u << NRR_BY_ALL, a, tables, &first, err) < 0)
		return -1;
	*out_why = first == NRR_TREND_POINTS ? arena_strdup(a, err->text)
	                                     : tables[NRR_BY_ALL].rows[NRR_TREND_POINTS - 1 - first].why_none;
	for (size_t i = 0; i < NRR_TREND_POINTS; i++) {
		const struct nrr_window *w = i < first ? NULL : &tables[NRR_BY_ALL].rows[i - first];

		out[i] = (struct picture_point){ .on = spans[i].to };
		if (!w || w->why_none)
			continue;
		out[i] = (struct picture_point){ spans[i].to, true, w->nrr, w->grr };
		n_known++;
	}
	return n_known;
}

static struct picture_range range_of(const int64_t minor[N_FORECAST_QUANTILES], int64_t start)
{
	double of = (double)start;

	return (struct picture_range){ (double)minor[FORECAST_P10] / of, (double)minor[FORECAST_P50] / of,
		                           (double)minor[FORECAST_P90] / of };
}

static struct picture_ahead ahead_of(const struct forecast *f, int quarter)
{
	const struct forecast_quarter *q = &f->quarters[quarter - 1];

	return (struct picture_ahead){ q->to, range_of(q->end_minor, f->start_minor),
		                           range_of(q->kept_minor, f->start_minor) };
}

/* The year up to the end of each quarter, most of which has passed. */
static void go_on_year(struct picture_trend *t, const struct forecast *f, struct arena *a)
{
	struct picture_ahead *ahead = arena_array(a, (size_t)f->n_quarters, sizeof *ahead);

	t->n_ahead = 0;
	for (int i = 0; i < f->n_quarters; i++) {
		const struct forecast_quarter *q = &f->quarters[i];

		if (q->has_year)
			ahead[t->n_ahead++] = (struct picture_ahead){ q->to, range_of(q->year_end_minor, q->year_start_minor),
				                                          range_of(q->year_kept_minor, q->year_start_minor) };
	}
	t->ahead = ahead;
}

/* A window of so many months that begins today ends with one of the quarters. */
static void go_on(struct picture_trend *t, const struct forecast *f, int months, struct arena *a)
{
	struct picture_ahead *ahead = arena_alloc(a, sizeof *ahead);

	if (months == YEAR_MONTHS) {
		go_on_year(t, f, a);
		return;
	}
	if (months % SHORT_MONTHS || months / SHORT_MONTHS > f->n_quarters)
		return;
	*ahead = ahead_of(f, months / SHORT_MONTHS);
	t->ahead = ahead;
	t->n_ahead = 1;
}

struct picture_trend nrr_cone(const struct forecast *f, struct arena *a)
{
	struct picture_point *now = arena_alloc(a, sizeof *now);
	int n = f->why_none ? 0 : f->n_quarters;
	struct picture_ahead *ahead = arena_array(a, (size_t)n, sizeof *ahead);

	*now = (struct picture_point){ f->on, true, 1, 1 };
	for (int i = 0; i < n; i++)
		ahead[i] = ahead_of(f, i + 1);
	return (struct picture_trend){ { "forecast", "What today's accounts will pay",
	                                 arena_printf(a, "of what they pay on %s", day_text(a, f->on)) }, now, 1, ahead,
		                           (size_t)n, f->why_none };
}

int nrr_trend(const struct book *b, struct nrr_span span, const struct forecast *f, struct arena *a,
              struct picture_trend *out, struct err *err)
{
	struct picture_point *points = arena_array(a, NRR_TREND_POINTS, sizeof *points);
	int months = 1, n_known, first = 0;
	const char *why;

	while (day_add_months(span.to, -months) > span.from)
		months++;
	n_known = points_of(b, span.to, months, points, &why, a, err);
	if (n_known >= 0 && n_known < LEAST_POINTS && months > SHORT_MONTHS) {
		months = SHORT_MONTHS;
		n_known = points_of(b, span.to, months, points, &why, a, err);
	}
	if (n_known < 0)
		return -1;
	while (first + 1 < NRR_TREND_POINTS && !points[first].is_known)
		first++;
	*out = (struct picture_trend){ .head = { "trend", "NRR and GRR", arena_printf(a, "of the %d month%s up to each day",
	                                                                             months, months == 1 ? "" : "s") },
		.points = points + first, .n = (size_t)(NRR_TREND_POINTS - first), .why_none = n_known ? NULL : why };
	if (f && !f->why_none && f->on == span.to)
		go_on(out, f, months, a);
	return 0;
}

/* Cohorts of one row: months, quarters or years, as few months a row as fit. */
static int months_of_row(const struct cohorts *c)
{
	int32_t months = 0;

	while (c->n && day_add_months(c->rows[0].month, months) <= c->rows[c->n - 1].month)
		months++;
	return months <= PICTURE_MAX_ROWS ? 1 : months <= 3 * PICTURE_MAX_ROWS ? 3 : 12;
}

static const char *row_name(struct arena *a, int32_t month, int months)
{
	int year, number, day;

	day_split(month, &year, &number, &day);
	if (months == 12)
		return arena_printf(a, "%d", year);
	return months == 3 ? arena_printf(a, "%d Q%d", year, (number + 2) / 3) : arena_printf(a, "%d-%02d", year, number);
}

/* What cohorts[0 .. n) have together paid after k months, of what they began with; NAN: one of them is too young. */
static double paid_after(const struct cohort *cohorts, size_t n, size_t k)
{
	int64_t start = 0, paid = 0;

	for (size_t i = 0; i < n; i++) {
		if (k >= cohorts[i].n_cells)
			return NAN;
		start += cohorts[i].start_minor;
		paid += cohorts[i].cells[k].paid_minor;
	}
	return (double)paid / (double)start;
}

static const int marks[] = { 1, 2, 3, 6, 9, 12, 18, 24, 36, 48, 60 };

static void add_rows(const struct cohorts *c, struct arena *a, struct picture_heat *out)
{
	const char **rows = arena_array(a, c->n, sizeof *rows);
	double *cells = arena_array(a, c->n * out->n_columns, sizeof *cells);
	int months = months_of_row(c);

	for (size_t i = 0, end; i < c->n; i = end) {
		rows[out->n_rows] = row_name(a, c->rows[i].month, months);
		for (end = i + 1; end < c->n && strcmp(row_name(a, c->rows[end].month, months), rows[out->n_rows]) == 0; end++)
			;
		for (size_t k = 0; k < out->n_columns; k++)
			cells[out->n_rows * out->n_columns + k] = paid_after(&c->rows[i], end - i, (size_t)marks[k]);
		out->n_rows++;
	}
	out->rows = rows;
	out->cells = cells;
}

int nrr_heat(const struct book *b, int32_t as_of, struct arena *a, struct picture_heat *out, const char **why_none,
             struct err *err)
{
	struct picture_heat heat = { .head = { "cohorts", "NRR by begin of revenue", "percent of what was paid at first" },
		.row_title = "began in", .column_title = "months since" };
	const char **columns = arena_array(a, ARRAY_LEN(marks), sizeof *columns);
	struct cohorts cohorts;

	*out = heat;
	if (cohorts_make(b, as_of, a, &cohorts, err) < 0) {
		*why_none = arena_printf(a, "%s.", err->text);
		return err->kind == ERR_CONFIG ? 0 : -1;
	}
	for (; heat.n_columns < ARRAY_LEN(marks) && (size_t)marks[heat.n_columns] < cohorts.most_cells; heat.n_columns++)
		columns[heat.n_columns] = arena_printf(a, "%d", marks[heat.n_columns]);
	*why_none = cohorts.n ? "insufficient history: no account began to pay a month ago or earlier"
	                      : "insufficient history: of no account the first day of revenue is known";
	if (!cohorts.n || !heat.n_columns)
		return 0;
	heat.columns = columns;
	add_rows(&cohorts, a, &heat);
	*out = heat;
	return 1;
}

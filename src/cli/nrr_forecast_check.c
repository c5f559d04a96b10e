#include "nrr_forecast.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "score/forecast_check.h"
#include "store/outcomes.h"

enum {
	YEAR = 12,
	MOST_CASES = 40, /* ten years of quarters: each loads the book as it was known, a second for 100,000 accounts */
	FEW_CASES = 12, /* with fewer windows that do not overlap they are taken month by month */
};

struct checking {
	struct nrr_report *report; /* what is known now: what happened */
	struct book now;           /* the same, point to point */
	int months;                /* of a window */
	struct forecast_said *stored; size_t n_stored;
	struct forecast_case *cases; size_t n;
	size_t n_other;            /* stored forecasts made by another policy or in another currency */
	bool is_rolling, is_cut;   /* is_cut: windows before the latest MOST_CASES are left out */
};

/* The days of which to foretell, latest first: firsts of months whose window is over. */
static size_t case_days(struct checking *c, int32_t until, int32_t *out)
{
	const struct book *b = &c->now;
	int32_t *firsts;
	size_t n = nrr_months(b, c->report->cli->arena, &firsts), last = n, first, step = (size_t)c->months, n_days = 0;

	for (first = 0; first < n && (firsts[first] < b->first_on ||
	                              firsts[first] < day_add_months(b->first_on, FORECAST_MIN_MONTHS)); first++)
		continue;
	while (last > 0 && day_add_months(firsts[last - 1], c->months) > until)
		last--;
	c->is_rolling = last < first + FEW_CASES * step;
	for (size_t i = last; i > first; i -= c->is_rolling ? 1 : step) {
		c->is_cut = n_days == MOST_CASES;
		if (c->is_cut)
			break;
		out[n_days++] = firsts[i - 1];
		if (i - first <= step && !c->is_rolling)
			break;
	}
	return n_days;
}

static int windows_of(const struct book *b, const struct nrr_span *spans, size_t n, struct arena *a,
                      struct nrr_window **out, struct err *err)
{
	struct nrr_table tables[N_NRR_BY];

	if (nrr_compute(b, &(struct nrr_query){ spans, n, 1u << NRR_BY_ALL }, a, tables, err) < 0)
		return -1;
	*out = tables[NRR_BY_ALL].rows;
	return 0;
}

/* The windows of the same length that ended in the year before, monthly. */
static int add_naive(const struct checking *c, const struct book *then, struct arena *a,
                     struct forecast_case *out, struct err *err)
{
	struct nrr_span spans[YEAR];
	struct nrr_window *windows;
	size_t n = 0;

	for (int ago = 0; ago < YEAR; ago++) {
		int32_t to = day_add_months(out->on, -ago);

		if (day_add_months(to, -c->months) >= then->first_on)
			spans[n++] = (struct nrr_span){ day_add_months(to, -c->months), to };
	}
	if (n && windows_of(then, spans, n, a, &windows, err) < 0)
		return -1;
	out->has_naive = n && forecast_naive(windows, n, a, &out->naive);
	return 0;
}

static const struct forecast_said *stored_on(const struct checking *c, int32_t day)
{
	for (size_t i = 0; i < c->n_stored; i++)
		if (c->stored[i].on == day)
			return &c->stored[i];
	return NULL;
}

/* The book as it was known on a day. */
static int book_then(const struct checking *c, int32_t day, struct arena *a, struct revenue *facts, struct book *out,
                     struct err *err)
{
	const struct nrr_report *r = c->report;
	const char *currency = r->session->org->currency;
	const struct book_query query = { .revenue = r->is_usage ? BOOK_USAGE : BOOK_COMMITTED, .currency = currency,
		.only = cli_option(r->cli, "currency") };

	if (revenue_load(r->session->db, &(struct revenue_query){ day, currency }, a, facts, err) < 0)
		return -1;
	return book_make(facts, c->now.policy, &query, a, out, err);
}

/* 1 a case, 0 nothing could be said of that day. */
static int foretell_then(struct checking *c, int32_t day, struct forecast_case *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct forecast_said *stored = stored_on(c, day);
	struct forecast_said said;
	struct revenue facts;
	struct book then;
	struct forecast f;

	if (book_then(c, day, a, &facts, &then, err) < 0)
		return err_in(err, "as of %s", day_text(a, day));
	if (stored) {
		said = *stored;
	} else {
		if (nrr_foretell(c->report->session, &then, c->months / 3, a, &f, err) < 0)
			return err_in(err, "as of %s", day_text(a, day));
		if (f.why_none)
			return 0;
		said = nrr_said(&then, &f, c->months / 3, a);
	}
	*out = (struct forecast_case){ .on = day, .to = said.to, .was_stored = stored != NULL,
		.said = forecast_ratios_of(&said) };
	return add_naive(c, &then, a, out, err) < 0 ? -1 : 1;
}

/* 1 and what happened, 0 when there is nothing to compare with. */
static int add_truth(const struct checking *c, struct forecast_case *out, struct err *err)
{
	struct nrr_span span = { out->on, out->to };
	struct nrr_window *w;

	if (windows_of(&c->now, &span, 1, c->report->cli->arena, &w, err) < 0)
		return -1;
	out->nrr = w->nrr;
	out->grr = w->grr;
	return w->why_none ? 0 : 1;
}

static int add_cases(struct checking *c, const int32_t *days, size_t n, struct err *err)
{
	c->cases = arena_array(c->report->cli->arena, n + 1, sizeof *c->cases);
	for (size_t i = n; i > 0; i--) {
		int rc = foretell_then(c, days[i - 1], &c->cases[c->n], err);

		if (isatty(STDERR_FILENO))
			(void)fprintf(stderr, "\rforetold %s%s", day_text(c->report->cli->arena, days[i - 1]), i > 1 ? "" : "\n");
		if (rc > 0)
			rc = add_truth(c, &c->cases[c->n], err);
		if (rc < 0)
			return -1;
		c->n += rc > 0;
	}
	return 0;
}

/* Stored forecasts count where they were made by the rules and in the currency of today; usage has none. */
static int load_stored(struct checking *c, struct err *err)
{
	const struct nrr_report *r = c->report;
	const char *hash = nrr_policy_hash(r->policy, r->cli->arena);
	size_t n = 0;

	if (r->is_usage || cli_option(r->cli, "currency"))
		return 0;
	if (forecasts_load(r->session->db, c->months / 3, r->session->as_of, r->cli->arena, &c->stored, &c->n_stored,
	                   err) < 0)
		return -1;
	for (size_t i = 0; i < c->n_stored; i++) {
		if (strcmp(c->stored[i].policy_hash, hash) == 0 && strcmp(c->stored[i].currency, c->now.currency) == 0)
			c->stored[n++] = c->stored[i];
		else
			c->n_other++;
	}
	c->n_stored = n;
	return 0;
}

/* printing --------------------------------------------------------------------------------------------------------- */

static const struct table_column people_columns[] = {
	{ "of", false }, { "until", false }, { "NRR p10", true }, { "p50", true }, { "p90", true }, { "happened", true },
	{ "", false }, { "GRR p10", true }, { "p50", true }, { "p90", true }, { "happened", true }, { "", false },
	{ "said", false },
};

static const char *verdict(const double said[N_FORECAST_QUANTILES], double truth)
{
	return truth < said[FORECAST_P10] ? "below" : truth > said[FORECAST_P90] ? "above" : "within";
}

static const char *percent(struct arena *a, double ratio)
{
	return arena_printf(a, "%.1f %%", 100 * ratio);
}

static void people_row(struct table *t, const struct forecast_case *x, struct arena *a)
{
	const char *cells[ARRAY_LEN(people_columns)] = { day_text(a, x->on), day_text(a, x->to) };

	for (int i = 0; i < N_FORECAST_QUANTILES; i++) {
		cells[2 + i] = percent(a, x->said.nrr[i]);
		cells[7 + i] = percent(a, x->said.grr[i]);
	}
	cells[5] = percent(a, x->nrr);
	cells[6] = verdict(x->said.nrr, x->nrr);
	cells[10] = percent(a, x->grr);
	cells[11] = verdict(x->said.grr, x->grr);
	cells[12] = x->was_stored ? "as stored" : "as would have been said";
	table_row(t, cells);
}

static void print_quality(const struct checking *c)
{
	struct forecast_quality q;

	forecast_judge(c->cases, c->n, &q);
	(void)printf("\np10..p90 held what happened in %zu of %zu windows for NRR (%.0f %%), in %zu for GRR (%.0f %%); "
	             "expected: 80 %%\n", q.n_nrr_within, q.n, 100 * (double)q.n_nrr_within / (double)q.n, q.n_grr_within,
	             100 * (double)q.n_grr_within / (double)q.n);
	if (q.n_naive)
		(void)printf("Pinball loss in points (less is better): NRR %.2f, GRR %.2f; the ratios of the year before as a "
		             "forecast: %.2f, %.2f\n", 100 * q.nrr_loss, 100 * q.grr_loss, 100 * q.naive_nrr_loss,
		             100 * q.naive_grr_loss);
	if (q.n_naive && q.n_naive < q.n)
		(void)printf("Losses are of the %zu windows before which one of the same length was over\n", q.n_naive);
	if (c->is_rolling)
		(void)printf("Few windows are over, so they begin month by month and overlap\n");
	if (c->is_cut)
		(void)printf("Earlier windows than the latest %d are left out\n", MOST_CASES);
	if (c->n_other)
		(void)printf("%zu stored forecasts followed another policy or currency: those days are said again\n",
		             c->n_other);
}

/* NULL: there are cases. */
static const char *why_none(const struct checking *c)
{
	return c->n ? NULL : arena_printf(c->report->cli->arena, "insufficient history: no window of %d months is over of "
	                                  "whose first day a forecast can be made", c->months);
}

static void print_people(const struct checking *c)
{
	struct arena *a = c->report->cli->arena;
	struct table *t = table_new(a, people_columns, ARRAY_LEN(people_columns));

	if (c->n == 0) {
		(void)puts(why_none(c));
	} else {
		(void)printf("Forecasts of %d months against what happened\n\n", c->months);
		for (size_t i = 0; i < c->n; i++)
			people_row(t, &c->cases[i], a);
		table_print(t, FORMAT_TABLE);
		print_quality(c);
	}
	nrr_print_footer(c->report);
}

static const struct table_column csv_columns[] = {
	{ "on_date", false }, { "to_date", false }, { "window_months", true }, { "was_stored", true }, { "nrr_p10", true },
	{ "nrr_p50", true }, { "nrr_p90", true }, { "nrr", true }, { "grr_p10", true }, { "grr_p50", true },
	{ "grr_p90", true }, { "grr", true }, { "naive_nrr_p10", true }, { "naive_nrr_p50", true },
	{ "naive_nrr_p90", true },
	{ "naive_grr_p10", true }, { "naive_grr_p50", true }, { "naive_grr_p90", true },
};

static void print_csv(const struct checking *c)
{
	struct arena *a = c->report->cli->arena;
	struct table *t = table_new(a, csv_columns, ARRAY_LEN(csv_columns));

	for (size_t k = 0; k < c->n; k++) {
		const struct forecast_case *x = &c->cases[k];
		const char *cells[ARRAY_LEN(csv_columns)] = { day_text(a, x->on), day_text(a, x->to), cell_int(a, c->months),
			x->was_stored ? "1" : "0" };

		for (int i = 0; i < N_FORECAST_QUANTILES; i++) {
			cells[4 + i] = arena_printf(a, "%.6f", x->said.nrr[i]);
			cells[8 + i] = arena_printf(a, "%.6f", x->said.grr[i]);
			cells[12 + i] = x->has_naive ? arena_printf(a, "%.6f", x->naive.nrr[i]) : NULL;
			cells[15 + i] = x->has_naive ? arena_printf(a, "%.6f", x->naive.grr[i]) : NULL;
		}
		cells[7] = arena_printf(a, "%.6f", x->nrr);
		cells[11] = arena_printf(a, "%.6f", x->grr);
		table_row(t, cells);
	}
	table_print(t, FORMAT_CSV);
	nrr_note_reason(why_none(c));
	nrr_note_policy(c->report);
}

static void put_real(struct json_out *o, struct arena *a, const char *name, double value)
{
	json_put_raw(o, name, arena_printf(a, "%.17g", value));
}

static void put_ratios(struct json_out *o, struct arena *a, const char *name, const double ratios[N_FORECAST_QUANTILES])
{
	static const char *const names[N_FORECAST_QUANTILES] = { "p10", "p50", "p90" };

	json_open_object(o, name);
	for (int i = 0; i < N_FORECAST_QUANTILES; i++)
		put_real(o, a, names[i], ratios[i]);
	json_close_object(o);
}

static void put_case(struct json_out *o, struct arena *a, const struct forecast_case *x)
{
	json_open_object(o, NULL);
	json_put_text(o, "on_date", day_text(a, x->on));
	json_put_text(o, "to_date", day_text(a, x->to));
	json_put_text(o, "said", x->was_stored ? "as stored" : "as would have been said");
	put_ratios(o, a, "nrr_forecast", x->said.nrr);
	put_real(o, a, "nrr", x->nrr);
	put_ratios(o, a, "grr_forecast", x->said.grr);
	put_real(o, a, "grr", x->grr);
	if (x->has_naive) {
		put_ratios(o, a, "nrr_naive", x->naive.nrr);
		put_ratios(o, a, "grr_naive", x->naive.grr);
	}
	json_close_object(o);
}

static void print_json(const struct checking *c)
{
	struct arena *a = c->report->cli->arena;
	struct forecast_quality q;
	struct nrr_json j;
	struct json_out *o = &j.out;

	forecast_judge(c->cases, c->n, &q);
	nrr_json_open(&j, c->report, "forecast_check");
	json_put_int(o, "window_months", c->months);
	json_put_int(o, "windows", (int64_t)q.n);
	json_put_text(o, "reason", why_none(c));
	json_put_bool(o, "windows_overlap", c->is_rolling);
	json_put_bool(o, "earlier_windows_left_out", c->is_cut);
	json_put_int(o, "nrr_within", (int64_t)q.n_nrr_within);
	json_put_int(o, "grr_within", (int64_t)q.n_grr_within);
	json_put_int(o, "windows_with_naive", (int64_t)q.n_naive);
	if (q.n_naive) {
		put_real(o, a, "nrr_loss", q.nrr_loss);
		put_real(o, a, "grr_loss", q.grr_loss);
		put_real(o, a, "naive_nrr_loss", q.naive_nrr_loss);
		put_real(o, a, "naive_grr_loss", q.naive_grr_loss);
	}
	json_open_array(o, "forecasts");
	for (size_t i = 0; i < c->n; i++)
		put_case(o, a, &c->cases[i]);
	json_close_array(o);
	nrr_json_close(&j);
}

int nrr_check_forecasts(struct nrr_report *r, int n_quarters, struct err *err)
{
	static void (*const prints[])(const struct checking *) = {
		[FORMAT_TABLE] = print_people, [FORMAT_CSV] = print_csv, [FORMAT_JSON] = print_json
	};
	struct nrr_policy policy = nrr_forecast_policy(r->policy);
	struct checking c = { .report = r, .now = r->book, .months = 3 * n_quarters };
	int32_t days[MOST_CASES], until;

	c.now.policy = &policy;
	if (load_stored(&c, err) < 0 || outcomes_last_fact(r->session->db, r->session->as_of, &until, err) < 0)
		return -1;
	until = c.now.last_on > until ? c.now.last_on : until;
	if (add_cases(&c, days, case_days(&c, until, days), err) < 0)
		return -1;
	prints[r->cli->format](&c);
	return 0;
}

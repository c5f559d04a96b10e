/* Windows as rows: every month, or the groups of one window. */
#include <stdio.h>

#include "common/money.h"
#include "nrr_report.h"
#include "score/picture.h"

/* The columns of programs: amounts in minor units, ratios with six decimals. The first is left out where there is no
 * group; those behind the ratios stand in CSV of groups alone, so that the months keep their published columns. */
static const struct table_column csv_columns[] = {
	{ "group", false }, { "window_months", true }, { "from_date", false }, { "to_date", false },
	{ "start_accounts", true }, { "churned_accounts", true }, { "start_mrr", true }, { "churn_mrr", true },
	{ "contraction_mrr", true }, { "expansion_mrr", true }, { "new_mrr", true }, { "reactivation_mrr", true },
	{ "end_mrr", true }, { "nrr", true }, { "grr", true }, { "logo_retention", true }, { "end_accounts", true },
	{ "quick_ratio", true }, { "upsell_mrr", true }, { "cross_sell_mrr", true }, { "involuntary_churn_mrr", true },
	{ "free_plan_churn_mrr", true }, { "fx_mrr", true }, { "returned_mrr", true }, { "currency", false },
	{ "method", false }, { "policy_hash", false }, { "reason", false },
};

enum { N_CSV = ARRAY_LEN(csv_columns), N_PUBLISHED = 16 };

enum { MAX_PEOPLE = 16, MAX_TREND_BYTES = 1 << 16 };

static bool has_groups(const struct nrr_report *r)
{
	return r->by != NRR_BY_ALL;
}

static const char *ratio_text(struct arena *a, const struct nrr_window *w, double ratio)
{
	return w->why_none ? "" : arena_printf(a, "%.6f", ratio);
}

/* What people see of a window: of a report without groups no group, in one currency no exchange. */
static int people_cells(const struct nrr_report *r, const struct nrr_window *w, const char *group,
                        struct table_column columns[MAX_PEOPLE], const char *cells[MAX_PEOPLE])
{
	struct arena *a = r->cli->arena;
	const struct nrr_sums *s = &w->sums;
	const char *currency = r->book.currency, *quick = nrr_quick_text(a, s, 2);
	const struct {
		struct table_column column;
		bool is_left_out;
		const char *text;
	} all[MAX_PEOPLE] = {
		{ { "group", false }, !has_groups(r), group },
		{ { "from", false }, false, day_text(a, w->span.from) },
		{ { "to", false }, false, day_text(a, w->span.to) },
		{ { "accounts", true }, false, cell_int(a, s->n_start) },
		{ { "start", true }, false, money_text(a, s->start_minor, currency) },
		{ { "new", true }, false, money_text(a, s->added_minor, currency) },
		{ { "expansion", true }, false, money_text(a, s->expansion_minor, currency) },
		{ { "reactivation", true }, false, money_text(a, s->reactivation_minor, currency) },
		{ { "exchange", true }, r->book.n_currencies <= 1, money_text(a, s->fx_minor, currency) },
		{ { "contraction", true }, false, money_text(a, -s->contraction_minor, currency) },
		{ { "churn", true }, false, money_text(a, -s->churn_minor, currency) },
		{ { "end", true }, false, money_text(a, s->end_minor, currency) },
		{ { "NRR", true }, false, nrr_percent(a, w, w->nrr) },
		{ { "GRR", true }, false, nrr_percent(a, w, w->grr) },
		{ { "logos", true }, false, nrr_percent(a, w, w->logo) },
		{ { "quick ratio", true }, false, quick ? quick : "-" },
	};
	int n = 0;

	for (size_t i = 0; i < MAX_PEOPLE; i++) {
		if (all[i].is_left_out)
			continue;
		columns[n] = all[i].column;
		cells[n++] = all[i].text;
	}
	return n;
}

static struct table *new_table(const struct nrr_report *r)
{
	struct table_column *columns = arena_array(r->cli->arena, MAX_PEOPLE, sizeof *columns);
	const struct nrr_window none = { 0 };
	const char *cells[MAX_PEOPLE];
	int skip = !has_groups(r);

	if (r->cli->format == FORMAT_TABLE)
		return table_new(r->cli->arena, columns, people_cells(r, &none, NULL, columns, cells));
	return table_new(r->cli->arena, csv_columns + skip, (has_groups(r) ? N_CSV : N_PUBLISHED) - skip);
}

static void csv_row(const struct nrr_report *r, struct table *t, const struct nrr_window *w, int months)
{
	struct arena *a = r->cli->arena;
	const struct nrr_sums *s = &w->sums;
	const char *cells[N_CSV] = { w->group, cell_int(a, months), day_text(a, w->span.from), day_text(a, w->span.to),
		cell_int(a, s->n_start), cell_int(a, s->n_churned), cell_int(a, s->start_minor), cell_int(a, s->churn_minor),
		cell_int(a, s->contraction_minor), cell_int(a, s->expansion_minor), cell_int(a, s->added_minor),
		cell_int(a, s->reactivation_minor), cell_int(a, s->end_minor), ratio_text(a, w, w->nrr),
		ratio_text(a, w, w->grr), ratio_text(a, w, w->logo), cell_int(a, s->n_end), nrr_quick_text(a, s, 6),
		cell_int(a, s->expansion_minor - s->cross_sell_minor), cell_int(a, s->cross_sell_minor),
		cell_int(a, s->involuntary_minor), cell_int(a, s->free_minor), cell_int(a, s->fx_minor),
		cell_int(a, s->returned_minor), r->book.currency, nrr_method_text(r->policy),
		nrr_policy_hash(r->policy, a), w->why_none };

	if (has_groups(r) || !w->why_none)
		table_row(t, cells + !has_groups(r));
}

static void people_row(const struct nrr_report *r, struct table *t, const struct nrr_window *w, const char *group)
{
	struct table_column columns[MAX_PEOPLE];
	const char *cells[MAX_PEOPLE];

	(void)people_cells(r, w, group, columns, cells);
	table_row(t, cells);
}

static const char *why_no_window(const struct nrr_report *r)
{
	return r->book.n_pieces ? "insufficient history: no window between two firsts of months is whole"
	                        : "insufficient history: no recurring revenue is known";
}

/* Behind the frame of a JSON report: all windows. months: of each; NULL: of all the same. */
static void put_windows(struct nrr_json *j, const struct nrr_report *r, const struct nrr_table *t, const int *months)
{
	json_put_text(&j->out, "reason", t->n ? NULL : why_no_window(r));
	json_open_array(&j->out, "windows");
	for (size_t i = 0; i < t->n; i++) {
		nrr_json_window(&j->out, r, NULL, &t->rows[i], months ? months[i] : r->window);
		nrr_json_flush(j);
	}
	json_close_array(&j->out);
}

/* Why there are windows without a ratio, once: nobody reads the same reason for each of twelve months. none: why there
 * is no window at all. */
static void tell_missing(const struct nrr_report *r, const struct nrr_table *t, const char *none)
{
	const char *reason = none;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->rows[i].why_none && n++ == 0)
			reason = t->rows[i].why_none;
	}
	if (!n && t->n)
		return;
	if (n == t->n)
		(void)fprintf(r->cli->format == FORMAT_TABLE ? stdout : stderr, "%s\n", reason);
	else if (r->cli->format == FORMAT_TABLE)
		(void)printf("%zu of %zu have no ratio, the first: %s\n", n, t->n, reason);
}

/* Months ----------------------------------------------------------------------------------------------------------- */

/* The windows between firsts of months in the data: of the length asked for, else of one month and of twelve. */
static size_t month_spans(const struct nrr_report *r, struct nrr_span **out, int **out_months)
{
	const int lengths[] = { r->has_window ? r->window : 1, r->has_window ? 0 : 12 };
	struct arena *a = r->cli->arena;
	int32_t *days;
	size_t n_days = nrr_months(&r->book, a, &days), n = 0;

	while (n_days && days[n_days - 1] > r->span.to)
		n_days--;
	*out = arena_array(a, 2 * n_days + 1, sizeof **out);
	*out_months = arena_array(a, 2 * n_days + 1, sizeof **out_months);
	for (size_t l = 0; l < ARRAY_LEN(lengths); l++)
		for (size_t i = 0; lengths[l] && i + (size_t)lengths[l] < n_days; i++) {
			(*out_months)[n] = lengths[l];
			(*out)[n++] = (struct nrr_span){ days[i], days[i + (size_t)lengths[l]] };
		}
	return n;
}

/* How the longest windows went, in two lines. */
static void print_trend(const struct nrr_report *r, const struct nrr_table *t, const int *months)
{
	CLEANUP(buf_done) struct buf text;
	struct arena *a = r->cli->arena;
	struct picture_point *points = arena_array(a, t->n, sizeof *points);
	struct picture_trend trend = { .points = points };

	for (size_t i = 0; i < t->n; i++)
		if (months[i] == r->window)
			points[trend.n++] = (struct picture_point){ .on = t->rows[i].span.to, .is_known = !t->rows[i].why_none,
				.nrr = t->rows[i].nrr, .grr = t->rows[i].grr };
	buf_init(&text, MAX_TREND_BYTES);
	picture_trend_text(&trend, a, &text);
	if (text.len)
		(void)printf("\n%d-month windows:\n%s", r->window, text.at);
}

static int print_months(struct nrr_report *r, struct err *err)
{
	struct nrr_table tables[N_NRR_BY] = { { 0 } }, *t = &tables[NRR_BY_ALL];
	struct nrr_query query = { .by = 1u << NRR_BY_ALL };
	struct nrr_span *spans;
	struct table *out;
	int *months;

	query.n_spans = month_spans(r, &spans, &months);
	query.spans = spans;
	if (query.n_spans && nrr_compute(&r->book, &query, r->cli->arena, tables, err) < 0)
		return -1;
	if (r->cli->format == FORMAT_JSON) {
		struct nrr_json j;

		nrr_json_open(&j, r, "windows");
		json_put_text(&j.out, "by", "month");
		put_windows(&j, r, t, months);
		nrr_json_close(&j);
		return 0;
	}
	out = new_table(r);
	for (size_t i = 0; i < t->n; i++) {
		if (r->cli->format == FORMAT_CSV)
			csv_row(r, out, &t->rows[i], months[i]);
		else if (!t->rows[i].why_none)
			people_row(r, out, &t->rows[i], NULL);
	}
	table_print(out, r->cli->format);
	if (r->cli->format == FORMAT_TABLE)
		print_trend(r, t, months);
	tell_missing(r, t, why_no_window(r));
	return 0;
}

/* Groups ----------------------------------------------------------------------------------------------------------- */

/* Of no group there is usage revenue beside it; of owners, who is in nobody's book. */
static int print_groups_json(const struct nrr_report *r, const struct nrr_table *t, const struct nrr_window *whole,
                             struct err *err)
{
	struct nrr_usage_part usage;
	int has_usage = has_groups(r) ? 0 : nrr_report_usage(r, &usage, err);
	struct nrr_json j;

	if (has_usage < 0)
		return -1;
	nrr_json_open(&j, r, "windows");
	json_put_text(&j.out, "by", nrr_by_names[r->by]);
	if (has_groups(r))
		nrr_json_window(&j.out, r, "whole", whole, r->window);
	if (has_usage) {
		json_put_text(&j.out, "usage_currency", usage.currency);
		nrr_json_window(&j.out, r, "usage", &usage.window, r->window);
	}
	put_windows(&j, r, t, NULL);
	if (r->by == NRR_BY_OWNER && nrr_print_excluded(r, &j, err) < 0) {
		buf_done(&j.text);
		return -1;
	}
	nrr_json_close(&j);
	return 0;
}

static int print_groups(struct nrr_report *r, struct err *err)
{
	struct nrr_query query = { .spans = &r->span, .n_spans = 1, .by = 1u << NRR_BY_ALL | 1u << r->by };
	struct nrr_table tables[N_NRR_BY], *t = &tables[r->by];
	const struct nrr_window *whole;
	struct table *out;

	if (nrr_compute(&r->book, &query, r->cli->arena, tables, err) < 0)
		return -1;
	whole = &tables[NRR_BY_ALL].rows[0];
	if (r->cli->format == FORMAT_JSON)
		return print_groups_json(r, t, whole, err);
	out = new_table(r);
	for (size_t i = 0; i < t->n; i++) {
		if (r->cli->format == FORMAT_CSV)
			csv_row(r, out, &t->rows[i], r->window);
		else
			people_row(r, out, &t->rows[i], t->rows[i].group);
	}
	if (r->cli->format == FORMAT_TABLE && has_groups(r))
		people_row(r, out, whole, "(all)");
	table_print(out, r->cli->format);
	tell_missing(r, t, whole->why_none);
	if (r->cli->format != FORMAT_TABLE)
		return 0;
	return r->by == NRR_BY_OWNER ? nrr_print_excluded(r, NULL, err) : 0;
}

int nrr_print_windows(struct nrr_report *r, struct err *err)
{
	if ((r->is_by_month ? print_months(r, err) : print_groups(r, err)) < 0)
		return -1;
	if (r->cli->format == FORMAT_TABLE)
		nrr_print_footer(r);
	else if (r->cli->format == FORMAT_CSV)
		nrr_note_policy(r);
	return 0;
}

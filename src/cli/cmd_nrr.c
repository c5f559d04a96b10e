#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "commands.h"
#include "common/money.h"
#include "score/nrr.h"

enum { BAR_CELLS = 30, MAX_WINDOW = 120 };

struct report {
	struct cli *cli;
	struct session *session;
	struct revenue facts;
	struct book book;
	enum nrr_by by;
	bool is_by_month;
	int window; /* months; 0: not given */
	const char *currency; /* of the amounts shown, there are any or not */
};

static const struct {
	const char *name;
	enum nrr_by by;
	bool is_by_month;
} groupings[] = {
	{ "month", NRR_BY_ALL, true },
	{ "segment", NRR_BY_SEGMENT, false },
	{ "region", NRR_BY_REGION, false },
	{ "owner", NRR_BY_OWNER, false },
	{ "plan", NRR_BY_PLAN, false },
	{ "product", NRR_BY_PRODUCT, false },
	{ "cohort", NRR_BY_COHORT, false },
};

static int read_options(struct report *r, struct err *err)
{
	const char *by = cli_option(r->cli, "by"), *currency = cli_option(r->cli, "currency");
	int64_t months = 0;

	if (cli_option_int(r->cli, "window", MAX_WINDOW, &months, err) < 0)
		return -1;
	r->window = (int)months;
	if (currency && money_digits(currency) < 0)
		return err_set(err, ERR_USAGE, "--currency is `%s`, expected a code of ISO 4217 such as EUR", currency);
	for (size_t i = 0; by && i < ARRAY_LEN(groupings); i++) {
		if (strcmp(groupings[i].name, by) != 0)
			continue;
		r->by = groupings[i].by;
		r->is_by_month = groupings[i].is_by_month;
		return 0;
	}
	if (by)
		return err_set(err, ERR_USAGE, "--by is `%s`, expected month, segment, region, owner, plan, product or cohort",
		               by);
	return 0;
}

static const char *ratio_text(struct arena *a, const struct nrr_window *w, double ratio)
{
	return w->why_none ? "" : arena_printf(a, "%.6f", ratio);
}

static const char *percent_text(struct arena *a, const struct nrr_window *w, double ratio)
{
	return w->why_none ? "-" : arena_printf(a, "%.1f %%", 100 * ratio);
}

/* The columns of programs: amounts in minor units, ratios with six decimals. */
static const struct table_column machine_columns[] = {
	{ "group", false }, { "window_months", true }, { "from_date", false }, { "to_date", false },
		{ "start_accounts", true },
	{ "churned_accounts", true }, { "start_mrr", true }, { "churn_mrr", true }, { "contraction_mrr", true },
	{ "expansion_mrr", true }, { "new_mrr", true }, { "reactivation_mrr", true }, { "end_mrr", true }, { "nrr", true },
	{ "grr", true }, { "logo_retention", true }, { "reason", false },
};

enum { N_MACHINE = ARRAY_LEN(machine_columns) };

/* CSV has the group only where there is one, and no reason: rows without a start are left out of it. */
static struct table *machine_table(const struct report *r)
{
	bool is_csv = r->cli->format == FORMAT_CSV;
	int first = r->by == NRR_BY_ALL;

	return table_new(r->cli->arena, machine_columns + first, N_MACHINE - first - is_csv);
}

static void machine_row(const struct report *r, struct table *t, int months, const struct nrr_window *w)
{
	struct arena *a = r->cli->arena;
	const char *cells[N_MACHINE] = { w->group,
		                             cell_int(a, months),
		                             day_text(a, w->span.from),
		                             day_text(a, w->span.to),
		                             cell_int(a, w->sums.n_start),
		                             cell_int(a, w->sums.n_churned),
		                             cell_int(a, w->sums.start_minor),
		                             cell_int(a, w->sums.churn_minor),
		                             cell_int(a, w->sums.contraction_minor),
		                             cell_int(a, w->sums.expansion_minor),
		                             cell_int(a, w->sums.added_minor),
		                             cell_int(a, w->sums.reactivation_minor),
		                             cell_int(a, w->sums.end_minor),
		                             ratio_text(a, w, w->nrr),
		                             ratio_text(a, w, w->grr),
		                             ratio_text(a, w, w->logo),
		                             w->why_none };

	if (r->cli->format == FORMAT_CSV && w->why_none)
		return;
	table_row(t, cells + (r->by == NRR_BY_ALL));
}

static const struct table_column people_columns[] = {
	{ "group", false }, { "from", false }, { "to", false }, { "accounts", true }, { "start", true }, { "new", true },
	{ "expansion", true }, { "reactivation", true }, { "contraction", true }, { "churn", true }, { "end", true },
	{ "NRR", true }, { "GRR", true }, { "logos", true },
};

static void people_row(const struct report *r, struct table *t, const struct nrr_window *w)
{
	struct arena *a = r->cli->arena;
	const char *currency = r->currency;
	const char *cells[ARRAY_LEN(people_columns)] = { w->group,
		                                             day_text(a, w->span.from),
		                                             day_text(a, w->span.to),
		                                             cell_int(a, w->sums.n_start),
		                                             money_text(a, w->sums.start_minor, currency),
		                                             money_text(a, w->sums.added_minor, currency),
		                                             money_text(a, w->sums.expansion_minor, currency),
		                                             money_text(a, w->sums.reactivation_minor, currency),
		                                             money_text(a, -w->sums.contraction_minor, currency),
		                                             money_text(a, -w->sums.churn_minor, currency),
		                                             money_text(a, w->sums.end_minor, currency),
		                                             percent_text(a, w, w->nrr),
		                                             percent_text(a, w, w->grr),
		                                             percent_text(a, w, w->logo) };

	table_row(t, cells + (r->by == NRR_BY_ALL));
}

static void add_row(const struct report *r, struct table *t, int months, const struct nrr_window *w)
{
	if (r->cli->format == FORMAT_TABLE)
		people_row(r, t, w);
	else
		machine_row(r, t, months, w);
}

static struct table *report_table(const struct report *r)
{
	int first = r->by == NRR_BY_ALL;

	if (r->cli->format != FORMAT_TABLE)
		return machine_table(r);
	return table_new(r->cli->arena, people_columns + first, (int)ARRAY_LEN(people_columns) - first);
}

/* Every window between two firsts of months in the data. */
static int add_months(const struct report *r, struct table *t, int months, struct err *err)
{
	struct arena *a = r->cli->arena;
	int32_t *days;
	size_t n = nrr_months(&r->book, a, &days), n_spans = 0;
	struct nrr_span *spans = arena_array(a, n + 1, sizeof *spans);
	struct nrr_table tables[N_NRR_BY];

	for (size_t i = 0; i + (size_t)months < n; i++)
		spans[n_spans++] = (struct nrr_span){ days[i], days[i + (size_t)months] };
	if (n_spans == 0)
		return 0;
	if (nrr_compute(&r->book, &(struct nrr_query){ spans, n_spans, 1u << NRR_BY_ALL }, a, tables, err) < 0)
		return -1;
	for (size_t i = 0; i < tables[NRR_BY_ALL].n; i++)
		if (r->cli->format != FORMAT_TABLE || !tables[NRR_BY_ALL].rows[i].why_none)
			add_row(r, t, months, &tables[NRR_BY_ALL].rows[i]);
	return 0;
}

static int print_months(const struct report *r, struct err *err)
{
	struct table *t = report_table(r);

	if (r->window ? add_months(r, t, r->window, err) < 0 :
	    add_months(r, t, 1, err) < 0 || add_months(r, t, 12, err) < 0)
		return -1;
	table_print(t, r->cli->format);
	return 0;
}

static int trailing(const struct report *r, struct nrr_table *out, struct err *err)
{
	int32_t to = r->session->as_of;
	struct nrr_span span = { day_add_months(to, -r->window), to };
	struct nrr_table tables[N_NRR_BY];

	if (nrr_compute(&r->book, &(struct nrr_query){ &span, 1, 1u << r->by }, r->cli->arena, tables, err) < 0)
		return -1;
	*out = tables[r->by];
	return 0;
}

static int print_groups(const struct report *r, struct err *err)
{
	struct table *t = report_table(r);
	struct nrr_table rows;

	if (trailing(r, &rows, err) < 0)
		return -1;
	for (size_t i = 0; i < rows.n; i++)
		add_row(r, t, r->window, &rows.rows[i]);
	table_print(t, r->cli->format);
	return 0;
}

/* One step of the waterfall: a bar from where the last one ended. */
static void print_step(struct arena *a, const char *what, int64_t amount, int64_t from, int64_t to, int64_t most,
                       const char *currency)
{
	int64_t low = from < to ? from : to, high = from < to ? to : from;
	int begin = most ? (int)((double)low / (double)most * BAR_CELLS + 0.5) : 0;
	int end = most ? (int)((double)high / (double)most * BAR_CELLS + 0.5) : 0;

	if (end == begin && high > low)
		end++;
	(void)printf("  %-13s %16s", what, money_text(a, amount, currency));
	if (end > begin)
		(void)printf("  %*s", begin, "");
	for (int i = begin; i < end; i++)
		(void)fputs(from > to ? "\u2591" : "\u2588", stdout);
	(void)putchar('\n');
}

static void print_waterfall(struct arena *a, const struct nrr_window *w, const char *currency)
{
	const struct {
		const char *what;
		int64_t amount;
	} steps[] = { { "new", w->sums.added_minor }, { "expansion", w->sums.expansion_minor },
	              { "reactivation", w->sums.reactivation_minor }, { "contraction", -w->sums.contraction_minor },
	              { "churn", -w->sums.churn_minor } };
	int64_t most = w->sums.start_minor + w->sums.added_minor + w->sums.expansion_minor + w->sums.reactivation_minor,
			at = w->sums.start_minor;

	print_step(a, "start", w->sums.start_minor, 0, w->sums.start_minor, most, currency);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		print_step(a, steps[i].what, steps[i].amount, at, at + steps[i].amount, most, currency);
		at += steps[i].amount;
	}
	print_step(a, "end", w->sums.end_minor, 0, w->sums.end_minor, most, currency);
}

static int print_summary(const struct report *r, struct err *err)
{
	struct arena *a = r->cli->arena;
	const struct nrr_window *w;
	struct nrr_table rows;
	double quick;

	if (trailing(r, &rows, err) < 0)
		return -1;
	w = rows.rows;
	(void)printf("Recurring revenue per month, %s to %s\n\n", day_text(a, w->span.from), day_text(a, w->span.to));
	print_waterfall(a, w, r->currency);
	(void)putchar('\n');
	if (w->why_none)
		(void)printf("  %s\n", w->why_none);
	else
		(void)printf("  net retention (NRR) %.1f %%   gross retention (GRR) %.1f %%   logos kept %.1f %% (%" PRId64
		             " of %" PRId64 ")\n",
		             100 * w->nrr, 100 * w->grr, 100 * w->logo, w->sums.n_start - w->sums.n_churned, w->sums.n_start);
	if (nrr_quick_ratio(&w->sums, &quick))
		(void)printf("  quick ratio %.2f (gained for each unit lost)\n", quick);
	if (r->book.n_left_out)
		(void)printf("  revenue in other currencies than %s is left out\n", r->currency);
	if (r->book.n_from_arr)
		(void)printf("  %zu accounts have no subscriptions: a twelfth of their annual revenue counts, as far back "
		             "as it is known\n",
		             r->book.n_from_arr);
	return 0;
}

static int print_report(struct report *r, struct err *err)
{
	/* Without a grouping, programs get what they can work out the rest from: every month. */
	bool is_monthly = r->is_by_month || (r->by == NRR_BY_ALL && r->cli->format == FORMAT_CSV);

	if (is_monthly)
		return print_months(r, err);
	if (!r->window)
		r->window = 12;
	if (r->by == NRR_BY_ALL && r->cli->format == FORMAT_TABLE)
		return print_summary(r, err);
	return print_groups(r, err);
}

int cmd_nrr(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session s = { 0 };
	struct report r = { .cli = c, .session = &s };
	struct book_query wanted;

	if (read_options(&r, err) < 0 || session_open(c, DB_READ, &s, err) < 0)
		return -1;
	wanted = (struct book_query){ .currency = s.org->currency, .only = cli_option(c, "currency") };
	if (revenue_load(s.db, &(struct revenue_query){ s.as_of, s.org->currency }, c->arena, &r.facts, err) < 0 ||
	    book_make(&r.facts, &s.org->nrr, &wanted, c->arena, &r.book, err) < 0)
		return -1;
	r.currency = r.book.currency;
	return print_report(&r, err);
}

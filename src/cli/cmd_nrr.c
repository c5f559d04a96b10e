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
	struct revenue revenue;
	enum revenue_by by;
	bool is_by_month;
	int window; /* months; 0: not given */
	const char *currency; /* of the amounts shown, there are any or not */
};

static const struct {
	const char *name;
	enum revenue_by by;
	bool is_by_month;
} groupings[] = {
	{ "month", REVENUE_BY_ALL, true },
	{ "segment", REVENUE_BY_SEGMENT, false },
	{ "owner", REVENUE_BY_OWNER, false },
	{ "plan", REVENUE_BY_PLAN, false },
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
		return err_set(err, ERR_USAGE, "--by is `%s`, expected month, segment, owner or plan", by);
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
	int first = r->by == REVENUE_BY_ALL;

	return table_new(r->cli->arena, machine_columns + first, N_MACHINE - first - is_csv);
}

static void machine_row(const struct report *r, struct table *t, int months, const struct nrr_window *w)
{
	struct arena *a = r->cli->arena;
	const char *cells[N_MACHINE] = { w->group,
		                             cell_int(a, months),
		                             day_text(a, w->from),
		                             day_text(a, w->to),
		                             cell_int(a, w->n_start),
		                             cell_int(a, w->n_churned),
		                             cell_int(a, w->start_minor),
		                             cell_int(a, w->churn_minor),
		                             cell_int(a, w->contraction_minor),
		                             cell_int(a, w->expansion_minor),
		                             cell_int(a, w->added_minor),
		                             cell_int(a, w->reactivation_minor),
		                             cell_int(a, w->end_minor),
		                             ratio_text(a, w, w->nrr),
		                             ratio_text(a, w, w->grr),
		                             ratio_text(a, w, w->logo),
		                             w->why_none };

	if (r->cli->format == FORMAT_CSV && w->why_none)
		return;
	table_row(t, cells + (r->by == REVENUE_BY_ALL));
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
	const char *cells[ARRAY_LEN(people_columns)] = { w->group, day_text(a, w->from), day_text(a, w->to),
		cell_int(a, w->n_start), money_text(a, w->start_minor, currency), money_text(a, w->added_minor, currency),
		money_text(a, w->expansion_minor, currency), money_text(a, w->reactivation_minor, currency),
		money_text(a, -w->contraction_minor, currency), money_text(a, -w->churn_minor, currency),
		money_text(a, w->end_minor, currency), percent_text(a, w, w->nrr), percent_text(a, w, w->grr),
		percent_text(a, w, w->logo) };

	table_row(t, cells + (r->by == REVENUE_BY_ALL));
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
	int first = r->by == REVENUE_BY_ALL;

	if (r->cli->format != FORMAT_TABLE)
		return machine_table(r);
	return table_new(r->cli->arena, people_columns + first, (int)ARRAY_LEN(people_columns) - first);
}

/* Every window between two firsts of months in the data. */
static void add_months(const struct report *r, struct table *t, int months)
{
	int32_t *days;
	size_t n = nrr_months(&r->revenue, r->session->as_of, r->cli->arena, &days);

	for (size_t i = 0; i + (size_t)months < n; i++) {
		struct nrr_window *w;
		size_t n_windows;

		nrr_compute(&r->revenue, days[i], days[i + (size_t)months], REVENUE_BY_ALL, r->cli->arena, &w, &n_windows);
		if (r->cli->format != FORMAT_TABLE || !w->why_none)
			add_row(r, t, months, w);
	}
}

static void print_months(const struct report *r)
{
	struct table *t = report_table(r);

	if (r->window) {
		add_months(r, t, r->window);
	} else {
		add_months(r, t, 1);
		add_months(r, t, 12);
	}
	table_print(t, r->cli->format);
}

static struct nrr_window *trailing(const struct report *r, size_t *n)
{
	int32_t to = r->session->as_of;
	struct nrr_window *w;

	nrr_compute(&r->revenue, day_add_months(to, -r->window), to, r->by, r->cli->arena, &w, n);
	return w;
}

static void print_groups(const struct report *r)
{
	struct table *t = report_table(r);
	size_t n;
	struct nrr_window *w = trailing(r, &n);

	for (size_t i = 0; i < n; i++)
		add_row(r, t, r->window, &w[i]);
	table_print(t, r->cli->format);
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
	} steps[] = { { "new", w->added_minor }, { "expansion", w->expansion_minor },
	              { "reactivation", w->reactivation_minor }, { "contraction", -w->contraction_minor },
	              { "churn", -w->churn_minor } };
	int64_t most = w->start_minor + w->added_minor + w->expansion_minor + w->reactivation_minor, at = w->start_minor;

	print_step(a, "start", w->start_minor, 0, w->start_minor, most, currency);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		print_step(a, steps[i].what, steps[i].amount, at, at + steps[i].amount, most, currency);
		at += steps[i].amount;
	}
	print_step(a, "end", w->end_minor, 0, w->end_minor, most, currency);
}

static void print_summary(const struct report *r)
{
	struct arena *a = r->cli->arena;
	size_t n;
	const struct nrr_window *w = trailing(r, &n);
	double quick;

	(void)printf("Recurring revenue per month, %s to %s\n\n", day_text(a, w->from), day_text(a, w->to));
	print_waterfall(a, w, r->currency);
	(void)putchar('\n');
	if (w->why_none)
		(void)printf("  %s\n", w->why_none);
	else
		(void)printf("  net retention (NRR) %.1f %%   gross retention (GRR) %.1f %%   logos kept %.1f %% (%" PRId64
		             " of %" PRId64 ")\n", 100 * w->nrr, 100 * w->grr, 100 * w->logo, w->n_start - w->n_churned,
		             w->n_start);
	if (nrr_quick_ratio(w, &quick))
		(void)printf("  quick ratio %.2f (gained for each unit lost)\n", quick);
	if (r->revenue.has_other_currencies)
		(void)printf("  revenue in other currencies than %s is left out\n", r->currency);
	if (r->revenue.n_from_arr)
		(void)printf("  %zu accounts have no subscriptions: a twelfth of their annual revenue counts, as far back "
		             "as it is known\n",
		             r->revenue.n_from_arr);
}

static void print_report(struct report *r)
{
	/* Without a grouping, programs get what they can work out the rest from: every month. */
	bool is_monthly = r->is_by_month || (r->by == REVENUE_BY_ALL && r->cli->format == FORMAT_CSV);

	if (is_monthly) {
		print_months(r);
		return;
	}
	if (!r->window)
		r->window = 12;
	if (r->by == REVENUE_BY_ALL && r->cli->format == FORMAT_TABLE)
		print_summary(r);
	else
		print_groups(r);
}

int cmd_nrr(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session s = { 0 };
	struct report r = { .cli = c, .session = &s };
	struct revenue_query query;

	if (read_options(&r, err) < 0 || session_open(c, DB_READ, &s, err) < 0)
		return -1;
	query = (struct revenue_query){ .as_of = s.as_of, .currency = cli_option(c, "currency"),
		.default_currency = s.org->currency, .rolls_up_to_parent = s.org->nrr_rolls_up_to_parent };
	if (revenue_load(s.db, &query, c->arena, &r.revenue, err) < 0)
		return -1;
	r.currency = r.revenue.currency ? r.revenue.currency : query.currency ? query.currency : s.org->currency;
	print_report(&r);
	return 0;
}

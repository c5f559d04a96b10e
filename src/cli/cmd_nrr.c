#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "common/money.h"
#include "nrr_forecast.h"
#include "nrr_kept.h"
#include "nrr_page.h"
#include "nrr_report.h"

enum { MAX_WINDOW = 120, USUAL_WINDOW = 12 };

/* What `retaind nrr` shows instead of windows, by its option, and the options that say nothing to it. Without a
 * function: what was kept, no book is needed. */
static const struct {
	const char *option;
	nrr_view_fn print;
	const char *unused[7];
} views[] = {
	{ "accounts", nrr_print_accounts, { 0 } },
	{ "movements", nrr_print_movements, { 0 } },
	{ "cohorts", nrr_print_cohorts, { "window" } },
	{ "forecast", nrr_print_forecast, { 0 } },
	{ "policy", nrr_print_policy, { "window", "to", "revenue", "currency", "html", "svg" } },
	{ "steer", nrr_print_steer, { "window" } },
	{ "restated", NULL, { "window", "to", "revenue", "currency", "html", "svg" } },
	{ "month", NULL, { "window", "to", "revenue", "currency", "html", "svg" } },
};

static const struct { const char *option, *only_with; } companions[] = {
	{ "check", "forecast" }, { "quarters", "forecast" },
};

static int read_grouping(struct nrr_report *r, struct err *err)
{
	const char *by = cli_option(r->cli, "by");

	r->by = NRR_BY_ALL;
	if (!by)
		return 0;
	r->is_by_month = strcmp(by, "month") == 0;
	if (r->is_by_month)
		return 0;
	for (int i = NRR_BY_ALL + 1; i < N_NRR_BY; i++)
		if (strcmp(nrr_by_names[i], by) == 0)
			r->by = (enum nrr_by)i;
	if (r->by == NRR_BY_ALL)
		return err_set(err, ERR_USAGE,
		               "--by is `%s`, expected month, segment, region, owner, plan, product or cohort", by);
	return 0;
}

static int read_revenue(struct nrr_report *r, struct err *err)
{
	const char *currency = cli_option(r->cli, "currency"), *revenue = cli_option(r->cli, "revenue");

	if (currency && money_digits(currency) < 0)
		return err_set(err, ERR_USAGE, "--currency is `%s`, expected a code of ISO 4217 such as EUR", currency);
	r->is_usage = revenue && strcmp(revenue, "usage") == 0;
	if (revenue && !r->is_usage && strcmp(revenue, "committed") != 0)
		return err_set(err, ERR_USAGE, "--revenue is `%s`, expected committed or usage", revenue);
	return 0;
}

static int check_unused(const struct cli *c, const char *chosen, const char *const *unused, struct err *err)
{
	for (; *unused; unused++)
		if (cli_option(c, *unused))
			return err_set(err, ERR_USAGE, "--%s says nothing to --%s: leave it out", *unused, chosen);
	return 0;
}

static int read_view(const struct nrr_report *r, nrr_view_fn *out, struct err *err)
{
	const char *chosen = NULL;

	for (size_t i = 0; i < ARRAY_LEN(views); i++) {
		if (!cli_option(r->cli, views[i].option))
			continue;
		if (chosen && strcmp(chosen, "restated") == 0 && strcmp(views[i].option, "month") == 0)
			continue; /* only that month's restatements */
		if (chosen)
			return err_set(err, ERR_USAGE, "--%s and --%s: one of them at a time", chosen, views[i].option);
		chosen = views[i].option;
		*out = views[i].print;
		if (check_unused(r->cli, chosen, views[i].unused, err) < 0)
			return -1;
	}
	if (chosen && cli_option(r->cli, "by") && !(r->by == NRR_BY_OWNER && strcmp(chosen, "month") == 0))
		return err_set(err, ERR_USAGE, "--by and --%s: one of them at a time", chosen);
	for (size_t i = 0; i < ARRAY_LEN(companions); i++)
		if (cli_option(r->cli, companions[i].option) && !cli_option(r->cli, companions[i].only_with))
			return err_set(err, ERR_USAGE, "--%s goes with --%s", companions[i].option, companions[i].only_with);
	return 0;
}

/* The window ends on the day of the report, or earlier: nobody knows yet what will have been paid later. */
static int read_span(struct nrr_report *r, struct err *err)
{
	int64_t months = 0;
	int32_t to = r->session->as_of;

	if (cli_option_int(r->cli, "window", MAX_WINDOW, &months, err) < 0 || cli_option_day(r->cli, "to", &to, err) < 0)
		return -1;
	if (to > r->session->as_of)
		return err_set(err, ERR_USAGE, "--to is %s, which is behind %s, the day of the report",
		               day_text(r->cli->arena, to), day_text(r->cli->arena, r->session->as_of));
	r->has_window = months > 0;
	r->window = months ? (int)months : USUAL_WINDOW;
	r->span = (struct nrr_span){ day_add_months(to, -r->window), to };
	return 0;
}

static void add_notes(struct nrr_report *r)
{
	struct arena *a = r->cli->arena;
	const struct book *b = &r->book;

	if (b->n_left_out)
		nrr_report_note(r, arena_printf(a, "Revenue in other currencies than %s is left out.", b->currency));
	else if (b->n_currencies > 1)
		nrr_report_note(r, arena_printf(a, "Amounts in %zu currencies are told in %s.", b->n_currencies, b->currency));
	if (b->n_from_arr)
		nrr_report_note(r, arena_printf(a, "%zu accounts have no subscriptions: a twelfth of their annual revenue "
		                                "counts, as far back as it is known.", b->n_from_arr));
	if (b->n_unknown_merges)
		nrr_report_note(r, arena_printf(a, "%zu merges of the policy name an account that is not known.",
		                                b->n_unknown_merges));
	if (b->n_credits)
		nrr_report_note(r, arena_printf(a, "%zu negative amounts (credits, refunds) %s: have a look at them.",
		                                b->n_credits, r->policy->credits == CREDITS_NEGATIVE
		                                ? "count, but take no account below 0" : "do not count"));
}

int nrr_report_book(const struct nrr_report *r, enum book_revenue revenue, struct book *out, struct err *err)
{
	const struct book_query query = { .revenue = revenue, .currency = r->session->org->currency,
		.only = cli_option(r->cli, "currency") };

	return book_make(&r->facts, r->policy, &query, r->cli->arena, out, err);
}

/* Without a grouping programs get every month as CSV: what they can work out the rest from. */
static nrr_view_fn windows_view(struct nrr_report *r)
{
	if (r->by == NRR_BY_ALL && !r->is_by_month && r->cli->format == FORMAT_TABLE)
		return nrr_print_summary;
	r->is_by_month = r->is_by_month || (r->by == NRR_BY_ALL && r->cli->format == FORMAT_CSV);
	return nrr_print_windows;
}

/* A page and pictures are written beside what is printed. */
static int save_files(const struct nrr_report *r, struct err *err)
{
	const char *page = cli_option(r->cli, "html"), *folder = cli_option(r->cli, "svg");

	if (page && nrr_page_save(r, page, err) < 0)
		return -1;
	return folder ? nrr_pictures_save(r, folder, err) : 0;
}

int cmd_nrr(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session s = { 0 };
	struct nrr_report r = { .cli = c, .session = &s };
	nrr_view_fn print = NULL;

	if (read_grouping(&r, err) < 0 || read_revenue(&r, err) < 0 || read_view(&r, &print, err) < 0 ||
	    session_open(c, DB_READ, &s, err) < 0 || read_span(&r, err) < 0)
		return -1;
	if (cli_option(c, "restated"))
		return nrr_restated(c, &s, err);
	if (cli_option(c, "month"))
		return nrr_kept(c, &s, err);
	r.policy = &s.org->nrr;
	if (revenue_load(s.db, &(struct revenue_query){ s.as_of, s.org->currency }, c->arena, &r.facts, err) < 0 ||
	    nrr_report_book(&r, r.is_usage ? BOOK_USAGE : BOOK_COMMITTED, &r.book, err) < 0)
		return -1;
	add_notes(&r);
	if (save_files(&r, err) < 0)
		return -1;
	if (!print)
		print = windows_view(&r);
	return print(&r, err);
}

#include "nrr_forecast.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/money.h"
#include "nrr_close.h"
#include "store/revenue_part.h"

enum { MAX_CONTRACTS = 1400000 /* of a forecast: about 200 MiB */ };

/* Pieces are the same under both. */
struct nrr_policy nrr_forecast_policy(const struct nrr_policy *p)
{
	struct nrr_policy policy = *p;

	policy.method = NRR_POINT_TO_POINT;
	policy.back_outside = BACK_EXCLUDED;
	return policy;
}

int nrr_foretell(const struct session *s, const struct book *b, int n_quarters, struct arena *a, struct forecast *out,
                 struct err *err)
{
	struct nrr_policy policy = nrr_forecast_policy(b->policy);
	struct book ends = *b;
	struct forecast_query query = { .n_quarters = n_quarters, .horizon_days = s->org->score.horizon_days };
	struct forecast_hint *hints;

	ends.policy = &policy;
	if (forecast_hints_load(s->db, b->facts->as_of, a, &hints, &query.n_hints, err) < 0)
		return -1;
	query.hints = hints;
	return forecast_make(&ends, &query, a, out, err);
}

struct forecast_said nrr_said(const struct book *b, const struct forecast *f, int quarter, struct arena *a)
{
	const struct forecast_quarter *q = &f->quarters[quarter - 1];
	struct forecast_said said = { .on = f->on, .to = q->to, .quarters = quarter,
		.policy_hash = nrr_policy_hash(b->policy, a), .currency = b->currency, .start_minor = f->start_minor };

	for (int i = 0; i < N_FORECAST_QUANTILES; i++) {
		said.end_minor[i] = q->end_minor[i];
		said.kept_minor[i] = q->kept_minor[i];
	}
	return said;
}

/* Without rates of exchange: of the amounts in the organisation's currency, as the kept reports are. */
static int book_of(const struct session *s, int32_t as_of, struct arena *a, struct revenue *facts, struct book *out,
                   struct err *err)
{
	struct book_query wanted = { .currency = s->org->currency };

	if (revenue_load(s->db, &(struct revenue_query){ as_of, s->org->currency }, a, facts, err) < 0 ||
	    book_make(facts, &s->org->nrr, &wanted, a, out, err) < 0)
		return -1;
	if (facts->n_rates || out->n_currencies <= 1)
		return 0;
	wanted.only = s->org->currency;
	return book_make(facts, &s->org->nrr, &wanted, a, out, err);
}

int nrr_forecast_store(const struct session *s, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(txn_end) struct txn txn = { 0 };
	int32_t on = nrr_month_of(s->today);
	struct revenue facts;
	struct book book;
	struct forecast f;
	bool is_said, fits;

	if (forecast_is_said(s->db, on, &is_said, err) < 0)
		return -1;
	if (is_said)
		return 0;
	if (revenue_fits(s->db, MAX_CONTRACTS, &fits, err) < 0)
		return -1;
	if (!fits)
		return err_set(err, ERR_INPUT, "forecast: there are more than the %d contracts that fit into memory",
		               MAX_CONTRACTS);
	if (book_of(s, on, a, &facts, &book, err) < 0 || nrr_foretell(s, &book, FORECAST_MAX_QUARTERS, a, &f, err) < 0 ||
	    txn_begin(&txn, s->db, err) < 0)
		return err_in(err, "forecast of %s", day_text(a, on));
	for (int i = 1; !f.why_none && i <= FORECAST_MAX_QUARTERS; i++) {
		struct forecast_said said = nrr_said(&book, &f, i, a);

		if (forecast_put(s->db, &said, err) < 0)
			return -1;
	}
	return txn_commit(&txn, err);
}

/* people ----------------------------------------------------------------------------------------------------------- */

static const struct table_column people_columns[] = {
	{ "until", false }, { "NRR p10", true }, { "p50", true }, { "p90", true }, { "GRR p10", true }, { "p50", true },
	{ "p90", true }, { "revenue p10", true }, { "p50", true }, { "p90", true }, { "with new p10", true },
	{ "p50", true }, { "p90", true },
};

static const char *percent(struct arena *a, int64_t part, int64_t whole)
{
	return arena_printf(a, "%.1f %%", 100 * (double)part / (double)whole);
}

static void people_row(struct table *t, const struct nrr_report *r, const struct forecast *f,
                       const struct forecast_quarter *q)
{
	struct arena *a = r->cli->arena;
	const char *cells[ARRAY_LEN(people_columns)] = { day_text(a, q->to) };

	for (int i = 0; i < N_FORECAST_QUANTILES; i++) {
		cells[1 + i] = percent(a, q->end_minor[i], f->start_minor);
		cells[4 + i] = percent(a, q->kept_minor[i], f->start_minor);
		cells[7 + i] = money_text(a, q->end_minor[i], r->book.currency);
		cells[10 + i] = q->has_total ? money_text(a, q->total_minor[i], r->book.currency) : "-";
	}
	table_row(t, cells);
}

static const struct table_column year_columns[] = {
	{ "year up to", false }, { "NRR p10", true }, { "p50", true }, { "p90", true }, { "GRR p10", true },
	{ "p50", true }, { "p90", true },
};

/* What reports of twelve months will say. */
static void print_years(const struct nrr_report *r, const struct forecast *f)
{
	struct arena *a = r->cli->arena;
	struct table *t = table_new(a, year_columns, ARRAY_LEN(year_columns));
	int n = 0;

	for (int k = 0; k < f->n_quarters; k++) {
		const struct forecast_quarter *q = &f->quarters[k];
		const char *cells[ARRAY_LEN(year_columns)] = { day_text(a, q->to) };

		for (int i = 0; q->has_year && i < N_FORECAST_QUANTILES; i++) {
			cells[1 + i] = percent(a, q->year_end_minor[i], q->year_start_minor);
			cells[4 + i] = percent(a, q->year_kept_minor[i], q->year_start_minor);
		}
		n += q->has_year;
		if (q->has_year)
			table_row(t, cells);
	}
	if (n == 0)
		return;
	(void)puts("\nThe twelve months up to then, of the accounts that paid when they began\n");
	table_print(t, FORMAT_TABLE);
}

static void print_sources(const struct forecast *f)
{
	(void)printf("\np50 is the middle; one time in ten it turns out below p10, one time in ten above p90. Revenue: per "
	             "month, of\ntoday's accounts; with new: and of those who come or come back, as in the last year.\n");
	(void)printf("Learnt from %d months with %" PRId64 " losses, %" PRId64 " contractions and %" PRId64 " expansions. "
	             "From quarter to quarter the rate of\nlosses is off by about %.0f %% beyond chance, that of expansions "
	             "by %.0f %%. A risk is known of %" PRId64 " accounts, a renewal\nday of %" PRId64 ". %d possible futures "
	             "drawn.\n",
	             f->n_months, f->n_lost, f->n_shrunk, f->n_grown, 100 * f->loss_spread, 100 * f->growth_spread,
	             f->n_scored, f->n_dated, f->n_draws);
}

static void print_people(const struct nrr_report *r, const struct forecast *f)
{
	struct arena *a = r->cli->arena;
	struct table *t = table_new(a, people_columns, ARRAY_LEN(people_columns));

	(void)printf("Forecast of %s: %" PRId64 " accounts pay %s per month\n\n", day_text(a, f->on), f->n_start,
	             money_text(a, f->start_minor, r->book.currency));
	for (int i = 0; !f->why_none && i < f->n_quarters; i++)
		people_row(t, r, f, &f->quarters[i]);
	if (f->why_none) {
		(void)puts(f->why_none);
	} else {
		table_print(t, FORMAT_TABLE);
		print_years(r, f);
		print_sources(f);
	}
	nrr_print_footer(r);
}

/* programs --------------------------------------------------------------------------------------------------------- */

static const char *const quantile_names[N_FORECAST_QUANTILES] = { "p10", "p50", "p90" };

static const struct table_column csv_columns[] = {
	{ "on_date", false }, { "to_date", false }, { "quarters", true }, { "start_accounts", true }, { "start_mrr", true },
	{ "end_mrr_p10", true }, { "end_mrr_p50", true }, { "end_mrr_p90", true }, { "kept_mrr_p10", true },
	{ "kept_mrr_p50", true }, { "kept_mrr_p90", true }, { "total_mrr_p10", true }, { "total_mrr_p50", true },
	{ "total_mrr_p90", true }, { "nrr_p10", true }, { "nrr_p50", true }, { "nrr_p90", true }, { "grr_p10", true },
	{ "grr_p50", true }, { "grr_p90", true }, { "year_start_mrr", true }, { "year_nrr_p10", true },
	{ "year_nrr_p50", true }, { "year_nrr_p90", true }, { "year_grr_p10", true }, { "year_grr_p50", true },
	{ "year_grr_p90", true }, { "currency", false }, { "policy_hash", false },
};

static const char *ratio(struct arena *a, int64_t part, int64_t whole)
{
	return arena_printf(a, "%.6f", (double)part / (double)whole);
}

static void csv_row(struct table *t, const struct nrr_report *r, const struct forecast *f, int quarter)
{
	struct arena *a = r->cli->arena;
	const struct forecast_quarter *q = &f->quarters[quarter];
	const char *cells[ARRAY_LEN(csv_columns)] = { day_text(a, f->on), day_text(a, q->to), cell_int(a, quarter + 1),
		cell_int(a, f->n_start), cell_int(a, f->start_minor) };

	for (int i = 0; i < N_FORECAST_QUANTILES; i++) {
		cells[5 + i] = cell_int(a, q->end_minor[i]);
		cells[8 + i] = cell_int(a, q->kept_minor[i]);
		cells[11 + i] = q->has_total ? cell_int(a, q->total_minor[i]) : NULL;
		cells[14 + i] = ratio(a, q->end_minor[i], f->start_minor);
		cells[17 + i] = ratio(a, q->kept_minor[i], f->start_minor);
		cells[21 + i] = q->has_year ? ratio(a, q->year_end_minor[i], q->year_start_minor) : NULL;
		cells[24 + i] = q->has_year ? ratio(a, q->year_kept_minor[i], q->year_start_minor) : NULL;
	}
	cells[20] = q->has_year ? cell_int(a, q->year_start_minor) : NULL;
	cells[27] = r->book.currency;
	cells[28] = nrr_policy_hash(r->policy, a);
	table_row(t, cells);
}

static void print_csv(const struct nrr_report *r, const struct forecast *f)
{
	struct table *t = table_new(r->cli->arena, csv_columns, ARRAY_LEN(csv_columns));

	for (int i = 0; !f->why_none && i < f->n_quarters; i++)
		csv_row(t, r, f, i);
	table_print(t, FORMAT_CSV);
	nrr_note_reason(f->why_none);
	nrr_note_policy(r);
}

/* Of the twelve months up to the quarter's end. */
static void json_year(struct json_out *o, struct arena *a, const struct forecast_quarter *q)
{
	if (!q->has_year) {
		json_put_null(o, "year");
		return;
	}
	json_open_object(o, "year");
	json_put_int(o, "start_mrr", q->year_start_minor);
	for (int i = 0; i < N_FORECAST_QUANTILES; i++) {
		json_open_object(o, quantile_names[i]);
		nrr_json_ratio(o, a, "nrr", (struct nrr_ratio){ q->year_end_minor[i], q->year_start_minor });
		nrr_json_ratio(o, a, "grr", (struct nrr_ratio){ q->year_kept_minor[i], q->year_start_minor });
		json_close_object(o);
	}
	json_close_object(o);
}

static void json_quarter(struct json_out *o, struct arena *a, const struct forecast *f, int quarter)
{
	const struct forecast_quarter *q = &f->quarters[quarter];

	json_open_object(o, NULL);
	json_put_int(o, "quarters", quarter + 1);
	json_put_text(o, "to_date", day_text(a, q->to));
	for (int i = 0; i < N_FORECAST_QUANTILES; i++) {
		json_open_object(o, quantile_names[i]);
		json_put_int(o, "end_mrr", q->end_minor[i]);
		json_put_int(o, "kept_mrr", q->kept_minor[i]);
		if (q->has_total)
			json_put_int(o, "total_mrr", q->total_minor[i]);
		else
			json_put_null(o, "total_mrr");
		nrr_json_ratio(o, a, "nrr", (struct nrr_ratio){ q->end_minor[i], f->start_minor });
		nrr_json_ratio(o, a, "grr", (struct nrr_ratio){ q->kept_minor[i], f->start_minor });
		json_close_object(o);
	}
	json_year(o, a, q);
	json_close_object(o);
}

static void print_json(const struct nrr_report *r, const struct forecast *f)
{
	struct arena *a = r->cli->arena;
	struct nrr_json j;
	struct json_out *o = &j.out;

	nrr_json_open(&j, r, "forecast");
	json_put_int(o, "start_accounts", f->n_start);
	json_put_int(o, "start_mrr", f->start_minor);
	json_put_text(o, "reason", f->why_none);
	json_put_int(o, "months_learnt_from", f->n_months);
	json_put_int(o, "draws", f->n_draws);
	json_put_int(o, "accounts_with_risk", f->n_scored);
	json_put_int(o, "accounts_with_renewal_day", f->n_dated);
	json_open_array(o, "quarters");
	for (int i = 0; !f->why_none && i < f->n_quarters; i++)
		json_quarter(o, a, f, i);
	json_close_array(o);
	nrr_json_close(&j);
}

int nrr_print_forecast(struct nrr_report *r, struct err *err)
{
	static void (*const prints[])(const struct nrr_report *, const struct forecast *) = {
		[FORMAT_TABLE] = print_people, [FORMAT_CSV] = print_csv, [FORMAT_JSON] = print_json
	};
	bool is_check = cli_option(r->cli, "check");
	int64_t quarters = is_check ? 1 : FORECAST_MAX_QUARTERS;
	struct forecast f;

	if (cli_option_int(r->cli, "quarters", FORECAST_MAX_QUARTERS, &quarters, err) < 0)
		return -1;
	if (cli_option(r->cli, "to") || r->has_window)
		return err_set(err, ERR_USAGE, "--forecast looks ahead from the day of the report: choose it with --as-of, and "
		               "how far with --quarters");
	if (r->policy->method != NRR_POINT_TO_POINT)
		nrr_report_note(r, "A forecast compares each account with itself at both ends, whatever the policy does.");
	if (r->policy->back_outside != BACK_EXCLUDED)
		nrr_report_note(r, "A forecast is of the accounts that pay on its day: who comes back later is not credited.");
	if (r->policy->fx == FX_SPOT && r->book.n_currencies > 1)
		nrr_report_note(r, "A forecast keeps the rates of exchange of its day.");
	if (is_check)
		return nrr_check_forecasts(r, (int)quarters, err);
	if (nrr_foretell(r->session, &r->book, (int)quarters, r->cli->arena, &f, err) < 0)
		return -1;
	prints[r->cli->format](r, &f);
	return 0;
}

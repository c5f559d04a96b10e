#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "nrr_draft.h"
#include "nrr_kept.h"
#include "nrr_pictures.h"

/* what comes ------------------------------------------------------------------------------------------------------- */

int nrr_foretell_span(const struct nrr_report *r, struct forecast *out, struct err *err)
{
	*out = (struct forecast){ .on = r->span.to, .why_none = "The window ends before the day of the report." };
	if (r->span.to != r->book.facts->as_of)
		return 0;
	if (nrr_foretell(r->session, &r->book, FORECAST_MAX_QUARTERS, r->cli->arena, out, err) == 0)
		return 0;
	/* A rate of exchange of a past month is missing: the page has all else. */
	*out = (struct forecast){ .on = r->span.to, .why_none = arena_printf(r->cli->arena, "%s.", err->text) };
	return err->kind == ERR_CONFIG ? 0 : -1;
}

static const char **quantile_cells(const struct writing *w, const int64_t minor[N_FORECAST_QUANTILES],
                                   const char **cells)
{
	for (int i = 0; i < N_FORECAST_QUANTILES; i++)
		*cells++ = draft_percent(w, true, (double)minor[i] / (double)w->forecast.start_minor);
	return cells;
}

void nrr_add_forecast(struct writing *w)
{
	static const struct page_column columns[] = {
		{ "quarters, up to", false }, { "NRR p10", true }, { "NRR p50", true }, { "NRR p90", true },
		{ "GRR p10", true }, { "GRR p50", true }, { "GRR p90", true } };
	CLEANUP(buf_done) struct buf svg;
	const struct forecast *f = &w->forecast;
	struct draft *d = draft_part(w, "What the coming quarters may bring");
	struct picture_trend cone;
	const char **cells;

	buf_init(&svg, NRR_MAX_PAGE);
	draft_say(d, f->why_none);
	if (f->why_none)
		return;
	cone = nrr_cone(f, w->arena);
	draft_say(d, arena_printf(w->arena, "Learnt from %d months in which %" PRId64 " accounts left, %" PRId64
	                                    " shrank and %" PRId64 " grew. In 8 of 10 cases the figure lies between p10 and "
	                                    "p90, in half of them below p50.", f->n_months, f->n_lost, f->n_shrunk,
	                          f->n_grown));
	picture_trend(&cone, w->arena, &svg);
	draft_draw(w, d, &svg);
	cells = draft_table(w, d, "What today's accounts will pay, of what they pay today", columns, ARRAY_LEN(columns),
	                    (size_t)f->n_quarters);
	for (int i = 0; i < f->n_quarters; i++) {
		*cells++ = arena_printf(w->arena, "%d, %s", i + 1, day_text(w->arena, f->quarters[i].to));
		cells = quantile_cells(w, f->quarters[i].end_minor, cells);
		cells = quantile_cells(w, f->quarters[i].kept_minor, cells);
	}
}

/* closed months ---------------------------------------------------------------------------------------------------- */

static const char *instead(const struct writing *w, const struct nrr_window *is, double now,
                           const struct nrr_window *was, double then)
{
	return arena_printf(w->arena, "%s, was %s", nrr_kept_percent(w->arena, is, now),
	                    nrr_kept_percent(w->arena, was, then));
}

/* The reasons of one report, as many as there is room for. */
static int reason_cells(const struct writing *w, const struct nrr_snapshot *s, const char **cells, size_t room,
                        size_t *n, struct err *err)
{
	struct nrr_restatement *reasons;
	size_t n_reasons;

	if (nrr_restatements_load(w->report->session->db, s->id, w->arena, &reasons, &n_reasons, err) < 0)
		return -1;
	for (size_t i = 0; i < n_reasons && *n < room; i++, ++*n) {
		cells[3 * *n] = arena_printf(w->arena, "%s, %" PRId32 " month%s", nrr_kept_month(w->arena, s), s->months,
		                             s->months == 1 ? "" : "s");
		cells[3 * *n + 1] = reasons[i].account_name ? reasons[i].account_name : reasons[i].account_key;
		cells[3 * *n + 2] = reasons[i].words;
	}
	return 0;
}

/* The last revision of each report that has several, beside the one before. */
int nrr_add_restated(struct writing *w, struct err *err)
{
	static const struct page_column columns[] = { { "month", false }, { "months", true }, { "known on", false },
		                                          { "NRR", true }, { "GRR", true }, { "because of", false } };
	static const struct page_column why[] = { { "month", false }, { "account", false }, { "why", false } };
	const struct nrr_snapshot_query query = { DAY_NONE + 1, INT32_MAX, w->book->facts->as_of };
	struct draft *d = draft_part(w, "Closed months that later data changed");
	struct nrr_snapshot *all;
	size_t n, n_rows = 0, n_reasons = 0;
	const char **cells, **reasons = arena_array(w->arena, 3 * NRR_MAX_ROWS, sizeof *reasons);

	if (w->report->is_usage || cli_option(w->report->cli, "currency")) {
		draft_say(d, "Months are closed for all committed revenue, in the organisation's currency, only.");
		return 0;
	}
	if (nrr_snapshots_load(w->report->session->db, &query, w->arena, &all, &n, err) < 0)
		return -1;
	cells = draft_table(w, d, "Revisions", columns, ARRAY_LEN(columns), n);
	for (size_t i = n; i > 1 && n_rows < NRR_MAX_ROWS; i--) {
		const struct nrr_snapshot *s = &all[i - 1], *before = &all[i - 2];
		const struct nrr_window is = nrr_kept_window(s), was = nrr_kept_window(before);

		if (s->to_on != before->to_on || s->months != before->months)
			continue;
		if (reason_cells(w, s, reasons, NRR_MAX_ROWS, &n_reasons, err) < 0)
			return -1;
		*cells++ = nrr_kept_month(w->arena, s);
		*cells++ = draft_count(w, s->months);
		*cells++ = day_text(w->arena, s->as_of_on);
		*cells++ = instead(w, &is, is.nrr, &was, was.nrr);
		*cells++ = instead(w, &is, is.grr, &was, was.grr);
		*cells++ = s->why_restated ? s->why_restated : "accounts, see below";
		n_rows++;
	}
	d->tables[0].n_rows = n_rows;
	if (!n_rows) {
		d->n_tables = 0;
		draft_say(d, n ? "None so far." : "No month has been closed yet.");
	} else if (n_reasons) {
		memcpy(draft_table(w, d, "Why accounts differ", why, ARRAY_LEN(why), n_reasons), reasons,
		       3 * n_reasons * sizeof *reasons);
	}
	return 0;
}

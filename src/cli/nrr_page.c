#include "nrr_page.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/money.h"
#include "nrr_draft.h"
#include "nrr_pictures.h"
#include "nrr_steer.h"

enum { TOP_ACCOUNTS = 10 };

/* the window ------------------------------------------------------------------------------------------------------- */

static const char *ratios_text(const struct writing *w)
{
	const struct nrr_window *x = draft_whole(w);

	if (x->why_none)
		return x->why_none;
	return arena_printf(w->arena, "Net retention (NRR) is %.1f %%, gross retention (GRR) %.1f %%, and %" PRId64 " of %"
	                    PRId64 " accounts (%.1f %%) are still there.", 100 * x->nrr, 100 * x->grr,
	                    x->sums.n_start - x->sums.n_churned, x->sums.n_start, 100 * x->logo);
}

static const char *quick_sentence(const struct writing *w)
{
	const char *quick = nrr_quick_text(w->arena, &draft_whole(w)->sums, 2);

	return quick ? arena_printf(w->arena, "The quick ratio is %s: so much was gained for each unit lost.", quick)
	             : "There is no quick ratio: nothing was lost.";
}

static int say_usage(const struct writing *w, struct draft *d, struct err *err)
{
	struct nrr_usage_part usage;
	int rc = nrr_report_usage(w->report, &usage, err);

	if (rc <= 0)
		return rc;
	if (usage.window.why_none)
		draft_say(d, arena_printf(w->arena, "Usage revenue is apart: %s.", usage.window.why_none));
	else
		draft_say(d, arena_printf(w->arena, "Usage revenue is apart: its NRR is %.1f %%, its GRR %.1f %% (%s a month "
		                                    "at the start).", 100 * usage.window.nrr, 100 * usage.window.grr,
		                          money_text(w->arena, usage.window.sums.start_minor, usage.currency)));
	return 0;
}

static int add_window(struct writing *w, struct err *err)
{
	static const struct page_column columns[] = { { "step", false }, { "per month", true }, { "of the start", true } };
	CLEANUP(buf_done) struct buf svg;
	struct picture_waterfall waterfall = nrr_waterfall(draft_whole(w), w->book->currency, w->arena);
	struct picture_trend trend;
	struct draft *d = draft_part(w, "What came and what went");
	const char **cells;

	buf_init(&svg, NRR_MAX_PAGE);
	if (nrr_trend(w->book, w->span, &w->forecast, w->arena, &trend, err) < 0)
		return -1;
	draft_say(d, ratios_text(w));
	draft_say(d, quick_sentence(w));
	for (size_t i = 0; i < w->report->n_notes; i++)
		draft_say(d, w->report->notes[i]);
	if (say_usage(w, d, err) < 0)
		return -1;
	picture_waterfall(&waterfall, w->arena, &svg);
	draft_draw(w, d, &svg);
	picture_trend(&trend, w->arena, &svg);
	draft_draw(w, d, &svg);
	cells = draft_table(w, d, arena_printf(w->arena, "%s, %s", waterfall.head.title, waterfall.head.subtitle), columns,
	                    ARRAY_LEN(columns), waterfall.n + 1);
	for (size_t i = 0; i < waterfall.n; i++) {
		*cells++ = waterfall.steps[i].label;
		*cells++ = draft_money(w, waterfall.steps[i].minor);
		*cells++ = draft_percent(w, !draft_whole(w)->why_none,
		                   (double)waterfall.steps[i].minor / (double)draft_whole(w)->sums.start_minor);
	}
	*cells++ = "residual";
	*cells++ = draft_money(w, nrr_residual(&draft_whole(w)->sums));
	return 0;
}

/* where to work first ---------------------------------------------------------------------------------------------- */

static void add_engines(struct writing *w, struct draft *d, const struct steer *s)
{
	static const struct page_column columns[] = { { "engine", false }, { "per month", true }, { "points", true },
		                                          { "usual", true }, { "good", true }, { "to gain", true } };
	const char **cells = draft_table(w, d, "The last three months beside your own past, in points of NRR", columns,
	                                 ARRAY_LEN(columns), N_STEER_ENGINES);

	for (int i = 0; i < N_STEER_ENGINES; i++) {
		const struct steer_reading *r = &s->engines[i];
		double sign = r->engine == STEER_EXPANSION ? 1 : -1;

		*cells++ = steer_engine_names[r->engine];
		*cells++ = draft_money(w, (int64_t)sign * r->minor);
		*cells++ = draft_points(w, sign * r->points);
		*cells++ = draft_points(w, sign * r->usual);
		*cells++ = draft_points(w, sign * r->good);
		*cells++ = isnan(r->usual) ? NULL : arena_printf(w->arena, "%.1f", r->to_gain);
	}
}

static void add_pulls(struct writing *w, struct draft *d, const struct steer_input *in, const struct steer *s)
{
	struct page_column *columns = arena_array(w->arena, in->n_years + 3, sizeof *columns);
	size_t n_rows = s->n_groups < NRR_MAX_ROWS ? s->n_groups : NRR_MAX_ROWS;
	const char **cells;

	if (!n_rows)
		return;
	columns[0] = (struct page_column){ "group", false };
	for (size_t i = 0; i < in->n_years; i++)
		columns[i + 1] = (struct page_column){ day_text(w->arena, in->years[i].span.to), true };
	columns[in->n_years + 1] = (struct page_column){ "accounts", true };
	columns[in->n_years + 2] = (struct page_column){ "pull on NRR", true };
	cells = draft_table(w, d, "NRR over twelve months up to a day, and how far each group pulls the whole", columns,
	                    in->n_years + 3, n_rows);
	for (size_t i = 0; i < n_rows; i++) {
		const struct steer_group *g = &s->groups[i];

		*cells++ = arena_printf(w->arena, "%s %s", g->by, g->group);
		for (size_t k = 0; k < in->n_years; k++)
			*cells++ = draft_percent(w, !isnan(g->nrr[k]), g->nrr[k]);
		*cells++ = draft_count(w, g->n_start);
		*cells++ = draft_points(w, g->pull);
	}
}

static int add_steering(struct writing *w, struct err *err)
{
	struct draft *d = draft_part(w, "Where to work first");
	struct steer_input in;
	struct steer s;
	const struct nrr_scope scope = { w->report->session, w->book, w->span.to, NULL, NULL, w->report->is_usage };

	if (nrr_steer_load(&scope, true, w->arena, &in, err) < 0)
		return -1;
	steer_make(&in, w->arena, &s);
	draft_say(d, s.first);
	draft_say(d, s.next);
	draft_say(d, s.still);
	draft_say(d, s.pulls);
	draft_say(d, s.worth);
	if (!s.why_none)
		add_engines(w, d, &s);
	add_pulls(w, d, &in, &s);
	return 0;
}

/* breakdowns ------------------------------------------------------------------------------------------------------- */

static int by_start(const void *left, const void *right)
{
	const struct nrr_window *a = left, *b = right;
	int64_t x = a->sums.start_minor, y = b->sums.start_minor;

	return x != y ? (x < y) - (x > y) : strcmp(a->group, b->group);
}

static const char **window_cells(const struct writing *w, const struct nrr_window *x, const char **cells)
{
	const struct nrr_sums *s = &x->sums;

	*cells++ = x->group;
	*cells++ = draft_count(w, s->n_start);
	*cells++ = draft_money(w, s->start_minor);
	*cells++ = draft_money(w, s->added_minor);
	*cells++ = draft_money(w, s->expansion_minor);
	*cells++ = draft_money(w, s->reactivation_minor);
	if (w->book->n_currencies > 1)
		*cells++ = draft_money(w, s->fx_minor);
	*cells++ = draft_money(w, -s->contraction_minor);
	*cells++ = draft_money(w, -s->churn_minor);
	*cells++ = draft_money(w, s->end_minor);
	*cells++ = draft_percent(w, !x->why_none, x->nrr);
	*cells++ = draft_percent(w, !x->why_none, x->grr);
	*cells++ = draft_percent(w, !x->why_none, x->logo);
	*cells++ = nrr_quick_text(w->arena, s, 2);
	return cells;
}

/* The largest groups, and all others in one row. */
static void add_breakdown(struct writing *w, struct draft *d, enum nrr_by by)
{
	static const struct page_column columns[] = {
		{ "group", false }, { "accounts", true }, { "start", true }, { "new", true }, { "expansion", true },
		{ "reactivation", true }, { "contraction", true }, { "churn", true }, { "end", true }, { "NRR", true },
		{ "GRR", true }, { "logos", true }, { "quick ratio", true } };
	static const struct page_column with_exchange[] = {
		{ "group", false }, { "accounts", true }, { "start", true }, { "new", true }, { "expansion", true },
		{ "reactivation", true }, { "exchange", true }, { "contraction", true }, { "churn", true }, { "end", true },
		{ "NRR", true }, { "GRR", true }, { "logos", true }, { "quick ratio", true } };
	bool has_exchange = w->book->n_currencies > 1;
	const struct nrr_table *t = &w->by[by];
	struct nrr_window *rows = arena_array(w->arena, t->n + 1, sizeof *rows), rest = { .why_none = "none" };
	size_t n_rows = t->n <= NRR_MAX_ROWS ? t->n : NRR_MAX_ROWS + 1;
	const char **cells;

	if (t->n == 0 || (t->n == 1 && strcmp(t->rows[0].group, "(none)") == 0))
		return;
	memcpy(rows, t->rows, t->n * sizeof *rows);
	qsort(rows, t->n, sizeof *rows, by_start);
	for (size_t i = NRR_MAX_ROWS; i < t->n; i++)
		nrr_add(&rest, &rows[i]);
	cells = draft_table(w, d, arena_printf(w->arena, "By %s", nrr_by_names[by]),
	                    has_exchange ? with_exchange : columns,
	                    has_exchange ? ARRAY_LEN(with_exchange) : ARRAY_LEN(columns), n_rows);
	for (size_t i = 0; i < t->n && i < NRR_MAX_ROWS; i++)
		cells = window_cells(w, &rows[i], cells);
	rest.group = arena_printf(w->arena, "%zu others", t->n - NRR_MAX_ROWS);
	if (t->n > NRR_MAX_ROWS)
		(void)window_cells(w, &rest, cells);
}

static void add_breakdowns(struct writing *w)
{
	static const enum nrr_by bys[] = { NRR_BY_SEGMENT, NRR_BY_REGION, NRR_BY_OWNER, NRR_BY_PLAN, NRR_BY_PRODUCT };
	struct draft *d = draft_part(w, "Who and what it came from");

	for (size_t i = 0; i < ARRAY_LEN(bys); i++)
		add_breakdown(w, d, bys[i]);
	if (!d->n_tables)
		draft_say(d, "Nothing is known of segments, regions, owners, plans or products.");
}

/* cohorts ---------------------------------------------------------------------------------------------------------- */

static int add_cohorts(struct writing *w, struct err *err)
{
	CLEANUP(buf_done) struct buf svg;
	struct draft *d = draft_part(w, "Cohorts");
	struct picture_heat heat;
	const char *why_none;
	int rc = nrr_heat(w->book, w->span.to, w->arena, &heat, &why_none, err);

	buf_init(&svg, NRR_MAX_PAGE);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		draft_say(d, why_none);
		return 0;
	}
	draft_say(d, "Of what accounts paid at first, so many percent they pay after some months. A row holds those that "
	             "began in a month (in a quarter or a year, where there are many); a cell is empty until all of them are "
	             "that old.");
	picture_heat(&heat, w->arena, &svg);
	draft_draw(w, d, &svg);
	return 0;
}

/* accounts --------------------------------------------------------------------------------------------------------- */

/* What an account did to NRR: the change of those that were there at the start, and of whom the policy credits. */
static int64_t change_of(const struct nrr_sums *s)
{
	return s->cohort_end_minor - s->start_minor;
}

static int by_change(const void *left, const void *right)
{
	const struct nrr_contribution *a = left, *b = right;
	int64_t x = change_of(&a->sums), y = change_of(&b->sums);

	return x != y ? (x > y) - (x < y) : (a->account > b->account) - (a->account < b->account);
}

static void account_table(struct writing *w, struct draft *d, const char *caption, const struct nrr_contribution *rows,
                          size_t n, bool is_backward)
{
	static const struct page_column columns[] = { { "account", false }, { "start", true }, { "end", true },
		                                          { "points of NRR", true }, { "cause", false } };
	const char **cells;

	if (!n)
		return;
	cells = draft_table(w, d, caption, columns, ARRAY_LEN(columns), n);
	for (size_t i = 0; i < n; i++) {
		const struct nrr_contribution *c = &rows[is_backward ? n - 1 - i : i];
		const struct revenue_account *x = &w->book->facts->accounts[c->account];

		*cells++ = x->name ? x->name : x->key;
		*cells++ = draft_money(w, c->sums.start_minor);
		*cells++ = draft_money(w, c->sums.cohort_end_minor);
		*cells++ = draft_points(w, 100 * (double)change_of(&c->sums) / (double)draft_whole(w)->sums.start_minor);
		*cells++ = nrr_cause_text(w->arena, &c->sums);
	}
}

static int add_accounts(struct writing *w, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct draft *d = draft_part(w, "Accounts that moved it most");
	struct nrr_contribution *all;
	size_t n, n_down = 0, n_up = 0;

	if (nrr_contributions(w->book, w->span, a, &all, &n, err) < 0)
		return -1;
	if (n)
		qsort(all, n, sizeof *all, by_change);
	while (n_down < n && n_down < TOP_ACCOUNTS && change_of(&all[n_down].sums) < 0)
		n_down++;
	while (n_up < n && n_up < TOP_ACCOUNTS && change_of(&all[n - 1 - n_up].sums) > 0)
		n_up++;
	account_table(w, d, "Down", all, n_down, false);
	account_table(w, d, "Up", all + n - n_up, n_up, true);
	if (!n_down && !n_up)
		draft_say(d, "None.");
	return 0;
}

/* rules ------------------------------------------------------------------------------------------------------------ */

static void add_policy(struct writing *w)
{
	static const struct page_column columns[] = { { "switch", false }, { "value", false } };
	const struct nrr_policy *p = w->book->policy;
	struct draft *d = draft_part(w, "The rules it was computed by");
	const char *line, **cells;
	size_t n = 0;

	while (nrr_policy_line(p, n, w->arena))
		n++;
	draft_say(d, arena_printf(w->arena, "Method: %s.", nrr_method_text(p)));
	draft_say(d, arena_printf(w->arena, "Policy %s, hash %s: the same rules have the same hash anywhere. "
	                          "All amounts are in %s.", p->preset, nrr_policy_hash(p, w->arena), w->book->currency));
	cells = draft_table(w, d, "Switches", columns, ARRAY_LEN(columns), n);
	for (size_t i = 0; i < n; i++) {
		size_t name;

		line = nrr_policy_line(p, i, w->arena);
		name = strcspn(line, ":");
		*cells++ = arena_strndup(w->arena, line, name);
		*cells++ = line[name] ? line + name + 1 : "";
	}
}

/* output ----------------------------------------------------------------------------------------------------------- */

static int save_page(const struct writing *w, const char *path, struct err *err)
{
	CLEANUP(buf_done) struct buf html;
	struct page_part parts[NRR_MAX_PARTS];
	struct page page = { .parts = parts, .n_parts = w->n_drafts };

	for (size_t i = 0; i < w->n_drafts; i++) {
		const struct draft *d = w->drafts[i];

		parts[i] = (struct page_part){ d->heading, d->texts, d->n_texts, d->pictures, d->n_pictures, d->tables,
			                           d->n_tables };
	}
	page.title = arena_printf(w->arena, "%s: net revenue retention", w->report->session->org->title);
	page.subtitle = arena_printf(w->arena, "%s to %s, as known on %s", day_text(w->arena, w->span.from),
	                             day_text(w->arena, w->span.to), day_text(w->arena, w->book->facts->as_of));
	buf_init(&html, NRR_MAX_PAGE);
	page_write(&page, w->arena, &html);
	return draft_write_file(path, &html, err);
}

int nrr_page_save(const struct nrr_report *r, const char *path, struct err *err)
{
	struct writing w = { .report = r, .book = &r->book, .span = r->span, .arena = r->cli->arena };
	unsigned by = 1u << NRR_BY_ALL | 1u << NRR_BY_SEGMENT | 1u << NRR_BY_REGION | 1u << NRR_BY_OWNER |
	              1u << NRR_BY_PLAN | 1u << NRR_BY_PRODUCT;

	if (nrr_foretell_span(r, &w.forecast, err) < 0 ||
	    nrr_compute(w.book, &(struct nrr_query){ &w.span, 1, by }, w.arena, w.by, err) < 0 ||
	    add_window(&w, err) < 0 || add_steering(&w, err) < 0)
		return -1;
	add_breakdowns(&w);
	if (add_cohorts(&w, err) < 0 || add_accounts(&w, err) < 0)
		return -1;
	nrr_add_forecast(&w);
	if (nrr_add_restated(&w, err) < 0)
		return -1;
	add_policy(&w);
	return save_page(&w, path, err);
}

static int save_picture(const char *folder, const char *name, struct buf *svg, struct arena *a, struct err *err)
{
	int rc = draft_write_file(arena_printf(a, "%s/%s", folder, name), svg, err);

	buf_reset(svg);
	return rc;
}

int nrr_pictures_save(const struct nrr_report *r, const char *folder, struct err *err)
{
	CLEANUP(buf_done) struct buf svg;
	struct arena *a = r->cli->arena;
	struct nrr_table tables[N_NRR_BY];
	struct picture_waterfall waterfall;
	struct picture_trend trend, cone;
	struct picture_heat heat;
	struct forecast f;
	const char *why_none;
	int has_heat;

	buf_init(&svg, NRR_MAX_PAGE);
	if (nrr_foretell_span(r, &f, err) < 0 ||
	    nrr_compute(&r->book, &(struct nrr_query){ &r->span, 1, 1u << NRR_BY_ALL }, a, tables, err) < 0 ||
	    nrr_trend(&r->book, r->span, &f, a, &trend, err) < 0 ||
	    (has_heat = nrr_heat(&r->book, r->span.to, a, &heat, &why_none, err)) < 0)
		return -1;
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return err_errno(err, ERR_INPUT, "%s", folder);
	waterfall = nrr_waterfall(tables[NRR_BY_ALL].rows, r->book.currency, a);
	picture_waterfall(&waterfall, a, &svg);
	if (save_picture(folder, "waterfall.svg", &svg, a, err) < 0)
		return -1;
	picture_trend(&trend, a, &svg);
	if (save_picture(folder, "trend.svg", &svg, a, err) < 0)
		return -1;
	/* Where there is none, a picture says why: the one of an earlier day must not stay. */
	if (has_heat)
		picture_heat(&heat, a, &svg);
	else
		picture_none(&heat.head, why_none, a, &svg);
	if (save_picture(folder, "cohorts.svg", &svg, a, err) < 0)
		return -1;
	cone = nrr_cone(&f, a);
	picture_trend(&cone, a, &svg);
	return save_picture(folder, "forecast.svg", &svg, a, err);
}

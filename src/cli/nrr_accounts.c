/* What each account adds to a window's figures, and why: all of them add up to the figures, to the cent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/money.h"
#include "common/text.h"
#include "nrr_report.h"

enum { CHUNK_ROWS = 4096, NAME_CHARS = 40, MAX_SHOWN = 200 };

/* One account with what it does to the ratios: how far its part of the numerator is from its start. */
struct effect {
	const struct nrr_contribution *of;
	int64_t net_minor, gross_minor;
};

struct accounts {
	const struct nrr_report *r;
	struct nrr_window whole;
	struct effect *rows;
	size_t n;
};

static int64_t magnitude(int64_t minor)
{
	return minor < 0 ? -minor : minor;
}

static int compare_effects(const void *left, const void *right)
{
	const struct effect *a = left, *b = right;
	int64_t a_net = magnitude(a->net_minor), b_net = magnitude(b->net_minor);
	int64_t a_all = magnitude(a->of->sums.end_minor - a->of->sums.start_minor);
	int64_t b_all = magnitude(b->of->sums.end_minor - b->of->sums.start_minor);

	if (a_net != b_net)
		return a_net < b_net ? 1 : -1;
	if (a_all != b_all)
		return a_all < b_all ? 1 : -1;
	return (a->of->account > b->of->account) - (a->of->account < b->of->account);
}

const char *nrr_cause_text(struct arena *a, const struct nrr_sums *s)
{
	const struct {
		const char *what;
		int64_t minor;
	} causes[] = {
		{ "new", s->added_minor }, { "reactivation", s->reactivation_minor },
		{ "upsell", s->expansion_minor - s->cross_sell_minor }, { "cross-sell", s->cross_sell_minor },
		{ "contraction", s->contraction_minor },
		{ "churn", s->churn_minor - s->involuntary_minor - s->free_minor },
		{ "involuntary churn", s->involuntary_minor }, { "free plan", s->free_minor }, { "exchange", s->fx_minor },
		{ "left and came back", s->returned_minor },
	};
	const char *text = NULL;

	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		if (causes[i].minor)
			text = text ? arena_printf(a, "%s + %s", text, causes[i].what) : causes[i].what;
	return text ? text : "unchanged";
}

/* By how many points of 100 a part moves a ratio; "" where there is no ratio. */
static const char *points_text(struct arena *a, const struct accounts *all, int64_t minor, int decimals)
{
	if (all->whole.why_none)
		return "";
	return arena_printf(a, "%+.*f", decimals, 100 * (double)minor / (double)all->whole.sums.start_minor);
}

static const char *segment_of(const struct nrr_report *r, const struct effect *e)
{
	return revenue_trait_on(&r->facts.accounts[e->of->account].segment,
	                        r->policy->segment == SEGMENT_AT_END ? r->span.to : r->span.from);
}

/* For programs --------------------------------------------------------------------------------------------------- */

static const struct table_column csv_columns[] = {
	{ "account_key", false }, { "account", false }, { "segment", false }, { "owner", false },
	{ "owner_reason", false }, { "from_date", false }, { "to_date", false }, { "start_mrr", true },
	{ "new_mrr", true }, { "upsell_mrr", true }, { "cross_sell_mrr", true }, { "reactivation_mrr", true },
	{ "contraction_mrr", true }, { "churn_mrr", true }, { "involuntary_churn_mrr", true },
	{ "free_plan_churn_mrr", true }, { "fx_mrr", true }, { "returned_mrr", true }, { "end_mrr", true },
	{ "cause", false }, { "nrr_effect_mrr", true }, { "grr_effect_mrr", true }, { "nrr_points", true },
	{ "grr_points", true }, { "currency", false }, { "method", false }, { "policy_hash", false },
};

static void csv_row(const struct accounts *all, struct table *t, struct arena *a, const struct effect *e,
                    const char *hash)
{
	const struct nrr_report *r = all->r;
	const struct revenue_account *x = &r->facts.accounts[e->of->account];
	const struct nrr_sums *s = &e->of->sums;
	const char *owner, *why = nrr_owner_why(r, e->of->account, &owner);
	const char *cells[ARRAY_LEN(csv_columns)] = { x->key, x->name, segment_of(r, e),
		owner, why, day_text(a, r->span.from), day_text(a, r->span.to), cell_int(a, s->start_minor),
		cell_int(a, s->added_minor), cell_int(a, s->expansion_minor - s->cross_sell_minor),
		cell_int(a, s->cross_sell_minor), cell_int(a, s->reactivation_minor), cell_int(a, s->contraction_minor),
		cell_int(a, s->churn_minor), cell_int(a, s->involuntary_minor), cell_int(a, s->free_minor),
		cell_int(a, s->fx_minor), cell_int(a, s->returned_minor), cell_int(a, s->end_minor), nrr_cause_text(a, s),
		cell_int(a, e->net_minor), cell_int(a, e->gross_minor), points_text(a, all, e->net_minor, 6),
		points_text(a, all, e->gross_minor, 6), r->book.currency, nrr_method_text(r->policy), hash };

	table_row(t, cells);
}

/* A chunk after the other: the rows of a million accounts together would take more than all else. */
static void print_csv(const struct accounts *all)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *hash = nrr_policy_hash(all->r->policy, all->r->cli->arena);
	size_t i = 0;

	do {
		struct table *t = table_new(a, csv_columns, ARRAY_LEN(csv_columns));
		bool is_first = i == 0;

		for (size_t n = 0; n < CHUNK_ROWS && i < all->n; n++)
			csv_row(all, t, a, &all->rows[i++], hash);
		if (is_first)
			table_print(t, FORMAT_CSV);
		else
			table_print_more(t);
		arena_reset(a);
	} while (i < all->n);
	nrr_note_reason(all->whole.why_none);
	nrr_note_policy(all->r);
}

static void json_account(struct json_out *o, struct arena *a, const struct accounts *all, const struct effect *e)
{
	const struct nrr_report *r = all->r;
	const struct revenue_account *x = &r->facts.accounts[e->of->account];
	const char *owner, *why = nrr_owner_why(r, e->of->account, &owner);
	int64_t start = all->whole.sums.start_minor;

	json_open_object(o, NULL);
	json_put_text(o, "account_key", x->key);
	json_put_text(o, "account", x->name);
	json_put_text(o, "segment", segment_of(r, e));
	json_put_text(o, "owner", owner);
	json_put_text(o, "owner_reason", why);
	nrr_json_sums(o, &e->of->sums);
	json_put_text(o, "cause", nrr_cause_text(a, &e->of->sums));
	nrr_json_ratio(o, a, "nrr_effect", (struct nrr_ratio){ e->net_minor, start });
	nrr_json_ratio(o, a, "grr_effect", (struct nrr_ratio){ e->gross_minor, start });
	json_close_object(o);
}

static void print_json(const struct accounts *all)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct nrr_json j;

	nrr_json_open(&j, all->r, "accounts");
	nrr_json_window(&j.out, all->r, "whole", &all->whole, all->r->window);
	json_open_array(&j.out, "accounts");
	for (size_t i = 0; i < all->n; i++) {
		json_account(&j.out, a, all, &all->rows[i]);
		if (i % CHUNK_ROWS == CHUNK_ROWS - 1 || j.text.len > 1 << 20) {
			nrr_json_flush(&j);
			arena_reset(a);
		}
	}
	json_close_array(&j.out);
	nrr_json_close(&j);
}

/* For people ------------------------------------------------------------------------------------------------------- */

static const struct table_column people_columns[] = {
	{ "account", false }, { "start", true }, { "end", true }, { "change", true }, { "NRR points", true },
	{ "GRR points", true }, { "why", false },
};

/* Several accounts together. */
struct part {
	size_t n;
	int64_t start_minor, end_minor, net_minor, gross_minor;
};

static void add_to(struct part *p, const struct effect *e)
{
	p->n++;
	p->start_minor += e->of->sums.start_minor;
	p->end_minor += e->of->sums.end_minor;
	p->net_minor += e->net_minor;
	p->gross_minor += e->gross_minor;
}

static void people_row(const struct accounts *all, struct table *t, const char *name, const struct part *p,
                       const char *why)
{
	struct arena *a = all->r->cli->arena;
	const char *currency = all->r->book.currency;
	const char *cells[ARRAY_LEN(people_columns)] = { name, money_text(a, p->start_minor, currency),
		money_text(a, p->end_minor, currency), money_text(a, p->end_minor - p->start_minor, currency),
		points_text(a, all, p->net_minor, 2), points_text(a, all, p->gross_minor, 2), why };

	table_row(t, cells);
}

static bool has_moved(const struct effect *e)
{
	const struct nrr_sums *s = &e->of->sums;

	return e->net_minor || e->gross_minor || s->start_minor != s->end_minor || s->returned_minor;
}

static void print_total(const struct accounts *all, size_t n_still, const struct part *sum)
{
	struct arena *a = all->r->cli->arena;
	const struct nrr_window *w = &all->whole;

	if (n_still)
		(void)printf("%zu %s the same at both ends.\n", n_still, n_still == 1 ? "account pays" : "accounts pay");
	if (w->why_none) {
		(void)printf("%s\n", w->why_none);
		return;
	}
	(void)printf("NRR %s = 100 %% %s points, GRR %s = 100 %% %s points; residual %" PRId64 "\n",
	             nrr_percent(a, w, w->nrr), points_text(a, all, sum->net_minor, 2), nrr_percent(a, w, w->grr),
	             points_text(a, all, sum->gross_minor, 2),
	             magnitude(w->sums.cohort_end_minor - w->sums.start_minor - sum->net_minor) +
	             magnitude(w->sums.kept_minor - w->sums.start_minor - sum->gross_minor));
}

/* Nobody reads more rows than that; those that move the figure most come first. */
static void print_table(const struct accounts *all)
{
	const struct nrr_report *r = all->r;
	struct arena *a = r->cli->arena;
	struct table *t = table_new(a, people_columns, ARRAY_LEN(people_columns));
	struct part sum = { 0 }, others = { 0 };
	size_t n_still = 0, n_shown = 0;

	(void)printf("What each account adds to retention, %s to %s\n\n", day_text(a, r->span.from),
	             day_text(a, r->span.to));
	for (size_t i = 0; i < all->n; i++) {
		const struct effect *e = &all->rows[i];
		struct part one = { 0 };

		add_to(&sum, e);
		if (!has_moved(e)) {
			n_still++;
		} else if (n_shown == MAX_SHOWN) {
			add_to(&others, e);
		} else {
			n_shown++;
			add_to(&one, e);
			people_row(all, t, text_clean(a, r->facts.accounts[e->of->account].name, NAME_CHARS), &one,
			           nrr_cause_text(a, &e->of->sums));
		}
	}
	if (others.n)
		people_row(all, t, arena_printf(a, "(%zu others)", others.n), &others, "--format csv has them");
	people_row(all, t, "(all)", &sum, "");
	table_print(t, FORMAT_TABLE);
	(void)putchar('\n');
	print_total(all, n_still, &sum);
	nrr_print_footer(r);
}

int nrr_print_accounts(struct nrr_report *r, struct err *err)
{
	static void (*const printers[])(const struct accounts *) = {
		[FORMAT_TABLE] = print_table, [FORMAT_JSON] = print_json, [FORMAT_CSV] = print_csv
	};
	struct accounts all = { .r = r };
	struct nrr_contribution *made;

	if (nrr_report_whole(&r->book, r->span, r->cli->arena, &all.whole, err) < 0 ||
	    nrr_contributions(&r->book, r->span, r->cli->arena, &made, &all.n, err) < 0)
		return -1;
	all.rows = arena_array(r->cli->arena, all.n, sizeof *all.rows);
	for (size_t i = 0; i < all.n; i++) {
		const struct nrr_sums *s = &made[i].sums;

		all.rows[i] = (struct effect){ &made[i], s->cohort_end_minor - s->start_minor,
			s->kept_minor - s->start_minor };
	}
	qsort(all.rows, all.n, sizeof *all.rows, compare_effects);
	printers[r->cli->format](&all);
	return 0;
}

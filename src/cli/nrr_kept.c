#include "nrr_kept.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/money.h"
#include "nrr_close.h"

struct nrr_window nrr_kept_window(const struct nrr_snapshot *s)
{
	struct nrr_window part = { .why_none = s->why_none }, w = { .span = { s->from_on, s->to_on } };

	nrr_kept_sums(s->sums, &part.sums);
	nrr_add(&w, &part);
	return w;
}

const char *nrr_kept_month(struct arena *a, const struct nrr_snapshot *s)
{
	return arena_strndup(a, day_text(a, day_add_months(s->to_on, -1)), 7);
}

const char *nrr_kept_percent(struct arena *a, const struct nrr_window *w, double ratio)
{
	return w->why_none ? "-" : arena_printf(a, "%.1f %%", 100 * ratio);
}

int nrr_kept_query(const struct cli *c, const struct session *s, struct nrr_snapshot_query *out, struct err *err)
{
	const char *month = cli_option(c, "month");
	int32_t first;

	*out = (struct nrr_snapshot_query){ DAY_NONE + 1, INT32_MAX, s->as_of };
	if (!month)
		return 0;
	if (!day_parse(arena_printf(c->arena, "%s-01", month), &first))
		return err_set(err, ERR_USAGE, "--month is `%.20s`, expected a month such as 2026-02", month);
	out->first_to_on = out->last_to_on = day_add_months(first, 1);
	return 0;
}

/* one month -------------------------------------------------------------------------------------------------------- */

enum { COL_AMOUNTS = 7, COL_NRR = 15, COL_REASON = 18, N_AMOUNTS = COL_NRR - COL_AMOUNTS, MAX_JSON = 256 << 20 };

/* People see the currency with each amount. */
static const struct table_column columns[] = {
	{ "month", false }, { "window_months", true }, { "revision", true }, { "as_of", false }, { "policy", false },
	{ "owner", false }, { "start_accounts", true }, { "start", true }, { "new", true }, { "expansion", true },
	{ "reactivation", true }, { "contraction", true }, { "churn", true }, { "fx", true }, { "end", true },
	{ "NRR", true }, { "GRR", true }, { "logos", true }, { "reason", false }, { "currency", false },
};
static const char *const members[ARRAY_LEN(columns)] = {
	[COL_NRR] = "nrr", [COL_NRR + 1] = "grr", /* of JSON, where they differ from the titles */
};

static void add_amounts(const struct cli *c, const struct nrr_sums *s, const char *currency, const char **cells)
{
	const int64_t amounts[N_AMOUNTS] = { s->start_minor, s->added_minor, s->expansion_minor, s->reactivation_minor,
		-s->contraction_minor, -s->churn_minor, s->fx_minor, s->end_minor };

	for (size_t i = 0; i < N_AMOUNTS; i++)
		cells[i] = c->format != FORMAT_TABLE ? cell_int(c->arena, amounts[i])
		                                     : money_text(c->arena, amounts[i], currency);
}

/* Where rows go: to a table, or as objects to JSON. */
struct rows {
	const struct cli *c;
	struct table *t;
	struct json_out json;
};

static void put_object(struct json_out *o, const char *const *cells)
{
	json_open_object(o, NULL);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		const char *name = members[i] ? members[i] : columns[i].title;

		if (columns[i].is_number && cells[i])
			json_put_raw(o, name, cells[i]);
		else
			json_put_text(o, name, cells[i]);
	}
	json_close_object(o);
}

static void add_row(struct rows *to, const struct nrr_snapshot *s, const char *owner, const struct nrr_window *w)
{
	const double ratios[] = { w->nrr, w->grr, w->logo };
	const struct cli *c = to->c;
	struct arena *a = c->arena;
	const char *cells[ARRAY_LEN(columns)] = { nrr_kept_month(a, s), cell_int(a, s->months), cell_int(a, s->revision),
		day_text(a, s->as_of_on), s->policy_hash, owner, cell_int(a, w->sums.n_start) };

	add_amounts(c, &w->sums, s->currency, cells + COL_AMOUNTS);
	for (size_t i = 0; i < ARRAY_LEN(ratios); i++)
		if (c->format == FORMAT_TABLE)
			cells[COL_NRR + i] = nrr_kept_percent(a, w, ratios[i]);
		else
			cells[COL_NRR + i] = w->why_none ? NULL : arena_printf(a, "%.6f", ratios[i]);
	cells[COL_REASON] = w->why_none;
	cells[COL_REASON + 1] = s->currency;
	if (c->format == FORMAT_JSON)
		put_object(&to->json, cells);
	else
		table_row(to->t, cells);
}

static int compare_owners(const void *left, const void *right)
{
	const struct nrr_snapshot_account *a = left, *b = right;

	return strcmp(a->owner ? a->owner : "(none)", b->owner ? b->owner : "(none)");
}

/* Each owner's book as it was frozen. */
static int add_books(struct rows *to, struct db *db, const struct nrr_snapshot *s, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct nrr_snapshot_account *accounts;
	size_t n;

	if (nrr_snapshot_accounts(db, s->id, a, &accounts, &n, err) < 0)
		return -1;
	if (n)
		qsort(accounts, n, sizeof *accounts, compare_owners);
	for (size_t i = 0; i < n;) {
		struct nrr_window book = { .span = { s->from_on, s->to_on } };
		size_t first = i;

		for (; i < n && compare_owners(&accounts[first], &accounts[i]) == 0; i++) {
			struct nrr_window part = { .why_none = "insufficient history: no recurring revenue at the start" };

			nrr_kept_sums(accounts[i].sums, &part.sums);
			nrr_add(&book, &part);
		}
		add_row(to, s, accounts[first].owner ? accounts[first].owner : "(none)", &book);
	}
	return 0;
}

static int add_rows(struct rows *to, const struct session *s, const struct nrr_snapshot *list, size_t n,
                    struct err *err)
{
	bool by_owner = cli_option(to->c, "by");

	for (size_t i = 0; i < n; i++) {
		const struct nrr_window w = nrr_kept_window(&list[i]);
		bool is_last = i + 1 == n || list[i + 1].months != list[i].months;

		if (!by_owner)
			add_row(to, &list[i], NULL, &w);
		else if (is_last && add_books(to, s->db, &list[i], err) < 0)
			return -1;
	}
	return 0;
}

static int print_json(struct rows *to, const struct session *s, const struct nrr_snapshot *list, size_t n,
                      struct err *err)
{
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, MAX_JSON);
	to->json = json_out_to(&text);
	if (nrr_kept_open(&to->json, "month", s, list, n, to->c->arena, err) < 0 || add_rows(to, s, list, n, err) < 0)
		return -1;
	nrr_kept_close(&to->json);
	if (text.is_full)
		return err_set(err, ERR_INPUT, "the month's books take more than %d MiB", MAX_JSON >> 20);
	(void)puts(text.at);
	return 0;
}

int nrr_kept(struct cli *c, const struct session *s, struct err *err)
{
	struct rows to = { .c = c };
	struct nrr_snapshot_query query;
	struct nrr_snapshot *list;
	size_t n;

	if (nrr_kept_query(c, s, &query, err) < 0 || nrr_snapshots_load(s->db, &query, c->arena, &list, &n, err) < 0)
		return -1;
	if (!n)
		return err_set(err, ERR_INPUT,
		               "no report of %s was kept as of %s: a month is closed by the first score after it, and one "
		               "without revenue isn't",
		               cli_option(c, "month"), day_text(c->arena, s->as_of));
	if (c->format == FORMAT_JSON)
		return print_json(&to, s, list, n, err);
	to.t = table_new(c->arena, columns, ARRAY_LEN(columns) - (c->format == FORMAT_TABLE));
	if (add_rows(&to, s, list, n, err) < 0)
		return -1;
	table_print(to.t, c->format);
	return nrr_kept_footer(c, s, list, n, err);
}

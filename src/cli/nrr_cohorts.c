/* The cohort triangle: month of first revenue by months since, as NRR, GRR and logos. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "nrr_report.h"
#include "score/cohorts.h"
#include "score/picture.h"

enum { MAX_TEXT_BYTES = 8 << 20 };

typedef double (*share_fn)(const struct cohort *c, size_t months);

static const struct {
	const char *title;
	share_fn share;
} measures[] = {
	{ "Net retention (NRR) of cohorts, in % of what they paid at first (accounts in brackets)", cohort_nrr },
	{ "Gross retention (GRR), in % of what they paid at first", cohort_grr },
	{ "Accounts kept, in %", cohort_logos },
};

static const char none_known[] = "insufficient history: of no account the first day of revenue is known";

/* For people: first each month, then the round ones; programs get all. */
static size_t shown_months(size_t most, struct arena *a, size_t **out)
{
	size_t n = 0;

	*out = arena_array(a, most, sizeof **out);
	for (size_t k = 0; k < most; k++)
		if (k <= 6 || (k <= 12 && k % 3 == 0) || (k <= 36 && k % 6 == 0) || k % 12 == 0)
			(*out)[n++] = k;
	return n;
}

/* All cohorts that are old enough together; false when none is. */
static bool together(const struct cohorts *all, size_t months, struct cohort_cell *cell, struct cohort *out)
{
	*cell = (struct cohort_cell){ 0 };
	*out = (struct cohort){ .cells = cell };
	for (size_t i = 0; i < all->n; i++) {
		const struct cohort *c = &all->rows[i];

		if (months >= c->n_cells)
			continue;
		out->n_accounts += c->n_accounts;
		out->start_minor += c->start_minor;
		cell->n_logos += c->cells[months].n_logos;
		cell->paid_minor += c->cells[months].paid_minor;
		cell->kept_minor += c->cells[months].kept_minor;
	}
	return out->n_accounts > 0;
}

static void print_triangle(struct arena *a, const struct cohorts *all, const char *title, share_fn share)
{
	CLEANUP(buf_done) struct buf text;
	size_t *months, n = shown_months(all->most_cells, a, &months);
	const char **rows = arena_array(a, all->n + 1, sizeof *rows), **columns = arena_array(a, n, sizeof *columns);
	double *cells = arena_array(a, (all->n + 1) * n, sizeof *cells);
	const struct picture_heat heat = { .head = { .id = "t", .title = title }, .row_title = "cohort",
		.column_title = "months since", .rows = rows, .n_rows = all->n + 1, .columns = columns, .n_columns = n,
		.cells = cells };

	for (size_t k = 0; k < n; k++) {
		struct cohort_cell cell;
		struct cohort whole;

		columns[k] = cell_int(a, (int64_t)months[k]);
		for (size_t i = 0; i < all->n; i++)
			cells[i * n + k] = months[k] < all->rows[i].n_cells ? share(&all->rows[i], months[k]) : NAN;
		cells[all->n * n + k] = together(all, months[k], &cell, &whole) ? share(&whole, 0) : NAN;
	}
	for (size_t i = 0; i < all->n; i++)
		rows[i] = arena_printf(a, "%s (%" PRId64 ")", all->rows[i].name, all->rows[i].n_accounts);
	rows[all->n] = "all";
	buf_init(&text, MAX_TEXT_BYTES);
	picture_heat_text(&heat, a, &text);
	(void)fputs(text.at, stdout);
}

static void print_table(const struct nrr_report *r, const struct cohorts *all)
{
	if (!all->n)
		(void)puts(none_known);
	for (size_t i = 0; all->n && i < ARRAY_LEN(measures); i++) {
		(void)printf("%s%s\n\n", i ? "\n" : "", measures[i].title);
		print_triangle(r->cli->arena, all, measures[i].title, measures[i].share);
	}
	if (all->n)
		(void)puts("\n+ more than at first, \u2591 below 95, \u2592 below 75, \u2593 below 50; "
		           "all: the cohorts that are so old");
	if (all->n_undated)
		(void)printf("%" PRId64 " accounts are in no cohort: since when they pay is not known\n", all->n_undated);
	nrr_print_footer(r);
}

static const struct table_column csv_columns[] = {
	{ "cohort", false }, { "month", true }, { "accounts", true }, { "start_mrr", true }, { "accounts_kept", true },
	{ "paid_mrr", true }, { "kept_mrr", true }, { "nrr", true }, { "grr", true }, { "logo_retention", true },
	{ "currency", false }, { "policy_hash", false },
};

static void print_csv(const struct nrr_report *r, const struct cohorts *all)
{
	struct arena *a = r->cli->arena;
	const char *hash = nrr_policy_hash(r->policy, a);
	struct table *t = table_new(a, csv_columns, ARRAY_LEN(csv_columns));

	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->rows[i].n_cells; k++) {
			const struct cohort *c = &all->rows[i];
			const char *cells[ARRAY_LEN(csv_columns)] = { c->name, cell_int(a, (int64_t)k),
				cell_int(a, c->n_accounts), cell_int(a, c->start_minor), cell_int(a, c->cells[k].n_logos),
				cell_int(a, c->cells[k].paid_minor), cell_int(a, c->cells[k].kept_minor),
				arena_printf(a, "%.6f", cohort_nrr(c, k)), arena_printf(a, "%.6f", cohort_grr(c, k)),
				arena_printf(a, "%.6f", cohort_logos(c, k)), r->book.currency, hash };

			table_row(t, cells);
		}
	table_print(t, FORMAT_CSV);
	nrr_note_reason(all->n ? NULL : none_known);
	nrr_note_policy(r);
}

static void json_cohort(struct json_out *o, struct arena *a, const struct cohort *c)
{
	json_open_object(o, NULL);
	json_put_text(o, "cohort", c->name);
	json_put_int(o, "accounts", c->n_accounts);
	json_put_int(o, "start_mrr", c->start_minor);
	json_open_array(o, "months");
	for (size_t k = 0; k < c->n_cells; k++) {
		const struct cohort_cell *cell = &c->cells[k];

		json_open_object(o, NULL);
		json_put_int(o, "month", (int64_t)k);
		nrr_json_ratio(o, a, "nrr", (struct nrr_ratio){ cell->paid_minor, c->start_minor });
		nrr_json_ratio(o, a, "grr", (struct nrr_ratio){ cell->kept_minor, c->start_minor });
		nrr_json_ratio(o, a, "logo_retention", (struct nrr_ratio){ cell->n_logos, c->n_accounts });
		json_close_object(o);
	}
	json_close_array(o);
	json_close_object(o);
}

static void print_json(const struct nrr_report *r, const struct cohorts *all)
{
	struct nrr_json j;

	nrr_json_open(&j, r, "cohorts");
	json_put_int(&j.out, "accounts_without_a_first_day", all->n_undated);
	json_put_text(&j.out, "reason", all->n ? NULL : none_known);
	json_open_array(&j.out, "cohorts");
	for (size_t i = 0; i < all->n; i++) {
		json_cohort(&j.out, r->cli->arena, &all->rows[i]);
		nrr_json_flush(&j);
	}
	json_close_array(&j.out);
	nrr_json_close(&j);
}

int nrr_print_cohorts(struct nrr_report *r, struct err *err)
{
	static void (*const printers[])(const struct nrr_report *, const struct cohorts *) = {
		[FORMAT_TABLE] = print_table, [FORMAT_JSON] = print_json, [FORMAT_CSV] = print_csv
	};
	struct cohorts all;

	if (r->policy->method != NRR_POINT_TO_POINT)
		nrr_report_note(r, "The triangle compares each account with its first day, whatever the method of windows.");
	if (cohorts_make(&r->book, r->span.to, r->cli->arena, &all, err) < 0)
		return -1;
	printers[r->cli->format](r, &all);
	return 0;
}

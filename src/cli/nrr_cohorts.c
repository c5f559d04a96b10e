/* The cohort triangle: month of first revenue by months since, as NRR, GRR and logos. */
#include <inttypes.h>
#include <stdio.h>

#include "nrr_report.h"
#include "score/cohorts.h"

typedef double (*share_fn)(const struct cohort *c, size_t months);

static const struct {
	const char *title;
	share_fn share;
} measures[] = {
	{ "Net retention (NRR), % of what the cohort paid at first, after so many months", cohort_nrr },
	{ "Gross retention (GRR), % of what the cohort paid at first, after so many months", cohort_grr },
	{ "Accounts kept, % of the cohort, after so many months", cohort_logos },
};

static const char none_known[] = "insufficient history: of no account the first day of revenue is known";

/* For people: each of the first twelve months, then the round ones; programs get all. */
static size_t shown_months(size_t most, struct arena *a, size_t **out)
{
	size_t n = 0;

	*out = arena_array(a, most, sizeof **out);
	for (size_t k = 0; k < most; k++)
		if (k <= 12 || (k <= 36 && k % 6 == 0) || k % 12 == 0)
			(*out)[n++] = k;
	return n;
}

/* All cohorts that are old enough together. */
static const char *together(struct arena *a, const struct cohorts *all, size_t months, share_fn share)
{
	struct cohort_cell sum = { 0 };
	struct cohort whole = { .cells = &sum };

	for (size_t i = 0; i < all->n; i++) {
		const struct cohort *c = &all->rows[i];

		if (months >= c->n_cells)
			continue;
		whole.n_accounts += c->n_accounts;
		whole.start_minor += c->start_minor;
		sum.n_logos += c->cells[months].n_logos;
		sum.paid_minor += c->cells[months].paid_minor;
		sum.kept_minor += c->cells[months].kept_minor;
	}
	return whole.n_accounts ? arena_printf(a, "%.0f", 100 * share(&whole, 0)) : NULL;
}

static void print_triangle(struct arena *a, const struct cohorts *all, share_fn share)
{
	size_t *months, n = shown_months(all->most_cells, a, &months);
	struct table_column *columns = arena_array(a, n + 2, sizeof *columns);
	const char **cells = arena_array(a, n + 2, sizeof *cells);
	struct table *t;

	columns[0] = (struct table_column){ "cohort", false };
	columns[1] = (struct table_column){ "accounts", true };
	for (size_t k = 0; k < n; k++)
		columns[k + 2] = (struct table_column){ cell_int(a, (int64_t)months[k]), true };
	t = table_new(a, columns, (int)n + 2);
	for (size_t i = 0; i < all->n; i++) {
		const struct cohort *c = &all->rows[i];

		cells[0] = c->name;
		cells[1] = cell_int(a, c->n_accounts);
		for (size_t k = 0; k < n; k++)
			cells[k + 2] = months[k] < c->n_cells ? arena_printf(a, "%.0f", 100 * share(c, months[k])) : NULL;
		table_row(t, cells);
	}
	cells[0] = "(all)";
	cells[1] = NULL;
	for (size_t k = 0; k < n; k++)
		cells[k + 2] = together(a, all, months[k], share);
	table_row(t, cells);
	table_print(t, FORMAT_TABLE);
}

static void print_table(const struct nrr_report *r, const struct cohorts *all)
{
	if (!all->n)
		(void)puts(none_known);
	for (size_t i = 0; all->n && i < ARRAY_LEN(measures); i++) {
		(void)printf("%s%s\n\n", i ? "\n" : "", measures[i].title);
		print_triangle(r->cli->arena, all, measures[i].share);
	}
	if (all->n_undated)
		(void)printf("\n%" PRId64 " accounts are in no cohort: since when they pay is not known\n", all->n_undated);
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
	if (!all->n)
		(void)fprintf(stderr, "%s\n", none_known);
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

	if (cohorts_make(&r->book, r->span.to, r->cli->arena, &all, err) < 0)
		return -1;
	printers[r->cli->format](r, &all);
	return 0;
}

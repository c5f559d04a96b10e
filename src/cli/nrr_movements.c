/* The dated list of what changed: each day on which an account came, grew, shrank, left or came back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/money.h"
#include "common/text.h"
#include "nrr_report.h"
#include "score/movements.h"

enum { CHUNK_ROWS = 4096, NAME_CHARS = 40, MAX_SHOWN = 1000 };

struct totals { int64_t n, minor; };

struct movements {
	const struct nrr_report *r;
	struct movement *rows;
	size_t n;
	struct totals totals[N_MOVEMENT_KINDS];
	struct nrr_window whole;
	int64_t residual_minor; /* start + all movements - end */
};

static int compare_dated(const void *left, const void *right)
{
	const struct movement *a = left, *b = right;

	if (a->on != b->on)
		return a->on < b->on ? -1 : 1;
	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->product != b->product)
		return a->product < b->product ? -1 : 1;
	return (a->minor > b->minor) - (a->minor < b->minor);
}

static const char *product_of(const struct movements *all, const struct movement *m)
{
	return m->product ? all->r->facts.names[m->product] : NULL;
}

/* For programs --------------------------------------------------------------------------------------------------- */

static const struct table_column csv_columns[] = {
	{ "date", false }, { "account_key", false }, { "account", false }, { "movement", false }, { "change_mrr", true },
	{ "before_mrr", true }, { "after_mrr", true }, { "product", false }, { "currency", false },
	{ "policy_hash", false },
};

static void print_csv(const struct movements *all)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct nrr_report *r = all->r;
	const char *hash = nrr_policy_hash(r->policy, r->cli->arena);
	size_t i = 0;

	do {
		struct table *t = table_new(a, csv_columns, ARRAY_LEN(csv_columns));
		bool is_first = i == 0;

		for (size_t n = 0; n < CHUNK_ROWS && i < all->n; n++, i++) {
			const struct movement *m = &all->rows[i];
			const struct revenue_account *x = &r->facts.accounts[m->account];
			const char *cells[ARRAY_LEN(csv_columns)] = { day_text(a, m->on), x->key, x->name,
				movement_names[m->kind], cell_int(a, m->minor), cell_int(a, m->before_minor),
				cell_int(a, m->after_minor), product_of(all, m), r->book.currency, hash };

			table_row(t, cells);
		}
		if (is_first)
			table_print(t, FORMAT_CSV);
		else
			table_print_more(t);
		arena_reset(a);
	} while (i < all->n);
	nrr_note_reason(all->whole.why_none);
	nrr_note_policy(r);
}

static void json_movement(struct json_out *o, struct arena *a, const struct movements *all, const struct movement *m)
{
	const struct revenue_account *x = &all->r->facts.accounts[m->account];

	json_open_object(o, NULL);
	json_put_text(o, "date", day_text(a, m->on));
	json_put_text(o, "account_key", x->key);
	json_put_text(o, "account", x->name);
	json_put_text(o, "movement", movement_names[m->kind]);
	json_put_int(o, "change_mrr", m->minor);
	json_put_int(o, "before_mrr", m->before_minor);
	json_put_int(o, "after_mrr", m->after_minor);
	json_put_text(o, "product", product_of(all, m));
	json_close_object(o);
}

static void json_totals(struct json_out *o, const struct movements *all)
{
	json_put_int(o, "start_mrr", all->whole.sums.start_minor);
	json_put_int(o, "end_mrr", all->whole.sums.end_minor);
	json_open_object(o, "totals");
	for (int k = 0; k < N_MOVEMENT_KINDS; k++) {
		json_open_object(o, movement_names[k]);
		json_put_int(o, "movements", all->totals[k].n);
		json_put_int(o, "change_mrr", all->totals[k].minor);
		json_close_object(o);
	}
	json_close_object(o);
	json_put_int(o, "residual", all->residual_minor);
	json_put_text(o, "reason", all->whole.why_none);
}

static void print_json(const struct movements *all)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct nrr_json j;

	nrr_json_open(&j, all->r, "movements");
	json_put_text(&j.out, "from_date", day_text(all->r->cli->arena, all->r->span.from));
	json_put_text(&j.out, "to_date", day_text(all->r->cli->arena, all->r->span.to));
	json_totals(&j.out, all);
	json_open_array(&j.out, "movements");
	for (size_t i = 0; i < all->n; i++) {
		json_movement(&j.out, a, all, &all->rows[i]);
		if (i % CHUNK_ROWS == CHUNK_ROWS - 1) {
			nrr_json_flush(&j);
			arena_reset(a);
		}
	}
	json_close_array(&j.out);
	nrr_json_close(&j);
}

/* For people ------------------------------------------------------------------------------------------------------- */

static const struct table_column people_columns[] = {
	{ "day", false }, { "account", false }, { "movement", false }, { "change", true }, { "before", true },
	{ "after", true }, { "product", false },
};

static void print_totals(const struct movements *all)
{
	static const struct table_column columns[] = { { "", false }, { "movements", true }, { "revenue", true } };
	struct arena *a = all->r->cli->arena;
	const char *currency = all->r->book.currency;
	struct table *t = table_new(a, columns, ARRAY_LEN(columns));

	table_row(t, (const char *[]){ "start", NULL, money_text(a, all->whole.sums.start_minor, currency) });
	for (int k = 0; k < N_MOVEMENT_KINDS; k++)
		if (all->totals[k].n)
			table_row(t, (const char *[]){ movement_names[k], cell_int(a, all->totals[k].n),
			                               money_text(a, all->totals[k].minor, currency) });
	table_row(t, (const char *[]){ "end", NULL, money_text(a, all->whole.sums.end_minor, currency) });
	table_row(t, (const char *[]){ "residual", NULL, money_text(a, all->residual_minor, currency) });
	(void)putchar('\n');
	table_print(t, FORMAT_TABLE);
	if (all->whole.why_none)
		(void)printf("\n%s\n", all->whole.why_none);
}

static void print_table(const struct movements *all)
{
	const struct nrr_report *r = all->r;
	struct arena *a = r->cli->arena;
	const char *currency = r->book.currency;
	struct table *t = table_new(a, people_columns, ARRAY_LEN(people_columns));

	(void)printf("Movements of recurring revenue per month, after %s up to %s\n\n", day_text(a, r->span.from),
	             day_text(a, r->span.to));
	if (all->n > MAX_SHOWN)
		(void)printf("%zu earlier ones are left out here and counted below; --format csv has them\n\n",
		             all->n - MAX_SHOWN);
	for (size_t i = all->n > MAX_SHOWN ? all->n - MAX_SHOWN : 0; i < all->n; i++) {
		const struct movement *m = &all->rows[i];
		const char *cells[ARRAY_LEN(people_columns)] = { day_text(a, m->on),
			text_clean(a, r->facts.accounts[m->account].name, NAME_CHARS), movement_names[m->kind],
			money_text(a, m->minor, currency), money_text(a, m->before_minor, currency),
			money_text(a, m->after_minor, currency), product_of(all, m) };

		table_row(t, cells);
	}
	table_print(t, FORMAT_TABLE);
	print_totals(all);
	nrr_print_footer(r);
}

int nrr_print_movements(struct nrr_report *r, struct err *err)
{
	static void (*const printers[])(const struct movements *) = {
		[FORMAT_TABLE] = print_table, [FORMAT_JSON] = print_json, [FORMAT_CSV] = print_csv
	};
	struct movements all = { .r = r };

	nrr_report_note(r, r->policy->new_and_gone == NEW_AND_GONE_BOTH
	                   ? "Every dated change is listed, by whichever method windows are computed."
	                   : "Every dated change is listed, by whichever method windows are computed, but for accounts "
	                     "that came and went within it.");
	if (nrr_report_whole(&r->book, r->span, r->cli->arena, &all.whole, err) < 0 ||
	    movements_make(&r->book, r->span, r->cli->arena, &all.rows, &all.n, err) < 0)
		return -1;
	all.residual_minor = all.whole.sums.start_minor - all.whole.sums.end_minor;
	for (size_t i = 0; i < all.n; i++) {
		struct totals *sum = &all.totals[all.rows[i].kind];

		sum->n++;
		sum->minor += all.rows[i].minor;
		all.residual_minor += all.rows[i].minor;
	}
	if (all.n)
		qsort(all.rows, all.n, sizeof *all.rows, compare_dated);
	printers[r->cli->format](&all);
	return 0;
}

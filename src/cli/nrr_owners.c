/* What the rules of owner books leave out: listed with the reason, for a book that silently loses accounts can't be
 * checked by its owner. */
#include <stdio.h>

#include "common/money.h"
#include "common/text.h"
#include "nrr_report.h"
#include "score/owner_book.h"

enum { NAME_CHARS = 40 };

const char *nrr_owner_why(const struct nrr_report *r, int32_t account, const char **out_owner)
{
	const struct nrr_owner_book *rules = &r->policy->owner_book;
	const struct owner_place place = owner_book_place(&r->facts.accounts[account], rules, r->span);

	*out_owner = place.owner;
	return owner_book_why(&place, rules, r->cli->arena);
}

static void print_table(const struct nrr_report *r, const struct nrr_contribution *all, size_t n)
{
	static const struct table_column columns[] = {
		{ "account", false }, { "held by", false }, { "start", true }, { "end", true }, { "why not counted", false },
	};
	struct arena *a = r->cli->arena;
	struct table *t = table_new(a, columns, ARRAY_LEN(columns));
	size_t n_out = 0;

	for (size_t i = 0; i < n; i++) {
		const char *owner, *why = nrr_owner_why(r, all[i].account, &owner);
		const char *cells[ARRAY_LEN(columns)] = {
			text_clean(a, r->facts.accounts[all[i].account].name, NAME_CHARS), owner,
			money_text(a, all[i].sums.start_minor, r->book.currency),
			money_text(a, all[i].sums.end_minor, r->book.currency), why };

		if (!why)
			continue;
		table_row(t, cells);
		n_out++;
	}
	if (n_out == 0)
		return;
	(void)printf("\nIn nobody's book (%zu):\n", n_out);
	table_print(t, FORMAT_TABLE);
}

static void put_json(const struct nrr_report *r, struct nrr_json *j, const struct nrr_contribution *all, size_t n)
{
	json_open_array(&j->out, "excluded");
	for (size_t i = 0; i < n; i++) {
		const char *owner, *why = nrr_owner_why(r, all[i].account, &owner);

		if (!why)
			continue;
		json_open_object(&j->out, NULL);
		json_put_text(&j->out, "account_key", r->facts.accounts[all[i].account].key);
		json_put_text(&j->out, "account", r->facts.accounts[all[i].account].name);
		json_put_text(&j->out, "owner", owner);
		json_put_int(&j->out, "start_mrr", all[i].sums.start_minor);
		json_put_int(&j->out, "end_mrr", all[i].sums.end_minor);
		json_put_text(&j->out, "reason", why);
		json_close_object(&j->out);
		nrr_json_flush(j);
	}
	json_close_array(&j->out);
}

int nrr_print_excluded(const struct nrr_report *r, struct nrr_json *j, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct nrr_contribution *all;
	size_t n;

	if (nrr_contributions(&r->book, r->span, a, &all, &n, err) < 0)
		return -1;
	if (j)
		put_json(r, j, all, n);
	else
		print_table(r, all, n);
	return 0;
}

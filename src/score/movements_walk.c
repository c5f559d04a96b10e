#include "movements_walk.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/money.h"
#include "movements_parts.h"

enum end { AT_START, AT_END };
enum { MOST_OF_A_GROUP = 2 }; /* movements: upsell and cross-sell, or contraction and churn */

struct walk *walk_new(const struct book *b, struct arena *a)
{
	struct walk *w = arena_alloc(a, sizeof *w);
	size_t most = 1, n_products;

	for (size_t i = 0; i < b->facts->n_accounts; i++)
		most = b->first[i + 1] - b->first[i] > most ? b->first[i + 1] - b->first[i] : most;
	n_products = most < b->facts->n_names ? most : b->facts->n_names;
	w->book = b;
	w->account = -1;
	for (size_t i = 0; i < ARRAY_LEN(w->rates); i++) {
		w->rates[i].at = arena_array(a, b->facts->n_names, sizeof *w->rates[i].at);
		w->rates[i].day = DAY_NONE;
	}
	w->most_minor = INT64_MAX / 4 / ((int64_t)b->n_pieces + 1);
	w->events = arena_array(a, 2 * most, sizeof *w->events);
	w->cells = arena_array(a, most, sizeof *w->cells);
	w->cell_of = arena_array(a, most, sizeof(struct cell *));
	w->products = arena_array(a, n_products, sizeof *w->products);
	w->touched = arena_array(a, n_products, sizeof *w->touched);
	w->out = arena_array(a, MOST_OF_A_GROUP * 2 * most + 1, sizeof *w->out);
	return w;
}

int64_t walk_paid(const struct walk *w)
{
	return w->total > 0 ? w->total : 0;
}

/* an account's pieces ---------------------------------------------------------------------------------------------- */

static int compare_events(const void *left, const void *right)
{
	const struct event *a = left, *b = right;

	if (a->on != b->on)
		return a->on < b->on ? -1 : 1;
	return (a->piece > b->piece) - (a->piece < b->piece);
}

static void list_events(struct walk *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_pieces; i++) {
		const struct book_piece *p = &w->pieces[i];

		if (p->is_free)
			continue;
		w->events[n++] = (struct event){ p->from, (uint32_t)i, false };
		w->events[n++] = (struct event){ p->to, (uint32_t)i, true };
	}
	if (n)
		qsort(w->events, n, sizeof *w->events, compare_events);
	w->n_events = n;
}

static int compare_cells(const void *left, const void *right)
{
	const struct cell *a = left, *b = right;

	if (a->name != b->name)
		return a->name < b->name ? -1 : 1;
	return (a->currency > b->currency) - (a->currency < b->currency);
}

/* Products and cells by name and currency, and the cell of each piece. */
static void list_cells(struct walk *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_pieces; i++)
		w->cells[i] = (struct cell){ .name = w->pieces[i].product, .currency = w->pieces[i].currency };
	if (w->n_pieces > 1)
		qsort(w->cells, w->n_pieces, sizeof *w->cells, compare_cells);
	w->n_products = 0;
	for (size_t i = 0; i < w->n_pieces; i++) {
		if (n && compare_cells(&w->cells[n - 1], &w->cells[i]) == 0)
			continue;
		if (n == 0 || w->cells[n - 1].name != w->cells[i].name)
			w->products[w->n_products++] = (struct product){ .name = w->cells[i].name };
		w->cells[i].product = w->n_products - 1;
		w->cells[n++] = w->cells[i];
	}
	w->n_cells = n;
	for (size_t i = 0; i < w->n_pieces; i++) {
		struct cell wanted = { .name = w->pieces[i].product, .currency = w->pieces[i].currency };

		w->cell_of[i] = bsearch(&wanted, w->cells, n, sizeof *w->cells, compare_cells);
	}
}

/* amounts ---------------------------------------------------------------------------------------------------------- */

/* At the rates of one end of the span. */
static int exchange(struct walk *w, uint16_t currency, int64_t minor, enum end end, int64_t *out, struct err *err)
{
	const struct book *b = w->book;
	int32_t day = end == AT_START ? w->span.from : w->span.to;
	int64_t *rate;

	*out = minor;
	if (minor == 0 || b->n_currencies <= 1 || currency == b->currency_name)
		return 0;
	if (w->rates[end].day != day) {
		for (size_t i = 0; i < b->facts->n_names; i++)
			w->rates[end].at[i] = 0;
		w->rates[end].day = day;
	}
	rate = &w->rates[end].at[currency];
	if (*rate == 0 && book_rate(b, currency, day, rate, err) < 0)
		return -1;
	if (!book_exchange_fits(minor, *rate, w->most_minor))
		return err_set(err, ERR_INPUT, "recurring revenue in %s does not fit into 64 bits", b->facts->names[currency]);
	*out = book_exchange(minor, *rate);
	return 0;
}

static void touch(struct walk *w, struct product *p, int64_t change)
{
	struct group *g = &w->group;

	if (p->group != g->number) {
		p->group = g->number;
		p->before = p->now;
		p->ended = 0;
		w->touched[g->n_touched++] = (size_t)(p - w->products);
	}
	w->n_named -= p->name && p->now > 0;
	p->now += change;
	w->n_named += p->name && p->now > 0;
	w->total += change;
}

static int apply(struct walk *w, const struct event *e, struct err *err)
{
	const struct book_piece *p = &w->pieces[e->piece];
	struct cell *cell = w->cell_of[e->piece];
	struct group *g = &w->group;
	int64_t minor = cell->minor + (e->is_end ? -p->minor : p->minor), worth;

	if (exchange(w, cell->currency, minor, AT_START, &worth, err) < 0)
		return -1;
	touch(w, &w->products[cell->product], worth - cell->worth);
	if (e->is_end && p->is_contract_end && p->minor > 0) /* a credit that ends is no loss */
		w->products[cell->product].ended += cell->worth - worth;
	g->has_begun = g->has_begun || (!e->is_end && p->is_contract_start);
	cell->minor = minor;
	cell->worth = worth;
	if (e->on != g->last_on)
		g->is_unpaid = false;
	g->is_unpaid = g->is_unpaid || (e->is_end && p->is_involuntary);
	g->last_on = e->on;
	return 0;
}

/* the way ---------------------------------------------------------------------------------------------------------- */

/* What was before the span: what is paid on its first day, and since when nothing was. Contracts that ended by then
 * need no rate of exchange. */
static int walk_before(struct walk *w, size_t *out_next, struct err *err)
{
	size_t i = 0, n_live = 0;

	walk_open(w, w->span.from);
	for (; i < w->n_events && w->events[i].on <= w->span.from; i++) {
		const struct event *e = &w->events[i];
		const struct book_piece *p = &w->pieces[e->piece];

		if (p->to > w->span.from && apply(w, e, err) < 0)
			return -1;
		if (p->minor <= 0)
			continue;
		n_live = e->is_end ? n_live - 1 : n_live + 1;
		if (n_live == 0)
			w->gone_on = e->on;
	}
	if (n_live > 0 && w->total <= 0)
		w->gone_on = w->span.from;
	w->group.is_open = false;
	w->start = walk_paid(w);
	w->is_counted = w->start > 0;
	for (size_t k = 0; k < w->n_products; k++)
		w->products[k].sums.start_minor = w->start ? w->products[k].now : 0;
	*out_next = i;
	return 0;
}

/* What the account, and each of its products, pays on the last day at that day's rates. */
static int exchange_end(struct walk *w, struct err *err)
{
	int64_t spot = 0;

	for (size_t i = 0; i < w->n_cells; i++) {
		const struct cell *cell = &w->cells[i];
		int64_t worth;

		if (exchange(w, cell->currency, cell->minor, AT_END, &worth, err) < 0)
			return -1;
		w->products[cell->product].sums.end_minor += worth;
		spot += worth;
	}
	w->spot = walk_paid(w) && spot > 0 ? spot : 0;
	for (size_t i = 0; i < w->n_products && !w->spot; i++)
		w->products[i].sums.end_minor = 0;
	walk_open(w, w->span.to);
	w->group.is_open = false;
	walk_move(w, MOVEMENT_FX, w->spot - walk_paid(w), w->spot, 0);
	return 0;
}

/* What does not depend on the span is made once, for an account is asked for all windows in turn. */
static void look_at(struct walk *w, int32_t account)
{
	const struct book *b = w->book;

	if (w->account == account)
		return;
	w->account = account;
	w->pieces = b->pieces + b->first[account];
	w->n_pieces = b->first[account + 1] - b->first[account];
	w->has_credits = false;
	for (size_t i = 0; i < w->n_pieces; i++)
		w->has_credits = w->has_credits || w->pieces[i].minor < 0;
	list_cells(w);
	list_events(w);
}

bool walk_has_movements(struct walk *w, int32_t account, struct nrr_span span)
{
	look_at(w, account);
	for (size_t i = 0; i < w->n_events && w->events[i].on <= span.to; i++)
		if (w->events[i].on > span.from)
			return true;
	return false;
}

static void begin(struct walk *w, int32_t account, struct nrr_span span)
{
	look_at(w, account);
	for (size_t i = 0; i < w->n_cells; i++)
		w->cells[i].minor = w->cells[i].worth = 0;
	for (size_t i = 0; i < w->n_products; i++)
		w->products[i] = (struct product){ .name = w->products[i].name };
	w->span = span;
	w->gone_on = DAY_NONE;
	w->total = w->start = w->spot = w->lost = 0;
	w->n_named = w->n_out = w->churned_in = 0;
	w->is_counted = w->has_gap = w->is_taken_for_new = w->is_left_out = false;
	w->group = (struct group){ 0 };
}

int walk_account(struct walk *w, int32_t account, struct nrr_span span, const struct movement **out, size_t *n_out,
                 struct err *err)
{
	const struct nrr_policy *p = w->book->policy;
	size_t i;

	begin(w, account, span);
	if (walk_before(w, &i, err) < 0)
		return -1;
	for (; i < w->n_events && w->events[i].on <= span.to; i++) {
		if (w->group.is_open && (int64_t)w->events[i].on - w->group.first_on > p->group_days)
			walk_close(w);
		if (!w->group.is_open)
			walk_open(w, w->events[i].on);
		if (apply(w, &w->events[i], err) < 0)
			return -1;
	}
	walk_close(w);
	if (exchange_end(w, err) < 0)
		return -1;
	w->is_left_out = w->start == 0 && walk_paid(w) == 0 && p->new_and_gone == NEW_AND_GONE_IGNORED;
	if (w->is_left_out)
		w->n_out = 0;
	*out = w->out;
	*n_out = w->n_out;
	return 0;
}

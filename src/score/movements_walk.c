#include "movements_walk.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/money.h"

#define NANO INT64_C(1000000000)
enum { MOST_OF_A_DAY = 3 }; /* movements of one group, and one of exchange rates behind all */

/* A piece begins or ends. */
struct event {
	int32_t on;
	uint32_t piece; /* of the account's */
	bool is_end;
};

/* What is paid for one product in one currency. */
struct cell {
	int64_t minor, worth; /* in its currency, and in the book's at the rates of the span's first day */
	size_t product;       /* into products */
	uint16_t name, currency;
};

struct product {
	int64_t before, now; /* before: the open group, when it has touched the product */
	size_t group;        /* that touched it last */
	struct nrr_sums sums;
	int64_t lost;        /* by revenue that counts */
	uint16_t name;
};

/* Changes of one account that are one movement: those of one day, or of several where the policy says so. */
struct group {
	size_t number;                /* 0: none yet */
	int32_t first_on, last_on;
	int64_t before;               /* what the account paid before the first of them */
	int64_t ended;                /* by contracts */
	size_t n_touched;
	bool is_open;
	bool has_begun;               /* a contract */
	bool is_unpaid;               /* something that ended last did so for want of payment */
	bool had_named;               /* a product by name was paid for before */
};

struct walk {
	const struct book *book;
	int64_t *rates; int32_t rates_of; /* by currency: of a day; 0: not asked yet */
	int64_t most_minor;  /* that one cell may come to, so that all fit together */
	struct event *events;
	struct cell *cells; size_t n_cells;
	struct cell **cell_of; /* by piece */
	struct product *products; size_t n_products;
	size_t *touched;     /* into products: by the open group */
	struct movement *out; size_t n_out;
	/* of the account at hand */
	struct nrr_span span;
	const struct book_piece *pieces; size_t n_pieces;
	int32_t account, gone_on; /* when it last stopped paying; DAY_NONE: it never paid */
	int64_t total;       /* of what is paid now, credits taken off: may be below 0 */
	int64_t start, spot; /* spot: the end at the rates of the last day */
	int64_t lost;        /* by revenue that counts */
	size_t n_named;      /* products by name that are paid for now */
	bool is_counted;     /* in the ratios, what is paid now */
	bool has_gap;        /* it left and came back */
	bool is_taken_for_new;
	bool is_left_out;    /* it came and went, which the policy ignores */
	struct group group;
};

struct walk *walk_new(const struct book *b, struct arena *a)
{
	struct walk *w = arena_alloc(a, sizeof *w);
	size_t most = 1;

	for (size_t i = 0; i < b->facts->n_accounts; i++)
		most = b->first[i + 1] - b->first[i] > most ? b->first[i + 1] - b->first[i] : most;
	w->book = b;
	w->rates = arena_array(a, b->facts->n_names, sizeof *w->rates);
	w->rates_of = DAY_NONE;
	w->most_minor = INT64_MAX / 4 / ((int64_t)b->n_pieces + 1);
	w->events = arena_array(a, 2 * most, sizeof *w->events);
	w->cells = arena_array(a, most, sizeof *w->cells);
	w->cell_of = arena_array(a, most, sizeof(struct cell *));
	w->products = arena_array(a, most, sizeof *w->products);
	w->touched = arena_array(a, most, sizeof *w->touched);
	w->out = arena_array(a, MOST_OF_A_DAY * 2 * most + 1, sizeof *w->out);
	return w;
}

static int64_t paid(const struct walk *w)
{
	return w->total > 0 ? w->total : 0;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* an account's pieces ---------------------------------------------------------------------------------------------- */

static int compare_events(const void *left, const void *right)
{
	const struct event *a = left, *b = right;

	if (a->on != b->on)
		return a->on < b->on ? -1 : 1;
	if (a->is_end != b->is_end)
		return a->is_end ? -1 : 1;
	return (a->piece > b->piece) - (a->piece < b->piece);
}

static size_t list_events(struct walk *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_pieces; i++) {
		const struct book_piece *p = &w->pieces[i];

		if (p->from > w->span.to)
			continue;
		w->events[n++] = (struct event){ p->from, (uint32_t)i, false };
		if (p->to <= w->span.to)
			w->events[n++] = (struct event){ p->to, (uint32_t)i, true };
	}
	qsort(w->events, n, sizeof *w->events, compare_events);
	return n;
}

static int compare_products(const void *left, const void *right)
{
	const struct product *a = left, *b = right;

	return (a->name > b->name) - (a->name < b->name);
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

static int exchange(struct walk *w, uint16_t currency, int64_t minor, int32_t day, int64_t *out, struct err *err)
{
	const struct book *b = w->book;

	*out = minor;
	if (minor == 0 || b->n_currencies <= 1 || currency == b->currency_name)
		return 0;
	if (w->rates_of != day) {
		for (size_t i = 0; i < b->facts->n_names; i++)
			w->rates[i] = 0;
		w->rates_of = day;
	}
	if (w->rates[currency] == 0 && book_rate(b, currency, day, &w->rates[currency], err) < 0)
		return -1;
	if ((money_wide)(minor < 0 ? -minor : minor) * w->rates[currency] > (money_wide)w->most_minor * NANO)
		return err_set(err, ERR_INPUT, "recurring revenue in %s does not fit into 64 bits", b->facts->names[currency]);
	*out = book_exchange(minor, w->rates[currency]);
	return 0;
}

static void touch(struct walk *w, struct product *p, int64_t change)
{
	struct group *g = &w->group;

	if (p->group != g->number) {
		p->group = g->number;
		p->before = p->now;
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

	if (exchange(w, cell->currency, minor, w->span.from, &worth, err) < 0)
		return -1;
	touch(w, &w->products[cell->product], worth - cell->worth);
	if (e->is_end && p->is_contract_end)
		g->ended += cell->worth - worth;
	g->has_begun = g->has_begun || (!e->is_end && p->is_contract_start);
	cell->minor = minor;
	cell->worth = worth;
	if (e->on != g->last_on)
		g->is_unpaid = false;
	g->is_unpaid = g->is_unpaid || (e->is_end && p->is_involuntary);
	g->last_on = e->on;
	return 0;
}

/* movements -------------------------------------------------------------------------------------------------------- */

static void add_movement(struct walk *w, enum movement_kind kind, int64_t minor, int64_t after, uint16_t product)
{
	if (minor == 0)
		return;
	w->out[w->n_out++] = (struct movement){ .account = w->account, .on = w->group.last_on, .kind = kind,
		.minor = minor, .before_minor = w->group.before, .after_minor = after, .product = product };
}

/* The product that alone moved in a direction, of those that were paid for before or those that were not. */
static uint16_t product_moved(const struct walk *w, int direction, bool was_had)
{
	const struct product *found = NULL;

	for (size_t i = 0; i < w->group.n_touched; i++) {
		const struct product *p = &w->products[w->touched[i]];

		if ((p->before > 0) != was_had || (p->now > p->before) - (p->now < p->before) != direction)
			continue;
		if (found)
			return 0;
		found = p;
	}
	return found ? found->name : 0;
}

/* A change of product at the same price sells nothing. Where no product was named before, nobody can tell. */
static int64_t cross_sold(const struct walk *w, int64_t gain)
{
	int64_t cross = 0;

	for (size_t i = 0; i < w->group.n_touched && w->group.had_named; i++) {
		const struct product *p = &w->products[w->touched[i]];

		if (p->name && p->before <= 0 && p->now > 0)
			cross += p->now;
	}
	return least(cross, gain);
}

static void add_gain(struct walk *w, int64_t gain, int64_t after)
{
	int64_t cross = cross_sold(w, gain);

	add_movement(w, MOVEMENT_UPSELL, gain - cross, after, product_moved(w, 1, w->group.had_named));
	add_movement(w, MOVEMENT_CROSS_SELL, cross, after, product_moved(w, 1, false));
}

/* Who stops paying churns; who drops a contract and goes on does where the policy says so. One that another takes the
 * place of was renewed for less. */
static int64_t churned(const struct walk *w, int64_t loss, int64_t after)
{
	const struct group *g = &w->group;

	if (after == 0)
		return loss;
	return w->book->policy->addon == ADDON_IS_CHURN && !g->has_begun ? least(loss, g->ended) : 0;
}

static void add_loss(struct walk *w, int64_t loss, int64_t churn, int64_t after)
{
	uint16_t product = product_moved(w, -1, true);

	add_movement(w, MOVEMENT_CONTRACTION, churn - loss, after, product);
	add_movement(w, w->group.is_unpaid ? MOVEMENT_INVOLUNTARY : MOVEMENT_CHURN, -churn, after, product);
	if (w->is_counted)
		w->lost += loss;
}

/* Who paid before comes back, unless the policy takes whom it has not seen for so long for somebody new. */
static bool is_back(const struct walk *w)
{
	int64_t within = w->book->policy->back_within_days;

	return w->gone_on != DAY_NONE && (within == 0 || (int64_t)w->group.first_on - w->gone_on <= within);
}

/* Whether what the account pays from now on counts in the ratios. */
static bool counts_again(const struct walk *w, bool back)
{
	const struct nrr_policy *p = w->book->policy;

	if (w->start > 0)
		return back && !w->is_taken_for_new && p->back_in_cohort == BACK_COUNTED;
	return back && p->back_outside == BACK_CREDITED;
}

static void add_arrival(struct walk *w, int64_t after, bool back)
{
	w->has_gap = true;
	w->is_counted = counts_again(w, back);
	w->is_taken_for_new = w->is_taken_for_new || !back;
	add_movement(w, back ? MOVEMENT_REACTIVATION : MOVEMENT_NEW, after, after, product_moved(w, 1, false));
}

/* by product ------------------------------------------------------------------------------------------------------- */

/* One product's part of a group: the class is the account's own, so who stays and drops a product contracts. churn: how
 * much of the account's churn is not given to a product yet. */
static void class_product(const struct walk *w, struct product *p, int64_t before, int64_t after, int64_t *churn,
                          bool back)
{
	const struct group *g = &w->group;
	struct nrr_sums *s = &p->sums;
	int64_t change = after - before, part;

	if (g->before == 0) {
		*(back ? &s->reactivation_minor : &s->added_minor) += change;
	} else if (paid(w) == 0) {
		s->churn_minor -= change;
		s->involuntary_minor -= g->is_unpaid ? change : 0;
		p->lost -= w->is_counted ? change : 0;
	} else if (change > 0) {
		s->expansion_minor += change;
		s->cross_sell_minor += g->had_named && p->name && before <= 0 ? change : 0;
	} else {
		part = least(*churn, -change);
		*churn -= part;
		s->churn_minor += part;
		s->involuntary_minor += g->is_unpaid ? part : 0;
		s->contraction_minor += -change - part;
		p->lost -= w->is_counted ? change : 0;
	}
}

/* All products when the account comes or goes, for what is below 0 in all is taken for nothing; else those touched. */
static void class_products(struct walk *w, int64_t churn, bool back)
{
	const struct group *g = &w->group;
	bool is_whole = g->before == 0 || paid(w) == 0;
	size_t n = is_whole ? w->n_products : g->n_touched;

	for (size_t i = 0; i < n; i++) {
		struct product *p = &w->products[is_whole ? i : w->touched[i]];
		int64_t before = p->group == g->number ? p->before : p->now;

		class_product(w, p, g->before ? before : 0, paid(w) ? p->now : 0, &churn, back);
	}
}

/* the way ---------------------------------------------------------------------------------------------------------- */

static void open_group(struct walk *w, int32_t on)
{
	w->group = (struct group){ .number = w->group.number + 1, .first_on = on, .last_on = on, .before = paid(w),
	                           .is_open = true, .had_named = w->n_named > 0 };
}

static void close_group(struct walk *w)
{
	struct group *g = &w->group;
	int64_t after = paid(w), churn = 0;
	bool back = g->before == 0 && is_back(w);

	if (!g->is_open)
		return;
	g->is_open = false;
	if (g->before == 0 && after == 0)
		return;
	if (g->before == 0) {
		add_arrival(w, after, back);
	} else if (after >= g->before) {
		add_gain(w, after - g->before, after);
	} else {
		churn = churned(w, g->before - after, after);
		add_loss(w, g->before - after, churn, after);
	}
	class_products(w, churn, back);
	if (after == 0)
		w->gone_on = g->last_on;
}

/* What was before the span: what is paid on its first day, and since when nothing was. Contracts that ended by then
 * need no rate of exchange. */
static int walk_before(struct walk *w, size_t n_events, size_t *out_next, struct err *err)
{
	size_t i = 0, n_live = 0;

	open_group(w, w->span.from);
	for (; i < n_events && w->events[i].on <= w->span.from; i++) {
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
	w->start = paid(w);
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

		if (exchange(w, cell->currency, cell->minor, w->span.to, &worth, err) < 0)
			return -1;
		w->products[cell->product].sums.end_minor += paid(w) ? worth : 0;
		spot += worth;
	}
	w->spot = paid(w) && spot > 0 ? spot : 0;
	open_group(w, w->span.to);
	w->group.is_open = false;
	add_movement(w, MOVEMENT_FX, w->spot - paid(w), w->spot, 0);
	return 0;
}

static void begin(struct walk *w, int32_t account, struct nrr_span span)
{
	const struct book *b = w->book;

	w->account = account;
	w->span = span;
	w->pieces = b->pieces + b->first[account];
	w->n_pieces = b->first[account + 1] - b->first[account];
	w->gone_on = DAY_NONE;
	w->total = w->start = w->spot = w->lost = 0;
	w->n_named = w->n_out = 0;
	w->is_counted = w->has_gap = w->is_taken_for_new = w->is_left_out = false;
	w->group = (struct group){ 0 };
}

int walk_account(struct walk *w, int32_t account, struct nrr_span span, const struct movement **out, size_t *n_out,
                 struct err *err)
{
	const struct nrr_policy *p = w->book->policy;
	size_t n_events, i;

	begin(w, account, span);
	list_cells(w);
	n_events = list_events(w);
	if (walk_before(w, n_events, &i, err) < 0)
		return -1;
	for (; i < n_events; i++) {
		if (w->group.is_open && (int64_t)w->events[i].on - w->group.first_on > p->group_days)
			close_group(w);
		if (!w->group.is_open)
			open_group(w, w->events[i].on);
		if (apply(w, &w->events[i], err) < 0)
			return -1;
	}
	close_group(w);
	if (exchange_end(w, err) < 0)
		return -1;
	w->is_left_out = w->start == 0 && paid(w) == 0 && p->new_and_gone == NEW_AND_GONE_IGNORED;
	if (w->is_left_out)
		w->n_out = 0;
	*out = w->out;
	*n_out = w->n_out;
	return 0;
}

/* sums ------------------------------------------------------------------------------------------------------------- */

static void add_to(struct nrr_sums *s, const struct movement *m)
{
	switch (m->kind) {
	case MOVEMENT_NEW:
		s->added_minor += m->minor;
		break;
	case MOVEMENT_CROSS_SELL:
		s->cross_sell_minor += m->minor;
		s->expansion_minor += m->minor;
		break;
	case MOVEMENT_UPSELL:
		s->expansion_minor += m->minor;
		break;
	case MOVEMENT_CONTRACTION:
		s->contraction_minor -= m->minor;
		break;
	case MOVEMENT_INVOLUNTARY:
		s->involuntary_minor -= m->minor;
		s->churn_minor -= m->minor;
		break;
	case MOVEMENT_CHURN:
		s->churn_minor -= m->minor;
		break;
	case MOVEMENT_REACTIVATION:
		s->reactivation_minor += m->minor;
		break;
	case MOVEMENT_FX:
		s->fx_minor += m->minor;
		break;
	case N_MOVEMENT_KINDS:
		break;
	}
}

/* What counts at the end, and what is kept of the start: falling rates take from both where the policy counts them. */
static void add_ratios(const struct walk *w, int64_t start, int64_t end, int64_t spot, int64_t lost, struct nrr_sums *s)
{
	int64_t fx = w->book->policy->fx == FX_SPOT ? spot - end : 0;

	s->cohort_end_minor = w->is_counted ? end + fx : 0;
	s->kept_minor = start - lost + least(fx, 0);
	if (s->kept_minor < 0 || start <= 0)
		s->kept_minor = 0;
}

int walk_sums(struct walk *w, int32_t account, struct nrr_span span, struct nrr_sums *out, struct err *err)
{
	const struct movement *list;
	struct nrr_sums s = { 0 };
	size_t n;
	int64_t end;

	if (walk_account(w, account, span, &list, &n, err) < 0)
		return -1;
	end = paid(w);
	if (w->start == 0 && n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		add_to(&s, &list[i]);
	s.start_minor = w->start;
	s.end_minor = w->spot;
	s.n_start = w->start > 0;
	s.n_end = end > 0;
	s.n_churned = w->start > 0 && !(w->is_counted && end > 0);
	add_ratios(w, w->start, end, w->spot, w->lost, &s);
	s.returned_minor = w->start > 0 && w->has_gap ? s.cohort_end_minor : 0;
	*out = s;
	return 1;
}

int walk_product(struct walk *w, uint16_t product, struct nrr_sums *out)
{
	static const struct nrr_sums none;
	struct product *p = bsearch(&(struct product){ .name = product }, w->products, w->n_products, sizeof *w->products,
	                            compare_products);
	int64_t end;

	if (!p || w->is_left_out)
		return 0;
	end = paid(w) ? p->now : 0;
	p->sums.n_start = p->sums.start_minor > 0;
	p->sums.n_end = end > 0;
	p->sums.n_churned = p->sums.n_start && !(w->is_counted && end > 0);
	p->sums.fx_minor = p->sums.end_minor - end;
	add_ratios(w, p->sums.start_minor, end, p->sums.end_minor, p->lost, &p->sums);
	*out = p->sums;
	return memcmp(out, &none, sizeof none) != 0;
}

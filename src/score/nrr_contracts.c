/* When an account's contracts ended, and whether others went on: one company may have tens of thousands. */
#include <stdlib.h>

#include "nrr_account.h"

/* A piece that is paid for. */
struct paid { int32_t contract, from, to; };

struct nrr_contracts {
	const struct paid *paid; size_t n; /* by contract */
	const int32_t *until;    /* by number of pieces, as they begin: the last end among so many */
	const uint32_t *n_begun; /* by number of pieces: contracts that begin with one of so many */
};

static int compare_paid(const void *left, const void *right)
{
	const struct paid *a = left, *b = right;

	if (a->contract != b->contract)
		return a->contract < b->contract ? -1 : 1;
	return (a->from > b->from) - (a->from < b->from);
}

const struct nrr_contracts *nrr_contracts_make(const struct nrr_view *v, struct arena *a)
{
	struct nrr_contracts *c = arena_alloc(a, sizeof *c);
	struct paid *paid = arena_array(a, v->n_pieces, sizeof *paid);
	int32_t *until = arena_array(a, v->n_pieces + 1, sizeof *until);
	uint32_t *n_begun = arena_array(a, v->n_pieces + 1, sizeof *n_begun);

	until[0] = REVENUE_BEGINNING;
	for (size_t i = 0; i < v->n_pieces; i++) {
		const struct book_piece *p = &v->pieces[i];
		bool is_paid = p->minor > 0;

		if (is_paid)
			paid[c->n++] = (struct paid){ p->contract, p->from, p->to };
		until[i + 1] = is_paid && p->to > until[i] ? p->to : until[i];
		n_begun[i + 1] = n_begun[i] + (is_paid && p->is_contract_start);
	}
	if (c->n > 1)
		qsort(paid, c->n, sizeof *paid, compare_paid);
	c->paid = paid;
	c->until = until;
	c->n_begun = n_begun;
	return c;
}

/* How many pieces begin by a day. */
static size_t n_by(const struct nrr_view *v, int32_t day)
{
	size_t low = 0, high = v->n_pieces;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->pieces[middle].from <= day)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The day by which a contract had ended; REVENUE_OPEN: it goes on behind `to`. */
static int32_t ended_on(const struct nrr_contracts *c, int32_t contract, int32_t to)
{
	size_t low = 0, high = c->n;
	int32_t end = REVENUE_BEGINNING;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->paid[middle].contract < contract)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < c->n && c->paid[low].contract == contract && c->paid[low].from <= to; low++)
		if (c->paid[low].to > end)
			end = c->paid[low].to;
	return end <= to ? end : REVENUE_OPEN;
}

bool nrr_ended_alone(const struct nrr_view *v, int32_t contract, int32_t to)
{
	int32_t end = ended_on(v->contracts, contract, to);
	size_t n;

	if (end == REVENUE_OPEN)
		return false;
	n = n_by(v, end);
	return v->contracts->n_begun[n] == v->contracts->n_begun[n_by(v, end - 1)] && v->contracts->until[n] > end;
}

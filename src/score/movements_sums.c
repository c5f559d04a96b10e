/* What an account's movements add to a window. */
#include <stdlib.h>
#include <string.h>

#include "movements_parts.h"

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int compare_products(const void *left, const void *right)
{
	const struct product *a = left, *b = right;

	return (a->name > b->name) - (a->name < b->name);
}

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
	if (s->kept_minor < 0)
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
	end = walk_paid(w);
	if (w->start == 0 && n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		add_to(&s, &list[i]);
	s.start_minor = w->start;
	s.end_minor = w->spot;
	s.n_start = w->start > 0;
	s.n_end = end > 0;
	s.n_churned = w->start > 0 && !(w->is_counted && end > 0);
	w->is_free = s.n_churned && end == 0 && book_is_free_on(w->book, account, span.to);
	if (w->is_free) {
		s.n_churned = 0;
		s.free_minor = -list[n - 1].minor; /* the last is its churn */
	}
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
	end = walk_paid(w) ? p->now : 0;
	p->sums.n_start = p->sums.start_minor > 0;
	p->sums.n_end = end > 0;
	p->sums.n_churned = p->sums.n_start && !(w->is_counted && end > 0);
	p->sums.free_minor = w->is_free && p->churned_in == w->churned_in ? p->last_churn : 0;
	p->sums.fx_minor = p->sums.end_minor - end;
	add_ratios(w, p->sums.start_minor, end, p->sums.end_minor, p->lost, &p->sums);
	*out = p->sums;
	return memcmp(out, &none, sizeof none) != 0;
}

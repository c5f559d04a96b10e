/* What moved when an account's revenue changed. */
#include "common/clock.h"
#include "movements_parts.h"

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void walk_move(struct walk *w, enum movement_kind kind, int64_t minor, int64_t after, uint16_t product)
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

static int64_t paid_before(const struct walk *w, const struct product *p)
{
	return p->group == w->group.number ? p->before : p->now;
}

/* Of an account that comes or goes, one product after the other that this concerns; NULL behind the last. With credits
 * all are, for an account that is below 0 in all pays for none of them; else all that it pays for is touched. */
static struct product *concerned(const struct walk *w, bool is_whole, size_t i)
{
	if (is_whole && w->has_credits)
		return i < w->n_products ? &w->products[i] : NULL;
	return i < w->group.n_touched ? &w->products[w->touched[i]] : NULL;
}

/* The only product that the account paid for before, or pays for now. */
static uint16_t product_paid(const struct walk *w, bool is_before)
{
	const struct product *found = NULL, *p;

	for (size_t i = 0; (p = concerned(w, true, i)); i++) {
		if ((is_before ? paid_before(w, p) : p->now) <= 0)
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

	walk_move(w, MOVEMENT_UPSELL, gain - cross, after, product_moved(w, 1, w->group.had_named));
	walk_move(w, MOVEMENT_CROSS_SELL, cross, after, product_moved(w, 1, false));
}

/* What a product lost by contracts that ended; those that were credits give rather than take. */
static int64_t ended_of(const struct product *p)
{
	return p->now < p->before && p->ended > 0 ? least(p->ended, p->before - p->now) : 0;
}

/* Who stops paying churns; who drops a contract and goes on does where the policy says so. One that another takes the
 * place of was renewed for less. */
static int64_t churned(const struct walk *w, int64_t loss, int64_t after)
{
	int64_t ended = 0;

	if (after == 0)
		return loss;
	if (w->book->policy->addon != ADDON_IS_CHURN || w->group.has_begun)
		return 0;
	for (size_t i = 0; i < w->group.n_touched; i++)
		ended += ended_of(&w->products[w->touched[i]]);
	return least(loss, ended);
}

static void add_loss(struct walk *w, int64_t loss, int64_t churn, int64_t after)
{
	uint16_t product = after == 0 ? product_paid(w, true) : product_moved(w, -1, true);

	walk_move(w, MOVEMENT_CONTRACTION, churn - loss, after, product);
	walk_move(w, w->group.is_unpaid ? MOVEMENT_INVOLUNTARY : MOVEMENT_CHURN, -churn, after, product);
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
	walk_move(w, back ? MOVEMENT_REACTIVATION : MOVEMENT_NEW, after, after, product_paid(w, false));
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
	} else if (walk_paid(w) == 0) {
		s->churn_minor -= change;
		s->involuntary_minor -= g->is_unpaid ? change : 0;
		p->lost -= change;
		p->last_churn = -change;
		p->churned_in = g->number;
	} else if (change > 0) {
		s->expansion_minor += change;
		s->cross_sell_minor += g->had_named && p->name && before <= 0 ? change : 0;
	} else {
		part = least(*churn, ended_of(p));
		*churn -= part;
		s->churn_minor += part;
		s->involuntary_minor += g->is_unpaid ? part : 0;
		s->contraction_minor += -change - part;
		p->lost -= change;
	}
}

static void class_products(struct walk *w, int64_t churn, bool back)
{
	const struct group *g = &w->group;
	bool is_whole = g->before == 0 || walk_paid(w) == 0;
	struct product *p;

	for (size_t i = 0; g->before > 0 && walk_paid(w) == 0 && i < w->n_products; i++)
		w->products[i].last_churn = 0; /* of those that go now alone */
	for (size_t i = 0; (p = concerned(w, is_whole, i)); i++)
		class_product(w, p, g->before ? paid_before(w, p) : 0, walk_paid(w) ? p->now : 0, &churn, back);
}

void walk_open(struct walk *w, int32_t on)
{
	w->group = (struct group){ .number = w->group.number + 1, .first_on = on, .last_on = on, .before = walk_paid(w),
	                           .is_open = true, .had_named = w->n_named > 0 };
}

void walk_close(struct walk *w)
{
	struct group *g = &w->group;
	int64_t after = walk_paid(w), churn = 0;
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
	if (after == 0) {
		w->gone_on = g->last_on;
		w->churned_in = g->number;
	}
}

#include <string.h>

#include "facts_told.h"

/* What it had on the days that are looked back at: by what history says, which goes by the day; where that says
 * nothing, the amount never changed. from: where the history of the subscription's place begins, which ascends. */
static void tell_past(const struct telling *t, const int64_t *amounts, size_t n, size_t of, size_t *from, int64_t flags,
                      struct fact_subscription *s)
{
	bool has_amounts = flags & SUBSCRIPTION_HAS_AMOUNTS;
	size_t end;

	while (*from < n && amounts[AMOUNT_OF * n + *from] < (int64_t)of)
		++*from;
	for (end = *from; end < n && amounts[AMOUNT_OF * n + end] == (int64_t)of;)
		end++;
	for (int m = 0; m < FACT_MARKS; m++) {
		int32_t on = t->l->q->as_of - (m + 1) * FACT_MARK_DAYS;
		bool was_active = s->start_on <= on && (s->end_on == DAY_NONE || s->end_on > on) && !s->is_trial;

		if (!was_active)
			continue;
		s->mrr_was_minor[m] = has_amounts ? 0 : s->mrr_minor;
		for (size_t i = *from; i < end && amounts[AMOUNT_FROM * n + i] <= on; i++)
			s->mrr_was_minor[m] = amounts[AMOUNT_MRR * n + i];
	}
	*from = end;
}

static void tell_subscription(const struct telling *t, const int64_t *c, size_t n, size_t i,
                              struct fact_subscription *s)
{
	int64_t flags = c[SUBSCRIPTION_FLAGS * n + i];

	s->product = told_word(t, c[SUBSCRIPTION_PRODUCT * n + i]);
	s->plan = told_word(t, c[SUBSCRIPTION_PLAN * n + i]);
	s->currency = told_word(t, c[SUBSCRIPTION_CURRENCY * n + i]);
	s->seats = c[SUBSCRIPTION_SEATS * n + i];
	s->mrr_minor = c[SUBSCRIPTION_MRR * n + i];
	s->start_on = (int32_t)c[SUBSCRIPTION_START * n + i];
	s->end_on = told_day(t, c[SUBSCRIPTION_END * n + i], flags & SUBSCRIPTION_END_DATED);
	s->renewal_on = (int32_t)c[SUBSCRIPTION_RENEWAL * n + i];
	s->cancel_notice_on = told_day(t, c[SUBSCRIPTION_CANCEL * n + i], flags & SUBSCRIPTION_CANCEL_DATED);
	s->is_trial = flags & SUBSCRIPTION_IS_TRIAL;
	s->is_active = s->end_on == DAY_NONE || s->end_on > t->l->q->as_of;
	s->renews_by_hand = flags & SUBSCRIPTION_BY_HAND;
	s->was_switched_off = s->renews_by_hand && flags & SUBSCRIPTION_RENEWED_ITSELF;
}

/* Who pays: by its subscriptions; without any, by what the account itself says. */
static void decide_customer(struct fact_account *f)
{
	bool has_active = false, has_ended = false;

	for (size_t s = 0; s < f->n_subscriptions; s++) {
		has_active = has_active || (f->subscriptions[s].is_active && !f->subscriptions[s].is_trial);
		has_ended = has_ended || (!f->subscriptions[s].is_active && !f->subscriptions[s].is_trial);
	}
	if (f->n_subscriptions)
		f->is_customer = has_active;
	else
		f->is_customer = f->is_customer || f->arr_minor > 0;
	f->was_customer = !f->is_customer && has_ended;
}

int tell_subscriptions(struct telling *t, struct fact_account *f)
{
	int32_t as_of = t->l->q->as_of;
	struct fact_subscription *list;
	size_t n, n_amounts, from = 0;
	const int64_t *amounts = told_cells(t, PACK_AMOUNT, &n_amounts), *c = told_cells(t, PACK_SUBSCRIPTION, &n);

	if ((n && !c) || (n_amounts && !amounts))
		return 0;
	list = n ? arena_array(t->l->arena, n, sizeof *list) : NULL;
	for (size_t i = 0; i < n; i++) {
		struct fact_subscription *s = &list[f->n_subscriptions];

		if (c[SUBSCRIPTION_START * n + i] > as_of || c[SUBSCRIPTION_SEEN * n + i] > as_of ||
		    !told_row(t, c[SUBSCRIPTION_GONE * n + i]))
			continue;
		tell_subscription(t, c, n, i, s);
		tell_past(t, amounts, n_amounts, i, &from, c[SUBSCRIPTION_FLAGS * n + i], s);
		f->n_subscriptions++;
	}
	f->subscriptions = f->n_subscriptions ? list : NULL;
	decide_customer(f);
	return 1;
}

static int tell_limits(struct telling *t, struct fact_account *f)
{
	size_t n;
	const int64_t *c = told_cells(t, PACK_LIMIT, &n);
	struct fact_limit *list;
	int64_t metric = -1;

	if (!n)
		return 1;
	if (!c)
		return 0;
	list = arena_array(t->l->arena, n, sizeof *list);
	for (size_t i = 0; i < n; i++) {
		if (c[LIMIT_FROM * n + i] > t->l->q->as_of || !told_row(t, c[LIMIT_GONE * n + i]))
			continue;
		f->n_limits += c[LIMIT_METRIC * n + i] != metric; /* the latest of a metric counts */
		metric = c[LIMIT_METRIC * n + i];
		list[f->n_limits - 1] = (struct fact_limit){ told_word(t, metric), c[LIMIT_VALUE * n + i],
			                                         (int)c[LIMIT_PERIOD_DAYS * n + i] };
	}
	f->limits = f->n_limits ? list : NULL;
	return 1;
}

static bool tells_payments(const struct fact_base *base, int64_t source)
{
	for (size_t i = 0; i < base->n_payers; i++)
		if (base->payers[i] == source)
			return true;
	return false;
}

/* An invoice that is said to be paid and never on which day was paid in time; and where a source never tells of
 * payments, none of its invoices is due. */
static void settle_invoice(const struct telling *t, bool is_paid, int64_t source, struct fact_invoice *invoice)
{
	if (is_paid)
		invoice->paid_on = invoice->issued_on;
	else if (invoice->paid_on == DAY_NONE && !tells_payments(t->l->base, source))
		invoice->due_on = DAY_NONE;
}

static int tell_invoices(struct telling *t, struct fact_account *f)
{
	size_t n;
	const int64_t *c = told_cells(t, PACK_INVOICE, &n);
	struct fact_invoice *list;

	if (!n)
		return 1;
	if (!c)
		return 0;
	list = arena_array(t->l->arena, n, sizeof *list);
	for (size_t i = 0; i < n; i++) {
		struct fact_invoice *v = &list[f->n_invoices];
		int64_t flags = c[INVOICE_FLAGS * n + i];

		if (!told_event(t, c[INVOICE_ISSUED * n + i], c[INVOICE_GONE * n + i]) ||
		    c[INVOICE_SEEN * n + i] > t->l->q->as_of)
			continue;
		v->amount_minor = c[INVOICE_AMOUNT * n + i];
		v->currency = told_word(t, c[INVOICE_CURRENCY * n + i]);
		v->issued_on = (int32_t)c[INVOICE_ISSUED * n + i];
		v->due_on = (int32_t)c[INVOICE_DUE * n + i];
		v->paid_on = told_day(t, c[INVOICE_PAID * n + i], flags & INVOICE_PAID_DATED);
		v->failed_on = told_day(t, c[INVOICE_FAILED * n + i], flags & INVOICE_FAILED_DATED);
		v->disputed_on = told_day(t, c[INVOICE_DISPUTED * n + i], flags & INVOICE_DISPUTED_DATED);
		settle_invoice(t, flags & INVOICE_IS_PAID, c[INVOICE_SOURCE * n + i], v);
		f->n_invoices++;
	}
	f->invoices = f->n_invoices ? list : NULL;
	return 1;
}

static int tell_notices(struct telling *t, struct fact_account *f, struct err *err)
{
	size_t n;
	const int64_t *c = told_cells(t, PACK_NOTICE, &n);
	struct fact_notice *list;

	if (!n)
		return 1;
	if (!c)
		return 0;
	list = arena_array(t->l->arena, n, sizeof *list);
	for (size_t i = 0; i < n; i++) {
		struct fact_notice *notice = &list[f->n_notices];
		struct told_texts texts = { "", "" };

		if (!told_event(t, c[NOTICE_NOTICED * n + i], c[NOTICE_GONE * n + i]))
			continue;
		if (c[NOTICE_TEXT * n + i] &&
		    told_texts(t, "SELECT text, NULL FROM notice WHERE id = :id", c[NOTICE_TEXT * n + i], &texts, err) < 0)
			return err_in(err, "notices");
		*notice = (struct fact_notice){
			.kind = told_word(t, c[NOTICE_KIND * n + i]), .currency = told_word(t, c[NOTICE_CURRENCY * n + i]),
			.text = texts.first, .noticed_on = (int32_t)c[NOTICE_NOTICED * n + i],
			.effective_on = (int32_t)c[NOTICE_EFFECTIVE * n + i], .amount_minor = c[NOTICE_AMOUNT * n + i],
		};
		f->n_notices++;
	}
	f->notices = f->n_notices ? list : NULL;
	return 1;
}

/* An opportunity that is closed now was open until it was closed: by its history, or else up to its closing day. What a
 * closed one says it was closed on was not known while it was open. */
static void decide_state(const struct telling *t, int64_t flags, int64_t close_on, struct fact_opportunity *o)
{
	o->is_closed = flags & OPPORTUNITY_IS_CLOSED;
	o->close_on = (int32_t)close_on;
	if (o->is_closed && !(flags & OPPORTUNITY_IS_TOLD) && o->close_on != DAY_NONE && o->close_on > t->l->q->as_of)
		o->is_closed = false;
	if (!o->is_closed && flags & OPPORTUNITY_IS_CLOSED_NOW && !(flags & OPPORTUNITY_CLOSE_TOLD))
		o->close_on = DAY_NONE;
	o->is_won = o->is_closed && flags & OPPORTUNITY_IS_WON;
}

static int tell_opportunities(struct telling *t, struct fact_account *f)
{
	size_t n;
	const int64_t *c = told_cells(t, PACK_OPPORTUNITY, &n);
	struct fact_opportunity *list;

	if (!n)
		return 1;
	if (!c)
		return 0;
	list = arena_array(t->l->arena, n, sizeof *list);
	for (size_t i = 0; i < n; i++) {
		struct fact_opportunity *o = &list[f->n_opportunities];

		if (!told_event(t, c[OPPORTUNITY_CREATED * n + i], c[OPPORTUNITY_GONE * n + i]))
			continue;
		o->name = told_word(t, c[OPPORTUNITY_NAME * n + i]);
		o->kind = told_word(t, c[OPPORTUNITY_KIND * n + i]);
		o->currency = told_word(t, c[OPPORTUNITY_CURRENCY * n + i]);
		o->amount_minor = c[OPPORTUNITY_AMOUNT * n + i];
		o->created_on = (int32_t)c[OPPORTUNITY_CREATED * n + i];
		decide_state(t, c[OPPORTUNITY_FLAGS * n + i], c[OPPORTUNITY_CLOSE * n + i], o);
		f->n_opportunities++;
	}
	f->opportunities = f->n_opportunities ? list : NULL;
	return 1;
}

int tell_contracts(struct telling *t, struct fact_account *f, struct err *err)
{
	int rc = tell_subscriptions(t, f) && tell_limits(t, f) && tell_invoices(t, f) ? 1 : 0;

	rc = rc > 0 ? tell_notices(t, f, err) : rc;
	return rc > 0 ? tell_opportunities(t, f) : rc;
}

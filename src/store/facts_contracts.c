#include <stddef.h>

#include "facts_told.h"

/* What history says of the amounts of an account's subscriptions. */
struct amounts {
	const int64_t *of, *from, *mrr;
	size_t n, at; /* at: where the next subscription's begin, or later ones' */
};

/* How many of the days that are looked back at it was there for, if it did not end before. */
static int marks_since(const struct telling *t, const struct fact_subscription *s)
{
	int64_t days = (int64_t)t->as_of - s->start_on;

	return s->is_trial ? 0 : days >= FACT_MARKS * FACT_MARK_DAYS ? FACT_MARKS : (int)(days / FACT_MARK_DAYS);
}

/* What it had on the days that are looked back at: by what history says, which goes by the day; where that says
 * nothing, the amount never changed. place: of the subscription, which ascends. */
static void tell_past(const struct telling *t, struct amounts *amounts, int64_t place, bool has_amounts,
                      struct fact_subscription *s)
{
	int32_t on = t->as_of - FACT_MARK_DAYS, end_on = s->end_on == DAY_NONE ? INT32_MAX : s->end_on;
	int n_marks = marks_since(t, s);
	size_t end;

	if (!has_amounts && end_on > on) {
		for (int m = 0; m < n_marks; m++)
			s->mrr_was_minor[m] = s->mrr_minor;
		return;
	}
	while (amounts->at < amounts->n && amounts->of[amounts->at] < place)
		amounts->at++;
	for (end = amounts->at; end < amounts->n && amounts->of[end] == place;)
		end++;
	for (int m = 0; m < n_marks; m++, on -= FACT_MARK_DAYS) {
		if (end_on <= on)
			continue;
		s->mrr_was_minor[m] = has_amounts ? 0 : s->mrr_minor;
		for (size_t i = amounts->at; i < end && amounts->from[i] <= on; i++)
			s->mrr_was_minor[m] = amounts->mrr[i];
	}
	amounts->at = end;
}

static void tell_subscription(const struct telling *t, int64_t flags, struct fact_subscription *s)
{
	if (s->end_on != DAY_NONE)
		s->end_on = told_day(t, s->end_on, flags & SUBSCRIPTION_END_DATED);
	if (s->cancel_notice_on != DAY_NONE)
		s->cancel_notice_on = told_day(t, s->cancel_notice_on, flags & SUBSCRIPTION_CANCEL_DATED);
	s->is_active = s->end_on == DAY_NONE || s->end_on > t->as_of;
	if (flags) {
		s->is_trial = flags & SUBSCRIPTION_IS_TRIAL;
		s->renews_by_hand = flags & SUBSCRIPTION_BY_HAND;
		s->was_switched_off = s->renews_by_hand && flags & SUBSCRIPTION_RENEWED_ITSELF;
	}
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

static bool tell_amounts(struct telling *t, struct amounts *out)
{
	int rc = told_open(t, PACK_AMOUNT);

	*out = (struct amounts){ .n = 0 };
	if (rc > 0)
		*out = (struct amounts){ told_cells(t, 0, AMOUNT_OF), told_cells(t, 1, AMOUNT_FROM),
			                     told_cells(t, 2, AMOUNT_MRR), t->n_cells, 0 };
	return rc >= 0;
}

static void tell_each(struct telling *t, struct amounts *amounts, struct fact_account *f)
{
	static const struct pack_field fields[] = {
		{ SUBSCRIPTION_PRODUCT, PACK_AS_WORD, offsetof(struct fact_subscription, product) },
		{ SUBSCRIPTION_PLAN, PACK_AS_WORD, offsetof(struct fact_subscription, plan) },
		{ SUBSCRIPTION_CURRENCY, PACK_AS_WORD, offsetof(struct fact_subscription, currency) },
		{ SUBSCRIPTION_SEATS, PACK_AS_NUMBER, offsetof(struct fact_subscription, seats) },
		{ SUBSCRIPTION_MRR, PACK_AS_NUMBER, offsetof(struct fact_subscription, mrr_minor) },
		{ SUBSCRIPTION_START, PACK_AS_DAY, offsetof(struct fact_subscription, start_on) },
		{ SUBSCRIPTION_END, PACK_AS_DAY, offsetof(struct fact_subscription, end_on) },
		{ SUBSCRIPTION_RENEWAL, PACK_AS_DAY, offsetof(struct fact_subscription, renewal_on) },
		{ SUBSCRIPTION_CANCEL, PACK_AS_DAY, offsetof(struct fact_subscription, cancel_notice_on) },
	};
	struct fact_subscription *list = arena_array(t->l->arena, t->n_cells, sizeof *list);
	const int64_t *flags = told_cells(t, 3, SUBSCRIPTION_FLAGS), *seen = told_cells(t, 4, SUBSCRIPTION_SEEN),
	              *gone = told_cells(t, 5, SUBSCRIPTION_GONE);
	int32_t as_of = t->as_of;

	told_rows(t, fields, ARRAY_LEN(fields), list, sizeof *list);
	for (size_t i = 0; i < t->n_cells; i++) {
		struct fact_subscription *s = &list[i];

		if (s->start_on > as_of || seen[i] > as_of || !told_row(t, gone[i]))
			continue;
		tell_subscription(t, flags[i], s);
		tell_past(t, amounts, (int64_t)i, flags[i] & SUBSCRIPTION_HAS_AMOUNTS, s);
		if (f->n_subscriptions++ < i)
			list[f->n_subscriptions - 1] = *s;
	}
	f->subscriptions = f->n_subscriptions ? list : NULL;
}

int tell_subscriptions(struct telling *t, struct fact_account *f)
{
	struct amounts amounts;
	int rc = tell_amounts(t, &amounts) ? told_open(t, PACK_SUBSCRIPTION) : -1;

	if (rc > 0)
		tell_each(t, &amounts, f);
	decide_customer(f);
	return rc >= 0;
}

static int tell_limits(struct telling *t, struct fact_account *f)
{
	int rc = told_open(t, PACK_LIMIT);
	const int64_t *metrics, *values, *periods, *from, *gone;
	struct fact_limit *list;
	int64_t metric = -1;

	if (rc <= 0)
		return rc == 0;
	metrics = told_cells(t, 0, LIMIT_METRIC);
	values = told_cells(t, 1, LIMIT_VALUE);
	periods = told_cells(t, 2, LIMIT_PERIOD_DAYS);
	from = told_cells(t, 3, LIMIT_FROM);
	gone = told_cells(t, 4, LIMIT_GONE);
	list = arena_array(t->l->arena, t->n_cells, sizeof *list);
	for (size_t i = 0; i < t->n_cells; i++) {
		if (from[i] > t->as_of || !told_row(t, gone[i]))
			continue;
		f->n_limits += metrics[i] != metric; /* the latest of a metric counts */
		metric = metrics[i];
		list[f->n_limits - 1] = (struct fact_limit){ told_word(t, metric), values[i], (int)periods[i] };
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
	static const struct pack_field fields[] = {
		{ INVOICE_AMOUNT, PACK_AS_NUMBER, offsetof(struct fact_invoice, amount_minor) },
		{ INVOICE_CURRENCY, PACK_AS_WORD, offsetof(struct fact_invoice, currency) },
		{ INVOICE_ISSUED, PACK_AS_DAY, offsetof(struct fact_invoice, issued_on) },
		{ INVOICE_DUE, PACK_AS_DAY, offsetof(struct fact_invoice, due_on) },
		{ INVOICE_PAID, PACK_AS_DAY, offsetof(struct fact_invoice, paid_on) },
		{ INVOICE_FAILED, PACK_AS_DAY, offsetof(struct fact_invoice, failed_on) },
		{ INVOICE_DISPUTED, PACK_AS_DAY, offsetof(struct fact_invoice, disputed_on) },
	};
	int rc = told_open(t, PACK_INVOICE);
	const int64_t *flags, *sources, *seen, *gone;
	struct fact_invoice *list;

	if (rc <= 0)
		return rc == 0;
	flags = told_cells(t, 0, INVOICE_FLAGS);
	sources = told_cells(t, 1, INVOICE_SOURCE);
	seen = told_cells(t, 2, INVOICE_SEEN);
	gone = told_cells(t, 3, INVOICE_GONE);
	list = arena_array(t->l->arena, t->n_cells, sizeof *list);
	told_rows(t, fields, ARRAY_LEN(fields), list, sizeof *list);
	for (size_t i = 0; i < t->n_cells; i++) {
		struct fact_invoice *v = &list[i];

		if (!told_event(t, v->issued_on, gone[i]) || seen[i] > t->as_of)
			continue;
		v->paid_on = told_day(t, v->paid_on, flags[i] & INVOICE_PAID_DATED);
		v->failed_on = told_day(t, v->failed_on, flags[i] & INVOICE_FAILED_DATED);
		v->disputed_on = told_day(t, v->disputed_on, flags[i] & INVOICE_DISPUTED_DATED);
		settle_invoice(t, flags[i] & INVOICE_IS_PAID, sources[i], v);
		list[f->n_invoices++] = *v;
	}
	f->invoices = f->n_invoices ? list : NULL;
	return 1;
}

static int tell_notices(struct telling *t, struct fact_account *f, struct err *err)
{
	static const struct pack_field fields[] = {
		{ NOTICE_KIND, PACK_AS_WORD, offsetof(struct fact_notice, kind) },
		{ NOTICE_CURRENCY, PACK_AS_WORD, offsetof(struct fact_notice, currency) },
		{ NOTICE_NOTICED, PACK_AS_DAY, offsetof(struct fact_notice, noticed_on) },
		{ NOTICE_EFFECTIVE, PACK_AS_DAY, offsetof(struct fact_notice, effective_on) },
		{ NOTICE_AMOUNT, PACK_AS_NUMBER, offsetof(struct fact_notice, amount_minor) },
	};
	int rc = told_open(t, PACK_NOTICE);
	const int64_t *rows, *gone;
	struct fact_notice *list;

	if (rc <= 0)
		return rc == 0;
	rows = told_cells(t, 0, NOTICE_TEXT);
	gone = told_cells(t, 1, NOTICE_GONE);
	list = arena_array(t->l->arena, t->n_cells, sizeof *list);
	told_rows(t, fields, ARRAY_LEN(fields), list, sizeof *list);
	for (size_t i = 0; i < t->n_cells; i++) {
		struct told_texts texts = { "", "" };

		if (!told_event(t, list[i].noticed_on, gone[i]))
			continue;
		if (rows[i] && told_texts(t, "SELECT text, NULL FROM notice WHERE id = :id", rows[i], &texts, err) < 0)
			return err_in(err, "notices");
		list[i].text = texts.first;
		list[f->n_notices++] = list[i];
	}
	f->notices = f->n_notices ? list : NULL;
	return 1;
}

/* An opportunity that is closed now was open until it was closed: by its history, or else up to its closing day. What a
 * closed one says it was closed on was not known while it was open. */
static void decide_state(const struct telling *t, int64_t flags, struct fact_opportunity *o)
{
	o->is_closed = flags & OPPORTUNITY_IS_CLOSED;
	if (o->is_closed && !(flags & OPPORTUNITY_IS_TOLD) && o->close_on != DAY_NONE && o->close_on > t->as_of)
		o->is_closed = false;
	if (!o->is_closed && flags & OPPORTUNITY_IS_CLOSED_NOW && !(flags & OPPORTUNITY_CLOSE_TOLD))
		o->close_on = DAY_NONE;
	o->is_won = o->is_closed && flags & OPPORTUNITY_IS_WON;
}

static int tell_opportunities(struct telling *t, struct fact_account *f)
{
	static const struct pack_field fields[] = {
		{ OPPORTUNITY_NAME, PACK_AS_WORD, offsetof(struct fact_opportunity, name) },
		{ OPPORTUNITY_KIND, PACK_AS_WORD, offsetof(struct fact_opportunity, kind) },
		{ OPPORTUNITY_CURRENCY, PACK_AS_WORD, offsetof(struct fact_opportunity, currency) },
		{ OPPORTUNITY_AMOUNT, PACK_AS_NUMBER, offsetof(struct fact_opportunity, amount_minor) },
		{ OPPORTUNITY_CREATED, PACK_AS_DAY, offsetof(struct fact_opportunity, created_on) },
		{ OPPORTUNITY_CLOSE, PACK_AS_DAY, offsetof(struct fact_opportunity, close_on) },
	};
	int rc = told_open(t, PACK_OPPORTUNITY);
	const int64_t *flags, *gone;
	struct fact_opportunity *list;

	if (rc <= 0)
		return rc == 0;
	flags = told_cells(t, 0, OPPORTUNITY_FLAGS);
	gone = told_cells(t, 1, OPPORTUNITY_GONE);
	list = arena_array(t->l->arena, t->n_cells, sizeof *list);
	told_rows(t, fields, ARRAY_LEN(fields), list, sizeof *list);
	for (size_t i = 0; i < t->n_cells; i++) {
		if (!told_event(t, list[i].created_on, gone[i]))
			continue;
		decide_state(t, flags[i], &list[i]);
		list[f->n_opportunities++] = list[i];
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

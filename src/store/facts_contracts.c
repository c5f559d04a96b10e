#include <stddef.h>
#include <string.h>

#include "common/text.h"
#include "facts_parts.h"

static int load_subscriptions(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q =
		db_sql(l->db, "SELECT account_id, id, product, plan, currency, seats, mrr_minor, start_on, end_on, renewal_on, "
	                  "cancel_notice_on, "
	                  "is_trial, is_auto_renew FROM subscription WHERE account_id BETWEEN :from AND :to AND start_on <= :day "
	                  "AND (seen_on IS NULL OR seen_on <= :day) AND (deleted_on IS NULL OR deleted_on > :day) "
	                  "ORDER BY account_id, start_on, id");
	struct rows rows = { .arena = l->arena, .size = sizeof(struct fact_subscription) };
	struct history history;
	const struct history *h = &history;
	const struct past_revenue *past;
	int rc;

	if (history_load(l->db, TRACKED_SUBSCRIPTION, l->from_id, l->to_id, l->q->as_of, l->arena, &history, err) < 0 ||
	    past_revenue_load(l, &past, err) < 0)
		return -1;
	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_day(q, ":day", l->q->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 1);
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		struct fact_subscription *s;

		if (place < 0)
			continue;
		s = rows_add(&rows, (size_t)place);
		s->product = loading_text(l, history_text(h, id, "product", col_text(q, 2)));
		s->plan = loading_text(l, history_text(h, id, "plan", col_text(q, 3)));
		s->currency = loading_text(l, history_text(h, id, "currency", col_text(q, 4)));
		s->seats = history_int(h, id, "seats", col_int(q, 5), 0);
		s->mrr_minor = history_int(h, id, "mrr_minor", col_int(q, 6), 0);
		s->start_on = col_day(q, 7);
		s->end_on = history_event(h, id, "end_on", col_day(q, 8), l->q->as_of);
		s->renewal_on = history_day(h, id, "renewal_on", col_day(q, 9));
		s->cancel_notice_on = history_event(h, id, "cancel_notice_on", col_day(q, 10), l->q->as_of);
		s->is_trial = history_int(h, id, "is_trial", col_int(q, 11), 0) != 0;
		s->is_active = s->end_on == DAY_NONE || s->end_on > l->q->as_of;
		s->renews_by_hand = history_int(h, id, "is_auto_renew", col_is_null(q, 12) ? 1 : col_int(q, 12), 1) == 0;
		past_revenue_tell(past, id, l->q->as_of, s);
	}
	if (rc < 0)
		return err_in(err, "subscriptions");
	rows_hand_out(&rows, l->out, offsetof(struct fact_account, subscriptions),
	              offsetof(struct fact_account, n_subscriptions));
	return 0;
}

/* Who pays: by its subscriptions; without any, by what the account itself says. */
static void decide_customers(struct loading *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct fact_account *f = &l->out[i];
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
}

/* The days over which a limit's use adds up; 0: a level, or a day's use; -1: a word that is not one of these. */
static int period_of(const char *word)
{
	static const struct { const char *word; int days; } periods[] = {
		{ "", 0 }, { "level", 0 }, { "day", 0 }, { "week", 7 }, { "month", 30 }, { "quarter", 91 }, { "year", 365 },
	};

	for (size_t i = 0; i < ARRAY_LEN(periods); i++)
		if (text_equal_fold(word ? word : "", periods[i].word))
			return periods[i].days;
	return -1;
}

static int load_limits(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT account_id, id, metric, value, period FROM account_limit WHERE account_id BETWEEN :from AND :to "
		"AND (from_on IS NULL OR from_on <= :day) AND (deleted_on IS NULL OR deleted_on > :day) AND metric IS NOT NULL "
		"ORDER BY account_id, metric, COALESCE(from_on, -2147483648), id");
	struct rows rows = { .arena = l->arena, .size = sizeof(struct fact_limit) };
	struct fact_limit *limit = NULL;
	ptrdiff_t last_place = -1;
	struct history history;
	int rc;

	if (history_load(l->db, TRACKED_LIMIT, l->from_id, l->to_id, l->q->as_of, l->arena, &history, err) < 0)
		return -1;
	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_day(q, ":day", l->q->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		int period_days = period_of(col_text(q, 4));

		if (place < 0 || period_days < 0)
			continue;
		if (place != last_place || strcmp(limit->metric, col_text(q, 2)) != 0) /* the latest of a metric counts */
			limit = rows_add(&rows, (size_t)place);
		last_place = place;
		limit->metric = col_text_in(q, 2, l->arena);
		limit->value = history_int(&history, col_int(q, 1), "value", col_int(q, 3), 0);
		limit->period_days = period_days;
	}
	if (rc < 0)
		return err_in(err, "limits");
	rows_hand_out(&rows, l->out, offsetof(struct fact_account, limits), offsetof(struct fact_account, n_limits));
	return 0;
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
static void settle_invoice(const struct loading *l, bool is_paid, int64_t source, struct fact_invoice *invoice)
{
	if (is_paid)
		invoice->paid_on = invoice->issued_on;
	else if (invoice->paid_on == DAY_NONE && !tells_payments(l->base, source))
		invoice->due_on = DAY_NONE;
}

static int load_invoices(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(l->db, "SELECT account_id, id, amount_minor, currency, issued_on, due_on, paid_on, "
	                               "failed_on, disputed_on, status, source_id FROM invoice "
	                               "WHERE account_id BETWEEN :from AND :to AND issued_on BETWEEN :since AND :day "
	                               "AND (seen_on IS NULL OR seen_on <= :day) "
	                               "AND (deleted_on IS NULL OR deleted_on > :day) ORDER BY account_id, issued_on, id");
	struct rows rows = { .arena = l->arena, .size = sizeof(struct fact_invoice) };
	struct history history;
	const struct history *h = &history;
	int rc;

	if (history_load(l->db, TRACKED_INVOICE, l->from_id, l->to_id, l->q->as_of, l->arena, &history, err) < 0)
		return -1;
	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_day(q, ":since", l->q->as_of - FACTS_DAYS + 1);
	bind_day(q, ":day", l->q->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 1);
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		const char *status = history_text(h, id, "status", col_text(q, 9));
		struct fact_invoice *invoice;

		if (place < 0 || (status && (strcmp(status, "void") == 0 || strcmp(status, "draft") == 0)))
			continue;
		invoice = rows_add(&rows, (size_t)place);
		invoice->amount_minor = col_int(q, 2);
		invoice->currency = loading_text(l, col_text(q, 3));
		invoice->issued_on = col_day(q, 4);
		invoice->due_on = history_day(h, id, "due_on", col_day(q, 5));
		invoice->paid_on = history_event(h, id, "paid_on", col_day(q, 6), l->q->as_of);
		invoice->failed_on = history_event(h, id, "failed_on", col_day(q, 7), l->q->as_of);
		invoice->disputed_on = history_event(h, id, "disputed_on", col_day(q, 8), l->q->as_of);
		settle_invoice(l, col_day(q, 6) == DAY_NONE && status && strcmp(status, "paid") == 0, col_int(q, 10), invoice);
	}
	if (rc < 0)
		return err_in(err, "invoices");
	rows_hand_out(&rows, l->out, offsetof(struct fact_account, invoices), offsetof(struct fact_account, n_invoices));
	return 0;
}

static int load_notices(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT account_id, kind, currency, text, noticed_on, effective_on, amount_minor FROM notice "
		"WHERE account_id BETWEEN :from AND :to AND noticed_on BETWEEN :since AND :day "
		"AND (deleted_on IS NULL OR deleted_on > :day) ORDER BY account_id, noticed_on, id");
	struct rows rows = { .arena = l->arena, .size = sizeof(struct fact_notice) };
	int rc;

	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_day(q, ":since", l->q->as_of - FACTS_DAYS + 1);
	bind_day(q, ":day", l->q->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		ptrdiff_t place = loading_place(l, col_int(q, 0));
		struct fact_notice *notice;

		if (place < 0)
			continue;
		notice = rows_add(&rows, (size_t)place);
		notice->kind = loading_text(l, col_text(q, 1));
		notice->currency = loading_text(l, col_text(q, 2));
		notice->text = loading_text(l, col_text(q, 3));
		notice->noticed_on = col_day(q, 4);
		notice->effective_on = col_day(q, 5);
		notice->amount_minor = col_int(q, 6);
	}
	if (rc < 0)
		return err_in(err, "notices");
	rows_hand_out(&rows, l->out, offsetof(struct fact_account, notices), offsetof(struct fact_account, n_notices));
	return 0;
}

int facts_load_subscriptions(struct loading *l, struct err *err)
{
	if (load_subscriptions(l, err) < 0)
		return -1;
	decide_customers(l);
	return 0;
}

int facts_load_contracts(struct loading *l, struct err *err)
{
	if (facts_load_subscriptions(l, err) < 0 || load_limits(l, err) < 0 || load_invoices(l, err) < 0 ||
	    load_notices(l, err) < 0)
		return -1;
	return facts_load_opportunities(l, err);
}

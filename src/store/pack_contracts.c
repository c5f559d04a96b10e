#include <stddef.h>
#include <string.h>

#include "common/text.h"
#include "pack_load.h"

static void bind_days(struct stmt *q, const struct packing *p)
{
	packing_bind(q, p);
	bind_day(q, ":day", p->as_of);
	bind_day(q, ":gone", p->gone_by);
}

/* revenue of the past ---------------------------------------------------------------------------------------------- */

/* Goes along with the subscriptions, which come by account, through what history says of their amounts by id. */
struct past {
	struct past_change {
		int64_t id, value;
		int32_t known_on;
		bool is_amount; /* else: whether it renews by itself */
	} *at;
	size_t n;
};

static int load_past(struct packing *p, struct past *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(p->db,
		"SELECT entity_id, known_on, field, value FROM history WHERE entity = 'subscription' "
		"AND field IN ('mrr_minor', 'is_auto_renew') "
		"AND entity_id IN (SELECT id FROM subscription WHERE account_id BETWEEN :from AND :to) AND known_on <= :day "
		"ORDER BY entity_id, known_on");
	size_t cap = 0;
	int rc;

	*out = (struct past){ .n = 0 };
	packing_bind(q, p);
	bind_day(q, ":day", p->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		struct past_change *c;

		if (out->n == cap) {
			cap = cap ? 2 * cap : 64;
			out->at = arena_grow(p->arena, out->at, out->n, cap, sizeof *out->at);
		}
		c = &out->at[out->n++];
		*c = (struct past_change){ .id = col_int(q, 0), .known_on = (int32_t)col_int(q, 1),
			                       .is_amount = strcmp(col_text(q, 2), "mrr_minor") == 0 };
		if (col_is_null(q, 3) || !text_to_int(col_text(q, 3), &c->value))
			c->value = 0;
	}
	return rc < 0 ? err_in(err, "revenue of the past") : 0;
}

/* Adds the amounts that the subscription had; returns what history says of it besides. */
static int64_t add_past(struct pack_draft *d, const struct past *past, int64_t id)
{
	size_t low = 0, high = past->n;
	int64_t flags = 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (past->at[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < past->n && past->at[low].id == id; low++) {
		const struct past_change *c = &past->at[low];
		int64_t *row;

		if (!c->is_amount) {
			flags |= c->value == 1 ? SUBSCRIPTION_RENEWED_ITSELF : 0;
			continue;
		}
		flags |= SUBSCRIPTION_HAS_AMOUNTS;
		row = pack_row(d, PACK_AMOUNT);
		row[AMOUNT_OF] = (int64_t)d->tables[PACK_SUBSCRIPTION].n - 1;
		row[AMOUNT_FROM] = c->known_on;
		row[AMOUNT_MRR] = c->value;
	}
	return flags;
}

/* subscriptions ---------------------------------------------------------------------------------------------------- */

static void set_subscription(struct pack_draft *d, int64_t *row, const struct history *h, struct stmt *q)
{
	int64_t id = col_int(q, 1);

	row[SUBSCRIPTION_PRODUCT] = pack_word(d, history_text(h, id, "product", col_text(q, 2)));
	row[SUBSCRIPTION_PLAN] = pack_word(d, history_text(h, id, "plan", col_text(q, 3)));
	row[SUBSCRIPTION_CURRENCY] = pack_word(d, history_text(h, id, "currency", col_text(q, 4)));
	row[SUBSCRIPTION_SEATS] = history_int(h, id, "seats", col_int(q, 5), 0);
	row[SUBSCRIPTION_MRR] = history_int(h, id, "mrr_minor", col_int(q, 6), 0);
	row[SUBSCRIPTION_START] = col_day(q, 7);
	row[SUBSCRIPTION_END] = history_day(h, id, "end_on", col_day(q, 8));
	row[SUBSCRIPTION_RENEWAL] = history_day(h, id, "renewal_on", col_day(q, 9));
	row[SUBSCRIPTION_CANCEL] = history_day(h, id, "cancel_notice_on", col_day(q, 10));
	if (history_int(h, id, "is_trial", col_int(q, 11), 0) != 0)
		row[SUBSCRIPTION_FLAGS] |= SUBSCRIPTION_IS_TRIAL;
	if (history_int(h, id, "is_auto_renew", col_is_null(q, 12) ? 1 : col_int(q, 12), 1) == 0)
		row[SUBSCRIPTION_FLAGS] |= SUBSCRIPTION_BY_HAND;
	if (history_is_dated(h, id, "end_on"))
		row[SUBSCRIPTION_FLAGS] |= SUBSCRIPTION_END_DATED;
	if (history_is_dated(h, id, "cancel_notice_on"))
		row[SUBSCRIPTION_FLAGS] |= SUBSCRIPTION_CANCEL_DATED;
	row[SUBSCRIPTION_SEEN] = col_day(q, 13);
	row[SUBSCRIPTION_GONE] = col_day(q, 14);
}

int packing_load_subscriptions(struct packing *p, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q =
		db_sql(p->db, "SELECT account_id, id, product, plan, currency, seats, mrr_minor, start_on, end_on, renewal_on, "
	                  "cancel_notice_on, is_trial, is_auto_renew, seen_on, deleted_on FROM subscription "
	                  "WHERE account_id BETWEEN :from AND :to AND start_on <= :day "
	                  "AND (seen_on IS NULL OR seen_on <= :day) AND (deleted_on IS NULL OR deleted_on > :gone) "
	                  "ORDER BY account_id, start_on, id");
	struct history history;
	struct past past;
	size_t place;
	int rc;

	if (packing_history(p, TRACKED_SUBSCRIPTION, &history, err) < 0 || load_past(p, &past, err) < 0)
		return -1;
	bind_days(q, p);
	while ((rc = packing_next(p, q, &place, err)) > 0) {
		int64_t *row = pack_row(&p->drafts[place], PACK_SUBSCRIPTION);

		packing_note(p, place, &history, col_int(q, 1));
		set_subscription(&p->drafts[place], row, &history, q);
		row[SUBSCRIPTION_FLAGS] |= add_past(&p->drafts[place], &past, col_int(q, 1));
	}
	return rc < 0 ? err_in(err, "subscriptions") : 0;
}

/* limits ----------------------------------------------------------------------------------------------------------- */

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

static int load_limits(struct packing *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(p->db,
		"SELECT account_id, id, metric, value, period, from_on, deleted_on FROM account_limit "
		"WHERE account_id BETWEEN :from AND :to AND (from_on IS NULL OR from_on <= :day) "
		"AND (deleted_on IS NULL OR deleted_on > :gone) AND metric IS NOT NULL "
		"ORDER BY account_id, metric, COALESCE(from_on, -2147483648), id");
	struct history history;
	size_t place;
	int rc;

	if (packing_history(p, TRACKED_LIMIT, &history, err) < 0)
		return -1;
	bind_days(q, p);
	while ((rc = packing_next(p, q, &place, err)) > 0) {
		int period_days = period_of(col_text(q, 4));
		int64_t *row;

		if (period_days < 0)
			continue;
		packing_note(p, place, &history, col_int(q, 1));
		row = pack_row(&p->drafts[place], PACK_LIMIT);
		row[LIMIT_METRIC] = pack_word(&p->drafts[place], col_text(q, 2));
		row[LIMIT_VALUE] = history_int(&history, col_int(q, 1), "value", col_int(q, 3), 0);
		row[LIMIT_PERIOD_DAYS] = period_days;
		row[LIMIT_FROM] = col_day(q, 5);
		row[LIMIT_GONE] = col_day(q, 6);
	}
	return rc < 0 ? err_in(err, "limits") : 0;
}

/* invoices --------------------------------------------------------------------------------------------------------- */

static void set_invoice(struct pack_draft *d, int64_t *row, const struct history *h, struct stmt *q, bool is_paid)
{
	int64_t id = col_int(q, 1);

	row[INVOICE_AMOUNT] = col_int(q, 2);
	row[INVOICE_CURRENCY] = pack_word(d, col_text(q, 3));
	row[INVOICE_ISSUED] = col_day(q, 4);
	row[INVOICE_DUE] = history_day(h, id, "due_on", col_day(q, 5));
	row[INVOICE_PAID] = history_day(h, id, "paid_on", col_day(q, 6));
	row[INVOICE_FAILED] = history_day(h, id, "failed_on", col_day(q, 7));
	row[INVOICE_DISPUTED] = history_day(h, id, "disputed_on", col_day(q, 8));
	row[INVOICE_FLAGS] = (is_paid ? INVOICE_IS_PAID : 0) |
	                     (history_is_dated(h, id, "paid_on") ? INVOICE_PAID_DATED : 0) |
	                     (history_is_dated(h, id, "failed_on") ? INVOICE_FAILED_DATED : 0) |
	                     (history_is_dated(h, id, "disputed_on") ? INVOICE_DISPUTED_DATED : 0);
	row[INVOICE_SOURCE] = col_int(q, 10);
	row[INVOICE_SEEN] = col_day(q, 11);
	row[INVOICE_GONE] = col_day(q, 12);
}

static int load_invoices(struct packing *p, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(p->db, "SELECT account_id, id, amount_minor, currency, issued_on, due_on, paid_on, "
	                               "failed_on, disputed_on, status, source_id, seen_on, deleted_on FROM invoice "
	                               "WHERE account_id BETWEEN :from AND :to AND issued_on BETWEEN :since AND :day "
	                               "AND (seen_on IS NULL OR seen_on <= :day) "
	                               "AND (deleted_on IS NULL OR deleted_on > :gone) ORDER BY account_id, issued_on, id");
	struct history history;
	size_t place;
	int rc;

	if (packing_history(p, TRACKED_INVOICE, &history, err) < 0)
		return -1;
	bind_days(q, p);
	bind_day(q, ":since", p->since_on);
	while ((rc = packing_next(p, q, &place, err)) > 0) {
		const char *status = history_text(&history, col_int(q, 1), "status", col_text(q, 9));
		bool is_paid = col_day(q, 6) == DAY_NONE && status && strcmp(status, "paid") == 0;

		packing_note(p, place, &history, col_int(q, 1));
		if (!status || (strcmp(status, "void") != 0 && strcmp(status, "draft") != 0))
			set_invoice(&p->drafts[place], pack_row(&p->drafts[place], PACK_INVOICE), &history, q, is_paid);
	}
	return rc < 0 ? err_in(err, "invoices") : 0;
}

/* notices and opportunities ---------------------------------------------------------------------------------------- */

static int load_notices(struct packing *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(p->db,
		"SELECT account_id, kind, currency, noticed_on, effective_on, amount_minor, "
		"CASE WHEN text IS NOT NULL THEN id END, deleted_on FROM notice "
		"WHERE account_id BETWEEN :from AND :to AND noticed_on BETWEEN :since AND :day "
		"AND (deleted_on IS NULL OR deleted_on > :gone) ORDER BY account_id, noticed_on, id");
	size_t place;
	int rc;

	bind_days(q, p);
	bind_day(q, ":since", p->since_on);
	while ((rc = packing_next(p, q, &place, err)) > 0) {
		struct pack_draft *d = &p->drafts[place];
		int64_t *row = pack_row(d, PACK_NOTICE);

		row[NOTICE_KIND] = pack_word(d, col_text(q, 1));
		row[NOTICE_CURRENCY] = pack_word(d, col_text(q, 2));
		row[NOTICE_NOTICED] = col_day(q, 3);
		row[NOTICE_EFFECTIVE] = col_day(q, 4);
		row[NOTICE_AMOUNT] = col_int(q, 5);
		row[NOTICE_TEXT] = col_int(q, 6);
		row[NOTICE_GONE] = col_day(q, 7);
	}
	return rc < 0 ? err_in(err, "notices") : 0;
}

static int load_opportunities(struct packing *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(p->db,
		"SELECT account_id, id, name, kind, currency, amount_minor, created_on, close_on, is_closed, is_won, deleted_on "
		"FROM opportunity WHERE account_id BETWEEN :from AND :to AND created_on BETWEEN :since AND :day "
		"AND (deleted_on IS NULL OR deleted_on > :gone) ORDER BY account_id, created_on, id");
	struct history history;
	const struct history *h = &history;
	size_t place;
	int rc;

	if (packing_history(p, TRACKED_OPPORTUNITY, &history, err) < 0)
		return -1;
	bind_days(q, p);
	bind_day(q, ":since", p->since_on);
	while ((rc = packing_next(p, q, &place, err)) > 0) {
		struct pack_draft *d = &p->drafts[place];
		int64_t id = col_int(q, 1), *row = pack_row(d, PACK_OPPORTUNITY);

		packing_note(p, place, h, id);
		row[OPPORTUNITY_NAME] = pack_word(d, col_text(q, 2));
		row[OPPORTUNITY_KIND] = pack_word(d, col_text(q, 3));
		row[OPPORTUNITY_CURRENCY] = pack_word(d, col_text(q, 4));
		row[OPPORTUNITY_AMOUNT] = history_int(h, id, "amount_minor", col_int(q, 5), 0);
		row[OPPORTUNITY_CREATED] = col_day(q, 6);
		row[OPPORTUNITY_CLOSE] = history_day(h, id, "close_on", col_day(q, 7));
		row[OPPORTUNITY_FLAGS] =
			(history_int(h, id, "is_closed", col_int(q, 8) != 0, 0) != 0 ? OPPORTUNITY_IS_CLOSED : 0) |
			(history_find(h, id, "is_closed") ? OPPORTUNITY_IS_TOLD : 0) |
			(col_int(q, 8) != 0 ? OPPORTUNITY_IS_CLOSED_NOW : 0) |
			(history_find(h, id, "close_on") ? OPPORTUNITY_CLOSE_TOLD : 0) |
			(history_int(h, id, "is_won", col_int(q, 9) != 0, 0) != 0 ? OPPORTUNITY_IS_WON : 0);
		row[OPPORTUNITY_GONE] = col_day(q, 10);
	}
	return rc < 0 ? err_in(err, "opportunities") : 0;
}

int packing_load_contracts(struct packing *p, struct err *err)
{
	return load_limits(p, err) < 0 || load_invoices(p, err) < 0 || load_notices(p, err) < 0 ||
	               load_opportunities(p, err) < 0 ?
	           -1 :
	           0;
}

#include <stdlib.h>
#include <string.h>

#include "outcomes_parts.h"

enum { FIRST_ROOM = 64, MONTHS = 12 };
#define MOST_MINOR INT64_C(100000000000000) /* so that sums of an account's lines stay within 64 bits */

void outcome_note(struct outcome_parts *p, int32_t day)
{
	if (day > p->known_on && day < p->next_on)
		p->next_on = day;
}

/* Whether a row that is dated so is known; DAY_NONE: it always was. */
static bool is_known(struct outcome_parts *p, int32_t day)
{
	outcome_note(p, day);
	return day <= p->known_on;
}

/* Whether what ends or takes back a row has not come yet. */
static bool is_ahead(struct outcome_parts *p, int32_t day)
{
	outcome_note(p, day);
	return day == DAY_NONE || day > p->known_on;
}

static void *more(struct arena *a, void *rows, size_t n, size_t *room, size_t size)
{
	*room = *room ? 2 * *room : FIRST_ROOM;
	return arena_grow(a, rows, n, *room, size);
}

static void add_piece(struct outcome_parts *p, const struct outcome_piece *piece)
{
	if (piece->from >= piece->to)
		return;
	if (p->n_pieces == p->piece_room)
		p->pieces = more(p->arena, p->pieces, p->n_pieces, &p->piece_room, sizeof *p->pieces);
	p->pieces[p->n_pieces++] = *piece;
}

/* Whether it counts on a day; its amount per month then. A trial is no contract; an account without a subscription is a
 * customer when it says so, or else when it has a revenue. */
static bool read_line(const struct outcome_line *x, int32_t day, int64_t *out_minor)
{
	int64_t minor = trait_number(revenue_trait_on(&x->amount, day), 0);
	const char *gate = revenue_trait_on(&x->gate, day);

	*out_minor = minor < 0 ? 0 : minor > MOST_MINOR ? MOST_MINOR : minor;
	if (x->is_subscription)
		return !trait_truth(gate, false);
	*out_minor /= MONTHS;
	return trait_truth(gate, minor > 0);
}

static int32_t next_change(const struct outcome_line *x, int32_t day)
{
	const struct revenue_trait *traits[] = { &x->amount, &x->gate };
	int32_t next = OUTCOME_OPEN;

	for (size_t t = 0; t < ARRAY_LEN(traits); t++)
		for (size_t i = 1; i < traits[t]->n; i++)
			if (traits[t]->changes[i].known_on > day && traits[t]->changes[i].known_on < next)
				next = traits[t]->changes[i].known_on;
	return next;
}

static void add_line(struct outcome_parts *p, const struct outcome_line *x, int32_t to)
{
	for (int32_t day = x->from; day < to;) {
		int32_t next = next_change(x, day);
		struct outcome_piece piece = { .account = x->account, .from = day, .to = next < to ? next : to,
			.currency = x->currency, .reason = x->reason };

		if (read_line(x, day, &piece.minor))
			add_piece(p, &piece);
		day = piece.to;
	}
}

/* The end as it was known: one that lies ahead counts for nothing yet. */
static int32_t known_end(struct outcome_parts *p, int32_t end_on, int32_t deleted_on)
{
	int32_t end = is_ahead(p, end_on) ? OUTCOME_OPEN : end_on;

	return is_ahead(p, deleted_on) || deleted_on > end ? end : deleted_on;
}

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_pieces(const void *left, const void *right)
{
	const struct outcome_piece *a = left, *b = right;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	return compare_texts(a->currency, b->currency) ? compare_texts(a->currency, b->currency)
	                                               : compare_texts(a->reason, b->reason);
}

/* What was known of an attribute. */
static struct revenue_trait known_trait(struct outcome_parts *p, struct revenue_trait t)
{
	for (; t.n && t.changes[t.n - 1].known_on > p->known_on; t.n--)
		outcome_note(p, t.changes[t.n - 1].known_on);
	return t;
}

/* Whether the line is known. */
static bool tell_line(struct outcome_parts *p, const struct outcome_line *line)
{
	bool is_begun = is_known(p, line->known_on), is_seen = is_known(p, line->seen_on);
	struct outcome_line x = *line;
	int32_t to;

	x.amount = known_trait(p, x.amount);
	x.gate = known_trait(p, x.gate);
	x.end = known_trait(p, x.end);
	to = known_end(p, trait_day(revenue_trait_on(&x.end, p->known_on)), x.gone_on);
	if (is_begun && is_seen)
		add_line(p, &x, to);
	return is_begun && is_seen;
}

static const void *row_of(const struct outcome_list *list, size_t i)
{
	return list->at + i * list->size;
}

/* Those of contracts; an account's own revenue counts where it has none. */
static void tell_lines(const struct outcome_rows *rows, struct outcome_parts *p)
{
	bool has_contract = false;

	for (size_t i = rows->subscriptions.first; i < rows->subscriptions.end; i++)
		has_contract = tell_line(p, row_of(&rows->subscriptions, i)) || has_contract;
	for (size_t i = rows->annual.first; i < rows->annual.end && !has_contract; i++)
		(void)tell_line(p, row_of(&rows->annual, i));
	if (p->n_pieces > 1)
		qsort(p->pieces, p->n_pieces, sizeof *p->pieces, compare_pieces);
}

static void tell_failures(const struct outcome_list *list, struct outcome_parts *p)
{
	for (size_t i = list->first; i < list->end; i++) {
		const struct outcome_failure *f = row_of(list, i);
		bool has_failed = is_known(p, f->failed_on), is_unpaid = is_ahead(p, f->paid_on);

		if (!is_ahead(p, f->gone_on) || !has_failed || !is_unpaid)
			continue;
		if (p->n_failures == p->failure_room)
			p->failures = more(p->arena, p->failures, p->n_failures, &p->failure_room, sizeof *p->failures);
		p->failures[p->n_failures++] = *f;
	}
}

static void tell_notices(const struct outcome_list *list, struct outcome_parts *p)
{
	for (size_t i = list->first; i < list->end; i++) {
		const struct outcome_notice *n = row_of(list, i);
		bool is_noticed = is_known(p, n->noticed_on);

		if (!is_ahead(p, n->gone_on) || !is_noticed)
			continue;
		if (p->n_notices == p->notice_room)
			p->notices = more(p->arena, p->notices, p->n_notices, &p->notice_room, sizeof *p->notices);
		p->notices[p->n_notices++] = *n;
	}
}

static void tell_told(const struct outcome_list *list, struct outcome_parts *p)
{
	for (size_t i = list->first; i < list->end; i++) {
		const struct outcome_told *t = row_of(list, i);
		bool is_said = is_known(p, t->said_on);

		if (!is_ahead(p, t->gone_on) || !is_said)
			continue;
		if (p->n_told == p->told_room)
			p->told = more(p->arena, p->told, p->n_told, &p->told_room, sizeof *p->told);
		p->told[p->n_told++] = *t;
	}
}

void outcome_parts_tell(const struct outcome_rows *rows, int32_t known_on, struct outcome_parts *io)
{
	io->known_on = known_on;
	io->next_on = INT32_MAX;
	io->n_pieces = io->n_failures = io->n_notices = io->n_told = 0;
	tell_lines(rows, io);
	tell_failures(&rows->failures, io);
	tell_notices(&rows->notices, io);
	tell_told(&rows->told, io);
}

/* rows ------------------------------------------------------------------------------------------------------------- */

static void *new_row(struct outcome_rows *r, struct outcome_list *list)
{
	if (list->n == list->room)
		list->at = more(r->arena, list->at, list->n, &list->room, list->size);
	return list->at + list->n++ * list->size;
}

/* Accounts and days of a query. */
struct row_query { struct db *db; int64_t from_id, to_id; int32_t last_known_on; };

static struct stmt *begin(const struct row_query *of, const char *sql)
{
	struct stmt *q = db_sql(of->db, sql);

	bind_int(q, ":from", of->from_id);
	bind_int(q, ":to", of->to_id);
	return q;
}

static int load_subscriptions(const struct row_query *of, struct outcome_rows *r, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = begin(of,
		"SELECT s.id, s.account_id, s.mrr_minor, s.is_trial, s.start_on, s.end_on, coalesce(s.currency, a.currency), "
		"s.deleted_on, s.end_reason, s.seen_on FROM subscription s JOIN account a ON a.id = s.account_id "
		"WHERE s.account_id BETWEEN :from AND :to ORDER BY s.account_id, s.start_on, s.id");
	struct trait_history history;
	int rc;

	if (trait_load_of(of->db, "subscription", of->from_id, of->to_id, of->last_known_on, r->arena, &history, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 0);
		int32_t from = col_is_null(q, 4) ? OUTCOME_BEGINNING : col_day(q, 4);

		*(struct outcome_line *)new_row(r, &r->subscriptions) = (struct outcome_line){ .account = col_int(q, 1),
			.is_subscription = true, .from = from, .known_on = from, .seen_on = col_day(q, 9), .gone_on = col_day(q, 7),
			.amount = trait_of(&history, id, "mrr_minor", col_text_in(q, 2, r->arena)),
			.gate = trait_of(&history, id, "is_trial", col_text_in(q, 3, r->arena)),
			.end = trait_of(&history, id, "end_on", col_text_in(q, 5, r->arena)),
			.currency = col_text_in(q, 6, r->arena), .reason = col_text_in(q, 8, r->arena) };
	}
	return rc;
}

static int load_annual(const struct row_query *of, struct outcome_rows *r, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = begin(of,
		"SELECT id, arr_minor, is_customer, coalesce(customer_since_on, created_on), currency, deleted_on, created_on"
		" FROM account WHERE id BETWEEN :from AND :to AND main_id IS NULL"
		" AND (arr_minor IS NOT NULL OR is_customer IS NOT NULL) ORDER BY id");
	struct trait_history history;
	int rc;

	if (trait_load_of(of->db, "account", of->from_id, of->to_id, of->last_known_on, r->arena, &history, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 0);

		*(struct outcome_line *)new_row(r, &r->annual) = (struct outcome_line){ .account = id,
			.from = col_is_null(q, 3) ? OUTCOME_BEGINNING : col_day(q, 3), .known_on = col_day(q, 6),
			.seen_on = DAY_NONE, .gone_on = col_day(q, 5),
			.amount = trait_of(&history, id, "arr_minor", col_text_in(q, 1, r->arena)),
			.gate = trait_of(&history, id, "is_customer", col_text_in(q, 2, r->arena)),
			.currency = col_text_in(q, 4, r->arena) };
	}
	return rc;
}

static int load_failures(const struct row_query *of, struct outcome_rows *r, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = begin(of,
		"SELECT account_id, failed_on, paid_on, deleted_on FROM invoice WHERE account_id BETWEEN :from AND :to "
		"AND failed_on IS NOT NULL ORDER BY account_id, failed_on, id");
	int rc;

	while ((rc = stmt_step(q, err)) > 0)
		*(struct outcome_failure *)new_row(r, &r->failures) =
			(struct outcome_failure){ col_int(q, 0), col_day(q, 1), col_day(q, 2), col_day(q, 3) };
	return rc;
}

static int load_notices(const struct row_query *of, struct outcome_rows *r, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = begin(of,
		"SELECT account_id, noticed_on, effective_on, amount_minor, currency, kind, deleted_on FROM notice "
		"WHERE account_id BETWEEN :from AND :to AND noticed_on IS NOT NULL ORDER BY account_id, noticed_on, id");
	int rc;

	while ((rc = stmt_step(q, err)) > 0)
		*(struct outcome_notice *)new_row(r, &r->notices) = (struct outcome_notice){ .account = col_int(q, 0),
			.noticed_on = col_day(q, 1), .effective_on = col_day(q, 2), .gone_on = col_day(q, 6),
			.minor = col_int(q, 3) < 0 ? 0 : col_int(q, 3), .currency = col_text_in(q, 4, r->arena),
			.is_downgrade = !col_is_null(q, 5) && strcmp(col_text(q, 5), "downgrade") == 0 };
	return rc;
}

static int load_told(const struct row_query *of, struct outcome_rows *r, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = begin(of,
		"SELECT account_id, said_on, withdrawn_on, kind = 'expansion' FROM told_outcome"
		" WHERE account_id BETWEEN :from AND :to ORDER BY account_id, said_on, id");
	int rc;

	while ((rc = stmt_step(q, err)) > 0)
		*(struct outcome_told *)new_row(r, &r->told) =
			(struct outcome_told){ col_int(q, 0), col_day(q, 1), col_day(q, 2), col_int(q, 3) != 0 };
	return rc;
}

int outcome_rows_load(struct db *db, int64_t from_id, int64_t to_id, int32_t last_known_on, struct arena *a,
                      struct outcome_rows *out, struct err *err)
{
	const struct row_query of = { db, from_id, to_id, last_known_on };

	*out = (struct outcome_rows){ .arena = a, .subscriptions.size = sizeof(struct outcome_line),
		.annual.size = sizeof(struct outcome_line), .failures.size = sizeof(struct outcome_failure),
		.notices.size = sizeof(struct outcome_notice), .told.size = sizeof(struct outcome_told) };
	if (load_subscriptions(&of, out, err) < 0 || load_annual(&of, out, err) < 0 || load_failures(&of, out, err) < 0 ||
	    load_notices(&of, out, err) < 0 || load_told(&of, out, err) < 0)
		return -1;
	return 0;
}

/* The account that a list goes on with. */
static int64_t next_of(const struct outcome_list *list)
{
	int64_t account = INT64_MAX;

	if (list->end < list->n)
		memcpy(&account, row_of(list, list->end), sizeof account);
	return account;
}

bool outcome_rows_next(struct outcome_rows *rows)
{
	struct outcome_list *lists[] = { &rows->subscriptions, &rows->annual, &rows->failures, &rows->notices,
		                             &rows->told };
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		next = next_of(lists[i]) < next ? next_of(lists[i]) : next;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (lists[i]->first = lists[i]->end; next_of(lists[i]) == next && next != INT64_MAX;)
			lists[i]->end++;
	return next != INT64_MAX;
}

int outcomes_last_fact(struct db *db, int32_t as_of, int32_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT max(day) FROM (SELECT max(start_on) AS day FROM subscription WHERE start_on <= :day"
		" UNION ALL SELECT max(end_on) FROM subscription WHERE end_on <= :day"
		" UNION ALL SELECT max(seen_on) FROM subscription WHERE seen_on <= :day"
		" UNION ALL SELECT max(opened_at) / 86400 FROM ticket WHERE opened_at < (:day + 1) * 86400"
		" UNION ALL SELECT max(at) / 86400 FROM interaction WHERE at < (:day + 1) * 86400"
		" UNION ALL SELECT max(issued_on) FROM invoice WHERE issued_on <= :day"
		" UNION ALL SELECT max(noticed_on) FROM notice WHERE noticed_on <= :day"
		" UNION ALL SELECT max(known_on) FROM history WHERE known_on <= :day"
		" UNION ALL SELECT (max(b.id) >> 20) & 1048575 FROM metric m JOIN usage_block b"
		"  ON b.id BETWEEN m.id << 40 AND (m.id << 40) + (:day << 20) + 1048575 GROUP BY m.id)");

	bind_day(q, ":day", as_of);
	if (stmt_step(q, err) < 0)
		return err_in(err, "last fact");
	*out = col_day(q, 0);
	return 0;
}

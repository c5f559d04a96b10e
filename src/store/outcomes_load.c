#include <stdlib.h>
#include <string.h>

#include "outcomes_parts.h"
#include "trait.h"

enum { FIRST_ROOM = 256, MONTHS = 12 };
#define MOST_MINOR INT64_C(100000000000000) /* so that sums of an account's lines stay within 64 bits */

/* One line: what it is now, and what it was. */
struct line {
	int64_t account;
	int32_t from, to;
	struct revenue_trait amount, gate; /* gate: is_trial of a subscription, is_customer of an account */
	bool is_subscription;
	const char *currency, *reason;
};

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

static void add_piece(struct outcome_parts *p, const struct outcome_piece *piece)
{
	if (piece->from >= piece->to)
		return;
	if (p->n_pieces == p->room) {
		p->room = p->room ? 2 * p->room : FIRST_ROOM;
		p->pieces = arena_grow(p->arena, p->pieces, p->n_pieces, p->room, sizeof *p->pieces);
	}
	p->pieces[p->n_pieces++] = *piece;
}

/* Whether it counts on a day; its amount per month then. A trial is no contract; an account without a subscription is a
 * customer when it says so, or else when it has a revenue. */
static bool read_line(const struct line *x, int32_t day, int64_t *out_minor)
{
	int64_t minor = trait_number(revenue_trait_on(&x->amount, day), 0);
	const char *gate = revenue_trait_on(&x->gate, day);

	*out_minor = minor < 0 ? 0 : minor > MOST_MINOR ? MOST_MINOR : minor;
	if (x->is_subscription)
		return !trait_truth(gate, false);
	*out_minor /= MONTHS;
	return trait_truth(gate, minor > 0);
}

static int32_t next_change(const struct line *x, int32_t day)
{
	const struct revenue_trait *traits[] = { &x->amount, &x->gate };
	int32_t next = OUTCOME_OPEN;

	for (size_t t = 0; t < ARRAY_LEN(traits); t++)
		for (size_t i = 1; i < traits[t]->n; i++)
			if (traits[t]->changes[i].known_on > day && traits[t]->changes[i].known_on < next)
				next = traits[t]->changes[i].known_on;
	return next;
}

static void add_line(struct outcome_parts *p, const struct line *x)
{
	for (int32_t day = x->from; day < x->to;) {
		int32_t next = next_change(x, day);
		struct outcome_piece piece = { .account = x->account, .from = day, .to = next < x->to ? next : x->to,
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

static void bind_range(struct stmt *q, const struct outcome_parts *p)
{
	bind_int(q, ":from", p->from_id);
	bind_int(q, ":to", p->to_id);
}

/* What history says from later days on. */
static int note_history(struct db *db, struct outcome_parts *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT min(known_on) FROM history WHERE entity = 'account' AND entity_id BETWEEN :from AND :to"
		" AND known_on > :known UNION ALL SELECT min(known_on) FROM history WHERE entity = 'subscription'"
		" AND entity_id IN (SELECT id FROM subscription WHERE account_id BETWEEN :from AND :to) AND known_on > :known");
	int rc;

	bind_range(q, p);
	bind_day(q, ":known", p->known_on);
	while ((rc = stmt_step(q, err)) > 0)
		outcome_note(p, col_day(q, 0));
	return rc;
}

static int load_subscriptions(struct db *db, struct outcome_parts *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT s.id, s.account_id, s.mrr_minor, s.is_trial, s.start_on, s.end_on, coalesce(s.currency, a.currency), "
		"s.deleted_on, s.end_reason, s.seen_on FROM subscription s JOIN account a ON a.id = s.account_id "
		"WHERE s.account_id BETWEEN :from AND :to ORDER BY s.account_id, s.start_on, s.id");
	struct trait_history history;
	int rc;

	if (trait_load_of(db, "subscription", p->from_id, p->to_id, p->known_on, p->arena, &history, err) < 0)
		return -1;
	bind_range(q, p);
	while ((rc = stmt_step(q, err)) > 0) {
		bool is_started = is_known(p, col_day(q, 4)), is_seen = is_known(p, col_day(q, 9));
		int64_t id = col_int(q, 0);
		struct revenue_trait end = trait_of(&history, id, "end_on", col_text(q, 5));
		struct line x = { .account = col_int(q, 1), .is_subscription = true,
			.amount = trait_of(&history, id, "mrr_minor", col_text_in(q, 2, p->arena)),
			.gate = trait_of(&history, id, "is_trial", col_text_in(q, 3, p->arena)),
			.from = col_is_null(q, 4) ? OUTCOME_BEGINNING : col_day(q, 4),
			.to = known_end(p, trait_day(revenue_trait_on(&end, p->known_on)), col_day(q, 7)),
			.currency = col_text_in(q, 6, p->arena), .reason = col_text_in(q, 8, p->arena) };

		if (is_started && is_seen)
			add_line(p, &x);
	}
	return rc;
}

static int load_annual(struct db *db, struct outcome_parts *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT a.id, a.arr_minor, a.is_customer, coalesce(a.customer_since_on, a.created_on), a.currency, a.deleted_on,"
		" a.created_on FROM account a WHERE a.id BETWEEN :from AND :to AND a.main_id IS NULL"
		" AND (a.arr_minor IS NOT NULL OR a.is_customer IS NOT NULL)"
		" AND NOT EXISTS (SELECT 1 FROM subscription s WHERE s.account_id = a.id"
		"  AND (s.start_on IS NULL OR s.start_on <= :known) AND (s.seen_on IS NULL OR s.seen_on <= :known))"
		" ORDER BY a.id");
	struct trait_history history;
	int rc;

	if (trait_load_of(db, "account", p->from_id, p->to_id, p->known_on, p->arena, &history, err) < 0)
		return -1;
	bind_range(q, p);
	bind_day(q, ":known", p->known_on);
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 0);
		struct line x = { .account = id,
			.amount = trait_of(&history, id, "arr_minor", col_text_in(q, 1, p->arena)),
			.gate = trait_of(&history, id, "is_customer", col_text_in(q, 2, p->arena)),
			.from = col_is_null(q, 3) ? OUTCOME_BEGINNING : col_day(q, 3),
			.to = known_end(p, DAY_NONE, col_day(q, 5)), .currency = col_text_in(q, 4, p->arena) };

		if (is_known(p, col_day(q, 6)))
			add_line(p, &x);
	}
	return rc;
}

static int load_failures(struct db *db, struct outcome_parts *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT account_id, failed_on, paid_on, deleted_on FROM invoice WHERE account_id BETWEEN :from AND :to "
		"AND failed_on IS NOT NULL ORDER BY account_id, failed_on, id");
	size_t room = 0;
	int rc;

	bind_range(q, p);
	while ((rc = stmt_step(q, err)) > 0) {
		bool has_failed = is_known(p, col_day(q, 1)), is_unpaid = is_ahead(p, col_day(q, 2));

		if (!is_ahead(p, col_day(q, 3)) || !has_failed || !is_unpaid)
			continue;
		if (p->n_failures == room) {
			room = room ? 2 * room : FIRST_ROOM;
			p->failures = arena_grow(p->arena, p->failures, p->n_failures, room, sizeof *p->failures);
		}
		p->failures[p->n_failures++] = (struct outcome_failure){ col_int(q, 0), col_day(q, 1) };
	}
	return rc;
}

static int load_notices(struct db *db, struct outcome_parts *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT account_id, noticed_on, effective_on, amount_minor, currency, kind, deleted_on FROM notice "
		"WHERE account_id BETWEEN :from AND :to AND noticed_on IS NOT NULL ORDER BY account_id, noticed_on, id");
	size_t room = 0;
	int rc;

	bind_range(q, p);
	while ((rc = stmt_step(q, err)) > 0) {
		bool is_noticed = is_known(p, col_day(q, 1));

		if (!is_ahead(p, col_day(q, 6)) || !is_noticed)
			continue;
		if (p->n_notices == room) {
			room = room ? 2 * room : FIRST_ROOM;
			p->notices = arena_grow(p->arena, p->notices, p->n_notices, room, sizeof *p->notices);
		}
		p->notices[p->n_notices++] = (struct outcome_notice){ .account = col_int(q, 0), .noticed_on = col_day(q, 1),
			.effective_on = col_day(q, 2), .minor = col_int(q, 3) < 0 ? 0 : col_int(q, 3),
			.currency = col_text_in(q, 4, p->arena),
			.is_downgrade = !col_is_null(q, 5) && strcmp(col_text(q, 5), "downgrade") == 0 };
	}
	return rc;
}

static int load_told(struct db *db, struct outcome_parts *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT account_id, said_on, kind = 'expansion', withdrawn_on FROM told_outcome"
		" WHERE account_id BETWEEN :from AND :to ORDER BY account_id, said_on, id");
	size_t room = 0;
	int rc;

	bind_range(q, p);
	while ((rc = stmt_step(q, err)) > 0) {
		bool is_said = is_known(p, col_day(q, 1));

		if (!is_ahead(p, col_day(q, 3)) || !is_said)
			continue;
		if (p->n_told == room) {
			room = room ? 2 * room : FIRST_ROOM;
			p->told = arena_grow(p->arena, p->told, p->n_told, room, sizeof *p->told);
		}
		p->told[p->n_told++] = (struct outcome_told){ col_int(q, 0), col_day(q, 1), col_int(q, 2) != 0 };
	}
	return rc;
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

int outcomes_load_parts(struct db *db, struct outcome_parts *p, struct err *err)
{
	if (note_history(db, p, err) < 0 || load_subscriptions(db, p, err) < 0 || load_annual(db, p, err) < 0 ||
	    load_failures(db, p, err) < 0 || load_notices(db, p, err) < 0 || load_told(db, p, err) < 0)
		return -1;
	if (p->n_pieces)
		qsort(p->pieces, p->n_pieces, sizeof *p->pieces, compare_pieces);
	return 0;
}

#include "store/revenue.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/names.h"
#include "common/text.h"
#include "trait.h"

struct loader {
	const struct revenue_query *query;
	struct arena *arena;
	struct revenue *out;
	struct revenue_account *accounts;
	struct revenue_line *lines; size_t room;
	struct names names;
	struct trait_history history;
};

static int32_t find_account(const struct revenue *r, int64_t id)
{
	size_t low = 0, high = r->n_accounts;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->accounts[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->n_accounts && r->accounts[low].id == id ? (int32_t)low : -1;
}

static int name_of(struct loader *l, const char *text, uint16_t *out, struct err *err)
{
	int id = names_id(&l->names, text);

	if (id < 0)
		return err_set(err, ERR_INPUT, "more than %d products, plans and currencies", MAX_NAMES);
	*out = (uint16_t)id;
	return 0;
}

/* accounts --------------------------------------------------------------------------------------------------------- */

static int load_accounts(struct db *db, struct loader *l, struct trait_history *history, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT id, source_key, name, segment, region, csm_email, am_email "
		"FROM account WHERE main_id IS NULL ORDER BY id");
	int64_t most = 0;
	size_t n = 0;
	int rc = 0;

	if (db_int(db, "SELECT count(*) FROM account WHERE main_id IS NULL", 0, &most, err) < 0 ||
	    trait_load(db, "account", l->query->as_of, l->arena, history, err) < 0)
		return -1;
	l->accounts = arena_array(l->arena, (size_t)most, sizeof *l->accounts);
	while (n < (size_t)most && (rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 0);

		l->accounts[n++] = (struct revenue_account){ .id = id, .key = col_text_in(q, 1, l->arena),
			.name = col_text_in(q, 2, l->arena), .parent = -1,
			.segment = trait_of(history, id, "segment", col_text_in(q, 3, l->arena)),
			.region = trait_of(history, id, "region", col_text_in(q, 4, l->arena)),
			.csm = trait_of(history, id, "csm_key", col_text_in(q, 5, l->arena)),
			.am = trait_of(history, id, "am_key", col_text_in(q, 6, l->arena)) };
	}
	l->out->accounts = l->accounts;
	l->out->n_accounts = n;
	return rc < 0 ? -1 : 0;
}

/* The parent that was known on the day: by key where it changed, else the resolved one. */
static int load_parents(struct db *db, const struct loader *l, const struct trait_history *history, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *all = db_sql(db, "SELECT id, parent_id FROM account WHERE parent_id IS NOT NULL");
	CLEANUP(stmt_donep) struct stmt *by_key = db_sql(db,
		"SELECT coalesce(p.main_id, p.id) FROM account c JOIN account p ON p.source_id = c.source_id "
		"AND p.source_key = :key WHERE c.id = :id");
	const struct revenue *r = l->out;
	int rc;

	while ((rc = stmt_step(all, err)) > 0) {
		int32_t child = find_account(r, col_int(all, 0));

		if (child >= 0)
			l->accounts[child].parent = find_account(r, col_int(all, 1));
	}
	for (size_t i = 0; rc == 0 && i < r->n_accounts; i++) {
		struct revenue_trait t = trait_of(history, r->accounts[i].id, "parent_key", NULL);

		if (!t.n)
			continue;
		bind_text(by_key, ":key", revenue_trait_on(&t, l->query->as_of));
		bind_int(by_key, ":id", r->accounts[i].id);
		rc = stmt_step(by_key, err);
		l->accounts[i].parent = rc > 0 ? find_account(r, col_int(by_key, 0)) : -1;
		if (rc > 0)
			rc = stmt_run(by_key, err);
	}
	return rc;
}

/* lines ------------------------------------------------------------------------------------------------------------ */

/* What its row says: what never changes, and what does. */
struct contract {
	struct revenue_line line;
	struct revenue_trait amount, gate, plan;
	bool is_annual; /* an account's revenue of a year; its gate is is_customer, a contract's is_trial */
};

static int64_t amount_on(const struct contract *c, int32_t day)
{
	int64_t minor = trait_number(revenue_trait_on(&c->amount, day), 0);

	if (!c->is_annual)
		return minor;
	if (!trait_truth(revenue_trait_on(&c->gate, day), true))
		return 0;
	return minor > INT64_MAX - 6 || minor < 6 - INT64_MAX ? minor / 12 : (minor + (minor < 0 ? -6 : 6)) / 12;
}

/* The next day after `day` on which any of the three changes. */
static int32_t next_change(const struct contract *c, int32_t day)
{
	const struct revenue_trait *traits[] = { &c->amount, &c->gate, &c->plan };
	int32_t next = REVENUE_OPEN;

	for (size_t t = 0; t < ARRAY_LEN(traits); t++)
		for (size_t i = 1; i < traits[t]->n; i++)
			if (traits[t]->changes[i].known_on > day && traits[t]->changes[i].known_on < next)
				next = traits[t]->changes[i].known_on;
	return next;
}

static int add_contract(struct loader *l, const struct contract *c, struct err *err)
{
	for (int32_t day = c->line.from; day < c->line.to;) {
		struct revenue_line line = c->line;
		int32_t next = next_change(c, day);

		line.from = day;
		line.to = next < c->line.to ? next : c->line.to;
		line.minor = amount_on(c, day);
		line.is_trial = !c->is_annual && trait_truth(revenue_trait_on(&c->gate, day), false);
		line.is_last = line.to == c->line.to;
		if (name_of(l, revenue_trait_on(&c->plan, day), &line.plan, err) < 0)
			return -1;
		if (l->out->n_lines == l->room) {
			l->room = 2 * l->room + 1;
			l->lines = arena_grow(l->arena, l->lines, l->out->n_lines, l->room, sizeof *l->lines);
		}
		l->lines[l->out->n_lines++] = line;
		day = line.to;
	}
	return 0;
}

/* The end as it was known: one in the future counts only when history says since when it was known. */
static int32_t known_end(const struct loader *l, int64_t id, const char *now)
{
	struct revenue_trait t = trait_of(&l->history, id, "end_on", now);
	int32_t end = trait_day(revenue_trait_on(&t, l->query->as_of));
	bool is_dated = t.n > 1; /* the first row only says what was there when it was first seen */

	if (end == DAY_NONE || (end > l->query->as_of && !is_dated))
		return REVENUE_OPEN;
	return end;
}

/* What its source deleted was paid for until then: to forget it would turn churn into a smaller past. */
static int32_t known_deletion(const struct loader *l, int32_t deleted_on)
{
	return deleted_on == DAY_NONE || deleted_on > l->query->as_of ? REVENUE_OPEN : deleted_on;
}

static int32_t earlier(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

static int load_subscriptions(struct db *db, struct loader *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT s.id, s.account_id, s.mrr_minor, s.is_trial, s.plan, s.start_on, s.end_on, coalesce(s.currency, a.currency),"
		" s.deleted_on, s.product, s.cancel_notice_on, coalesce(s.end_reason IN ('involuntary', 'unpaid'), 0)"
		" FROM subscription s JOIN account a ON a.id = s.account_id ORDER BY s.id");
	int64_t most = 0;
	int rc;

	if (db_int(db, "SELECT count(*) FROM subscription", 0, &most, err) < 0 ||
	    trait_load(db, "subscription", l->query->as_of, l->arena, &l->history, err) < 0)
		return -1;
	l->room = (size_t)most + l->history.n;
	l->lines = arena_array(l->arena, l->room, sizeof *l->lines);
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 0);
		struct revenue_trait start = trait_of(&l->history, id, "start_on", col_text(q, 5));
		int32_t from = trait_day(revenue_trait_on(&start, l->query->as_of));
		struct contract c = { .line = { .contract = id, .account = find_account(l->out, col_int(q, 1)),
			.from = from == DAY_NONE ? REVENUE_BEGINNING : from, .notice_on = col_day(q, 10), .paid_until = DAY_NONE,
			.discount_until = REVENUE_OPEN, .is_involuntary = col_int(q, 11) != 0 },
			.amount = trait_of(&l->history, id, "mrr_minor", col_text(q, 2)),
			.gate = trait_of(&l->history, id, "is_trial", col_text(q, 3)),
			.plan = trait_of(&l->history, id, "plan", col_text(q, 4)) };

		if (c.line.account < 0 || from > l->query->as_of)
			continue;
		c.line.to = earlier(known_end(l, id, col_text(q, 6)), known_deletion(l, col_day(q, 8)));
		if (name_of(l, col_text(q, 9), &c.line.product, err) < 0 ||
		    name_of(l, col_is_null(q, 7) ? l->query->default_currency : col_text(q, 7), &c.line.currency, err) < 0 ||
		    add_contract(l, &c, err) < 0)
			return -1;
	}
	return rc;
}

static int load_annual(struct db *db, struct loader *l, const struct trait_history *history, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT a.id, a.arr_minor, a.is_customer, a.plan, coalesce(a.customer_since_on, a.created_on), a.currency,"
		" a.deleted_on FROM account a WHERE a.main_id IS NULL"
		" AND NOT EXISTS (SELECT 1 FROM subscription s WHERE s.account_id = a.id"
		"  AND (s.start_on IS NULL OR s.start_on <= :as_of)) ORDER BY a.id");
	int rc;

	bind_int(q, ":as_of", l->query->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 0);
		int32_t from = col_day(q, 4);
		struct contract c = { .is_annual = true, .line = { .contract = -id, .account = find_account(l->out, id),
			.from = from == DAY_NONE ? REVENUE_BEGINNING : from, .to = known_deletion(l, col_day(q, 6)),
			.notice_on = DAY_NONE, .paid_until = DAY_NONE, .discount_until = REVENUE_OPEN },
			.amount = trait_of(history, id, "arr_minor", col_text(q, 1)),
			.gate = trait_of(history, id, "is_customer", col_text(q, 2)),
			.plan = trait_of(history, id, "plan", col_text(q, 3)) };

		if ((from != DAY_NONE && from > l->query->as_of) || (!c.amount.now && !c.amount.n))
			continue;
		if (name_of(l, col_is_null(q, 5) ? l->query->default_currency : col_text(q, 5), &c.line.currency, err) < 0 ||
		    add_contract(l, &c, err) < 0)
			return -1;
	}
	return rc;
}

static int compare_lines(const void *left, const void *right)
{
	const struct revenue_line *a = left, *b = right;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	if (a->contract != b->contract)
		return a->contract < b->contract ? -1 : 1;
	return (a->from > b->from) - (a->from < b->from);
}

int revenue_load(struct db *db, const struct revenue_query *query, struct arena *a, struct revenue *out,
                 struct err *err)
{
	struct revenue r = { .as_of = query->as_of };
	struct loader l = { .query = query, .arena = a, .out = &r };
	struct trait_history history;

	names_init(&l.names, a);
	if (load_accounts(db, &l, &history, err) < 0 || load_parents(db, &l, &history, err) < 0 ||
	    load_subscriptions(db, &l, err) < 0 || load_annual(db, &l, &history, err) < 0)
		return err_in(err, "recurring revenue");
	if (r.n_lines)
		qsort(l.lines, r.n_lines, sizeof *l.lines, compare_lines);
	r.lines = l.lines;
	r.names = l.names.at;
	r.n_names = l.names.n;
	*out = r;
	return 0;
}

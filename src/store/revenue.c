#include "store/revenue.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "trait.h"

enum { FIRST_ROOM = 256, MAX_PARENTS = 64 };

struct loader {
	const struct revenue_query *query;
	struct arena *arena;
	struct revenue *out;
	const int32_t *top; /* by account index: the account that it is counted under */
	struct trait_history history;
	size_t room; /* of out->pieces */
	int64_t total_minor;
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

static int load_accounts(struct db *db, struct loader *l, struct trait_history *history, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT id, name, segment, csm_email, am_email, plan FROM account WHERE main_id IS NULL ORDER BY id");
	struct revenue *r = l->out;
	size_t room = 0;
	int rc;

	if (trait_load(db, "account", l->query->as_of, l->arena, history, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 0);

		if (r->n_accounts == room) {
			room = room ? 2 * room : FIRST_ROOM;
			r->accounts = arena_grow(l->arena, r->accounts, r->n_accounts, room, sizeof *r->accounts);
		}
		r->accounts[r->n_accounts++] = (struct revenue_account){ .id = id, .name = col_text_in(q, 1, l->arena),
			.segment = trait_of(history, id, "segment", col_text_in(q, 2, l->arena)),
			.csm = trait_of(history, id, "csm_key", col_text_in(q, 3, l->arena)),
			.am = trait_of(history, id, "am_key", col_text_in(q, 4, l->arena)),
			.plan = trait_of(history, id, "plan", col_text_in(q, 5, l->arena)) };
	}
	return rc;
}

/* The parent that was known on the day: by key where it changed, else the resolved one. */
static int load_parents(struct db *db, const struct loader *l, const struct trait_history *history, int32_t *parent,
                        struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *all = db_sql(db, "SELECT id, parent_id FROM account WHERE parent_id IS NOT NULL");
	CLEANUP(stmt_donep) struct stmt *by_key = db_sql(db,
		"SELECT coalesce(p.main_id, p.id) FROM account c JOIN account p ON p.source_id = c.source_id "
		"AND p.source_key = :key WHERE c.id = :id");
	const struct revenue *r = l->out;
	int rc;

	for (size_t i = 0; i < r->n_accounts; i++)
		parent[i] = -1;
	while ((rc = stmt_step(all, err)) > 0) {
		int32_t child = find_account(r, col_int(all, 0));

		if (child >= 0)
			parent[child] = find_account(r, col_int(all, 1));
	}
	for (size_t i = 0; rc == 0 && i < r->n_accounts; i++) {
		struct revenue_trait t = trait_of(history, r->accounts[i].id, "parent_key", NULL);

		if (!t.n)
			continue;
		bind_text(by_key, ":key", trait_on(&t, l->query->as_of));
		bind_int(by_key, ":id", r->accounts[i].id);
		rc = stmt_step(by_key, err);
		parent[i] = rc > 0 ? find_account(r, col_int(by_key, 0)) : -1;
		if (rc > 0)
			rc = stmt_run(by_key, err);
	}
	return rc;
}

/* Parents of parents up to the top; a ring of parents ends somewhere instead of nowhere. */
static int load_tops(struct db *db, struct loader *l, const struct trait_history *history, struct err *err)
{
	size_t n = l->out->n_accounts;
	int32_t *parent = arena_array(l->arena, n, sizeof *parent);
	int32_t *top = arena_array(l->arena, n, sizeof *top);

	if (l->query->rolls_up_to_parent && load_parents(db, l, history, parent, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		top[i] = (int32_t)i;
		for (int k = 0; l->query->rolls_up_to_parent && k < MAX_PARENTS && parent[top[i]] >= 0; k++)
			top[i] = parent[top[i]];
	}
	l->top = top;
	return 0;
}

/* Takes note of the days between which there is something to report; never of days that were not known yet. */
static void note_day(struct revenue *r, int32_t day, int32_t as_of)
{
	if (day == DAY_NONE || day == REVENUE_BEGINNING || day == REVENUE_OPEN || day > as_of)
		return;
	if (r->first_on == DAY_NONE || day < r->first_on)
		r->first_on = day;
	if (r->last_on == DAY_NONE || day > r->last_on)
		r->last_on = day;
}

static int add_piece(struct loader *l, const struct revenue_piece *p, const char *currency, struct err *err)
{
	struct revenue *r = l->out;
	int64_t size = p->minor < 0 ? -p->minor : p->minor;

	if (p->minor == 0 || p->from >= p->to)
		return 0;
	if (l->query->currency && strcmp(currency, l->query->currency) != 0) {
		r->has_other_currencies = true;
		return 0;
	}
	if (r->currency && strcmp(r->currency, currency) != 0)
		return err_set(err, ERR_CONFIG, "recurring revenue is in %s and in %s (account %s): choose one with --currency",
		               r->currency, currency, r->accounts[p->account].name ? r->accounts[p->account].name : "?");
	if (__builtin_add_overflow(l->total_minor, size, &l->total_minor))
		return err_set(err, ERR_INPUT, "recurring revenue of all accounts together does not fit into 64 bits");
	r->currency = currency;
	note_day(r, p->from, l->query->as_of);
	note_day(r, p->to, l->query->as_of);
	if (r->n_pieces == l->room) {
		l->room = l->room ? 2 * l->room : FIRST_ROOM;
		r->pieces = arena_grow(l->arena, r->pieces, r->n_pieces, l->room, sizeof *r->pieces);
	}
	r->pieces[r->n_pieces++] = *p;
	return 0;
}

/* What one line is worth over time: an amount, a switch that must stand right for it to count, a plan. */
struct line {
	struct revenue_trait amount, gate, plan;
	bool counts_when; /* the gate's value */
	bool gate_default;
	int divide_by;
	const char *currency;
};

static int64_t amount_on(const struct line *x, int32_t day)
{
	int64_t minor = trait_number(trait_on(&x->amount, day), 0);
	int64_t half = x->divide_by / 2;

	if (trait_truth(trait_on(&x->gate, day), x->gate_default) != x->counts_when || minor == INT64_MIN)
		return 0;
	if (minor > INT64_MAX - half || minor < half - INT64_MAX)
		return minor / x->divide_by;
	return (minor + (minor < 0 ? -half : half)) / x->divide_by;
}

/* The next day after `day` on which any of the three changes. */
static int32_t next_change(const struct line *x, int32_t day)
{
	const struct revenue_trait *traits[] = { &x->amount, &x->gate, &x->plan };
	int32_t next = REVENUE_OPEN;

	for (size_t t = 0; t < ARRAY_LEN(traits); t++)
		for (size_t i = 1; i < traits[t]->n; i++)
			if (traits[t]->changes[i].known_on > day && traits[t]->changes[i].known_on < next)
				next = traits[t]->changes[i].known_on;
	return next;
}

static int add_line(struct loader *l, const struct line *x, int32_t account, int32_t from, int32_t to, struct err *err)
{
	for (int32_t day = from; day < to;) {
		int32_t next = next_change(x, day);
		struct revenue_piece p = { .account = l->top[account], .from = day, .to = next < to ? next : to,
			.minor = amount_on(x, day), .plan = trait_on(&x->plan, day) };

		if (add_piece(l, &p, x->currency, err) < 0)
			return -1;
		day = p.to;
	}
	return 0;
}

/* The end as it was known: one in the future counts only when history says since when it was known. */
static int32_t known_end(const struct loader *l, int64_t id, const char *now)
{
	struct revenue_trait t = trait_of(&l->history, id, "end_on", now);
	int32_t end = trait_day(trait_on(&t, l->query->as_of));
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
		" s.deleted_on FROM subscription s JOIN account a ON a.id = s.account_id ORDER BY s.id");
	int rc;

	if (trait_load(db, "subscription", l->query->as_of, l->arena, &l->history, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 0);
		struct revenue_trait start = trait_of(&l->history, id, "start_on", col_text_in(q, 5, l->arena));
		int32_t from = trait_day(trait_on(&start, l->query->as_of));
		struct line x = { .amount = trait_of(&l->history, id, "mrr_minor", col_text_in(q, 2, l->arena)),
			.gate = trait_of(&l->history, id, "is_trial", col_text_in(q, 3, l->arena)),
			.plan = trait_of(&l->history, id, "plan", col_text_in(q, 4, l->arena)), .divide_by = 1,
			.currency = col_is_null(q, 7) ? l->query->default_currency : col_text_in(q, 7, l->arena) };
		int32_t account = find_account(l->out, col_int(q, 1));

		if (account < 0 || from > l->query->as_of)
			continue;
		if (add_line(l, &x, account, from == DAY_NONE ? REVENUE_BEGINNING : from,
		             earlier(known_end(l, id, col_text_in(q, 6, l->arena)), known_deletion(l, col_day(q, 8))), err) < 0)
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
		struct line x = { .amount = trait_of(history, id, "arr_minor", col_text_in(q, 1, l->arena)),
			.gate = trait_of(history, id, "is_customer", col_text_in(q, 2, l->arena)),
			.plan = trait_of(history, id, "plan", col_text_in(q, 3, l->arena)),
			.counts_when = true, .gate_default = true, .divide_by = 12,
			.currency = col_is_null(q, 5) ? l->query->default_currency : col_text_in(q, 5, l->arena) };
		size_t before = l->out->n_pieces;

		if (from != DAY_NONE && from > l->query->as_of)
			continue;
		if (add_line(l, &x, find_account(l->out, id), from == DAY_NONE ? REVENUE_BEGINNING : from,
		             known_deletion(l, col_day(q, 6)), err) < 0)
			return -1;
		if (l->out->n_pieces > before)
			l->out->n_from_arr++;
	}
	return rc;
}

static int compare_pieces(const void *left, const void *right)
{
	const struct revenue_piece *a = left, *b = right;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	return strcmp(a->plan ? a->plan : "", b->plan ? b->plan : "");
}

static void index_pieces(struct revenue *r)
{
	if (r->n_pieces)
		qsort(r->pieces, r->n_pieces, sizeof *r->pieces, compare_pieces);
	for (size_t i = r->n_pieces; i-- > 0;) {
		struct revenue_account *account = &r->accounts[r->pieces[i].account];

		account->first_piece = i;
		account->n_pieces++;
	}
}

int revenue_load(struct db *db, const struct revenue_query *query, struct arena *a, struct revenue *out,
                 struct err *err)
{
	struct revenue r = { .first_on = DAY_NONE, .last_on = DAY_NONE };
	struct loader l = { .query = query, .arena = a, .out = &r };
	struct trait_history history;

	if (load_accounts(db, &l, &history, err) < 0 || load_tops(db, &l, &history, err) < 0 ||
	    load_subscriptions(db, &l, err) < 0 || load_annual(db, &l, &history, err) < 0)
		return err_in(err, "recurring revenue");
	index_pieces(&r);
	*out = r;
	return 0;
}

int64_t revenue_on(const struct revenue *r, size_t account, int32_t day)
{
	const struct revenue_account *x = &r->accounts[account];
	int64_t minor = 0;

	for (size_t i = x->first_piece; i < x->first_piece + x->n_pieces; i++)
		if (r->pieces[i].from <= day && day < r->pieces[i].to)
			minor += r->pieces[i].minor;
	return minor > 0 ? minor : 0;
}

/* The plan that most was paid for on a day; of equals the first by name. */
static const char *main_plan(const struct revenue *r, size_t account, int32_t day)
{
	const struct revenue_account *x = &r->accounts[account];
	const struct revenue_piece *best = NULL;

	for (size_t i = x->first_piece; i < x->first_piece + x->n_pieces; i++) {
		const struct revenue_piece *p = &r->pieces[i];

		if (p->from > day || day >= p->to || !p->plan)
			continue;
		if (!best || p->minor > best->minor || (p->minor == best->minor && strcmp(p->plan, best->plan) < 0))
			best = p;
	}
	return best ? best->plan : NULL;
}

const char *revenue_group(const struct revenue *r, size_t account, enum revenue_by by, int32_t from, int32_t to)
{
	const struct revenue_account *x = &r->accounts[account];
	const char *group = NULL;

	switch (by) {
	case REVENUE_BY_ALL:
		return "";
	case REVENUE_BY_SEGMENT:
		group = trait_on(&x->segment, from);
		break;
	case REVENUE_BY_OWNER:
		group = trait_on(&x->csm, from);
		if (text_is_blank(group))
			group = trait_on(&x->am, from);
		break;
	case REVENUE_BY_PLAN:
		group = main_plan(r, account, revenue_on(r, account, from) > 0 ? from : to);
		if (!group)
			group = trait_on(&x->plan, from);
		break;
	}
	return text_is_blank(group) ? "(none)" : group;
}

/* Contracts and their history side by side, both by id, so that neither is kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "revenue_parts.h"
#include "store/record.h"

enum { MORE_ROOM_BY = 4 };

/* values ----------------------------------------------------------------------------------------------------------- */

static int64_t read_number(struct revenue_loading *l, const char *text)
{
	(void)l;
	return trait_number(text, TERM_NONE);
}

static int64_t read_truth(struct revenue_loading *l, const char *text)
{
	(void)l;
	return text ? trait_truth(text, false) : TERM_NONE;
}

static int64_t read_day(struct revenue_loading *l, const char *text)
{
	int32_t day = trait_day(text);

	(void)l;
	return day == DAY_NONE ? TERM_NONE : day;
}

static int64_t percent_of(double percent)
{
	return percent >= -1e9 && percent <= 1e9 ? llround(percent * PERCENT_SCALE) : TERM_NONE;
}

static int64_t read_percent(struct revenue_loading *l, const char *text)
{
	double percent;

	(void)l;
	return text && text_to_real(text, &percent) ? percent_of(percent) : TERM_NONE;
}

static int64_t read_name(struct revenue_loading *l, const char *text)
{
	return revenue_name(l, text);
}

static int64_t read_key(struct revenue_loading *l, const char *text)
{
	return names_id(&l->keys, text);
}

static int64_t read_kind(struct revenue_loading *l, const char *text)
{
	(void)l;
	if (text_is_blank(text) || strcmp(text, "recurring") == 0)
		return REVENUE_RECURRING;
	return strcmp(text, "usage") == 0 ? REVENUE_USAGE : REVENUE_ONCE;
}

static int64_t read_paused(struct revenue_loading *l, const char *text)
{
	(void)l;
	return text && strcmp(text, "paused") == 0;
}

/* The reasons that mean an end for want of payment: see outcomes. */
static int64_t read_involuntary(struct revenue_loading *l, const char *text)
{
	(void)l;
	return text && (strcmp(text, "involuntary") == 0 || strcmp(text, "unpaid") == 0);
}

typedef int64_t read_fn(struct revenue_loading *l, const char *text);

/* By the field's name. */
static const struct { const char *field; enum term term; read_fn *read; } fields[] = {
	{ "account_key", TERM_ACCOUNT, read_key },
	{ "amount_from_on", TERM_AMOUNT_FROM, read_day },
	{ "cancel_notice_on", TERM_NOTICE, read_day },
	{ "currency", TERM_CURRENCY, read_name },
	{ "deleted_on", TERM_DELETED, read_day },
	{ "discount_ends_on", TERM_DISCOUNT_END, read_day },
	{ "discount_minor", TERM_DISCOUNT, read_number },
	{ "discount_percent", TERM_PERCENT, read_percent },
	{ "end_on", TERM_END, read_day },
	{ "end_reason", TERM_INVOLUNTARY, read_involuntary },
	{ "is_trial", TERM_TRIAL, read_truth },
	{ "kind", TERM_KIND, read_kind },
	{ "mrr_minor", TERM_AMOUNT, read_number },
	{ "paid_until_on", TERM_PAID_UNTIL, read_day },
	{ "paused_on", TERM_PAUSED_ON, read_day },
	{ "plan", TERM_PLAN, read_name },
	{ "product", TERM_PRODUCT, read_name },
	{ "resumes_on", TERM_RESUMES_ON, read_day },
	{ "start_on", TERM_START, read_day },
	{ "status", TERM_PAUSED, read_paused },
};

/* lines ------------------------------------------------------------------------------------------------------------ */

static void add_line(void *context, const struct revenue_line *line)
{
	struct revenue_loading *l = context;
	struct revenue_line *to;

	if (l->n_lines == l->lines_room) {
		l->lines_room += l->lines_room / MORE_ROOM_BY + 64;
		l->lines = arena_grow(l->arena, l->lines, l->n_lines, l->lines_room, sizeof *l->lines);
	}
	to = &l->lines[l->n_lines++];
	*to = *line;
	if (!to->currency)
		to->currency = l->currency[line->account];
	if (!to->currency)
		to->currency = l->default_currency;
	if (to->kind != REVENUE_ONCE)
		l->has_contract[line->account] = true;
}

/* Most contracts have one line, and one more for each change of what makes a line. */
static int make_room(struct revenue_loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT (SELECT count(*) FROM subscription) + (SELECT count(*) FROM history WHERE entity = 'subscription'"
		" AND known_on > :beginning AND known_on <= :as_of AND field IN ('currency', 'discount_ends_on',"
		" 'discount_minor', 'discount_percent', 'is_trial', 'kind', 'mrr_minor', 'plan', 'product'))");

	bind_int(q, ":beginning", HISTORY_BEGINNING);
	bind_int(q, ":as_of", l->query->as_of);
	if (stmt_step(q, err) < 0)
		return -1;
	l->lines_room = (size_t)col_int(q, 0);
	l->lines = arena_array(l->arena, l->lines_room, sizeof *l->lines);
	return 0;
}

/* contracts -------------------------------------------------------------------------------------------------------- */

/* The history that lies ahead. */
struct ahead {
	struct stmt *q;
	int64_t id; /* of the row that q stands on; INT64_MAX at the end */
};

static int look_ahead(struct ahead *h, struct err *err)
{
	int rc = stmt_step(h->q, err);

	h->id = rc > 0 ? col_int(h->q, 0) : INT64_MAX;
	return rc < 0 ? -1 : 0;
}

/* Both are ordered by field; fields that say nothing of revenue lie between. */
static int note_history(struct revenue_loading *l, struct ahead *h, struct contract *c, struct err *err)
{
	size_t at = 0;

	while (h->id < c->id)
		if (look_ahead(h, err) < 0)
			return -1;
	while (h->id == c->id) {
		const char *field = col_text(h->q, 1);
		int compared = 1;

		while (at < ARRAY_LEN(fields) && (compared = strcmp(fields[at].field, field)) < 0)
			at++;
		if (at < ARRAY_LEN(fields) && compared == 0)
			contract_note(c, fields[at].term, (int32_t)col_int(h->q, 2), fields[at].read(l, col_text(h->q, 3)));
		if (look_ahead(h, err) < 0)
			return -1;
	}
	return 0;
}

/* The account that a contract belonged to, as far as was known; those that are found by their names or through other
 * rows are where they are now. */
static int find_then(struct revenue_loading *l, struct contract *c, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT coalesce(a.main_id, a.id) FROM subscription s JOIN account a"
		" ON (s.account_by = :by_key AND a.source_id = s.source_id AND a.source_key = :key)"
		" OR (s.account_by = :by_external_id AND a.external_id = :key) WHERE s.id = :id ORDER BY a.id LIMIT 1");
	int64_t key = contract_on(c, TERM_ACCOUNT, l->query->as_of);
	int rc;

	if (key <= 0)
		return 0;
	bind_text(q, ":key", l->keys.at[key]);
	bind_int(q, ":id", c->id);
	bind_int(q, ":by_key", ACCOUNT_BY_KEY);
	bind_int(q, ":by_external_id", ACCOUNT_BY_EXTERNAL_ID);
	rc = stmt_step(q, err);
	if (rc > 0)
		c->account = revenue_account_index(l, col_int(q, 0));
	return rc < 0 ? -1 : 0;
}

static int64_t int_or_none(struct stmt *q, int column)
{
	return col_is_null(q, column) ? TERM_NONE : col_int(q, column);
}

/* What the row says; its history says otherwise where there is one. */
static void read_row(struct revenue_loading *l, struct stmt *q, struct contract *c)
{
	enum { ID, ACCOUNT, SEEN, START, END, AMOUNT, TRIAL, NOTICE, DELETED, DISCOUNT, DISCOUNT_END, PAID_UNTIL, PAUSED_ON,
	       RESUMES_ON, AMOUNT_FROM, PERCENT, CURRENCY, PRODUCT, PLAN, KIND, STATUS, REASON };
	static const struct { int column; enum term term; } numbers[] = {
		{ START, TERM_START }, { END, TERM_END }, { AMOUNT, TERM_AMOUNT }, { TRIAL, TERM_TRIAL },
		{ NOTICE, TERM_NOTICE }, { DELETED, TERM_DELETED }, { DISCOUNT, TERM_DISCOUNT },
		{ DISCOUNT_END, TERM_DISCOUNT_END }, { PAID_UNTIL, TERM_PAID_UNTIL }, { PAUSED_ON, TERM_PAUSED_ON },
		{ RESUMES_ON, TERM_RESUMES_ON }, { AMOUNT_FROM, TERM_AMOUNT_FROM },
	};

	c->id = col_int(q, ID);
	c->account = revenue_account_index(l, col_int(q, ACCOUNT));
	c->seen_on = col_day(q, SEEN);
	c->n_changes = 0;
	memset(c->n, 0, sizeof c->n);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		c->now[numbers[i].term] = int_or_none(q, numbers[i].column);
	c->now[TERM_PERCENT] = col_is_null(q, PERCENT) ? TERM_NONE : percent_of(col_real(q, PERCENT));
	c->now[TERM_CURRENCY] = read_name(l, col_text(q, CURRENCY));
	c->now[TERM_PRODUCT] = read_name(l, col_text(q, PRODUCT));
	c->now[TERM_PLAN] = read_name(l, col_text(q, PLAN));
	c->now[TERM_KIND] = read_kind(l, col_text(q, KIND));
	c->now[TERM_PAUSED] = read_paused(l, col_text(q, STATUS));
	c->now[TERM_INVOLUNTARY] = read_involuntary(l, col_text(q, REASON));
	c->now[TERM_CUSTOMER] = c->now[TERM_ACCOUNT] = TERM_NONE;
}

#define CONTRACT_COLUMNS \
	"id, account_id, seen_on, start_on, end_on, mrr_minor, is_trial, cancel_notice_on, deleted_on, discount_minor," \
	" discount_ends_on, paid_until_on, paused_on, resumes_on, amount_from_on, discount_percent, currency, product," \
	" plan, kind, status, end_reason"

/* The contract that q stands on, with the history that lies ahead. */
static int take_contract(struct revenue_loading *l, struct stmt *q, struct ahead *ahead, struct contract *c,
                         struct err *err)
{
	read_row(l, q, c);
	if (note_history(l, ahead, c, err) < 0 || (c->n[TERM_ACCOUNT] && find_then(l, c, err) < 0))
		return -1;
	if (c->account >= 0 && l->seen_on[c->account] <= l->query->as_of)
		contract_lines(c, l->query->as_of, add_line, l);
	return 0;
}

static int load_all(struct revenue_loading *l, struct contract *c, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT " CONTRACT_COLUMNS " FROM subscription WHERE account_id IS NOT NULL ORDER BY id");
	CLEANUP(stmt_donep) struct stmt *history = db_sql(l->db,
		"SELECT entity_id, field, known_on, value FROM history WHERE entity = 'subscription' AND known_on <= :as_of"
		" ORDER BY entity_id, field, known_on");
	struct ahead ahead = { .q = history };
	int rc;

	bind_int(history, ":as_of", l->query->as_of);
	if (make_room(l, err) < 0 || look_ahead(&ahead, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0)
		if (take_contract(l, q, &ahead, c, err) < 0)
			return -1;
	return rc;
}

/* q: contracts, each of which asks for its own history where there is any. */
static int load_each(struct revenue_loading *l, struct stmt *q, struct stmt *history, struct contract *c,
                     struct err *err)
{
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		struct ahead ahead = { .q = history, .id = INT64_MAX };

		if (l->part->common->has_history) {
			bind_int(history, ":as_of", l->query->as_of);
			bind_int(history, ":id", col_int(q, 0));
			if (look_ahead(&ahead, err) < 0)
				return -1;
		}
		if (take_contract(l, q, &ahead, c, err) < 0)
			return -1;
	}
	return rc;
}

/* Of one account; those that it had on the day and has no longer come last. */
static int load_of(struct revenue_loading *l, int64_t account, struct contract *c, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *own = db_sql(l->db,
		"SELECT " CONTRACT_COLUMNS " FROM subscription WHERE account_id = :account ORDER BY id");
	CLEANUP(stmt_donep) struct stmt *gone =
		db_sql(l->db, "SELECT " CONTRACT_COLUMNS " FROM subscription WHERE id = :id");
	CLEANUP(stmt_donep) struct stmt *history = db_sql(l->db,
		"SELECT entity_id, field, known_on, value FROM history WHERE entity = 'subscription' AND entity_id = :id"
		" AND known_on <= :as_of ORDER BY field, known_on");
	const struct revenue_common *all = l->part->common;
	size_t low = 0, high = all->n_moved;

	bind_int(own, ":account", account);
	if (load_each(l, own, history, c, err) < 0)
		return -1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all->moved[middle].account < account)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < all->n_moved && all->moved[low].account == account; low++) {
		if (revenue_account_index(l, all->moved[low].now) >= 0) /* has come already */
			continue;
		bind_int(gone, ":id", all->moved[low].contract);
		if (load_each(l, gone, history, c, err) < 0)
			return -1;
	}
	return 0;
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

static int load_contracts(struct revenue_loading *l, struct err *err)
{
	struct contract c = { .arena = l->scratch };

	if (!l->part)
		return load_all(l, &c, err);
	for (size_t i = 0; i < l->part->n; i++)
		if (load_of(l, l->part->accounts[i], &c, err) < 0)
			return -1;
	if (l->n_lines && l->part->common->n_moved)
		qsort(l->lines, l->n_lines, sizeof *l->lines, compare_lines);
	return 0;
}

/* accounts without a contract -------------------------------------------------------------------------------------- */

static const struct { const char *field; enum term term; read_fn *read; } account_fields[] = {
	{ "arr_minor", TERM_AMOUNT, read_number },
	{ "currency", TERM_CURRENCY, read_name },
	{ "customer_since_on", TERM_START, read_day },
	{ "deleted_on", TERM_DELETED, read_day },
	{ "is_customer", TERM_CUSTOMER, read_truth },
	{ "plan", TERM_PLAN, read_name },
};

/* created: when it began as long as nothing else is known. */
static void note_account(struct revenue_loading *l, struct contract *c, int64_t id, int64_t created)
{
	for (size_t i = 0; i < ARRAY_LEN(account_fields); i++) {
		struct revenue_trait t = trait_of(&l->traits, id, account_fields[i].field, NULL);

		for (size_t k = 0; k < t.n; k++) {
			int64_t value = account_fields[i].read(l, t.changes[k].value);

			if (value == TERM_NONE && account_fields[i].term == TERM_START)
				value = created;
			contract_note(c, account_fields[i].term, t.changes[k].known_on, value);
		}
	}
}

#define ANNUAL_ACCOUNTS \
	"SELECT id, coalesce(customer_since_on, created_on), deleted_on, seen_on, arr_minor, is_customer, currency, plan," \
	" created_on FROM account WHERE main_id IS NULL AND (arr_minor IS NOT NULL OR EXISTS (SELECT 1 FROM history" \
	" WHERE entity = 'account' AND entity_id = account.id AND field = 'arr_minor'))"

static int take_annual(struct revenue_loading *l, struct stmt *q, struct contract *c, struct err *err)
{
	enum { ID, FROM, DELETED, SEEN, AMOUNT, CUSTOMER, CURRENCY, PLAN, CREATED };
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		c->account = revenue_account_index(l, col_int(q, ID));
		if (c->account < 0 || l->has_contract[c->account])
			continue;
		c->id = -col_int(q, ID);
		c->seen_on = col_day(q, SEEN);
		c->n_changes = 0;
		memset(c->n, 0, sizeof c->n);
		for (int term = 0; term < N_TERMS; term++)
			c->now[term] = TERM_NONE;
		c->now[TERM_START] = int_or_none(q, FROM);
		c->now[TERM_DELETED] = int_or_none(q, DELETED);
		c->now[TERM_AMOUNT] = int_or_none(q, AMOUNT);
		c->now[TERM_CUSTOMER] = int_or_none(q, CUSTOMER);
		c->now[TERM_CURRENCY] = read_name(l, col_text(q, CURRENCY));
		c->now[TERM_PLAN] = read_name(l, col_text(q, PLAN));
		c->now[TERM_PRODUCT] = 0;
		note_account(l, c, col_int(q, ID), int_or_none(q, CREATED));
		contract_lines(c, l->query->as_of, add_line, l);
	}
	return rc;
}

static int load_annual(struct revenue_loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *all = db_sql(l->db, ANNUAL_ACCOUNTS " ORDER BY id");
	CLEANUP(stmt_donep) struct stmt *one = db_sql(l->db, ANNUAL_ACCOUNTS " AND id = :id");
	struct contract c = { .arena = l->scratch, .is_annual = true };

	if (!l->part)
		return take_annual(l, all, &c, err);
	for (size_t i = 0; i < l->part->n; i++) {
		bind_int(one, ":id", l->part->accounts[i]);
		if (take_annual(l, one, &c, err) < 0)
			return -1;
	}
	return 0;
}

/* order ------------------------------------------------------------------------------------------------------------ */

/* Puts each line where it belongs, in place: they are many, and mostly there already. */
static void permute(struct revenue_line *lines, uint32_t *place, size_t n)
{
	for (size_t i = 0; i < n; i++)
		while (place[i] != i) {
			size_t to = place[i];
			struct revenue_line line = lines[to];

			lines[to] = lines[i];
			lines[i] = line;
			place[i] = place[to];
			place[to] = (uint32_t)to;
		}
}

/* By account; those of one account as they came, which is by contract and from, its annual revenue first. */
static int sort_lines(struct revenue_loading *l, size_t n_contracts, struct err *err)
{
	size_t n_accounts = l->out->n_accounts;
	uint32_t *next = arena_array(l->scratch, n_accounts + 1, sizeof *next);
	uint32_t *place;

	if (l->n_lines > UINT32_MAX)
		return err_set(err, ERR_INPUT, "more than %u lines of revenue", UINT32_MAX);
	place = arena_array(l->scratch, l->n_lines, sizeof *place);
	for (size_t i = 0; i < l->n_lines; i++)
		next[l->lines[i].account + 1]++;
	for (size_t i = 0; i < n_accounts; i++)
		next[i + 1] += next[i];
	for (size_t i = n_contracts; i < l->n_lines; i++)
		place[i] = next[l->lines[i].account]++;
	for (size_t i = 0; i < n_contracts; i++)
		place[i] = next[l->lines[i].account]++;
	permute(l->lines, place, l->n_lines);
	return 0;
}

int revenue_load_lines(struct revenue_loading *l, struct err *err)
{
	size_t n_contracts;

	if (load_contracts(l, err) < 0)
		return -1;
	n_contracts = l->n_lines;
	if (load_annual(l, err) < 0 || sort_lines(l, n_contracts, err) < 0)
		return -1;
	l->out->lines = l->lines;
	l->out->n_lines = l->n_lines;
	return 0;
}

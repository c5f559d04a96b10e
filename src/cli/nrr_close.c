#include "nrr_close.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "nrr_making.h"
#include "store/nrr_closed.h"

enum {
	MAX_BEFORE = 64 << 20, /* bytes of reports that are compared with at once */
	ACCOUNT_BYTES = 32     /* of one account in one of them */
};

static const int32_t windows[] = { 1, 12 }; /* months: the month itself, and the year up to its end */

enum { N_WINDOWS = ARRAY_LEN(windows), N_REPORTS = NRR_CLOSED_MONTHS * N_WINDOWS };

static const size_t sum_offsets[N_SNAPSHOT_SUMS] = {
	[SNAPSHOT_N_START] = offsetof(struct nrr_sums, n_start),
	[SNAPSHOT_N_CHURNED] = offsetof(struct nrr_sums, n_churned),
	[SNAPSHOT_N_END] = offsetof(struct nrr_sums, n_end),
	[SNAPSHOT_START] = offsetof(struct nrr_sums, start_minor),
	[SNAPSHOT_ADDED] = offsetof(struct nrr_sums, added_minor),
	[SNAPSHOT_EXPANSION] = offsetof(struct nrr_sums, expansion_minor),
	[SNAPSHOT_REACTIVATION] = offsetof(struct nrr_sums, reactivation_minor),
	[SNAPSHOT_CONTRACTION] = offsetof(struct nrr_sums, contraction_minor),
	[SNAPSHOT_CHURN] = offsetof(struct nrr_sums, churn_minor),
	[SNAPSHOT_FX] = offsetof(struct nrr_sums, fx_minor),
	[SNAPSHOT_END] = offsetof(struct nrr_sums, end_minor),
	[SNAPSHOT_CROSS_SELL] = offsetof(struct nrr_sums, cross_sell_minor),
	[SNAPSHOT_INVOLUNTARY] = offsetof(struct nrr_sums, involuntary_minor),
	[SNAPSHOT_RETURNED] = offsetof(struct nrr_sums, returned_minor),
	[SNAPSHOT_FREE] = offsetof(struct nrr_sums, free_minor),
	[SNAPSHOT_COHORT_END] = offsetof(struct nrr_sums, cohort_end_minor),
	[SNAPSHOT_KEPT] = offsetof(struct nrr_sums, kept_minor),
};

/* All windows of the months that are looked at. */
struct looking {
	struct nrr_closing *closing;
	struct nrr_span spans[N_REPORTS];
	struct nrr_hashing hashing[N_REPORTS];
	struct err errors[N_REPORTS]; /* a rate is missing for the window; ERR_NONE: hashes are those of today's accounts */
	/* the part at hand */
	const struct nrr_part *part;
	int32_t told[N_REPORTS]; /* the last account that was told of it, or -1 */
	size_t only;             /* N_REPORTS: all are looked at together */
};

void nrr_kept_sums(const int64_t *kept, struct nrr_sums *out)
{
	*out = (struct nrr_sums){ 0 };
	for (int i = 0; i < N_SNAPSHOT_SUMS; i++)
		memcpy((char *)out + sum_offsets[i], &kept[i], sizeof kept[i]);
}

int32_t nrr_month_of(int32_t day)
{
	int year, month, day_of_month;

	day_split(day, &year, &month, &day_of_month);
	return day - day_of_month + 1;
}

static const char *policy_lines(const struct nrr_policy *p, struct arena *a)
{
	const char *all = "", *line;

	for (size_t i = 0; (line = nrr_policy_line(p, i, a)); i++)
		all = arena_printf(a, "%s%s\n", all, line);
	return all;
}

struct nrr_snapshot_account nrr_account_of(const struct revenue *facts, const struct nrr_contribution *c)
{
	struct nrr_snapshot_account x = { .id = facts->accounts[c->account].id };

	for (int sum = 0; sum < N_SNAPSHOT_SUMS; sum++)
		memcpy(&x.sums[sum], (const char *)&c->sums + sum_offsets[sum], sizeof x.sums[sum]);
	return x;
}

/* what is there ---------------------------------------------------------------------------------------------------- */

static void hash_account(void *which, size_t span, const struct nrr_contribution *x)
{
	struct looking *l = which;
	size_t i = l->only < N_REPORTS ? l->only : span;
	struct nrr_snapshot_account kept;

	if (x->account <= l->told[i])
		return;
	kept = nrr_account_of(&l->part->facts, x);
	nrr_hashing_add(&l->hashing[i], &kept);
	l->told[i] = x->account;
}

/* Where a rate is missing, one window after the other. */
static int hash_each(struct looking *l, struct err *err)
{
	for (l->only = 0; l->only < N_REPORTS; l->only++) {
		struct err *missing = &l->errors[l->only];

		if (missing->kind == ERR_NONE &&
		    nrr_each(&l->part->book, &l->spans[l->only], 1, hash_account, l, missing) < 0 &&
		    missing->kind != ERR_CONFIG) {
			*err = *missing;
			return -1;
		}
	}
	return 0;
}

static void note_part(struct nrr_closing *c, const struct nrr_part *part)
{
	for (size_t i = 0; i < part->facts.n_lines; i++)
		if (part->facts.lines[i].contract > c->last_contract)
			c->last_contract = part->facts.lines[i].contract;
	c->n_pieces += part->book.n_pieces;
	if (part->book.first_on != DAY_NONE && (c->first_on == DAY_NONE || part->book.first_on < c->first_on))
		c->first_on = part->book.first_on;
}

static int hash_part(void *context, const struct nrr_part *part, struct err *err)
{
	struct looking *l = context;
	bool is_missing = false;

	note_part(l->closing, part);
	l->part = part;
	l->only = N_REPORTS;
	for (size_t i = 0; i < N_REPORTS; i++) {
		l->told[i] = -1;
		is_missing = is_missing || l->errors[i].kind != ERR_NONE;
	}
	if (is_missing)
		return hash_each(l, err);
	if (nrr_each(&part->book, l->spans, N_REPORTS, hash_account, l, err) == 0)
		return 0;
	return err->kind == ERR_CONFIG ? hash_each(l, err) : -1;
}

/* Most days no report changes: one pass over all windows finds those that do. */
static int hash_all(struct looking *l, int32_t first, struct err *err)
{
	for (size_t i = 0; i < N_REPORTS; i++) {
		int32_t to = day_add_months(first, (int)(i / N_WINDOWS));

		l->spans[i] = (struct nrr_span){ day_add_months(to, -windows[i % N_WINDOWS]), to };
		nrr_hashing_begin(&l->hashing[i]);
	}
	return nrr_parts_walk(&l->closing->now, hash_part, l, err);
}

/* accounts --------------------------------------------------------------------------------------------------------- */

static int take_was(struct nrr_making *m, struct err *err)
{
	int rc = nrr_unpacking_next(&m->was, &m->next, err);

	m->has_next = rc > 0;
	return rc < 0 ? -1 : 0;
}

/* Keeps those that moved most. */
static void add_change(struct nrr_making *m, int64_t id, const int64_t *before, const int64_t *after)
{
	struct restate_change change = { .account = id };

	if (before)
		memcpy(change.before, before, sizeof change.before);
	if (after)
		memcpy(change.after, after, sizeof change.after);
	if (memcmp(change.before, change.after, sizeof change.before) == 0)
		return;
	if (!m->changes)
		m->changes = arena_array(m->arena, (size_t)2 * NRR_MAX_TOLD, sizeof *m->changes);
	m->changes[m->n_changes++] = change;
	if (m->n_changes == (size_t)2 * NRR_MAX_TOLD) {
		restate_rank(m->changes, m->n_changes);
		m->n_changes = NRR_MAX_TOLD;
	}
}

/* What the report before had of accounts up to this one. A book is frozen: who was in it when the month was closed
 * stays, whoever takes care of the account since. */
static int compare_with(struct nrr_making *m, struct nrr_snapshot_account *x, struct err *err)
{
	while (m->has_next && m->next.id < x->id) {
		add_change(m, m->next.id, m->next.sums, NULL);
		if (take_was(m, err) < 0)
			return -1;
	}
	if (!m->has_next || m->next.id > x->id) {
		add_change(m, x->id, NULL, x->sums);
		return 0;
	}
	x->owner = m->next.owner;
	add_change(m, x->id, m->next.sums, x->sums);
	return take_was(m, err);
}

/* The reports that are made in one pass. */
struct batch {
	struct nrr_making **at; size_t n;
	struct nrr_span *spans;
	const struct nrr_part *part;
	struct err *err; bool is_failed;
};

static int add_account(struct batch *b, struct nrr_making *m, const struct nrr_contribution *c)
{
	struct nrr_snapshot_account x = nrr_account_of(&b->part->facts, c);
	const char *owner = nrr_owner_of(&b->part->book, c->account, m->span);

	x.owner = text_is_blank(owner) ? NULL : owner;
	if (m->before && compare_with(m, &x, b->err) < 0)
		return -1;
	for (int sum = 0; sum < N_SNAPSHOT_SUMS; sum++)
		if (__builtin_add_overflow(m->report.sums[sum], x.sums[sum], &m->report.sums[sum]))
			return err_set(b->err, ERR_INPUT, "recurring revenue of all accounts together does not fit into 64 bits");
	return nrr_packing_add(&m->accounts, &x, b->err);
}

static void make_account(void *which, size_t span, const struct nrr_contribution *c)
{
	struct batch *b = which;

	b->is_failed = b->is_failed || add_account(b, b->at[span], c) < 0;
}

static int make_part(void *context, const struct nrr_part *part, struct err *err)
{
	struct batch *b = context;

	b->part = part;
	b->err = err;
	return nrr_each(&part->book, b->spans, b->n, make_account, b, err) < 0 || b->is_failed ? -1 : 0;
}

static int begin_accounts(struct nrr_making *m, struct err *err)
{
	nrr_packing_begin(&m->accounts, m->closing->session->db, m->arena);
	if (!m->before)
		return 0;
	if (nrr_unpacking_open(m->closing->session->db, m->before->id, m->arena, &m->was, err) < 0)
		return -1;
	return take_was(m, err);
}

static int end_accounts(struct nrr_making *m, struct err *err)
{
	while (m->has_next) {
		add_change(m, m->next.id, m->next.sums, NULL);
		if (take_was(m, err) < 0)
			return -1;
	}
	restate_rank(m->changes, m->n_changes);
	return 0;
}

static int make_accounts(struct batch *b, struct err *err)
{
	for (size_t i = 0; i < b->n; i++)
		if (begin_accounts(b->at[i], err) < 0)
			return -1;
	if (nrr_parts_walk(&b->at[0]->closing->now, make_part, b, err) < 0)
		return -1;
	for (size_t i = 0; i < b->n; i++)
		if (end_accounts(b->at[i], err) < 0)
			return -1;
	return 0;
}

/* reports ---------------------------------------------------------------------------------------------------------- */

static void find_revisions(struct nrr_making *m)
{
	const struct nrr_closing *c = m->closing;

	for (size_t i = 0; i < c->n_kept; i++) {
		const struct nrr_snapshot *s = &c->kept[i];

		if (s->to_on != m->span.to || s->months != m->report.months)
			continue;
		if (s->as_of_on < c->now.as_of)
			m->before = s;
		else
			m->today = s;
	}
}

/* Whether another process closed the month while this one looked. Returns 1 when it did. */
static int is_made(const struct nrr_making *m, struct err *err)
{
	const struct nrr_snapshot_query query = { m->span.to, m->span.to, INT32_MAX };
	struct nrr_snapshot *list;
	size_t n;

	if (nrr_snapshots_load(m->closing->session->db, &query, m->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (list[i].months == m->report.months && list[i].revision >= m->report.revision &&
		    (!m->today || list[i].id != m->today->id))
			return 1;
	return 0;
}

static int save(struct nrr_making *m, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	const struct nrr_closing *c = m->closing;
	struct db *db = c->session->db;
	int rc;

	if (txn_begin(&txn, db, err) < 0 || (rc = is_made(m, err)) < 0)
		return -1;
	if (rc > 0)
		return 0;
	if ((m->today && nrr_snapshot_remove(db, m->today->id, err) < 0) ||
	    nrr_policy_put(db, c->policy, c->policy_lines, err) < 0 ||
	    nrr_packing_put(db, &m->report, &m->accounts, m->reasons, m->n_reasons, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

static int take_back(struct nrr_making *m, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (!m->today)
		return 0;
	if (txn_begin(&txn, m->closing->session->db, err) < 0 ||
	    nrr_snapshot_remove(m->closing->session->db, m->today->id, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

/* The report's own line: what it was made of. */
static void describe(struct nrr_making *m)
{
	const struct nrr_closing *c = m->closing;
	const struct book whole = { .n_pieces = c->n_pieces, .first_on = c->first_on };
	struct nrr_window w = { .span = m->span };

	nrr_kept_sums(m->report.sums, &w.sums);
	m->report.why_none = nrr_why_none(&whole, &w, m->arena);
	m->report.from_on = m->span.from;
	m->report.to_on = m->span.to;
	m->report.revision = m->before ? m->before->revision + 1 : 1;
	m->report.as_of_on = c->now.as_of;
	m->report.policy_hash = c->policy;
	m->report.config_hash = c->session->org->hash;
	m->report.currency = c->now.currency;
	m->report.last_contract = c->last_contract;
}

/* Whether nothing is to be said: as before, or there is nothing and never was. */
static bool is_as_before(const struct nrr_making *m)
{
	if (!m->before)
		return m->n == 0;
	return strcmp(m->before->sums_hash, m->report.sums_hash) == 0 &&
	       strcmp(m->before->currency, m->closing->now.currency) == 0;
}

/* A report is made when its month is over and when it differs from the one before. A month without anything in it has
 * none: nothing was said of it; nor has one of before there were rates of exchange. */
static int look(struct looking *l, size_t i, struct nrr_making *m, struct err *err)
{
	find_revisions(m);
	if (l->errors[i].kind != ERR_NONE) {
		bool is_old = m->span.to < nrr_month_of(l->closing->now.as_of);

		*err = l->errors[i];
		return !m->before && is_old ? 0 : -1;
	}
	m->n = l->hashing[i].n;
	m->report.sums_hash = nrr_hashing_end(&l->hashing[i], m->arena);
	if (is_as_before(m))
		return take_back(m, err);
	m->is_wanted = !m->today || strcmp(m->today->sums_hash, m->report.sums_hash) != 0 ||
	               strcmp(m->today->policy_hash, l->closing->policy) != 0;
	return 0;
}

static int finish(struct nrr_making *m, struct err *err)
{
	describe(m);
	if (m->before && nrr_reasons(m, err) < 0)
		return -1;
	return save(m, err);
}

/* What one report lacks keeps no other from being made. */
static int note(struct err *first, const struct err *err)
{
	if (err->kind != ERR_CONFIG)
		return -1;
	if (first->kind == ERR_NONE)
		*first = *err;
	return 0;
}

static void making_done(struct nrr_making *m)
{
	if (m->accounts.sums.database)
		nrr_packing_done(&m->accounts);
	arena_free(m->arena);
	*m = (struct nrr_making){ 0 };
}

static int make_batch(struct batch *b, struct err *first, struct err *err)
{
	int rc = make_accounts(b, err);

	for (size_t i = 0; i < b->n; i++) {
		if (rc == 0 && finish(b->at[i], err) < 0)
			rc = note(first, err);
		making_done(b->at[i]);
	}
	b->n = 0;
	return rc;
}

struct reports { struct nrr_making at[N_REPORTS]; };

static void reports_done(struct reports *r)
{
	for (size_t i = 0; i < N_REPORTS; i++)
		making_done(&r->at[i]);
}

/* All at once, but as many as there is room for of those that are compared with the report before. */
static int make_reports(const struct nrr_closing *c, struct reports *r, struct err *first, struct err *err)
{
	struct nrr_span spans[N_REPORTS];
	struct nrr_making *list[N_REPORTS];
	struct batch b = { .at = list, .spans = spans };
	size_t before = 0;

	for (size_t i = 0; i < N_REPORTS; i++) {
		struct nrr_making *m = &r->at[i];
		size_t bytes = m->before && !c->now.is_one ? m->n * ACCOUNT_BYTES : 0;

		if (!m->is_wanted)
			continue;
		if (before && before + bytes > MAX_BEFORE) {
			if (make_batch(&b, first, err) < 0)
				return -1;
			before = 0;
		}
		before += bytes;
		spans[b.n] = m->span;
		list[b.n++] = m;
	}
	return b.n ? make_batch(&b, first, err) : 0;
}

static int close_reports(struct looking *l, struct err *err)
{
	CLEANUP(reports_done) struct reports r = { 0 };
	struct err first = { .kind = ERR_NONE };

	for (size_t i = 0; i < N_REPORTS; i++) {
		r.at[i] = (struct nrr_making){ .closing = l->closing, .arena = arena_new(0), .span = l->spans[i],
			.report = { .months = windows[i % N_WINDOWS] } };
		if (look(l, i, &r.at[i], err) < 0 && note(&first, err) < 0)
			return -1;
	}
	if (make_reports(l->closing, &r, &first, err) < 0)
		return -1;
	if (first.kind == ERR_NONE)
		return 0;
	*err = first;
	return -1;
}

static int close_months(struct nrr_closing *c, int32_t day, struct err *err)
{
	const struct session *s = c->session;
	int32_t last = nrr_month_of(day), first = day_add_months(last, 1 - NRR_CLOSED_MONTHS);
	const struct nrr_snapshot_query query = { first, last, day };
	struct looking l = { .closing = c };

	if (nrr_parts_open(s, day, c->most, &c->now, err) < 0 ||
	    nrr_snapshots_load(s->db, &query, c->arena, &c->kept, &c->n_kept, err) < 0)
		return -1;
	c->policy = nrr_policy_hash(&s->org->nrr, c->arena);
	c->policy_lines = policy_lines(&s->org->nrr, c->arena);
	return hash_all(&l, first, err) < 0 ? -1 : close_reports(&l, err);
}

static int close_all(struct nrr_closing *c, int32_t day, const char *rules, struct err *err)
{
	struct db *db = c->session->db;

	if (nrr_closed_begin(db, err) < 0 || close_months(c, day, err) < 0)
		return -1;
	return nrr_closed_end(db, day, rules, err);
}

int nrr_close_by(const struct session *s, int32_t day, size_t most, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct nrr_closing c = { .session = s, .arena = a, .most = most, .first_on = DAY_NONE };
	const char *rules = arena_printf(a, "%s %s %d %s", nrr_policy_hash(&s->org->nrr, a), s->org->currency,
	                                 (int)nrr_month_of(day), RETAIND_VERSION);
	bool is_closed;
	int32_t latest;
	int rc;

	if (nrr_snapshot_latest(s->db, &latest, err) < 0 || nrr_closed_holds(s->db, day, rules, &is_closed, err) < 0)
		return err_in(err, "closing months");
	if (is_closed || (latest != DAY_NONE && latest > day))
		return 0;
	rc = close_all(&c, day, rules, err);
	nrr_parts_close(&c.now);
	nrr_parts_close(&c.then);
	return rc < 0 ? err_in(err, "closing months") : 0;
}

int nrr_close(const struct session *s, int32_t day, struct err *err)
{
	return nrr_close_by(s, day, NRR_CONTRACTS_AT_ONCE, err);
}

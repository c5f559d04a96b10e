#include "nrr_close.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "score/restate.h"
#include "store/nrr_closed.h"

enum {
	MAX_TOLD = 500, /* accounts of a report whose reasons are told; of the others only how they moved is known */
	MAX_CONTRACTS = 1400000 /* about 230 MiB; as much again on a day on which a report is restated */
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

/* What was known on a day, under the rules of today. */
struct known {
	struct arena *arena;
	struct revenue facts;
	struct book book;
	const struct restate_index *index; /* NULL until it is needed */
};

struct closing {
	const struct session *session;
	struct arena *arena;
	struct known now, then; /* then: the day of the report that is compared with; kept for the next */
	const char *policy, *policy_lines;
	struct nrr_snapshot *kept; size_t n_kept; /* all revisions of the months that are looked at */
	int64_t last_contract;
	struct nrr_span spans[N_REPORTS];
	struct nrr_hashing hashing[N_REPORTS];
	bool is_hashed; /* hashes are those of today's accounts; else a rate is missing for one of the windows */
};

/* One report while it is made. */
struct making {
	struct closing *closing;
	struct arena *arena;
	struct nrr_span span;
	struct nrr_snapshot report;
	struct nrr_snapshot_account *accounts; size_t n;
	const struct nrr_snapshot *before, *today; /* the revision of an earlier day; the one of this very day; or NULL */
	struct nrr_restatement *reasons; size_t n_reasons, room;
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

/* what is known ---------------------------------------------------------------------------------------------------- */

/* In the organisation's currency; where there are no rates at all, of the amounts that are in it. */
static int know(const struct session *s, int32_t day, struct known *k, struct err *err)
{
	struct book_query wanted = { .currency = s->org->currency };

	k->index = NULL;
	if (revenue_load(s->db, &(struct revenue_query){ day, s->org->currency }, k->arena, &k->facts, err) < 0)
		return -1;
	if (!k->facts.n_rates) {
		struct err ignored;

		if (book_make(&k->facts, &s->org->nrr, &wanted, k->arena, &k->book, &ignored) == 0 && k->book.n_currencies <= 1)
			return 0;
		wanted.only = s->org->currency;
	}
	return book_make(&k->facts, &s->org->nrr, &wanted, k->arena, &k->book, err);
}

static int know_then(struct closing *c, int32_t day, struct err *err)
{
	if (c->then.arena && c->then.facts.as_of == day)
		return 0;
	arena_free(c->then.arena);
	c->then = (struct known){ .arena = arena_new(0) };
	return know(c->session, day, &c->then, err);
}

static const struct restate_index *index_of(struct known *k)
{
	if (!k->index)
		k->index = restate_index_new(&k->book, k->arena);
	return k->index;
}

static const char *policy_lines(const struct nrr_policy *p, struct arena *a)
{
	const char *all = "", *line;

	for (size_t i = 0; (line = nrr_policy_line(p, i, a)); i++)
		all = arena_printf(a, "%s%s\n", all, line);
	return all;
}

static struct nrr_snapshot_account account_of(const struct revenue *facts, const struct nrr_contribution *c)
{
	struct nrr_snapshot_account x = { .id = facts->accounts[c->account].id };

	for (int sum = 0; sum < N_SNAPSHOT_SUMS; sum++)
		memcpy(&x.sums[sum], (const char *)&c->sums + sum_offsets[sum], sizeof x.sums[sum]);
	return x;
}

struct listing { const struct known *known; struct nrr_span span; struct nrr_snapshot_account *at; size_t n; };

static void list_account(void *which, size_t span, const struct nrr_contribution *c)
{
	struct listing *l = which;
	const char *owner = nrr_owner_of(&l->known->book, c->account, l->span);

	(void)span;
	l->at[l->n] = account_of(&l->known->facts, c);
	l->at[l->n++].owner = text_is_blank(owner) ? NULL : owner;
}

/* The accounts of a window as they are kept: by id. */
static int list_accounts(const struct known *k, struct nrr_span span, struct arena *a,
                         struct nrr_snapshot_account **out, size_t *n_out, struct err *err)
{
	struct listing l = { k, span, arena_array(a, k->facts.n_accounts, sizeof *l.at), 0 };

	if (nrr_each(&k->book, &span, 1, list_account, &l, err) < 0)
		return -1;
	*out = l.at;
	*n_out = l.n;
	return 0;
}

/* reasons ---------------------------------------------------------------------------------------------------------- */

static void add_reason(struct making *m, int64_t account, enum restate_cause cause, const char *words)
{
	if (m->n_reasons == m->room) {
		m->room = 2 * m->room + 64;
		m->reasons = arena_grow(m->arena, m->reasons, m->n_reasons, m->room, sizeof *m->reasons);
	}
	m->reasons[m->n_reasons++] =
		(struct nrr_restatement){ .account = account, .cause = restate_cause_names[cause], .words = words };
}

/* "contract sub_17: ..." as its source calls it. */
static int contract_words(struct making *m, const struct restate_reason *r, const char **out, struct err *err)
{
	const char *key = NULL;

	*out = r->words;
	if (r->contract < 0)
		*out = arena_printf(m->arena, "annual revenue: %s", r->words);
	else if (r->contract > 0 &&
	         nrr_contract_named(m->closing->session->db, r->contract, m->arena, &key, err) < 0)
		return -1;
	if (key)
		*out = arena_printf(m->arena, "contract %s: %s", key, r->words);
	return 0;
}

static int compare_ids(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static size_t place_of(const int64_t *ids, size_t n, int64_t id)
{
	const int64_t *at = n ? bsearch(&id, ids, n, sizeof *ids, compare_ids) : NULL;

	return at ? (size_t)(at - ids) : n;
}

static const struct nrr_snapshot_account *find(struct restate_accounts list, int64_t id)
{
	size_t low = 0, high = list.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list.at[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list.n && list.at[low].id == id ? &list.at[low] : NULL;
}

/* Whether today's rules tell the account differently from what was known when the report before was made. */
static bool is_by_rules(struct restate_accounts replay, const struct restate_change *c)
{
	static const int64_t none[N_SNAPSHOT_SUMS];
	const struct nrr_snapshot_account *x = find(replay, c->account);

	return memcmp(x ? x->sums : none, c->before, sizeof none) != 0;
}

/* The accounts whose reasons are told: those that moved most. */
struct telling {
	const struct restate_change *changes; size_t n;
	struct nrr_named *named;        /* by change */
	int64_t *ids;                   /* rising */
	struct restate_accounts replay; /* what was known when the report before was made, under today's rules */
};

static const char *name_of(const struct nrr_named *x)
{
	return x->name ? x->name : x->key ? x->key : "another account";
}

/* Companies that were found to be one have no history: whichever of both moved is told of the other. */
static void add_identity(struct making *m, const struct telling *t, size_t i)
{
	for (size_t k = 0; k < t->n; k++) {
		const char *words = NULL;

		if (t->named[i].main && t->named[i].main == t->changes[k].account)
			words = arena_printf(m->arena, "it is another name of %s and counted there", name_of(&t->named[k]));
		else if (t->named[k].main && t->named[k].main == t->changes[i].account)
			words = arena_printf(m->arena, "%s is another name of it and counted here", name_of(&t->named[k]));
		if (words)
			add_reason(m, t->changes[i].account, RESTATE_MERGED, words);
	}
}

/* What is said of an account besides what its facts say. */
static void add_other_reasons(struct making *m, const struct telling *t, size_t i)
{
	const struct restate_change *c = &t->changes[i];

	if (m->report.why_restated && is_by_rules(t->replay, c))
		add_reason(m, c->account, RESTATE_POLICY, m->report.why_restated);
	add_identity(m, t, i);
	if (!m->n_reasons || m->reasons[m->n_reasons - 1].account != c->account)
		add_reason(m, c->account, RESTATE_UNKNOWN,
		           "no contract, bill, parent or rate of it differs: a field without a history was changed");
}

static int add_reasons(struct making *m, const struct telling *t, struct err *err)
{
	struct closing *c = m->closing;
	struct restate_query q = { .before = index_of(&c->then), .after = index_of(&c->now), .span = m->span,
		.last_contract = m->before->last_contract, .accounts = t->ids, .n = t->n };
	struct restate_reason *found;
	size_t n_found, *first = arena_array(m->arena, t->n + 1, sizeof *first);

	restate_explain(&q, m->arena, &found, &n_found);
	for (size_t i = n_found; i-- > 0;)
		first[found[i].account] = i;
	for (size_t i = 0; i < t->n; i++) {
		size_t place = place_of(t->ids, t->n, t->changes[i].account);

		for (size_t k = first[place]; k < n_found && found[k].account == place; k++) {
			const char *words;

			if (contract_words(m, &found[k], &words, err) < 0)
				return -1;
			add_reason(m, t->changes[i].account, found[k].cause, words);
		}
		add_other_reasons(m, t, i);
	}
	return 0;
}

static int tell(struct making *m, const struct restate_change *changes, size_t n, struct restate_accounts replay,
                struct err *err)
{
	struct telling t = { .changes = changes, .n = n < MAX_TOLD ? n : MAX_TOLD, .replay = replay };

	t.named = arena_array(m->arena, t.n, sizeof *t.named);
	t.ids = arena_array(m->arena, t.n, sizeof *t.ids);
	for (size_t i = 0; i < t.n; i++) {
		t.ids[i] = changes[i].account;
		if (nrr_account_named(m->closing->session->db, t.ids[i], m->arena, &t.named[i], err) < 0)
			return -1;
	}
	if (t.n)
		qsort(t.ids, t.n, sizeof *t.ids, compare_ids);
	return add_reasons(m, &t, err);
}

/* What made all of the report differ: it is told in another currency, or by other rules. */
static int explain_rules(struct making *m, struct err *err)
{
	struct closing *c = m->closing;
	const char *lines, *words = NULL;

	if (strcmp(m->before->currency, c->now.book.currency) != 0)
		words = arena_printf(m->arena, "amounts are in %s instead of %s", c->now.book.currency, m->before->currency);
	else if (strcmp(m->before->policy_hash, c->policy) != 0) {
		if (nrr_policy_load(c->session->db, m->before->policy_hash, m->arena, &lines, err) < 0)
			return -1;
		words = restate_policy_words(lines ? lines : "", c->policy_lines, m->arena);
		words = arena_printf(m->arena, "the rules changed: %s", words && lines ? words : "which ones is not known");
	}
	m->report.why_restated = words;
	return 0;
}

/* A book is frozen: who was in it when the month was closed stays, whoever takes care of the account since. */
static void freeze_owners(struct making *m, struct restate_accounts before)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct nrr_snapshot_account *was = find(before, m->accounts[i].id);

		if (was)
			m->accounts[i].owner = was->owner;
	}
}

static int explain(struct making *m, struct err *err)
{
	struct closing *c = m->closing;
	struct nrr_snapshot_account *was, *then = NULL;
	struct restate_change *changes;
	size_t n_was, n_then = 0, n;

	if (nrr_snapshot_accounts(c->session->db, m->before->id, m->arena, &was, &n_was, err) < 0 ||
	    know_then(c, m->before->as_of_on, err) < 0 || explain_rules(m, err) < 0)
		return -1;
	if (m->report.why_restated && list_accounts(&c->then, m->span, m->arena, &then, &n_then, err) < 0)
		return -1;
	freeze_owners(m, (struct restate_accounts){ was, n_was });
	n = restate_changes((struct restate_accounts){ was, n_was }, (struct restate_accounts){ m->accounts, m->n },
	                    m->arena, &changes);
	return tell(m, changes, n, (struct restate_accounts){ then, n_then }, err);
}

/* reports ---------------------------------------------------------------------------------------------------------- */

static void find_revisions(struct making *m)
{
	const struct closing *c = m->closing;

	for (size_t i = 0; i < c->n_kept; i++) {
		const struct nrr_snapshot *s = &c->kept[i];

		if (s->to_on != m->span.to || s->months != m->report.months)
			continue;
		if (s->as_of_on < c->now.facts.as_of)
			m->before = s;
		else
			m->today = s;
	}
}

/* Whether another process closed the month while this one looked. Returns 1 when it did. */
static int is_made(const struct making *m, struct err *err)
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

static int save(struct making *m, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	const struct closing *c = m->closing;
	struct db *db = c->session->db;
	int rc;

	if (txn_begin(&txn, db, err) < 0 || (rc = is_made(m, err)) < 0)
		return -1;
	if (rc > 0)
		return 0;
	if ((m->today && nrr_snapshot_remove(db, m->today->id, err) < 0) ||
	    nrr_policy_put(db, c->policy, c->policy_lines, err) < 0 ||
	    nrr_snapshot_put(db, &m->report, m->accounts, m->n, m->reasons, m->n_reasons, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

static int take_back(struct making *m, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (!m->today)
		return 0;
	if (txn_begin(&txn, m->closing->session->db, err) < 0 ||
	    nrr_snapshot_remove(m->closing->session->db, m->today->id, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

/* The report's own line: its sums, and what it was made of. */
static int sum_up(struct making *m, struct err *err)
{
	const struct closing *c = m->closing;
	struct nrr_table tables[N_NRR_BY];
	struct nrr_query query = { &m->span, 1, 1u << NRR_BY_ALL };

	if (nrr_compute(&c->now.book, &query, m->arena, tables, err) < 0)
		return -1;
	m->report.why_none = tables[NRR_BY_ALL].rows[0].why_none;
	m->report.from_on = m->span.from;
	m->report.to_on = m->span.to;
	m->report.revision = m->before ? m->before->revision + 1 : 1;
	m->report.as_of_on = c->now.facts.as_of;
	m->report.policy_hash = c->policy;
	m->report.config_hash = c->session->org->hash;
	m->report.currency = c->now.book.currency;
	m->report.last_contract = c->last_contract;
	for (size_t i = 0; i < m->n; i++)
		for (int sum = 0; sum < N_SNAPSHOT_SUMS; sum++)
			m->report.sums[sum] += m->accounts[i].sums[sum];
	return 0;
}

/* Sets the hash and number of today's accounts; the accounts too where they were not told all at once. */
static int look(struct making *m, size_t i, struct err *err)
{
	struct closing *c = m->closing;

	if (c->is_hashed) {
		m->n = c->hashing[i].n;
		m->report.sums_hash = nrr_hashing_end(&c->hashing[i], m->arena);
		return 0;
	}
	if (list_accounts(&c->now, m->span, m->arena, &m->accounts, &m->n, err) < 0)
		return -1;
	m->report.sums_hash = nrr_snapshot_hash(m->accounts, m->n, m->arena);
	return 0;
}

/* Whether nothing is to be said: as before, or there is nothing and never was. */
static bool is_as_before(const struct making *m)
{
	if (!m->before)
		return m->n == 0;
	return strcmp(m->before->sums_hash, m->report.sums_hash) == 0 &&
	       strcmp(m->before->currency, m->closing->now.book.currency) == 0;
}

static int make_report(struct making *m, struct err *err)
{
	struct closing *c = m->closing;

	if (!m->accounts && list_accounts(&c->now, m->span, m->arena, &m->accounts, &m->n, err) < 0)
		return -1;
	if (sum_up(m, err) < 0 || (m->before && explain(m, err) < 0))
		return -1;
	return save(m, err);
}

/* A report is made when its month is over and when it differs from the one before. A month without anything in it has
 * none: nothing was said of it; nor has one of before there were rates of exchange. */
static int close_report(struct closing *c, size_t i, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct making m = { .closing = c, .arena = a, .span = c->spans[i],
		.report = { .months = windows[i % N_WINDOWS] } };

	find_revisions(&m);
	if (look(&m, i, err) < 0) {
		bool is_old = m.span.to < nrr_month_of(c->now.facts.as_of);

		return err->kind == ERR_CONFIG && !m.before && is_old ? 0 : -1;
	}
	if (is_as_before(&m))
		return take_back(&m, err);
	if (m.today && strcmp(m.today->sums_hash, m.report.sums_hash) == 0 &&
	    strcmp(m.today->policy_hash, c->policy) == 0)
		return 0;
	return make_report(&m, err);
}

static void hash_account(void *which, size_t span, const struct nrr_contribution *x)
{
	struct closing *c = which;
	const struct nrr_snapshot_account kept = account_of(&c->now.facts, x);

	nrr_hashing_add(&c->hashing[span], &kept);
}

/* Most days no report changes: one pass over all windows finds those that do. */
static int hash_all(struct closing *c, int32_t first, struct err *err)
{
	int rc;

	for (size_t i = 0; i < N_REPORTS; i++) {
		int32_t to = day_add_months(first, (int)(i / N_WINDOWS));

		c->spans[i] = (struct nrr_span){ day_add_months(to, -windows[i % N_WINDOWS]), to };
		nrr_hashing_begin(&c->hashing[i]);
	}
	rc = nrr_each(&c->now.book, c->spans, N_REPORTS, hash_account, c, err);
	c->is_hashed = rc == 0;
	return rc < 0 && err->kind != ERR_CONFIG ? -1 : 0;
}

/* What one report lacks keeps no other from being made. */
static int close_reports(struct closing *c, struct err *err)
{
	struct err first = { .kind = ERR_NONE };

	for (size_t i = 0; i < N_REPORTS; i++) {
		if (close_report(c, i, err) == 0)
			continue;
		if (err->kind != ERR_CONFIG)
			return -1;
		if (first.kind == ERR_NONE)
			first = *err;
	}
	if (first.kind == ERR_NONE)
		return 0;
	*err = first;
	return -1;
}

static int close_months(struct closing *c, int32_t day, struct err *err)
{
	const struct session *s = c->session;
	int32_t last = nrr_month_of(day), first = day_add_months(last, 1 - NRR_CLOSED_MONTHS);
	const struct nrr_snapshot_query query = { first, last, day };

	if (know(s, day, &c->now, err) < 0 ||
	    nrr_snapshots_load(s->db, &query, c->arena, &c->kept, &c->n_kept, err) < 0)
		return -1;
	c->policy = nrr_policy_hash(&s->org->nrr, c->arena);
	c->policy_lines = policy_lines(&s->org->nrr, c->arena);
	for (size_t i = 0; i < c->now.facts.n_lines; i++)
		if (c->now.facts.lines[i].contract > c->last_contract)
			c->last_contract = c->now.facts.lines[i].contract;
	return hash_all(c, first, err) < 0 ? -1 : close_reports(c, err);
}

static int close_all(struct closing *c, int32_t day, const char *rules, struct err *err)
{
	struct db *db = c->session->db;
	bool is_too_many;

	if (nrr_has_more_contracts(db, MAX_CONTRACTS, &is_too_many, err) < 0)
		return -1;
	if (is_too_many)
		return err_set(err, ERR_INPUT, "there are more than the %d contracts that fit into memory", MAX_CONTRACTS);
	if (nrr_closed_begin(db, err) < 0 || close_months(c, day, err) < 0)
		return -1;
	return nrr_closed_end(db, day, rules, err);
}

int nrr_close(const struct session *s, int32_t day, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0), *of_now = NULL;
	struct closing c = { .session = s, .arena = a };
	const char *rules = arena_printf(a, "%s %s %d %s", nrr_policy_hash(&s->org->nrr, a), s->org->currency,
	                                 (int)nrr_month_of(day), RETAIND_VERSION);
	bool is_closed;
	int32_t latest;
	int rc;

	of_now = arena_new(0);
	c.now.arena = of_now;
	if (nrr_snapshot_latest(s->db, &latest, err) < 0 || nrr_closed_holds(s->db, day, rules, &is_closed, err) < 0)
		return err_in(err, "closing months");
	if (is_closed || (latest != DAY_NONE && latest > day))
		return 0;
	rc = close_all(&c, day, rules, err);
	arena_free(c.then.arena);
	return rc < 0 ? err_in(err, "closing months") : 0;
}

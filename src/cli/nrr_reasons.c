#include "nrr_making.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"

static void add_reason(struct nrr_making *m, int64_t account, enum restate_cause cause, const char *words)
{
	if (m->n_reasons == m->room) {
		m->room = 2 * m->room + 64;
		m->reasons = arena_grow(m->arena, m->reasons, m->n_reasons, m->room, sizeof *m->reasons);
	}
	m->reasons[m->n_reasons++] =
		(struct nrr_restatement){ .account = account, .cause = restate_cause_names[cause], .words = words };
}

/* "contract sub_17: ..." as its source calls it. */
static int contract_words(struct nrr_making *m, const struct restate_reason *r, const char **out, struct err *err)
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
	const struct restate_index *before, *after;
};

static const char *name_of(const struct nrr_named *x)
{
	return x->name ? x->name : x->key ? x->key : "another account";
}

/* Companies that were found to be one have no history: whichever of both moved is told of the other. */
static void add_identity(struct nrr_making *m, const struct telling *t, size_t i)
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
static void add_other_reasons(struct nrr_making *m, const struct telling *t, size_t i)
{
	const struct restate_change *c = &t->changes[i];

	if (m->report.why_restated && is_by_rules(t->replay, c))
		add_reason(m, c->account, RESTATE_POLICY, m->report.why_restated);
	add_identity(m, t, i);
	if (!m->n_reasons || m->reasons[m->n_reasons - 1].account != c->account)
		add_reason(m, c->account, RESTATE_UNKNOWN,
		           "no contract, bill, parent or rate of it differs: a field without a history was changed");
}

static int add_reasons(struct nrr_making *m, const struct telling *t, struct err *err)
{
	struct restate_query q = { .before = t->before, .after = t->after, .span = m->span,
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

/* The accounts that are told as they were known then, under today's rules, by id. */
struct replaying { const struct nrr_part *part; struct nrr_snapshot_account *at; size_t n; };

static void replay_account(void *which, size_t span, const struct nrr_contribution *c)
{
	struct replaying *r = which;

	(void)span;
	r->at[r->n++] = nrr_account_of(&r->part->facts, c);
}

static int replay(struct nrr_making *m, const struct nrr_part *then, struct restate_accounts *out, struct err *err)
{
	struct replaying r = { then, arena_array(m->arena, then->facts.n_accounts, sizeof *r.at), 0 };

	if (nrr_each(&then->book, &m->span, 1, replay_account, &r, err) < 0)
		return -1;
	*out = (struct restate_accounts){ r.at, r.n };
	return 0;
}

static int tell(struct nrr_making *m, struct telling *t, struct err *err)
{
	CLEANUP(nrr_part_done) struct nrr_part now = { 0 };
	CLEANUP(nrr_part_done) struct nrr_part then = { 0 };
	struct nrr_closing *c = m->closing;
	struct nrr_family family = { m->arena, t->ids, t->n, t->n };

	nrr_parts_join(&c->now, &family, t->n);
	nrr_parts_join(&c->then, &family, t->n);
	nrr_parts_join(&c->now, &family, t->n);
	if (nrr_parts_some(&c->now, &family, &now, err) < 0 || nrr_parts_some(&c->then, &family, &then, err) < 0)
		return -1;
	if (m->report.why_restated && replay(m, &then, &t->replay, err) < 0)
		return -1;
	t->before = restate_index_new(&then.book, m->arena);
	t->after = restate_index_new(&now.book, m->arena);
	return add_reasons(m, t, err);
}

/* What made all of the report differ: it is told in another currency, or by other rules. */
static int explain_rules(struct nrr_making *m, struct err *err)
{
	struct nrr_closing *c = m->closing;
	const char *lines, *words = NULL;

	if (strcmp(m->before->currency, c->now.currency) != 0)
		words = arena_printf(m->arena, "amounts are in %s instead of %s", c->now.currency, m->before->currency);
	else if (strcmp(m->before->policy_hash, c->policy) != 0) {
		if (nrr_policy_load(c->session->db, m->before->policy_hash, m->arena, &lines, err) < 0)
			return -1;
		words = restate_policy_words(lines ? lines : "", c->policy_lines, m->arena);
		words = arena_printf(m->arena, "the rules changed: %s", words && lines ? words : "which ones is not known");
	}
	m->report.why_restated = words;
	return 0;
}

static int know_then(struct nrr_closing *c, int32_t day, struct err *err)
{
	if (c->then.arena && c->then.as_of == day)
		return 0;
	nrr_parts_close(&c->then);
	if (nrr_parts_open(c->session, day, c->most, &c->then, err) == 0)
		return 0;
	nrr_parts_close(&c->then); /* the next report may be compared with the same day */
	return -1;
}

int nrr_reasons(struct nrr_making *m, struct err *err)
{
	struct telling t = { .changes = m->changes, .n = m->n_changes < NRR_MAX_TOLD ? m->n_changes : NRR_MAX_TOLD };

	if (know_then(m->closing, m->before->as_of_on, err) < 0 || explain_rules(m, err) < 0)
		return -1;
	t.named = arena_array(m->arena, t.n, sizeof *t.named);
	t.ids = arena_array(m->arena, t.n, sizeof *t.ids);
	for (size_t i = 0; i < t.n; i++) {
		t.ids[i] = m->changes[i].account;
		if (nrr_account_named(m->closing->session->db, t.ids[i], m->arena, &t.named[i], err) < 0)
			return -1;
	}
	if (t.n)
		qsort(t.ids, t.n, sizeof *t.ids, compare_ids);
	return tell(m, &t, err);
}

#include "score/restate.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/money.h"
#include "restate_parts.h"

enum { MAX_REASONS = 8 /* of one account that are told in words */ };

const char *const restate_cause_names[N_RESTATE_CAUSES] = {
	[RESTATE_BACKDATED] = "backdated", [RESTATE_GONE] = "gone", [RESTATE_MOVED] = "moved",
	[RESTATE_AMOUNT] = "amount_corrected", [RESTATE_START] = "start_corrected", [RESTATE_END] = "end_corrected",
	[RESTATE_TERMS] = "terms_corrected", [RESTATE_BILL] = "bill", [RESTATE_MERGED] = "merged",
	[RESTATE_RATE] = "rate", [RESTATE_POLICY] = "policy", [RESTATE_UNKNOWN] = "unknown",
};

/* A contract, and where its lines are. */
struct run { int64_t contract; size_t first, n; };

struct restate_index {
	const struct book *book;
	struct run *runs; size_t n_runs; /* by contract */
};

/* What was known on one of the two days. */
struct side {
	const struct restate_index *index;
	const struct book *book;
	const struct revenue *facts;
	const int32_t *place; /* by account: which of those asked for it counts under, or -1 */
};

struct found { struct restate_reason reason; bool is_within; };

/* A contract of an account asked for. */
struct pair { int32_t place; int64_t contract; };

struct explaining {
	const struct restate_query *query;
	struct arena *arena;
	struct side before, after;
	struct pair *pairs; size_t n_pairs, pairs_room;
	struct found *found; size_t n_found, found_room;
	size_t first; /* of found, of the account at hand */
};

/* sides ------------------------------------------------------------------------------------------------------------ */

static int32_t place_of(const struct restate_query *q, int64_t id)
{
	size_t low = 0, high = q->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (q->accounts[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < q->n && q->accounts[low] == id ? (int32_t)low : -1;
}

static int compare_runs(const void *left, const void *right)
{
	const struct run *a = left, *b = right;

	return (a->contract > b->contract) - (a->contract < b->contract);
}

const struct restate_index *restate_index_new(const struct book *b, struct arena *a)
{
	const struct revenue *f = b->facts;
	struct restate_index *x = arena_alloc(a, sizeof *x);

	x->book = b;
	x->runs = arena_array(a, f->n_lines, sizeof *x->runs);
	for (size_t i = 0; i < f->n_lines; i++) {
		if (i == 0 || f->lines[i].contract != f->lines[i - 1].contract)
			x->runs[x->n_runs++] = (struct run){ .contract = f->lines[i].contract, .first = i };
		x->runs[x->n_runs - 1].n++;
	}
	if (x->n_runs)
		qsort(x->runs, x->n_runs, sizeof *x->runs, compare_runs);
	return x;
}

static struct side side_of(const struct explaining *x, const struct restate_index *index)
{
	const struct revenue *f = index->book->facts;
	int32_t *place = arena_array(x->arena, f->n_accounts, sizeof *place);

	for (size_t i = 0; i < f->n_accounts; i++)
		place[i] = place_of(x->query, f->accounts[book_top(index->book, (int32_t)i)].id);
	return (struct side){ .index = index, .book = index->book, .facts = f, .place = place };
}

static void gather_pairs(struct explaining *x, const struct side *s)
{
	for (size_t i = 0; i < s->index->n_runs; i++) {
		const struct revenue_line *line = &s->facts->lines[s->index->runs[i].first];

		if (s->place[line->account] < 0)
			continue;
		if (x->n_pairs == x->pairs_room) {
			x->pairs_room = 2 * x->pairs_room + 64;
			x->pairs = arena_grow(x->arena, x->pairs, x->n_pairs, x->pairs_room, sizeof *x->pairs);
		}
		x->pairs[x->n_pairs++] = (struct pair){ s->place[line->account], line->contract };
	}
}

static int compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	return (a->contract > b->contract) - (a->contract < b->contract);
}

static struct restate_run run_of(const struct side *s, int64_t contract)
{
	const struct run key = { .contract = contract };
	const struct restate_index *x = s->index;
	const struct run *run = x->n_runs ? bsearch(&key, x->runs, x->n_runs, sizeof *x->runs, compare_runs) : NULL;

	return (struct restate_run){ s->facts, run ? s->facts->lines + run->first : NULL, run ? run->n : 0 };
}

/* reasons ---------------------------------------------------------------------------------------------------------- */

static void add_reason(struct explaining *x, const struct restate_reason *r, bool is_within)
{
	for (size_t i = x->first; i < x->n_found; i++)
		if (x->found[i].reason.contract == r->contract && strcmp(x->found[i].reason.words, r->words) == 0)
			return;
	if (x->n_found == x->found_room) {
		x->found_room = 2 * x->found_room + 64;
		x->found = arena_grow(x->arena, x->found, x->n_found, x->found_room, sizeof *x->found);
	}
	x->found[x->n_found++] = (struct found){ *r, is_within };
}

static const char *name_of(const struct revenue_account *a)
{
	return a->name ? a->name : a->key ? a->key : "an account without a name";
}

static const struct revenue_account *owner_of(const struct restate_run *r)
{
	return r->n ? &r->facts->accounts[r->lines[0].account] : NULL;
}

static const struct revenue_account *top_of(const struct side *s, const struct restate_run *r)
{
	return r->n ? &s->facts->accounts[book_top(s->book, r->lines[0].account)] : NULL;
}

static const char *merged_words(struct arena *a, const struct revenue_account *own, const struct revenue_account *was,
                                const struct revenue_account *is)
{
	if (is->id == own->id)
		return arena_printf(a, "%s stands on its own and is no longer counted under %s", name_of(own), name_of(was));
	if (was->id == own->id)
		return arena_printf(a, "%s is counted under %s", name_of(own), name_of(is));
	return arena_printf(a, "%s is counted under %s instead of %s", name_of(own), name_of(is), name_of(was));
}

/* A contract that differs: it belongs elsewhere, its account does, or its lines do. */
static void explain_contract(struct explaining *x, const struct pair *p)
{
	struct restate_run was = run_of(&x->before, p->contract), is = run_of(&x->after, p->contract);
	const struct revenue_account *old = owner_of(&was), *own = owner_of(&is);
	const struct revenue_account *old_top = top_of(&x->before, &was), *top = top_of(&x->after, &is);
	struct restate_reason r = { .account = (size_t)p->place, .contract = p->contract };
	struct restate_difference d;

	if (was.n && is.n && old->id != own->id) {
		r.cause = RESTATE_MOVED;
		r.words = arena_printf(x->arena, "it is %s's, not %s's", name_of(own), name_of(old));
		add_reason(x, &r, true);
		return;
	}
	if (was.n && is.n && old_top->id != top->id) {
		r = (struct restate_reason){ (size_t)p->place, RESTATE_MERGED, 0, merged_words(x->arena, own, old_top, top) };
		add_reason(x, &r, true);
		return;
	}
	if (p->contract > x->query->last_contract)
		was.n = 0; /* what was known then is told without its source's later load */
	if (!restate_lines(&was, &is, x->query->span, x->arena, &d))
		return;
	r.cause = d.cause;
	r.words = d.words;
	if ((own ? own : old)->id != x->query->accounts[p->place])
		r.words = arena_printf(x->arena, "%s (%s)", d.words, name_of(own ? own : old));
	add_reason(x, &r, d.is_within);
}

/* 0: it is the book's own currency, or there is none. */
static int64_t rate_of(const struct book *b, const char *currency, int32_t day)
{
	const struct revenue *f = b->facts;
	struct err ignored;
	int64_t nano;

	if (!b->currency_name)
		return 0;
	for (size_t n = 1; n < f->n_names; n++)
		if (strcmp(f->names[n], currency) == 0)
			return n == b->currency_name || book_rate(b, (uint16_t)n, day, &nano, &ignored) < 0 ? 0 : nano;
	return 0;
}

/* Rates that a contract's amounts are told by. */
static void explain_rates(struct explaining *x, const struct pair *p)
{
	const struct restate_run is = run_of(&x->after, p->contract);
	const char *currency = is.n ? is.facts->names[is.lines[0].currency] : NULL;
	int32_t days[] = { x->query->span.from, x->query->span.to, is.n ? is.lines[0].from : 0 };
	bool is_of_start = is.n && x->after.book->policy->fx == FX_PURCHASE && days[2] > REVENUE_BEGINNING;

	for (size_t i = currency ? 0 : ARRAY_LEN(days); i < ARRAY_LEN(days) - !is_of_start; i++) {
		struct restate_reason r = { .account = (size_t)p->place, .cause = RESTATE_RATE };
		int64_t was = rate_of(x->before.book, currency, days[i]), now = rate_of(x->after.book, currency, days[i]);

		if (was == now || !now)
			continue;
		r.words = arena_printf(x->arena, "the rate from %s to %s for %s was corrected", currency,
		                       x->after.book->currency, day_text(x->arena, days[i]));
		add_reason(x, &r, true);
	}
}

/* bills ------------------------------------------------------------------------------------------------------------ */

/* A bill as either day knew it: the last payment of those due on the same day. */
struct bill { int32_t place, account, due_on, paid_on[2]; bool is_known[2]; };

struct bills { struct bill *at; size_t n, room; };

static void gather_bills(const struct explaining *x, const struct side *s, int which, struct bills *out)
{
	for (size_t i = 0; i < s->facts->n_dues; i++) {
		const struct revenue_due *d = &s->facts->dues[i];
		struct bill b = { .place = s->place[d->account], .account = d->account, .due_on = d->due_on };

		if (b.place < 0 || d->due_on > x->query->span.to)
			continue;
		b.paid_on[which] = d->paid_on;
		b.is_known[which] = true;
		if (out->n == out->room) {
			out->room = 2 * out->room + 64;
			out->at = arena_grow(x->arena, out->at, out->n, out->room, sizeof *out->at);
		}
		out->at[out->n++] = b;
	}
}

static int compare_bills(const void *left, const void *right)
{
	const struct bill *a = left, *b = right;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	return (a->due_on > b->due_on) - (a->due_on < b->due_on);
}

static void join_bills(struct bills *all)
{
	size_t n = 0;

	if (all->n)
		qsort(all->at, all->n, sizeof *all->at, compare_bills);
	for (size_t i = 0; i < all->n; i++) {
		if (n == 0 || compare_bills(&all->at[n - 1], &all->at[i]) != 0) {
			all->at[n++] = all->at[i];
			continue;
		}
		for (int k = 0; k < 2; k++) {
			struct bill *b = &all->at[n - 1];

			if (all->at[i].is_known[k] && (!b->is_known[k] || all->at[i].paid_on[k] > b->paid_on[k]))
				b->paid_on[k] = all->at[i].paid_on[k];
			b->is_known[k] |= all->at[i].is_known[k];
		}
	}
	all->n = n;
}

static bool is_past_due(const struct side *s, const struct bill *b, int which)
{
	int32_t until = b->paid_on[which] < s->facts->as_of ? b->paid_on[which] : s->facts->as_of;

	return b->is_known[which] && (int64_t)until - b->due_on > s->book->policy->past_due_days;
}

static void explain_bill(struct explaining *x, const struct bill *b)
{
	bool was = is_past_due(&x->before, b, 0), is = is_past_due(&x->after, b, 1);
	struct restate_reason r = { .account = (size_t)b->place, .cause = RESTATE_BILL };
	const char *due = day_text(x->arena, b->due_on);

	if (x->after.book->policy->past_due_days < 0 || (was == is && b->paid_on[0] == b->paid_on[1]) || (!was && !is))
		return;
	if (is && !was)
		r.words = arena_printf(x->arena, "the bill due on %s stayed unpaid for more than %lld days", due,
		                       (long long)x->after.book->policy->past_due_days);
	else if (b->is_known[1] && b->paid_on[1] != REVENUE_OPEN)
		r.words = arena_printf(x->arena, "the bill due on %s was paid on %s", due,
		                       day_text(x->arena, b->paid_on[1]));
	else
		r.words = arena_printf(x->arena, "the bill due on %s is no longer open", due);
	add_reason(x, &r, true);
}

/* all -------------------------------------------------------------------------------------------------------------- */

static int compare_found(const void *left, const void *right)
{
	const struct found *a = left, *b = right;

	if (a->is_within != b->is_within)
		return a->is_within ? -1 : 1;
	if (a->reason.cause != b->reason.cause)
		return a->reason.cause < b->reason.cause ? -1 : 1;
	if (a->reason.contract != b->reason.contract)
		return a->reason.contract < b->reason.contract ? -1 : 1;
	return strcmp(a->reason.words, b->reason.words);
}

/* The reasons of one account in their order: those within the window alone, and no more than can be read. */
static void finish_account(struct explaining *x)
{
	struct found *mine = x->found + x->first;
	size_t n = x->n_found - x->first, kept = 0;

	if (n)
		qsort(mine, n, sizeof *mine, compare_found);
	while (kept < n && mine[kept].is_within == mine[0].is_within)
		kept++;
	if (kept > MAX_REASONS) {
		mine[MAX_REASONS].reason.contract = 0;
		mine[MAX_REASONS].reason.words =
			arena_printf(x->arena, "and %zu more of its contracts differ", kept - MAX_REASONS);
		kept = MAX_REASONS + 1;
	}
	x->n_found = x->first + kept;
}

static void explain_accounts(struct explaining *x, const struct bills *bills)
{
	size_t bill = 0, pair = 0;

	for (size_t place = 0; place < x->query->n; place++) {
		x->first = x->n_found;
		for (; pair < x->n_pairs && x->pairs[pair].place == (int32_t)place; pair++) {
			if (pair && compare_pairs(&x->pairs[pair - 1], &x->pairs[pair]) == 0)
				continue;
			explain_contract(x, &x->pairs[pair]);
			explain_rates(x, &x->pairs[pair]);
		}
		for (; bill < bills->n && bills->at[bill].place == (int32_t)place; bill++)
			explain_bill(x, &bills->at[bill]);
		finish_account(x);
	}
}

void restate_explain(const struct restate_query *q, struct arena *a, struct restate_reason **out, size_t *n_out)
{
	struct explaining x = { .query = q, .arena = a };
	struct bills bills = { 0 };
	struct restate_reason *reasons;

	x.before = side_of(&x, q->before);
	x.after = side_of(&x, q->after);
	gather_pairs(&x, &x.before);
	gather_pairs(&x, &x.after);
	if (x.n_pairs)
		qsort(x.pairs, x.n_pairs, sizeof *x.pairs, compare_pairs);
	gather_bills(&x, &x.before, 0, &bills);
	gather_bills(&x, &x.after, 1, &bills);
	join_bills(&bills);
	explain_accounts(&x, &bills);
	reasons = arena_array(a, x.n_found, sizeof *reasons);
	for (size_t i = 0; i < x.n_found; i++)
		reasons[i] = x.found[i].reason;
	*out = reasons;
	*n_out = x.n_found;
}

/* changes ---------------------------------------------------------------------------------------------------------- */

static uint64_t gap(int64_t a, int64_t b)
{
	return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

/* How far an account moved: at its two ends, else in anything. */
static uint64_t moved(const struct restate_change *c)
{
	uint64_t ends = gap(c->before[SNAPSHOT_START], c->after[SNAPSHOT_START]) / 2 +
	                gap(c->before[SNAPSHOT_END], c->after[SNAPSHOT_END]) / 2;

	for (int i = 0; i < N_SNAPSHOT_SUMS && !ends; i++)
		ends = gap(c->before[i], c->after[i]) / 2;
	return ends;
}

static int compare_changes(const void *left, const void *right)
{
	const struct restate_change *a = left, *b = right;
	uint64_t a_moved = moved(a), b_moved = moved(b);

	if (a_moved != b_moved)
		return a_moved > b_moved ? -1 : 1;
	return (a->account > b->account) - (a->account < b->account);
}

/* The next account of the two lists, which give up what they have of it. */
static struct restate_change take_next(struct restate_accounts *before, struct restate_accounts *after)
{
	struct restate_change c = { .account = INT64_MAX };

	if (before->n)
		c.account = before->at->id;
	if (after->n && after->at->id < c.account)
		c.account = after->at->id;
	if (before->n && before->at->id == c.account) {
		c.owner = before->at->owner;
		memcpy(c.before, before->at->sums, sizeof c.before);
		*before = (struct restate_accounts){ before->at + 1, before->n - 1 };
	}
	if (after->n && after->at->id == c.account) {
		c.owner = after->at->owner;
		memcpy(c.after, after->at->sums, sizeof c.after);
		*after = (struct restate_accounts){ after->at + 1, after->n - 1 };
	}
	return c;
}

void restate_rank(struct restate_change *list, size_t n)
{
	if (n)
		qsort(list, n, sizeof *list, compare_changes);
}

size_t restate_changes(struct restate_accounts before, struct restate_accounts after, struct arena *a,
                       struct restate_change **out)
{
	struct restate_change *list = NULL;
	size_t n = 0, room = 0;

	while (before.n || after.n) {
		const struct restate_change c = take_next(&before, &after);

		if (memcmp(c.before, c.after, sizeof c.before) == 0)
			continue;
		if (n == room) {
			room = 2 * room + 64;
			list = arena_grow(a, list, n, room, sizeof *list);
		}
		list[n++] = c;
	}
	restate_rank(list, n);
	*out = list;
	return n;
}

/* policy ----------------------------------------------------------------------------------------------------------- */

/* The line of a policy that is about the same switch, with its length; NULL: there is none. */
static const char *line_of(const char *lines, const char *line, size_t name_len, size_t *len)
{
	for (const char *at = lines; *at; at += *len + (at[*len] == '\n')) {
		*len = strcspn(at, "\n");
		if (*len > name_len && strncmp(at, line, name_len) == 0)
			return at;
	}
	return NULL;
}

const char *restate_policy_words(const char *before, const char *after, struct arena *a)
{
	const char *words = NULL;
	size_t len, was_len = 0;

	for (const char *at = after; *at; at += len + (at[len] == '\n')) {
		size_t name_len = strcspn(at, ":\n") + 1;
		const char *was;

		len = strcspn(at, "\n");
		was = line_of(before, at, name_len, &was_len);
		if (was && was_len == len && strncmp(was, at, len) == 0)
			continue;
		words = arena_printf(a, "%s%s%.*s", words ? words : "", words ? "; " : "", (int)len, at);
		if (was && was_len > name_len)
			words = arena_printf(a, "%s instead of%.*s", words, (int)(was_len - name_len), was + name_len);
	}
	return words;
}

#include "nrr_parts.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum { MOST_ACCOUNTS_FOR_EACH = 4 /* contracts at once: many accounts have none */ };

void nrr_part_done(struct nrr_part *p)
{
	arena_free(p->arena);
	p->arena = NULL;
}

void nrr_parts_close(struct nrr_parts *p)
{
	txn_end(&p->snapshot);
	db_closep(&p->own);
	arena_free(p->arena);
	*p = (struct nrr_parts){ 0 };
}

/* all at once ------------------------------------------------------------------------------------------------------ */

/* In the organisation's currency; where there are no rates at all, of the amounts that are in it. */
static int load_one(struct nrr_parts *p, struct err *err)
{
	const struct session *s = p->session;
	struct book_query wanted = { .currency = s->org->currency };
	struct nrr_part *one = &p->one;

	if (revenue_load(p->db, &(struct revenue_query){ p->as_of, s->org->currency }, p->arena, &one->facts, err) < 0)
		return -1;
	if (!one->facts.n_rates) {
		struct err ignored;

		if (book_make(&one->facts, &s->org->nrr, &wanted, p->arena, &one->book, &ignored) == 0 &&
		    one->book.n_currencies <= 1)
			return 0;
		wanted.only = s->org->currency;
	}
	return book_make(&one->facts, &s->org->nrr, &wanted, p->arena, &one->book, err);
}

/* parts ------------------------------------------------------------------------------------------------------------ */

static size_t index_at(const struct revenue_groups *g, size_t place)
{
	return g->order ? (size_t)g->order[place] : place;
}

static size_t top_of(const struct revenue_groups *g, size_t index)
{
	return g->tops ? (size_t)g->tops[index] : index;
}

static void cut(struct nrr_parts *p, size_t most)
{
	const struct revenue_groups *g = &p->groups;
	size_t *ends = arena_array(p->arena, g->n + 1, sizeof *ends);
	size_t n_contracts = 0, n_accounts = 0;

	for (size_t i = 0; i < g->n; i++) {
		n_contracts += g->n_contracts[index_at(g, i)];
		n_accounts++;
		if (i + 1 < g->n && top_of(g, index_at(g, i)) == top_of(g, index_at(g, i + 1)))
			continue;
		if (i + 1 == g->n || n_contracts >= most || n_accounts >= MOST_ACCOUNTS_FOR_EACH * most) {
			ends[p->n++] = i + 1;
			n_contracts = n_accounts = 0;
		}
	}
	p->ends = ends;
}

static int compare_ids(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static const int32_t *tops_among(const struct revenue_groups *g, const int64_t *ids, size_t n, struct arena *a)
{
	int32_t *tops = arena_array(a, n, sizeof *tops);

	for (size_t i = 0; i < n; i++) {
		int32_t index = revenue_groups_index(g, ids[i]);
		const int64_t *top = index < 0 ? NULL : bsearch(&g->ids[top_of(g, (size_t)index)], ids, n, sizeof *ids,
		                                                 compare_ids);

		tops[i] = top ? (int32_t)(top - ids) : (int32_t)i;
	}
	return tops;
}

/* ids rise. The book is made of what is known of all parts by now. */
static int load(struct nrr_parts *p, const int64_t *ids, size_t n, struct nrr_part *out, struct err *err)
{
	struct book_whole whole = p->whole;
	struct book_query wanted = p->wanted;

	whole.tops = p->groups.tops ? tops_among(&p->groups, ids, n, out->arena) : NULL;
	wanted.whole = &whole;
	if (revenue_load_part(p->db, &(struct revenue_part){ &p->common, ids, n }, out->arena, &out->facts,
	                      err) < 0)
		return -1;
	return book_make(&out->facts, &p->session->org->nrr, &wanted, out->arena, &out->book, err);
}

static int load_part(struct nrr_parts *p, size_t from, size_t to, struct nrr_part *out, struct err *err)
{
	int64_t *ids = arena_array(out->arena, to - from, sizeof *ids);

	for (size_t i = from; i < to; i++)
		ids[i - from] = p->groups.ids[index_at(&p->groups, i)];
	if (p->groups.order)
		qsort(ids, to - from, sizeof *ids, compare_ids);
	return load(p, ids, to - from, out, err);
}

int nrr_parts_walk(struct nrr_parts *p, nrr_part_fn *each, void *context, struct err *err)
{
	if (p->is_one)
		return each(context, &p->one, err);
	p->whole.total_minor = 0;
	for (size_t i = 0; i < p->n; i++) {
		CLEANUP(nrr_part_done) struct nrr_part part = { .arena = arena_new(0) };

		if (load_part(p, i ? p->ends[i - 1] : 0, p->ends[i], &part, err) < 0 || each(context, &part, err) < 0)
			return -1;
		p->whole.total_minor = part.book.total_minor;
	}
	p->whole.total_minor = 0;
	return 0;
}

/* currencies ------------------------------------------------------------------------------------------------------- */

/* Before the currencies are known each part's book says its own. */
struct survey { const char *currency; bool is_several, has_rates; int32_t first_on; };

static void survey_part(struct survey *v, const struct nrr_part *part, struct arena *a)
{
	const struct book *b = &part->book;

	v->has_rates = v->has_rates || part->facts.n_rates > 0;
	if (b->first_on != DAY_NONE && (v->first_on == DAY_NONE || b->first_on < v->first_on))
		v->first_on = b->first_on;
	if (b->n_currencies == 0)
		return;
	v->is_several = v->is_several || b->n_currencies > 1 || (v->currency && strcmp(v->currency, b->currency) != 0);
	if (!v->currency)
		v->currency = arena_strdup(a, b->currency);
}

static int survey(struct nrr_parts *p, struct survey *v, struct err *err)
{
	const struct session *s = p->session;
	struct book_query wanted = { .currency = s->org->currency };

	for (size_t i = 0; i < p->n; i++) {
		CLEANUP(nrr_part_done) struct nrr_part part = { .arena = arena_new(0) };
		size_t from = i ? p->ends[i - 1] : 0, n = p->ends[i] - from;
		int64_t *ids = arena_array(part.arena, n, sizeof *ids);

		for (size_t k = 0; k < n; k++)
			ids[k] = p->groups.ids[index_at(&p->groups, from + k)];
		qsort(ids, n, sizeof *ids, compare_ids);
		if (revenue_load_part(p->db, &(struct revenue_part){ &p->common, ids, n }, part.arena, &part.facts, err) < 0 ||
		    (book_make(&part.facts, &s->org->nrr, &wanted, part.arena, &part.book, err) < 0 && err->kind != ERR_CONFIG))
			return -1;
		survey_part(v, &part, p->arena);
	}
	return 0;
}

/* As for all at once, see load_one. */
static int find_currency(struct nrr_parts *p, struct err *err)
{
	const char *own = p->session->org->currency;
	struct survey v = { .first_on = DAY_NONE };
	bool is_foreign;

	if (revenue_names_others(p->db, own, &is_foreign, err) < 0 || (is_foreign && survey(p, &v, err) < 0))
		return -1;
	p->wanted = (struct book_query){ .currency = own, .only = v.is_several && !v.has_rates ? own : NULL };
	p->whole = (struct book_whole){ .n_currencies = v.is_several && v.has_rates ? 2 : 1,
		.currency = v.currency && !v.is_several ? v.currency : own, .first_on = v.first_on };
	p->currency = p->whole.currency;
	return 0;
}

/* open ------------------------------------------------------------------------------------------------------------- */

static int find_groups(struct nrr_parts *p, struct err *err)
{
	const struct nrr_policy *policy = &p->session->org->nrr;
	const struct nrr_merge *merges = policy->merges.at;
	struct revenue_join *joins = arena_array(p->arena, policy->merges.n, sizeof *joins);
	struct revenue_groups_query query = { p->as_of, policy->parents == PARENTS_ROLLED_UP, joins, 0 };

	for (size_t i = 0; i < policy->merges.n; i++)
		if (merges[i].on <= p->as_of)
			joins[query.n_joins++] = (struct revenue_join){ merges[i].account, merges[i].into };
	return revenue_groups_load(p->db, &query, p->arena, &p->groups, err);
}

/* Parts are read one after the other, and more than once: all see the accounts as they were when the groups were found,
 * whoever writes meanwhile. */
static int hold_still(struct nrr_parts *p, struct err *err)
{
	if (db_open(db_path(p->session->db), DB_READ, &p->own, err) < 0)
		return -1;
	p->db = p->own;
	return txn_begin(&p->snapshot, p->own, err);
}

int nrr_parts_open(const struct session *s, int32_t day, size_t most, struct nrr_parts *out, struct err *err)
{
	struct revenue_query query = { day, s->org->currency };
	bool small;

	*out = (struct nrr_parts){ .session = s, .db = s->db, .arena = arena_new(0), .as_of = day };
	if (revenue_fits(s->db, most, &small, err) < 0 ||
	    (!small && (hold_still(out, err) < 0 || find_groups(out, err) < 0)))
		return -1;
	if (small || out->groups.is_ring) {
		out->is_one = true;
		if (load_one(out, err) < 0)
			return -1;
		out->currency = out->one.book.currency;
		return 0;
	}
	cut(out, most);
	return revenue_common_load(out->db, &query, out->arena, &out->common, err) < 0 ? -1 : find_currency(out, err);
}

/* some accounts ---------------------------------------------------------------------------------------------------- */

/* One may be added twice: see tidy. */
static void add_id(struct nrr_family *f, int64_t id)
{
	if (f->n == f->room) {
		f->room = 2 * f->room + 64;
		f->ids = arena_grow(f->arena, f->ids, f->n, f->room, sizeof *f->ids);
	}
	f->ids[f->n++] = id;
}

static bool is_among(const int64_t *sorted, size_t n, int64_t id)
{
	return n && bsearch(&id, sorted, n, sizeof *sorted, compare_ids) != NULL;
}

static const int64_t *sorted_ids(const struct nrr_family *f)
{
	int64_t *ids = f->n ? arena_memdup(f->arena, f->ids, f->n * sizeof *ids) : NULL;

	if (f->n)
		qsort(ids, f->n, sizeof *ids, compare_ids);
	return ids;
}

/* Each once: those that were added rise, and are none of those that were asked for. */
static void tidy(struct nrr_family *f, size_t n_asked)
{
	int64_t *added = f->ids + n_asked;
	size_t n = 0;

	if (f->n == n_asked)
		return;
	qsort(added, f->n - n_asked, sizeof *added, compare_ids);
	for (size_t i = 0; i < f->n - n_asked; i++)
		if ((n == 0 || added[n - 1] != added[i]) && !is_among(f->ids, n_asked, added[i]))
			added[n++] = added[i];
	f->n = n_asked + n;
}

/* Those that count under one of the family. */
static void add_members(const struct nrr_parts *p, struct nrr_family *f, size_t n_asked)
{
	const struct revenue_groups *g = &p->groups;

	for (size_t i = 0; g->tops && i < g->n; i++)
		if ((size_t)g->tops[i] != i && is_among(f->ids, n_asked, g->ids[g->tops[i]]))
			add_id(f, g->ids[i]);
}

static void add_moved(const struct nrr_parts *p, struct nrr_family *f)
{
	const int64_t *ids = sorted_ids(f);
	size_t n = f->n;

	for (size_t i = 0; i < p->common.n_moved; i++) {
		const struct revenue_moved *m = &p->common.moved[i];

		if (!is_among(ids, n, m->account) && !is_among(ids, n, m->now))
			continue;
		add_id(f, m->account);
		add_id(f, m->now);
	}
}

void nrr_parts_join(const struct nrr_parts *p, struct nrr_family *io, size_t n_asked)
{
	if (p->is_one)
		return;
	add_members(p, io, n_asked);
	add_moved(p, io);
	for (size_t i = 0, n = io->n; i < n; i++) {
		int32_t index = revenue_groups_index(&p->groups, io->ids[i]);

		if (index >= 0)
			add_id(io, p->groups.ids[top_of(&p->groups, (size_t)index)]);
	}
	tidy(io, n_asked);
}

int nrr_parts_some(struct nrr_parts *p, const struct nrr_family *family, struct nrr_part *out, struct err *err)
{
	int64_t *ids;
	size_t n = 0;

	*out = p->one;
	out->arena = NULL;
	if (p->is_one)
		return 0;
	out->arena = arena_new(0);
	ids = arena_array(out->arena, family->n, sizeof *ids);
	for (size_t i = 0; i < family->n; i++)
		if (revenue_groups_index(&p->groups, family->ids[i]) >= 0)
			ids[n++] = family->ids[i];
	if (n)
		qsort(ids, n, sizeof *ids, compare_ids);
	return load(p, ids, n, out, err);
}

#include "score/nrr.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/names.h"
#include "common/text.h"
#include "nrr_account.h"
#include "score/owner_book.h"

const char nrr_excluded[] = "(excluded)";
const char *const nrr_by_names[N_NRR_BY] = { "all", "segment", "region", "owner", "plan", "product", "cohort" };

/* One group's windows while they are summed, by span. Most accounts pay what they paid, in most windows: those are
 * counted apart, in little room. */
struct steady { int64_t n, minor; };
struct cells {
	struct steady *steady;
	struct nrr_sums *sums; /* of all others, in the end of everybody */
};

/* The windows of one breakdown: cells of a group are made when it is first met. */
struct breakdown {
	enum nrr_by by;
	struct names names;       /* of the groups; a group without a name is 0 */
	struct cells **cells; size_t room; /* by group */
};

struct computing {
	struct nrr_frame frame;
	struct arena *arena;
	struct breakdown by[N_NRR_BY];
	struct cells **plans, **products; /* their cells once they are found, by the facts' names */
	unsigned wanted;
	enum nrr_by whole_of; /* the breakdown whose groups add up to everything, if there is one; else NRR_BY_ALL */
};

/* groups ----------------------------------------------------------------------------------------------------------- */

/* The month in which the account first paid. */
static const char *first_month(const struct nrr_view *v, char text[8])
{
	int32_t first = REVENUE_OPEN;
	int year, month, day;

	for (size_t i = 0; i < v->n_pieces; i++)
		if (v->pieces[i].minor > 0 && v->pieces[i].from < first)
			first = v->pieces[i].from;
	if (first == REVENUE_BEGINNING || first == REVENUE_OPEN)
		return NULL;
	day_split(first, &year, &month, &day);
	text[0] = (char)('0' + year / 1000 % 10);
	text[1] = (char)('0' + year / 100 % 10);
	text[2] = (char)('0' + year / 10 % 10);
	text[3] = (char)('0' + year % 10);
	text[4] = '-';
	text[5] = (char)('0' + month / 10);
	text[6] = (char)('0' + month % 10);
	text[7] = '\0';
	return text;
}

const char *nrr_owner_of(const struct book *b, int32_t account, struct nrr_span span)
{
	struct owner_place place = owner_book_place(&b->facts->accounts[account], &b->policy->owner_book, span);

	return place.why == OWNER_COUNTS ? place.owner : nrr_excluded;
}

static const char *group_name(const struct nrr_view *v, enum nrr_by by, const struct nrr_span *span, char text[8])
{
	const struct book *b = v->frame->book;
	const struct revenue_account *x = &b->facts->accounts[v->account];
	int32_t day = b->policy->segment == SEGMENT_AT_END ? span->to : span->from;

	switch (by) {
	case NRR_BY_ALL:
	case NRR_BY_PLAN:
	case NRR_BY_PRODUCT:
	case N_NRR_BY:
		break;
	case NRR_BY_SEGMENT:
		return revenue_trait_on(&x->segment, day);
	case NRR_BY_REGION:
		return revenue_trait_on(&x->region, day);
	case NRR_BY_OWNER:
		return nrr_owner_of(b, v->account, *span);
	case NRR_BY_COHORT:
		return first_month(v, text);
	}
	return NULL;
}

/* Whether the account is in the same group in all windows. */
static bool is_settled(const struct nrr_view *v, enum nrr_by by)
{
	const struct revenue_account *x = &v->frame->book->facts->accounts[v->account];

	switch (by) {
	case NRR_BY_SEGMENT:
		return x->segment.n == 0;
	case NRR_BY_REGION:
		return x->region.n == 0;
	case NRR_BY_OWNER:
		return x->csm.n == 0 && x->am.n == 0 && v->frame->book->policy->owner_book.min_hold_days == 0;
	case NRR_BY_ALL:
	case NRR_BY_PLAN:
	case NRR_BY_PRODUCT:
	case NRR_BY_COHORT:
	case N_NRR_BY:
		break;
	}
	return true;
}

/* By day of the frame: the piece whose plan was paid most for; of equals the first by name. */
static int main_plans(const struct nrr_view *v, const struct book_piece ***out, struct err *err)
{
	const char *const *names = v->frame->book->facts->names;
	const struct book_piece **best = arena_array(v->frame->scratch, v->frame->n_days, sizeof *best);
	int64_t *most = arena_array(v->frame->scratch, v->frame->n_days, sizeof *most);

	for (size_t i = 0; i < v->n_pieces; i++) {
		const struct book_piece *p = &v->pieces[i];
		size_t end = nrr_place(v->frame, p->to);

		for (size_t day = nrr_place(v->frame, p->from); p->plan && !p->is_free && day < end; day++) {
			int64_t minor = p->minor;

			if (!v->total && nrr_view_worth(v, p, day, &minor, err) < 0)
				return -1;
			if (best[day] && (minor < most[day] ||
			                  (minor == most[day] && strcmp(names[p->plan], names[best[day]->plan]) >= 0)))
				continue;
			best[day] = p;
			most[day] = minor;
		}
	}
	*out = best;
	return 0;
}

/* sums ------------------------------------------------------------------------------------------------------------- */

void nrr_sums_clear(struct nrr_sums *sums, size_t n)
{
	memset(sums, 0, n * sizeof *sums);
}

static struct cells *cells_of(struct computing *c, struct breakdown *d, const char *name, struct err *err)
{
	int group = names_id(&d->names, text_is_blank(name) ? NULL : name);
	size_t at = (size_t)group, room = d->room;

	if (group < 0) {
		(void)err_set(err, ERR_INPUT, "more than %d groups by %s", MAX_NAMES, nrr_by_names[d->by]);
		return NULL;
	}
	if (at >= d->room) {
		d->room = 2 * at + 16;
		d->cells = arena_grow(c->arena, d->cells, room, d->room, sizeof(struct cells *));
	}
	if (!d->cells[at]) {
		struct cells *made = arena_alloc(c->arena, sizeof *made);

		made->steady = arena_array(c->arena, c->frame.n_spans, sizeof *made->steady);
		made->sums = arena_array(c->arena, c->frame.n_spans, sizeof *made->sums);
		d->cells[at] = made;
	}
	return d->cells[at];
}

/* The same of a name of the facts, found once. */
static struct cells *cells_of_name(struct computing *c, enum nrr_by by, struct cells **found, uint16_t name,
                                   struct err *err)
{
	if (!found[name])
		found[name] = cells_of(c, &c->by[by], c->frame.book->facts->names[name], err);
	return found[name];
}

/* Of n accounts that pay as much at both ends. The other members stay 0. */
static void set_steady(struct nrr_sums *s, int64_t n, int64_t minor)
{
	s->n_start = s->n_end = n;
	s->start_minor = s->end_minor = s->cohort_end_minor = s->kept_minor = minor;
}

/* Adds to one window what somebody pays at both ends, or else what is in part. */
static void add_to(struct cells *cells, size_t span, int64_t steady_minor, const struct nrr_sums *part)
{
	if (steady_minor > 0) {
		cells->steady[span].n++;
		cells->steady[span].minor += steady_minor;
	} else {
		nrr_sums_add(&cells->sums[span], part);
	}
}

/* One account while it is added to all windows. */
struct adding {
	struct computing *c;
	const struct nrr_view *v;
	const struct book_piece **plans;    /* by day of the frame */
	struct cells *settled[N_NRR_BY];    /* its cells, where its group is the same in all windows */
	struct nrr_sums part;               /* of one product in one window: here, for clearing it each time takes long */
};

/* What is paid at both ends of a span without a change; 0: there is more to say. */
static int64_t steady_minor(const struct nrr_view *v, const int64_t *at, size_t span)
{
	int64_t start = at[v->frame->from_at[span]], end = at[v->frame->to_at[span]];

	return start == end && start > 0 ? start : 0;
}

static bool is_unpaid(const struct nrr_view *v, const int64_t *at, size_t span)
{
	return !at[v->frame->from_at[span]] && !at[v->frame->to_at[span]];
}

/* Paid at both ends, and did not come anew. */
static bool has_stayed(const struct nrr_sums *whole)
{
	return whole->n_start && whole->n_end && !whole->n_churned;
}

static int add_products(struct adding *x, size_t span, const struct nrr_sums *whole, struct err *err)
{
	const struct nrr_view *v = x->v;
	bool is_plain = v->total && !v->frame->walk, stays = has_stayed(whole);

	for (size_t i = 0; i < v->n_rows; i++) {
		const struct nrr_row *row = &v->rows[i];
		int64_t steady = is_plain && stays && !row->next ? steady_minor(v, row->at, span) : 0;
		struct cells *cells;
		int rc = 1;

		if (!row->is_head || (is_plain && !row->next && is_unpaid(v, row->at, span)))
			continue;
		if (!steady && (rc = nrr_view_product(v, span, row, whole, &x->part, err)) < 0)
			return -1;
		if (rc == 0)
			continue;
		cells = cells_of_name(x->c, NRR_BY_PRODUCT, x->c->products, row->product, err);
		if (!cells)
			return -1;
		add_to(cells, span, steady, &x->part);
	}
	return 0;
}

/* By the plan that is paid for; where none is named, the one that the account is on. */
static struct cells *plan_cells(struct adding *x, size_t span, bool was_there, struct err *err)
{
	const struct nrr_frame *f = x->v->frame;
	size_t day = was_there ? f->from_at[span] : f->to_at[span];
	const struct book_piece *main = x->plans[day];

	if (main)
		return cells_of_name(x->c, NRR_BY_PLAN, x->c->plans, main->plan, err);
	return cells_of(x->c, &x->c->by[NRR_BY_PLAN],
	                revenue_trait_on(&f->book->facts->accounts[x->v->account].plan, f->days[day]), err);
}

static struct cells *find_cells(struct adding *x, enum nrr_by by, size_t span, const struct nrr_sums *whole,
                                struct err *err)
{
	const struct nrr_frame *f = x->v->frame;
	struct cells *cells;
	char text[8];

	if (by == NRR_BY_PLAN)
		return plan_cells(x, span, whole->n_start > 0, err);
	cells = cells_of(x->c, &x->c->by[by], group_name(x->v, by, &f->spans[span], text), err);
	if (cells && is_settled(x->v, by))
		x->settled[by] = cells;
	return cells;
}

/* steady: what the account pays at both ends without a change; else 0. */
static int add_window(struct adding *x, size_t span, int64_t steady, const struct nrr_sums *whole, struct err *err)
{
	for (int by = 0; by < N_NRR_BY; by++) {
		struct cells *cells = x->settled[by];

		if (!(x->c->wanted & 1u << by) || by == NRR_BY_PRODUCT || (by == NRR_BY_ALL && x->c->whole_of))
			continue;
		if (!cells && !(cells = find_cells(x, (enum nrr_by)by, span, whole, err)))
			return -1;
		add_to(cells, span, steady, whole);
	}
	return x->c->wanted & 1u << NRR_BY_PRODUCT ? add_products(x, span, whole, err) : 0;
}

static int add_account(struct computing *c, const struct nrr_view *v, struct err *err)
{
	struct adding x = { .c = c, .v = v };
	bool can_be_steady = v->total && v->n_runs == 1 && !v->frame->walk;

	struct nrr_sums same = { 0 }, other;

	if ((c->wanted & 1u << NRR_BY_PLAN) && main_plans(v, &x.plans, err) < 0)
		return -1;
	for (size_t i = 0; i < c->frame.n_spans; i++) {
		int64_t steady = can_be_steady ? steady_minor(v, v->total, i) : 0;
		int rc = steady ? 1 : nrr_view_sums(v, i, &other, err);

		if (steady)
			set_steady(&same, 1, steady);
		if (rc < 0 || (rc > 0 && add_window(&x, i, steady, steady ? &same : &other, err) < 0))
			return -1;
	}
	return 0;
}

/* Adds those who were counted apart to the rest. */
static void add_steady(struct computing *c, struct breakdown *d)
{
	for (size_t i = 0; i < d->room; i++)
		for (size_t span = 0; d->cells[i] && span < c->frame.n_spans; span++) {
			struct nrr_sums steady = { 0 };

			set_steady(&steady, d->cells[i]->steady[span].n, d->cells[i]->steady[span].minor);
			nrr_sums_add(&d->cells[i]->sums[span], &steady);
		}
}

/* ratios ----------------------------------------------------------------------------------------------------------- */

void nrr_work_out(struct nrr_window *w)
{
	const struct nrr_sums *s = &w->sums;

	assert(s->start_minor + s->added_minor + s->expansion_minor + s->reactivation_minor - s->contraction_minor -
	       s->churn_minor + s->fx_minor == s->end_minor);
	w->nrr = w->grr = w->logo = 0;
	if (w->why_none)
		return;
	w->nrr = (double)s->cohort_end_minor / (double)s->start_minor;
	w->grr = (double)s->kept_minor / (double)s->start_minor;
	w->logo = 1.0 - (double)s->n_churned / (double)s->n_start;
}

const char *nrr_why_none(const struct book *b, const struct nrr_window *w, struct arena *a)
{
	if (w->sums.start_minor > 0)
		return NULL;
	if (!b->n_pieces)
		return "insufficient history: no recurring revenue is known";
	if (b->first_on != DAY_NONE && b->first_on > w->span.from)
		return arena_printf(a, "insufficient history: revenue is known from %s on, the window begins %s",
		                    day_text(a, b->first_on), day_text(a, w->span.from));
	return arena_printf(a, "insufficient history: no recurring revenue on %s", day_text(a, w->span.from));
}

struct named { const char *name; const struct nrr_sums *cells; };

static int compare_named(const void *left, const void *right)
{
	return strcmp(((const struct named *)left)->name, ((const struct named *)right)->name);
}

static bool is_empty(const struct nrr_sums *s)
{
	static const struct nrr_sums none;

	return memcmp(s, &none, sizeof none) == 0;
}

static void make_table(struct computing *c, const struct breakdown *d, struct nrr_table *out)
{
	struct named *groups = arena_array(c->arena, d->room + 1, sizeof *groups);
	size_t n = 0, n_spans = c->frame.n_spans;

	for (size_t i = 0; i < d->room; i++)
		if (d->cells[i])
			groups[n++] = (struct named){ i ? d->names.at[i] : d->by == NRR_BY_ALL ? "" : "(none)", d->cells[i]->sums };
	if (d->by == NRR_BY_ALL && n == 0)
		groups[n++] = (struct named){ "", arena_array(c->arena, n_spans, sizeof(struct nrr_sums)) };
	if (n)
		qsort(groups, n, sizeof *groups, compare_named);
	*out = (struct nrr_table){ .rows = arena_array(c->arena, n * n_spans, sizeof *out->rows) };
	for (size_t span = 0; span < n_spans; span++)
		for (size_t i = 0; i < n; i++) {
			struct nrr_window *w = &out->rows[out->n];

			if (d->by != NRR_BY_ALL && is_empty(&groups[i].cells[span]))
				continue;
			*w = (struct nrr_window){ .span = c->frame.spans[span], .sums = groups[i].cells[span],
				.group = d->by == NRR_BY_ALL ? NULL : groups[i].name };
			w->why_none = nrr_why_none(c->frame.book, w, c->arena);
			nrr_work_out(w);
			out->n++;
		}
}

/* The breakdown with the fewest groups, of those in which each account is once. */
static enum nrr_by whole_of(unsigned wanted)
{
	static const enum nrr_by parts[] = { NRR_BY_SEGMENT, NRR_BY_REGION, NRR_BY_PLAN, NRR_BY_COHORT, NRR_BY_OWNER };

	for (size_t i = 0; i < ARRAY_LEN(parts) && wanted & 1u << NRR_BY_ALL; i++)
		if (wanted & 1u << parts[i])
			return parts[i];
	return NRR_BY_ALL;
}

static int add_whole(struct computing *c, struct err *err)
{
	const struct breakdown *parts = &c->by[c->whole_of];
	struct cells *cells = cells_of(c, &c->by[NRR_BY_ALL], NULL, err);

	for (size_t i = 0; cells && i < parts->room; i++)
		for (size_t span = 0; parts->cells[i] && span < c->frame.n_spans; span++)
			nrr_sums_add(&cells->sums[span], &parts->cells[i]->sums[span]);
	return cells ? 0 : -1;
}

int nrr_compute(const struct book *b, const struct nrr_query *query, struct arena *a, struct nrr_table out[N_NRR_BY],
                struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new(0);
	struct computing c = { .arena = a, .wanted = query->by, .whole_of = whole_of(query->by) };

	if (nrr_frame_make(b, query->spans, query->n_spans, a, scratch, &c.frame, err) < 0)
		return -1;
	c.plans = arena_array(a, b->facts->n_names, sizeof *c.plans);
	c.products = arena_array(a, b->facts->n_names, sizeof *c.products);
	for (int by = 0; by < N_NRR_BY; by++) {
		c.by[by].by = (enum nrr_by)by;
		names_init(&c.by[by].names, a);
	}
	for (size_t i = 0; i < b->facts->n_accounts; i++) {
		struct nrr_view v;

		if (b->first[i] == b->first[i + 1])
			continue;
		nrr_view_make(&c.frame, (int32_t)i, &v);
		if (add_account(&c, &v, err) < 0)
			return -1;
	}
	for (int by = 0; by < N_NRR_BY; by++)
		add_steady(&c, &c.by[by]);
	if (c.whole_of && add_whole(&c, err) < 0)
		return -1;
	for (int by = 0; by < N_NRR_BY; by++)
		if (query->by & 1u << by)
			make_table(&c, &c.by[by], &out[by]);
	return 0;
}

int nrr_each(const struct book *b, const struct nrr_span *spans, size_t n_spans, nrr_each_fn *tell, void *which,
             struct err *err)
{
	CLEANUP(arena_freep) struct arena *of_spans = arena_new(0), *scratch = NULL;
	struct nrr_frame frame;

	scratch = arena_new(0);
	if (nrr_frame_make(b, spans, n_spans, of_spans, scratch, &frame, err) < 0)
		return -1;
	for (size_t i = 0; i < b->facts->n_accounts; i++) {
		struct nrr_contribution c = { .account = (int32_t)i };
		struct nrr_view v;

		if (b->first[i] == b->first[i + 1])
			continue;
		nrr_view_make(&frame, c.account, &v);
		for (size_t span = 0; span < n_spans; span++) {
			int rc = nrr_view_sums(&v, span, &c.sums, err);

			if (rc < 0)
				return -1;
			if (rc > 0)
				tell(which, span, &c);
		}
	}
	return 0;
}

struct contributions { struct nrr_contribution *at; size_t n; };

static void add_contribution(void *which, size_t span, const struct nrr_contribution *c)
{
	struct contributions *all = which;

	(void)span;
	all->at[all->n++] = *c;
}

int nrr_contributions(const struct book *b, struct nrr_span span, struct arena *a, struct nrr_contribution **out,
                      size_t *n_out, struct err *err)
{
	struct contributions all = { .at = arena_array(a, b->facts->n_accounts, sizeof *all.at) };

	if (nrr_each(b, &span, 1, add_contribution, &all, err) < 0)
		return -1;
	*out = all.at;
	*n_out = all.n;
	return 0;
}

void nrr_add(struct nrr_window *sum, const struct nrr_window *part)
{
	nrr_sums_add(&sum->sums, &part->sums);
	sum->why_none = sum->sums.start_minor > 0 ? NULL : part->why_none ? part->why_none : sum->why_none;
	nrr_work_out(sum);
}

bool nrr_quick_ratio(const struct nrr_sums *s, double *out)
{
	int64_t lost = s->contraction_minor + s->churn_minor;

	if (lost == 0)
		return false;
	*out = (double)(s->added_minor + s->expansion_minor + s->reactivation_minor) / (double)lost;
	return true;
}

static int32_t first_of_month(int32_t day)
{
	int year, month, day_of_month;

	day_split(day, &year, &month, &day_of_month);
	return day - day_of_month + 1;
}

/* Whether somebody paid before the first dated day. */
static bool has_always_been(const struct book *b)
{
	for (size_t i = 0; i < b->n_pieces; i++)
		if (b->pieces[i].from == REVENUE_BEGINNING)
			return true;
	return false;
}

size_t nrr_months(const struct book *b, struct arena *a, int32_t **out)
{
	int32_t first, last;
	size_t n = 0;

	*out = NULL;
	if (b->first_on == DAY_NONE)
		return 0;
	first = day_add_months(first_of_month(b->first_on), has_always_been(b) ? 0 : 1);
	last = first_of_month(b->last_on);
	if (last < b->last_on)
		last = day_add_months(last, 1);
	for (int32_t day = first; day <= last && day <= b->facts->as_of; day = day_add_months(day, 1))
		n++;
	*out = arena_array(a, n, sizeof **out);
	for (size_t i = 0; i < n; i++)
		(*out)[i] = day_add_months(first, (int)i);
	return n;
}

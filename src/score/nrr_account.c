#include "nrr_account.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/money.h"

enum { MAX_SPANS = 20000, MAX_DAYS_ACROSS = 100000 };

/* frame ------------------------------------------------------------------------------------------------------------ */

static int compare_days(const void *left, const void *right)
{
	int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;

	return (a > b) - (a < b);
}

static size_t unique_days(const struct nrr_span *spans, size_t n_spans, int32_t *days)
{
	size_t n = 0;

	for (size_t i = 0; i < n_spans; i++) {
		days[2 * i] = spans[i].from;
		days[2 * i + 1] = spans[i].to;
	}
	qsort(days, 2 * n_spans, sizeof *days, compare_days);
	for (size_t i = 0; i < 2 * n_spans; i++)
		if (n == 0 || days[n - 1] != days[i])
			days[n++] = days[i];
	return n;
}

size_t nrr_place(const struct nrr_frame *f, int32_t day)
{
	if (day <= f->days[0])
		return 0;
	return day > f->days[f->n_days - 1] ? f->n_days : f->place[day - f->days[0]];
}

static void make_places(struct nrr_frame *f, struct arena *a)
{
	uint32_t *place;
	size_t at = 0, *from_at = arena_array(a, f->n_spans, sizeof *from_at), *to_at = arena_array(a, f->n_spans,
	                                                                                           sizeof *to_at);

	f->n_places = (size_t)(f->days[f->n_days - 1] - f->days[0]) + 1;
	place = arena_array(a, f->n_places, sizeof *place);
	for (size_t i = 0; i < f->n_places; i++) {
		if (f->days[at] < f->days[0] + (int32_t)i)
			at++;
		place[i] = (uint32_t)at;
	}
	f->place = place;
	for (size_t i = 0; i < f->n_spans; i++) {
		from_at[i] = nrr_place(f, f->spans[i].from);
		to_at[i] = nrr_place(f, f->spans[i].to);
	}
	f->from_at = from_at;
	f->to_at = to_at;
}

int nrr_frame_make(const struct book *b, const struct nrr_span *spans, size_t n_spans, struct arena *a,
                   struct arena *scratch, struct nrr_frame *out, struct err *err)
{
	struct nrr_frame f = { .book = b, .spans = spans, .n_spans = n_spans, .scratch = scratch };
	int32_t *days;

	if (n_spans == 0 || n_spans > MAX_SPANS)
		return err_set(err, ERR_INPUT, "%zu windows, expected 1 to %d", n_spans, MAX_SPANS);
	days = arena_array(a, 2 * n_spans, sizeof *days);
	f.n_days = unique_days(spans, n_spans, days);
	f.days = days;
	if ((int64_t)days[f.n_days - 1] - days[0] > MAX_DAYS_ACROSS)
		return err_set(err, ERR_INPUT, "windows from %s to %s, expected at most %d days", day_text(a, days[0]),
		               day_text(a, days[f.n_days - 1]), MAX_DAYS_ACROSS);
	make_places(&f, a);
	if (b->n_currencies > 1)
		f.rates = arena_array(a, b->facts->n_names * f.n_days, sizeof *f.rates);
	f.row_of = arena_array(a, b->facts->n_names, sizeof *f.row_of);
	if (b->policy->method == NRR_MOVEMENT_SUM)
		f.walk = walk_new(b, a);
	f.most_minor = INT64_MAX / 4 / ((int64_t)b->n_pieces + 1);
	*out = f;
	return 0;
}

/* view ------------------------------------------------------------------------------------------------------------- */

static struct nrr_row *row_for(struct nrr_frame *f, struct nrr_view *v, const struct book_piece *p)
{
	struct nrr_row *row;

	for (uint32_t at = f->row_of[p->product]; at; at = v->rows[at - 1].next)
		if (v->rows[at - 1].currency == p->currency)
			return &v->rows[at - 1];
	row = &v->rows[v->n_rows++];
	*row = (struct nrr_row){ p->product, p->currency, true, f->row_of[p->product],
	                         arena_array(f->scratch, f->n_days + 1, sizeof *row->at) };
	if (row->next)
		v->rows[row->next - 1].is_head = false;
	f->row_of[p->product] = (uint32_t)v->n_rows;
	return row;
}

/* What changes on a day. */
struct step { int32_t day; int64_t minor; };

static int compare_steps(const void *left, const void *right)
{
	const struct step *a = left, *b = right;

	return (a->day > b->day) - (a->day < b->day);
}

/* Where credits are among the pieces, their sum tells when anything was paid. */
static size_t sum_runs(struct nrr_frame *f, const struct nrr_view *v, struct nrr_span *runs)
{
	struct step *steps = arena_array(f->scratch, 2 * v->n_pieces, sizeof *steps);
	int64_t minor = 0;
	size_t n = 0;

	for (size_t i = 0; i < v->n_pieces; i++) {
		steps[2 * i] = (struct step){ v->pieces[i].from, v->pieces[i].minor };
		steps[2 * i + 1] = (struct step){ v->pieces[i].to, -v->pieces[i].minor };
	}
	qsort(steps, 2 * v->n_pieces, sizeof *steps, compare_steps);
	for (size_t i = 0; i < 2 * v->n_pieces; i++) {
		bool was_paid = minor > 0, is_last = i + 1 == 2 * v->n_pieces || steps[i + 1].day != steps[i].day;

		if (i > 0 && steps[i].day == steps[i - 1].day)
			was_paid = n && runs[n - 1].to == REVENUE_OPEN;
		minor += steps[i].minor;
		if (!is_last)
			continue;
		if (!was_paid && minor > 0)
			runs[n++] = (struct nrr_span){ steps[i].day, REVENUE_OPEN };
		else if (was_paid && minor <= 0)
			runs[n - 1].to = steps[i].day;
	}
	return n;
}

/* Pieces come in the order in which they begin. */
static size_t join_runs(const struct nrr_view *v, struct nrr_span *runs)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_pieces; i++) {
		const struct book_piece *p = &v->pieces[i];

		if (p->minor == 0)
			continue;
		if (n == 0 || p->from > runs[n - 1].to)
			runs[n++] = (struct nrr_span){ p->from, p->to };
		else if (p->to > runs[n - 1].to)
			runs[n - 1].to = p->to;
	}
	return n;
}

static void add_runs(struct nrr_frame *f, struct nrr_view *v)
{
	struct nrr_span *runs = arena_array(f->scratch, v->n_pieces, sizeof *runs);
	bool has_credits = false;

	for (size_t i = 0; i < v->n_pieces; i++)
		has_credits = has_credits || v->pieces[i].minor < 0;
	v->n_runs = has_credits ? sum_runs(f, v, runs) : join_runs(v, runs);
	v->runs = runs;
}

void nrr_view_make(struct nrr_frame *f, int32_t account, struct nrr_view *out)
{
	const struct book *b = f->book;
	struct nrr_view v = { .frame = f, .account = account, .pieces = b->pieces + b->first[account],
		.n_pieces = b->first[account + 1] - b->first[account] };

	arena_reset(f->scratch);
	v.rows = arena_array(f->scratch, v.n_pieces, sizeof *v.rows);
	for (size_t i = 0; i < v.n_pieces; i++) {
		struct nrr_row *row = row_for(f, &v, &v.pieces[i]);

		row->at[nrr_place(f, v.pieces[i].from)] += v.pieces[i].minor;
		row->at[nrr_place(f, v.pieces[i].to)] -= v.pieces[i].minor;
	}
	for (size_t i = 0; i < v.n_rows; i++) {
		for (size_t d = 1; d < f->n_days; d++)
			v.rows[i].at[d] += v.rows[i].at[d - 1];
		f->row_of[v.rows[i].product] = 0;
	}
	if (b->n_currencies <= 1 || b->policy->fx == FX_PURCHASE) {
		v.total = v.n_rows == 1 ? v.rows[0].at : arena_array(f->scratch, f->n_days, sizeof *v.total);
		for (size_t i = 0; v.n_rows > 1 && i < v.n_rows; i++)
			for (size_t d = 0; d < f->n_days; d++)
				v.total[d] += v.rows[i].at[d];
	}
	add_runs(f, &v);
	if (b->policy->addon == ADDON_IS_CHURN)
		v.contracts = nrr_contracts_make(&v, f->scratch);
	*out = v;
}

/* amounts ---------------------------------------------------------------------------------------------------------- */

static int exchange(const struct nrr_view *v, uint16_t currency, int64_t minor, size_t rate_at, int64_t *out,
                    struct err *err)
{
	const struct nrr_frame *f = v->frame;
	int64_t *rate;

	*out = minor;
	if (minor == 0 || currency == f->book->currency_name)
		return 0;
	rate = &f->rates[currency * f->n_days + rate_at];
	if (*rate == 0 && book_rate(f->book, currency, f->days[rate_at], rate, err) < 0)
		return -1;
	if (!book_exchange_fits(minor, *rate, f->most_minor))
		return err_set(err, ERR_INPUT, "recurring revenue in %s does not fit into 64 bits",
		               f->book->facts->names[currency]);
	*out = book_exchange(minor, *rate);
	return 0;
}

int nrr_view_worth(const struct nrr_view *v, const struct book_piece *p, size_t day, int64_t *out, struct err *err)
{
	*out = p->minor;
	return v->total ? 0 : exchange(v, p->currency, p->minor, day, out, err);
}

/* Both ends, the second at the first's rates (end) and at its own (spot). */
struct ends { int64_t start, end, spot; };

static int add_row(const struct nrr_view *v, const struct nrr_row *row, size_t span, struct ends *io, struct err *err)
{
	size_t i = v->frame->from_at[span], j = v->frame->to_at[span];
	int64_t start, end, spot;

	if (v->total) {
		*io = (struct ends){ io->start + row->at[i], io->end + row->at[j], io->spot + row->at[j] };
		return 0;
	}
	if (exchange(v, row->currency, row->at[i], i, &start, err) < 0 ||
	    exchange(v, row->currency, row->at[j], i, &end, err) < 0 ||
	    exchange(v, row->currency, row->at[j], j, &spot, err) < 0)
		return -1;
	*io = (struct ends){ io->start + start, io->end + end, io->spot + spot };
	return 0;
}

static int read_ends(const struct nrr_view *v, size_t span, struct ends *out, struct err *err)
{
	*out = (struct ends){ 0 };
	if (v->total) {
		*out = (struct ends){ v->total[v->frame->from_at[span]], v->total[v->frame->to_at[span]],
		                      v->total[v->frame->to_at[span]] };
		return 0;
	}
	for (size_t i = 0; i < v->n_rows; i++)
		if (add_row(v, &v->rows[i], span, out, err) < 0)
			return -1;
	return 0;
}

/* Of the product that begins with this row. */
static int product_ends(const struct nrr_view *v, size_t span, const struct nrr_row *first, struct ends *out,
                        struct err *err)
{
	*out = (struct ends){ 0 };
	for (const struct nrr_row *row = first; row; row = row->next ? &v->rows[row->next - 1] : NULL)
		if (add_row(v, row, span, out, err) < 0)
			return -1;
	return 0;
}

/* classes ---------------------------------------------------------------------------------------------------------- */

/* Whether there was revenue on an earlier monthly mark that lies in a run: `from` minus one month, two months, ... */
static bool has_mark(int32_t from, const struct nrr_span *run)
{
	int32_t last = run->to - 1 < from - 1 ? run->to - 1 : from - 1;
	int year, month, day, last_year, last_month;

	if (run->from >= from)
		return false;
	day_split(from, &year, &month, &day);
	day_split(last, &last_year, &last_month, &day);
	for (int back = 12 * (year - last_year) + month - last_month; ; back++) {
		int32_t mark = day_add_months(from, -back);

		if (back > 0 && mark <= last)
			return mark >= run->from;
	}
}

static bool paid_before(const struct nrr_view *v, int32_t from)
{
	for (size_t i = 0; i < v->n_runs; i++)
		if (has_mark(from, &v->runs[i]))
			return true;
	return false;
}

/* Whether revenue stopped and came back within a span, for more than so many days. */
static bool has_gap(const struct nrr_view *v, const struct nrr_span *span, int64_t days)
{
	for (size_t i = 1; i < v->n_runs; i++)
		if (v->runs[i - 1].to > span->from && v->runs[i].from <= span->to &&
		    (int64_t)v->runs[i].from - v->runs[i - 1].to > days)
			return true;
	return false;
}

/* Whether who came back first behind a day had been away for too long to be the same customer. */
static bool is_back_too_late(const struct nrr_view *v, int32_t day)
{
	int64_t days = v->frame->book->policy->back_within_days;
	size_t i = 0;

	while (i < v->n_runs && v->runs[i].from <= day)
		i++;
	return days > 0 && i > 0 && i < v->n_runs && (int64_t)v->runs[i].from - v->runs[i - 1].to > days;
}

/* By the last piece that ended. */
static bool is_involuntary(const struct nrr_view *v, int32_t to)
{
	const struct book_piece *last = NULL;

	for (size_t i = 0; i < v->n_pieces; i++)
		if (!v->pieces[i].is_free && v->pieces[i].to <= to && (!last || v->pieces[i].to > last->to ||
		                              (v->pieces[i].to == last->to && v->pieces[i].is_involuntary)))
			last = &v->pieces[i];
	return last && last->is_involuntary;
}

/* Of a net gain: what came with products that were not paid for at the start. Where none was named at the start,
 * nobody can tell. */
static int cross_sold(const struct nrr_view *v, size_t span, int64_t gain, int64_t *out, struct err *err)
{
	int64_t gained = 0;
	bool is_named = false;

	for (size_t i = 0; i < v->n_rows && v->n_rows > 1; i++) {
		struct ends e;

		if (!v->rows[i].is_head || !v->rows[i].product)
			continue;
		if (product_ends(v, span, &v->rows[i], &e, err) < 0)
			return -1;
		is_named = is_named || e.start > 0;
		if (e.start <= 0 && e.end > 0)
			gained += e.end;
	}
	*out = !is_named ? 0 : gained < gain ? gained : gain;
	return 0;
}

/* Of who stays and pays less: what contracts came to that ended while others went on is churn to those who say so, the
 * rest is contraction. first: of one product only; NULL: of all. */
static int add_loss(const struct nrr_view *v, size_t span, const struct nrr_row *first, int64_t loss,
                    struct nrr_sums *out, struct err *err)
{
	const struct nrr_span *s = &v->frame->spans[span];
	int64_t ended = 0;

	for (size_t i = 0; v->frame->book->policy->addon == ADDON_IS_CHURN && i < v->n_pieces; i++) {
		const struct book_piece *p = &v->pieces[i];
		int64_t minor;

		if (p->minor <= 0 || s->from < p->from || s->from >= p->to || (first && p->product != first->product) ||
		    !nrr_ended_alone(v, p->contract, s->to))
			continue;
		if (exchange(v, p->currency, p->minor, v->frame->from_at[span], &minor, err) < 0)
			return -1;
		ended += minor;
	}
	out->churn_minor = ended < loss ? ended : loss;
	out->contraction_minor = loss - out->churn_minor;
	return 0;
}

static int add_change(const struct nrr_view *v, size_t span, const struct ends *e, struct nrr_sums *out,
                      struct err *err)
{
	const struct nrr_span *s = &v->frame->spans[span];

	if (e->end == 0 && book_is_free_on(v->frame->book, v->account, s->to)) {
		out->churn_minor = out->free_minor = e->start;
	} else if (e->end == 0) {
		out->churn_minor = e->start;
		out->n_churned = 1;
		if (is_involuntary(v, s->to))
			out->involuntary_minor = e->start;
	} else if (e->end < e->start) {
		return add_loss(v, span, NULL, e->start - e->end, out, err);
	} else if (e->end > e->start) {
		out->expansion_minor = e->end - e->start;
		return cross_sold(v, span, out->expansion_minor, &out->cross_sell_minor, err);
	}
	return 0;
}

/* Of an account that paid at the start; one that left and came back is churn and reactivation to who is strict, and a
 * new customer when it was away for too long. */
static int add_cohort(const struct nrr_view *v, size_t span, const struct ends *e, struct nrr_sums *out,
                      struct err *err)
{
	const struct nrr_policy *p = v->frame->book->policy;
	bool is_back = e->end > 0 && has_gap(v, &v->frame->spans[span], 0);
	bool is_new = is_back && p->back_within_days && has_gap(v, &v->frame->spans[span], p->back_within_days);
	int64_t end = p->fx == FX_SPOT ? e->spot : e->end;

	out->n_start = 1;
	if (is_new || (is_back && p->back_in_cohort == BACK_STRICT)) {
		out->n_churned = 1;
		out->churn_minor = e->start;
		*(is_new ? &out->added_minor : &out->reactivation_minor) = e->end;
		return 0;
	}
	if (is_back)
		out->returned_minor = end;
	out->cohort_end_minor = end;
	out->kept_minor = end < e->start ? end : e->start;
	return add_change(v, span, e, out, err);
}

/* Of an account that did not pay at the start. */
static void add_outsider(const struct nrr_view *v, size_t span, const struct ends *e, struct nrr_sums *out)
{
	const struct nrr_policy *p = v->frame->book->policy;
	int32_t from = v->frame->spans[span].from;

	if (!paid_before(v, from) || is_back_too_late(v, from)) {
		out->added_minor = e->end;
		return;
	}
	out->reactivation_minor = e->end;
	if (p->back_outside == BACK_CREDITED)
		out->cohort_end_minor = p->fx == FX_SPOT ? e->spot : e->end;
}

static void begin_sums(const struct ends *e, struct nrr_sums *out)
{
	nrr_sums_clear(out, 1);
	out->n_end = e->end > 0;
	out->start_minor = e->start;
	out->end_minor = e->spot;
	out->fx_minor = e->spot - e->end;
}

int nrr_view_sums(const struct nrr_view *v, size_t span, struct nrr_sums *out, struct err *err)
{
	const struct nrr_frame *f = v->frame;
	struct ends e;

	if (f->walk && walk_has_movements(f->walk, v->account, f->spans[span]))
		return walk_sums(f->walk, v->account, f->spans[span], out, err);
	if (read_ends(v, span, &e, err) < 0)
		return -1;
	e = (struct ends){ e.start > 0 ? e.start : 0, e.end > 0 ? e.end : 0, e.end > 0 && e.spot > 0 ? e.spot : 0 };
	if (!e.start && !e.end)
		return 0;
	begin_sums(&e, out);
	if (e.start)
		return add_cohort(v, span, &e, out, err) < 0 ? -1 : 1;
	add_outsider(v, span, &e, out);
	return 1;
}

/* Paid at both ends and counts as gone and come all the same. */
static bool has_begun_anew(const struct nrr_sums *whole)
{
	return whole->n_churned && whole->n_end;
}

/* The class of a product's change is the account's own: who stays and drops a product contracts. */
static int class_product(const struct nrr_view *v, size_t span, const struct nrr_row *first,
                         const struct nrr_sums *whole, const struct ends *e, struct nrr_sums *out, struct err *err)
{
	if (!whole->start_minor || has_begun_anew(whole)) {
		out->churn_minor = e->start;
		*(whole->reactivation_minor ? &out->reactivation_minor : &out->added_minor) = e->end;
	} else if (!whole->n_end) {
		out->churn_minor = e->start;
		out->involuntary_minor = whole->involuntary_minor ? e->start : 0;
		out->free_minor = whole->free_minor ? e->start : 0;
	} else if (e->end < e->start) {
		return add_loss(v, span, first, e->start - e->end, out, err);
	} else {
		out->expansion_minor = e->end - e->start;
		out->cross_sell_minor = e->start <= 0 ? out->expansion_minor : 0;
	}
	return 0;
}

/* What of a product's end counts: the cohort's, and of those who came back where they are credited. */
static void count_product(const struct nrr_sums *whole, int64_t start, int64_t end, struct nrr_sums *out)
{
	if (has_begun_anew(whole))
		return;
	if (whole->start_minor || whole->cohort_end_minor)
		out->cohort_end_minor = end;
	if (whole->start_minor)
		out->kept_minor = end < start ? end : start;
}

int nrr_view_product(const struct nrr_view *v, size_t span, const struct nrr_row *first, const struct nrr_sums *whole,
                     struct nrr_sums *out, struct err *err)
{
	const struct nrr_frame *f = v->frame;
	bool is_there = whole->n_end > 0;
	struct ends e;

	if (f->walk && walk_has_movements(f->walk, v->account, f->spans[span]))
		return walk_product(f->walk, first->product, out);
	if (product_ends(v, span, first, &e, err) < 0)
		return -1;
	e = (struct ends){ whole->start_minor ? e.start : 0, is_there ? e.end : 0, whole->end_minor ? e.spot : 0 };
	if (!e.start && !e.end && !e.spot)
		return 0;
	begin_sums(&e, out);
	out->n_start = e.start > 0;
	out->n_churned = e.start > 0 && e.end <= 0;
	count_product(whole, e.start, v->frame->book->policy->fx == FX_SPOT ? e.spot : e.end, out);
	return class_product(v, span, first, whole, &e, out, err) < 0 ? -1 : 1;
}

void nrr_sums_add(struct nrr_sums *sum, const struct nrr_sums *part)
{
	int64_t *to = (int64_t *)sum;
	const int64_t *from = (const int64_t *)part;

	_Static_assert(sizeof *sum % sizeof *to == 0, "all members are int64_t");
	for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
		to[i] += from[i];
}

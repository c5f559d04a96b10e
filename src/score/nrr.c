#include "score/nrr.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

/* Whether the account paid on an earlier monthly mark: from minus one month, two months, ... */
static bool paid_before(const struct revenue *r, size_t account, int32_t from)
{
	const struct revenue_account *x = &r->accounts[account];
	int32_t first = x->n_pieces ? r->pieces[x->first_piece].from : REVENUE_OPEN;

	for (int months = 1;; months++) {
		int32_t mark = day_add_months(from, -months);

		if (mark < first || months > 12 * 100)
			return false;
		if (revenue_on(r, account, mark) > 0)
			return true;
	}
}

/* Every account at its two ends falls into one class. */
static void add_account(struct nrr_window *w, int64_t start, int64_t end, bool is_back)
{
	w->n_start += start > 0;
	w->n_churned += start > 0 && end == 0;
	w->start_minor += start;
	w->end_minor += end;
	if (start == 0)
		*(is_back ? &w->reactivation_minor : &w->added_minor) += end;
	else if (end == 0)
		w->churn_minor += start;
	else if (end < start)
		w->contraction_minor += start - end;
	else
		w->expansion_minor += end - start;
}

static void work_out(struct nrr_window *w)
{
	int64_t kept = w->start_minor - w->churn_minor - w->contraction_minor;

	assert(w->start_minor + w->added_minor + w->expansion_minor + w->reactivation_minor - w->contraction_minor -
	       w->churn_minor == w->end_minor);
	w->nrr = w->grr = w->logo = 0;
	if (w->why_none)
		return;
	w->nrr = (double)(kept + w->expansion_minor) / (double)w->start_minor;
	w->grr = (double)kept / (double)w->start_minor;
	w->logo = 1.0 - (double)w->n_churned / (double)w->n_start;
}

static const char *why_none(const struct revenue *r, const struct nrr_window *w, struct arena *a)
{
	if (w->start_minor > 0)
		return NULL;
	if (!r->n_pieces)
		return "insufficient history: no recurring revenue is known";
	if (r->first_on != DAY_NONE && r->first_on > w->from)
		return arena_printf(a, "insufficient history: revenue is known from %s on, the window begins %s",
		                    day_text(a, r->first_on), day_text(a, w->from));
	return arena_printf(a, "insufficient history: no recurring revenue on %s", day_text(a, w->from));
}

struct placed {
	const char *group;
	size_t account;
	int64_t start, end;
};

static int compare_placed(const void *left, const void *right)
{
	const struct placed *a = left, *b = right;
	int order = strcmp(a->group, b->group);

	return order ? order : (a->account > b->account) - (a->account < b->account);
}

void nrr_compute(const struct revenue *r, int32_t from, int32_t to, enum revenue_by by, struct arena *a,
                 struct nrr_window **out, size_t *n_out)
{
	struct placed *placed = arena_array(a, r->n_accounts + 1, sizeof *placed);
	struct nrr_window *windows = arena_array(a, r->n_accounts + 1, sizeof *windows);
	size_t n = 0, n_windows = 0;

	for (size_t i = 0; i < r->n_accounts; i++) {
		struct placed p = { .account = i, .start = revenue_on(r, i, from), .end = revenue_on(r, i, to) };

		if (!p.start && !p.end)
			continue;
		p.group = revenue_group(r, i, by, from, to);
		placed[n++] = p;
	}
	qsort(placed, n, sizeof *placed, compare_placed);
	if (by == REVENUE_BY_ALL)
		windows[n_windows++] = (struct nrr_window){ .from = from, .to = to };
	for (size_t i = 0; i < n; i++) {
		const struct placed *p = &placed[i];

		if (by != REVENUE_BY_ALL && (i == 0 || strcmp(p->group, placed[i - 1].group) != 0))
			windows[n_windows++] = (struct nrr_window){ .from = from, .to = to, .group = p->group };
		add_account(&windows[n_windows - 1], p->start, p->end, p->start == 0 && paid_before(r, p->account, from));
	}
	for (size_t i = 0; i < n_windows; i++) {
		windows[i].why_none = why_none(r, &windows[i], a);
		work_out(&windows[i]);
	}
	*out = windows;
	*n_out = n_windows;
}

void nrr_add(struct nrr_window *sum, const struct nrr_window *part)
{
	sum->n_start += part->n_start;
	sum->n_churned += part->n_churned;
	sum->start_minor += part->start_minor;
	sum->added_minor += part->added_minor;
	sum->expansion_minor += part->expansion_minor;
	sum->reactivation_minor += part->reactivation_minor;
	sum->contraction_minor += part->contraction_minor;
	sum->churn_minor += part->churn_minor;
	sum->end_minor += part->end_minor;
	sum->why_none = sum->start_minor > 0 ? NULL : part->why_none ? part->why_none : sum->why_none;
	work_out(sum);
}

bool nrr_quick_ratio(const struct nrr_window *w, double *out)
{
	int64_t lost = w->contraction_minor + w->churn_minor;

	if (lost == 0)
		return false;
	*out = (double)(w->added_minor + w->expansion_minor + w->reactivation_minor) / (double)lost;
	return true;
}

static int32_t first_of_month(int32_t day)
{
	int year, month, day_of_month;

	day_split(day, &year, &month, &day_of_month);
	return day - day_of_month + 1;
}

size_t nrr_months(const struct revenue *r, int32_t as_of, struct arena *a, int32_t **out)
{
	int32_t first, last;
	size_t n = 0;

	*out = NULL;
	if (r->first_on == DAY_NONE)
		return 0;
	first = first_of_month(r->first_on);
	last = first_of_month(r->last_on);
	if (last < r->last_on)
		last = day_add_months(last, 1);
	for (int32_t day = first; day <= last && day <= as_of; day = day_add_months(day, 1))
		n++;
	*out = arena_array(a, n, sizeof **out);
	for (size_t i = 0; i < n; i++)
		(*out)[i] = day_add_months(first, (int)i);
	return n;
}

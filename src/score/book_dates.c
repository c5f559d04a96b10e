/* Until when a line counts: the date of churn, bills that nobody pays, gaps too short to be one. */
#include <stdlib.h>

#include "book_parts.h"
#include "common/clock.h"

static int compare_days(const void *left, const void *right)
{
	int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;

	return (a > b) - (a < b);
}

/* Sorts the days on which lines of the account of a line begin, once for all of its lines. */
static void gather_starts(struct making *m, size_t line)
{
	const struct revenue *facts = m->book->facts;
	int32_t account = facts->lines[line].account;
	size_t first = line, end = line;

	if (m->starts && m->starts_of == account)
		return;
	while (first > 0 && facts->lines[first - 1].account == account)
		first--;
	while (end < facts->n_lines && facts->lines[end].account == account)
		end++;
	m->starts = arena_array(m->arena, end - first, sizeof *m->starts);
	m->starts_of = account;
	m->n_starts = 0;
	for (size_t i = first; i < end; i++)
		if (book_is_of(m, &facts->lines[i]))
			m->starts[m->n_starts++] = facts->lines[i].from;
	if (m->n_starts)
		qsort(m->starts, m->n_starts, sizeof *m->starts, compare_days);
}

/* The first day, no earlier than a line's end, on which a line of its account begins: what was paid for is not counted
 * beside what took its place. */
static int32_t next_start(struct making *m, size_t line)
{
	int32_t day = m->book->facts->lines[line].to;
	size_t low = 0, high;

	gather_starts(m, line);
	for (high = m->n_starts; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (m->starts[middle] < day)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->n_starts ? m->starts[low] : REVENUE_OPEN;
}

int32_t book_end_of(struct making *m, size_t line)
{
	const struct revenue_line *l = &m->book->facts->lines[line];
	int32_t next;

	switch (m->book->policy->churn_date) {
	case CHURN_AT_NOTICE:
		return l->notice_on != DAY_NONE && l->notice_on < l->to ? l->notice_on : l->to;
	case CHURN_AT_PERIOD_END:
		if (!l->is_last || l->to == REVENUE_OPEN || l->paid_until == DAY_NONE || l->paid_until <= l->to)
			return l->to;
		next = next_start(m, line);
		return l->paid_until < next ? l->paid_until : next;
	case CHURN_AT_BILLING_END:
		break;
	}
	return l->to;
}

/* Whether a bill stayed unpaid for longer than the policy allows. */
static bool is_overdue(const struct making *m, const struct revenue_due *d)
{
	int32_t until = d->paid_on == REVENUE_OPEN ? m->book->facts->as_of : d->paid_on;

	return (int64_t)until - d->due_on > m->book->policy->past_due_days;
}

/* The account's bills; lines come by account and so do they. */
static size_t first_due(struct making *m, int32_t account)
{
	const struct revenue *facts = m->book->facts;

	while (m->next_due < facts->n_dues && facts->dues[m->next_due].account < account)
		m->next_due++;
	return m->next_due;
}

/* Whether a bill was due when the piece was over: on the very day only where its contract was over, too. */
static bool is_behind(const struct revenue_due *d, const struct book_piece *piece)
{
	return d->due_on > piece->to || (d->due_on == piece->to && piece->is_contract_end);
}

int book_add_paid(struct making *m, const struct revenue_line *line, const struct book_piece *piece, struct err *err)
{
	const struct revenue *facts = m->book->facts;
	struct book_piece rest = *piece;

	if (m->book->policy->past_due_days < 0)
		return book_add_piece(m, line, piece, err);
	for (size_t i = first_due(m, line->account); i < facts->n_dues && facts->dues[i].account == line->account; i++) {
		const struct revenue_due *d = &facts->dues[i];
		struct book_piece paid = rest;

		if (d->paid_on <= rest.from || is_behind(d, &rest) || !is_overdue(m, d))
			continue;
		paid.to = d->due_on;
		paid.is_involuntary = true;
		paid.is_contract_end = false;
		if (book_add_piece(m, line, &paid, err) < 0)
			return -1;
		rest.from = d->paid_on;
		rest.is_contract_start = rest.is_contract_start && paid.from >= paid.to;
	}
	return book_add_piece(m, line, &rest, err);
}

/* Draws the pieces of one account that end where a short gap begins out to its end; true when there was one. */
static bool bridge_account(struct book_piece *pieces, size_t n, int64_t days)
{
	int32_t covered = REVENUE_BEGINNING;
	bool is_changed = false;

	for (size_t i = 0; i < n; i++) {
		int32_t from = pieces[i].from;
		bool is_short = covered > REVENUE_BEGINNING && from > covered && (int64_t)from - covered < days;

		if (pieces[i].minor <= 0)
			continue;
		for (size_t k = 0; is_short && k < i; k++) {
			if (pieces[k].to != covered || pieces[k].minor <= 0)
				continue;
			pieces[k].to = from;
			pieces[k].is_involuntary = false;
			is_changed = true;
		}
		if (pieces[i].to > covered)
			covered = pieces[i].to;
	}
	return is_changed;
}

void book_bridge_gaps(struct making *m, struct book_piece *pieces, const size_t *first)
{
	int64_t days = m->book->policy->back_after_days;

	for (size_t i = 0; days > 0 && i < m->book->facts->n_accounts; i++) {
		size_t n = first[i + 1] - first[i];

		if (n > 1 && bridge_account(pieces + first[i], n, days))
			qsort(pieces + first[i], n, sizeof *pieces, book_compare_pieces);
	}
}

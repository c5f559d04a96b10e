#include "score/book.h"

#include <stdlib.h>
#include <string.h>

#include "book_parts.h"
#include "common/clock.h"

bool book_is_of(const struct making *m, const struct revenue_line *line)
{
	enum nrr_usage usage = m->book->policy->usage;

	if (line->is_trial || line->kind == REVENUE_ONCE)
		return false;
	return m->query->revenue == BOOK_USAGE ? line->kind == REVENUE_USAGE && usage == USAGE_SEPARATE
	                                       : line->kind == REVENUE_RECURRING || usage == USAGE_INCLUDED;
}

static bool is_wanted(const struct making *m, const struct revenue_line *line)
{
	if (!book_is_of(m, line) || (line->is_paused && m->book->policy->paused == PAUSED_IS_ZERO))
		return false;
	if (!m->query->only || (m->only && line->currency == m->only))
		return true;
	m->book->n_left_out++;
	return false;
}

/* Counts the sizes of all pieces together: as long as they fit, so does every sum of some of them. */
static int add_size(struct making *m, int64_t minor, struct err *err)
{
	if (minor == INT64_MIN || __builtin_add_overflow(m->total_minor, minor < 0 ? -minor : minor, &m->total_minor))
		return err_set(err, ERR_INPUT, "recurring revenue of all accounts together does not fit into 64 bits");
	return 0;
}

int book_add_piece(struct making *m, const struct revenue_line *line, const struct book_piece *piece, struct err *err)
{
	if (piece->from >= piece->to || (piece->minor == 0 && !piece->is_free))
		return 0;
	m->book->n_credits += piece->minor < 0;
	if (piece->minor < 0 && m->book->policy->credits == CREDITS_EXCLUDED)
		return 0;
	if (add_size(m, piece->minor, err) < 0)
		return -1;
	m->has_annual[line->account] |= line->contract < 0;
	m->is_used[piece->currency] |= piece->minor != 0;
	if (m->n == m->room) {
		m->room = 2 * m->room + 1;
		m->pieces = arena_grow(m->arena, m->pieces, m->n, m->room, sizeof *m->pieces);
	}
	m->pieces[m->n++] = *piece;
	return 0;
}

static int64_t discounted(const struct nrr_policy *p, const struct revenue_line *line)
{
	bool is_off = p->discounts == DISCOUNTS_NET ||
		(p->discounts == DISCOUNTS_FOREVER_ONLY && line->discount_until == REVENUE_OPEN);

	if (!is_off || line->minor <= 0)
		return line->minor;
	return line->discount_minor < line->minor ? line->minor - line->discount_minor : 0;
}

static bool is_free(const struct making *m, const struct revenue_line *line, int64_t minor)
{
	return minor == 0 && line->kind == REVENUE_RECURRING && line->contract >= 0 &&
		m->book->policy->free_plan == FREE_IS_ACTIVE;
}

/* Lines of one contract follow each other. */
static bool is_contract_start(const struct making *m, const struct revenue_line *line)
{
	return line == m->book->facts->lines || line[-1].contract != line->contract;
}

/* One line gives one piece, or two where its discount ends before it does. */
static int add_line(struct making *m, size_t i, struct err *err)
{
	const struct revenue_line *line = &m->book->facts->lines[i];
	struct book_piece piece = { .account = book_top(m->book, line->account), .from = line->from,
		.to = book_end_of(m, i), .contract = m->contract, .minor = discounted(m->book->policy, line),
		.product = line->product, .plan = line->plan, .currency = line->currency,
		.is_contract_start = is_contract_start(m, line) };
	struct book_piece behind;

	piece.is_contract_end = line->is_last || piece.to < line->to;
	piece.is_involuntary = line->is_last && line->is_involuntary && piece.to >= line->to;
	piece.is_free = is_free(m, line, piece.minor);
	if (piece.minor == line->minor || line->discount_until >= piece.to)
		return book_add_paid(m, line, &piece, err);
	behind = piece;
	behind.minor = line->minor;
	behind.is_free = false;
	behind.is_contract_start = piece.is_contract_start && line->discount_until <= line->from;
	piece.is_contract_end = piece.is_involuntary = false;
	piece.to = behind.from = line->discount_until > line->from ? line->discount_until : line->from;
	return book_add_paid(m, line, &piece, err) < 0 ? -1 : book_add_paid(m, line, &behind, err);
}

static int add_lines(struct making *m, struct err *err)
{
	const struct revenue *facts = m->book->facts;

	for (size_t i = 0; i < facts->n_lines; i++) {
		m->contract += i > 0 && facts->lines[i].contract != facts->lines[i - 1].contract;
		if (is_wanted(m, &facts->lines[i]) && add_line(m, i, err) < 0)
			return -1;
	}
	return 0;
}

/* order ------------------------------------------------------------------------------------------------------------ */

int book_compare_pieces(const void *left, const void *right)
{
	const struct book_piece *a = left, *b = right;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (a->product != b->product)
		return a->product < b->product ? -1 : 1;
	if (a->plan != b->plan)
		return a->plan < b->plan ? -1 : 1;
	if (a->currency != b->currency)
		return a->currency < b->currency ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	return a->is_involuntary - b->is_involuntary;
}

/* Mostly they are few and come in order, for contracts are numbered as they begin. Equal ones stay as they came. */
static void sort_some(struct book_piece *pieces, size_t n)
{
	enum { FEW = 40 };

	if (n > FEW) {
		qsort(pieces, n, sizeof *pieces, book_compare_pieces);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct book_piece piece = pieces[i];
		size_t to = i;

		for (; to > 0 && book_compare_pieces(&pieces[to - 1], &piece) > 0; to--)
			pieces[to] = pieces[to - 1];
		pieces[to] = piece;
	}
}

/* As lines are, unless something counts under another account than its own. */
static bool are_by_account(const struct making *m)
{
	for (size_t i = 1; i < m->n; i++)
		if (m->pieces[i].account < m->pieces[i - 1].account)
			return false;
	return true;
}

/* Puts the pieces beside those of the same account, then in order: in one pass over accounts, for they are many. */
static void sort_pieces(struct making *m, struct arena *a)
{
	struct book *b = m->book;
	size_t n_accounts = b->facts->n_accounts;
	size_t *first = arena_array(a, n_accounts + 2, sizeof *first);
	struct book_piece *sorted = are_by_account(m) ? m->pieces : arena_array(a, m->n, sizeof *sorted);

	for (size_t i = 0; i < m->n; i++)
		first[m->pieces[i].account + 2]++;
	for (size_t i = 2; i <= n_accounts; i++)
		first[i] += first[i - 1];
	for (size_t i = 0; i < m->n; i++)
		sorted[first[m->pieces[i].account + 1]++] = m->pieces[i]; /* in its own place, if they are by account */
	for (size_t i = 0; i < n_accounts; i++)
		sort_some(sorted + first[i], first[i + 1] - first[i]);
	book_bridge_gaps(m, sorted, first);
	b->pieces = sorted;
	b->n_pieces = m->n;
	b->first = first;
}

/* Takes note of the days between which there is something to report; never of days that were not known yet. */
static void note_day(struct book *b, int32_t day)
{
	if (day == REVENUE_BEGINNING || day > b->facts->as_of)
		return;
	if (b->first_on == DAY_NONE || day < b->first_on)
		b->first_on = day;
	if (b->last_on == DAY_NONE || day > b->last_on)
		b->last_on = day;
}

/* currencies ------------------------------------------------------------------------------------------------------- */

static uint16_t name_id(const struct revenue *facts, const char *name)
{
	for (size_t i = 1; name && i < facts->n_names; i++)
		if (strcmp(facts->names[i], name) == 0)
			return (uint16_t)i;
	return 0;
}

/* One currency needs no rates, whichever it is; several are told in the one that was asked for. */
static int choose_currency(struct making *m, struct err *err)
{
	struct book *b = m->book;
	uint16_t last = 0, before = 0;

	for (size_t i = 1; i < b->facts->n_names; i++) {
		if (!m->is_used[i])
			continue;
		b->n_currencies++;
		before = last;
		last = (uint16_t)i;
	}
	if (b->n_currencies > 1 && !m->query->currency && !m->query->whole)
		return err_set(err, ERR_CONFIG, "recurring revenue is in %s and in %s: choose one with --currency",
		               b->facts->names[before], b->facts->names[last]);
	b->currency = b->n_currencies == 1 ? b->facts->names[last] : m->query->only ? m->query->only : m->query->currency;
	if (m->query->whole) {
		b->n_currencies = m->query->whole->n_currencies;
		b->currency = m->query->whole->currency;
	}
	b->currency_name = name_id(b->facts, b->currency);
	return 0;
}

/* Each piece at the rate of the day on which it began, for policies that never look at rates again. */
static int exchange_pieces(struct making *m, struct err *err)
{
	int32_t first_on = m->query->whole ? m->query->whole->first_on : m->book->first_on;

	m->total_minor = m->query->whole ? m->query->whole->total_minor : 0;
	for (size_t i = 0; i < m->n; i++) {
		struct book_piece *p = &m->pieces[i];
		int64_t nano;

		if (p->currency == m->book->currency_name || p->minor == 0)
			nano = 0;
		else if (book_rate(m->book, p->currency, p->from == REVENUE_BEGINNING ? first_on : p->from, &nano,
		                   err) < 0)
			return -1;
		else
			p->minor = book_exchange(p->minor, nano);
		if (add_size(m, p->minor, err) < 0)
			return -1;
		p->currency = m->book->currency_name;
	}
	return 0;
}

int book_make(const struct revenue *facts, const struct nrr_policy *policy, const struct book_query *query,
              struct arena *a, struct book *out, struct err *err)
{
	struct book b = { .facts = facts, .policy = policy, .first_on = DAY_NONE, .last_on = DAY_NONE };
	struct making m = { .book = &b, .query = query, .arena = a, .only = name_id(facts, query->only) };

	m.room = facts->n_lines + facts->n_lines / 4;
	m.pieces = arena_array(a, m.room, sizeof *m.pieces);
	m.is_used = arena_array(a, facts->n_names, sizeof *m.is_used);
	m.has_annual = arena_array(a, facts->n_accounts, sizeof *m.has_annual);
	m.total_minor = query->whole ? query->whole->total_minor : 0;
	book_find_tops(&m);
	if (add_lines(&m, err) < 0)
		return -1;
	for (size_t i = 0; i < m.n; i++) {
		if (m.pieces[i].minor == 0)
			continue;
		note_day(&b, m.pieces[i].from);
		note_day(&b, m.pieces[i].to);
	}
	for (size_t i = 0; i < facts->n_accounts; i++)
		b.n_from_arr += m.has_annual[i];
	if (choose_currency(&m, err) < 0)
		return -1;
	*out = b;
	if (policy->fx == FX_PURCHASE && b.n_currencies > 1 && exchange_pieces(&m, err) < 0)
		return -1;
	sort_pieces(&m, a);
	b.total_minor = m.total_minor;
	*out = b;
	return 0;
}

#include "score/cohorts.h"

#include "common/clock.h"
#include "score/nrr.h"

/* The triangle while it is filled. */
struct triangle {
	const struct book *b;
	struct arena *a;
	int32_t as_of;
	int32_t base;            /* the first day of the earliest month that may have a row */
	struct cohort *rows;     /* of every month since */
	struct cohort_cell **cells;
	const int32_t **marks;   /* by first day, from base on: that day plus 0, 1, 2 ... months up to as_of */
	int64_t *sums;           /* of one account, by mark */
	bool *is_free;           /* the same: on a free plan */
	int64_t n_undated;
};

static int month_number(int32_t day)
{
	int year, month, day_of_month;

	day_split(day, &year, &month, &day_of_month);
	return year * 12 + month - 1;
}

static int32_t first_of_month(int32_t day)
{
	int year, month, day_of_month;

	day_split(day, &year, &month, &day_of_month);
	return day - day_of_month + 1;
}

/* Credits may keep an account at nothing although a line of it is paid: then every start and end is asked. */
static int first_among_credits(const struct book *b, size_t account, int32_t *out, struct err *err)
{
	for (size_t i = b->first[account]; i < b->first[account + 1]; i++) {
		const int32_t days[] = { b->pieces[i].from, b->pieces[i].to };

		for (size_t d = 0; d < ARRAY_LEN(days); d++) {
			int64_t paid;

			if (days[d] == REVENUE_BEGINNING || days[d] == REVENUE_OPEN || (*out != DAY_NONE && days[d] >= *out))
				continue;
			if (nrr_paid_on(b, (int32_t)account, days[d], days[d], &paid, err) < 0)
				return -1;
			if (paid > 0)
				*out = days[d];
		}
	}
	return 0;
}

/* The day on which it first paid: DAY_NONE when it never did, REVENUE_BEGINNING when the day is not known. */
static int first_paid_on(const struct book *b, size_t account, int32_t *out, struct err *err)
{
	bool has_credits = false;

	*out = DAY_NONE;
	for (size_t i = b->first[account]; i < b->first[account + 1]; i++) {
		const struct book_piece *p = &b->pieces[i];

		has_credits |= p->minor < 0;
		if (p->minor > 0 && *out == DAY_NONE)
			*out = p->from;
	}
	if (!has_credits || *out == DAY_NONE || *out == REVENUE_BEGINNING)
		return 0;
	*out = DAY_NONE;
	return first_among_credits(b, account, out, err);
}

static size_t n_marks(const struct triangle *t, int32_t first)
{
	size_t n = (size_t)(month_number(t->as_of) - month_number(first)) + 1;

	return day_add_months(first, (int)n - 1) > t->as_of ? n - 1 : n;
}

/* Thousands of accounts begin on the same day, so the days of its marks are worked out once. */
static const int32_t *marks_of(struct triangle *t, int32_t first, size_t n)
{
	const int32_t **slot = &t->marks[first - t->base];

	if (!*slot) {
		int32_t *days = arena_array(t->a, n, sizeof *days);

		for (size_t k = 0; k < n; k++)
			days[k] = day_add_months(first, (int)k);
		*slot = days;
	}
	return *slot;
}

/* The first day on which it paid nothing and after which it does not count any more, though it may come back: any to
 * who is strict, else one that begins too long a gap. */
static int32_t left_on(const struct book *b, size_t account)
{
	bool is_strict = b->policy->back_in_cohort == BACK_STRICT;
	int64_t most_days = is_strict ? 0 : b->policy->back_within_days ? b->policy->back_within_days : INT32_MAX;
	int32_t covered = REVENUE_BEGINNING;

	for (size_t i = b->first[account]; i < b->first[account + 1]; i++) {
		const struct book_piece *p = &b->pieces[i];

		if (p->minor <= 0)
			continue;
		if (covered != REVENUE_BEGINNING && (int64_t)p->from - covered > most_days)
			return covered;
		covered = p->to > covered ? p->to : covered;
	}
	return REVENUE_OPEN;
}

/* Amounts of one product and currency are exchanged together, so that their cents are rounded once. Whether the account
 * has several at a time that need it. */
static bool has_parallel_foreign(const struct book *b, size_t account)
{
	if (b->n_currencies <= 1)
		return false;
	for (size_t i = b->first[account]; i < b->first[account + 1]; i++)
		for (size_t j = i + 1; j < b->first[account + 1] && b->pieces[j].from < b->pieces[i].to; j++)
			if (b->pieces[j].currency != b->currency_name && b->pieces[j].currency == b->pieces[i].currency &&
			    b->pieces[j].product == b->pieces[i].product)
				return true;
	return false;
}

static int exchanged(const struct book *b, const struct book_piece *p, int32_t day, int64_t *out, struct err *err)
{
	int64_t nano;

	*out = p->minor;
	if (p->currency == b->currency_name || b->n_currencies <= 1)
		return 0;
	if (book_rate(b, p->currency, day, &nano, err) < 0)
		return -1;
	*out = book_exchange(p->minor, nano);
	return 0;
}

static int add_piece(struct triangle *t, const struct book_piece *p, const int32_t *marks, size_t n, struct err *err)
{
	bool is_spot = t->b->policy->fx == FX_SPOT, is_known = false;
	int64_t minor = 0;

	for (size_t k = 0; k < n && marks[k] < p->to; k++) {
		if (marks[k] < p->from)
			continue;
		if ((is_spot || !is_known) && exchanged(t->b, p, marks[is_spot ? k : 0], &minor, err) < 0)
			return -1;
		is_known = true;
		t->sums[k] += minor;
		t->is_free[k] |= p->is_free;
	}
	return 0;
}

static int sum_marks(struct triangle *t, size_t account, const int32_t *marks, size_t n, struct err *err)
{
	bool is_spot = t->b->policy->fx == FX_SPOT;

	for (size_t k = 0; k < n; k++) {
		t->sums[k] = 0;
		t->is_free[k] = false;
	}
	for (size_t i = t->b->first[account]; i < t->b->first[account + 1]; i++)
		if (add_piece(t, &t->b->pieces[i], marks, n, err) < 0)
			return -1;
	if (!has_parallel_foreign(t->b, account))
		return 0;
	for (size_t k = 0; k < n; k++)
		if (nrr_paid_on(t->b, (int32_t)account, marks[k], marks[is_spot ? k : 0], &t->sums[k], err) < 0)
			return -1;
	return 0;
}

static struct cohort *row_of(struct triangle *t, int32_t first)
{
	int at = month_number(first) - month_number(t->base);
	struct cohort *row = &t->rows[at];

	if (!row->cells) {
		int year, month, day_of_month;
		size_t most = (size_t)(month_number(t->as_of) - month_number(first)) + 1;

		day_split(first, &year, &month, &day_of_month);
		t->cells[at] = arena_array(t->a, most, sizeof **t->cells);
		*row = (struct cohort){ .month = first - day_of_month + 1, .cells = t->cells[at], .n_cells = most,
			.name = arena_printf(t->a, "%04d-%02d", year, month) };
	}
	return row;
}

static void add_cells(struct triangle *t, size_t account, const int32_t *marks, size_t n)
{
	const struct nrr_policy *policy = t->b->policy;
	struct cohort *row = row_of(t, marks[0]);
	struct cohort_cell *cells = t->cells[row - t->rows];
	int32_t left = left_on(t->b, account);
	int64_t start = t->sums[0];

	row->n_accounts++;
	row->start_minor += start;
	row->n_cells = n < row->n_cells ? n : row->n_cells;
	for (size_t k = 0; k < n; k++) {
		int64_t paid = t->sums[k] > 0 && marks[k] < left ? t->sums[k] : 0;

		cells[k].n_logos += paid > 0 || (t->is_free[k] && policy->free_plan == FREE_IS_ACTIVE);
		cells[k].paid_minor += paid;
		cells[k].kept_minor += paid < start ? paid : start;
	}
}

static int add_account(struct triangle *t, size_t account, struct err *err)
{
	const int32_t *marks;
	int32_t first;
	size_t n;

	if (first_paid_on(t->b, account, &first, err) < 0)
		return -1;
	if (first == DAY_NONE || first > t->as_of)
		return 0;
	if (first < t->base) {
		t->n_undated++;
		return 0;
	}
	n = n_marks(t, first);
	marks = marks_of(t, first, n);
	if (sum_marks(t, account, marks, n, err) < 0)
		return -1;
	if (t->sums[0] > 0) /* a rate may round a few cents to nothing */
		add_cells(t, account, marks, n);
	return 0;
}

int cohorts_make(const struct book *b, int32_t as_of, struct arena *a, struct cohorts *out, struct err *err)
{
	int32_t base = day_add_months(first_of_month(as_of), -(COHORTS_MAX_MONTHS - 1));
	struct triangle t = { .b = b, .a = a, .as_of = as_of, .base = base,
		.rows = arena_array(a, COHORTS_MAX_MONTHS, sizeof *t.rows),
		.cells = arena_array(a, COHORTS_MAX_MONTHS, sizeof *t.cells),
		.marks = arena_array(a, (size_t)(as_of - base) + 1, sizeof *t.marks),
		.sums = arena_array(a, COHORTS_MAX_MONTHS, sizeof *t.sums),
		.is_free = arena_array(a, COHORTS_MAX_MONTHS, sizeof *t.is_free) };
	struct cohorts made = { .rows = t.rows };

	for (size_t i = 0; i < b->facts->n_accounts; i++)
		if (add_account(&t, i, err) < 0)
			return -1;
	for (size_t i = 0; i < COHORTS_MAX_MONTHS; i++) {
		if (!t.rows[i].n_accounts)
			continue;
		made.most_cells = t.rows[i].n_cells > made.most_cells ? t.rows[i].n_cells : made.most_cells;
		t.rows[made.n++] = t.rows[i];
	}
	made.n_undated = t.n_undated;
	*out = made;
	return 0;
}

static double share(int64_t part, int64_t whole)
{
	return (double)part / (double)whole;
}

double cohort_nrr(const struct cohort *c, size_t months)
{
	return share(c->cells[months].paid_minor, c->start_minor);
}

double cohort_grr(const struct cohort *c, size_t months)
{
	return share(c->cells[months].kept_minor, c->start_minor);
}

double cohort_logos(const struct cohort *c, size_t months)
{
	return share(c->cells[months].n_logos, c->n_accounts);
}

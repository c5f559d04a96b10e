#include <stdlib.h>

#include "score/nrr.h"

/* What is paid in another currency than the book's. */
struct foreign { int64_t minor; uint16_t product, currency; };

static int compare_foreign(const void *left, const void *right)
{
	const struct foreign *a = left, *b = right;

	if (a->product != b->product)
		return a->product < b->product ? -1 : 1;
	return (a->currency > b->currency) - (a->currency < b->currency);
}

static bool is_paid(const struct book_piece *p, int32_t day)
{
	return p->from <= day && day < p->to;
}

static bool is_foreign(const struct book *b, const struct book_piece *p)
{
	return b->n_currencies > 1 && p->currency != b->currency_name;
}

/* Exchanged as windows do it, once for each product and currency: rounding differs piece by piece. */
static int add_foreign(const struct book *b, int32_t account, int32_t day, int32_t rate_on, int64_t *io_minor,
                       struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct foreign *all = arena_array(a, b->first[account + 1] - b->first[account], sizeof *all);
	size_t n = 0;

	for (size_t i = b->first[account]; i < b->first[account + 1]; i++) {
		const struct book_piece *p = &b->pieces[i];

		if (is_paid(p, day) && is_foreign(b, p))
			all[n++] = (struct foreign){ p->minor, p->product, p->currency };
	}
	qsort(all, n, sizeof *all, compare_foreign);
	for (size_t i = 0; i < n; ) {
		int64_t minor = 0, nano;
		size_t first = i;

		for (; i < n && compare_foreign(&all[first], &all[i]) == 0; i++)
			minor += all[i].minor;
		if (minor == 0)
			continue;
		if (book_rate(b, all[first].currency, rate_on, &nano, err) < 0)
			return -1;
		if (!book_exchange_fits(minor, nano, INT64_MAX / 4 / ((int64_t)b->n_pieces + 1)))
			return err_set(err, ERR_INPUT, "recurring revenue in %s does not fit into 64 bits",
			               b->facts->names[all[first].currency]);
		*io_minor += book_exchange(minor, nano);
	}
	return 0;
}

int nrr_paid_on(const struct book *b, int32_t account, int32_t day, int32_t rate_on, int64_t *out, struct err *err)
{
	bool has_foreign = false;
	int64_t minor = 0;

	for (size_t i = b->first[account]; i < b->first[account + 1]; i++) {
		const struct book_piece *p = &b->pieces[i];

		if (!is_paid(p, day))
			continue;
		if (is_foreign(b, p))
			has_foreign = true;
		else
			minor += p->minor;
	}
	if (has_foreign && add_foreign(b, account, day, rate_on, &minor, err) < 0)
		return -1;
	*out = minor > 0 ? minor : 0;
	return 0;
}

#include <stdlib.h>

#include "common/clock.h"
#include "revenue_parts.h"

enum { FIRST_ROOM = 256 };

static int compare_rates(const void *left, const void *right)
{
	const struct revenue_rate *a = left, *b = right;

	if (a->currency != b->currency)
		return a->currency < b->currency ? -1 : 1;
	if (a->base != b->base)
		return a->base < b->base ? -1 : 1;
	return (a->on > b->on) - (a->on < b->on);
}

int revenue_load_rates(struct revenue_loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT upper(currency), upper(base), rate_on, coalesce((SELECT CAST(h.value AS INTEGER) FROM history h"
		" WHERE h.entity = 'rate' AND h.entity_id = rate.id AND h.field = 'rate_nano' AND h.known_on <= :as_of"
		" ORDER BY h.known_on DESC LIMIT 1), rate_nano) FROM rate WHERE rate_on <= :as_of AND rate_nano > 0"
		" AND (seen_on IS NULL OR seen_on <= :as_of) AND (deleted_on IS NULL OR deleted_on > :as_of)"
		" AND (SELECT h.value FROM history h WHERE h.entity = 'rate' AND h.entity_id = rate.id AND h.field = 'deleted_on'"
		"  AND h.known_on <= :as_of ORDER BY h.known_on DESC LIMIT 1) IS NULL"
		" ORDER BY 1, 2, 3, source_id, id");
	struct revenue_rate *rates = NULL;
	size_t n = 0, room = 0;
	int rc;

	bind_int(q, ":as_of", l->query->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		struct revenue_rate rate = { .currency = revenue_name(l, col_text(q, 0)),
			.base = revenue_name(l, col_text(q, 1)), .on = col_day(q, 2), .nano = col_int(q, 3) };

		if (rate.nano <= 0 || (n && compare_rates(&rates[n - 1], &rate) == 0)) /* another source's */
			continue;
		if (n == room) {
			room = room ? 2 * room : FIRST_ROOM;
			rates = arena_grow(l->scratch, rates, n, room, sizeof *rates);
		}
		rates[n++] = rate;
	}
	if (rc < 0)
		return -1;
	if (n)
		qsort(rates, n, sizeof *rates, compare_rates);
	l->out->rates = n ? arena_memdup(l->arena, rates, n * sizeof *rates) : NULL;
	l->out->n_rates = n;
	return 0;
}

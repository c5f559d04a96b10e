#include "pack_load.h"

enum {
	SPARE_DAYS = 32,     /* how long before today a pack that lasts still tells */
	ROWS_AT_ONCE = 200000 /* some 100 bytes each while they are in memory */
};

void packing_for_day(struct packing *p, const struct fact_query *q)
{
	p->zone = q->zone;
	p->as_of = p->gone_by = q->as_of;
	p->since_on = q->as_of - FACTS_DAYS + 1;
	p->since_at = facts_day_start(p->zone, p->since_on);
	p->end_at = facts_day_start(p->zone, q->as_of + 1);
}

void packing_to_last(struct packing *p, int32_t today)
{
	p->as_of = INT32_MAX;
	p->gone_by = today - SPARE_DAYS;
	p->since_on = p->gone_by - FACTS_DAYS + 1;
	p->since_at = facts_day_start(p->zone, p->since_on);
	p->end_at = INT64_MAX;
}

void packing_bind(struct stmt *q, const struct packing *p)
{
	bind_int(q, ":from", p->accounts[0]);
	bind_int(q, ":to", p->accounts[p->n - 1]);
}

int packing_history(const struct packing *p, enum tracked what, struct history *out, struct err *err)
{
	return history_load(p->db, what, p->accounts[0], p->accounts[p->n - 1], p->as_of, p->arena, out, err);
}

ptrdiff_t packing_place(const struct packing *p, int64_t account)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p->accounts[mid] == account)
			return (ptrdiff_t)mid;
		if (p->accounts[mid] < account)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

int packing_next(const struct packing *p, struct stmt *q, size_t *out_place, struct err *err)
{
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		ptrdiff_t place = packing_place(p, col_int(q, 0));

		if (place >= 0) {
			*out_place = (size_t)place;
			return 1;
		}
	}
	return rc;
}

void packing_note(struct packing *p, size_t place, const struct history *h, int64_t id)
{
	struct pack_draft *d = &p->drafts[place];
	size_t low = 0, high = h->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (h->changes[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < h->n && h->changes[low].id == id; low++)
		if (h->changes[low].known_on > d->since)
			d->since = h->changes[low].known_on;
}

int64_t packing_day(const struct packing *p, int64_t at)
{
	int second;

	return at == INSTANT_NONE ? PACK_NONE : zone_day(p->zone, at, &second);
}

int64_t packing_event_day(struct packing *p, size_t place, int64_t at)
{
	int64_t day = packing_day(p, at);

	if (p->as_of == INT32_MAX && (day < INT32_MIN + 1 || day >= INT32_MAX ||
	                              at < facts_day_start(p->zone, (int32_t)day) ||
	                              at >= facts_day_start(p->zone, (int32_t)day + 1)))
		p->is_odd[place] = true;
	return day;
}

/* Whether those kinds of rows of which an account may have very many are few. */
static int are_few(struct db *db, int64_t first, int64_t last, bool *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT count(*) FROM (SELECT 1 FROM usage_detail WHERE account_id BETWEEN :from AND :to"
		" UNION ALL SELECT 1 FROM interaction WHERE account_id BETWEEN :from AND :to"
		" UNION ALL SELECT 1 FROM ticket WHERE account_id BETWEEN :from AND :to LIMIT :most)");

	bind_int(q, ":from", first);
	bind_int(q, ":to", last);
	bind_int(q, ":most", ROWS_AT_ONCE);
	if (stmt_step(q, err) < 0)
		return err_in(err, "rows of accounts");
	*out = col_int(q, 0) < ROWS_AT_ONCE;
	return 0;
}

int packing_fit(struct db *db, const int64_t *accounts, size_t n, size_t *io_fit, struct err *err)
{
	size_t fit = 2 * *io_fit < n ? 2 * *io_fit : n;
	bool is_fit = false;

	while (fit > 1 && !is_fit) {
		if (are_few(db, accounts[0], accounts[fit - 1], &is_fit, err) < 0)
			return -1;
		fit = is_fit ? fit : fit / 2;
	}
	*io_fit = fit;
	return 0;
}

int packing_load(struct packing *p, bool is_all, struct err *err)
{
	p->drafts = arena_array(p->arena, p->n, sizeof *p->drafts);
	p->is_odd = arena_array(p->arena, p->n, sizeof *p->is_odd);
	for (size_t i = 0; i < p->n; i++) {
		p->drafts[i].arena = p->arena;
		p->drafts[i].since = p->gone_by;
	}
	if (!is_all)
		return packing_load_subscriptions(p, err);
	return packing_load_accounts(p, err) < 0 || packing_load_subscriptions(p, err) < 0 ||
	               packing_load_contracts(p, err) < 0 || packing_load_events(p, err) < 0 ||
	               packing_load_people(p, err) < 0 ?
	           -1 :
	           0;
}

#include "store/facts.h"

#include <string.h>

#include "common/attr.h"
#include "common/text.h"
#include "facts_parts.h"

/* The days of word w within from_age .. to_age - 1. */
static uint64_t days_of(const struct fact_days *d, int w, int from_age, int to_age)
{
	uint64_t days = d->words[w];

	if (from_age > 64 * w)
		days &= UINT64_MAX << (from_age - 64 * w);
	if (to_age < 64 * w + 64)
		days &= (UINT64_C(1) << (to_age - 64 * w)) - 1;
	return days;
}

FOR_COUNTING int fact_days_count(const struct fact_days *d, int from_age, int to_age)
{
	int first, last, n;

	from_age = from_age < 0 ? 0 : from_age;
	to_age = to_age > FACTS_DAYS ? FACTS_DAYS : to_age;
	if (to_age <= from_age)
		return 0;
	first = from_age / 64;
	last = (to_age - 1) / 64;
	if (first == last)
		return __builtin_popcountll(days_of(d, first, from_age, to_age));
	n = __builtin_popcountll(d->words[first] >> from_age % 64);
	for (int w = first + 1; w < last; w++)
		n += __builtin_popcountll(d->words[w]);
	return n + __builtin_popcountll(d->words[last] << (63 - (to_age - 1) % 64));
}

bool fact_days_any(const struct fact_days *d, int from_age, int to_age)
{
	from_age = from_age < 0 ? 0 : from_age;
	to_age = to_age > FACTS_DAYS ? FACTS_DAYS : to_age;
	for (int w = from_age / 64; 64 * w < to_age; w++)
		if (days_of(d, w, from_age, to_age))
			return true;
	return false;
}

int fact_days_next(const struct fact_days *d, int from_age)
{
	uint64_t days;

	for (int w = from_age / 64; w < FACTS_DAYS / 64; w++) {
		days = days_of(d, w, from_age, FACTS_DAYS);
		if (days)
			return 64 * w + __builtin_ctzll(days);
	}
	return FACTS_DAYS;
}

int fact_days_before(const struct fact_days *d, int to_age)
{
	uint64_t days;

	for (int w = (to_age - 1) / 64; w >= 0 && to_age > 0; w--) {
		days = days_of(d, w, 0, to_age);
		if (days)
			return 64 * w + 63 - __builtin_clzll(days);
	}
	return -1;
}

void *rows_add(struct rows *r, size_t place)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->at = arena_grow(r->arena, r->at, r->n, r->cap, r->size);
		r->places = arena_grow(r->arena, r->places, r->n, r->cap, sizeof *r->places);
	}
	r->places[r->n] = place;
	return r->at + r->size * r->n++;
}

void rows_hand_out(const struct rows *r, struct fact_account *out, size_t at_offset, size_t n_offset)
{
	for (size_t i = 0, end; i < r->n; i = end) {
		char *account = (char *)&out[r->places[i]];
		const void *at = r->at + r->size * i;
		size_t n;

		for (end = i + 1; end < r->n && r->places[end] == r->places[i]; end++)
			;
		n = end - i;
		memcpy(account + at_offset, &at, sizeof at);
		memcpy(account + n_offset, &n, sizeof n);
	}
}

ptrdiff_t loading_place(const struct loading *l, int64_t account)
{
	size_t low = l->first, high = l->first + l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->base->members[mid].id == account)
			return (ptrdiff_t)(mid - l->first);
		if (l->base->members[mid].id < account)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

const char *loading_text(const struct loading *l, const char *text)
{
	return text && *text ? arena_strdup(l->arena, text) : "";
}

int64_t facts_day_start(const struct zone *zone, int32_t day)
{
	int64_t at = (int64_t)day * 86400;

	if (zone_instant(zone, day, 0, &at) == WALL_SKIPPED_DAY)
		(void)zone_instant(zone, day + 1, 0, &at);
	return at;
}

int facts_load(struct db *db, const struct fact_query *q, const struct fact_base *base, size_t first, size_t n,
               struct arena *a, struct fact_account *out, struct err *err)
{
	struct loading l = { .db = db, .q = q, .base = base, .first = first, .n = n, .arena = a, .out = out };

	if (!n)
		return 0;
	memset(out, 0, n * sizeof *out);
	l.from_id = base->members[first].id;
	l.to_id = base->members[first + n - 1].id;
	if (facts_load_rows(&l, err) < 0 || facts_load_answers(&l, err) < 0 || facts_load_overrides(&l, err) < 0 ||
	    (!q->skips_judging && facts_load_usage(&l, err) < 0))
		return err_in(err, "facts");
	return 0;
}

int facts_index(const struct fact_base *base, int64_t id, size_t *out_index, struct err *err)
{
	const struct loading l = { .base = base, .n = base->n_members };
	ptrdiff_t place = loading_place(&l, id);

	if (place < 0)
		return err_set(err, ERR_INPUT, "no account has the id %lld on that day", (long long)id);
	*out_index = (size_t)place;
	return 0;
}

/* One search an index each; the account that stands for others is looked up only for those found. */
int facts_find(struct db *db, int32_t as_of, const char *what, int64_t *out_id, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT m.id, min(f.how) AS how FROM (SELECT coalesce(main_id, id) AS main, CASE WHEN id = :id THEN 0 "
		"WHEN source_key = :what THEN 1 WHEN external_id = :what THEN 2 WHEN domain = :what THEN 3 ELSE 4 END AS how "
		"FROM account WHERE id = :id OR (source_id IN (SELECT id FROM source) AND source_key = :what) "
		"OR (external_id = :what AND external_id IS NOT NULL) OR (lower(domain) = lower(:what) AND domain = :what) "
		"OR name = :what COLLATE NOCASE) f CROSS JOIN account m ON m.id = f.main WHERE m.main_id IS NULL "
		"AND (m.created_on IS NULL OR m.created_on <= :day) AND (m.deleted_on IS NULL OR m.deleted_on > :day) "
		"GROUP BY m.id ORDER BY how, m.id");
	int64_t number = -1, how = -1;
	size_t n_found = 0;
	int rc;

	(void)text_to_int(what, &number);
	bind_int(q, ":id", number);
	bind_text(q, ":what", what);
	bind_day(q, ":day", as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		if (n_found && col_int(q, 1) != how)
			break;
		how = col_int(q, 1);
		*out_id = n_found ? *out_id : col_int(q, 0);
		n_found++;
	}
	if (rc < 0)
		return err_in(err, "find account");
	if (!n_found)
		return err_set(err, ERR_INPUT, "no account has the id, key, external id, domain or name \"%s\" on that day",
		               what);
	if (n_found > 1)
		return err_set(err, ERR_INPUT, "%zu accounts go by \"%s\": say its id (see retaind accounts)", n_found, what);
	return 0;
}

#include "trait.h"

#include <string.h>

#include "common/clock.h"
#include "common/text.h"

enum { FIRST_ROOM = 256 };

const char *revenue_trait_on(const struct revenue_trait *t, int32_t day)
{
	const char *value = t->now;

	for (size_t i = 0; i < t->n; i++)
		if (i == 0 || t->changes[i].known_on <= day)
			value = t->changes[i].value;
	return value;
}

static int compare_change(const struct revenue_change *c, int64_t id, const char *field)
{
	if (c->id != id)
		return c->id < id ? -1 : 1;
	return strcmp(c->field, field);
}

struct revenue_trait trait_of(const struct trait_history *h, int64_t id, const char *field, const char *now)
{
	struct revenue_trait t = { .now = now };
	size_t low = 0, high = h->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_change(&h->rows[middle], id, field) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	t.changes = h->rows + low;
	while (low + t.n < h->n && compare_change(&h->rows[low + t.n], id, field) == 0)
		t.n++;
	return t;
}

/* of: "" or whose. */
#define TRAIT_ROWS(of) \
	"SELECT h.entity_id, h.field, h.known_on, CASE WHEN h.field IN ('csm_key', 'am_key')" \
	" THEN CASE WHEN instr(h.value, '@') > 0 THEN lower(h.value) ELSE" \
	" (SELECT lower(o.email) FROM owner o JOIN account a ON a.source_id = o.source_id" \
	"  WHERE a.id = h.entity_id AND o.source_key = h.value) END ELSE h.value END" \
	" FROM history h WHERE h.entity = :entity" of " AND h.known_on <= :as_of ORDER BY h.entity_id, h.field, h.known_on"

/* Adds to what is there; io_room: of out->rows. */
static int read_more(struct stmt *q, struct arena *a, struct trait_history *out, size_t *io_room, struct err *err)
{
	size_t room = *io_room;
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		if (out->n == room) {
			room = room ? 2 * room : FIRST_ROOM;
			out->rows = arena_grow(a, out->rows, out->n, room, sizeof *out->rows);
		}
		out->rows[out->n++] = (struct revenue_change){ .id = col_int(q, 0), .field = col_text_in(q, 1, a),
			.known_on = (int32_t)col_int(q, 2), .value = col_text_in(q, 3, a) };
	}
	*io_room = room;
	return rc;
}

static int read_rows(struct stmt *q, struct arena *a, struct trait_history *out, struct err *err)
{
	size_t room = 0;

	*out = (struct trait_history){ 0 };
	return read_more(q, a, out, &room, err);
}

int trait_load(struct db *db, const char *entity, int32_t as_of, struct arena *a, struct trait_history *out,
               struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, TRAIT_ROWS(""));

	bind_text(q, ":entity", entity);
	bind_int(q, ":as_of", as_of);
	return read_rows(q, a, out, err);
}

int trait_load_of(struct db *db, const char *entity, int64_t from_account, int64_t to_account, int32_t as_of,
                  struct arena *a, struct trait_history *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, TRAIT_ROWS(
		" AND h.entity_id IN (SELECT id FROM subscription WHERE account_id BETWEEN :from AND :to"
		"  AND :entity = 'subscription'"
		" UNION ALL SELECT id FROM account WHERE id BETWEEN :from AND :to AND :entity = 'account')"));

	bind_text(q, ":entity", entity);
	bind_int(q, ":from", from_account);
	bind_int(q, ":to", to_account);
	bind_int(q, ":as_of", as_of);
	return read_rows(q, a, out, err);
}

int trait_load_each(struct db *db, const int64_t *accounts, size_t n, int32_t as_of, struct arena *a,
                    struct trait_history *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, TRAIT_ROWS(" AND h.entity_id = :id"));
	size_t room = 0;

	*out = (struct trait_history){ 0 };
	for (size_t i = 0; i < n; i++) {
		bind_text(q, ":entity", "account");
		bind_int(q, ":id", accounts[i]);
		bind_int(q, ":as_of", as_of);
		if (read_more(q, a, out, &room, err) < 0)
			return -1;
	}
	return 0;
}

int64_t trait_number(const char *text, int64_t fallback)
{
	int64_t value;

	return text && text_to_int(text, &value) ? value : fallback;
}

bool trait_truth(const char *text, bool fallback)
{
	bool value;

	return text && text_to_bool(text, &value) ? value : fallback;
}

int32_t trait_day(const char *text)
{
	int64_t number;
	int32_t day;

	if (!text)
		return DAY_NONE;
	if (text_to_int(text, &number))
		return number > INT32_MIN && number < INT32_MAX ? (int32_t)number : DAY_NONE;
	return day_parse(text, &day) ? day : DAY_NONE;
}

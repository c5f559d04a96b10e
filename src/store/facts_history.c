#include "facts_parts.h"

#include <string.h>

#include "common/text.h"
#include "store/record.h"

/* One statement each: the literal is the key of the statement cache, and a table's name can't be bound. */
static const char *const statements[] = {
	[TRACKED_ACCOUNT] = "SELECT entity_id, field, value, known_on FROM history WHERE entity = 'account' "
	                    "AND entity_id BETWEEN :from AND :to AND known_on <= :day ORDER BY entity_id, field, known_on",
	[TRACKED_SUBSCRIPTION] = "SELECT entity_id, field, value, known_on FROM history WHERE entity = 'subscription' "
	                         "AND entity_id IN (SELECT id FROM subscription WHERE account_id BETWEEN :from AND :to) "
	                         "AND known_on <= :day ORDER BY entity_id, field, known_on",
	[TRACKED_CONTACT] = "SELECT entity_id, field, value, known_on FROM history WHERE entity = 'contact' "
	                    "AND entity_id IN (SELECT id FROM contact WHERE account_id BETWEEN :from AND :to) "
	                    "AND known_on <= :day ORDER BY entity_id, field, known_on",
	[TRACKED_LIMIT] = "SELECT entity_id, field, value, known_on FROM history WHERE entity = 'limit' "
	                  "AND entity_id IN (SELECT id FROM account_limit WHERE account_id BETWEEN :from AND :to) "
	                  "AND known_on <= :day ORDER BY entity_id, field, known_on",
	[TRACKED_TICKET] = "SELECT entity_id, field, value, known_on FROM history WHERE entity = 'ticket' "
	                   "AND entity_id IN (SELECT id FROM ticket WHERE account_id BETWEEN :from AND :to) "
	                   "AND known_on <= :day ORDER BY entity_id, field, known_on",
	[TRACKED_INTERACTION] = "SELECT entity_id, field, value, known_on FROM history WHERE entity = 'interaction' "
	                        "AND entity_id IN (SELECT id FROM interaction WHERE account_id BETWEEN :from AND :to) "
	                        "AND known_on <= :day ORDER BY entity_id, field, known_on",
	[TRACKED_OPPORTUNITY] = "SELECT entity_id, field, value, known_on FROM history WHERE entity = 'opportunity' "
	                        "AND entity_id IN (SELECT id FROM opportunity WHERE account_id BETWEEN :from AND :to) "
	                        "AND known_on <= :day ORDER BY entity_id, field, known_on",
	[TRACKED_INVOICE] = "SELECT entity_id, field, value, known_on FROM history WHERE entity = 'invoice' "
	                    "AND entity_id IN (SELECT id FROM invoice WHERE account_id BETWEEN :from AND :to) "
	                    "AND known_on <= :day ORDER BY entity_id, field, known_on",
};

/* The last value of each field, of rows that come ordered by entity, field and day. */
static int read_changes(struct stmt *q, struct arena *a, struct history *out, struct err *err)
{
	struct change *changes = NULL;
	size_t n = 0, cap = 0;
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		int64_t id = col_int(q, 0);
		const char *field = col_text(q, 1);

		if (!n || changes[n - 1].id != id || strcmp(changes[n - 1].field, field) != 0) {
			if (n == cap) {
				cap = cap ? 2 * cap : 64;
				changes = arena_grow(a, changes, n, cap, sizeof *changes);
			}
			changes[n++] = (struct change){ .id = id, .field = arena_strdup(a, field) };
		}
		changes[n - 1].before = changes[n - 1].value;
		changes[n - 1].known_on = (int32_t)col_int(q, 3);
		changes[n - 1].value = col_text_in(q, 2, a);
		changes[n - 1].is_dated = col_int(q, 3) > HISTORY_BEGINNING;
	}
	if (rc < 0)
		return err_in(err, "history");
	*out = (struct history){ .changes = changes, .n = n };
	return 0;
}

int history_load(struct db *db, enum tracked what, int64_t from_account, int64_t to_account, int32_t as_of,
                 struct arena *a, struct history *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, statements[what]);

	bind_int(q, ":from", from_account);
	bind_int(q, ":to", to_account);
	bind_day(q, ":day", as_of);
	return read_changes(q, a, out, err);
}

int history_load_segments(struct db *db, int32_t as_of, struct arena *a, struct history *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT entity_id, field, value, known_on FROM history WHERE entity = 'account' AND field = 'segment' "
		"AND known_on <= :day ORDER BY entity_id, field, known_on");

	bind_day(q, ":day", as_of);
	return read_changes(q, a, out, err);
}

const struct change *history_find(const struct history *h, int64_t id, const char *field)
{
	size_t low = 0, high = h->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct change *c = &h->changes[mid];
		int order = c->id < id ? -1 : c->id > id ? 1 : strcmp(c->field, field);

		if (order == 0)
			return c;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const char *history_text(const struct history *h, int64_t id, const char *field, const char *current)
{
	const struct change *c = history_find(h, id, field);

	return c ? c->value : current;
}

int64_t history_int(const struct history *h, int64_t id, const char *field, int64_t current, int64_t none)
{
	const struct change *c = history_find(h, id, field);
	int64_t value;

	if (!c)
		return current;
	return c->value && text_to_int(c->value, &value) ? value : none;
}

static int32_t day_of_text(const char *text)
{
	int64_t number;
	int32_t day;

	if (!text)
		return DAY_NONE;
	if (text_to_int(text, &number) && number > INT32_MIN && number <= INT32_MAX)
		return (int32_t)number;
	return day_parse(text, &day) ? day : DAY_NONE;
}

int32_t history_day(const struct history *h, int64_t id, const char *field, int32_t current)
{
	const struct change *c = history_find(h, id, field);

	return c ? day_of_text(c->value) : current;
}

bool history_is_dated(const struct history *h, int64_t id, const char *field)
{
	const struct change *c = history_find(h, id, field);

	return c && c->is_dated;
}

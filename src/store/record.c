#include "store/record.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "record_sql.h"

/* values ----------------------------------------------------------------------------------------------------------- */

static bool is_empty(const struct entity_field *f, const struct value *v)
{
	switch (f->type) {
	case VALUE_TEXT: return v->is_null || !v->text;
	case VALUE_DAY: return v->is_null || v->number == DAY_NONE;
	case VALUE_INSTANT: return v->is_null || v->number == INSTANT_NONE;
	case VALUE_INT:
	case VALUE_REAL:
	case VALUE_BOOL:
	case VALUE_MONEY:
	case VALUE_NANO: return v->is_null;
	}
	return true;
}

static void bind_value(struct stmt *q, const char *name, const struct entity_field *f, const struct value *v)
{
	if (!v->is_set || is_empty(f, v))
		return; /* NULL, as all that isn't bound; most fields of most rows are, and finding a name takes time */
	if (f->type == VALUE_TEXT)
		bind_text(q, name, v->text);
	else if (f->type == VALUE_REAL)
		bind_real(q, name, v->real);
	else
		bind_int(q, name, v->number);
}

/* Whether a set value is what the column holds. */
static bool is_same(struct stmt *q, int column, const struct entity_field *f, const struct value *v)
{
	if (is_empty(f, v) || col_is_null(q, column))
		return is_empty(f, v) && col_is_null(q, column);
	if (f->type == VALUE_TEXT)
		return strcmp(col_text(q, column), v->text) == 0;
	if (f->type == VALUE_REAL)
		return memcmp(&v->real, &(double){ col_real(q, column) }, sizeof v->real) == 0;
	return col_int(q, column) == v->number;
}

/* history ---------------------------------------------------------------------------------------------------------- */

struct change {
	const struct entity *entity;
	int64_t id;
	const struct entity_field *field;
	int32_t known_on;
};

static int put_history(struct db *db, const struct change *c, int32_t known_on, const char *value, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(
		db,
		"INSERT INTO history (entity, entity_id, field, known_on, value) VALUES (:entity, :id, :field, :on, :value) "
		"ON CONFLICT (entity, entity_id, field, known_on) DO UPDATE SET value = excluded.value");

	bind_text(q, ":entity", c->entity->name);
	bind_int(q, ":id", c->id);
	bind_text(q, ":field", c->field->name);
	bind_day(q, ":on", known_on);
	bind_text(q, ":value", value);
	return stmt_run(q, err);
}

static int has_history(struct db *db, const struct change *c, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT 1 FROM history WHERE entity = :entity AND entity_id = :id AND field = :field LIMIT 1");

	bind_text(q, ":entity", c->entity->name);
	bind_int(q, ":id", c->id);
	bind_text(q, ":field", c->field->name);
	return stmt_step(q, err);
}

static int note_change(struct db *db, const struct change *c, const char *old, const struct value *v, struct err *err)
{
	char number[40];
	const char *value = v->text;
	int rc = has_history(db, c, err);

	if (rc < 0 || (rc == 0 && put_history(db, c, HISTORY_BEGINNING, old, err) < 0))
		return -1;
	if (is_empty(c->field, v)) {
		value = NULL;
	} else if (c->field->type == VALUE_REAL) {
		(void)snprintf(number, sizeof number, "%.17g", v->real);
		value = number;
	} else if (c->field->type != VALUE_TEXT) {
		(void)snprintf(number, sizeof number, "%lld", (long long)v->number);
		value = number;
	}
	return put_history(db, c, c->known_on, value, err);
}

/* A row that comes back was never gone; that it was thought to be, and when, stays known. */
static int note_return(struct db *db, const struct entity *e, int64_t id, int32_t deleted_on, int32_t known_on,
                       struct err *err)
{
	static const struct entity_field deleted_field = { "deleted_on", VALUE_DAY, true, false, NULL };
	const struct change gone = { e, id, &deleted_field, deleted_on }, back = { e, id, &deleted_field, known_on };
	const struct value day = { .number = deleted_on }, none = { .is_null = true };

	if (!e->has_seen_on)
		return 0;
	return note_change(db, &gone, NULL, &day, err) < 0 ? -1 : note_change(db, &back, NULL, &none, err);
}

/* A row that goes over to another account leaves behind where it was. */
static int note_move(struct db *db, const struct record *r, int64_t id, const char *old_key, int32_t known_on,
                     struct err *err)
{
	static const struct entity_field key_field = { "account_key", VALUE_TEXT, true, false, NULL };
	const struct change move = { r->entity, id, &key_field, known_on };
	const struct value key = { .text = r->account_key };

	if (!r->entity->has_seen_on || !old_key || strcmp(old_key, r->account_key) == 0)
		return 0;
	return note_change(db, &move, old_key, &key, err);
}

/* rows ------------------------------------------------------------------------------------------------------------- */

static int insert(struct db *db, int64_t source, const struct record *r, int32_t known_on, struct err *err)
{
	const struct entity *e = r->entity;
	const struct record_sql *sql = record_sql(e);
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, sql->insert);

	bind_int(q, ":source", source);
	bind_text(q, ":key", r->key);
	if (e->has_account) {
		bind_text(q, ":account_key", r->account_key);
		bind_int(q, ":account_by", r->account_by);
	}
	if (e->has_seen_on)
		bind_day(q, ":seen_on", known_on);
	for (int i = 0; i < e->n_fields; i++)
		bind_value(q, sql->params[i], &e->fields[i], &r->values[i]);
	return stmt_run(q, err) < 0 ? -1 : 1;
}

static int update(struct db *db, int64_t id, const struct record *r, uint32_t mask, struct err *err)
{
	const struct entity *e = r->entity;
	const struct record_sql *sql = record_sql(e);
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, sql->update);

	bind_int(q, ":id", id);
	bind_int(q, ":mask", mask);
	for (int i = 0; i < e->n_fields; i++)
		bind_value(q, sql->params[i], &e->fields[i], &r->values[i]);
	return stmt_run(q, err);
}

/* Compares with the row that q stands on; notes history of what differs. Returns the bits of the fields that differ. */
static int64_t compare(struct db *db, struct stmt *q, const struct record *r, int32_t known_on, struct err *err)
{
	const struct entity *e = r->entity;
	int64_t id = col_int(q, 0);
	uint32_t mask = 0;

	for (int i = 0; i < e->n_fields; i++) {
		const struct entity_field *f = &e->fields[i];
		const struct change c = { e, id, f, known_on };
		int column = RECORD_FIRST_COLUMN + i;

		if (!r->values[i].is_set || is_same(q, column, f, &r->values[i]))
			continue;
		mask |= 1u << i;
		if (f->is_tracked && note_change(db, &c, col_text(q, column), &r->values[i], err) < 0)
			return -1;
	}
	return mask;
}

static int link_row(struct db *db, int64_t source, const struct record *r, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, record_sql(r->entity)->link);
	int rc;

	bind_int(q, ":source", source);
	bind_text(q, ":key", r->key);
	bind_text(q, ":account_key", r->account_key);
	bind_int(q, ":account_by", r->account_by);
	if (stmt_run(q, err) < 0)
		return -1;
	rc = db_changes(db) > 0;
	return rc && record_mark_links_due(db, r->entity, err) < 0 ? -1 : rc;
}

static bool has_other_account(struct stmt *q, const struct record *r)
{
	return r->entity->has_account && r->account_key &&
	       (col_is_null(q, 2) || strcmp(col_text(q, 2), r->account_key) != 0 ||
	        col_int(q, 3) != (int64_t)r->account_by);
}

/* Writes what differs from the row that q stands on. Returns 2, or 0 when nothing does. */
static int put_again(struct db *db, struct stmt *q, int64_t source, const struct record *r, int32_t known_on,
                     struct err *err)
{
	bool is_moved = has_other_account(q, r), was_deleted = !col_is_null(q, 1);
	int64_t mask = compare(db, q, r, known_on, err);

	if (mask < 0 || (was_deleted && note_return(db, r->entity, col_int(q, 0), col_day(q, 1), known_on, err) < 0))
		return -1;
	if ((mask || was_deleted) && update(db, col_int(q, 0), r, (uint32_t)mask, err) < 0)
		return -1;
	if (is_moved && (note_move(db, r, col_int(q, 0), col_text(q, 2), known_on, err) < 0 ||
	                 link_row(db, source, r, err) < 0))
		return -1;
	return mask || was_deleted || is_moved ? 2 : 0;
}

int record_put(struct db *db, int64_t source, const struct record *r, int32_t known_on, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, record_sql(r->entity)->select);
	int rc;

	bind_int(q, ":source", source);
	bind_text(q, ":key", r->key);
	rc = stmt_step(q, err);
	if (rc == 0)
		rc = insert(db, source, r, known_on, err);
	else if (rc > 0)
		rc = put_again(db, q, source, r, known_on, err);
	if (rc > 0 && record_mark_links_due(db, r->entity, err) < 0)
		rc = -1;
	return rc < 0 ? err_in(err, "%s", r->entity->name) : rc;
}

int record_delete(struct db *db, int64_t source, const struct entity *e, const char *key, int32_t known_on,
                  struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, record_sql(e)->erase);
	int rc;

	bind_day(q, ":day", known_on);
	bind_int(q, ":source", source);
	bind_text(q, ":key", key);
	rc = stmt_run(q, err) < 0 ? -1 : db_changes(db) > 0;
	if (rc > 0 && record_mark_links_due(db, e, err) < 0)
		rc = -1;
	return rc < 0 ? err_in(err, "%s", e->name) : rc;
}

int record_link(struct db *db, int64_t source, const struct entity *e, const char *key, const char *account_key,
                struct err *err)
{
	const struct record r = { .entity = e, .key = key, .account_key = account_key, .account_by = ACCOUNT_BY_KEY };

	if (!e->has_account)
		die("a link of the entity %s, which belongs to no account", e->name);
	return link_row(db, source, &r, err);
}

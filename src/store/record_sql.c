#include "record_sql.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"

_Static_assert(ACCOUNT_BY_KEY == 0, "the SQL below says so");

static void keep(char *to, size_t size, struct buf *text)
{
	if (text->is_full || text->len >= size)
		die("the SQL of an entity takes more than %zu bytes: %.80s", size, text->at);
	memcpy(to, text->at, text->len + 1);
	buf_reset(text);
}

static void write_select(const struct entity *e, struct record_sql *s, struct buf *b)
{
	buf_printf(b, "SELECT id, deleted_on, %s", e->has_account ? "account_key, account_by" : "NULL, 0");
	for (int i = 0; i < e->n_fields; i++)
		buf_printf(b, ", %s", e->fields[i].name);
	buf_printf(b, " FROM %s WHERE source_id = :source AND source_key = :key", e->table);
	keep(s->select, sizeof s->select, b);
}

/* What names its account by its own source's key is linked at once where that is known; the rest when links are. */
#define ACCOUNT_OF_KEY \
	"CASE :account_by WHEN 0 THEN (SELECT coalesce(a.main_id, a.id) FROM account a " \
	"WHERE a.source_id = :source AND a.source_key = :account_key) END"

static void write_insert(const struct entity *e, struct record_sql *s, struct buf *b)
{
	buf_printf(b, "INSERT INTO %s (source_id, source_key%s", e->table,
	           e->has_account ? ", account_key, account_by, account_id" : "");
	if (e->has_seen_on)
		buf_text(b, ", seen_on");
	for (int i = 0; i < e->n_fields; i++)
		buf_printf(b, ", %s", e->fields[i].name);
	buf_printf(b, ") VALUES (:source, :key%s", e->has_account ? ", :account_key, :account_by, " ACCOUNT_OF_KEY : "");
	if (e->has_seen_on)
		buf_text(b, ", CASE WHEN (SELECT last_ok_on FROM source WHERE id = :source) IS NOT NULL THEN :seen_on END");
	for (int i = 0; i < e->n_fields; i++)
		buf_printf(b, ", %s", s->params[i]);
	buf_text(b, ")");
	keep(s->insert, sizeof s->insert, b);
}

static void write_update(const struct entity *e, struct record_sql *s, struct buf *b)
{
	buf_printf(b, "UPDATE %s SET deleted_on = NULL", e->table);
	for (int i = 0; i < e->n_fields; i++)
		buf_printf(b, ", %s = CASE WHEN :mask & %lld THEN %s ELSE %s END", e->fields[i].name, 1LL << i, s->params[i],
		           e->fields[i].name);
	buf_text(b, " WHERE id = :id");
	keep(s->update, sizeof s->update, b);
}

static void write_all(const struct entity *e, struct record_sql *s)
{
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, sizeof s->update);
	for (int i = 0; i < e->n_fields; i++)
		(void)snprintf(s->params[i], sizeof s->params[i], ":%s", e->fields[i].name);
	write_select(e, s, &b);
	write_insert(e, s, &b);
	write_update(e, s, &b);
	buf_printf(&b,
	           "UPDATE %s SET deleted_on = :day WHERE source_id = :source AND source_key = :key AND deleted_on IS NULL",
	           e->table);
	keep(s->erase, sizeof s->erase, &b);
	buf_printf(&b, "UPDATE %s SET account_key = :account_key, account_by = :account_by, account_id = NULL "
	           "WHERE source_id = :source AND source_key = :key "
	           "AND (account_key IS NOT :account_key OR account_by IS NOT :account_by)", e->table);
	keep(s->link, sizeof s->link, &b);
}

const struct record_sql *record_sql(const struct entity *e)
{
	static struct record_sql all[RECORD_N_ENTITIES];
	size_t i = (size_t)(e - entities);

	if (i >= RECORD_N_ENTITIES || !e->table)
		die("the entity %s has no table of records", e->name);
	if (!all[i].select[0])
		write_all(e, &all[i]);
	return &all[i];
}

#include "store/record.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "store/identity.h"

/* Several rows may stand for one company (store/identity.h); what leads to one of them leads to the main one. */
#define ONE_COMPANY \
	"SELECT CASE WHEN count(DISTINCT coalesce(a.main_id, a.id)) = 1 THEN min(coalesce(a.main_id, a.id)) END "
#define IS_THERE "(a.deleted_on IS NULL OR a.main_id IS NOT NULL)"

/* How an open account_key finds its account, by enum account_by. An id that fits several accounts fits none. */
static const char *const finders[] = {
	[ACCOUNT_BY_KEY] = "SELECT coalesce(a.main_id, a.id) FROM account a "
	                   "WHERE a.source_id = t.source_id AND a.source_key = t.account_key",
	[ACCOUNT_BY_EXTERNAL_ID] = ONE_COMPANY "FROM account a WHERE a.external_id = t.account_key AND " IS_THERE,
	[ACCOUNT_BY_DOMAIN] = ONE_COMPANY "FROM account a WHERE lower(a.domain) = lower(t.account_key) AND " IS_THERE,
	[ACCOUNT_BY_NAME] = ONE_COMPANY "FROM temp.name_folded n JOIN account a ON a.id = n.account_id "
	                    "WHERE n.folded = (SELECT k.folded FROM temp.key_folded k WHERE k.account_key = t.account_key)",
	[ACCOUNT_BY_SUBSCRIPTION] = "SELECT s.account_id FROM subscription s "
	                            "WHERE s.source_id = t.source_id AND s.source_key = t.account_key",
	[ACCOUNT_BY_CONTACT] = "SELECT c.account_id FROM contact c "
	                       "WHERE c.source_id = t.source_id AND c.source_key = t.account_key",
	[ACCOUNT_BY_PARTICIPANTS] =
		"SELECT COALESCE((SELECT min(c.account_id) FROM json_each(t.account_key) p JOIN contact c "
		"ON lower(c.email) = p.value AND c.deleted_on IS NULL AND c.account_id IS NOT NULL GROUP BY p.key "
		"HAVING count(DISTINCT c.account_id) = 1 ORDER BY p.key LIMIT 1), "
		"(SELECT min(coalesce(a.main_id, a.id)) FROM json_each(t.account_key) p JOIN account a "
		"ON lower(a.domain) = substr(p.value, instr(p.value, '@') + 1) AND " IS_THERE " GROUP BY p.key "
		"HAVING count(DISTINCT coalesce(a.main_id, a.id)) = 1 ORDER BY p.key LIMIT 1))",
};

enum { N_FINDERS = ARRAY_LEN(finders), N_TABLES = 16 };

struct link_sql {
	char link[N_FINDERS][1600], count_open[256], count_by_name[256], keys_by_name[320];
};

static const struct link_sql *link_sql(const struct entity *e)
{
	static struct link_sql all[N_TABLES];
	size_t place = (size_t)(e - entities);
	struct link_sql *s = &all[place];

	if (place >= N_TABLES)
		die("too many entities");
	if (s->count_open[0])
		return s;
	for (int i = 0; i < (int)N_FINDERS; i++)
		(void)snprintf(s->link[i], sizeof s->link[i],
		               "UPDATE %s AS t SET account_id = (%s) WHERE t.account_id IS NULL AND t.account_key IS NOT NULL "
		               "AND t.account_by = %d AND (%s) IS NOT NULL", e->table, finders[i], i, finders[i]);
	(void)snprintf(s->count_by_name, sizeof s->count_by_name, "SELECT count(*) FROM %s WHERE account_id IS NULL "
	               "AND account_key IS NOT NULL AND account_by = %d", e->table, ACCOUNT_BY_NAME);
	(void)snprintf(s->keys_by_name, sizeof s->keys_by_name,
	               "SELECT DISTINCT account_key FROM %s WHERE account_id IS NULL "
	               "AND account_key IS NOT NULL AND account_by = %d",
	               e->table, ACCOUNT_BY_NAME);
	(void)snprintf(s->count_open, sizeof s->count_open, "SELECT count(*) FROM %s WHERE account_id IS NULL "
	               "AND account_key IS NOT NULL AND deleted_on IS NULL", e->table);
	return s;
}

/* names ------------------------------------------------------------------------------------------------------------ */

static int count_by_name(struct db *db, int64_t *out, struct err *err)
{
	*out = 0;
	for (const struct entity *e = entities; e->name; e++) {
		int64_t n = 0;

		if (e->table && e->has_account && db_int(db, link_sql(e)->count_by_name, 0, &n, err) < 0)
			return -1;
		*out += n;
	}
	return 0;
}

static int fold_keys(struct db *db, const struct entity *e, struct arena *a, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *all = db_sql(db, link_sql(e)->keys_by_name);
	CLEANUP(stmt_donep) struct stmt *put =
		db_sql(db, "INSERT INTO temp.key_folded (account_key, folded) VALUES (:key, :folded) ON CONFLICT DO NOTHING");
	int rc;

	while ((rc = stmt_step(all, err)) == 1) {
		arena_reset(a);
		bind_text(put, ":key", col_text(all, 0));
		bind_text(put, ":folded", text_fold(a, col_text(all, 0)));
		if (stmt_run(put, err) < 0)
			return -1;
	}
	return rc;
}

static int fold_names(struct db *db, struct arena *a, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *all = db_sql(db, "SELECT id, name FROM account WHERE name IS NOT NULL AND deleted_on IS NULL");
	CLEANUP(stmt_donep) struct stmt *put =
		db_sql(db, "INSERT INTO temp.name_folded (folded, account_id) VALUES (:folded, :account)");
	int rc;

	while ((rc = stmt_step(all, err)) == 1) {
		arena_reset(a);
		bind_int(put, ":account", col_int(all, 0));
		bind_text(put, ":folded", text_fold(a, col_text(all, 1)));
		if (stmt_run(put, err) < 0)
			return -1;
	}
	return rc;
}

static int make_name_tables(struct db *db, struct err *err)
{
	return db_run(db,
	              "CREATE TABLE IF NOT EXISTS temp.name_folded (folded TEXT NOT NULL, account_id INTEGER NOT NULL); "
	              "CREATE INDEX IF NOT EXISTS temp.name_folded_by_name ON name_folded (folded); "
	              "CREATE INDEX IF NOT EXISTS temp.name_folded_by_account ON name_folded (account_id); "
	              "CREATE TABLE IF NOT EXISTS temp.key_folded (account_key TEXT PRIMARY KEY, folded TEXT NOT NULL)",
	              err);
}

/* Accents, case and blanks don't count in names, and SQL can't fold them. */
static int prepare_names(struct db *db, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	bool compares_names;
	int64_t n;

	if (make_name_tables(db, err) < 0 ||
	    db_run(db, "DELETE FROM temp.name_folded; DELETE FROM temp.key_folded", err) < 0 ||
	    count_by_name(db, &n, err) < 0 || identity_uses_names(db, &compares_names, err) < 0)
		return -1;
	if (n == 0 && !compares_names)
		return 0;
	for (const struct entity *e = entities; e->name; e++)
		if (e->table && e->has_account && fold_keys(db, e, a, err) < 0)
			return -1;
	return fold_names(db, a, err);
}

/* all -------------------------------------------------------------------------------------------------------------- */

static int link_entity(struct db *db, const struct entity *e, struct err *err)
{
	for (int i = 0; i < (int)N_FINDERS; i++) {
		CLEANUP(stmt_donep) struct stmt *q = db_sql(db, link_sql(e)->link[i]);

		if (stmt_run(q, err) < 0)
			return -1;
	}
	return 0;
}

/* Both of these follow what they are resolved from: a parent that changes, an owner whose address changes. */
static int link_accounts(struct db *db, struct err *err)
{
	return db_run(db,
	              "UPDATE account AS t SET parent_id = (SELECT coalesce(p.main_id, p.id) FROM account p "
	              "WHERE p.source_id = t.source_id AND p.source_key = t.parent_key AND coalesce(p.main_id, p.id) <> t.id) "
	              "WHERE t.parent_id IS NOT (SELECT coalesce(p.main_id, p.id) FROM account p "
	              "WHERE p.source_id = t.source_id AND p.source_key = t.parent_key AND coalesce(p.main_id, p.id) <> t.id); "
	              "UPDATE account AS t SET csm_email = lower(CASE WHEN instr(t.csm_key, '@') > 1 THEN t.csm_key ELSE "
	              "(SELECT o.email FROM owner o WHERE o.source_id = t.source_id AND o.source_key = t.csm_key) END) "
	              "WHERE t.csm_email IS NOT lower(CASE WHEN instr(t.csm_key, '@') > 1 THEN t.csm_key ELSE "
	              "(SELECT o.email FROM owner o WHERE o.source_id = t.source_id AND o.source_key = t.csm_key) END); "
	              "UPDATE account AS t SET am_email = lower(CASE WHEN instr(t.am_key, '@') > 1 THEN t.am_key ELSE "
	              "(SELECT o.email FROM owner o WHERE o.source_id = t.source_id AND o.source_key = t.am_key) END) "
	              "WHERE t.am_email IS NOT lower(CASE WHEN instr(t.am_key, '@') > 1 THEN t.am_key ELSE "
	              "(SELECT o.email FROM owner o WHERE o.source_id = t.source_id AND o.source_key = t.am_key) END)",
	              err);
}

/* Rows whose account isn't known yet; adds how many of them stay so. */
static int link_rows(struct db *db, int64_t *io_open, struct err *err)
{
	for (const struct entity *e = entities; e->name; e++) {
		int64_t n = 0;

		if (!e->table || !e->has_account)
			continue;
		if (link_entity(db, e, err) < 0 || db_int(db, link_sql(e)->count_open, 0, &n, err) < 0)
			return err_in(err, "link %s", e->name);
		*io_open += n;
	}
	return db_run(db, "INSERT INTO linked (what) VALUES (1), (2) ON CONFLICT DO NOTHING", err);
}

/* Rows that identity takes from their accounts are to be linked anew: names that only they say were not read yet. */
static int resolve_identity(struct db *db, struct err *err)
{
	int64_t before, after;

	if (prepare_names(db, err) < 0 || count_by_name(db, &before, err) < 0 || identity_resolve(db, err) < 0 ||
	    count_by_name(db, &after, err) < 0)
		return -1;
	return after > before ? prepare_names(db, err) : 0;
}

int64_t record_resolve_links(struct db *db, struct err *err)
{
	int64_t n_open = 0;

	if (resolve_identity(db, err) < 0 || link_accounts(db, err) < 0 ||
	    db_int(db,
	           "SELECT count(*) FROM account WHERE parent_key IS NOT NULL AND parent_id IS NULL AND deleted_on IS NULL",
	           0, &n_open, err) < 0)
		return err_in(err, "link");
	return link_rows(db, &n_open, err) < 0 ? -1 : n_open;
}

/* Nothing else says which accounts are one company, or whose they are. */
static bool says_who(const struct entity *what)
{
	return !what || strcmp(what->name, "account") == 0 || strcmp(what->name, "owner") == 0;
}

int record_mark_links_due(struct db *db, const struct entity *what, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM linked WHERE what BETWEEN :from AND 2");

	bind_int(q, ":from", says_who(what) ? 1 : 2);
	return stmt_run(q, err);
}

int record_resolve_links_due(struct db *db, struct err *err)
{
	int64_t n_done, n_open = 0;

	if (db_int(db, "SELECT count(*) FROM linked", 0, &n_done, err) < 0)
		return -1;
	if (n_done == 0)
		return record_resolve_links(db, err) < 0 ? -1 : 0;
	if (n_done == 2)
		return 0;
	return prepare_names(db, err) < 0 || link_rows(db, &n_open, err) < 0 ? -1 : 0;
}

/* one key ---------------------------------------------------------------------------------------------------------- */

static int fold_key(struct db *db, struct arena *a, const char *key, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO temp.key_folded (account_key, folded) VALUES (:key, :folded) ON CONFLICT DO NOTHING");

	bind_text(q, ":key", key);
	bind_text(q, ":folded", text_fold(a, key));
	return stmt_run(q, err);
}

/* Names as they were at the last record_resolve_links, or now when none was open then. */
static int prepare_name(struct db *db, const char *key, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	int64_t n;

	if (make_name_tables(db, err) < 0 || db_int(db, "SELECT EXISTS (SELECT 1 FROM temp.name_folded)", 0, &n, err) < 0 ||
	    (n == 0 && fold_names(db, a, err) < 0))
		return -1;
	arena_reset(a);
	return fold_key(db, a, key, err);
}

int record_find_account(struct db *db, int64_t source, enum account_by by, const char *key, int64_t *out,
                        struct err *err)
{
	static char sql[N_FINDERS][800];
	CLEANUP(stmt_donep) struct stmt *q = NULL;

	if (by == ACCOUNT_BY_NAME && prepare_name(db, key, err) < 0)
		return -1;
	if (!sql[by][0])
		(void)snprintf(sql[by], sizeof sql[by],
		               "SELECT (%s) FROM (SELECT :source AS source_id, :key AS account_key) AS t", finders[by]);
	q = db_sql(db, sql[by]);
	bind_int(q, ":source", source);
	bind_text(q, ":key", key);
	if (stmt_step(q, err) < 0)
		return -1;
	if (col_is_null(q, 0))
		return 0;
	*out = col_int(q, 0);
	return 1;
}

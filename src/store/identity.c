#include "store/identity.h"

#include <string.h>

#include "common/text.h"
#include "identity_parts.h"
#include "store/record.h"

const char *const identity_by_names[] = { "external_id", "main_key", "own_key", "domain", "name", NULL };

enum { MAX_HOPS = 32 };

/* rules ------------------------------------------------------------------------------------------------------------ */

static int by_of(const char *name)
{
	int by = 0;

	while (by < N_IDENTITY_BY - 1 && !text_equal_fold(identity_by_names[by], name))
		by++;
	return by;
}

/* All of them in one text, to see whether they are others. */
static int read_rules(struct db *db, struct arena *a, const char **out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(
		db, "SELECT json_group_array(json_array(source, place, main, by)) "
			"FROM (SELECT * FROM identity_rule ORDER BY source, place)");

	if (stmt_step(q, err) < 0)
		return -1;
	*out = col_text_in(q, 0, a);
	return 0;
}

int identity_rules_set(struct db *db, const struct identity_settings *s, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *before, *after;
	CLEANUP(txn_end) struct txn txn = { 0 };
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO identity_rule (source, place, main, by) VALUES (:source, :place, :main, :by)");
	const struct identity_rule *rules = s->sources.at;

	if (txn_begin(&txn, db, err) < 0 || read_rules(db, a, &before, err) < 0 ||
	    db_run(db, "DELETE FROM identity_rule", err) < 0)
		return -1;
	for (size_t i = 0; s->main && i < s->sources.n; i++)
		for (size_t j = 0; j < rules[i].by.n; j++) {
			bind_text(q, ":source", rules[i].source);
			bind_int(q, ":place", (int64_t)j);
			bind_text(q, ":main", s->main);
			bind_int(q, ":by", by_of(rules[i].by.at[j]));
			if (stmt_run(q, err) < 0)
				return err_in(err, "identity");
		}
	if (read_rules(db, a, &after, err) < 0 || (strcmp(before, after) != 0 && record_mark_links_due(db, NULL, err) < 0))
		return -1;
	return txn_commit(&txn, err);
}

int identity_uses_names(struct db *db, bool *out, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT EXISTS (SELECT 1 FROM identity_rule WHERE by = :name)");

	bind_int(q, ":name", IDENTITY_NAME);
	if (stmt_step(q, err) < 0)
		return -1;
	*out = col_int(q, 0) != 0;
	return 0;
}

/* merges ----------------------------------------------------------------------------------------------------------- */

static int put_merge(struct db *db, int64_t source, const char *loser, int64_t survivor, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(
		db, "INSERT INTO temp.identity_new (account_id, main_id) SELECT id, :survivor FROM account "
			"WHERE source_id = :source AND source_key = :loser AND id <> :survivor ON CONFLICT (account_id) DO NOTHING");

	bind_int(q, ":source", source);
	bind_text(q, ":loser", loser);
	bind_int(q, ":survivor", survivor);
	return stmt_run(q, err);
}

/* Survivors that list whom they have taken in. */
static int read_survivors(struct db *db, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT id, source_id, merged_keys FROM account WHERE merged_keys IS NOT NULL");
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		char *rest, *key;

		arena_reset(a);
		rest = arena_strdup(a, col_text(q, 2));
		while ((key = strsep(&rest, ";,")))
			if (!text_is_blank(key) && put_merge(db, col_int(q, 1), text_trim(a, key), col_int(q, 0), err) < 0)
				return -1;
	}
	return rc;
}

int identity_note_merge(struct db *db, int64_t source, const char *key, const char *into, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "UPDATE account SET merged_into = :into WHERE source_id = :source "
	                                                "AND source_key = :key AND merged_into IS NOT :into");

	bind_int(q, ":source", source);
	bind_text(q, ":key", key);
	bind_text(q, ":into", into);
	if (stmt_run(q, err) < 0)
		return -1;
	return db_changes(db) > 0 ? record_mark_links_due(db, NULL, err) : 0;
}

/* A survivor may have been merged away in turn: on to the last one. What goes in a circle has none. */
static int follow_merges(struct db *db, struct err *err)
{
	for (int i = 0; i < MAX_HOPS; i++) {
		CLEANUP(stmt_donep) struct stmt *q = db_sql(
			db, "UPDATE temp.identity_new AS t SET main_id = n.main_id FROM temp.identity_new AS n "
				"WHERE n.account_id = t.main_id AND t.main_id <> t.account_id");

		if (stmt_run(q, err) < 0)
			return -1;
		if (db_changes(db) == 0)
			break;
	}
	return db_run(db, "DELETE FROM temp.identity_new WHERE main_id = account_id OR main_id IN "
	                  "(SELECT account_id FROM temp.identity_new)", err);
}

static int read_merges(struct db *db, struct err *err)
{
	if (db_run(db,
	           "INSERT INTO temp.identity_new (account_id, main_id) SELECT l.id, s.id FROM account l "
	           "JOIN account s ON s.source_id = l.source_id AND s.source_key = l.merged_into "
	           "WHERE l.merged_into IS NOT NULL AND s.id <> l.id", err) < 0 ||
	    read_survivors(db, err) < 0)
		return -1;
	return follow_merges(db, err);
}

/* keys ------------------------------------------------------------------------------------------------------------- */

/* For each account of a source: how many companies of the main source a key leads to, and one of them. The + keeps the
 * planner from going through all of the main source's accounts. */
#define FOUND(account_to_main) \
	"INSERT INTO temp.identity_found (account_id, by, n, main_id) " \
	"SELECT a.id, :by, count(DISTINCT coalesce(x.main_id, m.id)), min(coalesce(x.main_id, m.id)) FROM account a " \
	account_to_main " LEFT JOIN temp.identity_new x ON x.account_id = m.id " \
	"WHERE a.source_id = :source AND +m.source_id = :main AND (m.deleted_on IS NULL OR x.main_id IS NOT NULL) " \
	"GROUP BY a.id"

static const char *const finders[] = {
	[IDENTITY_EXTERNAL_ID] = FOUND("JOIN account m ON m.external_id = a.external_id"),
	[IDENTITY_MAIN_KEY] = "INSERT INTO temp.identity_found (account_id, by, n, main_id) "
	                      "SELECT a.id, :by, 1, coalesce(x.main_id, m.id) FROM account a "
	                      "JOIN account m ON m.source_id = :main AND m.source_key = a.external_id "
	                      "LEFT JOIN temp.identity_new x ON x.account_id = m.id "
	                      "WHERE a.source_id = :source AND (m.deleted_on IS NULL OR x.main_id IS NOT NULL)",
	[IDENTITY_OWN_KEY] = FOUND("JOIN account m ON m.external_id = a.source_key"),
	[IDENTITY_DOMAIN] = FOUND("JOIN account m ON lower(m.domain) = lower(a.domain)"),
	[IDENTITY_NAME] = FOUND("JOIN temp.name_folded o ON o.account_id = a.id "
	                        "JOIN temp.name_folded f ON f.folded = o.folded "
	                        "JOIN account m ON m.id = f.account_id"),
};

static int find_by(struct db *db, int64_t source, int64_t main, enum identity_by by, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, finders[by]);

	bind_int(q, ":by", by);
	bind_int(q, ":source", source);
	bind_int(q, ":main", main);
	return stmt_run(q, err);
}

static int find_all(struct db *db, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT s.id, m.id, r.by FROM identity_rule r "
	                                                "JOIN source s ON s.name = r.source JOIN source m ON m.name = r.main");
	int rc;

	while ((rc = stmt_step(q, err)) == 1)
		if (find_by(db, col_int(q, 0), col_int(q, 1), (enum identity_by)col_int(q, 2), err) < 0)
			return -1;
	return rc;
}

/* Every key that leads anywhere leads to the same one, or nothing follows. Merges go before keys. */
static int settle_keys(struct db *db, struct err *err)
{
	return db_run(db,
	              "INSERT INTO temp.identity_new (account_id, main_id) SELECT account_id, min(main_id) "
	              "FROM temp.identity_found GROUP BY account_id HAVING max(n) = 1 AND min(main_id) = max(main_id) "
	              "ON CONFLICT (account_id) DO NOTHING; "
	              "UPDATE temp.identity_new AS t SET main_id = n.main_id FROM temp.identity_new AS n "
	              "WHERE n.account_id = t.main_id; "
	              "DELETE FROM identity_conflict; "
	              "INSERT INTO identity_conflict (account_id, reason) SELECT f.account_id, "
	              "group_concat(w.word || ' leads to ' || CASE WHEN f.n = 1 THEN 'account ' || f.main_id "
	              "ELSE f.n || ' accounts' END, ', ') FROM (SELECT * FROM temp.identity_found ORDER BY account_id, by) f "
	              "JOIN temp.identity_word w ON w.by = f.by "
	              "WHERE NOT EXISTS (SELECT 1 FROM temp.identity_new n WHERE n.account_id = f.account_id) "
	              "GROUP BY f.account_id "
	              "HAVING max(f.n) > 1 OR min(f.main_id) <> max(f.main_id)",
	              err);
}

static int put_words(struct db *db, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO temp.identity_word (by, word) VALUES (:by, :word) ON CONFLICT DO NOTHING");

	for (int by = 0; by < N_IDENTITY_BY; by++) {
		bind_int(q, ":by", by);
		bind_text(q, ":word", identity_by_names[by]);
		if (stmt_run(q, err) < 0)
			return -1;
	}
	return 0;
}

/* all -------------------------------------------------------------------------------------------------------------- */

static int prepare(struct db *db, struct err *err)
{
	if (db_run(db,
	           "CREATE TABLE IF NOT EXISTS temp.identity_new (account_id INTEGER PRIMARY KEY, main_id INTEGER NOT NULL); "
	           "CREATE TABLE IF NOT EXISTS temp.identity_found (account_id INTEGER NOT NULL, by INTEGER NOT NULL, "
	           "n INTEGER NOT NULL, main_id INTEGER NOT NULL); "
	           "CREATE TABLE IF NOT EXISTS temp.identity_word (by INTEGER PRIMARY KEY, word TEXT NOT NULL); "
	           "CREATE TABLE IF NOT EXISTS temp.identity_changed (account_id INTEGER PRIMARY KEY, "
	           "was_id INTEGER NOT NULL, now_id INTEGER NOT NULL)", err) < 0)
		return -1;
	return db_run(db,
	              "DELETE FROM temp.identity_new; DELETE FROM temp.identity_found; DELETE FROM temp.identity_changed",
	              err);
}

static int note_changes(struct db *db, int64_t *out_n, struct err *err)
{
	if (db_run(db,
	           "INSERT INTO temp.identity_changed (account_id, was_id, now_id) "
	           "SELECT a.id, coalesce(a.main_id, a.id), coalesce(n.main_id, a.id) FROM account a "
	           "LEFT JOIN temp.identity_new n ON n.account_id = a.id WHERE a.main_id IS NOT n.main_id; "
	           "UPDATE account AS t SET main_id = (SELECT n.main_id FROM temp.identity_new n WHERE n.account_id = t.id) "
	           "WHERE t.id IN (SELECT account_id FROM temp.identity_changed)", err) < 0)
		return -1;
	return db_int(db, "SELECT count(*) FROM temp.identity_changed", 0, out_n, err);
}

int identity_resolve(struct db *db, struct err *err)
{
	int64_t n;

	if (prepare(db, err) < 0 || put_words(db, err) < 0 || read_merges(db, err) < 0 || find_all(db, err) < 0 ||
	    settle_keys(db, err) < 0 || note_changes(db, &n, err) < 0)
		return err_in(err, "identity");
	if (n && (identity_unlink(db, err) < 0 || identity_move_usage(db, err) < 0))
		return err_in(err, "identity");
	return 0;
}

/* telling ---------------------------------------------------------------------------------------------------------- */

/* CROSS JOIN: from the few conflicts, not from all accounts. */
int identity_conflicts(struct db *db, struct arena *a, struct identity_conflict **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(
		db, "SELECT 'conflict' AS kind, s.name, a.source_key, coalesce(a.name, ''), c.reason FROM identity_conflict c "
			"CROSS JOIN account a ON a.id = c.account_id JOIN source s ON s.id = a.source_id WHERE a.deleted_on IS NULL "
			"UNION ALL "
			"SELECT 'waiting', s.name, w.account_key, '', 'usage of ' || count(DISTINCT w.day) || ' days waits for an account' "
			"FROM (SELECT source_id, account_key, day FROM usage_waiting UNION ALL SELECT source_id, account_key, day "
			"FROM counted_waiting) w JOIN source s ON s.id = w.source_id GROUP BY s.name, w.account_key ORDER BY 1, 2, 3");
	struct identity_conflict *list = NULL;
	size_t n = 0, room = 0;
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		if (n == room) {
			room = room ? 2 * room : 64;
			list = arena_grow(a, list, n, room, sizeof *list);
		}
		list[n++] = (struct identity_conflict){ col_text_in(q, 0, a), col_text_in(q, 1, a), col_text_in(q, 2, a),
			                                    col_text_in(q, 3, a), col_text_in(q, 4, a) };
	}
	*out = list;
	*out_n = n;
	return rc;
}

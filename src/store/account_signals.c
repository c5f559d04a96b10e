#include "store/account_signals.h"

#include <string.h>

#include "common/sha256.h"

/* The next account that was told before; INT64_MAX at the end. What lies before it may be written then, not what the
 * statement stands on: that could come again. */
static int next(struct account_signals *s, struct err *err)
{
	int rc = s->was ? stmt_step(s->was, err) : 0;

	if (rc > 0) {
		s->account = col_int(s->was, 0);
		s->id = col_int(s->was, 1);
		return 0;
	}
	account_signals_done(s);
	s->account = INT64_MAX;
	return rc;
}

/* From when their form was another. */
static int forget_rows(const struct account_signals *s, struct err *err)
{
	static const char *const statements[] = {
		"DELETE FROM score_signal_row WHERE day = :day",
		"DELETE FROM account_signals_long WHERE day = :day",
	};

	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		CLEANUP(stmt_donep) struct stmt *q = db_sql(s->db, statements[i]);

		bind_day(q, ":day", s->day);
		if (stmt_run(q, err) < 0)
			return -1;
	}
	return 0;
}

int account_signals_begin(struct account_signals *s, struct db *db, int32_t day, struct err *err)
{
	*s = (struct account_signals){ .db = db, .day = day };
	if (forget_rows(s, err) < 0)
		return err_in(err, "signals");
	s->was = db_sql(db, "SELECT account_id, id, setting, data FROM account_signals WHERE day = :day "
	                    "ORDER BY account_id");
	bind_day(s->was, ":day", day);
	return next(s, err) < 0 ? err_in(err, "signals") : 0;
}

static int insert_sets(const struct account_signals *s, const char *sets, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(s->db, "INSERT OR IGNORE INTO signal_set (setting, place, engine, signal, weight, wording) "
	                               "SELECT :setting, key, json_extract(value, '$[0]'), json_extract(value, '$[1]'), "
	                               "json_extract(value, '$[2]'), json_extract(value, '$[3]') FROM json_each(:sets)");

	bind_int(q, ":setting", s->setting);
	bind_text(q, ":sets", sets);
	return stmt_run(q, err);
}

int account_signals_setting(struct account_signals *s, const char *sets, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(stmt_donep) struct stmt *q = db_sql(s->db, "INSERT OR IGNORE INTO signal_setting (hash) VALUES (:hash)");
	CLEANUP(stmt_donep) struct stmt *number = db_sql(s->db, "SELECT id FROM signal_setting WHERE hash = :hash");
	const char *hash = sha256_hex(a, sets, strlen(sets));

	bind_text(q, ":hash", hash);
	bind_text(number, ":hash", hash);
	if (stmt_run(q, err) < 0 || stmt_step(number, err) < 0)
		return err_in(err, "signals");
	s->setting = col_int(number, 0);
	return db_changes(s->db) ? insert_sets(s, sets, err) : 0;
}

static int insert(const struct account_signals *s, int64_t account, const char *text, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(s->db, "INSERT INTO account_signals (day, account_id, setting, data) VALUES (:day, "
	                               ":account, :setting, :data)");

	bind_day(q, ":day", s->day);
	bind_int(q, ":account", account);
	bind_int(q, ":setting", s->setting);
	bind_text(q, ":data", text);
	return stmt_run(q, err);
}

static int change(const struct account_signals *s, int64_t id, const char *text, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(s->db, "UPDATE account_signals SET setting = :setting, data = :data WHERE id = :id");

	bind_int(q, ":id", id);
	bind_int(q, ":setting", s->setting);
	bind_text(q, ":data", text);
	return stmt_run(q, err);
}

static int drop(const struct account_signals *s, int64_t id, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(s->db, "DELETE FROM account_signals WHERE id = :id");

	bind_int(q, ":id", id);
	return stmt_run(q, err);
}

static int drop_before(struct account_signals *s, int64_t account, struct err *err)
{
	while (s->account < account) {
		int64_t gone = s->id;

		if (next(s, err) < 0 || drop(s, gone, err) < 0)
			return -1;
	}
	return 0;
}

static int put(struct account_signals *s, int64_t account, const char *text, struct err *err)
{
	int64_t id;
	bool is_same;

	if (drop_before(s, account, err) < 0)
		return -1;
	if (s->account != account)
		return insert(s, account, text, err);
	id = s->id;
	is_same = col_int(s->was, 2) == s->setting && strcmp(col_text(s->was, 3), text) == 0;
	return next(s, err) < 0 || (!is_same && change(s, id, text, err) < 0) ? -1 : 0;
}

int account_signals_put(struct account_signals *s, int64_t account, const char *text, struct err *err)
{
	if (!s->setting)
		return err_set(err, ERR_FATAL, "signals without their setting");
	return put(s, account, text, err) < 0 ? err_in(err, "signals of account %lld", (long long)account) : 0;
}

int account_signals_end(struct account_signals *s, struct err *err)
{
	return drop_before(s, INT64_MAX, err) < 0 ? err_in(err, "signals") : 0;
}

void account_signals_done(struct account_signals *s)
{
	stmt_donep(&s->was);
	s->was = NULL;
}

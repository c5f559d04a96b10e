#include "store/push.h"

#include "store/usage.h"

int push_seen_add(struct db *db, int64_t source, const uint8_t hash[PUSH_HASH_BYTES], int32_t received_on,
                  struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO push_seen (source_id, hash, received_on) VALUES (:source, :hash, :day) "
	               "ON CONFLICT (source_id, hash) DO NOTHING");

	bind_int(q, ":source", source);
	bind_blob(q, ":hash", hash, PUSH_HASH_BYTES);
	bind_day(q, ":day", received_on);
	return stmt_run(q, err) < 0 ? -1 : db_changes(db) > 0;
}

int push_seen_forget(struct db *db, int64_t source, int32_t before, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "DELETE FROM push_seen WHERE source_id = :source AND received_on < :day");

	bind_int(q, ":source", source);
	bind_day(q, ":day", before);
	return stmt_run(q, err);
}

int usage_waiting_add(struct db *db, int64_t source, enum account_by by, const char *key, const struct usage_row *row,
                      struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(
		db, "INSERT INTO usage_waiting (source_id, account_by, account_key, metric_id, day, contact_key, team, value) "
			"VALUES (:source, :by, :key, :metric, :day, :contact, :team, :value) "
			"ON CONFLICT (source_id, account_by, account_key, metric_id, day, contact_key, team) "
			"DO UPDATE SET value = " USAGE_ADDED);

	bind_int(q, ":source", source);
	bind_int(q, ":by", by);
	bind_text(q, ":key", key);
	bind_int(q, ":metric", row->metric);
	bind_day(q, ":day", row->day);
	bind_text(q, ":contact", row->contact_key);
	bind_text(q, ":team", row->team);
	bind_int(q, ":value", row->value);
	return stmt_run(q, err);
}

int usage_waiting_count(struct db *db, int64_t source, int64_t *out, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT count(*) FROM usage_waiting WHERE source_id = :source");

	bind_int(q, ":source", source);
	if (stmt_step(q, err) < 0)
		return -1;
	*out = col_int(q, 0);
	return 0;
}

static int give_up(struct db *db, int64_t source, int32_t before, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "DELETE FROM usage_waiting WHERE source_id = :source AND day < :day");

	bind_int(q, ":source", source);
	bind_day(q, ":day", before);
	return stmt_run(q, err);
}

/* All that waits for one account. */
static int settle_key(struct db *db, int64_t source, enum account_by by, const char *key, int64_t account,
                      struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "SELECT metric_id, day, contact_key, team, value FROM usage_waiting "
	               "WHERE source_id = :source AND account_by = :by AND account_key = :key");
	CLEANUP(stmt_donep) struct stmt *erase = db_sql(
		db, "DELETE FROM usage_waiting WHERE source_id = :source AND account_by = :by AND account_key = :key");
	int rc;

	bind_int(q, ":source", source);
	bind_int(q, ":by", by);
	bind_text(q, ":key", key);
	while ((rc = stmt_step(q, err)) == 1) {
		const struct usage_row row = { .metric = (int32_t)col_int(q, 0),
			                           .day = col_day(q, 1),
			                           .account = account,
			                           .contact_key = col_text(q, 2),
			                           .team = col_text(q, 3),
			                           .value = col_int(q, 4) };

		if (usage_batch_add(db, USAGE_SUM, &row, err) < 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	bind_int(erase, ":source", source);
	bind_int(erase, ":by", by);
	bind_text(erase, ":key", key);
	return stmt_run(erase, err);
}

struct waiting_key {
	enum account_by by;
	const char *key;
	struct waiting_key *next;
};

/* Read before anything is erased. */
static int waiting_keys(struct db *db, int64_t source, struct arena *a, struct waiting_key **out, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q =
		db_sql(db, "SELECT DISTINCT account_by, account_key FROM usage_waiting WHERE source_id = :source");
	int rc;

	*out = NULL;
	bind_int(q, ":source", source);
	while ((rc = stmt_step(q, err)) == 1) {
		const struct waiting_key k = { (enum account_by)col_int(q, 0), col_text_in(q, 1, a), *out };

		*out = arena_memdup(a, &k, sizeof k);
	}
	return rc;
}

int64_t usage_waiting_settle(struct db *db, int64_t source, int32_t before, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct waiting_key *k;
	int64_t n;

	if (give_up(db, source, before, err) < 0 || waiting_keys(db, source, a, &k, err) < 0)
		return -1;
	for (; k; k = k->next) {
		int64_t account;
		int rc = record_find_account(db, source, k->by, k->key, &account, err);

		if (rc < 0 || (rc == 1 && settle_key(db, source, k->by, k->key, account, err) < 0))
			return -1;
	}
	return usage_waiting_count(db, source, &n, err) < 0 ? -1 : n;
}

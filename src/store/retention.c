#include "store/retention.h"

#include <stddef.h>

enum {
	DAY_S = 86400,
	MAX_PIECES = 50,      /* of one rule on one day */
	PART_ROWS = 250000,   /* ids of a large table that are looked through on one day */
	STEP_ROWS = 5000,     /* of them at once, so that neither a transaction nor the log of it grows with the table */
	MAX_AGAIN = 400       /* steps of a day that are gone through again because they had more than :most rows */
};

/* What goes when it is older than a setting. sql knows :before, the first day that stays, and either :most, rows at
 * once, or :from and :to, ids, of which `last` gives the largest that there is; or both where an id has many rows. */
struct rule {
	size_t setting; /* offset in struct retention_settings */
	const char *sql;
	const char *last; /* NULL: by :most */
	int most; /* 0: no more than there are ids */
};

#define KEPT(name) offsetof(struct retention_settings, name)

static const struct rule rules[] = {
	{ KEPT(usage_s),
	  "DELETE FROM usage_block WHERE id IN (SELECT b.id FROM metric m JOIN usage_block b "
	  "ON b.id >= m.id << 40 AND b.id < (m.id << 40) + (:before << 20) LIMIT :most)",
	  NULL, 512 },
	/* Those of blocks that are still there stay with them. */
	{ KEPT(usage_s),
	  "DELETE FROM usage_exception WHERE (metric_id, day, account_id) IN (SELECT e.metric_id, e.day, e.account_id "
	  "FROM metric m JOIN usage_exception e ON e.metric_id = m.id AND e.day < :before WHERE NOT EXISTS (SELECT 1 "
	  "FROM usage_block b WHERE b.id = (e.metric_id << 40) + (e.day << 20) + e.account_id / 8128) LIMIT :most)",
	  NULL, 20000 },
	{ KEPT(usage_s),
	  "DELETE FROM usage_detail WHERE (account_id, day, metric_id, contact_key, team) IN (SELECT account_id, day, "
	  "metric_id, contact_key, team FROM usage_detail WHERE account_id BETWEEN :from AND :to AND day < :before "
	  "LIMIT :most)",
	  "SELECT max(account_id) FROM usage_detail", 25000 },
	{ KEPT(usage_s),
	  "DELETE FROM usage_counted WHERE (source_id, stream, day, metric_id, block) IN (SELECT source_id, stream, day, "
	  "metric_id, block FROM usage_counted WHERE day < :before LIMIT :most)",
	  NULL, 1000 },
	{ KEPT(texts_s),
	  "UPDATE ticket SET subject = NULL, body = NULL WHERE id BETWEEN :from AND :to AND opened_at < :before * 86400 "
	  "AND coalesce(closed_at, 0) < :before * 86400 AND (subject IS NOT NULL OR body IS NOT NULL)",
	  "SELECT max(id) FROM ticket", 0 },
	{ KEPT(texts_s),
	  "UPDATE interaction SET subject = NULL, body = NULL WHERE id BETWEEN :from AND :to AND at < :before * 86400 "
	  "AND (subject IS NOT NULL OR body IS NOT NULL)",
	  "SELECT max(id) FROM interaction", 0 },
	{ KEPT(texts_s),
	  "UPDATE survey SET comment = NULL WHERE id BETWEEN :from AND :to AND at < :before * 86400 AND comment IS NOT NULL",
	  "SELECT max(id) FROM survey", 0 },
	{ KEPT(signals_s),
	  "DELETE FROM account_signals WHERE id IN (SELECT id FROM account_signals WHERE day < :before LIMIT :most)",
	  NULL, 40000 },
	{ KEPT(signals_s), /* from when their form was another */
	  "DELETE FROM account_signals_long WHERE id IN (SELECT id FROM account_signals_long WHERE day < :before LIMIT :most)",
	  NULL, 20000 },
	{ KEPT(signals_s), /* from when each signal was a row */
	  "DELETE FROM score_signal_row WHERE (day, account_id, engine, signal) IN (SELECT day, account_id, engine, signal "
	  "FROM score_signal_row WHERE day < :before LIMIT :most)",
	  NULL, 20000 },
	{ KEPT(scores_s),
	  "DELETE FROM score_block WHERE id IN (SELECT id FROM score_block WHERE id < :before << 32 LIMIT :most)",
	  NULL, 2000 },
	{ KEPT(scores_s), /* from when each score was a row */
	  "DELETE FROM score_row WHERE (day, account_id) IN (SELECT day, account_id FROM score_row WHERE day < :before "
	  "LIMIT :most)",
	  NULL, 50000 },
	{ KEPT(digests_s),
	  "DELETE FROM delivery WHERE outbox_id IN (SELECT o.id FROM outbox o JOIN digest d ON d.id = o.digest_id "
	  "WHERE d.id BETWEEN :from AND :to AND d.local_on < :before)",
	  "SELECT max(id) FROM digest", 0 },
	{ KEPT(digests_s),
	  "DELETE FROM outbox WHERE digest_id IN (SELECT id FROM digest WHERE id BETWEEN :from AND :to "
	  "AND local_on < :before)",
	  "SELECT max(id) FROM digest", 0 },
	{ KEPT(digests_s),
	  "DELETE FROM digest_item WHERE digest_id IN (SELECT id FROM digest WHERE id BETWEEN :from AND :to "
	  "AND local_on < :before)",
	  "SELECT max(id) FROM digest", 0 },
	{ KEPT(digests_s), "DELETE FROM digest WHERE id BETWEEN :from AND :to AND local_on < :before",
	  "SELECT max(id) FROM digest", 0 },
	{ KEPT(digests_s),
	  "DELETE FROM slot WHERE (owner_email, local_on) IN (SELECT owner_email, local_on FROM slot "
	  "WHERE local_on < :before LIMIT :most)",
	  NULL, 20000 },
	{ KEPT(digests_s),
	  "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE told_at IS NOT NULL AND at < :before * 86400 "
	  "LIMIT :most)",
	  NULL, 20000 },
	{ KEPT(runs_s),
	  "DELETE FROM pull_run WHERE id IN (SELECT r.id FROM pull_run r WHERE r.started_at < :before * 86400 AND EXISTS "
	  "(SELECT 1 FROM pull_run n WHERE n.id > r.id AND n.source_id = r.source_id AND n.stream = r.stream) LIMIT :most)",
	  NULL, 5000 },
	{ KEPT(runs_s),
	  "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE last_seen_at < :before * 86400 LIMIT :most)",
	  NULL, 20000 },
};

/* is_all: as much as there is, else what a day has time for. */
struct applying {
	struct db *db;
	int32_t today;
	bool is_all;
};

/* A transaction. from: of the ids, where the rule goes by them. */
static int64_t run_piece(const struct applying *x, const struct rule *rule, int32_t before, int64_t from,
                         struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	CLEANUP(stmt_donep) struct stmt *q = NULL;
	struct db *db = x->db;
	int64_t n;

	if (txn_begin(&txn, db, err) < 0)
		return -1;
	q = db_sql(db, rule->sql);
	bind_int(q, ":before", before);
	if (rule->most)
		bind_int(q, ":most", rule->most);
	if (rule->last) {
		bind_int(q, ":from", from);
		bind_int(q, ":to", from + STEP_ROWS - 1);
	}
	if (stmt_run(q, err) < 0)
		return -1;
	n = db_changes(db);
	return txn_commit(&txn, err) < 0 ? -1 : n;
}

static int64_t run_pieces(const struct applying *x, const struct rule *rule, int32_t before, struct err *err)
{
	int64_t n_all = 0;

	for (int i = 0; x->is_all || i < MAX_PIECES; i++) {
		int64_t n = run_piece(x, rule, before, 0, err);

		if (n < 0)
			return -1;
		n_all += n;
		if (n < rule->most)
			break;
	}
	return n_all;
}

/* end: the first id behind the part. */
static int64_t run_part(const struct applying *x, const struct rule *rule, int32_t before, int64_t from, int64_t end,
                        struct err *err)
{
	int64_t n_all = 0;
	int n_again = 0;

	while (from < end) {
		int64_t n = run_piece(x, rule, before, from, err);

		if (n < 0)
			return -1;
		n_all += n;
		if (!rule->most || n < rule->most || (++n_again > MAX_AGAIN && !x->is_all))
			from += STEP_ROWS;
	}
	return n_all;
}

/* The day's part of the ids, which is all of a small table; or all parts. */
static int64_t run_parts(const struct applying *x, const struct rule *rule, int32_t before, struct err *err)
{
	int64_t last, first, n_parts, n_all = 0;

	if (db_int(x->db, rule->last, 0, &last, err) < 0)
		return -1;
	n_parts = 1 + last / PART_ROWS;
	first = x->is_all ? 0 : x->today % n_parts;
	for (int64_t part = first; part < (x->is_all ? n_parts : first + 1); part++) {
		int64_t end = part == n_parts - 1 ? last + 1 : (part + 1) * PART_ROWS;
		int64_t n = run_part(x, rule, before, part * PART_ROWS, end, err);

		if (n < 0)
			return -1;
		n_all += n;
	}
	return n_all;
}

static int64_t apply(const struct applying *x, const struct retention_settings *r, struct err *err)
{
	int64_t n_all = 0;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		int64_t kept_s = *(const int64_t *)((const char *)r + rules[i].setting), n;
		int32_t before = x->today - (int32_t)(kept_s / DAY_S);

		if (kept_s == 0 || before <= 0)
			continue;
		n = rules[i].last ? run_parts(x, &rules[i], before, err) : run_pieces(x, &rules[i], before, err);
		if (n < 0)
			return err_in(err, "retention");
		n_all += n;
	}
	return n_all;
}

int64_t retention_apply(struct db *db, const struct retention_settings *r, int32_t today, struct err *err)
{
	return apply(&(struct applying){ db, today, false }, r, err);
}

int64_t retention_apply_all(struct db *db, const struct retention_settings *r, int32_t today, struct err *err)
{
	return apply(&(struct applying){ db, today, true }, r, err);
}

static int file_bytes(struct db *db, int64_t *out, struct err *err)
{
	int64_t pages, size;

	if (db_int(db, "PRAGMA page_count", 0, &pages, err) < 0 || db_int(db, "PRAGMA page_size", 0, &size, err) < 0)
		return -1;
	*out = pages * size;
	return 0;
}

int database_compact(struct db *db, struct compacted *out, struct err *err)
{
	struct compacted c;

	if (file_bytes(db, &c.bytes_before, err) < 0 || db_run(db, "VACUUM", err) < 0 ||
	    db_run(db, "PRAGMA wal_checkpoint(TRUNCATE)", err) < 0 || file_bytes(db, &c.bytes_after, err) < 0)
		return err_in(err, "compact");
	*out = c;
	return 0;
}

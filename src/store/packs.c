#include "store/packs.h"

#include "pack_load.h"
#include "pack_parts.h"

enum {
	BATCH = 4096, /* accounts in a transaction */
	CHUNK = 256,  /* accounts whose rows are in memory together, at most */
	GAP = 4,      /* neighbours that are further apart are read by themselves */
	MAX_AGE_DAYS = 182
};

/* reading ---------------------------------------------------------------------------------------------------------- */

struct stmt *packs_of(struct db *db, int64_t from, int64_t to)
{
	struct stmt *q = db_sql(db, "SELECT account_id, data FROM account_pack WHERE account_id BETWEEN :from AND :to");

	bind_int(q, ":from", from);
	bind_int(q, ":to", to);
	return q;
}

int packs_next(struct stmt *q, int64_t *out_account, struct pack *out, struct err *err)
{
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		size_t len = 0;
		const void *data = col_blob(q, 1, &len);

		*out_account = col_int(q, 0);
		if (data && pack_open(data, len, out))
			return 1;
	}
	return rc;
}

int packs_check(struct db *db, int64_t *out_n, int64_t *out_damaged, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = packs_of(db, INT64_MIN, INT64_MAX);
	int64_t n = 0, whole = 0, account;
	struct pack p;
	int rc;

	while ((rc = packs_next(q, &account, &p, err)) > 0)
		whole++;
	if (rc < 0 || db_int(db, "SELECT count(*) FROM account_pack", 0, &n, err) < 0)
		return err_in(err, "packs");
	*out_n = n;
	*out_damaged = n - whole;
	return 0;
}

/* making ----------------------------------------------------------------------------------------------------------- */

int packs_erase(struct db *db, int64_t account, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM account_pack WHERE account_id = :account");

	bind_int(q, ":account", account);
	return stmt_run(q, err) < 0 ? err_in(err, "pack") : 0;
}

static int put(struct db *db, int64_t account, const struct buf *bytes, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO account_pack (account_id, data) VALUES (:account, :data) "
		"ON CONFLICT (account_id) DO UPDATE SET data = excluded.data");

	bind_int(q, ":account", account);
	bind_blob(q, ":data", bytes->at, bytes->len);
	return stmt_run(q, err);
}

/* An account that is none any more, or whose pack would not be true or be too large, has none. */
static int put_draft(const struct packing *p, size_t i, struct buf *bytes, struct err *err)
{
	const struct pack_draft *d = &p->drafts[i];

	buf_reset(bytes);
	if (d->tables[PACK_ACCOUNT].n && !p->is_odd[i])
		pack_write(d, zone_mark(p->zone), bytes);
	if (!bytes->len || bytes->is_full)
		return packs_erase(p->db, p->accounts[i], err);
	return put(p->db, p->accounts[i], bytes, err);
}

struct refreshing {
	struct db *db;
	const struct zone *zone;
	int32_t today;
	int64_t n;
	size_t fit; /* accounts that were in memory together last */
};

static int refresh_chunk(struct refreshing *r, const int64_t *accounts, size_t n, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(buf_done) struct buf bytes;
	struct packing p = { .db = r->db, .zone = r->zone, .accounts = accounts, .n = n, .arena = a };

	buf_init(&bytes, PACK_MAX_BYTES);
	packing_to_last(&p, r->today);
	if (packing_load(&p, true, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (put_draft(&p, i, &bytes, err) < 0)
			return -1;
	r->n += (int64_t)n;
	return 0;
}

static int read_stale(struct db *db, int64_t *accounts, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT account_id FROM pack_stale ORDER BY account_id LIMIT :n");
	size_t n = 0;
	int rc;

	bind_int(q, ":n", BATCH);
	while ((rc = stmt_step(q, err)) > 0)
		accounts[n++] = col_int(q, 0);
	*out_n = n;
	return rc;
}

static int forget_stale(struct db *db, int64_t last, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM pack_stale WHERE account_id <= :last");

	bind_int(q, ":last", last);
	return stmt_run(q, err);
}

/* Returns 1 when there may be more, 0 when all are done. */
static int refresh_batch(struct refreshing *r, int64_t *accounts, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	size_t n;

	if (txn_begin(&txn, r->db, err) < 0 || read_stale(r->db, accounts, &n, err) < 0)
		return -1;
	if (!n)
		return 0;
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && end - i < CHUNK && accounts[end] - accounts[end - 1] <= GAP;)
			end++;
		if (packing_fit(r->db, accounts + i, end - i, &r->fit, err) < 0)
			return -1;
		end = i + r->fit;
		if (refresh_chunk(r, accounts + i, end - i, err) < 0)
			return -1;
	}
	if (forget_stale(r->db, accounts[n - 1], err) < 0 || txn_commit(&txn, err) < 0)
		return -1;
	return n == BATCH;
}

static int put_made(struct refreshing *r, int32_t since_on, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(r->db,
		"INSERT INTO pack_made (only, version, zone, since_on) VALUES (1, :version, :zone, :since) ON CONFLICT (only) "
		"DO UPDATE SET version = excluded.version, zone = excluded.zone, since_on = excluded.since_on");

	bind_int(q, ":version", PACK_VERSION);
	bind_int(q, ":zone", zone_mark(r->zone));
	bind_day(q, ":since", since_on);
	return stmt_run(q, err);
}

/* Packs of another zone or format are of no use, and those of half a year ago hold what nobody asks for any more. */
static int start_anew(struct refreshing *r, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	CLEANUP(stmt_donep) struct stmt *q = db_sql(r->db,
		"SELECT since_on FROM pack_made WHERE version = :version AND zone = :zone AND since_on >= :oldest");
	struct packing p = { .zone = r->zone };
	int rc;

	packing_to_last(&p, r->today);
	bind_int(q, ":version", PACK_VERSION);
	bind_int(q, ":zone", zone_mark(r->zone));
	bind_day(q, ":oldest", p.since_on - MAX_AGE_DAYS);
	rc = stmt_step(q, err);
	if (rc > 0)
		return col_day(q, 0) <= p.since_on ? 0 : put_made(r, p.since_on, err);
	if (rc < 0 || txn_begin(&txn, r->db, err) < 0 ||
	    db_run(r->db, "DELETE FROM account_pack; INSERT INTO pack_stale SELECT id FROM account WHERE main_id IS NULL "
	           "ON CONFLICT DO NOTHING", err) < 0 ||
	    put_made(r, p.since_on, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

int64_t packs_refresh(struct db *db, const struct zone *zone, int32_t today, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct refreshing r = { .db = db, .zone = zone, .today = today, .fit = CHUNK };
	int64_t *accounts = arena_array(a, BATCH, sizeof *accounts);
	int rc = start_anew(&r, err);

	while (rc >= 0 && (rc = refresh_batch(&r, accounts, err)) > 0)
		;
	return rc < 0 ? err_in(err, "packs of accounts") : r.n;
}

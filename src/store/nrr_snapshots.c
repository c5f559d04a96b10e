#include "store/nrr_snapshots.h"

#include <string.h>

#include "common/clock.h"
#include "nrr_pack.h"

enum {
	MAX_PACKED = 512 << 20, /* bytes of one report's accounts: a hundred million of them */
	MAX_OWNERS = 1024 << 20, /* bytes of pointers to owners */
	FIRST_ROOM = 64,
	COL_SUMS = 12 /* where the sums begin among the columns that are read */
};

static const char *const sum_params[N_SNAPSHOT_SUMS] = {
	[SNAPSHOT_N_START] = ":n_start", [SNAPSHOT_N_CHURNED] = ":n_churned", [SNAPSHOT_N_END] = ":n_end",
	[SNAPSHOT_START] = ":start", [SNAPSHOT_ADDED] = ":added", [SNAPSHOT_EXPANSION] = ":expansion",
	[SNAPSHOT_REACTIVATION] = ":reactivation", [SNAPSHOT_CONTRACTION] = ":contraction", [SNAPSHOT_CHURN] = ":churn",
	[SNAPSHOT_FX] = ":fx", [SNAPSHOT_END] = ":end", [SNAPSHOT_CROSS_SELL] = ":cross_sell",
	[SNAPSHOT_INVOLUNTARY] = ":involuntary", [SNAPSHOT_RETURNED] = ":returned", [SNAPSHOT_FREE] = ":free",
	[SNAPSHOT_COHORT_END] = ":cohort_end", [SNAPSHOT_KEPT] = ":kept",
};

void nrr_hashing_begin(struct nrr_hashing *h)
{
	*h = (struct nrr_hashing){ 0 };
	sha256_init(&h->sha);
}

void nrr_hashing_add(struct nrr_hashing *h, const struct nrr_snapshot_account *x)
{
	uint8_t bytes[NRR_PACKED_BYTES];

	sha256_add(&h->sha, bytes, nrr_pack_account(x, h->last_id, bytes));
	h->last_id = x->id;
	h->n++;
}

const char *nrr_hashing_end(struct nrr_hashing *h, struct arena *a)
{
	uint8_t hash[SHA256_BYTES];

	sha256_end(&h->sha, hash);
	return hex_text(a, hash, sizeof hash);
}

const char *nrr_snapshot_hash(const struct nrr_snapshot_account *accounts, size_t n, struct arena *a)
{
	struct nrr_hashing h;

	nrr_hashing_begin(&h);
	for (size_t i = 0; i < n; i++)
		nrr_hashing_add(&h, &accounts[i]);
	return nrr_hashing_end(&h, a);
}

static int put_reasons(struct db *db, int64_t report, const struct nrr_restatement *reasons, size_t n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO nrr_restatement (report_id, place, account_id, cause, words)"
		" VALUES (:report, :place, :account, :cause, :words)");

	for (size_t i = 0; i < n; i++) {
		bind_int(q, ":report", report);
		bind_int(q, ":place", (int64_t)i);
		bind_int(q, ":account", reasons[i].account);
		bind_text(q, ":cause", reasons[i].cause);
		bind_text(q, ":words", reasons[i].words);
		if (stmt_run(q, err) < 0)
			return -1;
	}
	return 0;
}

static int put_report(struct db *db, const struct nrr_snapshot *s, struct packed sums, const struct buf *owners,
                      struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO nrr_report (to_on, months, revision, from_on, as_of_on, policy_hash, config_hash, currency, why_none,"
		" why_restated, last_contract, n_start, n_churned, n_end, start_minor, added_minor, expansion_minor,"
		" reactivation_minor, contraction_minor, churn_minor, fx_minor, end_minor, cross_sell_minor, involuntary_minor,"
		" returned_minor, free_minor, cohort_end_minor, kept_minor, sums_hash, accounts, owners)"
		" VALUES (:to, :months, :revision, :from, :as_of, :policy, :config, :currency, :why_none, :why_restated,"
		" :last_contract, :n_start, :n_churned, :n_end, :start, :added, :expansion, :reactivation, :contraction, :churn,"
		" :fx, :end, :cross_sell, :involuntary, :returned, :free, :cohort_end, :kept, :hash, :accounts, :owners)");

	bind_int(q, ":to", s->to_on);
	bind_int(q, ":months", s->months);
	bind_int(q, ":revision", s->revision);
	bind_int(q, ":from", s->from_on);
	bind_int(q, ":as_of", s->as_of_on);
	bind_text(q, ":policy", s->policy_hash);
	bind_text(q, ":config", s->config_hash);
	bind_text(q, ":currency", s->currency);
	bind_text(q, ":why_none", s->why_none);
	bind_text(q, ":why_restated", s->why_restated);
	bind_int(q, ":last_contract", s->last_contract);
	for (int i = 0; i < N_SNAPSHOT_SUMS; i++)
		bind_int(q, sum_params[i], s->sums[i]);
	bind_text(q, ":hash", s->sums_hash);
	bind_blob(q, ":accounts", sums.at, sums.len);
	bind_blob(q, ":owners", owners->at, owners->len);
	return stmt_run(q, err);
}

void nrr_packing_begin(struct nrr_packing *p, const struct db *db, struct arena *a)
{
	*p = (struct nrr_packing){ 0 };
	spill_init(&p->sums, db_path(db), MAX_PACKED);
	spill_init(&p->owners, db_path(db), MAX_OWNERS);
	names_init(&p->names, a);
}

void nrr_packing_done(struct nrr_packing *p)
{
	spill_done(&p->sums);
	spill_done(&p->owners);
}

int nrr_packing_add(struct nrr_packing *p, const struct nrr_snapshot_account *x, struct err *err)
{
	uint8_t bytes[NRR_PACKED_BYTES];
	const char *owner = x->owner ? "" : NULL;
	int number = names_id(&p->names, x->owner);

	if (number > 0)
		owner = p->names.at[number];
	else if (number < 0)
		owner = arena_strdup(p->names.arena, x->owner);
	if (spill_add(&p->sums, bytes, nrr_pack_account(x, p->last_id, bytes), err) < 0 ||
	    spill_add(&p->owners, &owner, sizeof owner, err) < 0)
		return err_in(err, "accounts of a report of retention");
	p->last_id = x->id;
	p->n++;
	return 0;
}

int nrr_packing_put(struct db *db, const struct nrr_snapshot *s, struct nrr_packing *p,
                    const struct nrr_restatement *reasons, size_t n_reasons, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(buf_done) struct buf owners;
	const void *names, *sums;

	buf_init(&owners, MAX_PACKED);
	if (spill_read(&p->owners, a, &names, err) < 0 || spill_read(&p->sums, a, &sums, err) < 0)
		return err_in(err, "report of retention");
	if (p->n)
		nrr_pack_owners(names, p->n, a, &owners);
	if (owners.is_full)
		return err_set(err, ERR_INPUT, "report of retention: more than %d MiB of owners", MAX_PACKED >> 20);
	if (put_report(db, s, (struct packed){ sums, p->sums.len }, &owners, err) < 0 ||
	    put_reasons(db, db_last_id(db), reasons, n_reasons, err) < 0)
		return err_in(err, "report of retention");
	return 0;
}

int nrr_snapshot_put(struct db *db, const struct nrr_snapshot *s, const struct nrr_snapshot_account *accounts, size_t n,
                     const struct nrr_restatement *reasons, size_t n_reasons, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(nrr_packing_done) struct nrr_packing p;

	nrr_packing_begin(&p, db, a);
	for (size_t i = 0; i < n; i++)
		if (nrr_packing_add(&p, &accounts[i], err) < 0)
			return -1;
	return nrr_packing_put(db, s, &p, reasons, n_reasons, err);
}

int nrr_snapshot_remove(struct db *db, int64_t id, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *reasons = db_sql(db, "DELETE FROM nrr_restatement WHERE report_id = :id");
	CLEANUP(stmt_donep) struct stmt *report = db_sql(db, "DELETE FROM nrr_report WHERE id = :id");

	bind_int(reasons, ":id", id);
	bind_int(report, ":id", id);
	return stmt_run(reasons, err) < 0 || stmt_run(report, err) < 0 ? err_in(err, "report of retention") : 0;
}

static struct nrr_snapshot snapshot_of(struct stmt *q, struct arena *a)
{
	struct nrr_snapshot s = { .id = col_int(q, 0), .to_on = (int32_t)col_int(q, 1), .months = (int32_t)col_int(q, 2),
		.revision = (int32_t)col_int(q, 3), .from_on = (int32_t)col_int(q, 4), .as_of_on = (int32_t)col_int(q, 5),
		.policy_hash = col_text_in(q, 6, a), .config_hash = col_text_in(q, 7, a), .currency = col_text_in(q, 8, a),
		.why_none = col_text_in(q, 9, a), .why_restated = col_text_in(q, 10, a), .last_contract = col_int(q, 11),
		.sums_hash = col_text_in(q, COL_SUMS + N_SNAPSHOT_SUMS, a) };

	for (int i = 0; i < N_SNAPSHOT_SUMS; i++)
		s.sums[i] = col_int(q, COL_SUMS + i);
	return s;
}

int nrr_snapshots_load(struct db *db, const struct nrr_snapshot_query *query, struct arena *a,
                       struct nrr_snapshot **out, size_t *n_out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT id, to_on, months, revision, from_on, as_of_on, policy_hash, config_hash, currency, why_none,"
		" why_restated, last_contract, n_start, n_churned, n_end, start_minor, added_minor, expansion_minor,"
		" reactivation_minor, contraction_minor, churn_minor, fx_minor, end_minor, cross_sell_minor, involuntary_minor,"
		" returned_minor, free_minor, cohort_end_minor, kept_minor, sums_hash FROM nrr_report"
		" WHERE to_on >= :first AND to_on <= :last AND as_of_on <= :as_of ORDER BY to_on, months, revision");
	struct nrr_snapshot *list = NULL;
	size_t n = 0, room = 0;
	int rc;

	bind_int(q, ":first", query->first_to_on);
	bind_int(q, ":last", query->last_to_on);
	bind_int(q, ":as_of", query->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		if (n == room) {
			room = room ? 2 * room : FIRST_ROOM;
			list = arena_grow(a, list, n, room, sizeof *list);
		}
		list[n++] = snapshot_of(q, a);
	}
	if (rc < 0)
		return err_in(err, "reports of retention");
	*out = list;
	*n_out = n;
	return 0;
}

int nrr_snapshot_latest(struct db *db, int32_t *out, struct err *err)
{
	int64_t day;

	if (db_int(db, "SELECT as_of_on FROM nrr_report ORDER BY as_of_on DESC LIMIT 1", DAY_NONE, &day, err) < 0)
		return err_in(err, "reports of retention");
	*out = (int32_t)day;
	return 0;
}

static struct packed column(struct stmt *q, int i)
{
	struct packed p = { 0 };

	p.at = col_blob(q, i, &p.len);
	return p;
}

/* Bytes that can be read as other amounts are damaged all the same. */
static bool is_damaged(struct packed sums, const char *hash)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	uint8_t is[SHA256_BYTES];
	struct sha256 sha;

	sha256_init(&sha);
	sha256_add(&sha, sums.at, sums.len);
	sha256_end(&sha, is);
	return !hash || strcmp(hash, hex_text(a, is, sizeof is)) != 0;
}

/* Steps q to the report; its bytes are good until q goes on. */
static int find_packed(struct stmt *q, int64_t snapshot, struct err *err)
{
	int rc;

	bind_int(q, ":id", snapshot);
	rc = stmt_step(q, err);
	if (rc > 0 && is_damaged(column(q, 0), col_text(q, 2)))
		return err_set(err, ERR_FATAL, "the accounts of report %lld are damaged", (long long)snapshot);
	return rc ? rc : err_set(err, ERR_FATAL, "there is none with id %lld", (long long)snapshot);
}

#define PACKED_OF "SELECT accounts, owners, sums_hash FROM nrr_report WHERE id = :id"

int nrr_snapshot_accounts(struct db *db, int64_t snapshot, struct arena *a, struct nrr_snapshot_account **out,
                          size_t *n_out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, PACKED_OF);

	if (find_packed(q, snapshot, err) < 0 || nrr_unpack(column(q, 0), column(q, 1), a, out, n_out, err) < 0)
		return err_in(err, "report of retention");
	return 0;
}

int nrr_unpacking_open(struct db *db, int64_t snapshot, struct arena *a, struct nrr_unpacking *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, PACKED_OF);
	struct packed sums, owners;

	if (find_packed(q, snapshot, err) < 0)
		return err_in(err, "report of retention");
	sums = column(q, 0);
	owners = column(q, 1);
	sums.at = sums.len ? arena_memdup(a, sums.at, sums.len) : NULL;
	owners.at = owners.len ? arena_memdup(a, owners.at, owners.len) : NULL;
	nrr_unpacking_begin(out, sums, owners, a);
	return 0;
}

int nrr_restatements_load(struct db *db, int64_t snapshot, struct arena *a, struct nrr_restatement **out, size_t *n_out,
                          struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT r.account_id, a.source_key, a.name, r.cause, r.words FROM nrr_restatement r"
		" LEFT JOIN account a ON a.id = r.account_id WHERE r.report_id = :report ORDER BY r.place");
	struct nrr_restatement *list = NULL;
	size_t n = 0, room = 0;
	int rc;

	bind_int(q, ":report", snapshot);
	while ((rc = stmt_step(q, err)) > 0) {
		if (n == room) {
			room = room ? 2 * room : FIRST_ROOM;
			list = arena_grow(a, list, n, room, sizeof *list);
		}
		list[n++] = (struct nrr_restatement){ .account = col_int(q, 0), .account_key = col_text_in(q, 1, a),
			.account_name = col_text_in(q, 2, a), .cause = col_text_in(q, 3, a), .words = col_text_in(q, 4, a) };
	}
	if (rc < 0)
		return err_in(err, "restatements");
	*out = list;
	*n_out = n;
	return 0;
}

int nrr_policy_put(struct db *db, const char *hash, const char *lines, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO nrr_policy (hash, lines) VALUES (:hash, :lines) ON CONFLICT (hash) DO NOTHING");

	bind_text(q, ":hash", hash);
	bind_text(q, ":lines", lines);
	return stmt_run(q, err);
}

int nrr_policy_load(struct db *db, const char *hash, struct arena *a, const char **out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT lines FROM nrr_policy WHERE hash = :hash");
	int rc;

	bind_text(q, ":hash", hash);
	rc = stmt_step(q, err);
	if (rc < 0)
		return err_in(err, "policy %s", hash);
	*out = rc ? col_text_in(q, 0, a) : NULL;
	return 0;
}

int nrr_account_named(struct db *db, int64_t id, struct arena *a, struct nrr_named *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT source_key, name, main_id FROM account WHERE id = :id");
	int rc;

	bind_int(q, ":id", id);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	*out = (struct nrr_named){ 0 };
	if (rc)
		*out = (struct nrr_named){ col_text_in(q, 0, a), col_text_in(q, 1, a), col_int(q, 2) };
	return 0;
}

int nrr_contract_named(struct db *db, int64_t id, struct arena *a, const char **out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT source_key FROM subscription WHERE id = :id");
	int rc;

	bind_int(q, ":id", id);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	*out = rc ? col_text_in(q, 0, a) : NULL;
	return 0;
}

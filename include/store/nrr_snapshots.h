/* Reports of retention as they stood when their month was over, kept for good: when what is learnt later changes one,
 * a further revision is made and the old one stays. A report has its sums, what every account added to them (packed,
 * about four bytes an account), whose book each was in, and in words what made it differ from the revision before. */
#ifndef STORE_NRR_SNAPSHOTS_H
#define STORE_NRR_SNAPSHOTS_H

#include "common/sha256.h"
#include "common/names.h"
#include "store/db.h"
#include "store/spill.h"

/* The order of the sums in a report's row and in its packed accounts; append only. */
enum nrr_snapshot_sum {
	SNAPSHOT_N_START, SNAPSHOT_N_CHURNED, SNAPSHOT_N_END, SNAPSHOT_START, SNAPSHOT_ADDED, SNAPSHOT_EXPANSION,
	SNAPSHOT_REACTIVATION, SNAPSHOT_CONTRACTION, SNAPSHOT_CHURN, SNAPSHOT_FX, SNAPSHOT_END, SNAPSHOT_CROSS_SELL,
	SNAPSHOT_INVOLUNTARY, SNAPSHOT_RETURNED, SNAPSHOT_FREE, SNAPSHOT_COHORT_END, SNAPSHOT_KEPT, N_SNAPSHOT_SUMS
};

struct nrr_snapshot_account {
	int64_t id;
	const char *owner; /* whose book it was in; NULL: nobody's */
	int64_t sums[N_SNAPSHOT_SUMS];
};

struct nrr_snapshot {
	int64_t id;
	int32_t from_on, to_on; /* the window; to is the first day behind the month */
	int32_t months;         /* its length */
	int32_t revision;       /* 1: as closed */
	int32_t as_of_on;       /* it says what was known on that day */
	const char *policy_hash, *config_hash, *currency;
	const char *why_none;   /* insufficient history ...; NULL: it has ratios */
	const char *why_restated; /* what made all of it differ (the policy, the currency), in words; or NULL */
	int64_t last_contract;  /* the largest id of a subscription that was there; later ones were loaded later */
	const char *sums_hash;  /* of the accounts' sums, see nrr_snapshot_hash */
	int64_t sums[N_SNAPSHOT_SUMS];
};

/* Why an account differs from the revision before. */
struct nrr_restatement {
	int64_t account;
	const char *account_key, *account_name;
	const char *cause; /* amount_corrected, backdated ... : see score/restate.h */
	const char *words;
};

/* The same accounts with the same sums have the same hash, owners aside. Accounts come by id, each once; together, or
 * one by one where there is no list of them. */
struct nrr_hashing { struct sha256 sha; int64_t last_id; size_t n; };
void nrr_hashing_begin(struct nrr_hashing *h);
void nrr_hashing_add(struct nrr_hashing *h, const struct nrr_snapshot_account *x);
const char *nrr_hashing_end(struct nrr_hashing *h, struct arena *a);
const char *nrr_snapshot_hash(const struct nrr_snapshot_account *accounts, size_t n, struct arena *a);
/* Adds a revision and its reasons; s->id is not read. Writes: in a transaction of the caller. */
int nrr_snapshot_put(struct db *db, const struct nrr_snapshot *s, const struct nrr_snapshot_account *accounts, size_t n,
                     const struct nrr_restatement *reasons, size_t n_reasons, struct err *err) MUST_USE;
/* The same of a report that has too many accounts for a list: they are added by id as they come, then put. */
struct nrr_packing {
	struct spill sums;
	int64_t last_id;
	struct spill owners; /* by account: a pointer to the name, or NULL */
	struct names names;  /* one copy of each, as far as there are numbers for them */
	size_t n;
};
void nrr_packing_begin(struct nrr_packing *p, const struct db *db, struct arena *a);
void nrr_packing_done(struct nrr_packing *p);
int nrr_packing_add(struct nrr_packing *p, const struct nrr_snapshot_account *x, struct err *err) MUST_USE;
int nrr_packing_put(struct db *db, const struct nrr_snapshot *s, struct nrr_packing *p,
                    const struct nrr_restatement *reasons, size_t n_reasons, struct err *err) MUST_USE;
/* Takes back a revision that was made on the same day. */
int nrr_snapshot_remove(struct db *db, int64_t id, struct err *err) MUST_USE;

/* Which reports to read: those of windows that end from first_to_on to last_to_on, made on as_of or before. */
struct nrr_snapshot_query { int32_t first_to_on, last_to_on, as_of; };
/* All revisions, by to_on, months, revision. */
int nrr_snapshots_load(struct db *db, const struct nrr_snapshot_query *query, struct arena *a,
                       struct nrr_snapshot **out, size_t *n_out, struct err *err) MUST_USE;
/* The day of the latest report, or DAY_NONE. */
int nrr_snapshot_latest(struct db *db, int32_t *out, struct err *err) MUST_USE;
/* By id. ERR_FATAL when what is stored is damaged. */
int nrr_snapshot_accounts(struct db *db, int64_t snapshot, struct arena *a, struct nrr_snapshot_account **out,
                          size_t *n_out, struct err *err) MUST_USE;
/* The same one by one, where there are too many for a list: 1, or 0 behind the last. */
struct packed { const uint8_t *at; size_t len; };
struct nrr_unpacking {
	struct packed sums, owners; /* what is left of them */
	const char **names; size_t n_names;
	int64_t last_id;
	bool has_owners, is_bad;
};
int nrr_unpacking_open(struct db *db, int64_t snapshot, struct arena *a, struct nrr_unpacking *out,
                       struct err *err) MUST_USE;
int nrr_unpacking_next(struct nrr_unpacking *u, struct nrr_snapshot_account *out, struct err *err) MUST_USE;
/* In the order they were put. */
int nrr_restatements_load(struct db *db, int64_t snapshot, struct arena *a, struct nrr_restatement **out, size_t *n_out,
                          struct err *err) MUST_USE;

/* The lines of a policy by their hash, so that a report can say later which rules it was made by. */
int nrr_policy_put(struct db *db, const char *hash, const char *lines, struct err *err) MUST_USE;
/* NULL: not known. */
int nrr_policy_load(struct db *db, const char *hash, struct arena *a, const char **out, struct err *err) MUST_USE;

/* What a report's explanation calls things. */
struct nrr_named { const char *key, *name; int64_t main; }; /* main: the account that it is another name of, or 0 */
int nrr_account_named(struct db *db, int64_t id, struct arena *a, struct nrr_named *out, struct err *err) MUST_USE;
/* The source's key of a subscription, or NULL. */
int nrr_contract_named(struct db *db, int64_t id, struct arena *a, const char **out, struct err *err) MUST_USE;

#endif

#include "store/migrate.h"

#include <stdio.h>
#include <string.h>

#include "common/sha256.h"

int migrate_head(void)
{
	int head = 0;

	for (const struct migration *m = migrations; m->version; m++)
		head = m->version;
	return head;
}

static const char *hash_of(struct arena *a, const struct migration *m)
{
	return sha256_hex(a, m->sql, strlen(m->sql));
}

int migrate_version(struct db *db, int *out, struct err *err)
{
	int64_t version;

	if (db_int(db, "PRAGMA user_version", 0, &version, err) < 0)
		return -1;
	if (version < 0 || version > migrate_head())
		return err_set(err, ERR_CONFIG,
		               "%s: the database is of version %lld and this retaind knows up to %d; install the newer one",
		               db_path(db), (long long)version, migrate_head());
	*out = (int)version;
	return 0;
}

/* What was applied must be what this binary carries: a migration that was edited later makes databases that differ. */
static int check_applied(struct db *db, const struct migration *m, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT sha256 FROM migration WHERE version = :version");
	const char *hash;
	int rc;

	bind_int(q, ":version", m->version);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	hash = rc ? col_text(q, 0) : NULL;
	if (!hash || strcmp(hash, hash_of(a, m)) != 0)
		return err_set(err, ERR_CONFIG, "%s: migration %s was applied with other contents than this retaind has",
		               db_path(db), m->name);
	return 0;
}

static int record(struct db *db, const struct migration *m, int64_t now, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "INSERT INTO migration (version, name, sha256, applied_at) "
	                                                "VALUES (:version, :name, :sha256, :at)");

	bind_int(q, ":version", m->version);
	bind_text(q, ":name", m->name);
	bind_text(q, ":sha256", hash_of(a, m));
	bind_instant(q, ":at", now);
	return stmt_run(q, err);
}

/* Returns 1 when applied, 0 when another process was faster. */
static int apply(struct db *db, const struct migration *m, int64_t now, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	char set_version[64];
	int version;

	(void)snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", m->version);
	if (txn_begin(&txn, db, err) < 0 || migrate_version(db, &version, err) < 0)
		return -1;
	if (version >= m->version)
		return 0;
	if (db_run(db, m->sql, err) < 0 || record(db, m, now, err) < 0 || db_run(db, set_version, err) < 0 ||
	    txn_commit(&txn, err) < 0)
		return err_in(err, "migration %s", m->name);
	return 1;
}

int migrate_run(struct db *db, int64_t now, struct err *err)
{
	int version, n = 0;

	if (migrate_version(db, &version, err) < 0)
		return -1;
	for (const struct migration *m = migrations; m->version; m++) {
		int rc = m->version <= version ? check_applied(db, m, err) : apply(db, m, now, err);

		if (rc < 0)
			return -1;
		n += rc;
	}
	return n;
}

int migrate_is_current(struct db *db, struct err *err)
{
	int version;

	if (migrate_version(db, &version, err) < 0)
		return -1;
	for (const struct migration *m = migrations; m->version && m->version <= version; m++)
		if (check_applied(db, m, err) < 0)
			return -1;
	return version == migrate_head();
}

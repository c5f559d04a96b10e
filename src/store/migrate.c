#include "store/migrate.h"

#include <stdio.h>
#include <string.h>

int migrate_head(void)
{
	int head = 0;

	for (const struct migration *m = migrations; m->version; m++)
		head = m->version;
	return head;
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
static int check_applied(struct db *db, int version, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT version, sha256 FROM migration ORDER BY version");
	int rc = stmt_step(q, err);

	for (const struct migration *m = migrations; rc >= 0 && m->version && m->version <= version; m++) {
		bool is_there = rc > 0 && col_int(q, 0) == m->version && col_text(q, 1);

		if (!is_there || strcmp(col_text(q, 1), m->sha256) != 0)
			return err_set(err, ERR_CONFIG, "%s: migration %s was applied with other contents than this retaind has",
			               db_path(db), m->name);
		rc = stmt_step(q, err);
	}
	return rc < 0 ? -1 : 0;
}

static int record(struct db *db, const struct migration *m, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "INSERT INTO migration (version, name, sha256, applied_at) "
	                                                "VALUES (:version, :name, :sha256, :at)");

	bind_int(q, ":version", m->version);
	bind_text(q, ":name", m->name);
	bind_text(q, ":sha256", m->sha256);
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

	if (migrate_version(db, &version, err) < 0 || (version && check_applied(db, version, err) < 0))
		return -1;
	for (const struct migration *m = migrations; m->version; m++) {
		int rc = m->version > version ? apply(db, m, now, err) : 0;

		if (rc < 0)
			return -1;
		n += rc;
	}
	return n;
}

int migrate_is_current(struct db *db, struct err *err)
{
	int version;

	if (migrate_version(db, &version, err) < 0 || (version && check_applied(db, version, err) < 0))
		return -1;
	return version == migrate_head();
}

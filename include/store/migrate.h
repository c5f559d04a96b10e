/* Brings a database to the schema of this binary. The migrations are embedded at build time from migrations/NNNN_*.sql.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/db.h"

struct migration {
	int version;
	const char *name;
	const char *sha256; /* of sql, in hexadecimal digits; worked out when the program is built */
	const char *sql;
};

extern const struct migration migrations[]; /* ascending; ends with version 0 */

/* Applies what is missing, each migration in one transaction together with user_version and its row in table migration
 * (name, sha256, applied_at). Returns the number applied. ERR_CONFIG when the database is newer than the binary or a
 * recorded hash differs. */
int migrate_run(struct db *db, int64_t now, struct err *err) MUST_USE;
int migrate_head(void);
/* The database's version, 0 when it is empty. ERR_CONFIG when newer than the binary. */
int migrate_version(struct db *db, int *out, struct err *err) MUST_USE;
/* 1 when the database is at the binary's version, 0 when it is behind; ERR_CONFIG when newer. */
int migrate_is_current(struct db *db, struct err *err) MUST_USE;

#endif

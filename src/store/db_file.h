/* The file under a database: made private, looked at, put in its place for good. */
#ifndef STORE_DB_FILE_H
#define STORE_DB_FILE_H

#include "store/db.h"

/* It must be ours, plain, private and on a local disk; DB_WRITE makes a missing one (0600, its folders 0700). */
int db_file_check(struct arena *a, const char *path, enum db_mode mode, struct err *err) MUST_USE;
/* Renames a whole file over another so that a power cut leaves the one or the other. */
int db_file_settle(struct arena *a, const char *from, const char *to, struct err *err) MUST_USE;
/* Whether both names lead to one file that is there. */
bool db_file_is_same(const char *one, const char *other);
/* What a statement with triggers may have to take back stays in memory: some pages are more than SQLite leaves there by
 * itself, and a file for each statement costs more than the statement. Before the first connection. */
void db_journals_in_memory(void);

#endif

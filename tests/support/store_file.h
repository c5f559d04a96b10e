/* A store in a file of its own, for tests that look at the file by another connection or at its bytes. */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include "store/db.h"

enum { STORE_PATH = 64 };

/* Migrated, with the metrics 1 logins and 2 bytes; it doesn't wait for the disk. path: where it is. */
struct db *store_file_open(char path[STORE_PATH]);
void store_file_close(struct db *db, const char *path);
/* What a statement says in its first column; -1: no row. */
int64_t store_number(struct db *db, const char *sql);

#endif

/* Which large files of a stream were loaded and have not been touched since: what their folder says of them (size,
 * inode, when they were written and changed, to the nanosecond) is what it said then, so that nobody needs to read them
 * to know that they are the same. Kept as a cursor; without it files are hashed. */
#ifndef CONNECT_CSV_STAMPS_H
#define CONNECT_CSV_STAMPS_H

#include <sys/stat.h>

#include "csv_hashes.h"
#include "store/db.h"

/* What is noted of a file before it is read; NULL: it is small, or was changed a moment ago and could be again without
 * showing it. */
const char *csv_stamp(struct arena *a, const char *name, const struct stat *st);

struct csv_stamps;
/* fingerprint: of the mapping, with which they were loaded. Lives in the arena. */
int csv_stamps_get(struct db *db, int64_t source, const char *stream, const char *fingerprint, struct arena *a,
                   struct csv_stamps **out, struct err *err) MUST_USE;
/* Whether the file is as it was when it was loaded. To be asked of all files in the order of their names. */
bool csv_stamps_have(struct csv_stamps *s, const struct csv_file *file);
/* Notes those of the files, in the order of their names, that are loaded, and no others. In a transaction of its own;
 * nothing where that is what is noted. */
int csv_stamps_set(const struct csv_stamps *s, const struct csv_file *files, size_t n, int64_t now,
                   struct err *err) MUST_USE;

#endif

/* Where in a database's file the rows of a table lie, found from its interior pages: so that they can be asked of the
 * disk before SQLite reads them. A hint and no more: what is in the log (WAL) only isn't seen, and a file that is
 * written meanwhile may send anywhere within or behind it. For a process that has no connection to the file: closing
 * the file would drop the locks of it. */
#ifndef LEAVES_H
#define LEAVES_H

#include <stdint.h>
#include <sys/types.h>

#include "common/arena.h"

struct leaves;

/* path: of a database. NULL when the file can't be opened or isn't one. Lives in the arena, the file until _close. */
struct leaves *leaves_open(const char *path, struct arena *a);
void leaves_close(struct leaves *l);
int leaves_fd(const struct leaves *l);
/* Calls fn for the bytes of the pages that hold rows from .. to of the table with this root, ascending; pages that lie
 * side by side go together. A table of one page has none. */
typedef void leaves_fn(void *context, off_t at, off_t len);
void leaves_of(struct leaves *l, uint32_t root, int64_t from, int64_t to, leaves_fn *fn, void *context);

#endif

/* What the sources' clocks say of ours. */
#ifndef STORE_SOURCE_CLOCK_H
#define STORE_SOURCE_CLOCK_H

#include <stdint.h>

#include "store/db.h"

/* A source has answered: the instant by its own clock, and by our boot-time clock. One that was never pulled is not
 * there, and nothing happens. */
int source_clock_note(struct db *db, int64_t source, int64_t answered_at, int64_t boot_ms, struct err *err) MUST_USE;
/* Of an earlier boot of the machine nothing can be said: to be called when that may be so. */
int source_clock_forget(struct db *db, struct err *err) MUST_USE;
/* By how much our wall clock (now, at boot_ms) runs before the sources', in seconds, below 0 behind: of the source that
 * agrees most, as one of them may be wrong itself. Returns 1, or 0 when none has told. */
int source_clock_ahead(struct db *db, int64_t now, int64_t boot_ms, int64_t *out_s, struct err *err) MUST_USE;

#endif

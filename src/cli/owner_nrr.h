/* How revenue went in the books that a manager sees: what stands of it in the manager's digest. */
#ifndef CLI_OWNER_NRR_H
#define CLI_OWNER_NRR_H

#include "cli/cli.h"
#include "digest/digest.h"

/* The last twelve months with their movement, what to work on, and which closed months moved since before_on (DAY_NONE:
 * since yesterday). */
int owner_nrr(const struct session *s, const struct owner_settings *owner, int32_t before_on, struct arena *a,
              struct digest_nrr *out, struct err *err) MUST_USE;

#endif

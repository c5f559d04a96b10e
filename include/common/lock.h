/* One process at a time: a file that is locked for as long as it is open. The kernel frees it with the process. */
#ifndef COMMON_LOCK_H
#define COMMON_LOCK_H

#include "common/err.h"

/* Makes the file where it is missing (0600), locks it and writes our process id into it, for people. *out is for
 * lock_release. Fails at once: ERR_RETRY, naming the holder, when another process holds it; ERR_CONFIG when it can't be
 * opened, ERR_FATAL when it can't be locked. */
int lock_take(const char *path, int *out, struct err *err) MUST_USE;
void lock_release(int *lock); /* for CLEANUP; below 0: not held */

#endif

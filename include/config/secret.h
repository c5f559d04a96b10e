/* Secrets by reference: credential:NAME ($CREDENTIALS_DIRECTORY), file:PATH (0600 or stricter, ours), env:NAME. The
 * only reader of the environment. A value is never printed; its buffer is wiped when the arena goes. */
#ifndef CONFIG_SECRET_H
#define CONFIG_SECRET_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/err.h"

bool secret_is_reference(const char *text);
/* The value without its trailing newline, at most 64 KiB. ERR_CONFIG names the reference and what is wrong with it. */
int secret_read(struct arena *a, const char *reference, const char **out, struct err *err) MUST_USE;
/* $NAME, for the few other variables that we honour (NOTIFY_SOCKET, WATCHDOG_USEC ...); NULL when not set. */
const char *environment(const char *name);

#endif

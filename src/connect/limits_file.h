/* What all processes that ask the same source know of its limits: a file of gates beside the database, mapped into each
 * of them. It may be removed at any time between runs; then the limits are learned anew. */
#ifndef CONNECT_LIMITS_FILE_H
#define CONNECT_LIMITS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "gate.h"

enum { MAX_GATES = 16, MADE_FOR_BYTES = 65 };

struct limits_state {
	char made_for[MADE_FOR_BYTES]; /* digest of the limits that the gates stand for */
	int64_t n_daily, n_used; /* requests a day, as the last answer said */
	bool is_spent;           /* the budget is used up */
	struct gate gates[MAX_GATES];
};

struct limits_file {
	struct limits_state *state;
	int fd;                  /* -1: no other process shares it */
};

/* Maps the file, made or made anew where it doesn't fit made_for, until the arena goes. path NULL, or in a folder that
 * isn't there: memory of this process alone. */
int limits_file_open(const char *path, const char *made_for, struct arena *a, struct limits_file *out,
                     struct err *err) MUST_USE;
/* Only one process at a time is between these two. */
void limits_file_lock(const struct limits_file *f);
void limits_file_unlock(const struct limits_file *f);

#endif

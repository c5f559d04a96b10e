/* One piece of work done by several processes: units 0, 1, 2 ... are taken by whoever is free, and what comes of them
 * is handed out in their order, so that the result does not depend on how many processes there are.
 *
 * The first process loads what all need, then forks the others, which share that memory. It must be started while
 * nothing of the database is open in this process: SQLite's locks do not survive a fork. */
#ifndef WORKERS_H
#define WORKERS_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"

enum { WORKERS_MAX = 64 };

/* What a unit comes to. */
struct worker_out {
	struct buf bytes;
	int fd; uint64_t unit; /* off limits */
};

/* Each of these runs in a child. What they fail with, workers_next fails with. */
struct worker_job {
	void *state;
	/* Once, before the other processes are forked: what all share, and how many units there are. */
	int (*load)(void *state, size_t *out_units, struct err *err);
	/* In every process, after it was forked. */
	int (*open)(void *state, struct err *err);
	/* One unit. out is empty; what is in it in the end is sent by itself. */
	int (*work)(void *state, size_t unit, struct worker_out *out, struct err *err);
};

struct workers;
/* Forks the first of n (1 to WORKERS_MAX) processes; it waits for workers_go. Lives in the arena. */
int workers_start(int n, const struct worker_job *job, struct arena *a, struct workers **out, struct err *err) MUST_USE;
void workers_done(struct workers *w); /* ends those that still run; accepts NULL */
void workers_donep(struct workers **w); /* for CLEANUP */
int workers_go(struct workers *w, struct err *err) MUST_USE;
/* What was sent next, valid until the next call. Returns 1, or 0 when all units are done and all processes have ended
 * well. ERR_RETRY when one ended before it was done. */
int workers_next(struct workers *w, const char **data, size_t *len, struct err *err) MUST_USE;

/* Within work: sends what out has so far, and empties it, when that is much. */
int worker_send(struct worker_out *out, struct err *err) MUST_USE;

/* How many processors this process may use. */
int workers_cores(void);

#endif

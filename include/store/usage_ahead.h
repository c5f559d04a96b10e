/* Reading usage ahead of those who go through it block by block. It lies by day, so that what one block of accounts
 * needs are hundreds of single pages, each of them a wait where the file is not in memory; a process of its own asks
 * the disk for some blocks at a time, in long requests, while those before are worked on. It only asks: nothing that is
 * read depends on it. */
#ifndef STORE_USAGE_AHEAD_H
#define STORE_USAGE_AHEAD_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct usage_ahead {
	const char *database;
	const int32_t *metrics;
	size_t n_metrics;
	int32_t from, to;       /* days; they are asked for from the last on */
	const int64_t *blocks;  /* in the order in which they are taken, ascending */
	size_t n_blocks;
	const atomic_size_t *next; /* how many blocks are taken, in memory that is shared */
};

/* Starts the process; before this one opens the database, or after it has closed it. 0 when there is none, as one block
 * is too large to lie in memory unread, or nothing could be started: all is read as it is needed. Else its id. */
pid_t usage_ahead_start(const struct usage_ahead *plan);
/* Ends it, whatever it is at; 0: there is none. */
void usage_ahead_end(pid_t process);
void usage_ahead_endp(pid_t *process); /* for CLEANUP */

#endif

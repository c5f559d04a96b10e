/* What the benchmarks share: repeated timing, and one JSON line for each comparison with a peer in the same run. */
#ifndef BENCH_H
#define BENCH_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "common/arena.h"
#include "common/err.h"

#define REQUIRE_OK(call) \
	do { \
		if ((call) < 0) \
			die("%s: %s", #call, err.text); \
	} while (0)

static inline double seconds_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		die("no clock");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The fastest of n runs: what is in the way on a busy machine is not ours to measure. */
static inline double best_of(int n, void (*fn)(void *context), void *context)
{
	double best = 1e9;

	for (int i = 0; i < n; i++) {
		double start = seconds_now(), took;

		fn(context);
		took = seconds_now() - start;
		best = took < best ? took : best;
	}
	return best;
}

/* ratio: how much of the peer's figure ours is; below 1 is better. */
static inline void print_ratio(const char *what, const char *unit, double ours, const char *peer, double theirs)
{
	(void)printf("{\"bench\":\"%s\",\"unit\":\"%s\",\"ours\":%.6g,\"peer\":\"%s\",\"theirs\":%.6g,\"ratio\":%.3f}\n",
	             what, unit, ours, peer, theirs, ours / theirs);
	(void)fflush(stdout);
}

#endif

/* What scoring the workload comes to, so that everybody who does it can be held against the others. */
#ifndef BENCH_WORKLOAD_ANSWER_H
#define BENCH_WORKLOAD_ANSWER_H

#include <stdint.h>

enum { WORKLOAD_TOP = 20 }; /* accounts of each owner that are ranked: churn descending, then account */

struct workload_answer {
	double total;     /* churn and upsell of all accounts */
	double top;       /* churn of those that are ranked */
	uint64_t ranking; /* hash of who they are, in their order; 0 at first */
};

/* One ranked account: owners in their order, from 0, each one's best first. */
void workload_rank(struct workload_answer *io, int owner, int account, double churn);
void workload_answer_print(const struct workload_answer *a, const char *what, double seconds, double cpu);

#endif

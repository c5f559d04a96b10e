#include "workload_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

void workload_rank(struct workload_answer *io, int owner, int account, double churn)
{
	uint64_t x = (uint64_t)owner << 32 | (uint32_t)account;

	io->top += churn;
	io->ranking = (io->ranking ^ x) * 0x9E3779B97F4A7C15u;
	io->ranking ^= io->ranking >> 29;
}

void workload_answer_print(const struct workload_answer *a, const char *what, double seconds, double cpu)
{
	struct rusage self = { 0 };

	(void)getrusage(RUSAGE_SELF, &self);
	(void)printf("{\"what\":\"%s\",\"seconds\":%.4f,\"cpu\":%.4f,\"peak_mib\":%.1f,\"total\":%.9g,\"top\":%.9g,"
	             "\"ranking\":\"%016" PRIx64 "\"}\n",
	             what, seconds, cpu, (double)self.ru_maxrss / 1024, a->total, a->top, a->ranking);
	(void)fflush(stdout);
}

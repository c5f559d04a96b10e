/* The workload of the bench, piece by piece; tests/bench/bench.py puts the pieces together.
 * usage: bench_workload make FOLDER ACCOUNTS   an organisation of it
 *        bench_workload day FOLDER ACCOUNTS    FOLDER/inbox/usage-DAY.csv: the day after the last */
#include "bench.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"

struct task { const char *folder; struct workload workload; struct arena *arena; };

static void make(const struct task *t)
{
	double start = seconds_now();

	workload_put(&t->workload, t->folder);
	(void)printf("{\"made\":\"%s\",\"accounts\":%d,\"seconds\":%.1f}\n", t->folder, t->workload.n,
	             seconds_now() - start);
}

static void make_day(const struct task *t)
{
	const char *path = arena_printf(t->arena, "%s/inbox/usage-%d.csv", t->folder, WORKLOAD_AS_OF + 1);
	int64_t n = workload_put_csv(&t->workload, WORKLOAD_DAYS, path);

	(void)printf("{\"made\":\"%s\",\"lines\":%" PRId64 "}\n", path, n);
}

static const struct { const char *name; void (*run)(const struct task *t); } tasks[] = {
	{ "make", make },
	{ "day", make_day },
};

int main(int argc, char **argv)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct task t = { .arena = a };
	int64_t accounts;

	if (argc != 4 || !text_to_int(argv[3], &accounts) || accounts < 1 || accounts > WORKLOAD_MAX_ACCOUNTS)
		die("usage: bench_workload make|day FOLDER ACCOUNTS");
	t.folder = argv[2];
	workload_make(&t.workload, (int)accounts, a);
	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		if (strcmp(tasks[i].name, argv[1]) == 0) {
			tasks[i].run(&t);
			return 0;
		}
	die("there is no %s", argv[1]);
}

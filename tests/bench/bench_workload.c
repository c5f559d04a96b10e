/* The workload of the bench and what only the store does with it; bench.py puts this, the commands and the peers
 * together.
 * usage: bench_workload make FOLDER ACCOUNTS       an organisation of it
 *        bench_workload day N FILE ACCOUNTS        the CSV file of day N, counted from 0; the last one is 399
 *        bench_workload days N FILE ACCOUNTS       the same of days 0 to N - 1
 *        bench_workload fix N FILE                 a CSV file that corrects one account on day N
 *        bench_workload backfill FILE ACCOUNTS     all its usage into a new database, by the store's writer in bulk
 *        bench_workload sum FILE N M               how many values the database holds of days N to M, and their sum
 *        bench_workload lengthen FOLDER ACCOUNTS   five metrics and three years of usage instead of its own
 *        bench_workload ready FOLDER               packs made of its dated rows, and no scores in it
 *        bench_workload score FOLDER PROCESSES     the workload's score of an organisation that is ready */
#include "bench.h"
#include "workload.h"
#include "workload_score.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/text.h"
#include "store/migrate.h"
#include "store/usage_bulk.h"

enum { COMMIT_DAYS = 40 };

static double cpu_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) < 0)
		die("no clock");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int number(const char *text, int most)
{
	int64_t n;

	if (!text_to_int(text, &n) || n < 0 || n > most)
		die("%s: 0 to %d", text, most);
	return (int)n;
}

static struct workload workload_of(const char *text, struct arena *a)
{
	struct workload w;

	workload_make(&w, number(text, WORKLOAD_MAX_ACCOUNTS), a);
	return w;
}

static void make(char **words, struct arena *a)
{
	struct workload w = workload_of(words[1], a);
	double start = seconds_now();

	workload_put(&w, words[0]);
	(void)printf("{\"what\":\"make\",\"accounts\":%d,\"seconds\":%.1f}\n", w.n, seconds_now() - start);
}

static void make_day(char **words, struct arena *a)
{
	struct workload w = workload_of(words[2], a);
	int day = number(words[0], 2 * WORKLOAD_DAYS);

	(void)printf("{\"what\":\"day\",\"lines\":%" PRId64 "}\n", workload_put_csv(&w, day, 1, words[1]));
}

static void make_days(char **words, struct arena *a)
{
	struct workload w = workload_of(words[2], a);
	int n = number(words[0], 2 * WORKLOAD_DAYS);

	(void)printf("{\"what\":\"days\",\"lines\":%" PRId64 "}\n", workload_put_csv(&w, 0, n, words[1]));
}

static void make_fix(char **words, struct arena *a)
{
	(void)a;
	workload_put_fix(number(words[0], 2 * WORKLOAD_DAYS), words[1]);
}

/* Makes the cells of days of a metric, in the order of the file. What making them costs is taken off at the end. */
struct backfill {
	const struct workload *w;
	struct usage_cell *cells;
	int32_t *values;
	double making; /* CPU */
	int64_t n;
};

static size_t make_cells(struct backfill *b, int m, int32_t metric, int day)
{
	double start = cpu_now();
	size_t n = 0;

	workload_values(b->w, m, day, 1, b->w->n, b->values);
	for (int i = 0; i < b->w->n; i++)
		if (b->values[i] >= 0)
			b->cells[n++] = (struct usage_cell){ metric, WORKLOAD_FIRST + day, i + 1, b->values[i] };
	b->making += cpu_now() - start;
	b->n += (int64_t)n;
	return n;
}

static void put_days(struct backfill *b, struct db *db, struct usage_bulk *bulk, int m, int first)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct err err;
	int32_t metric;

	REQUIRE_OK(txn_begin(&txn, db, &err));
	REQUIRE_OK(metric_id(db, workload_metrics[m], &metric, &err));
	for (int day = first; day < first + COMMIT_DAYS && day < WORKLOAD_DAYS; day++)
		REQUIRE_OK(usage_bulk_add(bulk, b->cells, make_cells(b, m, metric, day), &err));
	REQUIRE_OK(usage_bulk_flush(bulk, &err));
	REQUIRE_OK(txn_commit(&txn, &err));
}

static void backfill(char **words, struct arena *a)
{
	struct workload w = workload_of(words[1], a);
	struct backfill b = { .w = &w, .cells = arena_array(a, (size_t)w.n, sizeof *b.cells),
		.values = arena_array(a, (size_t)w.n, sizeof *b.values) };
	struct rusage self = { 0 };
	struct stat file = { 0 };
	struct usage_bulk *bulk;
	struct db *db = NULL;
	double start, cpu;
	struct err err;

	(void)unlink(words[0]);
	REQUIRE_OK(db_open(words[0], DB_WRITE, &db, &err));
	REQUIRE_OK(migrate_run(db, 0, &err));
	start = seconds_now();
	cpu = cpu_now();
	bulk = usage_bulk_new(db, 0);
	for (int m = 0; m < WORKLOAD_METRICS; m++)
		for (int day = 0; day < WORKLOAD_DAYS; day += COMMIT_DAYS)
			put_days(&b, db, bulk, m, day);
	usage_bulk_free(bulk);
	db_close(db);
	cpu = cpu_now() - cpu;
	start = seconds_now() - start;
	(void)getrusage(RUSAGE_SELF, &self);
	(void)stat(words[0], &file);
	(void)printf("{\"what\":\"backfill\",\"points\":%" PRId64 ",\"seconds\":%.3f,\"cpu\":%.3f,\"making_cpu\":%.3f,"
	             "\"peak_mib\":%.1f,\"bytes\":%" PRId64 "}\n",
	             b.n, start, cpu - b.making, b.making, (double)self.ru_maxrss / 1024, (int64_t)file.st_size);
}

/* Its days over and over: 57 weeks are as long as they are, so that weekdays stay. */
static void put_year(const struct backfill *b, struct usage_bulk *bulk, int32_t metric, int m, int day)
{
	enum { PERIOD = 57 * 7 };
	int same = (day % PERIOD + PERIOD) % PERIOD;
	struct err err;
	size_t n = 0;

	workload_values(b->w, m % WORKLOAD_METRICS, same, 1, b->w->n, b->values);
	for (int i = 0; i < b->w->n; i++)
		if (b->values[i] >= 0)
			b->cells[n++] = (struct usage_cell){ metric, WORKLOAD_FIRST + day, i + 1, b->values[i] };
	REQUIRE_OK(usage_bulk_add(bulk, b->cells, n, &err));
}

static void lengthen(char **words, struct arena *a)
{
	enum { YEARS_DAYS = 1095 };
	static const char *const names[] = { "logins", "reports", "exports", "searches", "api_calls" };
	struct workload w = workload_of(words[1], a);
	struct backfill b = { .w = &w, .cells = arena_array(a, (size_t)w.n, sizeof *b.cells),
		.values = arena_array(a, (size_t)w.n, sizeof *b.values) };
	CLEANUP(db_closep) struct db *db = NULL;
	CLEANUP(usage_bulk_freep) struct usage_bulk *bulk = NULL;
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct err err;

	REQUIRE_OK(db_open(arena_printf(a, "%s/state/orgs/w/retaind.db", words[0]), DB_WRITE, &db, &err));
	bulk = usage_bulk_new(db, 0);
	REQUIRE_OK(txn_begin(&txn, db, &err));
	for (size_t m = 0; m < ARRAY_LEN(names); m++) {
		int32_t metric;

		REQUIRE_OK(metric_id(db, names[m], &metric, &err));
		for (int day = WORKLOAD_DAYS - YEARS_DAYS; day < (m < WORKLOAD_METRICS ? 0 : WORKLOAD_DAYS); day++)
			put_year(&b, bulk, metric, (int)m, day);
	}
	REQUIRE_OK(usage_bulk_flush(bulk, &err));
	REQUIRE_OK(txn_commit(&txn, &err));
	(void)printf("{\"what\":\"lengthen\",\"accounts\":%d}\n", w.n);
}

struct sum { int64_t n, sum; };

static void add_values(void *context, int32_t day, const int64_t *values)
{
	struct sum *to = context;

	(void)day;
	for (int i = 0; i < USAGE_BLOCK; i++)
		if (values[i] != USAGE_NONE) {
			to->n++;
			to->sum += values[i];
		}
}

static void sum(char **words, struct arena *a)
{
	int first = WORKLOAD_FIRST + number(words[1], 2 * WORKLOAD_DAYS);
	int last = WORKLOAD_FIRST + number(words[2], 2 * WORKLOAD_DAYS);
	CLEANUP(db_closep) struct db *db = NULL;
	struct sum all = { 0 };
	int64_t last_block;
	struct err err;

	(void)a;
	REQUIRE_OK(db_open(words[0], DB_READ, &db, &err));
	REQUIRE_OK(db_int(db, "SELECT max(id & 1048575) FROM usage_block", 0, &last_block, &err));
	for (int m = 1; m <= WORKLOAD_METRICS; m++)
		for (int64_t block = 0; block <= last_block; block++)
			REQUIRE_OK(usage_walk(db, m, block, first, last, add_values, &all, &err));
	(void)printf("{\"what\":\"sum\",\"n\":%" PRId64 ",\"sum\":%" PRId64 "}\n", all.n, all.sum);
}

static const char *database_of(const char *folder, struct arena *a)
{
	return arena_printf(a, "%s/state/orgs/w/retaind.db", folder);
}

static void ready(char **words, struct arena *a)
{
	workload_score_prepare(database_of(words[0], a));
}

static void score(char **words, struct arena *a)
{
	const char *database = database_of(words[0], a);
	struct workload_answer answer;
	struct rusage children = { 0 };
	double start, cpu;

	start = seconds_now();
	cpu = cpu_now();
	workload_score(database, number(words[1], 64), &answer);
	start = seconds_now() - start;
	(void)getrusage(RUSAGE_CHILDREN, &children);
	cpu = cpu_now() - cpu + (double)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
	      (double)(children.ru_utime.tv_usec + children.ru_stime.tv_usec) / 1e6;
	workload_answer_print(&answer, "score", start, cpu);
}

static const struct { const char *name; int n_words; void (*run)(char **words, struct arena *a); } tasks[] = {
	{ "make", 2, make },
	{ "day", 3, make_day },
	{ "days", 3, make_days },
	{ "fix", 2, make_fix },
	{ "backfill", 2, backfill },
	{ "lengthen", 2, lengthen },
	{ "sum", 3, sum },
	{ "ready", 1, ready },
	{ "score", 2, score },
};

int main(int argc, char **argv)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(tasks); i++)
		if (strcmp(tasks[i].name, argv[1]) == 0 && argc == 2 + tasks[i].n_words) {
			tasks[i].run(argv + 2, a);
			return 0;
		}
	die("usage: bench_workload make FOLDER ACCOUNTS, day|days N FILE ACCOUNTS, fix N FILE, backfill FILE ACCOUNTS, "
	    "sum FILE N M, lengthen FOLDER ACCOUNTS, ready FOLDER, score FOLDER PROCESSES");
}

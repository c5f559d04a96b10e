/* The peers of the bench, DuckDB and SQLite, filled with the workload and asked for its scores; bench.py says the SQL.
 * usage: bench_peer duckdb|sqlite load FILE ACCOUNTS   makes FILE with the workload's tables
 *        bench_peer duckdb|sqlite score FILE SQL       runs it (parts between lines of --SPLIT: the scores; their sums;
 *                                                      who is ranked, which is not timed)
 *        bench_peer duckdb|sqlite run FILE SQL         runs it as it stands
 *        bench_peer rows TABLE ACCOUNTS                the table's rows to standard output, tabs between
 *        bench_peer walk TABLE ACCOUNTS                makes its rows and drops them: what making them costs */
#include "bench.h"
#include "duck.h"
#include "workload_answer.h"
#include "workload_rows.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"

static sqlite3 *lite;

static double cpu_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) < 0)
		die("no clock");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The two of them, by what they have in common --------------------------------------------------------------------- */

static void lite_open(const char *path)
{
	if (sqlite3_open(path, &lite) != SQLITE_OK)
		die("%s", path);
}

static void lite_close(void)
{
	(void)sqlite3_close(lite);
}

static void lite_tell(const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(lite, sql, NULL, NULL, &why) != SQLITE_OK)
		die("SQLite: %.60s: %s", sql, why);
}

struct lite_writer { sqlite3_stmt *q; int n_columns; };

static void lite_write(void *context, const int32_t *values)
{
	struct lite_writer *w = context;

	for (int i = 0; i < w->n_columns; i++)
		if (values[i] == WORKLOAD_NULL ? sqlite3_bind_null(w->q, i + 1) : sqlite3_bind_int(w->q, i + 1, values[i]))
			die("SQLite can't bind");
	if (sqlite3_step(w->q) != SQLITE_DONE || sqlite3_reset(w->q) != SQLITE_OK)
		die("SQLite: %s", sqlite3_errmsg(lite));
}

static void lite_fill(const struct workload *w, const struct workload_table *t)
{
	struct lite_writer writer = { .n_columns = workload_n_columns(t) };
	char sql[200] = "";

	(void)snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (?%s)", t->name, &",?,?,?,?"[2 * (5 - writer.n_columns)]);
	if (sqlite3_prepare_v2(lite, sql, -1, &writer.q, NULL) != SQLITE_OK)
		die("SQLite: %s", sqlite3_errmsg(lite));
	lite_tell("BEGIN");
	t->walk(w, lite_write, &writer);
	lite_tell("COMMIT");
	(void)sqlite3_finalize(writer.q);
}

static void duck_put(void *context, const int32_t *values)
{
	duck_write(context, values);
}

static void duck_fill(const struct workload *w, const struct workload_table *t)
{
	struct duck_writer writer;

	duck_write_begin(&writer, t->name, workload_n_columns(t));
	t->walk(w, duck_put, &writer);
	duck_write_end(&writer);
}

static void take_rank(void *answer, int64_t owner, int64_t account, double churn)
{
	workload_rank(answer, (int)owner, (int)account, churn);
}

typedef void rank_fn(void *context, int64_t a, int64_t b, double c);

static void lite_each(const char *sql, rank_fn *fn, void *context)
{
	sqlite3_stmt *q;

	if (sqlite3_prepare_v2(lite, sql, -1, &q, NULL) != SQLITE_OK)
		die("SQLite: %s", sqlite3_errmsg(lite));
	while (sqlite3_step(q) == SQLITE_ROW)
		fn(context, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1), sqlite3_column_double(q, 2));
	(void)sqlite3_finalize(q);
}

static void duck_each(const char *sql, rank_fn *fn, void *context)
{
	struct duck_result result;

	duck_ask(sql, &result);
	for (uint64_t i = 0; i < duck_n_rows(&result); i++)
		fn(context, duck_int(&result, 0, i), duck_int(&result, 1, i), duck_real(&result, 2, i));
	duck_done(&result);
}

static const struct peer {
	const char *name, *begin, *row_order, *end;
	void (*open)(const char *path);
	void (*close)(void);
	void (*tell)(const char *sql);
	void (*fill)(const struct workload *w, const struct workload_table *t);
	void (*each)(const char *sql, rank_fn *fn, void *context);
} peers[] = {
	{ "duckdb", "SELECT 1", "", "CHECKPOINT", duck_open, duck_close, duck_tell, duck_fill, duck_each },
	{ "sqlite", "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", " WITHOUT ROWID",
	  "CREATE INDEX users_by_account ON users (account); CREATE INDEX tickets_by_account ON tickets (account); "
	  "CREATE INDEX eng_by_account ON eng (account); CREATE INDEX subs_by_account ON subs (account); "
	  "PRAGMA wal_checkpoint(TRUNCATE)", lite_open, lite_close, lite_tell, lite_fill, lite_each },
};

/* what is done with them ------------------------------------------------------------------------------------------- */

static const char *definition(const struct peer *p, const struct workload_table *t, struct arena *a)
{
	const char *columns = "";

	for (int i = 0; t->columns[i]; i++)
		columns = arena_printf(a, "%s%s%s INTEGER", columns, i ? ", " : "", t->columns[i]);
	if (t->key && *p->row_order)
		return arena_printf(a, "CREATE TABLE %s (%s, PRIMARY KEY (%s))%s", t->name, columns, t->key, p->row_order);
	return arena_printf(a, "CREATE TABLE %s (%s)", t->name, columns);
}

static void load(const struct peer *p, const char *path, const struct workload *w, struct arena *a)
{
	(void)unlink(path);
	p->open(path);
	p->tell(p->begin);
	for (const struct workload_table *t = workload_tables; t->name; t++) {
		double start = seconds_now(), cpu = cpu_now();

		p->tell(definition(p, t, a));
		p->fill(w, t);
		(void)printf("{\"what\":\"%s %s\",\"seconds\":%.3f,\"cpu\":%.3f}\n", p->name, t->name, seconds_now() - start,
		             cpu_now() - cpu);
		(void)fflush(stdout);
	}
	p->tell(p->end);
	p->close();
}

static char *next_part(char **io)
{
	char *part = *io, *split = part ? strstr(part, "--SPLIT") : NULL;

	*io = split ? split + strlen("--SPLIT") : NULL;
	if (split)
		*split = '\0';
	return part;
}

static void take_total(void *answer, int64_t unused, int64_t also_unused, double total)
{
	struct workload_answer *to = answer;

	(void)unused;
	(void)also_unused;
	to->total = total;
}

static void score(const struct peer *p, const char *path, char *sql)
{
	char *scores = next_part(&sql), *sums = next_part(&sql), *ranked = next_part(&sql);
	double start = seconds_now(), took, cpu;
	struct workload_answer answer = { 0 };

	if (!ranked)
		die("the SQL has three parts");
	p->open(path);
	p->tell(scores);
	p->each(sums, take_total, &answer);
	took = seconds_now() - start;
	cpu = cpu_now();
	p->each(ranked, take_rank, &answer);
	workload_answer_print(&answer, p->name, took, cpu);
	p->close();
}

static void run(const struct peer *p, const char *path, const char *sql)
{
	double start = seconds_now(), cpu = cpu_now();

	p->open(path);
	p->tell(sql);
	p->close();
	(void)printf("{\"what\":\"%s\",\"seconds\":%.4f,\"cpu\":%.4f}\n", p->name, seconds_now() - start, cpu_now() - cpu);
}

static void print_row(void *context, const int32_t *values)
{
	const int *n = context;

	for (int i = 0; i < *n; i++)
		if (values[i] == WORKLOAD_NULL)
			(void)fputs(i + 1 < *n ? "\\N\t" : "\\N\n", stdout);
		else
			(void)printf(i + 1 < *n ? "%d\t" : "%d\n", values[i]);
}

static void drop_row(void *context, const int32_t *values)
{
	*(int64_t *)context += values[0];
}

/* rows and walk */
static int walk(const char *what, const char *table, const struct workload *w)
{
	double cpu = cpu_now();

	for (const struct workload_table *t = workload_tables; t->name; t++) {
		int n = workload_n_columns(t);
		int64_t sum = 0;

		if (strcmp(t->name, table) != 0)
			continue;
		if (strcmp(what, "rows") == 0) {
			t->walk(w, print_row, &n);
			return fflush(stdout) == 0 ? 0 : 1;
		}
		t->walk(w, drop_row, &sum);
		return printf("{\"what\":\"walk %s\",\"cpu\":%.3f,\"sum\":%" PRId64 "}\n", table, cpu_now() - cpu, sum) < 0;
	}
	die("there is no table %s", table);
}

static const struct peer *find_peer(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(peers); i++)
		if (strcmp(peers[i].name, name) == 0)
			return &peers[i];
	die("there is no peer %s", name);
}

static struct workload *workload_of(const char *text, struct arena *a)
{
	struct workload *w = arena_array(a, 1, sizeof *w);
	int64_t accounts;

	if (!text_to_int(text, &accounts) || accounts < 1 || accounts > WORKLOAD_MAX_ACCOUNTS)
		die("%s accounts", text);
	workload_make(w, (int)accounts, a);
	return w;
}

int main(int argc, char **argv)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct peer *p;

	if (argc == 4)
		return walk(argv[1], argv[2], workload_of(argv[3], a));
	if (argc != 5)
		die("usage: bench_peer duckdb|sqlite load|score|run FILE ACCOUNTS|SQL; rows|walk TABLE ACCOUNTS");
	p = find_peer(argv[1]);
	if (p->open == duck_open && !duck_find())
		die("DuckDB can't be installed");
	if (strcmp(argv[2], "load") == 0)
		load(p, argv[3], workload_of(argv[4], a), a);
	else if (strcmp(argv[2], "score") == 0)
		score(p, argv[3], argv[4]);
	else
		run(p, argv[3], argv[4]);
	return 0;
}

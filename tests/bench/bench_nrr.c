/* NRR and GRR of a million subscriptions over 36 months: every window of one and of twelve months, whole and by
 * segment, region, owner, plan, product and cohort. Ours is all of it, in a process of its own: open the database,
 * load, apply the policy, compute. The peer is DuckDB (build/duckdb, by npm; left out where that can't be had) with the
 * same rows in its own file, which is opened and loaded before its time starts, and the same figures in SQL that was
 * tuned for it: each account's months once, joined with themselves, all groupings in one pass. Both must tell the same
 * sums. usage: bench_nrr [SUBSCRIPTIONS] */
#include "bench.h"
#include "duck.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/text.h"
#include "score/nrr.h"
#include "store/migrate.h"

enum {
	SUBSCRIPTIONS = 1000000,
	PER_ACCOUNT = 4,
	MONTHS = 36,
	FIRST = 19358, /* 2023-01-01 */
	AS_OF = 20454, /* 2026-01-01 */
	ROUNDS = 3,
	TARGET_S = 3,
	TARGET_MIB = 300,
};

/* What both add up, of all rows of a breakdown. */
struct figures { int64_t n_rows, start, end, expansion, contraction, churn; };

struct bench {
	struct arena *arena;
	const char *folder, *database;
	int64_t n_subscriptions, n_accounts;
	double seconds, peak_mib;
	struct figures figures[N_NRR_BY];
};

static void run_sql(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		die("%.80s: %s", sql, why);
}

/* One subscription by its number i; plain arithmetic stands for chance, and is the same in both databases. */
#define ACCOUNT "1 + i * 7919 %% %" PRId64
#define PRODUCT "i * 2654435761 % 4294967296 % 12"
#define PLAN "i * 2246822519 % 4294967296 % 5"
#define MINOR "1000 + i * 3266489917 % 4294967296 % 90000"
#define STARTED "19358 + i * 668265263 % 4294967296 % 1095"
#define ENDED STARTED " + 30 + i * 374761393 % 4294967296 % 500"

static void put_rows(const struct bench *b)
{
	sqlite3 *db;

	if (sqlite3_open(b->database, &db) != SQLITE_OK)
		die("%s", b->database);
	run_sql(db, "BEGIN; INSERT INTO source (id, name, kind) VALUES (1, 'billing', 'csv')");
	run_sql(db, arena_printf(
					b->arena,
					"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %" PRId64
					") INSERT INTO account (id, source_id, source_key, name, segment, region, csm_email) SELECT i, 1, "
					"'k' || i, 'Account ' || i, 's' || (i %% 4), 'r' || (i %% 6), 'o' || (i %% 300) FROM n",
					b->n_accounts));
	run_sql(db, arena_printf(
					b->arena,
					"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %" PRId64
					") INSERT INTO subscription (id, source_id, source_key, account_id, product, plan, mrr_minor, "
					"currency, start_on, end_on) SELECT i, 1, 's' || i, " ACCOUNT ", 'p' || (%s), 'plan ' || (%s), %s, "
					"'EUR', %s, CASE WHEN i %% 10 < 5 AND %s <= %d THEN %s END FROM n",
					b->n_subscriptions, b->n_accounts, PRODUCT, PLAN, MINOR, STARTED, ENDED, AS_OF, ENDED));
	run_sql(db, "COMMIT");
	(void)sqlite3_close(db);
}

static void make_rows(struct bench *b)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct err err;

	REQUIRE_OK(db_open(b->database, DB_WRITE, &db, &err));
	REQUIRE_OK(migrate_run(db, 0, &err));
	put_rows(b);
}

/* ours ------------------------------------------------------------------------------------------------------------- */

static size_t make_spans(struct nrr_span *spans)
{
	size_t n = 0;

	for (int k = 1; k <= 12; k += 11)
		for (int i = 0; i + k <= MONTHS; i++)
			spans[n++] = (struct nrr_span){ day_add_months(FIRST, i), day_add_months(FIRST, i + k) };
	return n;
}

static struct figures sum_of(const struct nrr_table *t)
{
	struct figures f = { .n_rows = (int64_t)t->n };

	for (size_t i = 0; i < t->n; i++) {
		f.start += t->rows[i].sums.start_minor;
		f.end += t->rows[i].sums.end_minor;
		f.expansion += t->rows[i].sums.expansion_minor;
		f.contraction += t->rows[i].sums.contraction_minor;
		f.churn += t->rows[i].sums.churn_minor;
	}
	return f;
}

static void compute(const struct bench *b, struct figures out[N_NRR_BY])
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(db_closep) struct db *db = NULL;
	struct nrr_span spans[2 * MONTHS];
	struct nrr_table tables[N_NRR_BY];
	struct revenue facts;
	struct book book;
	struct err err;
	struct nrr_query query = { spans, make_spans(spans), (1u << N_NRR_BY) - 1 };

	REQUIRE_OK(db_open(b->database, DB_READ, &db, &err));
	REQUIRE_OK(revenue_load(db, &(struct revenue_query){ AS_OF, "EUR" }, a, &facts, &err));
	REQUIRE_OK(book_make(&facts, &nrr_default_policy, &(struct book_query){ .currency = "EUR" }, a, &book, &err));
	REQUIRE_OK(nrr_compute(&book, &query, a, tables, &err));
	for (int by = 0; by < N_NRR_BY; by++)
		out[by] = sum_of(&tables[by]);
}

/* In a child, so that its memory is known when it ends. */
static void compute_in_child(void *context)
{
	struct bench *b = context;
	struct rusage used;
	int ends[2], status;
	pid_t child;

	if (pipe(ends) < 0 || (child = fork()) < 0)
		die("no child");
	if (child == 0) {
		compute(b, b->figures);
		_exit(write(ends[1], b->figures, sizeof b->figures) == sizeof b->figures ? 0 : 1);
	}
	(void)close(ends[1]);
	if (read(ends[0], b->figures, sizeof b->figures) != sizeof b->figures || wait4(child, &status, 0, &used) != child ||
	    status != 0)
		die("the computation failed");
	(void)close(ends[0]);
	b->peak_mib = (double)used.ru_maxrss / 1024 > b->peak_mib ? (double)used.ru_maxrss / 1024 : b->peak_mib;
}

/* DuckDB ----------------------------------------------------------------------------------------------------------- */

static void put_duck(const struct bench *b)
{
	duck_open(arena_printf(b->arena, "%s/peer.duckdb", b->folder));
	duck_tell(arena_printf(b->arena,
	                       "CREATE TABLE account AS SELECT i AS id, 's' || (i %% 4) AS segment, 'r' || (i %% 6) AS "
	                       "region, 'o' || (i %% 300) AS owner FROM range(1, %" PRId64 " + 1) t(i)",
	                       b->n_accounts));
	duck_tell(arena_printf(
		b->arena,
		"CREATE TABLE subs AS SELECT " ACCOUNT " AS account, 'p' || (%s) AS product, %s AS plan_no, "
		"'plan ' || (%s) AS plan, %s AS mrr, (%s)::INTEGER AS start_on, (CASE WHEN i %% 10 < 5 AND %s <= %d "
		"THEN %s END)::INTEGER AS end_on FROM range(1, %" PRId64 " + 1) t(i)",
		b->n_accounts, PRODUCT, PLAN, PLAN, MINOR, STARTED, ENDED, AS_OF, ENDED, b->n_subscriptions));
	duck_tell("CREATE TABLE mark AS SELECT row_number() OVER () - 1 AS m, date_diff('day', DATE '1970-01-01', "
	          "d::DATE)::INTEGER AS d FROM generate_series(DATE '2023-01-01', DATE '2026-01-01', INTERVAL 1 MONTH) t(d)");
	duck_tell("CHECKPOINT");
}

static const char *const duck_sql[] = {
	"CREATE OR REPLACE TEMP TABLE win AS SELECT m AS i, m + k AS j, k FROM mark, (VALUES (1), (12)) t(k) WHERE m + k <= "
	"(SELECT max(m) FROM mark)",
	"CREATE OR REPLACE TEMP TABLE cell AS SELECT m, account, product, plan, plan_no, mrr FROM subs JOIN mark ON start_on "
	"<= d AND (end_on IS NULL OR end_on > d)",
	"CREATE OR REPLACE TEMP TABLE am AS SELECT m, account, sum(mrr)::BIGINT AS v, max_by(plan, mrr * 100 + 99 - plan_no) "
	"AS plan FROM cell GROUP BY ALL",
	"CREATE OR REPLACE TEMP TABLE apm AS SELECT m, account, product, sum(mrr)::BIGINT AS v FROM cell GROUP BY ALL",
	"CREATE OR REPLACE TEMP TABLE cohort AS SELECT account, (SELECT max(m) FROM mark WHERE d <= first) AS month FROM "
	"(SELECT account, min(start_on) AS first FROM subs GROUP BY 1)",
	"CREATE OR REPLACE TEMP TABLE seen AS SELECT account, min(m) AS f FROM am GROUP BY 1",
	"CREATE OR REPLACE TEMP TABLE pair AS SELECT coalesce(x.k, y.k) AS k, coalesce(x.i, y.i) AS i, coalesce(x.account, "
	"y.account) AS account, coalesce(x.v, 0) AS s, coalesce(y.v, 0) AS e, coalesce(x.plan, y.plan) AS plan FROM (SELECT k, "
	"i, account, v, plan FROM am JOIN win ON m = i) x FULL JOIN (SELECT k, i, account, v, plan FROM am JOIN win ON m = j) y "
	"ON x.k = y.k AND x.i = y.i AND x.account = y.account",
	"CREATE OR REPLACE TEMP TABLE by_account AS SELECT grouping(a.segment, a.region, a.owner, p.plan, c.month) AS g, "
	"count(*) FILTER (s > 0) AS n_start, count(*) FILTER (s > 0 AND e = 0) AS n_churned, sum(s)::BIGINT AS s, "
	"sum(CASE WHEN s = 0 AND f >= i THEN e ELSE 0 END)::BIGINT AS added, "
	"sum(CASE WHEN s > 0 AND e > s THEN e - s ELSE 0 END)::BIGINT AS expansion, "
	"sum(CASE WHEN s = 0 AND f < i THEN e ELSE 0 END)::BIGINT AS reactivation, "
	"sum(CASE WHEN e > 0 AND e < s THEN s - e ELSE 0 END)::BIGINT AS contraction, "
	"sum(CASE WHEN e = 0 THEN s ELSE 0 END)::BIGINT AS churn, sum(e)::BIGINT AS e FROM pair p JOIN account a ON a.id = "
	"p.account JOIN seen USING (account) JOIN cohort c USING (account) GROUP BY GROUPING SETS ((p.k, p.i), (p.k, p.i, "
	"a.segment), (p.k, p.i, a.region), (p.k, p.i, a.owner), (p.k, p.i, p.plan), (p.k, p.i, c.month))",
	"CREATE OR REPLACE TEMP TABLE product_pair AS SELECT coalesce(x.k, y.k) AS k, coalesce(x.i, y.i) AS i, "
	"coalesce(x.account, y.account) AS account, coalesce(x.product, y.product) AS product, coalesce(x.v, 0) AS s, "
	"coalesce(y.v, 0) AS e FROM (SELECT k, i, account, product, v FROM apm JOIN win ON m = i) x FULL JOIN (SELECT k, i, "
	"account, product, v FROM apm JOIN win ON m = j) y ON x.k = y.k AND x.i = y.i AND x.account = y.account AND x.product "
	"= y.product",
	"CREATE OR REPLACE TEMP TABLE by_product AS SELECT product, sum(q.s)::BIGINT AS s, sum(q.e)::BIGINT AS e, "
	"sum(CASE WHEN p.s > 0 AND p.e > 0 AND q.e > q.s THEN q.e - q.s ELSE 0 END)::BIGINT AS expansion, "
	"sum(CASE WHEN p.s > 0 AND p.e > 0 AND q.e < q.s THEN q.s - q.e ELSE 0 END)::BIGINT AS contraction, "
	"sum(CASE WHEN p.e = 0 THEN q.s ELSE 0 END)::BIGINT AS churn FROM product_pair q JOIN pair p USING (k, i, account) "
	"GROUP BY q.k, q.i, product",
};

static void compute_in_duck(void *context)
{
	(void)context;
	for (size_t i = 0; i < ARRAY_LEN(duck_sql); i++)
		duck_tell(duck_sql[i]);
}

/* The groupings by the bits of those that a row is not told apart by. */
static const struct { enum nrr_by by; int bits; } groupings[] = {
	{ NRR_BY_ALL, 31 }, { NRR_BY_SEGMENT, 15 }, { NRR_BY_REGION, 23 }, { NRR_BY_OWNER, 27 }, { NRR_BY_PLAN, 29 },
	{ NRR_BY_COHORT, 30 },
};

static void check_figures(const struct bench *b, enum nrr_by by, const char *from)
{
	struct duck_result result;
	struct figures f;

	duck_ask(arena_printf(b->arena, "SELECT count(*), sum(s)::BIGINT, sum(e)::BIGINT, sum(expansion)::BIGINT, "
	                      "sum(contraction)::BIGINT, sum(churn)::BIGINT FROM %s", from), &result);
	f = (struct figures){ duck_int(&result, 0, 0), duck_int(&result, 1, 0), duck_int(&result, 2, 0),
	                      duck_int(&result, 3, 0), duck_int(&result, 4, 0), duck_int(&result, 5, 0) };
	duck_done(&result);
	if (memcmp(&f, &b->figures[by], sizeof f) != 0)
		die("by %s DuckDB tells %" PRId64 " rows, start %" PRId64 ", end %" PRId64 "; we %" PRId64 ", %" PRId64
		    ", %" PRId64,
		    nrr_by_names[by], f.n_rows, f.start, f.end, b->figures[by].n_rows, b->figures[by].start,
		    b->figures[by].end);
}

static void compare_with_duck(const struct bench *b, const char *what)
{
	double theirs;

	put_duck(b);
	theirs = best_of(ROUNDS, compute_in_duck, NULL);
	for (size_t i = 0; i < ARRAY_LEN(groupings); i++)
		check_figures(b, groupings[i].by, arena_printf(b->arena, "by_account WHERE g = %d", groupings[i].bits));
	check_figures(b, NRR_BY_PRODUCT, "by_product");
	print_ratio(what, "s", b->seconds, "DuckDB, the same figures in tuned SQL", theirs);
}

int main(int argc, char **argv)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char folder[] = "/tmp/retaind-bench-XXXXXX";
	struct bench b = { .arena = a, .n_subscriptions = SUBSCRIPTIONS, .folder = folder };
	const char *what;

	if (argc > 1 && (!text_to_int(argv[1], &b.n_subscriptions) || b.n_subscriptions < PER_ACCOUNT))
		die("usage: bench_nrr [SUBSCRIPTIONS]");
	if (!mkdtemp(folder))
		die("no folder in /tmp");
	b.database = arena_printf(a, "%s/retaind.db", folder);
	b.n_accounts = b.n_subscriptions / PER_ACCOUNT;
	what = arena_printf(a, "NRR of %" PRId64 " subscriptions, %d months, all breakdowns", b.n_subscriptions, MONTHS);
	make_rows(&b);
	b.seconds = best_of(ROUNDS, compute_in_child, &b);
	print_ratio(what, "s", b.seconds, "target", TARGET_S);
	print_ratio("its peak memory", "MiB", b.peak_mib, "target", TARGET_MIB);
	if (duck_find())
		compare_with_duck(&b, what);
	else
		(void)printf("{\"bench\":\"%s\",\"skipped\":\"DuckDB can't be had: npm is not there, or has it not\"}\n", what);
	return system(arena_printf(a, "rm -r '%s'", folder)) == 0 ? 0 : 1;
}

#include "workload_score.h"

#include "bench.h"
#include "workload.h"
#include "workload_usage.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "store/packs.h"
#include "store/usage_ahead.h"

enum {
	MAX_BLOCKS = WORKLOAD_MAX_ACCOUNTS / USAGE_BLOCK + 1,
	MAX_CELLS = 1024, /* of a column of a pack */
	RECENT_DAYS = 30, EARLIER_DAYS = 120, USE_DAYS = 28,
	SEEN_MOST = 60, HEARD_MOST = 90, RENEWAL_NEAR = 60, RENEWAL_MOST = 365, NO_RENEWAL = 9999,
};

/* Between the processes: blocks are taken in their order by whoever is free. */
struct shared {
	atomic_size_t next;
	atomic_bool is_done[MAX_BLOCKS];
	double churn[MAX_BLOCKS * USAGE_BLOCK], upsell[MAX_BLOCKS * USAGE_BLOCK]; /* by account */
};

/* One process. */
struct scorer {
	struct shared *shared;
	struct arena *arena;
	struct db *db;
	struct txn snapshot; /* a lock for all that is read, not one a statement */
	struct workload_use *use;
	int32_t metrics[WORKLOAD_METRICS];
	int n_accounts, n_blocks;
	double limits[WORKLOAD_METRICS][USAGE_BLOCK];
};

/* dated rows ------------------------------------------------------------------------------------------------------- */

static size_t column(const struct pack *p, enum pack_section section, int number, int64_t cells[MAX_CELLS])
{
	if (p->n[section] > MAX_CELLS || (p->n[section] && !pack_column(p, section, number, cells)))
		die("a pack of the workload can't be read");
	return p->n[section];
}

static int64_t latest(const int64_t *days, size_t n, int64_t none)
{
	int64_t last = none;

	for (size_t i = 0; i < n; i++)
		last = days[i] != PACK_NONE && days[i] <= WORKLOAD_AS_OF && days[i] > last ? days[i] : last;
	return last;
}

/* Days of an age from `from` to before `to`. */
static int n_aged(const int64_t *days, size_t n, int from, int to)
{
	int count = 0;

	for (size_t i = 0; i < n; i++)
		count += days[i] > WORKLOAD_AS_OF - to && days[i] <= WORKLOAD_AS_OF - from;
	return count;
}

static double least(int64_t a, int64_t b)
{
	return (double)(a < b ? a : b);
}

/* What people, tickets, exchanges and contracts say. */
static void judge_rows(const struct pack *p, double *churn, double *upsell)
{
	int64_t cells[MAX_CELLS], seen, heard, renewal = NO_RENEWAL;
	double active, tickets, exchanges;
	size_t n;

	n = column(p, PACK_CONTACT, CONTACT_LAST_SEEN, cells);
	seen = latest(cells, n, WORKLOAD_FIRST - 1);
	n = column(p, PACK_USE, USE_DAY, cells);
	active = n_aged(cells, n, 0, USE_DAYS) / (double)(WORKLOAD_CONTACTS * USE_DAYS);
	n = column(p, PACK_TICKET, TICKET_OPENED, cells);
	tickets = (n_aged(cells, n, 0, RECENT_DAYS) + 1.0) / (n_aged(cells, n, RECENT_DAYS, EARLIER_DAYS) / 3.0 + 1);
	n = column(p, PACK_INTERACTION, INTERACTION_ON, cells);
	exchanges = n_aged(cells, n, 0, RECENT_DAYS);
	heard = latest(cells, n, WORKLOAD_FIRST - 1);
	n = column(p, PACK_SUBSCRIPTION, SUBSCRIPTION_RENEWAL, cells);
	for (size_t i = 0; i < n; i++)
		if (cells[i] != PACK_NONE && cells[i] >= WORKLOAD_AS_OF && cells[i] - WORKLOAD_AS_OF < renewal)
			renewal = cells[i] - WORKLOAD_AS_OF;
	*churn = 0.01 * least(WORKLOAD_AS_OF - seen, SEEN_MOST) - 0.5 * active + 0.1 * tickets +
	         0.005 * least(WORKLOAD_AS_OF - heard, HEARD_MOST) - 0.02 * exchanges + (renewal < RENEWAL_NEAR ? 0.2 : 0);
	*upsell = 0.5 * active - 0.05 * tickets + 0.02 * exchanges + 0.0001 * least(renewal, RENEWAL_MOST);
}

/* Limits lie by the names of their metrics: exports, logins, reports. */
static void read_limits(struct scorer *s, const struct pack *p, size_t place)
{
	static const int metrics[WORKLOAD_METRICS] = { 2, 0, 1 };
	int64_t cells[MAX_CELLS];

	if (column(p, PACK_LIMIT, LIMIT_VALUE, cells) != WORKLOAD_METRICS)
		die("an account of the workload has %u limits", p->n[PACK_LIMIT]);
	for (int i = 0; i < WORKLOAD_METRICS; i++)
		s->limits[metrics[i]][place] = (double)cells[i];
}

static int first_of(int block)
{
	return block ? block * USAGE_BLOCK : 1;
}

static int end_of(const struct scorer *s, int block)
{
	int end = (block + 1) * USAGE_BLOCK;

	return end <= s->n_accounts ? end : s->n_accounts + 1;
}

static int read_rows(struct scorer *s, int block, struct err *err)
{
	int first = first_of(block), end = end_of(s, block), n = 0, rc;
	CLEANUP(stmt_donep) struct stmt *q = packs_of(s->db, first, end - 1);
	int64_t account;
	struct pack p;

	while ((rc = packs_next(q, &account, &p, err)) > 0) {
		judge_rows(&p, &s->shared->churn[account], &s->shared->upsell[account]);
		read_limits(s, &p, (size_t)account % USAGE_BLOCK);
		n++;
	}
	if (rc < 0)
		return -1;
	return n == end - first ? 0 : err_set(err, ERR_FATAL, "%d packs of %d accounts", n, end - first);
}

/* processes -------------------------------------------------------------------------------------------------------- */

/* Scores the next block; 0 when there is none left. */
static int score_next(struct scorer *s)
{
	int block = (int)atomic_fetch_add(&s->shared->next, 1);
	size_t first = (size_t)block * USAGE_BLOCK;
	struct err err;

	if (block >= s->n_blocks)
		return 0;
	REQUIRE_OK(read_rows(s, block, &err));
	for (int m = 0; m < WORKLOAD_METRICS; m++)
		REQUIRE_OK(workload_use_add(s->use, s->db, s->metrics[m], block, s->limits[m], s->shared->churn + first,
		                            s->shared->upsell + first, &err));
	atomic_store(&s->shared->is_done[block], true);
	return 1;
}

static void open_scorer(struct scorer *s, const char *database)
{
	int64_t most, n_stale;
	struct err err;

	REQUIRE_OK(db_open(database, DB_READ, &s->db, &err));
	REQUIRE_OK(db_run(s->db, "PRAGMA cache_size = -4096", &err)); /* each page is read once */
	REQUIRE_OK(txn_begin(&s->snapshot, s->db, &err));
	REQUIRE_OK(db_int(s->db, "SELECT max(id) FROM account", 0, &most, &err));
	REQUIRE_OK(db_int(s->db, "SELECT count(*) FROM pack_stale", 0, &n_stale, &err));
	if (most > WORKLOAD_MAX_ACCOUNTS || n_stale)
		die("%s: %lld accounts, %lld of them without packs", database, (long long)most, (long long)n_stale);
	for (int m = 0; m < WORKLOAD_METRICS; m++) {
		CLEANUP(stmt_donep) struct stmt *q = db_sql(s->db, "SELECT id FROM metric WHERE name = :name");

		bind_text(q, ":name", workload_metrics[m]);
		if (stmt_step(q, &err) <= 0)
			die("%s: no metric %s", database, workload_metrics[m]);
		s->metrics[m] = (int32_t)col_int(q, 0);
	}
	s->use = workload_use_new(s->arena);
	s->n_accounts = (int)most;
	s->n_blocks = s->n_accounts / USAGE_BLOCK + 1;
}

static void score_all(struct shared *shared, const char *database)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct scorer *s = arena_alloc(a, sizeof *s);

	s->shared = shared;
	s->arena = a;
	open_scorer(s, database);
	while (score_next(s))
		;
	txn_end(&s->snapshot);
	db_close(s->db);
}

/* writing ---------------------------------------------------------------------------------------------------------- */

struct writer {
	sqlite3 *db;
	sqlite3_stmt *insert;
	int block; /* the first that isn't written */
};

static void run_sql(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		die("%.80s: %s", sql, why);
}

static sqlite3 *open_plain(const char *database)
{
	sqlite3 *db;

	if (sqlite3_open_v2(database, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		die("%s: %s", database, sqlite3_errmsg(db));
	run_sql(db, "PRAGMA synchronous = FULL; PRAGMA cache_size = -4096");
	return db;
}

static void begin_rows(struct writer *w, const char *database)
{
	w->db = open_plain(database);
	run_sql(w->db, "BEGIN IMMEDIATE; CREATE TABLE workload_score (account INTEGER PRIMARY KEY, owner INTEGER NOT NULL, "
	               "churn REAL NOT NULL, upsell REAL NOT NULL)");
	if (sqlite3_prepare_v2(w->db, "INSERT INTO workload_score VALUES (?, ?, ?, ?)", -1, &w->insert, NULL) != SQLITE_OK)
		die("%s", sqlite3_errmsg(w->db));
}

/* Those blocks that are done, in order. */
static void write_rows(struct writer *w, const struct scorer *s)
{
	for (; w->block < s->n_blocks && atomic_load(&s->shared->is_done[w->block]); w->block++)
		for (int account = first_of(w->block); account < end_of(s, w->block); account++) {
			if (sqlite3_bind_int(w->insert, 1, account) != SQLITE_OK ||
			    sqlite3_bind_int(w->insert, 2, (account - 1) / WORKLOAD_OWNED) != SQLITE_OK ||
			    sqlite3_bind_double(w->insert, 3, s->shared->churn[account]) != SQLITE_OK ||
			    sqlite3_bind_double(w->insert, 4, s->shared->upsell[account]) != SQLITE_OK ||
			    sqlite3_step(w->insert) != SQLITE_DONE || sqlite3_reset(w->insert) != SQLITE_OK)
				die("%s", sqlite3_errmsg(w->db));
		}
}

static void end_rows(struct writer *w)
{
	(void)sqlite3_finalize(w->insert);
	run_sql(w->db, "COMMIT");
	(void)sqlite3_close(w->db);
}

/* ranking ---------------------------------------------------------------------------------------------------------- */

/* The best of an owner's accounts so far, best first. */
struct best { int accounts[WORKLOAD_TOP], n; };

static void take(struct best *b, const double *churn, int account)
{
	int at = b->n < WORKLOAD_TOP ? b->n++ : WORKLOAD_TOP;

	for (; at > 0 && churn[account] > churn[b->accounts[at - 1]]; at--)
		if (at < WORKLOAD_TOP)
			b->accounts[at] = b->accounts[at - 1];
	if (at < WORKLOAD_TOP)
		b->accounts[at] = account;
}

static struct workload_answer ranked(const struct scorer *s)
{
	const double *churn = s->shared->churn, *upsell = s->shared->upsell;
	struct workload_answer answer = { 0 };

	for (int first = 1; first <= s->n_accounts; first += WORKLOAD_OWNED) {
		struct best best = { .n = 0 };

		for (int account = first; account < first + WORKLOAD_OWNED && account <= s->n_accounts; account++) {
			answer.total += churn[account] + upsell[account];
			take(&best, churn, account);
		}
		for (int i = 0; i < best.n; i++)
			workload_rank(&answer, (first - 1) / WORKLOAD_OWNED, best.accounts[i], churn[best.accounts[i]]);
	}
	return answer;
}

/* the whole -------------------------------------------------------------------------------------------------------- */

void workload_score_prepare(const char *database)
{
	sqlite3 *plain;
	struct db *db;
	struct err err;

	/* The store's connection first: it says how SQLite is set up, which nothing can once it is in use. */
	REQUIRE_OK(db_open(database, DB_WRITE, &db, &err));
	REQUIRE_OK(packs_refresh(db, zone_utc(), WORKLOAD_AS_OF, &err));
	db_close(db);
	plain = open_plain(database);
	run_sql(plain, "DROP TABLE IF EXISTS workload_score");
	(void)sqlite3_close(plain);
}

/* Before anything is opened: a connection can't be shared. */
static void start(struct shared *shared, const char *database, int n)
{
	for (int i = 0; i < n; i++) {
		pid_t child = fork();

		if (child < 0)
			die("no process");
		if (child == 0) {
			score_all(shared, database);
			_exit(0);
		}
	}
}

/* As score's own walk does. */
static pid_t start_ahead(struct shared *shared, const char *database, struct arena *a)
{
	struct scorer *s = arena_alloc(a, sizeof *s);
	int64_t *blocks = arena_array(a, MAX_BLOCKS, sizeof *blocks);

	s->arena = a;
	open_scorer(s, database);
	txn_end(&s->snapshot);
	db_close(s->db);
	for (int i = 0; i < s->n_blocks; i++)
		blocks[i] = i;
	return usage_ahead_start(&(struct usage_ahead){
		.database = database, .metrics = s->metrics, .n_metrics = WORKLOAD_METRICS,
		.from = WORKLOAD_AS_OF - WORKLOAD_DAYS + 1, .to = WORKLOAD_AS_OF,
		.blocks = blocks, .n_blocks = (size_t)s->n_blocks, .next = &shared->next });
}

static void wait_for_all(void)
{
	int status;

	while (wait(&status) > 0)
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			die("a process failed");
}

void workload_score(const char *database, int n_processes, struct workload_answer *out)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct scorer *s = arena_alloc(a, sizeof *s);
	struct writer w = { .block = 0 };
	pid_t ahead;

	s->arena = a;
	s->shared = mmap(NULL, sizeof *s->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1,
	                 0);
	if (s->shared == MAP_FAILED)
		die("no memory");
	start(s->shared, database, n_processes - 1);
	ahead = start_ahead(s->shared, database, a);
	open_scorer(s, database);
	begin_rows(&w, database);
	while (score_next(s))
		write_rows(&w, s);
	usage_ahead_end(ahead);
	wait_for_all();
	write_rows(&w, s);
	end_rows(&w);
	*out = ranked(s);
	txn_end(&s->snapshot);
	db_close(s->db);
	(void)munmap(s->shared, sizeof *s->shared);
}

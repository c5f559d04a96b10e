#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "common/clock.h"
#include "common/text.h"
#include "judge.h"
#include "nrr_close.h"
#include "nrr_forecast.h"
#include "score_write.h"
#include "store/account.h"
#include "store/outcomes.h"
#include "store/packs.h"
#include "store/retention.h"
#include "store/revenue_kept.h"
#include "workers.h"

enum { FEW_ACCOUNTS = 16000 }; /* are judged sooner than other processes are started */

enum { SHOW_AFTER_MS = 2000, SHOW_EVERY_MS = 250 };

struct scoring {
	struct cli *cli;
	struct session *session;
	int n_processes;
	bool is_terminal, has_line; /* has_line: how far it is stands there */
	int64_t n_accounts;         /* about as many are scored on a day */
	int64_t started_ms, scores_ms, shown_ms; /* scores_ms: since when there were some */
	struct score_tally tally;
};

/* How far a day is that takes longer. */
static void show_progress(struct scoring *s, const struct score_writing *w)
{
	int64_t now = clock_monotonic_ms(), n = w->tally.n_scored;

	if (!s->is_terminal || n == 0)
		return;
	if (s->scores_ms < s->started_ms)
		s->scores_ms = now;
	if (now - s->started_ms < SHOW_AFTER_MS || now - s->shown_ms < SHOW_EVERY_MS)
		return;
	s->shown_ms = now;
	s->has_line = true;
	(void)fprintf(stderr, "\r\033[K%s: %" PRId64 " of %" PRId64 " accounts scored", day_text(w->arena, w->day), n,
	              s->n_accounts);
	if (n < s->n_accounts && now > s->scores_ms)
		(void)fprintf(stderr, ", %" PRId64 " s left",
		              ((now - s->scores_ms) * (s->n_accounts - n) / n + 999) / 1000);
	(void)fflush(stderr);
}

static void clear_progress(struct scoring *s)
{
	if (s->has_line)
		(void)fputs("\r\033[K", stderr);
	s->has_line = false;
}

/* One day in one process. */
static int score_here(struct scoring *s, struct judging *j, struct score_writing *w, struct arena *of_day,
                      struct err *err)
{
	CLEANUP(buf_done) struct buf packed;
	size_t n_members;

	buf_init(&packed, SIZE_MAX / 2);
	j->session = *s->session;
	if (judge_begin(j, w->day, of_day, err) < 0 || score_write_begin(w, err) < 0)
		return -1;
	n_members = j->day.base.n_members;
	for (size_t first = 0, n; first < n_members; first += n) {
		n = judge_chunk(first, n_members);
		buf_reset(&packed);
		if (judge_some(j, first, n, &packed, err) < 0 || score_write(w, packed.at, packed.len, err) < 0)
			return -1;
		show_progress(s, w);
	}
	return 0;
}

/* What a process that judges works with: its own, once it was forked. */
struct judge {
	struct judging judging;
	struct judge_units units;
	struct arena *of_day;
	struct txn snapshot;
	int32_t day;
	int n_processes;
};

static int judge_load(void *state, size_t *out_units, struct err *err)
{
	struct judge *x = state;

	if (judge_begin_apart(&x->judging, x->day, x->n_processes, x->of_day, err) < 0)
		return -1;
	judge_units_of(&x->judging.day.base, x->n_processes, x->of_day, &x->units);
	*out_units = x->units.n;
	return 0;
}

static int judge_open(void *state, struct err *err)
{
	struct judge *x = state;

	if (db_open(x->judging.session.org->db_path, DB_READ, &x->judging.session.db, err) < 0 ||
	    db_keep_few_pages(x->judging.session.db, err) < 0)
		return -1;
	return txn_begin(&x->snapshot, x->judging.session.db, err); /* ends with the process */
}

static int judge_unit(void *state, size_t unit, struct worker_out *out, struct err *err)
{
	struct judge *x = state;
	size_t end = x->units.firsts[unit + 1];

	for (size_t first = x->units.firsts[unit], n; first < end; first += n) {
		n = judge_chunk(first, end);
		if (judge_some(&x->judging, first, n, &out->bytes, err) < 0 || worker_send(out, err) < 0)
			return -1;
	}
	return 0;
}

/* The same day in several processes, which judge, while this one writes. All see the database as it was when this one
 * took it: nobody else can write until it is done. */
static int score_apart(struct scoring *s, struct workers *workers, struct score_writing *w, struct err *err)
{
	const char *packed;
	size_t len;
	int rc;

	if (workers_go(workers, err) < 0 || score_write_begin(w, err) < 0)
		return -1;
	while ((rc = workers_next(workers, &packed, &len, err)) > 0) {
		if (score_write(w, packed, len, err) < 0)
			return -1;
		show_progress(s, w);
	}
	return rc;
}

static int start_judges(struct scoring *s, int32_t day, struct arena *of_day, struct judging *j, struct workers **out,
                        struct err *err)
{
	struct judge judge = { .judging = *j, .of_day = of_day, .day = day, .n_processes = s->n_processes };
	const struct worker_job job = { &judge, judge_load, judge_open, judge_unit };

	session_close(s->session);
	judge.judging.session = *s->session;
	if (workers_start(s->n_processes, &job, of_day, out, err) < 0)
		return -1;
	return db_open(s->session->org->db_path, DB_WRITE, &s->session->db, err);
}

/* All of a day or nothing of it. */
static int score_day(struct scoring *s, int32_t day, struct err *err)
{
	CLEANUP(arena_freep) struct arena *of_day = arena_new(0), *of_chunk = NULL;
	CLEANUP(workers_donep) struct workers *workers = NULL;
	CLEANUP(txn_end) struct txn txn = { 0 };
	CLEANUP(score_write_done)
	struct score_writing w = { .day = day, .now = s->session->now, .config_hash = s->session->org->hash };
	struct judging j = { 0 };

	j.of_chunk = of_chunk = arena_new(0);
	s->started_ms = clock_monotonic_ms();
	if (s->n_processes > 1 && start_judges(s, day, of_day, &j, &workers, err) < 0)
		return -1;
	w.db = s->session->db;
	w.arena = of_chunk;
	if (txn_begin(&txn, w.db, err) < 0 ||
	    (workers ? score_apart(s, workers, &w, err) : score_here(s, &j, &w, of_day, err)) < 0 ||
	    score_write_end(&w, err) < 0 || txn_commit(&txn, err) < 0)
		return -1;
	s->tally = w.tally;
	return 0;
}

static void add_row(struct scoring *s, struct table *t, int32_t day)
{
	struct arena *a = s->cli->arena;
	const struct score_tally *n = &s->tally;
	const int64_t counts[] = { n->n_scored,   n->n_at_risk, n->n_watch, n->n_ready,
		                       n->n_emerging, n->n_opened,  n->n_closed };
	const char *cells[1 + ARRAY_LEN(counts)] = { day_text(a, day) };

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		cells[1 + i] = cell_int(a, counts[i]);
	table_row(t, cells);
}

/* --from and --to; without them the one day. */
static int read_days(const struct cli *c, const struct session *s, int32_t *out_from, int32_t *out_to, struct err *err)
{
	*out_from = *out_to = s->as_of;
	if (cli_option_day(c, "from", out_from, err) < 0 || cli_option_day(c, "to", out_to, err) < 0)
		return -1;
	if (*out_from > *out_to || *out_to > s->today)
		return err_set(err, ERR_USAGE, "expected days from --from up to --to, today at the latest");
	return 0;
}

/* Without this a company that connected only its CRM would look at an empty diagnosis and not know why. */
static int tell_left_out(const struct scoring *s, int32_t day, struct err *err)
{
	struct cli *c = s->cli;
	int64_t n;

	if (c->verbosity < 0 || s->tally.n_scored >= s->n_accounts)
		return 0;
	if (accounts_undecided(s->session->db, day, &n, err) < 0)
		return -1;
	if (n > 0)
		(void)fprintf(stderr, "%s\n", left_out_text(c->arena, n, s->session->org->name));
	return 0;
}

/* What keeps a month from being closed is told; the day's scores stay all the same. */
static int close_months(const struct scoring *s, int32_t day, struct err *err)
{
	struct cli *c = s->cli;

	if (nrr_close(s->session, day, err) == 0 && (day != s->session->today || nrr_forecast_store(s->session, err) == 0))
		return 0;
	if (err->kind != ERR_CONFIG && err->kind != ERR_INPUT)
		return -1;
	if (c->verbosity >= 0)
		(void)fprintf(stderr, "%s: %s\n", day_text(c->arena, day), text_clean(c->arena, err->text, sizeof err->text));
	return 0;
}

/* After all that writes, so that whoever reports on the day finds it. */
static int keep_revenue(const struct scoring *s, int32_t day, struct err *err)
{
	const struct session *session = s->session;

	return revenue_keep(session->db, &(struct revenue_query){ day, session->org->currency }, err);
}

static int score_and_close(struct scoring *s, int32_t day, struct err *err)
{
	int rc = outcomes_keep(s->session->db, day, err) < 0 ? -1 : score_day(s, day, err);

	clear_progress(s);
	if (rc < 0)
		return err_in(err, "score %s", day_text(s->cli->arena, day));
	return close_months(s, day, err) < 0 ? -1 : keep_revenue(s, day, err);
}

/* As configured; else one for each processor, where there is enough to do. */
static int count_processes(struct scoring *s, struct err *err)
{
	if (accounts_count(s->session->db, &s->n_accounts, err) < 0)
		return -1;
	s->n_processes = (int)s->session->config->score_processes;
	if (!s->n_processes)
		s->n_processes = s->n_accounts < FEW_ACCOUNTS ? 1 : workers_cores();
	return 0;
}

int cmd_score(struct cli *c, struct err *err)
{
	static const struct table_column columns[] = {
		{ "day", false },  { "accounts", true }, { "at_risk", true }, { "watch", true },
		{ "ready", true }, { "emerging", true }, { "opened", true },  { "closed", true },
	};
	CLEANUP(session_close) struct session session = { 0 };
	struct table *table = table_new(c->arena, columns, ARRAY_LEN(columns));
	struct scoring s = { .cli = c, .session = &session, .is_terminal = isatty(STDERR_FILENO) && c->verbosity >= 0 };
	int32_t from, to;

	if (session_open(c, DB_WRITE, &session, err) < 0 || read_days(c, &session, &from, &to, err) < 0 ||
	    count_processes(&s, err) < 0 || packs_refresh(session.db, session.zone, from, err) < 0)
		return -1;
	/* First, so that whoever looks again sees what was judged. */
	if (to == session.today && retention_apply(session.db, &session.org->retention, session.today, err) < 0)
		return -1;
	for (int32_t day = from; day <= to; day++) {
		if (score_and_close(&s, day, err) < 0)
			return -1;
		add_row(&s, table, day);
		if (from < to && isatty(STDERR_FILENO))
			(void)fprintf(stderr, "\rscored %s%s", day_text(c->arena, day), day < to ? "" : "\n");
	}
	if (c->verbosity >= 0)
		table_print(table, c->format);
	return tell_left_out(&s, to, err);
}

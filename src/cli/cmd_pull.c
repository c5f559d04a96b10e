#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/cli.h"
#include "commands.h"
#include "common/log.h"
#include "common/text.h"
#include "config/secret.h"
#include "connect/pull.h"
#include "store/identity.h"

enum { SHOW_EVERY_MS = 200, TELL_EVERY_MS = 2000, RATE_AFTER_MS = 1000 };

/* What the progress line needs, and what the table shows in the end. */
struct pulling {
	struct cli *cli;
	const struct source_settings *source;
	const char *org;
	struct table *table;
	int64_t started_ms, shown_ms;
	int64_t n_rows_before;  /* when it was started */
	double done_before, done_last;
	const char *stream;     /* the one whose rate is shown */
	bool is_terminal, has_line;
	size_t n_tried;         /* sources that have what was asked for */
	int exit_code;
};

/* -1: not known. */
static int64_t seconds_left(const struct pulling *p, const struct pull_result *r, int64_t took_ms)
{
	int64_t per_second = (r->n_rows - p->n_rows_before) * 1000 / took_ms;

	if (r->n_expected > r->n_rows && per_second > 0)
		return (r->n_expected - r->n_rows) / per_second;
	if (r->done > p->done_before)
		return (int64_t)((1 - r->done) / (r->done - p->done_before) * (double)took_ms / 1000);
	return -1;
}

/* ", 946 a second, 123 requests, 1:33 left". */
static void show_rate(const struct pulling *p, const struct pull_result *r, int64_t took_ms)
{
	int64_t left_s = seconds_left(p, r, took_ms);

	(void)fprintf(stderr, ", %" PRId64 " a second", (r->n_rows - p->n_rows_before) * 1000 / took_ms);
	if (r->n_requests)
		(void)fprintf(stderr, ", %" PRId64 " requests", r->n_requests);
	if (left_s >= 0)
		(void)fprintf(stderr, ", %" PRId64 ":%02d left", left_s / 60, (int)(left_s % 60));
}

static void show_line(struct pulling *p, const struct pull_result *r, int64_t took_ms)
{
	(void)fprintf(stderr, "\r\033[K%s %s: %" PRId64, p->source->name, r->stream, r->n_rows);
	if (r->n_expected > r->n_rows)
		(void)fprintf(stderr, " of %" PRId64, r->n_expected);
	(void)fputs(" rows", stderr);
	if (took_ms >= RATE_AFTER_MS)
		show_rate(p, r, took_ms);
	p->has_line = true;
	(void)fflush(stderr);
}

/* Who said -v reads the same elsewhere than on a terminal. */
static void tell_line(const struct pulling *p, const struct pull_result *r, int64_t took_ms)
{
	log_event(LOG_LEVEL_INFO, "pulling", LOG_TEXT("org", p->org), LOG_TEXT("source", p->source->name),
	          LOG_TEXT("stream", r->stream), LOG_INT("rows", r->n_rows),
	          LOG_INT("percent", (int64_t)(100 * r->done)), LOG_INT("seconds_left", seconds_left(p, r, took_ms)));
}

static void show_progress(void *context, const struct pull_result *r)
{
	struct pulling *p = context;
	int64_t now = clock_monotonic_ms();

	if (!p->is_terminal && p->cli->verbosity <= 0)
		return;
	if (p->stream != r->stream || r->done < p->done_last) { /* each file is told of by itself */
		p->stream = r->stream;
		p->started_ms = now;
		p->shown_ms = p->is_terminal ? p->shown_ms : now;
		p->n_rows_before = r->n_rows;
		p->done_before = r->done;
	}
	p->done_last = r->done;
	if (now - p->shown_ms < (p->is_terminal ? SHOW_EVERY_MS : TELL_EVERY_MS))
		return;
	p->shown_ms = now;
	if (p->is_terminal)
		show_line(p, r, now - p->started_ms);
	else
		tell_line(p, r, now - p->started_ms);
}

static void clear_progress(struct pulling *p)
{
	if (p->has_line)
		(void)fputs("\r\033[K", stderr);
	p->has_line = false;
}

static void show_row(void *context, const char *stream, const char *json)
{
	struct pulling *p = context;

	if (cli_option(p->cli, "clock"))
		return;
	clear_progress(p);
	(void)printf("%s\t%s\t%s\n", p->source->name, stream, json);
}

/* 78, a person must act, is worse than 75, try again. */
static void worsen(struct pulling *p, enum err_kind kind)
{
	int code = kind == ERR_CONFIG ? EX_CONFIG : EX_TEMPFAIL;

	if (code > p->exit_code)
		p->exit_code = code;
}

static void report(struct pulling *p, const char *stream, enum err_kind kind, const char *error)
{
	clear_progress(p);
	log_event(LOG_LEVEL_ERROR, "pull_failed", LOG_TEXT("org", p->org), LOG_TEXT("source", p->source->name),
	          LOG_TEXT("stream", stream), LOG_TEXT("error", error));
	worsen(p, kind);
}

static void add_row(struct pulling *p, const struct pull_result *r)
{
	struct arena *a = p->cli->arena;
	const int64_t counts[] = { r->n_pages, r->n_rows, r->n_new, r->n_changed, r->n_deleted, r->n_quarantined };
	const char *cells[10] = { p->source->name, r->stream, r->mode };

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		cells[3 + i] = cell_int(a, counts[i]);
	cells[9] = r->is_failed ? "failed" : "ok";
	table_row(p->table, cells);
}

static int pull_one(struct pulling *p, struct pull *pull, struct err *err)
{
	const struct pull_result *results = NULL;
	size_t n = 0;
	int rc = pull_source(pull, p->cli->arena, &results, &n, err);

	clear_progress(p);
	if (rc < 0 && err->kind == ERR_FATAL)
		return -1;
	if (rc == PULL_NO_STREAM)
		return 0;
	p->n_tried++;
	if (rc < 0) {
		report(p, "", err->kind, err->text);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		add_row(p, &results[i]);
		if (results[i].is_failed)
			report(p, results[i].stream, results[i].kind, results[i].error);
	}
	return 0;
}

static int read_options(const struct cli *c, int64_t *out, struct err *err)
{
	*out = cli_option(c, "clock") != NULL;
	if (cli_option(c, "limit") && !cli_option(c, "dry-run"))
		return err_set(err, ERR_USAGE, "--limit goes with --dry-run only: half a pull would look like a whole one");
	if (cli_option(c, "accept-gone") && !(cli_option(c, "source") && cli_option(c, "stream")))
		return err_set(err, ERR_USAGE, "--accept-gone is said of one list: name it with --source and --stream");
	return cli_option_int(c, "limit", INT64_MAX, out, err);
}

static const char *lock_path(struct arena *a, const struct org_settings *org, const char *source)
{
	return beside_database(a, org, arena_printf(a, "pull-%s.lock", source));
}

/* Only the time is asked for, or a person looks at rows. */
static bool stores_nothing(const struct cli *c)
{
	return cli_option(c, "clock") || cli_option(c, "dry-run");
}

static int pull_sources(struct cli *c, const struct session *s, struct pulling *p, int64_t limit, struct err *err)
{
	const struct source_settings *sources = s->org->sources.at;
	const char *only = cli_option(c, "source");
	bool is_dry_run = stores_nothing(c);
	size_t n = 0;

	for (size_t i = 0; i < s->org->sources.n; i++) {
		struct pull pull = {
			.db = s->db,
			.config_dir = c->config_dir,
			.lock_path = is_dry_run ? NULL : lock_path(c->arena, s->org, sources[i].name),
			.token_path = token_path(c->arena, s->org, sources[i].name),
			.limits_path = limits_path(c->arena, s->org, sources[i].name),
			.spool_folder = spool_folder(c->arena, s->org, sources[i].name),
			.source = &sources[i],
			.zone = s->zone,
			.currency = s->org->currency,
			.now = s->now,
			.today = s->today,
			.secret = secret_read,
			.is_full = cli_option(c, "full") != NULL,
			.is_dry_run = is_dry_run,
			.notes_clock = !cli_option(c, "dry-run"),
			.accepts_gone = cli_option(c, "accept-gone") != NULL,
			.only_stream = cli_option(c, "stream"),
			.limit_rows = limit,
			.show_row = show_row,
			.progress = show_progress,
			.context = p,
		};

		if (only && strcmp(only, sources[i].name) != 0)
			continue;
		n++;
		p->source = &sources[i];
		if (pull_one(p, &pull, err) < 0)
			return err_in(err, "%s", sources[i].name);
	}
	if (n == 0 && only)
		return err_set(err, ERR_USAGE, "organisation %s has no source `%s`", s->org->name, only);
	if (n && !p->n_tried)
		return err_set(err, ERR_USAGE, "%s %s has no stream `%s`", only ? "source" : "organisation",
		               only ? only : s->org->name, cli_option(c, "stream"));
	return n ? 0 : err_set(err, ERR_CONFIG, "organisation %s has no sources, expected some in its file", s->org->name);
}

/* What keys don't settle stays apart until a person has looked. */
static int tell_conflicts(const struct cli *c, const struct session *s, struct err *err)
{
	struct identity_conflict *list;
	size_t n, n_conflicts = 0;

	if (identity_conflicts(s->db, c->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		n_conflicts += strcmp(list[i].kind, "conflict") == 0;
	if (n_conflicts)
		log_event(LOG_LEVEL_WARNING, "identity_conflicts", LOG_TEXT("org", s->org->name),
		          LOG_INT("accounts", (int64_t)n_conflicts), LOG_TEXT("see", "retaind accounts --conflicts"));
	return 0;
}

int cmd_pull(struct cli *c, struct err *err)
{
	static const struct table_column columns[] = {
		{ "source", false }, { "stream", false },  { "mode", false },    { "pages", true },     { "rows", true },
		{ "new", true },     { "changed", true },  { "deleted", true },  { "set aside", true }, { "result", false },
	};
	CLEANUP(session_close) struct session s = { 0 };
	struct pulling p = { .cli = c, .is_terminal = isatty(STDERR_FILENO) && c->verbosity >= 0 };
	int64_t limit;

	if (read_options(c, &limit, err) < 0 || session_open(c, DB_WRITE, &s, err) < 0)
		return -1;
	p.org = s.org->name;
	p.table = table_new(c->arena, columns, ARRAY_LEN(columns));
	if ((!stores_nothing(c) && identity_rules_set(s.db, &s.org->identity, err) < 0) ||
	    pull_sources(c, &s, &p, limit, err) < 0 || tell_conflicts(c, &s, err) < 0)
		return -1;
	if (c->verbosity >= 0 || p.exit_code)
		table_print(p.table, c->format);
	return p.exit_code;
}

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "commands.h"
#include "common/log.h"
#include "config/secret.h"
#include "connect/write_back.h"
#include "score/score.h"
#include "store/findings.h"
#include "store/written.h"
#include "write_tasks.h"

struct writing {
	struct cli *cli;
	const struct session *session;
	const struct source_settings *source;
	struct table *table;
	bool is_dry_run;
	int exit_code;
};

/* What is said of an account ------------------------------------------------------------------------------------- */

static const char *score_text(struct arena *a, double score)
{
	return score < 0 ? "" : arena_printf(a, "%.0f", round(score));
}

static struct write_account told(const struct standing *s, int32_t day, struct arena *a)
{
	struct write_account out = { .source = s->source, .id = s->account, .key = s->key, .name = s->name };

	for (size_t i = 0; i < N_WRITE_FIELDS; i++)
		out.values[i] = "";
	if (!s->is_scored)
		return out;
	out.values[WRITE_RISK] = score_text(a, s->risk);
	out.values[WRITE_READINESS] = score_text(a, s->readiness);
	if (s->risk >= 0)
		out.values[WRITE_BAND] = score_band_name(ENGINE_DEFENSE, s->risk_band);
	if (s->readiness >= 0)
		out.values[WRITE_READINESS_BAND] = score_band_name(ENGINE_EXPANSION, s->readiness_band);
	if (s->cause)
		out.values[WRITE_CAUSE] = s->cause;
	out.values[WRITE_AS_OF] = day_text(a, day);
	return out;
}

static int read_accounts(const struct writing *x, const struct write_account **out, size_t *out_n, struct err *err)
{
	struct arena *a = x->cli->arena;
	struct write_account *accounts;
	struct standing *standings;
	int32_t day;
	size_t n;

	if (scores_last_day(x->session->db, &day, err) < 0 ||
	    standings_read(x->session->db, x->source->name, day, a, &standings, &n, err) < 0)
		return -1;
	accounts = arena_array(a, n + 1, sizeof *accounts);
	for (size_t i = 0; i < n; i++)
		accounts[i] = told(&standings[i], day, a);
	*out = accounts;
	*out_n = n;
	return 0;
}

/* What became of it ---------------------------------------------------------------------------------------------- */

static void worsen(struct writing *x, int code)
{
	if (code > x->exit_code)
		x->exit_code = code;
}

static void show_change(void *context, const struct write_change *change)
{
	struct writing *x = context;
	const char *const cells[] = { x->source->name, change->account->key, change->account->name, change->property,
		                          change->was, change->becomes };

	table_row(x->table, cells);
}

static void tell_refused(void *context, const struct write_account *account, const char *reason)
{
	struct writing *x = context;

	log_event(LOG_LEVEL_ERROR, "write_back_refused", LOG_TEXT("org", x->session->org->name),
	          LOG_TEXT("source", x->source->name), LOG_TEXT("account", account->key), LOG_TEXT("error", reason));
	worsen(x, EX_DATAERR);
}

static void add_row(const struct writing *x, const struct write_counts *counts, bool is_failed)
{
	const int64_t numbers[] = { counts->n_written, counts->n_same, counts->n_refused, counts->n_tasks,
		                        counts->n_requests };
	const char *cells[7] = { x->source->name };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		cells[1 + i] = arena_printf(x->cli->arena, "%" PRId64, numbers[i]);
	cells[6] = is_failed ? "failed" : counts->n_refused ? "some refused" : "ok";
	table_row(x->table, cells);
}

/* Sources ---------------------------------------------------------------------------------------------------------- */

static bool has_names(const struct source_settings *s)
{
	for (size_t i = 0; i < N_WRITE_FIELDS; i++)
		if (s->write_back.account.at[i])
			return true;
	return false;
}

static bool has_something(const struct source_settings *s)
{
	return has_names(s) || s->write_back.tasks.is_wanted;
}

bool org_writes_back(const struct org_settings *org)
{
	const struct source_settings *sources = org->sources.at;

	for (size_t i = 0; i < org->sources.n; i++)
		if (sources[i].write_back.is_enabled && has_something(&sources[i]))
			return true;
	return false;
}

/* Beside the database. */
static const char *lock_path(const struct writing *x)
{
	const char *path = x->session->org->db_path, *slash = strrchr(path, '/');

	return arena_printf(x->cli->arena, "%.*s/write-%s.lock", (int)(slash - path), path, x->source->name);
}

static int write_source(struct writing *x, struct err *err)
{
	struct write_back w = {
		.db = x->session->db,
		.config_dir = x->cli->config_dir,
		.lock_path = x->is_dry_run ? NULL : lock_path(x),
		.token_path = token_path(x->cli->arena, x->session->org, x->source->name),
		.limits_path = limits_path(x->cli->arena, x->session->org, x->source->name),
		.source = x->source,
		.now = x->session->now,
		.secret = secret_read,
		.is_full = cli_option(x->cli, "full") != NULL,
		.is_dry_run = x->is_dry_run,
		.show = show_change,
		.refused = tell_refused,
		.context = x,
	};
	struct write_counts counts = { 0 };
	int rc;

	if ((has_names(x->source) && read_accounts(x, &w.accounts, &w.n_accounts, err) < 0) ||
	    write_tasks_read(x->session, x->source, x->cli->arena, &w.tasks, &w.n_tasks, err) < 0)
		return -1;
	rc = write_back_source(&w, x->cli->arena, &counts, err);
	if (rc < 0 && err->kind == ERR_FATAL)
		return -1;
	if (rc < 0) {
		log_event(LOG_LEVEL_ERROR, "write_back_failed", LOG_TEXT("org", x->session->org->name),
		          LOG_TEXT("source", x->source->name), LOG_TEXT("error", err->text));
		worsen(x, err_exit_code(err->kind));
	}
	if (!x->is_dry_run)
		add_row(x, &counts, rc < 0);
	return 0;
}

static int write_sources(struct writing *x, struct err *err)
{
	const struct source_settings *sources = x->session->org->sources.at;
	const char *only = cli_option(x->cli, "source"), *off = NULL;
	size_t n = 0;

	for (size_t i = 0; i < x->session->org->sources.n; i++) {
		x->source = &sources[i];
		if (!has_something(x->source) || (only && strcmp(only, x->source->name) != 0))
			continue;
		if (!x->is_dry_run && !x->source->write_back.is_enabled) {
			off = x->source->name;
			continue;
		}
		n++;
		if (write_source(x, err) < 0)
			return err_in(err, "%s", x->source->name);
	}
	if (n)
		return 0;
	if (off)
		return err_set(err, ERR_CONFIG, "nothing is written into %s: look at `retaind write-back --dry-run`, then set "
		               "`is_enabled: true` under its `write_back:` in orgs/%s.yaml", off, x->session->org->name);
	return err_set(err, ERR_CONFIG, "nothing is written: no source%s%s of orgs/%s.yaml says `write_back:`",
	               only ? " " : "", only ? only : "", x->session->org->name);
}

int cmd_write_back(struct cli *c, struct err *err)
{
	static const struct table_column changes[] = {
		{ "source", false },   { "account", false }, { "name", false },
		{ "property", false }, { "was", false },     { "becomes", false },
	};
	static const struct table_column results[] = {
		{ "source", false }, { "written", true },  { "unchanged", true }, { "refused", true },
		{ "tasks", true },   { "requests", true }, { "result", false },
	};
	CLEANUP(session_close) struct session s = { 0 };
	struct writing x = { .cli = c, .session = &s, .is_dry_run = cli_option(c, "dry-run") != NULL };

	if (c->as_of != DAY_NONE)
		return err_set(err, ERR_USAGE, "--as-of: a CRM is told how accounts stand now");
	if (session_open(c, x.is_dry_run ? DB_READ : DB_WRITE, &s, err) < 0)
		return -1;
	x.table = x.is_dry_run ? table_new(c->arena, changes, ARRAY_LEN(changes))
	                       : table_new(c->arena, results, ARRAY_LEN(results));
	if (write_sources(&x, err) < 0)
		return -1;
	if (x.is_dry_run || c->verbosity >= 0 || x.exit_code)
		table_print(x.table, c->format);
	return x.exit_code;
}

#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "connect/pull.h"
#include "score/lexicon.h"
#include "score/score.h"
#include "store/migrate.h"

const struct config_checks cli_checks = { .check_source = pull_check, .knows_signal = score_knows_signal,
	                                      .index_lexicons = lexicon_index_new };

static void print_mistakes(const struct mistakes *m)
{
	for (size_t i = 0; i < m->n_kept; i++)
		(void)fprintf(stderr, "%s\n", m->lines[i]);
	if (m->n > m->n_kept)
		(void)fprintf(stderr, "... and %zu more\n", m->n - m->n_kept);
}

static int has_mistakes(const struct cli *c, struct err *err)
{
	return err_set(err, ERR_CONFIG, "the configuration in %s has mistakes (above)", c->config_dir);
}

const struct config *cli_config(struct cli *c)
{
	struct mistakes m = { .arena = c->arena };
	struct config_checks checks = cli_checks;
	const struct config *config;

	checks.is_brief = c->command->is_brief;
	if (checks.is_brief)
		checks.check_source = NULL;
	config = config_load(c->arena, c->config_dir, &checks, &m);
	if (!config)
		print_mistakes(&m);
	return config;
}

static const struct org_settings *org_at(const struct config *config, size_t i)
{
	return (const struct org_settings *)config->orgs.at + i;
}

int cli_org(const struct cli *c, const struct config *config, const struct org_settings **out, struct err *err)
{
	const char *names = "";

	*out = config_org(config, c->org_name);
	if (*out)
		return 0;
	for (size_t i = 0; i < config->orgs.n; i++)
		names = arena_printf(c->arena, "%s%s%s", names, i ? ", " : "", org_at(config, i)->name);
	if (c->org_name)
		return err_set(err, ERR_USAGE, "no organisation `%s`, expected one of %s", c->org_name, names);
	return err_set(err, ERR_USAGE, "several organisations, choose one with --org: %s", names);
}

int cli_orgs(const struct cli *c, const struct config *config, struct yaml_array *out, struct err *err)
{
	const struct org_settings *one;

	*out = config->orgs;
	if (!c->org_name)
		return 0;
	if (cli_org(c, config, &one, err) < 0)
		return -1;
	out->at = (struct org_settings *)config->orgs.at + (one - org_at(config, 0));
	out->n = 1;
	return 0;
}

int cli_owner(const struct org_settings *org, const char *email, const struct owner_settings **out, struct err *err)
{
	*out = org_owner(org, email);
	return *out ? 0 : err_set(err, ERR_USAGE, "organisation %s has no owner `%s`", org->name, email);
}

const char *beside_database(struct arena *a, const struct org_settings *org, const char *name)
{
	return arena_printf(a, "%.*s%s", (int)(strrchr(org->db_path, '/') + 1 - org->db_path), org->db_path, name);
}

/* A database of this binary's schema: a writer brings it there, a reader refuses an older one. */
static int open_database(const char *path, enum db_mode mode, int64_t now, struct db **out, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct stat st;
	int rc;

	if (mode == DB_READ && stat(path, &st) < 0)
		return err_set(err, ERR_CONFIG, "%s is not there yet, run `retaind migrate` or `retaind pull` first", path);
	if (db_open(path, mode, &db, err) < 0)
		return -1;
	rc = mode == DB_WRITE ? migrate_run(db, now, err) : migrate_is_current(db, err);
	if (rc < 0)
		return err_in(err, "%s", path);
	if (mode == DB_READ && rc == 0)
		return err_set(err, ERR_CONFIG, "%s is of an older version, run `retaind migrate`", path);
	*out = db;
	db = NULL;
	return 0;
}

int session_open(struct cli *c, enum db_mode mode, struct session *out, struct err *err)
{
	struct session s = { .now = c->now };
	int second;

	s.config = cli_config(c);
	if (!s.config)
		return has_mistakes(c, err);
	if (cli_org(c, s.config, &s.org, err) < 0 || zone_open(c->arena, s.org->zone, &s.zone, err) < 0)
		return -1;
	s.today = zone_day(s.zone, s.now, &second);
	s.as_of = c->as_of == DAY_NONE ? s.today : c->as_of;
	if (s.as_of > s.today)
		return err_set(err, ERR_USAGE, "--as-of %s is after today, %s", day_text(c->arena, s.as_of),
		               day_text(c->arena, s.today));
	if (open_database(s.org->db_path, mode, s.now, &s.db, err) < 0)
		return -1;
	*out = s;
	return 0;
}

int session_lexicons(const struct cli *c, const struct session *s, struct err *err)
{
	struct org_settings *org = (struct org_settings *)s->config->orgs.at + (s->org - org_at(s->config, 0));
	struct mistakes m = { .arena = c->arena };

	if (config_lexicons(c->arena, s->config, &cli_checks, org, &m))
		return 0;
	print_mistakes(&m);
	return has_mistakes(c, err);
}

const char *spool_folder(struct arena *a, const struct org_settings *org, const char *source)
{
	return beside_database(a, org, arena_printf(a, "push/%s", source));
}

const char *token_path(struct arena *a, const struct org_settings *org, const char *source)
{
	const char *slash = strrchr(org->db_path, '/');

	return arena_printf(a, "%.*s/tokens/%s.json", (int)(slash - org->db_path), org->db_path, source);
}

const char *limits_path(struct arena *a, const struct org_settings *org, const char *source)
{
	return beside_database(a, org, arena_printf(a, "limits-%s", source));
}

void session_close(struct session *s)
{
	db_close(s->db);
	s->db = NULL;
}

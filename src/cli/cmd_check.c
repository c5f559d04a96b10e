/* `retaind check`: everything that can be wrong before the first morning. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "answering.h"
#include "check.h"
#include "commands.h"
#include "config/secret.h"
#include "diagnose.h"
#include "run_web.h"
#include "store/account.h"
#include "store/migrate.h"
#include "store/outcomes.h"
#include "store/packs.h"
#include "store/score_check.h"
#include "store/usage_check.h"

enum { MIB = 1 << 20, DISK_FAILED_MIB = 50, DISK_WARNING_MIB = 500 };

void check_note(struct checking *c, const char *check, const char *what, enum check_result result,
                const char *format, ...)
{
	static const char *const results[] = { [CHECK_OK] = "ok", [CHECK_WARNING] = "warning", [CHECK_FAILED] = "failed" };
	const char *cells[] = { check, what, results[result], NULL };
	char detail[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(detail, sizeof detail, format, args);
	va_end(args);
	cells[3] = detail;
	if (result != CHECK_OK || c->cli->verbosity >= 0) {
		table_row(c->table, cells);
		c->n_told++;
	}
	if (result == CHECK_FAILED && c->exit_code == EX_OK)
		c->exit_code = EX_CONFIG;
}

void check_outcome(struct checking *c, const char *check, const char *what, int rc, const struct err *err)
{
	if (rc < 0 && c->exit_code == EX_OK)
		c->exit_code = err_exit_code(err->kind);
	check_note(c, check, what, rc < 0 ? CHECK_FAILED : CHECK_OK, "%s", rc < 0 ? err->text : "");
}

static const char *place(const struct checking *c, const struct org_settings *org, const char *thing, const char *part)
{
	return arena_printf(c->cli->arena, "%s: %s: %s", org->name, thing, part);
}

static void check_secret(struct checking *c, const char *what, const char *reference)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0); /* wiped as soon as we know */
	const char *value;
	struct err err;

	if (!secret_is_reference(reference))
		return;
	check_outcome(c, "secret", what, secret_read(a, reference, &value, &err), &err);
}

static void check_source_secret(struct checking *c, const char *what, const struct source_settings *source,
                                const char *reference)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0); /* wiped as soon as we know */
	const char *value;
	struct err err;

	check_outcome(c, "secret", what, run_web_secret(a, source, reference, &value, &err), &err);
}

static void check_source_secrets(struct checking *c, const struct org_settings *org)
{
	const struct source_settings *sources = org->sources.at;

	for (size_t i = 0; i < org->sources.n; i++) {
		const struct named_secret *secrets = sources[i].secrets.at;

		for (size_t k = 0; k < sources[i].secrets.n; k++)
			check_source_secret(c, place(c, org, sources[i].name, secrets[k].name), &sources[i], secrets[k].reference);
	}
}

static void check_answer_secrets(struct checking *c, const struct org_settings *org)
{
	const char *const keys[] = { "secret", "old_secret" };
	const char *const references[] = { org->answers.secret, org->answers.old_secret };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		CLEANUP(arena_freep) struct arena *a = arena_new(0); /* wiped as soon as we know */
		const char *value;
		struct err err;

		if (references[i])
			check_outcome(c, "secret", place(c, org, "answers", keys[i]),
			              answering_secret(a, references[i], &value, &err), &err);
	}
}

static void check_channel_secrets(struct checking *c, const struct org_settings *org)
{
	const struct channel_settings *all = org->channels.at;

	for (size_t i = 0; i < org->channels.n; i++) {
		check_secret(c, place(c, org, all[i].name, "url"), all[i].url);
		check_secret(c, place(c, org, all[i].name, "secret"), all[i].secret);
		check_secret(c, place(c, org, all[i].name, "old_secret"), all[i].old_secret);
		check_secret(c, place(c, org, all[i].name, "password"), all[i].password);
	}
}

static void check_folder(struct checking *c, const char *what, const char *folder, int mode)
{
	if (folder && access(folder, mode) < 0)
		check_note(c, "folder", what, CHECK_FAILED, "%s: %s", folder, strerror(errno));
	else if (folder)
		check_note(c, "folder", what, CHECK_OK, "%s", folder);
}

static void check_folders(struct checking *c, const struct org_settings *org)
{
	const struct source_settings *sources = org->sources.at;
	const struct channel_settings *channels = org->channels.at;

	for (size_t i = 0; i < org->sources.n; i++) {
		check_folder(c, place(c, org, sources[i].name, "folder"), sources[i].folder, R_OK | X_OK);
		check_folder(c, place(c, org, sources[i].name, "ca_file"), sources[i].ca_file, R_OK);
	}
	for (size_t i = 0; i < org->channels.n; i++)
		check_folder(c, place(c, org, channels[i].name, "ca_file"), channels[i].ca_file, R_OK);
}

/* Whether something says who the customers are. */
static void check_customers(struct checking *c, const struct org_settings *org, struct db *db)
{
	struct err err;
	int64_t n;

	if (accounts_undecided(db, DAY_NONE, &n, &err) < 0)
		check_outcome(c, "customers", org->name, -1, &err);
	else if (n > 0)
		check_note(c, "customers", org->name, CHECK_WARNING, "%s", left_out_text(c->cli->arena, n, org->name));
}

/* Every block of usage against its checksum. */
static void check_usage(struct checking *c, const struct org_settings *org, struct db *db)
{
	struct usage_checked found;
	struct err err;

	if (usage_check(db, c->cli->arena, &found, &err) < 0) {
		check_outcome(c, "usage", org->name, -1, &err);
		return;
	}
	for (size_t i = 0; i < found.n_named; i++)
		check_note(c, "usage", org->name, CHECK_FAILED, "%s: what is stored is damaged", found.damaged[i]);
	if (found.n_damaged > (int64_t)found.n_named)
		check_note(c, "usage", org->name, CHECK_FAILED, "%lld blocks are damaged, of which %zu are named",
		           (long long)found.n_damaged, found.n_named);
	if (!found.n_damaged)
		check_note(c, "usage", org->name, CHECK_OK, "%lld blocks are whole", (long long)found.n_blocks);
}

/* Every block of scores against its checksum. */
static void check_scores(struct checking *c, const struct org_settings *org, struct db *db)
{
	struct scores_checked found;
	struct err err;

	if (scores_check(db, c->cli->arena, &found, &err) < 0) {
		check_outcome(c, "scores", org->name, -1, &err);
		return;
	}
	for (size_t i = 0; i < found.n_named; i++)
		check_note(c, "scores", org->name, CHECK_FAILED, "%s: what is stored is damaged", found.damaged[i]);
	if (found.n_damaged > (int64_t)found.n_named)
		check_note(c, "scores", org->name, CHECK_FAILED, "%lld blocks are damaged, of which %zu are named",
		           (long long)found.n_damaged, found.n_named);
	if (!found.n_damaged)
		check_note(c, "scores", org->name, CHECK_OK, "%lld blocks are whole", (long long)found.n_blocks);
}

/* What is kept of accounts to be quick, against its checksums. What is damaged is not read, the rows are. */
static void check_kept(struct checking *c, const struct org_settings *org, struct db *db)
{
	static const struct {
		const char *what, *things;
		int (*check)(struct db *db, int64_t *out_n, int64_t *out_damaged, struct err *err) MUST_USE;
	} kept[] = {
		{ "packs", "packed accounts", packs_check },
		{ "outcomes", "blocks of kept outcomes", outcomes_check },
	};

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		int64_t n, damaged;
		struct err err;

		if (kept[i].check(db, &n, &damaged, &err) < 0)
			check_outcome(c, kept[i].what, org->name, -1, &err);
		else if (damaged)
			check_note(c, kept[i].what, org->name, CHECK_WARNING,
			           "%lld of %lld %s are damaged: their rows are read instead, the disk may be failing",
			           (long long)damaged, (long long)n, kept[i].things);
	}
}

static void check_database(struct checking *c, const struct org_settings *org)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct stat st;
	struct err err;
	int rc;

	if (stat(org->db_path, &st) < 0 && errno == ENOENT) {
		check_note(c, "database", org->name, CHECK_OK, "%s is not there yet, the first pull makes it", org->db_path);
		return;
	}
	rc = db_open(org->db_path, DB_READ, &db, &err);
	if (rc == 0)
		rc = migrate_is_current(db, &err);
	if (rc == 0)
		check_note(c, "database", org->name, CHECK_WARNING, "%s is of an older version, the next start migrates it",
		           org->db_path);
	else
		check_outcome(c, "database", org->name, rc, &err);
	if (rc > 0) {
		check_customers(c, org, db);
		check_usage(c, org, db);
		check_scores(c, org, db);
		check_kept(c, org, db);
	}
}

static void check_zone(struct checking *c, const struct org_settings *org)
{
	const struct zone *zone;
	int second, offset_min;
	struct err err;
	int32_t day;

	if (zone_open(c->cli->arena, org->zone, &zone, &err) < 0) {
		check_outcome(c, "time zone", org->name, -1, &err);
		return;
	}
	day = zone_day(zone, c->cli->now, &second);
	offset_min = zone_offset(zone, c->cli->now) / 60;
	check_note(c, "time zone", org->name, CHECK_OK, "%s: it is %s %02d:%02d there (UTC%+d min)", org->zone,
	           day_text(c->cli->arena, day), second / 3600, second / 60 % 60, offset_min);
}

const char *check_nearest(struct arena *a, const char *path)
{
	char *there = arena_strdup(a, path);

	while (there[1] && access(there, F_OK) < 0) /* the configuration takes absolute paths only */
		there[strrchr(there, '/') == there ? 1 : strrchr(there, '/') - there] = '\0';
	return there;
}

static void check_disk(struct checking *c)
{
	const char *path = check_nearest(c->cli->arena, c->config->state_dir);
	struct statvfs fs;
	int64_t free_mib;

	if (statvfs(path, &fs) < 0) {
		check_note(c, "disk", c->config->state_dir, CHECK_FAILED, "%s", strerror(errno));
		return;
	}
	free_mib = (int64_t)(fs.f_bavail * fs.f_frsize / MIB);
	check_note(c, "disk", c->config->state_dir,
	           free_mib < DISK_FAILED_MIB ? CHECK_FAILED : free_mib < DISK_WARNING_MIB ? CHECK_WARNING : CHECK_OK,
	           "%lld MiB free", (long long)free_mib);
	if (access(path, W_OK) < 0)
		check_note(c, "disk", c->config->state_dir, CHECK_WARNING, "%s: %s (for this user)", path, strerror(errno));
}

static void check_channels_online(struct checking *c, const struct org_settings *org)
{
	const struct channel_settings *all = org->channels.at;

	for (size_t i = 0; i < org->channels.n; i++)
		check_channel_online(c, org, &all[i]);
}

static void check_sources_online(struct checking *c, const struct org_settings *org)
{
	const struct source_settings *all = org->sources.at;

	for (size_t i = 0; i < org->sources.n; i++)
		check_source_online(c, org, &all[i]);
}

static const struct {
	bool is_online;
	void (*check)(struct checking *c, const struct org_settings *org);
} checks[] = {
	{ false, check_zone },    { false, check_days_of_owners },  { false, check_database },
	{ false, check_source_secrets },
	{ false, check_folders }, { false, check_channel_secrets }, { false, check_answer_secrets },
	{ true, check_sources_online }, { true, check_channels_online },
};

static void check_orgs(struct checking *c, bool is_online)
{
	const struct org_settings *orgs = c->orgs.at;

	for (size_t i = 0; i < c->orgs.n; i++) {
		check_note(c, "configuration", orgs[i].name, CHECK_OK, "%zu sources, %zu owners, %zu channels, version %.12s",
		           orgs[i].sources.n, orgs[i].owners.n, orgs[i].channels.n, orgs[i].hash);
		for (size_t k = 0; k < ARRAY_LEN(checks); k++)
			if (is_online || !checks[k].is_online)
				checks[k].check(c, &orgs[i]);
	}
}

static int drop_damaged(struct cli *c, const struct org_settings *org, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	int64_t n, n_scores;

	if (db_open(org->db_path, DB_WRITE, &db, err) < 0 || migrate_run(db, c->now, err) < 0)
		return err_in(err, "%s", org->name);
	n = usage_drop_damaged(db, err);
	n_scores = n < 0 ? -1 : scores_drop_damaged(db, err);
	if (n_scores < 0)
		return err_in(err, "%s", org->name);
	if (n > 0 || c->verbosity >= 0)
		(void)printf("%s: %lld damaged blocks of usage are removed%s\n", org->name, (long long)n,
		             n ? "; retaind pull --full brings back what the sources still have" : "");
	if (n_scores > 0 || c->verbosity >= 0)
		(void)printf("%s: %lld damaged blocks of scores are removed\n", org->name, (long long)n_scores);
	return 0;
}

static int drop_all_damaged(struct cli *c, const struct yaml_array *orgs, struct err *err)
{
	for (size_t i = 0; i < orgs->n; i++)
		if (drop_damaged(c, (const struct org_settings *)orgs->at + i, err) < 0)
			return -1;
	return EX_OK;
}

int cmd_check(struct cli *c, struct err *err)
{
	static const struct table_column columns[] = { { "check", false }, { "what", false }, { "result", false },
		                                           { "detail", false } };
	struct checking checking = { .cli = c };

	if (cli_option(c, "connector"))
		return check_connector(c, cli_option(c, "connector"));
	checking.config = cli_config(c);
	if (!checking.config)
		return EX_CONFIG;
	if (cli_orgs(c, checking.config, &checking.orgs, err) < 0)
		return -1;
	if (cli_option(c, "drop-damaged"))
		return drop_all_damaged(c, &checking.orgs, err);
	checking.table = table_new(c->arena, columns, ARRAY_LEN(columns));
	check_disk(&checking);
	check_orgs(&checking, cli_option(c, "online") != NULL);
	if (checking.n_told || c->format != FORMAT_TABLE)
		table_print(checking.table, c->format);
	return checking.exit_code;
}

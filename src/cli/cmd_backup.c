#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "commands.h"

/* "STATE/orgs/NAME/backups/2026-03-01.db": one a day, the day's last one stays. */
static int default_path(const struct cli *c, const struct org_settings *org, const char **out, struct err *err)
{
	const char *slash = strrchr(org->db_path, '/');
	const struct zone *zone;
	int second;

	if (zone_open(c->arena, org->zone, &zone, err) < 0)
		return -1;
	*out = arena_printf(c->arena, "%.*s/backups/%s.db", slash ? (int)(slash - org->db_path) : 1,
	                    slash ? org->db_path : ".", day_text(c->arena, zone_day(zone, c->now, &second)));
	return 0;
}

/* Opened as it is, of whatever version: a backup is what one makes before anything else. */
static int back_up(struct cli *c, const struct org_settings *org, const char *to, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;

	if ((!to && default_path(c, org, &to, err) < 0) || db_open(org->db_path, DB_READ, &db, err) < 0 ||
	    db_backup(db, to, err) < 0)
		return err_in(err, "%s", org->name);
	if (c->verbosity >= 0)
		(void)printf("%s\n", to);
	return 0;
}

int cmd_backup(struct cli *c, struct err *err)
{
	const struct config *config = cli_config(c);
	const char *to = cli_option(c, "to");
	const struct org_settings *orgs;
	size_t n = 0;

	if (!config)
		return EX_CONFIG;
	if (to && !c->org_name && config->orgs.n > 1)
		return err_set(err, ERR_INPUT, "--to %s is one file, and there are %zu organisations: choose one with --org",
		               to, config->orgs.n);
	orgs = config->orgs.at;
	for (size_t i = 0; i < config->orgs.n; i++) {
		if (c->org_name && strcmp(c->org_name, orgs[i].name) != 0)
			continue;
		if (back_up(c, &orgs[i], to, err) < 0)
			return -1;
		n++;
	}
	if (n == 0)
		return err_set(err, ERR_CONFIG, "no organisation `%s`", c->org_name ? c->org_name : "");
	return EX_OK;
}

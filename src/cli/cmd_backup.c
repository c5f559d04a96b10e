#include <stdio.h>
#include <sysexits.h>

#include "commands.h"

/* "STATE/orgs/NAME/backups/2026-03-01.db": one a day, the day's last one stays. */
static int default_path(const struct cli *c, const struct org_settings *org, const char **out, struct err *err)
{
	const struct zone *zone;
	const char *day;
	int second;

	if (zone_open(c->arena, org->zone, &zone, err) < 0)
		return -1;
	day = day_text(c->arena, zone_day(zone, c->now, &second));
	*out = beside_database(c->arena, org, arena_printf(c->arena, "backups/%s.db", day));
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
	struct yaml_array orgs;

	if (!config)
		return EX_CONFIG;
	if (cli_orgs(c, config, &orgs, err) < 0)
		return -1;
	if (to && orgs.n > 1)
		return err_set(err, ERR_USAGE, "--to is one file, and there are %zu organisations: choose one with --org",
		               orgs.n);
	for (size_t i = 0; i < orgs.n; i++)
		if (back_up(c, (const struct org_settings *)orgs.at + i, to, err) < 0)
			return -1;
	return EX_OK;
}

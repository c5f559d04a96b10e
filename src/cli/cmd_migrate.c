#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "commands.h"
#include "store/migrate.h"

static int migrate_one(struct cli *c, const struct org_settings *org, struct table *t, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	const char *cells[4] = { org->name };
	int before, n;

	if (db_open(org->db_path, DB_WRITE, &db, err) < 0 || migrate_version(db, &before, err) < 0)
		return -1;
	n = migrate_run(db, c->now, err);
	if (n < 0)
		return -1;
	cells[1] = arena_printf(c->arena, "%d", before);
	cells[2] = arena_printf(c->arena, "%d", migrate_head());
	cells[3] = org->db_path;
	table_row(t, cells);
	return 0;
}

int cmd_migrate(struct cli *c, struct err *err)
{
	static const struct table_column columns[] = {
		{ "org", false }, { "from", true }, { "to", true }, { "database", false }
	};
	const struct config *config = cli_config(c);
	const struct org_settings *orgs;
	struct table *t;
	size_t n = 0;

	if (!config)
		return EX_CONFIG;
	t = table_new(c->arena, columns, ARRAY_LEN(columns));
	orgs = config->orgs.at;
	for (size_t i = 0; i < config->orgs.n; i++) {
		if (c->org_name && strcmp(c->org_name, orgs[i].name) != 0)
			continue;
		if (migrate_one(c, &orgs[i], t, err) < 0)
			return -1;
		n++;
	}
	if (n == 0)
		return err_set(err, ERR_CONFIG, "no organisation `%s`", c->org_name ? c->org_name : "");
	if (c->verbosity >= 0)
		table_print(t, c->format);
	return EX_OK;
}

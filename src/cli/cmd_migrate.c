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
	cells[1] = cell_int(c->arena, before);
	cells[2] = cell_int(c->arena, migrate_head());
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
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));
	struct yaml_array orgs;

	if (!config)
		return EX_CONFIG;
	if (cli_orgs(c, config, &orgs, err) < 0)
		return -1;
	for (size_t i = 0; i < orgs.n; i++)
		if (migrate_one(c, (const struct org_settings *)orgs.at + i, t, err) < 0)
			return -1;
	if (c->verbosity >= 0)
		table_print(t, c->format);
	return EX_OK;
}

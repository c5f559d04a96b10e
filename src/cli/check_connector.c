/* `retaind check --connector F`: what a connector's file makes the engine do,
 * in words. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "check.h"
#include "connect/explain.h"

struct explaining {
	struct arena *arena;
	struct table *table;
};

static void add_row(void *context, const char *stream, const char *about, const char *words)
{
	struct explaining *x = context;
	const char *cells[] = { stream ? stream : "", about, words };

	table_row(x->table, cells);
}

int check_connector(struct cli *c, const char *connector)
{
	static const struct table_column columns[] = { { "stream", false }, { "about", false }, { "in words", false } };
	struct explaining x = { c->arena, table_new(c->arena, columns, ARRAY_LEN(columns)) };
	struct mistakes m = { .arena = c->arena };

	connector_explain(c->arena, c->config_dir, connector, add_row, &x, &m);
	for (size_t i = 0; i < m.n_kept; i++)
		(void)fprintf(stderr, "%s\n", m.lines[i]);
	if (m.n)
		return EX_CONFIG;
	table_print(x.table, c->format);
	return EX_OK;
}

#include <stdio.h>

#include "commands.h"
#include "diagnose.h"

enum { MAX_OUTPUT = 1 << 20 };

/* Reads only: recomputes what score would say, so that it can be checked against what was said. */
int cmd_explain(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session session = { 0 };
	CLEANUP(buf_done) struct buf text;
	struct diagnosing day;
	struct diagnosis diagnosis;
	size_t index;

	buf_init(&text, MAX_OUTPUT);
	if (c->format == FORMAT_CSV)
		return err_set(err, ERR_USAGE, "--format csv: a diagnosis is no table, expected table or json");
	if (session_open(c, DB_READ, &session, err) < 0 || diagnose_day(&session, session.as_of, c->arena, &day, err) < 0 ||
	    facts_find(session.db, &day.base, c->args[0], &index, err) < 0 ||
	    diagnose_accounts(&day, index, 1, c->arena, &diagnosis, err) < 0)
		return -1;
	if (c->format == FORMAT_JSON)
		explain_json(&diagnosis, c->arena, &text);
	else
		explain_text(&diagnosis, c->arena, &text);
	if (text.is_full)
		return err_set(err, ERR_INPUT, "the diagnosis of %s takes more than %d bytes", c->args[0], MAX_OUTPUT);
	(void)fputs(text.at, stdout);
	if (c->format == FORMAT_JSON)
		(void)fputc('\n', stdout);
	return 0;
}

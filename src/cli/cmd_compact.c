#include <stdio.h>
#include <sysexits.h>

#include "commands.h"
#include "store/retention.h"

enum { MIB = 1 << 20 };

int cmd_compact(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session session = { 0 };
	struct compacted done;

	if (c->as_of != DAY_NONE)
		return err_set(err, ERR_USAGE, "--as-of: what is kept is reckoned from today");
	if (session_open(c, DB_WRITE, &session, err) < 0 ||
	    retention_apply_all(session.db, &session.org->retention, session.today, err) < 0 ||
	    database_compact(session.db, &done, err) < 0)
		return -1;
	if (c->verbosity >= 0)
		(void)printf("%s: %.1f MiB before, %.1f MiB now\n", session.org->name, (double)done.bytes_before / MIB,
		             (double)done.bytes_after / MIB);
	return EX_OK;
}

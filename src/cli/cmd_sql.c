#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands.h"
#include "store/db_query.h"

enum { MAX_ROWS = 1000000, DEFAULT_ROWS = 10000, MAX_SECONDS = 3600, DEFAULT_SECONDS = 60, MS = 1000 };

static void print_result(struct cli *c, const struct query_result *r)
{
	struct table_column *columns = arena_array(c->arena, (size_t)r->n_columns, sizeof *columns);
	struct table *table;

	for (int i = 0; i < r->n_columns; i++)
		columns[i] = (struct table_column){ r->names[i], r->is_number[i] };
	table = table_new(c->arena, columns, r->n_columns);
	for (size_t i = 0; i < r->n_rows; i++)
		table_row(table, r->rows[i]);
	table_print(table, c->format);
	if (r->is_cut && c->verbosity >= 0)
		(void)fprintf(stderr, "there are more rows than these %zu; --rows=N asks for more\n", r->n_rows);
}

static char late_words[80]; /* of the handler, which may not put them together */

static void give_up(int signal)
{
	(void)signal;
	if (write(STDERR_FILENO, late_words, strlen(late_words)) < 0)
		_exit(EX_OSERR);
	_exit(EX_USAGE);
}

/* SQLite looks at the clock between its steps, and one function of a pattern and a long text is one step that can take
 * for ever: then nothing but the end of the process ends it. It only reads, so nothing is left half done. */
static void watch(int64_t seconds)
{
	struct sigaction action = { .sa_handler = give_up };

	(void)snprintf(late_words, sizeof late_words, "retaind sql: sql: no answer within %lld s\n", (long long)seconds);
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGALRM, &action, NULL);
	(void)alarm((unsigned)seconds + 1);
}

int cmd_sql(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session session = { 0 };
	int64_t rows = DEFAULT_ROWS, seconds = DEFAULT_SECONDS;
	struct query_limits limits;
	struct query_result result;
	int rc;

	if (cli_option_int(c, "rows", MAX_ROWS, &rows, err) < 0 ||
	    cli_option_int(c, "seconds", MAX_SECONDS, &seconds, err) < 0 || session_open(c, DB_READ, &session, err) < 0)
		return -1;
	limits = (struct query_limits){ rows, seconds * MS };
	watch(seconds);
	rc = db_query(session.org->db_path, c->args[0], &limits, c->arena, &result, err);
	(void)alarm(0);
	if (rc < 0)
		return err_in(err, "sql");
	print_result(c, &result);
	return EX_OK;
}

/* Every command of the program. A new one is its file cmd_NAME.c, a line here and a row in commands.c. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

enum { EXIT_GAPS = 1 }; /* deliveries audit has found something */

/* Options that every command takes, written like struct command's. */
extern const char *const common_options[]; /* ends with NULL */

/* Parts of an option's text "source=S: only this source". */
struct option_text {
	const char *name;     /* "source" */
	const char *argument; /* "S"; NULL: a flag */
	const char *what;     /* "only this source" */
};

struct option_text option_text(struct arena *a, const char *text);
/* The option of a list with this name: its place, or -1. */
int option_place(struct arena *a, const char *const *options, const char *name, struct option_text *out);
const struct command *command_of(const char *name); /* NULL: none */
int unknown_command(struct arena *a, const char *name); /* says so and what may have been meant; returns EX_USAGE */

/* Whether some source wants to be told how its accounts stand, and may be. */
bool org_writes_back(const struct org_settings *org);

/* What `retaind help` prints. */
void help_program(struct arena *a);
void help_command(struct arena *a, const struct command *command);

int cmd_score(struct cli *c, struct err *err);
int cmd_accounts(struct cli *c, struct err *err);
int cmd_explain(struct cli *c, struct err *err);
int cmd_ack(struct cli *c, struct err *err);
int cmd_snooze(struct cli *c, struct err *err);
int cmd_dismiss(struct cli *c, struct err *err);
int cmd_signals(struct cli *c, struct err *err);
int cmd_done(struct cli *c, struct err *err);
int cmd_wrong_owner(struct cli *c, struct err *err);
int cmd_lost(struct cli *c, struct err *err);
int cmd_expanded(struct cli *c, struct err *err);
int cmd_reopen(struct cli *c, struct err *err);
int cmd_answers(struct cli *c, struct err *err);
int cmd_override(struct cli *c, struct err *err);
int cmd_backtest(struct cli *c, struct err *err);
int cmd_nrr(struct cli *c, struct err *err);
int cmd_run(struct cli *c, struct err *err);
int cmd_once(struct cli *c, struct err *err);
int cmd_next(struct cli *c, struct err *err);
int cmd_deliver(struct cli *c, struct err *err);
int cmd_deliveries(struct cli *c, struct err *err);
int cmd_digest(struct cli *c, struct err *err);
int cmd_silence(struct cli *c, struct err *err);
int cmd_test_sink(struct cli *c, struct err *err);
int cmd_preview(struct cli *c, struct err *err);
int cmd_help(struct cli *c, struct err *err);
int cmd_pull(struct cli *c, struct err *err);
int cmd_calibrate(struct cli *c, struct err *err);
int cmd_check(struct cli *c, struct err *err);
int cmd_migrate(struct cli *c, struct err *err);
int cmd_write_back(struct cli *c, struct err *err);
int cmd_backup(struct cli *c, struct err *err);
int cmd_sql(struct cli *c, struct err *err);
int cmd_compact(struct cli *c, struct err *err);

#endif

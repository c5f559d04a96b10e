/* What every command gets: the common options, its own, and helpers to open what it works on. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/clock.h"
#include "config/config.h"
#include "store/db.h"

enum cli_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

struct cli {
	struct arena *arena;      /* of the whole command */
	const struct command *command;
	const char *config_dir;   /* --config DIR, default /etc/retaind */
	const char *org_name;     /* --org X, or NULL */
	int32_t as_of;            /* --as-of DAY, or DAY_NONE */
	int64_t now;              /* the clock, or --now INSTANT (rehearsals and tests) */
	bool has_now;
	enum cli_format format;
	int verbosity;            /* -q -1, -v 1, -vv 2 */
	const char *const *args;  /* what is not an option */
	int n_args;
	const char *const *option_values; /* off limits: see cli_option */
};

/* The whole program; returns its exit code. */
int cli_main(int argc, const char *const *argv);

/* The value of one of the command's own options ("" for a flag), or NULL when it was not given. */
const char *cli_option(const struct cli *c, const char *name);
/* The same as a number of 1 to max, or as a day; what is in *io stays when the option was not given. Else ERR_USAGE. */
int cli_option_int(const struct cli *c, const char *name, int64_t max, int64_t *io, struct err *err) MUST_USE;
int cli_option_day(const struct cli *c, const char *name, int32_t *io, struct err *err) MUST_USE;

struct command {
	const char *name, *arguments; /* "explain", "ACCOUNT" */
	const char *summary;          /* one line */
	const char *options[24];      /* "source=S: only this source", "dry-run: store nothing"; NULL-terminated */
	const char *help;             /* paragraphs for `retaind help CMD` and the man page */
	int min_args, max_args;
	/* It reads, says what it found and ends: see struct config_checks (for one that judges there is session_lexicons)
	 * and heap_by_large_pages. */
	bool is_brief;
	int (*run)(struct cli *c, struct err *err); /* an exit code, or -1 with err */
};

extern const struct command commands[]; /* ends with name NULL */

/* One organisation, opened: configuration, database (migrated when writable), zone, today. */
struct session {
	const struct config *config;
	const struct org_settings *org;
	const struct zone *zone;
	struct db *db;
	int64_t now;
	int32_t today, as_of; /* as_of: --as-of or today */
};

extern const struct config_checks cli_checks; /* for config_load */
/* All configuration, or exit code 78 printed with every mistake. Returns NULL after printing. */
const struct config *cli_config(struct cli *c);
/* The organisation of --org, or the only one there is; ERR_USAGE names those there are. */
int cli_org(const struct cli *c, const struct config *config, const struct org_settings **out,
            struct err *err) MUST_USE;
/* The organisation of --org, or all there are. */
int cli_orgs(const struct cli *c, const struct config *config, struct yaml_array *out, struct err *err) MUST_USE;
int cli_owner(const struct org_settings *org, const char *email, const struct owner_settings **out,
              struct err *err) MUST_USE;
/* The path of a file beside the organisation's database. */
const char *beside_database(struct arena *a, const struct org_settings *org, const char *name);
/* Opens --org, or the only one there is. */
int session_open(struct cli *c, enum db_mode mode, struct session *out, struct err *err) MUST_USE;
/* Gives the organisation of a command that is brief its lexicons. */
int session_lexicons(const struct cli *c, const struct session *s, struct err *err) MUST_USE;
void session_close(struct session *s); /* for CLEANUP */

/* Where what is pushed to a source waits for its pull. */
const char *spool_folder(struct arena *a, const struct org_settings *org, const char *source);
/* Where a source's OAuth tokens are kept: beside the database, never in it. */
const char *token_path(struct arena *a, const struct org_settings *org, const char *source);
/* What a source's processes share of its limits. */
const char *limits_path(struct arena *a, const struct org_settings *org, const char *source);

/* A table for people: columns aligned, numbers to the right; or CSV; or JSON, a list of objects named after the titles.
 * All cells are cleaned of control characters. A NULL cell is empty (null in JSON). */
struct table_column {
	const char *title;
	bool is_number;
};
struct table;
struct table *table_new(struct arena *a, const struct table_column *columns, int n);
void table_row(struct table *t, const char *const *cells); /* n of the columns; texts are copied */
void table_print(const struct table *t, enum cli_format format); /* to standard output */
void table_print_more(const struct table *t); /* CSV without titles: what goes on from a table that was printed */
/* Cells: a number; an instant, NULL for INSTANT_NONE. */
const char *cell_int(struct arena *a, int64_t n);
const char *cell_instant(struct arena *a, int64_t at);

#endif

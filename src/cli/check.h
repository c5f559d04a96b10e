/* Rows of `retaind check`: one check, one thing, how it went. */
#ifndef CHECK_H
#define CHECK_H

#include "cli/cli.h"

enum check_result { CHECK_OK, CHECK_WARNING, CHECK_FAILED };

struct checking {
	struct cli *cli;
	const struct config *config;
	struct yaml_array orgs; /* those to look at */
	struct table *table;
	size_t n_told; /* rows of it; of what is right none with -q */
	int exit_code; /* of the first that failed; a mistake of the configuration goes first */
};

/* what: "acme: crm: secret token". */
void check_note(struct checking *c, const char *check, const char *what, enum check_result result,
                const char *format, ...) PRINTF(5, 6);
/* The same from a call that may have failed: rc < 0 is CHECK_FAILED with err. */
void check_outcome(struct checking *c, const char *check, const char *what, int rc, const struct err *err);

/* The path, or the nearest folder above it that is there: what a missing one will be made in. */
const char *check_nearest(struct arena *a, const char *path);

/* Says in words what a connector (a name, or the path of its file) does; an exit code. */
int check_connector(struct cli *c, const char *connector);

/* Warns of owners who have no working day. */
void check_days_of_owners(struct checking *c, const struct org_settings *org);
/* Asks a source for its first row, which is stored nowhere. */
void check_source_online(struct checking *c, const struct org_settings *org, const struct source_settings *source);
/* Asks every channel's host whether it is there. Sends no message. */
void check_channel_online(struct checking *c, const struct org_settings *org, const struct channel_settings *channel);

#endif

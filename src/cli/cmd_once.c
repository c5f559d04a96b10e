#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "commands.h"
#include "common/text.h"

/* The stages of one cycle, in the order of the line. */
static const struct {
	const char *name;
	int (*run)(struct cli *c, struct err *err);
} stages[] = {
	{ "pull", cmd_pull },
	{ "score", cmd_score },
	{ "digest", cmd_digest },
	{ "deliver", cmd_deliver },
	{ "write-back", cmd_write_back },
};

/* Sources are told only where the organisation asked for it. */
static bool is_wanted(struct cli *c, const char *stage)
{
	const struct config *config;
	const struct org_settings *org;
	struct err err;

	if (strcmp(stage, "write-back") != 0)
		return true;
	config = cli_config(c);
	return config && cli_org(c, config, &org, &err) == 0 && org_writes_back(org);
}

/* Each stage is the very command of its name. One that fails doesn't keep the next from working on what is there: a
 * digest that says how old its data is beats none. Where even pull can't begin, because the configuration has mistakes
 * or the command line is wrong, nothing else is tried. */
int cmd_once(struct cli *c, struct err *err)
{
	int worst = EX_OK;

	if (c->as_of != DAY_NONE)
		return err_set(err, ERR_USAGE, "--as-of: a cycle is of today; rehearse another day with --now");
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		const char *none[ARRAY_LEN(c->command->options)] = { 0 };
		struct cli stage = *c; /* none of the stage's own options is given */
		int rc;

		if (!is_wanted(c, stages[i].name))
			continue;
		stage.command = command_of(stages[i].name);
		stage.option_values = none;
		rc = stages[i].run(&stage, err);
		if (rc < 0 && i == 0 && (err->kind == ERR_CONFIG || err->kind == ERR_USAGE))
			return -1;
		if (rc < 0) {
			(void)fflush(stdout);
			(void)fprintf(stderr, "retaind %s: %s\n", stages[i].name,
			              text_clean(c->arena, err->text, sizeof err->text));
			rc = err_exit_code(err->kind);
		}
		if (worst == EX_OK || rc == EX_CONFIG)
			worst = rc == EX_OK ? worst : rc;
		(void)fflush(stdout);
	}
	return worst;
}

#include "commands.h"

#include <string.h>

const struct command commands[] = {
	{ .name = "help",
	  .arguments = "[COMMAND]",
	  .summary = "how the program or one command is used",
	  .options = { "man: the manual page, as roff" },
	  .help = "Lists the commands, or tells all about one of them.",
	  .max_args = 1,
	  .run = cmd_help },
	{ .name = NULL },
};

const struct command *command_of(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

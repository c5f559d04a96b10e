/* Help and the manual page, both from the table of commands. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "commands.h"

static const char purpose[] =
	"retaind reads a company's CRM, support, billing and usage systems every day, diagnoses every customer account on "
	"both engines of net revenue retention, and tells each owner, in the tools they already use, which few accounts to "
	"handle today: what is at stake, why, by when, and what to do.";

static const struct {
	int code;
	const char *what;
} exit_codes[] = {
	{ EX_OK, "done" },
	{ EXIT_GAPS, "deliveries audit: some digest has not come to its end" },
	{ EX_USAGE, "the command line is wrong" },
	{ EX_DATAERR, "what came in is wrong" },
	{ EX_SOFTWARE, "the program's own state can't be trusted: disk, database" },
	{ EX_IOERR, "standard output can't be written" },
	{ EX_TEMPFAIL, "try again later: network, rate limit, busy" },
	{ EX_CONFIG, "a person must change the configuration or a credential" },
};

static const struct {
	const char *path, *what;
} files[] = {
	{ "/etc/retaind/retaind.yaml", "the daemon" },
	{ "/etc/retaind/orgs/NAME.yaml", "an organisation: sources, owners, channels, schedule" },
	{ "/etc/retaind/connectors/*.yaml", "how a kind of source is read" },
	{ "/etc/retaind/signals.yaml, plays.yaml, lexicon/*.yaml", "how accounts are judged and what is recommended" },
	{ "/etc/retaind/texts/en.yaml, fr.yaml", "single texts for people, worded in your own way" },
	{ "/etc/retaind/holidays/*.yaml, *.ics", "days on which nothing is sent" },
	{ "/etc/retaind/*.md", "guides: sources, digests, retention" },
	{ "/var/lib/retaind/orgs/NAME/retaind.db", "all that is known of an organisation" },
};

static const struct {
	const char *line, *what;
} examples[] = {
	{ "retaind check --online", "Reads the whole configuration, lists every mistake, asks sources and hosts." },
	{ "retaind once", "One whole cycle now: pull, score, digest, deliver (and write back, where asked for)." },
	{ "retaind preview --owner claire@example.com", "The digest of an owner as it would be sent now." },
	{ "retaind explain example.com --as-of 2026-03-01", "Why an account was judged as it was that day." },
	{ "retaind help COMMAND", "All about one command." },
};

/* Prints words in lines of at most 100 characters, each behind an indent. */
static void print_wrapped(const char *text, const char *indent)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " \n");

		if (column && column + 1 + word > 100 - strlen(indent)) {
			(void)putchar('\n');
			column = 0;
		}
		(void)printf("%s%.*s", column ? " " : indent, (int)word, text);
		column += word + (column ? 1 : 0);
		text += word;
		if (text[0] == '\n' && text[1] == '\n') {
			(void)fputs("\n\n", stdout);
			column = 0;
		}
		text += strspn(text, " \n");
	}
	(void)putchar('\n');
}

/* The options but for those that a command has of its own. */
static void print_options(struct arena *a, const char *const *options, const char *const *own)
{
	for (; *options; options++) {
		struct option_text o = option_text(a, *options), same;
		const char *head = arena_printf(a, "--%s%s%s", o.name, o.argument ? " " : "", o.argument ? o.argument : "");

		if (!own || option_place(a, own, o.name, &same) < 0)
			(void)printf("  %-20s %s\n", head, o.what ? o.what : "");
	}
}

void help_program(struct arena *a)
{
	(void)puts("Usage: retaind COMMAND [OPTIONS] [ARGUMENTS]\n");
	print_wrapped(purpose, "");
	(void)puts("\nCommands:");
	for (const struct command *c = commands; c->name; c++)
		(void)printf("  %-12s %s\n", c->name, c->summary);
	(void)puts("\nOptions of every command:");
	print_options(a, common_options, NULL);
}

void help_command(struct arena *a, const struct command *command)
{
	(void)printf("Usage: retaind %s%s%s%s\n\n", command->name, command->options[0] ? " [OPTIONS]" : "",
	             command->arguments ? " " : "", command->arguments ? command->arguments : "");
	(void)printf("%s\n", command->summary);
	if (command->help) {
		(void)putchar('\n');
		print_wrapped(command->help, "");
	}
	if (command->options[0]) {
		(void)puts("\nOptions:");
		print_options(a, command->options, NULL);
	}
	(void)puts("\nOptions of every command:");
	print_options(a, common_options, command->options);
}

/* Text as roff takes it: no line begins with a control character, backslashes and hyphens are themselves. */
static void man_text(const char *text)
{
	bool is_line_start = true;

	for (; *text; text++) {
		if (is_line_start && (*text == '.' || *text == '\''))
			(void)fputs("\\&", stdout);
		is_line_start = *text == '\n';
		if (text[0] == '\n' && text[1] == '\n') {
			(void)fputs("\n.PP", stdout);
			text += strspn(text, "\n") - 1;
			(void)putchar('\n');
		} else if (*text == '\\') {
			(void)fputs("\\e", stdout);
		} else if (*text == '-') {
			(void)fputs("\\-", stdout);
		} else {
			(void)putchar(*text);
		}
	}
	(void)putchar('\n');
}

static void man_item(const char *head, const char *what)
{
	(void)fputs(".TP\n.B ", stdout);
	man_text(head);
	man_text(what);
}

static void man_options(struct arena *a, const char *const *options)
{
	for (; *options; options++) {
		struct option_text o = option_text(a, *options);

		man_item(arena_printf(a, "--%s%s%s", o.name, o.argument ? " " : "", o.argument ? o.argument : ""),
		         o.what ? o.what : "");
	}
}

static void man_command(struct arena *a, const struct command *c)
{
	(void)printf(".SS ");
	man_text(arena_printf(a, "retaind %s%s%s%s", c->name, c->options[0] ? " [OPTIONS]" : "", c->arguments ? " " : "",
	                      c->arguments ? c->arguments : ""));
	man_text(c->help ? c->help : c->summary);
	man_options(a, c->options);
}

static void print_man(struct arena *a)
{
	(void)puts(".TH RETAIND 1 \"\" \"retaind " RETAIND_VERSION "\" \"User Commands\"\n.SH NAME\n"
	           "retaind \\- finds the accounts to keep and to grow, and tells their owners every morning\n"
	           ".SH SYNOPSIS\n.B retaind\n.I COMMAND\n[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n.SH DESCRIPTION");
	man_text(purpose);
	(void)puts(".SH COMMANDS");
	for (const struct command *c = commands; c->name; c++)
		man_command(a, c);
	(void)puts(".SH OPTIONS OF EVERY COMMAND");
	man_options(a, common_options);
	(void)puts(".SH EXIT STATUS");
	for (size_t i = 0; i < ARRAY_LEN(exit_codes); i++)
		man_item(arena_printf(a, "%d", exit_codes[i].code), exit_codes[i].what);
	(void)puts(".SH FILES");
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		man_item(files[i].path, files[i].what);
	(void)puts(".SH EXAMPLES");
	for (size_t i = 0; i < ARRAY_LEN(examples); i++)
		man_item(examples[i].line, examples[i].what);
}

int cmd_help(struct cli *c, struct err *err)
{
	const struct command *command;

	(void)err;
	if (cli_option(c, "man")) {
		print_man(c->arena);
		return EX_OK;
	}
	if (!c->n_args) {
		help_program(c->arena);
		return EX_OK;
	}
	command = command_of(c->args[0]);
	if (!command)
		return unknown_command(c->arena, c->args[0]);
	help_command(c->arena, command);
	return EX_OK;
}

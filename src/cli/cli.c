/* From the arguments of the program to a command that runs: options are read by the tables of commands.h. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "commands.h"
#include "common/heap.h"
#include "common/http.h"
#include "common/log.h"
#include "common/nearest.h"
#include "common/text.h"
#include "config/secret.h"

enum { OPTIONS_MAX = ARRAY_LEN(((struct command *)0)->options), NAMES_MAX = 64 };

const char *const common_options[] = {
	"config=DIR: the configuration folder (default /etc/retaind)",
	"org=NAME: the organisation (default: the only one there is)",
	"as-of=DAY: what was known on that day, such as 2026-03-01 (default: today)",
	"now=INSTANT: pretend that it is then, such as 2026-03-02T07:00:00Z (rehearsals and tests)",
	"format=FORMAT: table, json or csv (default table)",
	"quiet: only what went wrong (also -q)",
	"verbose: more about what is done; twice for all of it (also -v, -vv)",
	"help: how the command is used (also -h)",
	"version: the version of the program",
	NULL,
};

/* What is being read. */
struct reading {
	struct cli *cli;
	const char *const *argv;
	int argc, at;
	const char **values; /* of the command's own options */
	const char **args;
	bool wants_help, wants_version;
};

struct option_text option_text(struct arena *a, const char *text)
{
	const char *what = strstr(text, ": "); /* an argument may have a colon itself: HH:MM */
	size_t head = what ? (size_t)(what - text) : strlen(text), name = strcspn(text, "=:");
	struct option_text out = { .name = arena_strndup(a, text, name) };

	if (name < head)
		out.argument = arena_strndup(a, text + name + 1, head - name - 1);
	if (what)
		out.what = what + 2;
	return out;
}

static PRINTF(2, 3) int usage(const struct cli *c, const char *format, ...)
{
	va_list args;

	(void)fputs("retaind: ", stderr);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	if (c->command)
		(void)fprintf(stderr, "\nTry `retaind help %s`.\n", c->command->name);
	else
		(void)fputs("\nTry `retaind help`.\n", stderr);
	return EX_USAGE;
}

/* ", did you mean `--source`?" or nothing. */
static const char *meant(struct arena *a, const char *word, const char *dashes, const char *const *words, size_t n)
{
	const char *near = nearest_word(word, words, n);

	return near ? arena_printf(a, ", did you mean `%s%s`?", dashes, near) : "";
}

static int take_format(struct cli *c, const char *value)
{
	static const char *const names[] = { [FORMAT_TABLE] = "table", [FORMAT_JSON] = "json", [FORMAT_CSV] = "csv" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], value) == 0) {
			c->format = (enum cli_format)i;
			return 0;
		}
	}
	return usage(c, "--format is `%s`, expected table, json or csv", text_clean(c->arena, value, 60));
}

static int take_now(struct cli *c, const char *value)
{
	c->has_now = instant_parse(value, &c->now);
	if (c->has_now)
		return 0;
	return usage(c, "--now is `%s`, expected an instant such as 2026-03-02T07:00:00Z", text_clean(c->arena, value, 60));
}

static int take_as_of(struct cli *c, const char *value)
{
	if (day_parse(value, &c->as_of))
		return 0;
	return usage(c, "--as-of is `%s`, expected a day such as 2026-03-01", text_clean(c->arena, value, 60));
}

static int take_config(struct cli *c, const char *value)
{
	size_t len = strlen(value);

	while (len > 1 && value[len - 1] == '/')
		len--;
	c->config_dir = arena_strndup(c->arena, value, len);
	return 0;
}

static int take_org(struct cli *c, const char *value)
{
	c->org_name = value;
	return 0;
}

static int take_quiet(struct cli *c, const char *value)
{
	(void)value;
	c->verbosity = -1;
	return 0;
}

static int take_verbose(struct cli *c, const char *value)
{
	(void)value;
	c->verbosity++;
	return 0;
}

static int take_nothing(struct cli *c, const char *value)
{
	(void)c;
	(void)value;
	return 0;
}

/* In the order of common_options. */
static int (*const takers[])(struct cli *c, const char *value) = {
	take_config, take_org,     take_as_of,   take_now,     take_format,
	take_quiet,  take_verbose, take_nothing, take_nothing, /* help and version: see read_long */
};

_Static_assert(ARRAY_LEN(takers) == ARRAY_LEN(common_options) - 1, "one taker for each common option");

int option_place(struct arena *a, const char *const *options, const char *name, struct option_text *out)
{
	for (int i = 0; options[i]; i++) {
		*out = option_text(a, options[i]);
		if (strcmp(out->name, name) == 0)
			return i;
	}
	return -1;
}

static int unknown_option(const struct reading *r, const char *name)
{
	const char *names[NAMES_MAX];
	struct arena *a = r->cli->arena;
	const struct command *command = r->cli->command;
	size_t n = 0;

	for (int i = 0; common_options[i]; i++)
		names[n++] = option_text(a, common_options[i]).name;
	for (int i = 0; command && command->options[i]; i++)
		names[n++] = option_text(a, command->options[i]).name;
	return usage(r->cli, "unknown option `--%s`%s", text_clean(a, name, 60), meant(a, name, "--", names, n));
}

/* The value behind "=" or in the next argument; "" for a flag. Returns NULL after saying what is wrong. */
static const char *value_of(struct reading *r, const struct option_text *option, const char *behind)
{
	if (!option->argument && !behind)
		return "";
	if (!option->argument)
		(void)usage(r->cli, "option `--%s` takes no value", option->name);
	else if (behind)
		return behind;
	else if (r->at + 1 < r->argc)
		return r->argv[++r->at];
	else
		(void)usage(r->cli, "option `--%s` needs a value (%s)", option->name, option->argument);
	return NULL;
}

static int read_long(struct reading *r, const char *text)
{
	size_t len = strcspn(text, "=");
	const char *name = arena_strndup(r->cli->arena, text, len), *value, *behind = text[len] ? text + len + 1 : NULL;
	const struct command *command = r->cli->command;
	struct option_text option;
	int own = command ? option_place(r->cli->arena, command->options, name, &option) : -1;
	int common = own >= 0 ? -1 : option_place(r->cli->arena, common_options, name, &option);

	if (own < 0 && common < 0)
		return unknown_option(r, name);
	value = value_of(r, &option, behind);
	if (!value)
		return EX_USAGE;
	r->wants_help |= strcmp(name, "help") == 0;
	r->wants_version |= strcmp(name, "version") == 0;
	if (common >= 0)
		return takers[common](r->cli, value);
	r->values[own] = value;
	return 0;
}

static int read_short(struct reading *r, const char *letters)
{
	for (; *letters; letters++) {
		if (*letters == 'q')
			r->cli->verbosity = -1;
		else if (*letters == 'v')
			r->cli->verbosity++;
		else if (*letters == 'h')
			r->wants_help = true;
		else
			return usage(r->cli, "unknown option `-%.1s`, expected -q, -v or -h",
			             text_clean(r->cli->arena, letters, 1));
	}
	return 0;
}

int unknown_command(struct arena *a, const char *name)
{
	const struct cli none = { 0 };
	const char *names[NAMES_MAX];
	size_t n = 0;

	for (; n < NAMES_MAX && commands[n].name; n++)
		names[n] = commands[n].name;
	return usage(&none, "unknown command `%s`%s", text_clean(a, name, 60), meant(a, name, "", names, n));
}

static int read_command(struct reading *r, const char *name)
{
	r->cli->command = command_of(name);
	return r->cli->command ? 0 : unknown_command(r->cli->arena, name);
}

static int read_all(struct reading *r)
{
	bool is_option = true;

	for (r->at = 1; r->at < r->argc; r->at++) {
		const char *text = r->argv[r->at];
		int rc = 0;

		if (is_option && strcmp(text, "--") == 0)
			is_option = false;
		else if (is_option && strncmp(text, "--", 2) == 0)
			rc = read_long(r, text + 2);
		else if (is_option && text[0] == '-' && text[1])
			rc = read_short(r, text + 1);
		else if (!r->cli->command)
			rc = read_command(r, text);
		else
			r->args[r->cli->n_args++] = text;
		if (rc)
			return rc;
	}
	return 0;
}

static int check_args(const struct cli *c)
{
	if (c->n_args < c->command->min_args)
		return usage(c, "%s needs %s", c->command->name, c->command->arguments);
	if (c->n_args > c->command->max_args)
		return usage(c, "%s: unexpected argument `%s`", c->command->name,
		             text_clean(c->arena, c->args[c->command->max_args], 60));
	return 0;
}

/* A command whose output is lost has failed, whatever it says itself. */
static int written(int exit_code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit_code;
	(void)fputs("retaind: standard output can't be written\n", stderr);
	return EX_IOERR;
}

static int run(struct cli *c)
{
	static const enum log_level levels[] = { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
	struct err err = { 0 };
	int rc;

	log_open(levels[c->verbosity > 2 ? 3 : c->verbosity + 1], environment("JOURNAL_STREAM") != NULL);
	if (!c->has_now)
		c->now = clock_now();
	if (c->command->is_brief)
		heap_by_large_pages();
	rc = c->command->is_brief ? 0 : http_load(&err);
	rc = rc < 0 ? rc : c->command->run(c, &err);
	if (rc >= 0)
		return written(rc);
	(void)fflush(stdout);
	(void)fprintf(stderr, "retaind %s: %s\n", c->command->name, text_clean(c->arena, err.text, sizeof err.text));
	if (err.kind == ERR_USAGE)
		(void)fprintf(stderr, "Try `retaind help %s`.\n", c->command->name);
	return err_exit_code(err.kind);
}

int cli_main(int argc, const char *const *argv)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct cli c = { .arena = a, .config_dir = "/etc/retaind", .as_of = DAY_NONE };
	struct reading r = { .cli = &c, .argc = argc, .argv = argv };
	int rc;

	r.values = arena_array(a, OPTIONS_MAX, sizeof *r.values);
	r.args = arena_array(a, (size_t)argc + 1, sizeof *r.args);
	c.option_values = r.values;
	c.args = r.args;
	rc = read_all(&r);
	if (rc)
		return rc;
	if (r.wants_version) {
		(void)puts("retaind " RETAIND_VERSION);
		return written(EX_OK);
	}
	if (r.wants_help) {
		if (c.command)
			help_command(a, c.command);
		else
			help_program(a);
		return written(EX_OK);
	}
	if (!c.command)
		return usage(&c, "no command given");
	rc = check_args(&c);
	return rc ? rc : run(&c);
}

const char *cli_option(const struct cli *c, const char *name)
{
	struct option_text option;
	int place = option_place(c->arena, c->command->options, name, &option);

	if (place < 0)
		die("option --%s is not in the table of %s", name, c->command->name);
	return c->option_values[place];
}

int cli_option_int(const struct cli *c, const char *name, int64_t max, int64_t *io, struct err *err)
{
	const char *text = cli_option(c, name);
	int64_t value;

	if (!text)
		return 0;
	if (!text_to_int(text, &value) || value < 1 || value > max)
		return err_set(err, ERR_USAGE, "--%s is `%s`, expected 1 to %lld", name, text, (long long)max);
	*io = value;
	return 0;
}

int cli_option_day(const struct cli *c, const char *name, int32_t *io, struct err *err)
{
	const char *text = cli_option(c, name);

	if (text && !day_parse(text, io))
		return err_set(err, ERR_USAGE, "--%s is `%s`, expected a day such as 2026-03-01", name, text);
	return 0;
}

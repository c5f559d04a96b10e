/* Owners who are to get no digest for a while. */
#include <stdio.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "commands.h"
#include "common/text.h"
#include "store/silences.h"

enum { MAX_DAYS = 366, REASON_CHARS = 200 };

static int list(struct cli *c, const struct session *s, struct err *err)
{
	static const struct table_column columns[] = {
		{ "owner", false }, { "until", false }, { "reason", false }, { "since", false }
	};
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));
	const struct silence *rows;
	size_t n;

	if (silences_load(s->db, s->today, c->arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *cells[] = { rows[i].owner_email, day_text(c->arena, rows[i].until_on), rows[i].reason,
			                    cell_instant(c->arena, rows[i].said_at) };

		table_row(t, cells);
	}
	table_print(t, c->format);
	return EX_OK;
}

static int end(struct cli *c, const struct session *s, const struct owner_settings *owner, struct err *err)
{
	int rc = silence_end(s->db, owner->email, err);

	if (rc == 0)
		return err_set(err, ERR_INPUT, "%s is not silenced", owner->email);
	if (rc > 0 && c->verbosity >= 0)
		(void)printf("%s gets digests again\n", owner->email);
	return rc < 0 ? -1 : EX_OK;
}

static int begin(struct cli *c, const struct session *s, const struct owner_settings *owner, struct err *err)
{
	struct silence silence = { .owner_email = owner->email, .until_on = DAY_NONE, .said_at = s->now };
	const char *reason = cli_option(c, "reason");

	if (cli_option_day(c, "until", &silence.until_on, err) < 0)
		return -1;
	if (silence.until_on == DAY_NONE)
		return err_set(err, ERR_USAGE, "until when? --until names the first day with a digest again");
	if (silence.until_on <= s->today || silence.until_on > s->today + MAX_DAYS)
		return err_set(err, ERR_USAGE, "--until %s: expected a day after today and within %d days",
		               day_text(c->arena, silence.until_on), MAX_DAYS);
	if (!text_is_blank(reason))
		silence.reason = text_clean(c->arena, reason, REASON_CHARS);
	if (silence_put(s->db, &silence, err) < 0)
		return -1;
	if (c->verbosity >= 0)
		(void)printf("%s gets no digest before %s\n", owner->email, day_text(c->arena, silence.until_on));
	return EX_OK;
}

int cmd_silence(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session s = { 0 };
	const struct owner_settings *owner;

	if (session_open(c, c->n_args ? DB_WRITE : DB_READ, &s, err) < 0)
		return -1;
	if (!c->n_args)
		return list(c, &s, err);
	if (cli_owner(s.org, c->args[0], &owner, err) < 0)
		return -1;
	return cli_option(c, "end") ? end(c, &s, owner, err) : begin(c, &s, owner, err);
}

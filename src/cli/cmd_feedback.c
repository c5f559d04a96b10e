/* What a person says of a finding: ack, done, snooze, dismiss, wrong-owner, lost, expanded, reopen; what was said. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "commands.h"
#include "common/text.h"
#include "store/answers.h"
#include "store/precision.h"
#include "who.h"

enum { DEFAULT_LIMIT = 50, MAX_LIMIT = 100000 };

static int read_finding(const struct cli *c, int64_t *out, struct err *err)
{
	if (text_to_int(c->args[0], out))
		return 0;
	return err_set(err, ERR_USAGE, "finding `%s`: expected its number, see retaind accounts", c->args[0]);
}

static int refuse(const struct answer *x, enum answer_result result, const struct finding *f, struct arena *a,
                  struct err *err)
{
	switch (result) {
	case ANSWER_UNKNOWN:
		return err_set(err, ERR_INPUT, "there is no finding %" PRId64, x->finding);
	case ANSWER_CLOSED:
		return err_set(err, ERR_INPUT, "finding %" PRId64 " is closed: %s on %s%s", x->finding,
		               finding_state_text(f->state), day_text(a, f->closed_on),
		               x->kind == ANSWER_REOPEN ? ", by no answer that could be taken back" : "");
	case ANSWER_TAKEN:
	case ANSWER_USED:
	case ANSWER_UNFIT:
		break;
	}
	if (x->kind == ANSWER_REOPEN)
		return err_set(err, ERR_INPUT, "finding %" PRId64 " is %s: there is no answer to take back", x->finding,
		               finding_state_text(f->state));
	if (x->kind == ANSWER_WRONG_OWNER)
		return err_set(err, ERR_INPUT, "finding %" PRId64 " is with %s already", x->finding,
		               f->owner_email ? f->owner_email : "nobody");
	return err_set(err, ERR_INPUT, "finding %" PRId64 " is one of %s: `%s` is not said of those", x->finding, f->engine,
	               answer_names[x->kind]);
}

/* Only what the option needs of the configuration is checked in `fill`, with the day at hand. */
typedef int fill_fn(struct cli *c, const struct session *s, struct answer *x, struct err *err);

static int say(struct cli *c, enum answer_kind kind, fill_fn *fill, struct err *err)
{
	CLEANUP(session_close) struct session s = { 0 };
	struct answer x = { .kind = kind, .via = "cli", .who = who_says(c->arena), .until = DAY_NONE };
	enum answer_result result;
	struct finding f;

	if (read_finding(c, &x.finding, err) < 0 || session_open(c, DB_WRITE, &s, err) < 0)
		return -1;
	x.today = s.today;
	x.at = s.now;
	if ((fill && fill(c, &s, &x, err) < 0) || answer_take(s.db, &x, c->arena, &result, &f, err) < 0)
		return -1;
	if (result != ANSWER_TAKEN)
		return refuse(&x, result, &f, c->arena, err);
	if (c->verbosity >= 0 && kind == ANSWER_WRONG_OWNER)
		(void)printf("finding %" PRId64 " is with %s\n", x.finding, x.to ? x.to : "nobody");
	else if (c->verbosity >= 0)
		(void)printf("finding %" PRId64 " is %s\n", x.finding, finding_state_text(f.state));
	return EX_OK;
}

static int fill_snooze(struct cli *c, const struct session *s, struct answer *x, struct err *err)
{
	if (cli_option_day(c, "until", &x->until, err) < 0)
		return -1;
	if (x->until <= s->today)
		return err_set(err, ERR_USAGE, "--until is %s, expected a day after today, %s", day_text(c->arena, x->until),
		               day_text(c->arena, s->today));
	return 0;
}

/* A reason that is no code is kept in its own words. */
static int fill_dismiss(struct cli *c, const struct session *s, struct answer *x, struct err *err)
{
	const char *reason = cli_option(c, "reason"), *note = cli_option(c, "note");

	(void)s;
	(void)err;
	x->reason = dismiss_reason_known(reason) ? reason : dismiss_reasons[DISMISS_OTHER];
	if (!dismiss_reason_known(reason))
		note = note ? arena_printf(c->arena, "%s: %s", reason, note) : reason;
	x->note = text_is_blank(note) ? NULL : text_clean(c->arena, note, ANSWER_NOTE_CHARS);
	return 0;
}

static int fill_owner(struct cli *c, const struct session *s, struct answer *x, struct err *err)
{
	const char *email = cli_option(c, "to");
	const struct owner_settings *owner;

	if (!email)
		return 0;
	if (cli_owner(s->org, email, &owner, err) < 0)
		return -1;
	x->to = owner->email;
	return 0;
}

static int fill_note(struct cli *c, const struct session *s, struct answer *x, struct err *err)
{
	const char *note = cli_option(c, "note");

	(void)s;
	(void)err;
	x->note = text_is_blank(note) ? NULL : text_clean(c->arena, note, ANSWER_NOTE_CHARS);
	return 0;
}

int cmd_ack(struct cli *c, struct err *err)
{
	return say(c, ANSWER_ACKNOWLEDGE, NULL, err);
}

int cmd_done(struct cli *c, struct err *err)
{
	return say(c, ANSWER_DONE, fill_note, err);
}

int cmd_snooze(struct cli *c, struct err *err)
{
	if (!cli_option(c, "until"))
		return err_set(err, ERR_USAGE, "--until is missing: the day on which it is open again");
	return say(c, ANSWER_SNOOZE, fill_snooze, err);
}

int cmd_dismiss(struct cli *c, struct err *err)
{
	if (text_is_blank(cli_option(c, "reason")))
		return err_set(err, ERR_USAGE, "--reason is missing: it says why this was no finding");
	return say(c, ANSWER_NOT_A_RISK, fill_dismiss, err);
}

int cmd_wrong_owner(struct cli *c, struct err *err)
{
	return say(c, ANSWER_WRONG_OWNER, fill_owner, err);
}

int cmd_lost(struct cli *c, struct err *err)
{
	return say(c, ANSWER_LOST, fill_note, err);
}

int cmd_expanded(struct cli *c, struct err *err)
{
	return say(c, ANSWER_EXPANDED, fill_note, err);
}

int cmd_reopen(struct cli *c, struct err *err)
{
	return say(c, ANSWER_REOPEN, fill_note, err);
}

int cmd_answers(struct cli *c, struct err *err)
{
	static const struct table_column columns[] = {
		{ "at", false },     { "finding", true }, { "account", false }, { "engine", false }, { "answer", false },
		{ "who", false },    { "via", false },    { "reason", false },  { "note", false },
	};
	CLEANUP(session_close) struct session s = { 0 };
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));
	const struct answer_row *rows;
	int64_t limit = DEFAULT_LIMIT, finding = 0;
	size_t n;

	if (c->n_args > 0 && read_finding(c, &finding, err) < 0)
		return -1;
	if (cli_option_int(c, "limit", MAX_LIMIT, &limit, err) < 0 || session_open(c, DB_READ, &s, err) < 0 ||
	    answers_list(s.db, finding, limit, c->arena, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *cells[ARRAY_LEN(columns)] = {
			cell_instant(c->arena, rows[i].at), cell_int(c->arena, rows[i].finding), rows[i].account, rows[i].engine,
			rows[i].answer, rows[i].who, rows[i].via, rows[i].reason, rows[i].note,
		};

		table_row(t, cells);
	}
	table_print(t, c->format);
	return EX_OK;
}

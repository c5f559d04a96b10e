/* What an owner says of a finding: ack, snooze, dismiss. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "commands.h"
#include "common/text.h"
#include "store/findings.h"

enum { MAX_REASON_CHARS = 500 };

static int load_standing(struct cli *c, struct session *s, struct finding *out, struct err *err)
{
	int64_t id;
	int rc;

	if (!text_to_int(c->args[0], &id))
		return err_set(err, ERR_INPUT, "finding `%s`: expected its number, see retaind accounts", c->args[0]);
	rc = finding_load(s->db, id, c->arena, out, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_INPUT, "there is no finding %" PRId64, id);
	if (out->closed_on != DAY_NONE)
		return err_set(err, ERR_INPUT, "finding %" PRId64 " is closed: %s on %s", id, finding_state_text(out->state),
		               day_text(c->arena, out->closed_on));
	return 0;
}

static int save(struct cli *c, struct session *s, struct finding *f, const char *note, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (txn_begin(&txn, s->db, err) < 0 || finding_put(s->db, f, err) < 0 ||
	    finding_event_put(s->db, f->id, s->today, s->now, finding_state_text(f->state), note, err) < 0 ||
	    txn_commit(&txn, err) < 0)
		return -1;
	if (c->verbosity >= 0)
		(void)printf("finding %" PRId64 " is %s\n", f->id, finding_state_text(f->state));
	return 0;
}

int cmd_ack(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session s = { 0 };
	struct finding f;

	if (session_open(c, DB_WRITE, &s, err) < 0 || load_standing(c, &s, &f, err) < 0)
		return -1;
	f.state = FINDING_ACKNOWLEDGED;
	f.snoozed_until = DAY_NONE;
	return save(c, &s, &f, NULL, err);
}

int cmd_snooze(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session s = { 0 };
	const char *until = cli_option(c, "until");
	struct finding f;

	if (session_open(c, DB_WRITE, &s, err) < 0 || load_standing(c, &s, &f, err) < 0)
		return -1;
	if (!until || !day_parse(until, &f.snoozed_until) || f.snoozed_until <= s.today)
		return err_set(err, ERR_INPUT, "--until is `%s`, expected a day after today, %s", until ? until : "",
		               day_text(c->arena, s.today));
	f.state = FINDING_SNOOZED;
	return save(c, &s, &f, until, err);
}

int cmd_dismiss(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session s = { 0 };
	const char *reason = cli_option(c, "reason");
	struct finding f;

	if (text_is_blank(reason))
		return err_set(err, ERR_INPUT, "--reason is missing: it says why this was no finding");
	if (session_open(c, DB_WRITE, &s, err) < 0 || load_standing(c, &s, &f, err) < 0)
		return -1;
	f.state = FINDING_DISMISSED;
	f.closed_on = s.today;
	f.snoozed_until = DAY_NONE;
	return save(c, &s, &f, text_clean(c->arena, reason, MAX_REASON_CHARS), err);
}

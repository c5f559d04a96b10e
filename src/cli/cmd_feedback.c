/* What an owner says of a finding: ack, snooze, dismiss. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "commands.h"
#include "common/text.h"
#include "store/findings.h"

enum { MAX_REASON_CHARS = 500 };

/* The finding that a person speaks of, as it stands. The transaction keeps a score that runs meanwhile from changing it
 * before it is saved. */
struct feedback {
	struct session session;
	struct txn txn;
	struct finding finding;
};

static void feedback_done(struct feedback *f)
{
	txn_end(&f->txn);
	session_close(&f->session);
}

static int feedback_open(struct cli *c, struct feedback *f, struct err *err)
{
	struct finding *finding = &f->finding;
	int64_t id;
	int rc;

	if (!text_to_int(c->args[0], &id))
		return err_set(err, ERR_USAGE, "finding `%s`: expected its number, see retaind accounts", c->args[0]);
	if (session_open(c, DB_WRITE, &f->session, err) < 0 || txn_begin(&f->txn, f->session.db, err) < 0)
		return -1;
	rc = finding_load(f->session.db, id, c->arena, finding, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_INPUT, "there is no finding %" PRId64, id);
	if (finding->closed_on != DAY_NONE)
		return err_set(err, ERR_INPUT, "finding %" PRId64 " is closed: %s on %s", id,
		               finding_state_text(finding->state), day_text(c->arena, finding->closed_on));
	return 0;
}

static int feedback_save(struct cli *c, struct feedback *f, const char *note, struct err *err)
{
	const struct session *s = &f->session;
	const char *state = finding_state_text(f->finding.state);

	if (finding_put(s->db, &f->finding, err) < 0 ||
	    finding_event_put(s->db, f->finding.id, s->today, s->now, state, note, err) < 0 ||
	    txn_commit(&f->txn, err) < 0)
		return -1;
	if (c->verbosity >= 0)
		(void)printf("finding %" PRId64 " is %s\n", f->finding.id, state);
	return 0;
}

int cmd_ack(struct cli *c, struct err *err)
{
	CLEANUP(feedback_done) struct feedback f = { 0 };

	if (feedback_open(c, &f, err) < 0)
		return -1;
	f.finding.state = FINDING_ACKNOWLEDGED;
	f.finding.snoozed_until = DAY_NONE;
	return feedback_save(c, &f, NULL, err);
}

int cmd_snooze(struct cli *c, struct err *err)
{
	CLEANUP(feedback_done) struct feedback f = { 0 };
	int32_t until = DAY_NONE;

	if (cli_option_day(c, "until", &until, err) < 0)
		return -1;
	if (until == DAY_NONE)
		return err_set(err, ERR_USAGE, "--until is missing: the day on which it is open again");
	if (feedback_open(c, &f, err) < 0)
		return -1;
	if (until <= f.session.today)
		return err_set(err, ERR_USAGE, "--until is %s, expected a day after today, %s", day_text(c->arena, until),
		               day_text(c->arena, f.session.today));
	f.finding.snoozed_until = until;
	f.finding.state = FINDING_SNOOZED;
	return feedback_save(c, &f, day_text(c->arena, until), err);
}

int cmd_dismiss(struct cli *c, struct err *err)
{
	CLEANUP(feedback_done) struct feedback f = { 0 };
	const char *reason = cli_option(c, "reason");

	if (text_is_blank(reason))
		return err_set(err, ERR_USAGE, "--reason is missing: it says why this was no finding");
	if (feedback_open(c, &f, err) < 0)
		return -1;
	f.finding.state = FINDING_DISMISSED;
	f.finding.closed_on = f.session.today;
	f.finding.snoozed_until = DAY_NONE;
	return feedback_save(c, &f, text_clean(c->arena, reason, MAX_REASON_CHARS), err);
}

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "common/text.h"
#include "diagnose.h"
#include "nrr_close.h"
#include "nrr_forecast.h"
#include "score/finding.h"
#include "store/account.h"
#include "store/overrides.h"

enum {
	CHUNK = 128,    /* accounts whose facts are in memory together: few enough for the processor's cache */
	COMMITTED = 64, /* chunks in one transaction */
};

/* What came of one day. */
struct tally {
	int64_t n_scored, n_watch, n_at_risk, n_emerging, n_ready, n_opened, n_closed;
};

struct scoring {
	struct cli *cli;
	struct session *session;
	struct diagnosing day;
	bool keeps_findings; /* no later day was scored: findings go forward only */
	struct tally tally;
};

/* The bands that a person's override made. */
static int save_held(struct scoring *s, const struct diagnosis *d, struct err *err)
{
	for (int engine = 0; engine < N_ENGINES; engine++) {
		const struct verdict *v = &d->verdicts[engine];

		if (v->band != v->computed_band &&
		    score_hold(s->session->db, d->account->id, d->as_of, engine_names[engine], v->band,
		               err) < 0)
			return -1;
	}
	return 0;
}

static int save_score(struct scoring *s, const struct diagnosis *d, struct arena *a, struct err *err)
{
	const struct verdict *risk = &d->verdicts[ENGINE_DEFENSE], *readiness = &d->verdicts[ENGINE_EXPANSION];
	struct score_row row = {
		.account = d->account->id, .day = d->as_of, .risk = risk->score, .readiness = readiness->score,
		.confidence = risk->confidence, .risk_band = risk->computed_band,
		.readiness_band = readiness->computed_band, .risk_band_since = risk->computed_since,
		.readiness_band_since = readiness->computed_since,
		.value_minor = risk->value_minor, .currency = risk->currency, .config_hash = s->session->org->hash,
	};
	struct score_signal_row *signals = NULL;
	bool is_said = row.risk_band > 0 || row.readiness_band > 0; /* of the others explain says them anew from facts */
	size_t n = 0;

	if (is_said)
		signals = arena_array(a, risk->n_readings + readiness->n_readings, sizeof *signals);
	for (int engine = 0; engine < N_ENGINES && is_said; engine++)
		for (size_t i = 0; i < d->verdicts[engine].n_readings; i++) {
			const struct reading *r = &d->verdicts[engine].readings[i];

			if (r->strength > 0)
				signals[n++] =
					(struct score_signal_row){ engine_names[engine], r->name,     r->evidence, r->value,
					                           r->baseline,          r->strength, r->weight,   r->contribution,
					                           r->fresh_on };
		}
	s->tally.n_scored++;
	s->tally.n_watch += risk->band == 1;
	s->tally.n_at_risk += risk->band == 2;
	s->tally.n_emerging += readiness->band == 1;
	s->tally.n_ready += readiness->band == 2;
	return score_put(s->session->db, &row, signals, n, err) < 0 ? -1 : save_held(s, d, err);
}

static int save_change(struct scoring *s, struct finding_change *change, struct err *err)
{
	bool is_new = change->finding.id == 0;

	if (finding_put(s->session->db, &change->finding, err) < 0)
		return -1;
	s->tally.n_opened += is_new;
	s->tally.n_closed += change->finding.closed_on != DAY_NONE;
	if (change->cause_before && finding_event_put(s->session->db, change->finding.id, s->day.base.as_of,
	                                              s->session->now, "cause_changed", change->cause_before, err) < 0)
		return -1;
	if (!change->event)
		return 0;
	return finding_event_put(s->session->db, change->finding.id, s->day.base.as_of, s->session->now, change->event,
	                         change->note, err);
}

/* The account is gone from its source: nothing can be done for it any more. */
static int lose(struct scoring *s, struct finding *f, struct err *err)
{
	struct finding_change change = { .finding = *f, .event = "lost", .note = "the account is gone" };

	if (f->closed_on != DAY_NONE)
		return 0;
	change.finding.state = FINDING_LOST;
	change.finding.closed_on = change.finding.updated_on = s->day.base.as_of;
	return save_change(s, &change, err);
}

static int save_account(struct scoring *s, const struct diagnosis *d, const struct finding *was, size_t n_was,
                        struct arena *a, struct err *err)
{
	struct finding_change *changes = arena_array(a, n_was + 4, sizeof *changes);
	size_t n;

	if (d->account->is_customer && save_score(s, d, a, err) < 0)
		return -1;
	if (!s->keeps_findings)
		return 0;
	n = findings_decide(d, was, n_was, a, changes);
	for (size_t i = 0; i < n; i++)
		if (save_change(s, &changes[i], err) < 0)
			return -1;
	return 0;
}

/* The findings from *at on whose account is below id are of accounts that are no more. */
static int lose_below(struct scoring *s, struct finding *was, size_t n_was, int64_t id, size_t *at, struct err *err)
{
	for (; *at < n_was && was[*at].account < id; ++*at)
		if (s->keeps_findings && lose(s, &was[*at], err) < 0)
			return -1;
	return 0;
}

/* Diagnoses some accounts and saves what is said of them. Ids from from_id to to_id are theirs. */
static int score_some(struct scoring *s, size_t first, size_t n, int64_t from_id, int64_t to_id, struct arena *a,
                      struct err *err)
{
	struct diagnosis *diagnoses = arena_array(a, n + 1, sizeof *diagnoses);
	int32_t since = s->day.base.as_of - FINDING_MEMORY_DAYS;
	struct finding *was;
	size_t n_was, at = 0;

	if (diagnose_accounts(&s->day, first, n, a, diagnoses, err) < 0 ||
	    scores_clear(s->session->db, from_id, to_id, s->day.base.as_of, err) < 0 ||
	    findings_of_accounts(s->session->db, from_id, to_id, since, a, &was, &n_was, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t from;

		if (lose_below(s, was, n_was, diagnoses[i].account->id, &at, err) < 0)
			return -1;
		for (from = at; at < n_was && was[at].account == diagnoses[i].account->id; at++)
			;
		if (save_account(s, &diagnoses[i], was + from, at - from, a, err) < 0)
			return -1;
	}
	return lose_below(s, was, n_was, INT64_MAX, &at, err);
}

/* All accounts, in transactions of some chunks: reading within them saves SQLite a lock for each statement. */
static int score_all(struct scoring *s, struct txn *txn, struct arena *a, struct err *err)
{
	const struct fact_member *members = s->day.base.members;
	size_t n = s->day.base.n_members;

	for (size_t first = 0, chunk = 1; first < n; first += CHUNK, chunk++) {
		size_t some = n - first < CHUNK ? n - first : CHUNK;
		int64_t from_id = first ? members[first].id : INT64_MIN;
		int64_t to_id = first + some < n ? members[first + some].id - 1 : INT64_MAX;

		if (score_some(s, first, some, from_id, to_id, a, err) < 0)
			return -1;
		arena_reset(a);
		if (chunk % COMMITTED == 0 && (txn_commit(txn, err) < 0 || txn_begin(txn, s->session->db, err) < 0))
			return -1;
	}
	return 0;
}

static int score_day(struct scoring *s, int32_t day, struct err *err)
{
	CLEANUP(arena_freep) struct arena *of_day = arena_new(0), *of_chunk = NULL;
	CLEANUP(txn_end) struct txn txn = { 0 };

	of_chunk = arena_new(0);
	s->tally = (struct tally){ 0 };
	if (txn_begin(&txn, s->session->db, err) < 0 ||
	    config_seen_put(s->session->db, s->session->org->hash, s->session->now, err) < 0 ||
	    diagnose_day(s->session, day, of_day, &s->day, err) < 0)
		return err_in(err, "score %s", day_text(s->cli->arena, day));
	s->keeps_findings = s->day.scored_on <= day;
	s->day.is_sweep = s->day.query.reads_ahead = true;
	if (score_all(s, &txn, of_chunk, err) < 0 || txn_commit(&txn, err) < 0)
		return err_in(err, "score %s", day_text(s->cli->arena, day));
	return 0;
}

static void add_row(struct scoring *s, struct table *t, int32_t day)
{
	struct arena *a = s->cli->arena;
	const struct tally *n = &s->tally;
	const int64_t counts[] = { n->n_scored,   n->n_at_risk, n->n_watch, n->n_ready,
		                       n->n_emerging, n->n_opened,  n->n_closed };
	const char *cells[1 + ARRAY_LEN(counts)] = { day_text(a, day) };

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		cells[1 + i] = cell_int(a, counts[i]);
	table_row(t, cells);
}

/* --from and --to; without them the one day. */
static int read_days(const struct cli *c, const struct session *s, int32_t *out_from, int32_t *out_to, struct err *err)
{
	*out_from = *out_to = s->as_of;
	if (cli_option_day(c, "from", out_from, err) < 0 || cli_option_day(c, "to", out_to, err) < 0)
		return -1;
	if (*out_from > *out_to || *out_to > s->today)
		return err_set(err, ERR_USAGE, "expected days from --from up to --to, today at the latest");
	return 0;
}

/* Without this a company that connected only its CRM would look at an empty diagnosis and not know why. */
static int tell_left_out(struct cli *c, const struct session *s, struct err *err)
{
	int64_t n;

	if (accounts_undecided(s->db, &n, err) < 0)
		return -1;
	if (n > 0 && c->verbosity >= 0)
		(void)fprintf(stderr, "%s\n", left_out_text(c->arena, n, s->org->name));
	return 0;
}

/* What keeps a month from being closed is told; the day's scores stay all the same. */
static int close_months(const struct scoring *s, int32_t day, struct err *err)
{
	struct cli *c = s->cli;

	if (nrr_close(s->session, day, err) == 0 && (day != s->session->today || nrr_forecast_store(s->session, err) == 0))
		return 0;
	if (err->kind != ERR_CONFIG && err->kind != ERR_INPUT)
		return -1;
	if (c->verbosity >= 0)
		(void)fprintf(stderr, "%s: %s\n", day_text(c->arena, day), text_clean(c->arena, err->text, sizeof err->text));
	return 0;
}

int cmd_score(struct cli *c, struct err *err)
{
	static const struct table_column columns[] = {
		{ "day", false },  { "accounts", true }, { "at_risk", true }, { "watch", true },
		{ "ready", true }, { "emerging", true }, { "opened", true },  { "closed", true },
	};
	CLEANUP(session_close) struct session session = { 0 };
	struct table *table = table_new(c->arena, columns, ARRAY_LEN(columns));
	struct scoring s = { .cli = c, .session = &session };
	int32_t from, to;

	if (session_open(c, DB_WRITE, &session, err) < 0 || read_days(c, &session, &from, &to, err) < 0)
		return -1;
	for (int32_t day = from; day <= to; day++) {
		if (score_day(&s, day, err) < 0 || close_months(&s, day, err) < 0)
			return -1;
		add_row(&s, table, day);
		if (from < to && isatty(STDERR_FILENO))
			(void)fprintf(stderr, "\rscored %s%s", day_text(c->arena, day), day < to ? "" : "\n");
	}
	if (c->verbosity >= 0)
		table_print(table, c->format);
	return tell_left_out(c, &session, err);
}

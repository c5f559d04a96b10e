#include <stdio.h>

#include "commands.h"
#include "diagnose.h"
#include "score/explain.h"
#include "score/lexicon.h"

enum { MAX_OUTPUT = 1 << 20, HISTORY_DAYS = 400, MARKS = 12, MARK_DAYS = 30, MOMENTS_A_MARK = 200 };

static int tell_similar(const struct diagnosing *day, unsigned kinds, int32_t horizon, struct arena *a,
                        struct similar_accounts *io, struct err *err)
{
	for (int i = 0; i < io->n; i++) {
		struct outcomes outcomes;

		if (outcomes_load_of(day->session->db, day->base.as_of, io->at[i].account, a, &outcomes, err) < 0)
			return -1;
		similar_tell(&io->at[i], &outcomes, kinds, horizon);
	}
	similar_count(io);
	return 0;
}

/* Accounts that looked like this one a horizon ago and earlier, and what became of them: only where there is something
 * to be said of this one, as almost everybody looks like an account that is well. */
static int find_similar(const struct diagnosing *day, const struct diagnosis *d, int engine, struct arena *a,
                        struct explain_more *out, struct err *err)
{
	static const unsigned kinds[N_ENGINES] = { OUTCOME_LOSSES, OUTCOME_GAINS };
	const struct verdict *v = &d->verdicts[engine];
	int32_t horizon = (int32_t)out->settings->horizon_days, as_of = day->base.as_of;
	int32_t until = day->contracts_from == DAY_NONE ? DAY_NONE : outcomes_until(as_of);
	struct past_query query = { engine == ENGINE_EXPANSION, d->account->id, 0, v->score, MOMENTS_A_MARK };
	struct past_moment *all = NULL;
	size_t n_all = 0;

	if (v->band == 0)
		return 0;
	for (int mark = 0; mark < MARKS; mark++) {
		const struct past_moment *some;
		size_t n;

		query.on = as_of - horizon - mark * MARK_DAYS;
		if (past_moments(day->session->db, &query, a, &some, &n, err) < 0)
			return -1;
		all = arena_grow(a, all, n_all, n_all + n, sizeof *all);
		for (size_t i = 0; i < n; i++)
			all[n_all++] = some[i];
	}
	out->similar[engine] = similar_find(v, all, n_all, until, horizon, a);
	return tell_similar(day, kinds[engine], horizon, a, &out->similar[engine], err);
}

static int look_back(const struct diagnosing *day, const struct diagnosis *d, struct arena *a, struct explain_more *out,
                     struct err *err)
{
	int32_t as_of = day->base.as_of;

	if (past_scores(day->session->db, d->account->id, as_of - HISTORY_DAYS, as_of, a, &out->history, &out->n_history,
	                err) < 0)
		return -1;
	for (int engine = 0; engine < N_ENGINES; engine++)
		if (find_similar(day, d, engine, a, out, err) < 0)
			return -1;
	return 0;
}

static void print(const struct cli *c, const struct diagnosis *d, const struct explain_more *more, struct buf *out)
{
	if (c->format == FORMAT_JSON) {
		explain_json(d, more, c->arena, out);
		buf_char(out, '\n');
		return;
	}
	explain_text(d, more, c->arena, out);
	if (c->verbosity > 0)
		explain_table(d, c->arena, out);
}

/* Lexicons take longer to read than all else that is said of an account, and many have no texts: only those that have
 * one are judged again with them. */
static int diagnose_all(const struct cli *c, const struct diagnosing *day, size_t index, struct diagnosis *out,
                        struct err *err)
{
	if (diagnose_account(day, index, c->arena, out, err) < 0)
		return -1;
	if (!lexicon_is_needed(out->account))
		return 0;
	return session_lexicons(c, day->session, err) < 0 ? -1 : diagnose_account(day, index, c->arena, out, err);
}

/* Reads only: recomputes what score would say, so that it can be checked against what was said. */
int cmd_explain(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session session = { 0 };
	CLEANUP(txn_end) struct txn snapshot = { 0 }; /* one state of the database, and one lock for all that is read */
	CLEANUP(buf_done) struct buf text;
	struct explain_more more = { 0 };
	struct diagnosing day;
	struct diagnosis diagnosis;
	size_t index;

	buf_init(&text, MAX_OUTPUT);
	if (c->format == FORMAT_CSV)
		return err_set(err, ERR_USAGE, "--format csv: a diagnosis is no table, expected table or json");
	if (session_open(c, DB_READ, &session, err) < 0 || db_read_once(session.db, err) < 0 ||
	    txn_begin(&snapshot, session.db, err) < 0 ||
	    diagnose_one(&session, session.as_of, c->args[0], c->arena, &day, &index, err) < 0 ||
	    diagnose_all(c, &day, index, &diagnosis, err) < 0)
		return -1;
	more.settings = &session.org->score;
	more.config_hash = session.org->hash;
	score_changes(more.settings, c->arena, &diagnosis);
	if (look_back(&day, &diagnosis, c->arena, &more, err) < 0)
		return -1;
	print(c, &diagnosis, &more, &text);
	if (text.is_full)
		return err_set(err, ERR_INPUT, "the diagnosis of %s takes more than %d bytes", c->args[0], MAX_OUTPUT);
	(void)fputs(text.at, stdout);
	return 0;
}

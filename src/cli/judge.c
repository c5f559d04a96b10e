#include "judge.h"

#include "score/finding.h"
#include "score_pack.h"
#include "store/facts_walk.h"
#include "store/usage_ahead.h"
#include "workers.h"

enum {
	CHUNK = 128,      /* accounts whose facts are in memory together: few enough for the processor's cache */
	BLOCK_IDS = 8128, /* accounts whose usage lies together */
	SMALL_UNIT = 1024,
	UNITS_EACH = 4    /* of a process, at least: with fewer the last one would be waited for */
};

static void settle(struct judging *j)
{
	facts_forget_days(&j->day.base);
	j->day.session = &j->session;
	j->day.is_sweep = j->day.query.reads_ahead = true;
	j->keeps_findings = j->day.scored_on <= j->day.base.as_of;
}

int judge_begin(struct judging *j, int32_t as_of, struct arena *of_day, struct err *err)
{
	if (diagnose_day(&j->session, as_of, of_day, &j->day, err) < 0)
		return -1;
	settle(j);
	return 0;
}

/* What others do for the first, by connections of their own: one works out what is usual from the start, the others
 * walk over the base as the first does once it has begun it. */
struct helping {
	struct session session;
	const struct diagnosing *day;
	int32_t as_of;
	size_t n;
};

static int help_load(void *state, size_t *out_units, struct err *err)
{
	const struct helping *h = state;

	(void)err;
	*out_units = h->n;
	return 0;
}

static int help_open(void *state, struct err *err)
{
	struct helping *h = state;

	return db_open(h->session.org->db_path, DB_READ, &h->session.db, err);
}

static int rate(void *state, size_t unit, struct worker_out *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(txn_end) struct txn snapshot = { 0 };
	struct parcel p = { .out = &out->bytes, .arena = a };
	struct helping *h = state;
	struct day_rates rates;

	(void)unit;
	if (txn_begin(&snapshot, h->session.db, err) < 0 || diagnose_rates(&h->session, h->as_of, a, &rates, err) < 0)
		return -1;
	diagnose_rates_parcel(&p, &rates);
	return 0;
}

static int walk(void *state, size_t unit, struct worker_out *out, struct err *err)
{
	CLEANUP(txn_end) struct txn snapshot = { 0 };
	struct helping *h = state;

	(void)unit;
	(void)out;
	return txn_begin(&snapshot, h->session.db, err) < 0 ? -1 : facts_base_walk(h->session.db, &h->day->base, err);
}

static int start(int n, int (*work)(void *, size_t, struct worker_out *, struct err *), struct helping *io,
                 struct arena *of_day, struct workers **out, struct err *err)
{
	const struct worker_job job = { io, help_load, help_open, work };

	io->n = (size_t)n;
	return workers_start(n, &job, of_day, out, err) < 0 ? -1 : workers_go(*out, err);
}

static int take_rates(struct workers *w, struct arena *a, struct day_rates *out, struct err *err)
{
	struct parcel p = { .arena = a };
	size_t len;
	int rc = workers_next(w, &p.at, &len, err);

	if (rc < 0)
		return -1;
	p.end = rc ? p.at + len : p.at;
	diagnose_rates_parcel(&p, out);
	rc = rc && parcel_is_whole(&p) ? workers_next(w, &p.at, &len, err) : 1;
	return rc > 0 ? err_set(err, ERR_FATAL, "what is usual came in pieces") : rc;
}

static int await(struct workers *w, struct err *err)
{
	const char *data;
	size_t len;
	int rc;

	while ((rc = workers_next(w, &data, &len, err)) > 0)
		;
	return rc;
}

/* A lock for all that is read, not one a statement. */
static int open_snapshot(const struct judging *j, struct db **out_db, struct txn *out, struct err *err)
{
	return db_open(j->session.org->db_path, DB_READ, out_db, err) < 0 ? -1 : txn_begin(out, *out_db, err);
}

static int begin_base(struct judging *j, int32_t as_of, struct arena *of_day, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	CLEANUP(txn_end) struct txn snapshot = { 0 };

	j->day = diagnose_begin(&j->session, as_of, of_day);
	return open_snapshot(j, &db, &snapshot, err) < 0 ||
	       facts_base_begin(db, &j->day.query, of_day, &j->day.base, err) < 0 ? -1 : 0;
}

static int end_base(struct judging *j, struct workers *walking, struct workers *rating, struct arena *of_day,
                    struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	CLEANUP(txn_end) struct txn snapshot = { 0 };
	struct day_rates rates = { 0 };
	int rc;

	if (open_snapshot(j, &db, &snapshot, err) < 0 || facts_base_walk(db, &j->day.base, err) < 0 ||
	    await(walking, err) < 0 || take_rates(rating, of_day, &rates, err) < 0)
		return -1;
	j->session.db = db;
	rc = diagnose_end(&j->day, &rates, of_day, err);
	j->session.db = NULL;
	return rc;
}

int judge_begin_apart(struct judging *j, int32_t as_of, int n_processes, struct arena *of_day, struct err *err)
{
	CLEANUP(workers_donep) struct workers *rating = NULL;
	CLEANUP(workers_donep) struct workers *walking = NULL;
	CLEANUP(usage_ahead_endp) pid_t ahead = 0;
	struct helping helping = { .session = j->session, .day = &j->day, .as_of = as_of };

	if (start(1, rate, &helping, of_day, &rating, err) < 0 || begin_base(j, as_of, of_day, err) < 0)
		return -1;
	ahead = facts_base_ahead(&j->day.base, j->session.org->db_path);
	if (start(n_processes - 1, walk, &helping, of_day, &walking, err) < 0 ||
	    end_base(j, walking, rating, of_day, err) < 0)
		return -1;
	settle(j);
	return 0;
}

/* Whether member i is the first of a further unit. */
static bool is_first(const struct fact_base *base, bool is_small, size_t i)
{
	if (is_small)
		return i % SMALL_UNIT == 0;
	return i == 0 || base->members[i].id / BLOCK_IDS != base->members[i - 1].id / BLOCK_IDS;
}

void judge_units_of(const struct fact_base *base, int n_processes, struct arena *a, struct judge_units *out)
{
	bool is_small = base->n_members / BLOCK_IDS < (size_t)(UNITS_EACH * n_processes);
	size_t *firsts, n = 0;

	for (size_t i = 0; i < base->n_members; i++)
		n += is_first(base, is_small, i);
	firsts = arena_array(a, n + 1, sizeof *firsts);
	n = 0;
	for (size_t i = 0; i < base->n_members; i++)
		if (is_first(base, is_small, i))
			firsts[n++] = i;
	firsts[n] = base->n_members;
	*out = (struct judge_units){ n, firsts };
}

size_t judge_chunk(size_t first, size_t end)
{
	return end - first < CHUNK ? end - first : CHUNK;
}

/* The account is gone from its source: nothing can be done for it any more. */
static void lose(const struct judging *j, const struct finding *f, struct buf *out)
{
	struct finding_change change = { .finding = *f, .event = "lost", .note = "the account is gone" };

	if (f->closed_on != DAY_NONE)
		return;
	change.finding.state = FINDING_LOST;
	change.finding.closed_on = change.finding.updated_on = j->day.base.as_of;
	pack_change(out, &change);
}

/* The findings from *at on whose account is below id are of accounts that are no more. */
static void lose_below(const struct judging *j, const struct finding *was, size_t n_was, int64_t id, size_t *at,
                       struct buf *out)
{
	for (; *at < n_was && was[*at].account < id; ++*at)
		if (j->keeps_findings)
			lose(j, &was[*at], out);
}

static void pack_account(const struct judging *j, const struct diagnosis *d, const struct finding *was, size_t n_was,
                         struct arena *a, struct buf *out)
{
	struct finding_change *changes;
	size_t n;

	if (d->account->is_customer)
		pack_score(out, j->day.judge, d, a);
	if (!j->keeps_findings)
		return;
	changes = arena_array(a, n_was + N_ENGINES * 2, sizeof *changes);
	n = findings_decide(d, was, n_was, a, changes);
	for (size_t i = 0; i < n; i++)
		pack_change(out, &changes[i]);
}

/* Judges what is loaded, and packs it: account by account in the same memory, which the processor has at hand then. */
static int judge_loaded(struct judging *j, struct diagnosed *all, size_t n, const struct finding *was, size_t n_was,
                        struct buf *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t id = all->facts[i].id;
		struct diagnosis d;
		size_t from;

		if (diagnose_next(&j->day, all, a, &d, err) < 0)
			return -1;
		lose_below(j, was, n_was, id, &at, out);
		for (from = at; at < n_was && was[at].account == id; at++)
			;
		pack_account(j, &d, was + from, at - from, a, out);
		arena_reset(a);
	}
	lose_below(j, was, n_was, INT64_MAX, &at, out);
	return 0;
}

int judge_some(struct judging *j, size_t first, size_t n, struct buf *out, struct err *err)
{
	const struct fact_base *base = &j->day.base;
	int64_t from_id = first ? base->members[first].id : INT64_MIN;
	int64_t to_id = first + n < base->n_members ? base->members[first + n].id - 1 : INT64_MAX;
	struct diagnosed all;
	struct finding *was;
	size_t n_was;

	if (diagnose_load(&j->day, first, n, j->of_chunk, &all, err) < 0 ||
	    findings_of_accounts(j->session.db, from_id, to_id, base->as_of - FINDING_MEMORY_DAYS, j->of_chunk, &was,
	                         &n_was, err) < 0)
		return -1;
	if (first == 0)
		pack_setting(out, j->day.judge);
	if (first == 0 && j->keeps_findings)
		pack_base(out, &j->day);
	if (judge_loaded(j, &all, n, was, n_was, out, err) < 0)
		return -1;
	arena_reset(j->of_chunk);
	return 0;
}

#include "diagnose.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "score/speed.h"
#include "store/base_kept.h"
#include "store/facts_walk.h"

enum { SCORES_LAST_DAYS = 30 }; /* a band of longer ago is no band before */

static const struct fact_patience *patience_of(const struct org_settings *org, struct arena *a)
{
	const struct source_settings *sources = org->sources.at;
	struct fact_patience *out = arena_array(a, org->sources.n, sizeof *out);

	for (size_t i = 0; i < org->sources.n; i++)
		out[i] = (struct fact_patience){ sources[i].name, sources[i].stale_after_s };
	return out;
}

static int by_id(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static const int64_t *accounts_of(const struct past_finding *findings, size_t n, struct arena *a)
{
	int64_t *ids = arena_array(a, n + 1, sizeof *ids);

	for (size_t i = 0; i < n; i++)
		ids[i] = findings[i].account;
	qsort(ids, n, sizeof *ids, by_id);
	return ids;
}

/* Of as many findings as there ever were, some causes. */
static const struct fact_speed *copied(const struct fact_speed *speeds, size_t n, struct arena *a)
{
	struct fact_speed *out = arena_array(a, n + 1, sizeof *out);

	for (size_t i = 0; i < n; i++) {
		out[i] = speeds[i];
		out[i].cause = speeds[i].cause ? arena_strdup(a, speeds[i].cause) : NULL;
	}
	return out;
}

int diagnose_rates(const struct session *s, int32_t as_of, struct arena *a, struct day_rates *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new(0);
	const struct score_settings *score = &s->org->score;
	const struct past_finding *findings;
	struct outcome_counts *counts = arena_alloc(scratch, sizeof *counts);
	const struct fact_speed *speeds;
	struct day_rates r;
	struct outcomes losses;
	size_t n;

	if (past_findings(s->db, as_of, scratch, &findings, &n, err) < 0 ||
	    outcomes_count(s->db, as_of, accounts_of(findings, n, scratch), n, scratch, counts, &losses, err) < 0)
		return -1;
	r.contracts_from = counts->from;
	r.n_speeds = speed_measure(findings, n, &losses, (int32_t)score->horizon_days, scratch, &speeds);
	r.speeds = copied(speeds, r.n_speeds, a);
	r.loss_rate = outcome_counts_rate(counts, OUTCOME_LOSSES, -log1p(-score->base_risk / 100) / BASE_DAYS);
	r.growth_rate = outcome_counts_rate(counts, OUTCOME_GAINS, -log1p(-score->base_readiness / 100) / BASE_DAYS);
	*out = r;
	return 0;
}

void diagnose_rates_parcel(struct parcel *p, struct day_rates *io)
{
	parcel_bytes(p, &io->loss_rate, sizeof io->loss_rate);
	parcel_bytes(p, &io->growth_rate, sizeof io->growth_rate);
	parcel_bytes(p, &io->contracts_from, sizeof io->contracts_from);
	base_speeds_parcel(p, &io->speeds, &io->n_speeds);
}

struct diagnosing diagnose_begin(const struct session *s, int32_t as_of, struct arena *a)
{
	const struct score_settings *score = &s->org->score;

	return (struct diagnosing){
		.session = s,
		.query = { .as_of = as_of, .zone = s->zone, .patience = patience_of(s->org, a),
		           .n_patience = s->org->sources.n, .stale_days = score->stale_days,
		           .key_metrics = score->key_metrics.at, .n_key_metrics = score->key_metrics.n },
	};
}

/* What was said before. */
int diagnose_scores(const struct session *s, struct diagnosing *io, struct err *err)
{
	int32_t as_of = io->query.as_of;

	return scores_last_day(s->db, &io->scored_on, err) < 0 ||
	       scores_any(s->db, as_of - SCORES_LAST_DAYS, as_of, &io->has_before, err) < 0 ? -1 : 0;
}

int diagnose_end(struct diagnosing *io, const struct day_rates *rates, struct arena *a, struct err *err)
{
	if (facts_base_end(io->session->db, &io->query, a, &io->base, err) < 0 ||
	    diagnose_scores(io->session, io, err) < 0)
		return -1;
	io->contracts_from = rates->contracts_from;
	io->base.speeds = rates->speeds;
	io->base.n_speeds = rates->n_speeds;
	io->base.loss_rate = rates->loss_rate;
	io->base.growth_rate = rates->growth_rate;
	io->norms = norms_of(&io->base, a);
	io->judge = judge_of(&io->session->org->score, &io->base, io->norms, a);
	return 0;
}

int diagnose_day(const struct session *s, int32_t as_of, struct arena *a, struct diagnosing *out, struct err *err)
{
	struct day_rates rates;

	*out = diagnose_begin(s, as_of, a);
	if (facts_base_begin(s->db, &out->query, a, &out->base, err) < 0 ||
	    facts_base_walk(s->db, &out->base, err) < 0 || diagnose_rates(s, as_of, a, &rates, err) < 0)
		return -1;
	return diagnose_end(out, &rates, a, err);
}

int diagnose_load(const struct diagnosing *d, size_t first, size_t n, struct arena *a, struct diagnosed *out,
                  struct err *err)
{
	struct fact_account *facts = arena_array(a, n + 1, sizeof *facts);
	int32_t as_of = d->base.as_of;

	*out = (struct diagnosed){ .facts = facts };
	return !n ? 0 :
	       facts_load(d->session->db, &d->query, &d->base, first, n, a, facts, err) < 0 ||
	       scores_before(d->session->db, facts[0].id, facts[n - 1].id, as_of - SCORES_LAST_DAYS, as_of, a, &out->rows,
	                     &out->n_rows, err) < 0 ? -1 : 0;
}

/* Of the scores of the last scored day, by account; an account that has none there may have an older one. */
static int before_of(const struct diagnosing *d, const struct fact_account *f, struct diagnosed *io, struct arena *a,
                     const struct score_row **out, struct err *err)
{
	int32_t as_of = d->base.as_of;

	*out = NULL;
	if (!d->has_before)
		return 0;
	while (io->at < io->n_rows && io->rows[io->at].account < f->id)
		io->at++;
	if (io->at == io->n_rows || io->rows[io->at].account != f->id)
		return score_before(d->session->db, f->id, as_of - SCORES_LAST_DAYS, as_of, a, out, err);
	*out = &io->rows[io->at];
	return 0;
}

int diagnose_next(const struct diagnosing *d, struct diagnosed *io, struct arena *a, struct diagnosis *out,
                  struct err *err)
{
	const struct fact_account *f = &io->facts[io->i++];
	const struct score_row *before;

	*out = (struct diagnosis){ .account = f, .as_of = d->base.as_of };
	if (d->is_sweep && !f->is_customer)
		return 0;
	if (before_of(d, f, io, a, &before, err) < 0)
		return -1;
	score_account(d->judge, f, before, d->is_sweep ? WORDS_OF_BANDS : WORDS_ALL, a, out);
	return 0;
}

int diagnose_account(const struct diagnosing *d, size_t index, struct arena *a, struct diagnosis *out, struct err *err)
{
	struct diagnosed one;

	return diagnose_load(d, index, 1, a, &one, err) < 0 || diagnose_next(d, &one, a, out, err) < 0 ? -1 : 0;
}

const char *left_out_text(struct arena *a, int64_t n, const char *org)
{
	return arena_printf(a, "%" PRId64 " %s left out: neither a subscription, nor ARR, nor is_customer; map one of "
	                       "them in orgs/%s.yaml", n, n == 1 ? "account is" : "accounts are", org);
}

#include "portfolio.h"

#include <stdlib.h>
#include <string.h>

#include "diagnose.h"
#include "score/portfolio.h"
#include "store/portfolio.h"

enum { CHUNK = 64, SCORED_WITHIN_DAYS = 7 };

struct looking {
	const struct session *session;
	struct diagnosing day;
	bool (*wants)(const void *which, const char *owner_email);
	const void *which;
	const struct words *words;
	const int64_t *listed; /* accounts with findings, ascending */
	size_t n_listed;
	struct arena *kept;    /* for what outlives a chunk */
	struct portfolio found;
	size_t watermelon_room, blind_spot_room;
};

static int by_id(const void *left, const void *right)
{
	const int64_t *l = left, *r = right;

	return *l < *r ? -1 : *l > *r;
}

static struct digest_account told(const struct looking *l, const struct fact_account *f, const struct score_row *score,
                                  const char *reason)
{
	struct arena *a = l->kept;

	return (struct digest_account){
		.name = evidence_quote(a, f->name, 120), .key = arena_strdup(a, f->key),
		.owner_email = arena_strdup(a, *f->csm_email ? f->csm_email : f->am_email), .reason = arena_strdup(a, reason),
		.value_minor = score ? score->value_minor : 0,
		.currency = score && score->currency ? arena_strdup(a, score->currency) : NULL,
	};
}

static struct digest_account *add(struct arena *a, struct digest_account **list, size_t *n, size_t *room)
{
	if (*n == *room) {
		*room = *room ? 2 * *room : 64;
		*list = arena_grow(a, *list, *n, *room, sizeof **list);
	}
	return &(*list)[(*n)++];
}

/* score: the latest one, NULL when there is none. */
static void look_at(struct looking *l, const struct fact_account *f, const struct score_row *score, struct arena *a)
{
	bool was_listed = l->n_listed && bsearch(&f->id, l->listed, l->n_listed, sizeof f->id, by_id);
	const char *hidden, *unseen;

	if (!f->is_customer || !l->wants(l->which, *f->csm_email ? f->csm_email : f->am_email))
		return;
	hidden = score && score->risk_band == 0 ? watermelon_of(l->words, &l->day.base, f, score->confidence, a) : NULL;
	unseen = blind_spot_of(l->words, &l->day.base, f, was_listed, a);
	if (hidden)
		*add(l->kept, &l->found.watermelons, &l->found.n_watermelons, &l->watermelon_room) = told(l, f, score, hidden);
	if (unseen)
		*add(l->kept, &l->found.blind_spots, &l->found.n_blind_spots, &l->blind_spot_room) = told(l, f, score, unseen);
}

static int look_at_some(struct looking *l, size_t first, size_t n, struct arena *a, struct err *err)
{
	struct fact_account *facts = arena_array(a, n + 1, sizeof *facts);
	struct db *db = l->session->db;
	int32_t as_of = l->session->as_of;
	const struct score_row *scores;
	size_t n_scores, at = 0;

	if (facts_load(db, &l->day.query, &l->day.base, first, n, a, facts, err) < 0 ||
	    scores_before(db, facts[0].id, facts[n - 1].id, as_of - SCORED_WITHIN_DAYS, as_of + 1, a, &scores, &n_scores,
	                  err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		while (at < n_scores && scores[at].account < facts[i].id)
			at++;
		look_at(l, &facts[i], at < n_scores && scores[at].account == facts[i].id ? &scores[at] : NULL, a);
	}
	return 0;
}

/* By value, then by name: stable whatever the order of loading. */
static int by_worth(const void *left, const void *right)
{
	const struct digest_account *l = left, *r = right;

	if (l->value_minor != r->value_minor)
		return l->value_minor > r->value_minor ? -1 : 1;
	return strcmp(l->key, r->key);
}

int portfolio_look(const struct session *s, bool (*wants)(const void *which, const char *owner_email),
                   const void *which, const struct words *words, struct arena *a, struct portfolio *out,
                   struct err *err)
{
	CLEANUP(arena_freep) struct arena *of_chunk = arena_new(0);
	CLEANUP(arena_freep) struct arena *of_base = arena_new(0);
	struct looking l = { .session = s, .day = diagnose_begin(s, s->as_of, of_base), .wants = wants, .which = which,
		                 .words = words, .kept = a };
	int64_t *listed;
	size_t n;

	l.day.query.skips_judging = true; /* days of activity are enough */
	if (diagnose_seen(&l.day, of_base, err) < 0 ||
	    portfolio_listed(s->db, s->as_of - BLIND_DAYS, s->as_of, a, &listed, &l.n_listed, err) < 0)
		return err_in(err, "portfolio");
	l.listed = listed;
	n = l.day.base.n_members;
	for (size_t first = 0; first < n; first += CHUNK) {
		if (look_at_some(&l, first, n - first < CHUNK ? n - first : CHUNK, of_chunk, err) < 0)
			return err_in(err, "portfolio");
		arena_reset(of_chunk);
	}
	if (l.found.n_watermelons)
		qsort(l.found.watermelons, l.found.n_watermelons, sizeof *l.found.watermelons, by_worth);
	if (l.found.n_blind_spots)
		qsort(l.found.blind_spots, l.found.n_blind_spots, sizeof *l.found.blind_spots, by_worth);
	*out = l.found;
	return 0;
}

#include "owner_nrr.h"

#include <string.h>

#include "nrr_kept.h"
#include "nrr_steer.h"
#include "owner_digest.h"
#include "score/nrr.h"

enum { NRR_MONTHS = 12, NRR_LINES = 2 };

static bool is_seen_by(const void *which, const char *email)
{
	return owner_sees(which, email);
}

static const char *ratios_text(const struct words *w, struct arena *a, const struct nrr_window *now,
                               const struct nrr_window *before)
{
	if (now->why_none)
		return SAY(w, a, "digest.nrr.none", W_DATE("day", now->span.from));
	return SAY(w, a, before->why_none ? "digest.nrr.ratios" : "digest.nrr.ratios.moved", W_PERCENT("nrr", now->nrr, 1),
	           W_PERCENT("nrr_before", before->nrr, 1), W_PERCENT("grr", now->grr, 1),
	           W_PERCENT("grr_before", before->grr, 1), W_PERCENT("logos", now->logo, 1),
	           W_INT("kept", now->sums.n_start - now->sums.n_churned), W_INT("n", now->sums.n_start));
}

static struct digest_nrr nrr_part(const struct words *words, struct arena *a, const struct nrr_window *w,
                                  const struct nrr_window *before, const struct book *b)
{
	const struct nrr_sums *s = &w->sums;
	const struct {
		const char *what, *key;
		int64_t minor;
		bool is_left_out;
	} all[] = { { "start", "digest.nrr.start", s->start_minor, false },
		{ "new", "digest.nrr.new", s->added_minor, false },
		{ "expansion", "digest.nrr.expansion", s->expansion_minor, false },
		{ "reactivation", "digest.nrr.reactivation", s->reactivation_minor, false },
		{ "exchange", "digest.nrr.exchange", s->fx_minor, b->n_currencies <= 1 },
		{ "contraction", "digest.nrr.contraction", -s->contraction_minor, false },
		{ "churn", "digest.nrr.churn", -s->churn_minor, false }, { "end", "digest.nrr.end", s->end_minor, false } };
	struct digest_nrr n = { .currency = b->currency, .has_ratios = !w->why_none, .nrr = w->nrr, .grr = w->grr,
		                    .logo = w->logo };

	n.title = SAY(words, a, "digest.nrr.title", W_DATE("from", w->span.from), W_DATE("to", w->span.to));
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i].is_left_out)
			continue;
		n.minor[n.n_steps] = all[i].minor;
		n.steps[n.n_steps].what = all[i].what;
		n.steps[n.n_steps].label = words_text(words, a, all[i].key);
		n.steps[n.n_steps++].amount = words_one(words, a, &(struct word)W_MONEY("", all[i].minor, b->currency));
	}
	n.ratios = ratios_text(words, a, w, before);
	return n;
}

/* Which engine to work on first, and what open findings are worth to this quarter. */
static int add_advice(const struct session *s, const struct owner_settings *owner, const struct book *book,
                      struct arena *a, struct digest_nrr *out, struct err *err)
{
	struct nrr_scope scope = { s, book, s->as_of, owner->manages.n ? is_seen_by : NULL, owner, false };
	const char **lines = arena_array(a, NRR_LINES, sizeof *lines);
	struct steer_input in;
	struct steer steer;

	if (nrr_steer_load(&scope, false, a, &in, err) < 0)
		return -1;
	in.words = owner->words;
	steer_make(&in, a, &steer);
	if (!steer.why_none)
		lines[out->n_lines++] = steer.first;
	if (steer.worth && in.n_findings && !in.so_far->why_none)
		lines[out->n_lines++] = steer.worth;
	out->lines = lines;
	return 0;
}

static int sum_books(const struct owner_settings *owner, const struct book *book, struct nrr_span span, struct arena *a,
                     struct nrr_window *out, struct err *err)
{
	const struct nrr_query query = { &span, 1, 1u << NRR_BY_OWNER };
	struct nrr_window sum = { .span = span, .why_none = "insufficient history: no recurring revenue is known" };
	struct nrr_table tables[N_NRR_BY];

	if (nrr_compute(book, &query, a, tables, err) < 0)
		return -1;
	for (size_t i = 0; i < tables[NRR_BY_OWNER].n; i++)
		if (owner_sees(owner, tables[NRR_BY_OWNER].rows[i].group))
			nrr_add(&sum, &tables[NRR_BY_OWNER].rows[i]);
	*out = sum;
	return 0;
}

/* The last twelve months of the books that the manager sees, against what they were a month ago (not where there is no
 * rate for that). only: of revenue in that currency; NULL: of all, in the organisation's. */
static int books_nrr(const struct session *s, const struct owner_settings *owner, const struct revenue *facts,
                     const char *only, struct arena *a, struct digest_nrr *out, struct err *err)
{
	const struct book_query wanted = { .currency = s->org->currency, .only = only };
	const struct nrr_span span = { day_add_months(s->as_of, -NRR_MONTHS), s->as_of };
	const struct nrr_span earlier = { day_add_months(s->as_of, -NRR_MONTHS - 1), day_add_months(s->as_of, -1) };
	struct nrr_window now, before = { .why_none = "no rate" };
	struct book book;

	if (book_make(facts, &s->org->nrr, &wanted, a, &book, err) < 0 ||
	    sum_books(owner, &book, span, a, &now, err) < 0 ||
	    (sum_books(owner, &book, earlier, a, &before, err) < 0 && err->kind != ERR_CONFIG))
		return -1;
	*out = nrr_part(owner->words, a, &now, &before, &book);
	return add_advice(s, owner, &book, a, out, err);
}

/* In the organisation's currency. A digest is sent whether or not there is a rate of exchange: without one it is of the
 * revenue in that currency and says which rate is missing. */
static int manager_nrr(const struct session *s, const struct owner_settings *owner, struct arena *a,
                       struct digest_nrr *out, struct err *err)
{
	struct revenue facts;
	struct err missing;
	const char *advice;

	if (revenue_load(s->db, &(struct revenue_query){ s->as_of, s->org->currency }, a, &facts, err) < 0)
		return -1;
	if (books_nrr(s, owner, &facts, NULL, a, out, &missing) == 0)
		return 0;
	if (missing.kind != ERR_CONFIG) {
		*err = missing;
		return -1;
	}
	if (books_nrr(s, owner, &facts, s->org->currency, a, out, err) < 0)
		return -1;
	advice = strstr(missing.text, ": load"); /* there is no option for a digest */
	if (strcmp(words_language(owner->words), "en") != 0) { /* which rate it is, is only told in English */
		out->ratios = SAY(owner->words, a, "digest.nrr.no_rate", W_TEXT("ratios", out->ratios));
		return 0;
	}
	out->ratios = SAY(owner->words, a, "digest.nrr.left_out", W_TEXT("ratios", out->ratios),
	                  W_TEXT("why", arena_strndup(a, missing.text, advice ? (size_t)(advice - missing.text) :
	                                                                        strlen(missing.text))));
	return 0;
}

static void say(struct digest_nrr *n, const char *line, struct arena *a)
{
	const char **lines = arena_grow(a, n->lines, n->n_lines, n->n_lines + 1, sizeof *lines);

	lines[n->n_lines++] = line;
	n->lines = lines;
}

/* Closed months that moved since the digest before, or since yesterday. */
static int say_moved(const struct session *s, const struct owner_settings *owner, int32_t before_on, struct arena *a,
                     struct digest_nrr *out, struct err *err)
{
	const struct nrr_moved_query query = { is_seen_by, owner, before_on == DAY_NONE ? s->as_of - 1 : before_on,
		owner->words };
	const char *line;

	if (nrr_moved(s, &query, a, &line, err) < 0)
		return -1;
	if (line)
		say(out, line, a);
	return 0;
}

static void say_policy(const struct session *s, const struct words *w, struct arena *a, struct digest_nrr *out)
{
	const struct nrr_policy *p = &s->org->nrr;

	say(out, SAY(w, a, "digest.nrr.policy", W_TEXT("preset", p->preset), W_TEXT("hash", nrr_policy_hash(p, a))), a);
}

int owner_nrr(const struct session *s, const struct owner_settings *owner, int32_t before_on, struct arena *a,
              struct digest_nrr *out, struct err *err)
{
	if (manager_nrr(s, owner, a, out, err) < 0 || say_moved(s, owner, before_on, a, out, err) < 0)
		return -1;
	say_policy(s, owner->words, a, out);
	return 0;
}

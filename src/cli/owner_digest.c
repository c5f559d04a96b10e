#include "owner_digest.h"

#include <inttypes.h>
#include <string.h>

#include "common/money.h"
#include "common/text.h"
#include "nrr_kept.h"
#include "nrr_steer.h"
#include "portfolio.h"
#include "score/nrr.h"
#include "store/slots.h"

enum { NRR_MONTHS = 12, NRR_LINES = 2 };

const char *owner_kind(const struct owner_settings *owner)
{
	static const char *const kinds[] = { [ROLE_CSM] = "csm", [ROLE_AM] = "am", [ROLE_MANAGER] = "manager" };

	return kinds[owner->role];
}

int owner_zone(const struct session *s, const struct owner_settings *owner, struct arena *a, const struct zone **out,
               struct err *err)
{
	if (owner->zone)
		return zone_open(a, owner->zone, out, err);
	*out = s->zone;
	return 0;
}

/* Whether a book is one that this owner sees. */
static bool sees(const struct owner_settings *owner, const char *email)
{
	if (owner->role != ROLE_MANAGER)
		return text_equal_fold(owner->email, email);
	for (size_t i = 0; i < owner->manages.n; i++)
		if (text_equal_fold(owner->manages.at[i], email))
			return true;
	return owner->manages.n == 0;
}

static size_t keep_seen(const struct owner_settings *owner, struct digest_finding *findings, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (sees(owner, findings[i].f.owner_email))
			findings[kept++] = findings[i];
	return kept;
}

static struct digest_nrr nrr_part(struct arena *a, const struct nrr_window *w, const struct book *b)
{
	const struct nrr_sums *s = &w->sums;
	const struct {
		const char *what;
		int64_t minor;
		bool is_left_out;
	} all[] = { { "start", s->start_minor, false }, { "new", s->added_minor, false },
		{ "expansion", s->expansion_minor, false }, { "reactivation", s->reactivation_minor, false },
		{ "exchange", s->fx_minor, b->n_currencies <= 1 }, { "contraction", -s->contraction_minor, false },
		{ "churn", -s->churn_minor, false }, { "end", s->end_minor, false } };
	struct digest_nrr n = { .currency = b->currency, .has_ratios = !w->why_none, .nrr = w->nrr, .grr = w->grr,
		                    .logo = w->logo };

	n.title = arena_printf(a, "Recurring revenue per month, %s to %s", day_text(a, w->span.from),
	                       day_text(a, w->span.to));
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i].is_left_out)
			continue;
		n.minor[n.n_steps] = all[i].minor;
		n.steps[n.n_steps].what = all[i].what;
		n.steps[n.n_steps++].amount = money_text(a, all[i].minor, b->currency);
	}
	n.ratios = w->why_none;
	if (n.has_ratios)
		n.ratios = arena_printf(a, "NRR %.1f %%, GRR %.1f %%, logos kept %.1f %% (%" PRId64 " of %" PRId64 ")",
		                        100 * w->nrr,
		                        100 * w->grr, 100 * w->logo, w->sums.n_start - w->sums.n_churned, w->sums.n_start);
	return n;
}

static bool is_seen_by(const void *which, const char *email)
{
	return sees(which, email);
}

/* Which engine to work on first, and what open findings are worth to this quarter. */
static int add_advice(const struct session *s, const struct owner_settings *owner, const struct book *book,
                      struct arena *a, struct digest_nrr *out, struct err *err)
{
	struct nrr_scope scope = { s, book, s->as_of, owner->manages.n ? is_seen_by : NULL, owner,
		                       false };
	const char **lines = arena_array(a, NRR_LINES, sizeof *lines);
	struct steer_input in;
	struct steer steer;

	if (nrr_steer_load(&scope, false, a, &in, err) < 0)
		return -1;
	steer_make(&in, a, &steer);
	if (!steer.why_none)
		lines[out->n_lines++] = steer.first;
	if (steer.worth && in.n_findings)
		lines[out->n_lines++] = steer.worth;
	out->lines = lines;
	return 0;
}

/* The last twelve months of the books that the manager sees. only: of revenue in that currency; NULL: of all, in the
 * organisation's. */
static int books_nrr(const struct session *s, const struct owner_settings *owner, const struct revenue *facts,
                     const char *only, struct arena *a, struct digest_nrr *out, struct err *err)
{
	struct book_query wanted = { .currency = s->org->currency, .only = only };
	struct nrr_window sum = { .span = { day_add_months(s->as_of, -NRR_MONTHS), s->as_of } };
	struct nrr_query windows = { &sum.span, 1, 1u << NRR_BY_OWNER };
	struct nrr_table tables[N_NRR_BY];
	struct book book;

	if (book_make(facts, &s->org->nrr, &wanted, a, &book, err) < 0 ||
	    nrr_compute(&book, &windows, a, tables, err) < 0)
		return -1;
	sum.why_none = "insufficient history: no recurring revenue is known";
	for (size_t i = 0; i < tables[NRR_BY_OWNER].n; i++)
		if (sees(owner, tables[NRR_BY_OWNER].rows[i].group))
			nrr_add(&sum, &tables[NRR_BY_OWNER].rows[i]);
	*out = nrr_part(a, &sum, &book);
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
	out->ratios = arena_printf(a, "%s; revenue in other currencies is left out (%.*s)", out->ratios,
	                           advice ? (int)(advice - missing.text) : (int)sizeof missing.text, missing.text);
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
	const struct nrr_moved_query query = { is_seen_by, owner, before_on == DAY_NONE ? s->as_of - 1 : before_on };
	const char *line;

	if (nrr_moved(s, &query, a, &line, err) < 0)
		return -1;
	if (line)
		say(out, line, a);
	return 0;
}

static void say_policy(const struct session *s, struct arena *a, struct digest_nrr *out)
{
	const struct nrr_policy *p = &s->org->nrr;

	say(out, arena_printf(a, "Policy %s, hash %s: `retaind nrr --policy` has its rules.", p->preset,
	                      nrr_policy_hash(p, a)), a);
}

static void add_plays(const struct session *s, struct arena *a, struct digest_input *in)
{
	const struct play_settings *plays = s->org->score.plays.at;
	struct digest_play *out = arena_array(a, s->org->score.plays.n, sizeof *out);

	for (size_t i = 0; i < s->org->score.plays.n; i++)
		out[i] = (struct digest_play){ plays[i].name, plays[i].title, plays[i].first_step };
	in->plays = out;
	in->n_plays = s->org->score.plays.n;
}

static void add_people(const struct session *s, struct arena *a, struct digest_input *in)
{
	const struct owner_settings *owners = s->org->owners.at;
	struct digest_person *out = arena_array(a, s->org->owners.n, sizeof *out);

	for (size_t i = 0; i < s->org->owners.n; i++)
		out[i] = (struct digest_person){ owners[i].email, owners[i].name };
	in->people = out;
	in->n_people = s->org->owners.n;
}

static void add_sources(const struct session *s, struct arena *a, struct digest_input *in)
{
	const struct source_settings *sources = s->org->sources.at;
	struct digest_source *out = arena_array(a, s->org->sources.n, sizeof *out);

	for (size_t i = 0; i < s->org->sources.n; i++)
		out[i] = (struct digest_source){ sources[i].name, sources[i].stale_after_s };
	in->sources = out;
	in->n_sources = s->org->sources.n;
}

static void add_hosts(const struct session *s, struct arena *a, struct digest_input *in)
{
	const struct source_settings *sources = s->org->sources.at;
	const char **hosts = arena_array(a, s->org->sources.n, sizeof *hosts);

	for (size_t i = 0; i < s->org->sources.n; i++) {
		const char *host = digest_url_host(a, sources[i].base_url);

		if (host)
			hosts[in->n_hosts++] = host;
	}
	in->hosts = hosts;
}

/* How old what it is made from is: of the scores, and whether a sync is still under way or failed. */
static int load_age(const struct session *s, struct digest_input *in, struct err *err)
{
	struct schedule_state state;
	int32_t scored_on;

	if (scores_last_day(s->db, &scored_on, err) < 0 || schedule_state_load(s->db, &state, err) < 0)
		return -1;
	if (scored_on == DAY_NONE)
		in->scores_age_days = -1;
	else if (scored_on < in->as_of_on)
		in->scores_age_days = in->as_of_on - scored_on;
	/* INSTANT_NONE is below every instant. */
	if (in->as_of_on == s->today && state.sync_started_at > state.sync_ok_started_at)
		in->syncing_since = state.sync_started_at;
	return 0;
}

static int load_said(const struct session *s, const struct owner_settings *owner, struct digest_input *in,
                     struct arena *a, struct err *err)
{
	struct digest_before before;
	struct digest_finding *findings;
	struct digest_missed *missed;
	struct digest_source_state *states;

	if (digest_before_load(s->db, owner->email, in->kind, in->local_on, &before, err) < 0 ||
	    digest_findings_load(s->db, &before, owner->role == ROLE_MANAGER ? NULL : owner->email, in->as_of_on, a,
	                         &findings, &in->n_findings, err) < 0 ||
	    digest_missed_load(s->db, owner->email, before.local_on, in->local_on, a, &missed, &in->n_missed, err) < 0 ||
	    digest_sources_load(s->db, a, &states, &in->n_states, err) < 0 || load_age(s, in, err) < 0)
		return -1;
	in->n_findings = keep_seen(owner, findings, in->n_findings);
	in->findings = findings;
	in->before_on = before.local_on;
	in->missed = missed;
	in->states = states;
	return 0;
}

/* What only a manager is told: how revenue went, and whom no finding is about but should be looked at. */
static int add_managers(const struct session *s, const struct owner_settings *owner, struct arena *a,
                        struct digest_nrr *nrr, struct digest_input *in, struct err *err)
{
	struct portfolio p;

	if (manager_nrr(s, owner, a, nrr, err) < 0 || say_moved(s, owner, in->before_on, a, nrr, err) < 0 ||
	    portfolio_look(s, is_seen_by, owner, a, &p, err) < 0)
		return -1;
	say_policy(s, a, nrr);
	in->nrr = nrr;
	in->watermelons = p.watermelons;
	in->n_watermelons = p.n_watermelons;
	in->blind_spots = p.blind_spots;
	in->n_blind_spots = p.n_blind_spots;
	return 0;
}

int owner_digest(const struct session *s, const struct owner_settings *owner, int32_t local_on, struct arena *a,
                 struct digest *out, struct err *err)
{
	struct digest_input in = { .words = owner->words, .org = s->org->name,
		.org_title = s->org->title, .account_url = s->org->account_url,
		.owner_email = owner->email, .owner_name = owner->name, .kind = owner_kind(owner),
		.capacity = owner->capacity > 0 ? (size_t)owner->capacity : 0, .local_on = local_on, .as_of_on = s->as_of,
		.made_at = s->now };
	struct digest_nrr *nrr = arena_alloc(a, sizeof *nrr);

	add_plays(s, a, &in);
	add_people(s, a, &in);
	add_sources(s, a, &in);
	add_hosts(s, a, &in);
	if (owner_zone(s, owner, a, &in.zone, err) < 0 || load_said(s, owner, &in, a, err) < 0 ||
	    (owner->role == ROLE_MANAGER && add_managers(s, owner, a, nrr, &in, err) < 0))
		return err_in(err, "digest of %s", owner->email);
	digest_compose(&in, a, out);
	return 0;
}

int owner_render_to(const struct session *s, const struct owner_settings *owner, const struct channel_settings *channel,
                    const char *key, struct arena *a, struct render_to *out, struct err *err)
{
	const struct zone *zone;

	if (owner_zone(s, owner, a, &zone, err) < 0)
		return -1;
	*out = (struct render_to){ .message_key = key, .offset_s = zone_offset(zone, s->now) };
	if (channel) {
		out->from = channel->from;
		out->reply_to = channel->reply_to;
		out->unsubscribe_url = channel->unsubscribe_url;
	}
	return 0;
}

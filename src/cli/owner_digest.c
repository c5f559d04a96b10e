#include "owner_digest.h"

#include <string.h>

#include "answering.h"
#include "common/text.h"
#include "owner_nrr.h"
#include "portfolio.h"
#include "store/slots.h"

enum { PRECISION_DAYS = 365 };

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

/* Whether somebody else sees what is nobody's. */
static bool has_head(const struct session *s)
{
	const struct owner_settings *owners = s->org->owners.at;

	for (size_t i = 0; i < s->org->owners.n; i++)
		if (owners[i].role == ROLE_MANAGER && owners[i].manages.n == 0)
			return true;
	return false;
}

bool owner_sees(const struct owner_settings *owner, const char *email)
{
	if (owner->role != ROLE_MANAGER)
		return text_equal_fold(owner->email, email);
	for (size_t i = 0; i < owner->manages.n; i++)
		if (text_equal_fold(owner->manages.at[i], email))
			return true;
	return owner->manages.n == 0;
}

static bool is_seen_by(const void *which, const char *email)
{
	return owner_sees(which, email);
}

/* Whether it was given away by somebody whose book a manager sees. */
static bool gave(const struct owner_settings *owner, const struct digest_finding *d)
{
	return owner->role == ROLE_MANAGER && d->given_by && owner_sees(owner, d->given_by);
}

/* What is nobody's must not be unseen: it is for the manager who sees everything, else for each. */
static size_t keep_seen(const struct session *s, const struct owner_settings *owner, struct digest_finding *findings,
                        size_t n)
{
	bool wants_nobodys = owner->role == ROLE_MANAGER && !has_head(s);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const char *email = findings[i].f.owner_email;

		if (owner_sees(owner, email) || (text_is_blank(email) && (wants_nobodys || gave(owner, &findings[i]))))
			findings[kept++] = findings[i];
	}
	return kept;
}

static struct digest_play play_for(const struct words *w, const struct play_settings *play, struct arena *a)
{
	const struct play_words *languages = play->languages.at;
	struct digest_play out = { play->name, play->title, play->first_step };

	for (size_t i = 0; i < play->languages.n; i++) {
		if (strcmp(languages[i].language, words_language(w)) != 0)
			continue;
		out.title = words_literal(w, a, languages[i].title);
		out.first_step = words_literal(w, a, languages[i].first_step);
	}
	return out;
}

static void add_plays(const struct session *s, struct arena *a, struct digest_input *in)
{
	const struct play_settings *plays = s->org->score.plays.at;
	struct digest_play *out = arena_array(a, s->org->score.plays.n, sizeof *out);

	for (size_t i = 0; i < s->org->score.plays.n; i++)
		out[i] = play_for(in->words, &plays[i], a);
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
	if (in->as_of_on == s->today && state.sync_ok_started_at != INSTANT_NONE)
		in->synced_at = state.sync_ok_started_at;
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
	    digest_missed_load(s->db, owner->email, before.local_on, in->local_on, s->now, a, &missed, &in->n_missed,
	                       err) < 0 ||
	    digest_sources_load(s->db, a, &states, &in->n_states, err) < 0 || load_age(s, in, err) < 0)
		return -1;
	in->n_findings = keep_seen(s, owner, findings, in->n_findings);
	in->findings = findings;
	in->before_on = before.local_on;
	in->missed = missed;
	in->states = states;
	return 0;
}

/* What is held by hand of the accounts and the engine that the owner sees. */
static int add_overrides(const struct session *s, const struct owner_settings *owner, struct arena *a,
                         struct digest_input *in, struct err *err)
{
	static const char *const engines[] = { [ROLE_CSM] = "defense", [ROLE_AM] = "expansion", [ROLE_MANAGER] = NULL };
	struct override_row *rows;
	size_t n;

	if (overrides_list(s->db, s->as_of, false, a, &rows, &n, err) < 0)
		return -1;
	in->overrides = rows;
	for (size_t i = 0; i < n; i++)
		if (owner_sees(owner, rows[i].owner_email) &&
		    (!engines[owner->role] || strcmp(rows[i].engine, engines[owner->role]) == 0))
			rows[in->n_overrides++] = rows[i];
	return 0;
}

/* How often findings of the last year were worth telling. */
static int add_precision(const struct session *s, struct arena *a, struct digest_input *in, struct err *err)
{
	const struct precision_query query = { s->as_of, s->as_of - PRECISION_DAYS, s->org->score.horizon_days };
	struct precision *all;

	if (precision_load(s->db, &query, a, &all, &in->n_precision, err) < 0)
		return -1;
	in->precision = all;
	return 0;
}

static int load_silences(const struct session *s, const struct owner_settings *owner, struct digest_input *in,
                         struct arena *a, struct err *err)
{
	const struct silence *all;
	struct silence *seen;
	size_t n;

	if (silences_load(s->db, in->local_on, a, &all, &n, err) < 0)
		return -1;
	seen = arena_array(a, n, sizeof *seen);
	for (size_t i = 0; i < n; i++)
		if (owner_sees(owner, all[i].owner_email))
			seen[in->n_silences++] = all[i];
	in->silences = seen;
	return 0;
}

/* What only a manager is told: how revenue went, whom no finding is about but should be looked at, how right past ones
 * were. */
static int add_managers(const struct session *s, const struct owner_settings *owner, struct arena *a,
                        struct digest_nrr *nrr, struct digest_input *in, struct err *err)
{
	struct portfolio p;

	if (load_silences(s, owner, in, a, err) < 0 || owner_nrr(s, owner, in->before_on, a, nrr, err) < 0 ||
	    portfolio_look(s, is_seen_by, owner, owner->words, a, &p, err) < 0 ||
	    add_precision(s, a, in, err) < 0)
		return -1;
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

	in.answering = answering_of(s->org, local_on, a);
	add_plays(s, a, &in);
	add_people(s, a, &in);
	add_sources(s, a, &in);
	add_hosts(s, a, &in);
	if (owner_zone(s, owner, a, &in.zone, err) < 0 || load_said(s, owner, &in, a, err) < 0 ||
	    add_overrides(s, owner, a, &in, err) < 0 ||
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

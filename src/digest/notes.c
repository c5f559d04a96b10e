#include <string.h>

#include "common/text.h"
#include "compose_parts.h"
#include "store/pulls.h"

/* A reader trusts a digest that says itself when it is late, lame or old. */
enum { NAME_CHARS = 120, MAX_MISSED = 5, RECENT_S = 6 * 3600 /* [choice] */ };

struct notes {
	const struct digest_input *in;
	struct arena *arena;
	const char **at;
	size_t n;
};

int32_t digest_judged_on(const struct digest_input *in)
{
	return in->scores_age_days > 0 ? in->as_of_on - in->scores_age_days : in->as_of_on;
}

static const char *why_missed(const struct notes *t, const char *reason)
{
	static const struct {
		const char *reason, *key;
	} known[] = {
		{ "downtime", "digest.missed.downtime" },
		{ "failed", "digest.missed.failed" },
		{ "no_data", "digest.missed.no_data" },
		{ "undelivered", "digest.missed.undelivered" },
		{ "cancelled", "digest.missed.cancelled" },
	};

	for (size_t i = 0; reason && i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].reason, reason) == 0)
			return words_text(t->in->words, t->arena, known[i].key);
	return text_clean(t->arena, reason, NAME_CHARS);
}

static const char *day_words(const struct notes *t, int32_t day)
{
	return words_one(t->in->words, t->arena, &(struct word)W_DAY("", day, t->in->local_on));
}

/* One that was not sent is never silent. */
static void add_missed(struct notes *t)
{
	const struct digest_input *in = t->in;
	const char *days = "";

	for (size_t i = 0; i < in->n_missed && i < MAX_MISSED; i++) {
		const char *why = why_missed(t, in->missed[i].reason);

		days = arena_printf(t->arena, "%s%s%s%s", days, i ? ", " : "", day_words(t, in->missed[i].local_on),
		                    text_is_blank(why) ? "" : arena_printf(t->arena, " (%s)", why));
	}
	if (in->n_missed > MAX_MISSED)
		days = SAY(in->words, t->arena, "digest.missed.more", W_TEXT("days", days),
		           W_INT("n", in->n_missed - MAX_MISSED));
	if (in->n_missed)
		t->at[t->n++] = SAY(in->words, t->arena, "digest.missed", W_TEXT("days", days), W_INT("n", in->n_missed));
}

static const struct digest_source_state *state_of(const struct digest_input *in, const char *name)
{
	for (size_t i = 0; i < in->n_states; i++)
		if (strcmp(in->states[i].name, name) == 0)
			return &in->states[i];
	return NULL;
}

static bool never_came(const struct digest_source_state *s)
{
	return !s || s->last_ok_at == INSTANT_NONE;
}

static void add_stale(struct notes *t, const struct digest_source *source)
{
	const struct digest_source_state *s = state_of(t->in, source->name);
	const char *name = text_clean(t->arena, source->name, NAME_CHARS);

	if (never_came(s))
		t->at[t->n++] = SAY(t->in->words, t->arena, "digest.source.never", W_TEXT("name", name));
	else if (source_is_stale(s->last_ok_on, t->in->as_of_on, source->stale_after_s))
		t->at[t->n++] = SAY(t->in->words, t->arena, "digest.source.stale", W_TEXT("name", name),
		                    W_DAY("day", s->last_ok_on, t->in->local_on),
		                    W_INT("n", t->in->as_of_on - s->last_ok_on));
}

/* "Tue 3 Mar 07:05", on the reader's wall. */
static const char *moment_text(const struct notes *t, int64_t at)
{
	int second;
	int32_t day = zone_day(t->in->zone ? t->in->zone : zone_utc(), at, &second);

	return SAY(t->in->words, t->arena, "digest.moment", W_DAY("day", day, t->in->local_on),
	           W_TEXT("time", arena_printf(t->arena, "%02d:%02d", second / 3600, second / 60 % 60)));
}

/* When the source came through that did so the longest ago; INSTANT_NONE: none did, or one never did. */
static int64_t oldest_data(const struct digest_input *in)
{
	int64_t oldest = INSTANT_NONE;

	for (size_t i = 0; i < in->n_sources; i++) {
		const struct digest_source_state *s = state_of(in, in->sources[i].name);

		if (never_came(s))
			return INSTANT_NONE;
		if (oldest == INSTANT_NONE || s->last_ok_at < oldest)
			oldest = s->last_ok_at;
	}
	return oldest;
}

/* Scored a short while ago, on the day before. */
static bool is_just_past_midnight(const struct digest_input *in)
{
	return in->synced_at && in->made_at - in->synced_at < RECENT_S;
}

/* The digest does not wait for a sync for ever, and then says how old its data is. */
static void add_age(struct notes *t)
{
	const struct digest_input *in = t->in;
	int64_t oldest = oldest_data(in);
	int64_t hours = oldest == INSTANT_NONE || oldest > in->made_at ? 0 : (in->made_at - oldest) / 3600;

	if (in->syncing_since && oldest != INSTANT_NONE && oldest < in->syncing_since)
		t->at[t->n++] = SAY(in->words, t->arena, "digest.age.sync", W_TEXT("since", moment_text(t, in->syncing_since)),
		                    W_TEXT("moment", moment_text(t, oldest)), W_INT("n", hours));
	if (in->scores_age_days > is_just_past_midnight(in))
		t->at[t->n++] = SAY(in->words, t->arena, "digest.age.scores", W_DAY("day", digest_judged_on(in), in->local_on));
	if (in->scores_age_days < 0)
		t->at[t->n++] = words_text(in->words, t->arena, "digest.age.never");
}

/* Whose digests somebody has stopped for a while. */
static void add_silence(struct notes *t, const struct silence *s)
{
	const struct digest_input *in = t->in;
	const char *name = s->owner_email, *reason = text_clean(t->arena, s->reason, NAME_CHARS);

	for (size_t i = 0; i < in->n_people; i++)
		if (text_equal_fold(in->people[i].email, s->owner_email) && !text_is_blank(in->people[i].name))
			name = in->people[i].name;
	t->at[t->n++] = SAY(in->words, t->arena, *reason ? "digest.silenced.reason" : "digest.silenced",
	                    W_TEXT("name", text_clean(t->arena, name, NAME_CHARS)),
	                    W_DAY("day", s->until_on, in->local_on), W_TEXT("reason", reason));
}

void digest_notes(const struct digest_input *in, struct arena *a, struct digest *out)
{
	size_t n_missed;
	struct notes t = { .in = in, .arena = a, .at = arena_array(a, in->n_sources + in->n_silences + 3, sizeof *t.at) };

	add_missed(&t);
	n_missed = t.n;
	add_age(&t);
	for (size_t i = 0; i < in->n_sources; i++)
		add_stale(&t, &in->sources[i]);
	out->is_old = t.n > n_missed;
	for (size_t i = 0; i < in->n_silences; i++)
		add_silence(&t, &in->silences[i]);
	out->notes = t.at;
	out->n_notes = t.n;
}

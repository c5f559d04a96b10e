#include <string.h>

#include "compose_parts.h"

static bool is_defense(const struct digest_section *s)
{
	return strcmp(s->engine, "defense") == 0;
}

/* "EUR 487k at stake in 6 accounts, 2 to act on today" */
static const char *section_headline(const struct digest_section *s, struct arena *a)
{
	static const char *const keys[2][2] = {
		{ "digest.headline.expansion", "digest.headline.expansion.worth" },
		{ "digest.headline.defense", "digest.headline.defense.worth" },
	};
	const char *due = s->n_due ? SAY(s->words, a, "digest.headline.due", W_INT("n", s->n_due)) : "";
	const char *expected = digest_worth_text(s->words, a, &s->expected), *worth;
	struct digest_worth all = s->worth;

	for (size_t i = 0; i < s->rest_worth.n; i++)
		digest_worth_add(&all, s->rest_worth.of[i].minor, s->rest_worth.of[i].currency);
	all.n_further += s->rest_worth.n_further;
	worth = digest_worth_text(s->words, a, &all);
	if (*expected && !is_defense(s))
		return SAY(s->words, a, "digest.headline.expansion.expected", W_INT("n", s->n_accounts),
		           W_TEXT("worth", worth), W_TEXT("expected", expected), W_TEXT("due", due));
	return SAY(s->words, a, keys[is_defense(s)][*worth != '\0'], W_INT("n", s->n_accounts), W_TEXT("worth", worth),
	           W_TEXT("due", due));
}

/* Clauses side by side; either may be "". */
static const char *join(const struct words *w, struct arena *a, const char *text, const char *next)
{
	if (!*text || !*next)
		return *text ? text : next;
	return SAY(w, a, "digest.join", W_TEXT("text", text), W_TEXT("next", next));
}

const char *digest_headline(const struct digest *d, struct arena *a)
{
	const char *text = "";
	size_t n_news = 0;

	for (size_t i = 0; i < d->n_sections; i++) {
		n_news += d->sections[i].n_news;
		if (d->sections[i].n_items)
			text = join(d->words, a, text, section_headline(&d->sections[i], a));
	}
	if (*text)
		return text;
	if (n_news)
		return words_text(d->words, a, "digest.headline.ended");
	/* Where part of the data did not come in, silence is no all-clear. */
	return words_text(d->words, a, d->is_old ? "digest.headline.unknown" : "digest.headline.quiet");
}

/* "2 new, 1 worse"; "" when nothing changed. */
static const char *changes_text(const struct digest_section *s, struct arena *a)
{
	static const char *const keys[2][DIGEST_CHANGES] = {
		{ [CHANGE_ENTERED] = "digest.changed.new", [CHANGE_BACK] = "digest.changed.back",
		  [CHANGE_WORSE] = "digest.changed.riper", [CHANGE_CAUSE] = "digest.changed.cause",
		  [CHANGE_BETTER] = "digest.changed.cooler", [CHANGE_RESOLVED] = "digest.changed.settled",
		  [CHANGE_LOST] = "digest.changed.lost" },
		{ [CHANGE_ENTERED] = "digest.changed.new", [CHANGE_BACK] = "digest.changed.back",
		  [CHANGE_WORSE] = "digest.changed.worse", [CHANGE_CAUSE] = "digest.changed.cause",
		  [CHANGE_BETTER] = "digest.changed.better", [CHANGE_RESOLVED] = "digest.changed.resolved",
		  [CHANGE_LOST] = "digest.changed.lost" },
	};
	const char *text = "", *key;

	for (size_t i = 0; i < DIGEST_CHANGES; i++)
		if (s->n_of[i] && (key = keys[is_defense(s)][i]))
			text = arena_printf(a, "%s%s%s", text, *text ? ", " : "", SAY(s->words, a, key, W_INT("n", s->n_of[i])));
	return text;
}

static bool has_items(const struct digest *d)
{
	for (size_t i = 0; i < d->n_sections; i++)
		if (d->sections[i].n_items)
			return true;
	return false;
}

static const char *changed_text(const struct digest_input *in, const struct digest *d, struct arena *a)
{
	const struct words *w = d->words;
	const char *text = "", *key;

	if (in->before_on == DAY_NONE)
		return words_text(w, a, has_items(d) ? "digest.first" : "digest.first.quiet");
	for (size_t i = 0; i < d->n_sections; i++) {
		const char *changes = changes_text(&d->sections[i], a);

		if (*changes && d->n_sections > 1)
			changes = SAY(w, a, is_defense(&d->sections[i]) ? "digest.since.defense" : "digest.since.expansion",
			              W_TEXT("changes", changes));
		text = join(w, a, text, changes);
	}
	key = in->before_on == in->local_on - 1 ? "digest.since.yesterday" : "digest.since.day";
	if (!*text)
		key = in->before_on == in->local_on - 1 ? "digest.unchanged.yesterday" : "digest.unchanged.day";
	return SAY(w, a, key, W_DAY("day", in->before_on, in->local_on), W_TEXT("changes", text));
}

/* "2 snoozed (the first until Mon 9 Mar), 1 acknowledged": what is not listed, so that nobody thinks it is gone. */
static const char *aside_text(const struct digest *d, struct arena *a)
{
	size_t n_snoozed = 0, n_acknowledged = 0;
	int32_t back_on = DAY_NONE;
	const char *text = "";

	for (size_t i = 0; i < d->n_sections; i++) {
		const struct digest_section *s = &d->sections[i];

		n_snoozed += s->n_snoozed;
		n_acknowledged += s->n_acknowledged;
		if (s->back_on != DAY_NONE && (back_on == DAY_NONE || s->back_on < back_on))
			back_on = s->back_on;
	}
	if (n_snoozed)
		text = SAY(d->words, a, n_snoozed == 1 ? "digest.aside.snoozed_one" : "digest.aside.snoozed",
		           W_INT("n", n_snoozed), W_DAY("day", back_on, d->local_on));
	if (n_acknowledged)
		text = arena_printf(a, "%s%s%s", text, *text ? ", " : "",
		                    SAY(d->words, a, "digest.aside.acknowledged", W_INT("n", n_acknowledged)));
	return text;
}

const char *digest_since(const struct digest_input *in, const struct digest *d, struct arena *a)
{
	const char *changed = changed_text(in, d, a), *aside = aside_text(d, a);

	if (*aside)
		changed = SAY(d->words, a, "digest.aside", W_TEXT("changed", changed), W_TEXT("aside", aside));
	return d->is_old ? SAY(d->words, a, "digest.old", W_TEXT("changed", changed)) : changed;
}

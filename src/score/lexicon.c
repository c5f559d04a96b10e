#include <ctype.h>
#include <string.h>

#include "common/text.h"
#include "signal.h"

enum { MAX_SENTENCE = 600, WORDS_BEFORE = 4 };

/* English and French, folded. A sentence's "not" is looked for shortly before the phrase, and "pas" right behind its
 * start is part of the phrase or not said. */
static const char *const negations[] = {
	"not",   "no",     "never",   "without", "don't", "doesn't", "didn't", "won't",  "isn't", "wasn't", "aren't",
	"can't", "cannot", "neither", "nor",     "pas",   "jamais",  "aucun",  "aucune", "sans",  "ni",     "non",
};

bool has_fresh_texts(const struct context *c)
{
	static const enum fact_kind kinds[] = { FACT_TICKET, FACT_INTERACTION, FACT_SURVEY };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (c->base->sources[kinds[i]].is_known && !c->base->sources[kinds[i]].is_stale)
			return true;
	return false;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '\'' || (unsigned char)c >= 0x80;
}

static bool is_negation(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(negations); i++)
		if (strlen(negations[i]) == len && memcmp(negations[i], word, len) == 0)
			return true;
	return false;
}

/* Whether one of the few words before at says no. */
static bool is_negated(const char *text, const char *at)
{
	for (int n = 0; n < WORDS_BEFORE && at > text; n++) {
		const char *end = at;

		while (end > text && !is_word(end[-1]))
			end--;
		for (at = end; at > text && is_word(at[-1]);)
			at--;
		if (end > at && is_negation(at, (size_t)(end - at)))
			return true;
	}
	return false;
}

/* Both folded; the phrase stands there as whole words and is not negated. */
static bool has_phrase(const char *sentence, const char *phrase)
{
	size_t len = strlen(phrase);

	if (!len)
		return false;
	for (const char *at = sentence; (at = strstr(at, phrase)); at++)
		if ((at == sentence || !is_word(at[-1])) && !is_word(at[len]) && !is_negated(sentence, at))
			return true;
	return false;
}

static const char *find_in_sentence(struct arena *a, const struct lexicon_settings *lexicon, const char *sentence)
{
	const char *folded = text_fold(a, sentence);

	for (size_t i = 0; i < lexicon->phrases.n; i++)
		if (has_phrase(folded, lexicon->phrases.at[i]))
			return sentence;
	return NULL;
}

const char *lexicon_find(struct arena *a, const struct lexicon_settings *lexicon, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, ".!?\n;"), take = len < MAX_SENTENCE ? len : MAX_SENTENCE;
		size_t blank = strspn(text, " \t\r");

		/* A quoted line of an older message says nothing new. */
		if (take > blank && text[blank] != '>') {
			const char *found =
				find_in_sentence(a, lexicon, arena_strndup(a, text + blank, utf8_fit(text + blank, take - blank)));

			if (found)
				return found;
		}
		text += text[len] ? len + 1 : len;
	}
	return NULL;
}

static void look(const struct context *c, const struct lexicon_settings *lexicon, const char *text, int32_t on,
                 struct mention *m)
{
	const char *sentence = *text ? lexicon_find(c->arena, lexicon, text) : NULL;

	if (!sentence)
		return;
	m->n++;
	if (m->n == 1 || on > m->on) {
		m->on = on;
		m->sentence = sentence;
		m->lexicon = lexicon->name;
	}
}

static struct mention mentions_of(const struct context *c, const struct lexicon_settings *lexicon, int days)
{
	const struct fact_account *f = c->account;
	int32_t since = c->as_of - days + 1;
	struct mention m = { .on = DAY_NONE };

	for (size_t i = 0; i < f->n_tickets; i++)
		if (f->tickets[i].opened_on >= since)
			look(c, lexicon, f->tickets[i].text, f->tickets[i].opened_on, &m);
	for (size_t i = 0; i < f->n_interactions; i++)
		if (f->interactions[i].on >= since && strcmp(f->interactions[i].direction, "out") != 0)
			look(c, lexicon, f->interactions[i].text, f->interactions[i].on, &m);
	for (size_t i = 0; i < f->n_surveys; i++)
		if (f->surveys[i].on >= since)
			look(c, lexicon, f->surveys[i].comment, f->surveys[i].on, &m);
	return m;
}

struct mention lexicon_mentions(const struct context *c, const char *kind, int days,
                                bool (*skip)(const struct fact_account *f, const char *name))
{
	const struct lexicon_settings *lexicons = c->settings->lexicons.at;
	struct mention best = { .on = DAY_NONE };

	for (size_t i = 0; i < c->settings->lexicons.n; i++) {
		struct mention m;

		if (strcmp(lexicons[i].kind, kind) != 0 || (skip && skip(c->account, lexicons[i].name)))
			continue;
		m = mentions_of(c, &lexicons[i], days);
		if (m.n > best.n || (m.n && m.n == best.n && m.on > best.on))
			best = m;
	}
	return best;
}

#include <ctype.h>
#include <string.h>

#include "common/text.h"
#include "signal.h"

enum { MAX_SENTENCE = 600, WORDS_BEFORE = 4, GAP_WORDS = 4, SMALL_GAP_WORDS = 2, WRAPPED_FROM = 50 };

/* English and French, folded: a sentence's "not" is looked for shortly before the phrase, and within its gaps. */
static const char *const negations[] = {
	"not",   "no",     "never",   "without", "don't", "doesn't", "didn't", "won't",  "isn't", "wasn't", "aren't",
	"can't", "cannot", "neither", "nor",     "ne",    "pas",     "plus",   "jamais", "aucun", "aucune", "sans",
	"ni",    "non",    NULL,
};
/* Behind these a new thought begins, that an earlier "not" does not deny. */
static const char *const turns[] = { "and", "but", "so", "because", "therefore", "et", "mais", "donc", "car", NULL };
/* What follows them is no request yet. */
static const char *const conditions[] = { "if", "unless", "whether", "before", "si", "sauf", "avant", NULL };

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

/* Behind what is to be cancelled they tell that it is something else: our contract review. */
static const char *const other_things[] = { "manager", "meeting", "review", "call", "request", "reminder", NULL };

static bool is_among(const char *const *words, const char *word, size_t len)
{
	for (; *words; words++)
		if (strlen(*words) == len && memcmp(*words, word, len) == 0)
			return true;
	return false;
}

static size_t word_length(const char *at)
{
	size_t len = 0;

	while (is_word(at[len]))
		len++;
	return len;
}

/* The start of the word before at in *out and its length; 0 when a comma or the like stands between, or the start. */
static size_t word_before(const char *text, const char *at, const char **out)
{
	const char *end = at;

	while (end > text && !is_word(end[-1]))
		if (strchr(",:()", *--end))
			return 0;
	for (at = end; at > text && is_word(at[-1]);)
		at--;
	*out = at;
	return (size_t)(end - at);
}

/* Whether one of the few words before at, in the same thought, says no. */
static bool is_negated(const char *text, const char *at)
{
	for (int n = 0; n < WORDS_BEFORE; n++) {
		size_t len = word_before(text, at, &at);

		if (!len || is_among(turns, at, len))
			return false;
		if (is_among(negations, at, len))
			return true;
	}
	return false;
}

static bool is_conditional(const char *text, const char *at)
{
	while (text < at) {
		size_t len = word_length(text);

		if (len && is_among(conditions, text, len))
			return true;
		text += len ? len : 1;
	}
	return false;
}

/* The first of the words parted by "|" that stands at `at`, whole: its length, or 0. */
static size_t standing_word(const char *at, const char *words, const char *end)
{
	for (const char *stop; words < end; words = stop + 1) {
		size_t len;

		stop = memchr(words, '|', (size_t)(end - words));
		stop = stop ? stop : end;
		for (; words < stop && *words == ' '; words++)
			;
		for (len = (size_t)(stop - words); len && words[len - 1] == ' '; len--)
			;
		if (len && strncmp(at, words, len) == 0 && !is_word(at[len]))
			return len;
	}
	return 0;
}

static const char *next_word(const char *at)
{
	for (at += word_length(at); *at && !is_word(*at); at++)
		;
	return at;
}

static bool is_of_other_thing(const char *behind)
{
	return *behind == ' ' && is_among(other_things, behind + 1, word_length(behind + 1));
}

/* Whether a pattern stands at `at`, or up to gap words from there with no "not" between: "want to|wish to ... cancel"
 * has two parts, one of the words of each. ".." is a small gap. */
static bool goes_on(const char *at, const char *pattern, int gap)
{
	const char *dots = strstr(pattern, ".."), *end = dots ? dots : pattern + strlen(pattern);

	for (int skipped = 0; *at; skipped++, at = next_word(at)) {
		size_t len = standing_word(at, pattern, end);

		if (len && !dots && (gap == 0 || !is_of_other_thing(at + len)))
			return true;
		if (len && dots && goes_on(next_word(at + len), dots + strspn(dots, "."),
		                           dots[2] == '.' ? GAP_WORDS : SMALL_GAP_WORDS))
			return true;
		if (skipped >= gap || is_among(negations, at, word_length(at)))
			return false;
	}
	return false;
}

/* Both folded; the phrase stands there as whole words and is not negated. */
static bool has_phrase(const char *sentence, const char *phrase, bool is_request)
{
	for (const char *at = sentence; *at; at++)
		if (is_word(*at) && (at == sentence || !is_word(at[-1])) && goes_on(at, phrase, 0) &&
		    !is_negated(sentence, at) && !(is_request && is_conditional(sentence, at)))
			return true;
	return false;
}

static const char *find_in_sentence(struct arena *a, const struct lexicon_settings *lexicon, const char *sentence)
{
	const char *folded = text_fold(a, sentence);
	bool is_request = strstr(lexicon->kind, "_request") != NULL;

	for (size_t i = 0; i < lexicon->phrases.n; i++)
		if (has_phrase(folded, lexicon->phrases.at[i], is_request))
			return sentence;
	return NULL;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && strcmp(text + len - n, end) == 0;
}

/* Whether an older message, perhaps ours, is quoted from this line on. */
static bool is_reply_header(struct arena *a, const char *line, size_t len)
{
	const char *folded = text_fold(a, arena_strndup(a, line, len < MAX_SENTENCE ? len : MAX_SENTENCE));

	return ends_with(folded, " wrote:") || ends_with(folded, " a ecrit :") || ends_with(folded, " a ecrit:") ||
	       (text_starts(folded, "---") &&
	        (strstr(folded, "original message") || strstr(folded, "message d'origine"))) ||
	       ((text_starts(folded, "from: ") || text_starts(folded, "de : ")) && strchr(folded, '@'));
}

/* Up to the end of the sentence, or of the line but where it is only wrapped. */
static size_t sentence_length(const char *text)
{
	size_t len, line = 0;

	for (len = 0; text[len] && !strchr(".!?;", text[len]); len++, line++) {
		if (text[len] != '\n')
			continue;
		if (line < WRAPPED_FROM || text[len + 1] == '\n' || text[len + 1] == '\r' || text[len + 1] == '>')
			break;
		line = 0;
	}
	return len;
}

const char *lexicon_find(struct arena *a, const struct lexicon_settings *lexicon, const char *text)
{
	bool is_line = true;

	while (*text) {
		size_t blank = strspn(text, " \t\r"), line = strcspn(text, "\n"), len, take;

		if (is_line && is_reply_header(a, text, line))
			break;
		/* A quoted line of an older message says nothing new. */
		len = is_line && text[blank] == '>' ? line : sentence_length(text);
		take = len < MAX_SENTENCE ? len : MAX_SENTENCE;
		if (take > blank && text[blank] != '>') {
			const char *found =
				find_in_sentence(a, lexicon, arena_strndup(a, text + blank, utf8_fit(text + blank, take - blank)));

			if (found)
				return found;
		}
		is_line = text[len] == '\n';
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

/* What the customer wrote; what else was noted of them speaks only where no request is looked for. */
static bool is_heard(const struct fact_interaction *x, bool is_request)
{
	return is_request ? strcmp(x->direction, "in") == 0 && strcmp(x->kind, "note") != 0 :
	                    strcmp(x->direction, "out") != 0;
}

static struct mention mentions_of(const struct context *c, const struct lexicon_settings *lexicon, int days)
{
	const struct fact_account *f = c->account;
	int32_t since = c->as_of - days + 1;
	bool is_request = strstr(lexicon->kind, "_request") != NULL;
	struct mention m = { .on = DAY_NONE };

	for (size_t i = 0; i < f->n_tickets; i++)
		if (f->tickets[i].opened_on >= since)
			look(c, lexicon, f->tickets[i].text, f->tickets[i].opened_on, &m);
	for (size_t i = 0; i < f->n_interactions; i++)
		if (f->interactions[i].on >= since && is_heard(&f->interactions[i], is_request))
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

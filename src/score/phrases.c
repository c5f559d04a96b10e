#include "phrases.h"

#include <string.h>

#include "common/text.h"

enum { MAX_PHRASE = 4000, MAX_DEPTH = 3, MAX_GAP_BITS = 3 };

/* One of the words of a part: n numbers of the vocabulary, in the list of all from first on. */
struct choice { uint32_t first, n; bool is_first, is_last; /* of its clause */ };
struct part {
	uint32_t first, n; /* choices */
	int gap;           /* words that may stand before it */
	uint64_t bits;     /* of the words that its choices begin with */
};
struct phrase { uint32_t owner, first, n; /* parts */ };
struct starter { uint32_t word, phrase, choice; };

/* A list that grows in an arena. */
struct list { void *at; size_t n, room; };

struct phrases {
	struct arena *arena;
	struct vocabulary *vocabulary;
	struct list words, choices, parts, phrases, starters; /* uint32_t and the structs above */
	uint32_t *heads; /* by word: where its starters begin; of vocabulary_size + 1 */
};

static void *list_add(struct arena *a, struct list *l, size_t size)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->at = arena_grow(a, l->at, l->n, l->room, size);
	}
	return (char *)l->at + size * l->n++;
}

struct phrases *phrases_new(struct arena *a, struct vocabulary *v)
{
	struct phrases *p = arena_alloc(a, sizeof *p);

	p->arena = a;
	p->vocabulary = v;
	return p;
}

uint32_t phrases_owner(const struct phrases *p, uint32_t phrase)
{
	return ((const struct phrase *)p->phrases.at)[phrase].owner;
}

static const char *add_choices(struct phrases *p, const char *text, size_t len, struct yaml_array sets, int depth);

static const char *add_set(struct phrases *p, const char *name, size_t len, struct yaml_array sets, int depth)
{
	const struct word_set *all = sets.at;

	if (depth == MAX_DEPTH)
		return arena_printf(p->arena, "<%.*s> stands in itself, expected words", (int)len, name);
	for (size_t i = 0; i < sets.n; i++)
		if (strlen(all[i].name) == len && memcmp(all[i].name, name, len) == 0) {
			const char *words = all[i].words;

			if (strstr(words, "..") || strchr(words, '+'))
				return arena_printf(p->arena, "<%s> has more than words parted by |", all[i].name);
			return add_choices(p, words, strlen(words), sets, depth + 1);
		}
	return arena_printf(p->arena, "no words are called <%.*s>", (int)len, name);
}

/* One choice: the words of text[0, len); with "*" behind a word, all that begin so. */
static const char *add_choice(struct phrases *p, const char *text, size_t len)
{
	struct cutter c = { .text = text, .len = len };
	struct choice choice = { .first = (uint32_t)p->words.n };
	struct cut cut;

	if (memchr(text, '<', len))
		return "<...> stands beside a word, expected it alone or parted by + or ..";
	while (cut_next(&c, &cut)) {
		bool is_stem = cut.end < len && text[cut.end] == '*';

		if (is_stem && cut.len < 4)
			return arena_printf(p->arena, "`%s*` is too short, expected 4 letters before the *", cut.folded);
		if (cut.len > WORD_BYTES)
			return arena_printf(p->arena, "`%s...` is too long a word", cut.folded);
		*(uint32_t *)list_add(p->arena, &p->words, sizeof(uint32_t)) =
			vocabulary_add(p->vocabulary, cut.folded, is_stem, 0);
		choice.n++;
	}
	choice.is_first = len && text[0] == '^';
	choice.is_last = len && text[len - 1] == '$';
	if (!choice.n)
		return "nothing stands beside a |, expected words";
	*(struct choice *)list_add(p->arena, &p->choices, sizeof choice) = choice;
	return NULL;
}

/* What is parted by "|" in text[0, len). */
static const char *add_choices(struct phrases *p, const char *text, size_t len, struct yaml_array sets, int depth)
{
	const char *end = text + len, *wrong = NULL;

	for (const char *stop; !wrong && text <= end; text = stop + 1) {
		size_t n;

		stop = text < end ? memchr(text, '|', (size_t)(end - text)) : NULL;
		stop = stop ? stop : end;
		for (; text < stop && *text == ' '; text++)
			;
		for (n = (size_t)(stop - text); n && text[n - 1] == ' '; n--)
			;
		wrong = n > 2 && *text == '<' && text[n - 1] == '>' ? add_set(p, text + 1, n - 2, sets, depth) :
		                                                      add_choice(p, text, n);
	}
	return wrong;
}

static uint32_t first_word(const struct phrases *p, uint32_t choice)
{
	return ((const uint32_t *)p->words.at)[((const struct choice *)p->choices.at)[choice].first];
}

static void add_starters(struct phrases *p, uint32_t phrase, const struct part *part)
{
	for (uint32_t i = part->first; i < part->first + part->n; i++)
		*(struct starter *)list_add(p->arena, &p->starters, sizeof(struct starter)) =
			(struct starter){ first_word(p, i), phrase, i };
}

/* The end of the part that begins at text; what lies behind it in *out_next (NULL: nothing), and how many words may
 * stand before that in *out_gap: none behind "+", 2 behind "..", 4 behind "...", 8 behind "....". */
static const char *part_end(const char *text, const char **out_next, int *out_gap)
{
	for (; *text; text++) {
		size_t n = *text == '.' ? strspn(text, ".") : 0;

		if (*text != '+' && n < 2)
			continue;
		*out_next = text + (n ? n : 1);
		*out_gap = n ? 1 << (n - 1 < MAX_GAP_BITS ? n - 1 : MAX_GAP_BITS) : 0;
		return text;
	}
	*out_next = NULL;
	return text;
}

const char *phrases_add(struct phrases *p, const char *phrase, uint32_t owner, struct yaml_array sets)
{
	const char *text = text_fold(p->arena, phrase), *wrong = NULL, *next;
	struct phrase new = { owner, (uint32_t)p->parts.n, 0 };
	struct part first = { 0 };
	int gap = 0;

	if (strlen(text) > MAX_PHRASE)
		return "is too long";
	for (; text && !wrong; text = next) {
		struct part part = { .first = (uint32_t)p->choices.n, .gap = gap };
		const char *end = part_end(text, &next, &gap);

		wrong = add_choices(p, text, (size_t)(end - text), sets, 0);
		part.n = (uint32_t)p->choices.n - part.first;
		for (uint32_t i = part.first; i < part.first + part.n; i++)
			part.bits |= word_bit(first_word(p, i));
		*(struct part *)list_add(p->arena, &p->parts, sizeof part) = part;
		first = new.n++ ? first : part;
	}
	if (wrong || new.n > MAX_PARTS)
		return wrong ? wrong : "has too many parts";
	*(struct phrase *)list_add(p->arena, &p->phrases, sizeof new) = new;
	add_starters(p, (uint32_t)p->phrases.n - 1, &first);
	return NULL;
}

static bool is_new_clause(const struct phrase_search *s, size_t i)
{
	return i == 0 || i == s->n_words || s->words[i].breaks & (BREAK_SENTENCE | BREAK_CLAUSE);
}

/* How many words a choice takes at word i, 0 when it doesn't stand there. */
static size_t choice_at(const struct phrase_search *s, const struct choice *c, size_t i)
{
	const uint32_t *numbers = (const uint32_t *)s->phrases->words.at + c->first;

	if (c->n > s->n_words - i)
		return 0;
	for (size_t k = 0; k < c->n; k++)
		if ((k && s->words[i + k].breaks & (BREAK_SENTENCE | BREAK_CLAUSE)) ||
		    !word_is(s->phrases->vocabulary, &s->words[i + k], numbers[k]))
			return 0;
	if ((c->is_first && !is_new_clause(s, i)) || (c->is_last && !is_new_clause(s, i + c->n)))
		return 0;
	return c->n;
}

/* The last word of a phrase whose parts from nth on begin at word i or behind a gap, 0 when they don't. What failed
 * once at a place is not tried there again, or a text of repeated words would take for ever. */
static size_t rest_at(struct phrase_search *s, const struct phrase *phrase, uint32_t nth, size_t i)
{
	const struct part *part = (const struct part *)s->phrases->parts.at + phrase->first + nth;
	const struct choice *choices = s->phrases->choices.at;
	uint64_t place = i - s->at < 64 ? UINT64_C(1) << (i - s->at) : 0;

	if (nth == phrase->n)
		return i - 1;
	if (s->failed[nth] & place)
		return 0;
	s->failed[nth] |= place;
	for (int skipped = 0; i < s->n_words && !(s->words[i].breaks & BREAK_SENTENCE); skipped++, i++) {
		bool may_be = (s->words[i].bits & part->bits) != 0;

		for (uint32_t k = part->first; may_be && k < part->first + part->n; k++) {
			size_t n = choice_at(s, &choices[k], i), last = n ? rest_at(s, phrase, nth + 1, i + n) : 0;

			if (last)
				return last;
		}
		if (skipped >= part->gap || !s->may_skip(s->context, phrase->owner, &s->words[i]))
			return 0;
	}
	return 0;
}

/* Sorts the starters by word, the order of phrases kept. */
void phrases_ready(struct phrases *p)
{
	struct starter *from = p->starters.at, *to = arena_array(p->arena, p->starters.n + 1, sizeof *to);
	uint32_t n = vocabulary_size(p->vocabulary), *heads = arena_array(p->arena, (size_t)n + 2, sizeof *heads), *next;

	for (size_t i = 0; i < p->starters.n; i++)
		heads[from[i].word + 1]++;
	for (uint32_t i = 0; i < n; i++)
		heads[i + 1] += heads[i];
	next = arena_memdup(p->arena, heads, ((size_t)n + 1) * sizeof *heads);
	for (size_t i = 0; i < p->starters.n; i++)
		to[next[from[i].word]++] = from[i];
	p->starters.at = to;
	p->heads = heads;
}

/* The nth starter that may begin at a word: those of the word, then those of its stems. NULL: no more. */
static const struct starter *starter_at(const struct phrases *p, const struct word *w, size_t nth)
{
	const struct starter *starters = p->starters.at;

	for (uint32_t number = w->exact ? w->exact : w->stem; number;
	     number = number == w->exact ? w->stem : vocabulary_shorter(p->vocabulary, number)) {
		size_t n = p->heads[number + 1] - p->heads[number];

		if (nth < n)
			return &starters[p->heads[number] + nth];
		nth -= n;
	}
	return NULL;
}

bool phrases_next(struct phrase_search *s, struct phrase_found *out)
{
	const struct phrase *phrases = s->phrases->phrases.at;
	const struct choice *choices = s->phrases->choices.at;

	for (; s->at < s->n_words; s->at++, s->nth = 0) {
		const struct word *w = &s->words[s->at];
		const struct starter *start;

		while ((w->exact || w->stem) && (start = starter_at(s->phrases, w, s->nth)) != NULL) {
			size_t n = choice_at(s, &choices[start->choice], s->at), last = 0;

			if (n) {
				memset(s->failed, 0, sizeof s->failed);
				last = rest_at(s, &phrases[start->phrase], 1, s->at + n);
			}
			s->nth++;
			if (n && (last || phrases[start->phrase].n == 1)) {
				*out = (struct phrase_found){ s->at, phrases[start->phrase].n == 1 ? s->at + n - 1 : last,
					                          start->phrase };
				return true;
			}
		}
	}
	return false;
}

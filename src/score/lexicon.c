#include "score/lexicon.h"

#include <string.h>

#include "common/text.h"
#include "html.h"
#include "message.h"
#include "phrases.h"

enum {
	MAX_TEXT = 8000,      /* bytes of a text that are read */
	MAX_TEXT_WORDS = 1600,
	MAX_QUOTE = 600, BEFORE_PHRASE = 90, /* bytes of a sentence, and of it before the phrase */
	WORDS_DENIED = 6,     /* how far before a phrase a "not" may stand */
	WORDS_SUPPOSED = 4,   /* and an "if" */
	WORDS_QUOTED = 12,    /* the longest quotation that counts as one */
	WORDS_MEANT = 4,      /* and how far behind "subscription to" what it is to */
	WORDS_COUNTED = 10,   /* how far from a phrase the numbers that it is about may stand */
	MOST_FIGURES = 7,     /* of a number of seats */
};

/* What words do to phrases near them, in English and French, folded. */
enum {
	IS_NOT = 1 << 0,    /* denies what follows in the same thought */
	IS_TURN = 1 << 1,   /* a new thought begins, that an earlier "not" does not deny */
	IS_IF = 1 << 2,     /* what follows is supposed */
	IS_WHEN = 1 << 11,  /* what follows at once is */
	IS_THING = 1 << 3,  /* beside what is to be cancelled it tells that it is something else: our contract review */
	IS_THEIRS = 1 << 4, /* somebody else's contract */
	IS_FOLK = 1 << 5,   /* the customers of our customer, ... */
	IS_SOME = 1 << 6,   /* ... when it is "our customers", "un client"; "le client" in our notes is the account */
	IS_WITH = 1 << 7,   /* a contract with somebody, ... */
	IS_US = 1 << 8,     /* ... who is not us */
	IS_DOUBT = 1 << 9,  /* "not sure", "not only": no denial */
	IS_AFTER = 1 << 10, /* denies what stands before it: "on ne résilie pas" */
	IS_AWAY = 1 << 15,  /* leaving for the day or for a holiday */
	IS_LESS = 1 << 14,  /* "we'd like to drop the analytics": no need of it */
	IS_FROM = 1 << 16,    /* "from 25 to 60 seats", "60 seats instead of 25": more, not less */
	IS_TO = 1 << 17,
	IS_INSTEAD = 1 << 18,
	IS_NE = 1 << 12,    /* is nothing by itself where the phrase begins with what goes with it, ... */
	IS_OF_NE = 1 << 13, /* ... as in "ne suis pas certain" */
};

static const struct {
	uint32_t classes;
	const char *words;
} grammar[] = {
	{ IS_NOT, "not no never without cannot n't dont doesnt didnt wont isnt wasnt cant neither nor nobody none ne n "
	          "pas jamais aucun aucune sans ni non personne rien instead avoid avoiding withdraw withdrew withdrawn "
	          "disregard ignore revoke retract eviter ignorer ignorez" },
	{ IS_TURN, "and but so because therefore et mais donc car parce" },
	{ IS_IF, "if unless whether suppose supposing hypothetically si sauf" },
	{ IS_WHEN, "before when once avant quand lorsque" },
	{ IS_THING, "manager meeting meetings review call request reminder invoice invoices order orders booking "
	            "newsletter mailing import export job event webinar demo appointment ticket phone page button field "
	            "file files question questions template certificate certificates token session domain password process "
	            "database status mails notes alerts notifications tickets settings reunion rendez facture factures "
	            "commande lettre bouton champ modele certificat" },
	{ IS_THEIRS, "his her their leur leurs" },
	{ IS_FOLK, "customer customers client clients member members subscriber subscribers patient patients student "
	           "students guest guests adherent adherents abonne abonnes cliente clientes eleve eleves tenant tenants" },
	{ IS_SOME, "our ours my some any a an one many un une des nos mes notre certains plusieurs quelques" },
	{ IS_WITH, "with avec chez" },
	{ IS_US, "you your yours us vous votre vos toi nous immediate effect" },
	{ IS_DOUBT, "sure certain certaine clear convinced only just merely seulement sur sure convaincu "
	            "convaincue doute" },
	{ IS_AFTER, "pas jamais" },
	{ IS_AWAY, "office holiday holidays vacation trip town building early today now room meeting comment comments note "
	           "bureau vacances conges salle reunion voyage commentaire" },
	{ IS_LESS, "drop dropping remove removing cancel cancelling stop stopping reduce delete disable broken wrong slow "
	           "supprimer retirer annuler arreter resilier lent lente" },
	{ IS_FROM, "from de" },
	{ IS_TO, "to a au aux" },
	{ IS_INSTEAD, "instead lieu" },
	{ IS_NE, "ne n" },
	{ IS_OF_NE, "pas plus jamais aucun aucune toujours rien personne" },
};

/* How a kind is to be taken. */
struct manner {
	const char *kind;
	uint32_t stops;        /* classes that stop its gaps, beside IS_NOT */
	bool is_sure;          /* an "if" anywhere before it in the sentence unsays it, ... */
	bool is_said;          /* ... or one shortly before it in the same thought */
	bool is_ours;          /* "our customers want to ..." is none */
	bool is_contract;      /* nor "a contract with others", nor "our contract review" */
	bool is_less;          /* "from 25 to 60" is none */
	bool is_automatic_too; /* automatic answers may say it */
};
static const struct manner manners[] = {
	{ .kind = "cancel_request", .stops = IS_THING | IS_THEIRS, .is_sure = true, .is_said = true, .is_ours = true,
	  .is_contract = true },
	{ .kind = "downgrade_request", .stops = IS_THING | IS_THEIRS, .is_sure = true, .is_said = true, .is_ours = true,
	  .is_contract = true, .is_less = true },
	{ .kind = "cancel", .stops = IS_THING, .is_said = true, .is_ours = true, .is_contract = true },
	{ .kind = "downgrade", .is_said = true, .is_ours = true, .is_less = true },
	{ .kind = "exit_question", .stops = IS_THEIRS, .is_ours = true },
	{ .kind = "competitor", .is_ours = true },
	{ .kind = "dissatisfaction", .is_said = true, .is_ours = true },
	{ .kind = "champion_leaving", .stops = IS_AWAY, .is_said = true, .is_ours = true, .is_automatic_too = true },
	{ .kind = "adjacent_need", .stops = IS_LESS },
};

struct lexicon_index {
	struct vocabulary *vocabulary;
	struct phrases *phrases;
	const struct manner **manners; /* by lexicon */
	size_t n;
};

static const struct manner *manner_of(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(manners); i++)
		if (strcmp(manners[i].kind, kind) == 0)
			return &manners[i];
	return &manners[ARRAY_LEN(manners) - 1];
}

static void add_grammar(struct vocabulary *v)
{
	char word[WORD_BYTES + 1];

	for (size_t i = 0; i < ARRAY_LEN(grammar); i++)
		for (const char *at = grammar[i].words; *at; at += strspn(at, " ")) {
			size_t len = strcspn(at, " ");

			memcpy(word, at, len);
			word[len] = '\0';
			(void)vocabulary_add(v, word, false, grammar[i].classes);
			at += len;
		}
}

/* The sets of words of all lexicons, folded: each may use those of the others. */
static struct yaml_array all_sets(struct arena *a, struct yaml_array lexicons)
{
	const struct lexicon_settings *all = lexicons.at;
	struct word_set *sets = NULL;
	size_t n = 0;

	for (size_t i = 0; i < lexicons.n; i++) {
		if (!all[i].words.n)
			continue;
		sets = arena_grow(a, sets, n, n + all[i].words.n, sizeof *sets);
		memcpy(sets + n, all[i].words.at, all[i].words.n * sizeof *sets);
		for (size_t end = n + all[i].words.n; n < end; n++)
			sets[n].words = text_fold(a, sets[n].words);
	}
	return (struct yaml_array){ .at = sets, .n = n };
}

int lexicon_index_new(struct arena *a, struct yaml_array lexicons, const struct lexicon_index **out, size_t *out_wrong,
                      struct err *err)
{
	const struct lexicon_settings *all = lexicons.at;
	struct lexicon_index *index = arena_alloc(a, sizeof *index);
	struct yaml_array sets = all_sets(a, lexicons);

	*out_wrong = 0;
	if (lexicons.n > MAX_LEXICONS)
		return err_set(err, ERR_CONFIG, "%zu lexicons, expected at most %d", lexicons.n, MAX_LEXICONS);
	index->vocabulary = vocabulary_new(a);
	index->phrases = phrases_new(a, index->vocabulary);
	index->manners = arena_array(a, lexicons.n, sizeof *index->manners);
	index->n = lexicons.n;
	add_grammar(index->vocabulary);
	for (size_t i = 0; i < lexicons.n; i++) {
		*out_wrong = i;
		index->manners[i] = manner_of(all[i].kind);
		for (size_t k = 0; k < all[i].phrases.n; k++) {
			const char *wrong = phrases_add(index->phrases, all[i].phrases.at[k], (uint32_t)i, sets);

			if (wrong)
				return err_set(err, ERR_CONFIG, "phrases: phrase %zu: %s", k + 1, wrong);
		}
	}
	phrases_ready(index->phrases);
	*out = index;
	return 0;
}

/* One piece of a message, in words. */
struct heard_text {
	const struct lexicon_index *index;
	const char *text;
	const struct word *words;
	size_t n;
};

static bool is_of(const struct heard_text *t, size_t word, uint32_t classes)
{
	return (word_classes(t->index->vocabulary, &t->words[word]) & classes) != 0;
}

static bool may_skip(const void *context, uint32_t owner, const struct word *w)
{
	const struct lexicon_index *index = context;

	return !(word_classes(index->vocabulary, w) & (IS_NOT | index->manners[owner]->stops));
}

/* The first word of the sentence that a word is in. */
static size_t sentence_start(const struct heard_text *t, size_t word)
{
	while (word > 0 && !(t->words[word].breaks & BREAK_SENTENCE))
		word--;
	return word;
}

/* Behind the last word of it. */
static size_t sentence_end(const struct heard_text *t, size_t word)
{
	for (word++; word < t->n && !(t->words[word].breaks & BREAK_SENTENCE); word++)
		;
	return word;
}

/* Whether one of the few words before, in the same thought, says no; or a "pas" right behind. */
static bool is_denied(const struct heard_text *t, const struct phrase_found *f)
{
	if (f->last + 1 < t->n && !t->words[f->last + 1].breaks && is_of(t, f->last + 1, IS_AFTER))
		return true;
	for (size_t i = f->first, n = 0; i > 0 && n < WORDS_DENIED; i--, n++) {
		if (t->words[i].breaks & (BREAK_SENTENCE | BREAK_CLAUSE) || is_of(t, i - 1, IS_TURN))
			return false;
		if (is_of(t, i - 1, IS_NOT) && !(is_of(t, i - 1, IS_NE) && is_of(t, f->first, IS_OF_NE)))
			return !is_of(t, i, IS_DOUBT);
	}
	return false;
}

/* Whether a word of the classes stands before: in the sentence, or (is_near) a few words before in the same thought. */
static bool stands_before(const struct heard_text *t, size_t word, uint32_t classes, bool is_near)
{
	for (size_t n = 0; word > 0 && !(t->words[word].breaks & BREAK_SENTENCE); word--, n++) {
		if (is_near && (t->words[word].breaks & BREAK_CLAUSE || n == WORDS_SUPPOSED))
			return false;
		if (is_of(t, word - 1, classes))
			return true;
	}
	return false;
}

/* "our customers ...", "un client à nous ...": somewhere before it in the sentence. */
static bool is_of_others(const struct heard_text *t, const struct phrase_found *f)
{
	for (size_t i = sentence_start(t, f->first); i < f->first; i++)
		if (is_of(t, i, IS_FOLK) && i > 0 && !(t->words[i].breaks & BREAK_SENTENCE) && is_of(t, i - 1, IS_SOME))
			return true;
	return false;
}

/* "our contract review", "our contract with the phone company", "my subscription to your newsletter" */
static bool is_of_other_thing(const struct heard_text *t, const struct phrase_found *f)
{
	size_t next = f->last + 1;

	if (next >= t->n || t->words[next].breaks)
		return false;
	for (size_t i = next + 1; is_of(t, next, IS_TO) && i < t->n && i <= next + WORDS_MEANT && !t->words[i].breaks; i++)
		if (is_of(t, i, IS_THING))
			return true;
	return is_of(t, next, IS_THING) ||
	       (is_of(t, next, IS_WITH) && next + 1 < t->n && !is_of(t, next + 1, IS_US));
}

/* A number in figures, or a small or round one in letters; -1: none. */
static int number_at(const struct heard_text *t, size_t word)
{
	static const struct { const char *word; int number; } names[] = {
		{ "two", 2 }, { "three", 3 }, { "four", 4 }, { "five", 5 }, { "six", 6 }, { "seven", 7 }, { "eight", 8 },
		{ "nine", 9 }, { "ten", 10 }, { "eleven", 11 }, { "twelve", 12 }, { "thirteen", 13 }, { "fourteen", 14 },
		{ "fifteen", 15 }, { "sixteen", 16 }, { "seventeen", 17 }, { "eighteen", 18 }, { "nineteen", 19 },
		{ "twenty", 20 }, { "thirty", 30 }, { "forty", 40 }, { "fifty", 50 }, { "sixty", 60 }, { "hundred", 100 },
		{ "deux", 2 }, { "trois", 3 }, { "quatre", 4 }, { "cinq", 5 }, { "sept", 7 }, { "huit", 8 }, { "neuf", 9 },
		{ "dix", 10 }, { "onze", 11 }, { "douze", 12 }, { "treize", 13 }, { "quatorze", 14 }, { "quinze", 15 },
		{ "seize", 16 }, { "vingt", 20 }, { "trente", 30 }, { "quarante", 40 }, { "cinquante", 50 },
		{ "soixante", 60 }, { "cent", 100 },
	};
	const char *at = t->text + t->words[word].at;
	size_t len = t->words[word].end - t->words[word].at;
	int number = 0;

	for (size_t i = 0; i < len && len <= MOST_FIGURES && number >= 0; i++)
		number = at[i] >= '0' && at[i] <= '9' ? 10 * number + (at[i] - '0') : -1;
	if (len <= MOST_FIGURES && number >= 0)
		return number;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i].word) == len && strncasecmp(at, names[i].word, len) == 0)
			return names[i].number;
	return -1;
}

/* "from 25 to 60 seats", "60 seats instead of 25" */
static bool is_rise(const struct heard_text *t, const struct phrase_found *f)
{
	size_t first = sentence_start(t, f->first), end = sentence_end(t, f->last);
	int from = -1, last = -1;

	first = f->first - first > WORDS_COUNTED ? f->first - WORDS_COUNTED : first;
	end = end - f->last > WORDS_COUNTED ? f->last + WORDS_COUNTED : end;
	for (size_t i = first; i < end; i++) {
		int n = number_at(t, i);

		if (n < 0)
			continue;
		if (i > first && from >= 0 && is_of(t, i - 1, IS_TO))
			return n > from;
		if (i > first + 1 && is_of(t, i - 2, IS_INSTEAD))
			return last > n;
		from = i > first && is_of(t, i - 1, IS_FROM) ? n : from;
		last = n;
	}
	return false;
}

/* Whether a short quotation holds it: the name of a button, what somebody else said. */
static bool is_quoted(const struct heard_text *t, const struct phrase_found *f)
{
	size_t n = 0, open, close = f->last + 1, from = sentence_start(t, f->first);

	for (open = f->first; open > from && !(t->words[open].breaks & BREAK_QUOTE) && f->first - open < WORDS_QUOTED;)
		open--;
	if (!(t->words[open].breaks & BREAK_QUOTE))
		return false;
	for (size_t i = from; i <= open; i++)
		n += (t->words[i].breaks & BREAK_QUOTE) != 0;
	while (close < t->n && !(t->words[close].breaks & BREAK_QUOTE) && close - f->first < WORDS_QUOTED)
		close++;
	return n % 2 == 1 && (close == t->n || t->words[close].breaks & BREAK_QUOTE);
}

static bool is_meant(const struct heard_text *t, const struct manner *m, const struct phrase_found *f)
{
	return !is_denied(t, f) && !is_quoted(t, f) && !(m->is_sure && stands_before(t, f->first, IS_IF, false)) &&
	       !(m->is_said && stands_before(t, f->first, IS_IF | IS_WHEN, true)) &&
	       !(m->is_ours && is_of_others(t, f)) && !(m->is_contract && is_of_other_thing(t, f)) &&
	       !(m->is_less && is_rise(t, f));
}

/* The sentence of a phrase, from shortly before it. */
static const char *quote_of(const struct heard_text *t, const struct phrase_found *f, struct arena *a)
{
	size_t first = sentence_start(t, f->first), end = t->words[sentence_end(t, f->first) - 1].end, from;
	const char *before = "";

	while (t->words[f->first].at - t->words[first].at > BEFORE_PHRASE) {
		before = "\xE2\x80\xA6 ";
		first++;
	}
	from = t->words[first].at;
	return arena_printf(a, "%s%s", before,
	                    arena_strndup(a, t->text + from, utf8_fit(t->text + from, end - from < MAX_QUOTE ? end - from :
	                                                                                                       MAX_QUOTE)));
}

static void hear_piece(const struct heard_text *t, bool is_automatic, struct arena *a, const char **sentences)
{
	struct phrase_search search = { .phrases = t->index->phrases, .words = t->words, .n_words = t->n,
		                            .may_skip = may_skip, .context = t->index };
	struct phrase_found f;

	while (phrases_next(&search, &f)) {
		size_t lexicon = phrases_owner(t->index->phrases, f.phrase);
		const struct manner *m = t->index->manners[lexicon];

		if (!sentences[lexicon] && (!is_automatic || m->is_automatic_too) && is_meant(t, m, &f))
			sentences[lexicon] = quote_of(t, &f, a);
	}
}

size_t lexicon_hear(const struct lexicon_index *index, const char *text, struct arena *a,
                    struct lexicon_hit out[MAX_LEXICONS])
{
	LATER_SET struct word words[MAX_TEXT_WORDS];
	const char *sentences[MAX_LEXICONS] = { NULL };
	struct message message;
	size_t n = 0;

	text = html_plain(a, text);
	message_read(text, utf8_fit(text, MAX_TEXT), &message);
	for (size_t i = 0; i < message.n; i++) {
		const struct message_piece *p = &message.pieces[i];
		struct heard_text t = { .index = index, .text = text + p->at, .words = words };

		t.n = words_read(index->vocabulary, t.text, p->end - p->at, words, MAX_TEXT_WORDS);
		hear_piece(&t, message.is_automatic, a, sentences);
	}
	for (size_t i = 0; i < index->n; i++)
		if (sentences[i])
			out[n++] = (struct lexicon_hit){ i, sentences[i] };
	return n;
}

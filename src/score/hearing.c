#include <ctype.h>
#include <string.h>
#include "score/lexicon.h"
#include "signal.h"

enum { MAX_TEXTS = 400 /* of a kind of fact, the newest */ };

/* One lexicon in one text. */
struct heard_hit {
	size_t lexicon;
	int32_t on;
	const char *sentence;
	bool is_theirs; /* the customer wrote it */
};
struct heard {
	struct heard_hit *hits;
	size_t n, n_room;
};

bool has_fresh_texts(const struct context *c)
{
	static const enum fact_kind kinds[] = { FACT_TICKET, FACT_INTERACTION, FACT_SURVEY };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (c->base->sources[kinds[i]].is_known && !c->base->sources[kinds[i]].is_stale)
			return true;
	return false;
}

/* Of a text without a letter or a figure nothing can be heard: what rows without words have. */
static bool has_words(const char *text)
{
	for (; *text; text++)
		if (isalnum((unsigned char)*text) || (unsigned char)*text >= 0x80)
			return true;
	return false;
}

bool lexicon_is_needed(const struct fact_account *account)
{
	for (size_t i = 0; i < account->n_tickets; i++)
		if (has_words(account->tickets[i].text))
			return true;
	for (size_t i = 0; i < account->n_interactions; i++)
		if (has_words(account->interactions[i].text))
			return true;
	for (size_t i = 0; i < account->n_surveys; i++)
		if (has_words(account->surveys[i].comment))
			return true;
	return false;
}

static void hear(const struct context *c, const char *text, int32_t on, bool is_theirs, struct heard *h)
{
	LATER_SET struct lexicon_hit hits[MAX_LEXICONS];
	size_t n;

	if (!has_words(text))
		return;
	n = lexicon_hear(c->settings->index, text, c->arena, hits);
	if (h->n + n > h->n_room) {
		h->n_room = 2 * (h->n + n);
		h->hits = arena_grow(c->arena, h->hits, h->n, h->n_room, sizeof *h->hits);
	}
	for (size_t i = 0; i < n; i++)
		h->hits[h->n++] = (struct heard_hit){ hits[i].lexicon, on, hits[i].sentence, is_theirs };
}

static size_t newest(size_t n)
{
	return n > MAX_TEXTS ? n - MAX_TEXTS : 0;
}

/* All texts of the account, each gone through once. What we wrote ourselves says nothing. */
static struct heard *hear_all(const struct context *c)
{
	const struct fact_account *f = c->account;
	struct heard *h = arena_alloc(c->arena, sizeof *h);

	if (!c->settings->index)
		return h;
	for (size_t i = newest(f->n_tickets); i < f->n_tickets; i++)
		if (*f->tickets[i].text)
			hear(c, f->tickets[i].text, f->tickets[i].opened_on, true, h);
	for (size_t i = newest(f->n_interactions); i < f->n_interactions; i++) {
		const struct fact_interaction *x = &f->interactions[i];

		if (*x->text && has_words(x->text) && strcmp(x->direction, "out") != 0)
			hear(c, x->text, x->on, strcmp(x->direction, "in") == 0 && strcmp(x->kind, "note") != 0, h);
	}
	for (size_t i = newest(f->n_surveys); i < f->n_surveys; i++)
		hear(c, f->surveys[i].comment, f->surveys[i].on, true, h);
	return h;
}

static const struct heard *heard_of(const struct context *c)
{
	if (!c->heard)
		return hear_all(c);
	if (!*c->heard)
		*c->heard = hear_all(c);
	return *c->heard;
}

/* Of one lexicon: how many texts, and the latest (of a day, the first that came). */
static struct mention mention_of(const struct heard *h, const struct lexicon_settings *lexicons, size_t lexicon,
                                 int32_t since)
{
	bool is_request = strstr(lexicons[lexicon].kind, "_request") != NULL;
	struct mention m = { .on = DAY_NONE };

	for (size_t i = 0; i < h->n; i++) {
		const struct heard_hit *hit = &h->hits[i];

		if (hit->lexicon != lexicon || hit->on < since || (is_request && !hit->is_theirs))
			continue;
		if (m.n++ && hit->on <= m.on)
			continue;
		m.on = hit->on;
		m.sentence = hit->sentence;
		m.lexicon = lexicons[lexicon].name;
	}
	return m;
}

struct mention lexicon_mentions(const struct context *c, const char *kind, int days,
                                bool (*skip)(const struct fact_account *f, const char *name))
{
	const struct lexicon_settings *lexicons = c->settings->lexicons.at;
	const struct heard *h = heard_of(c);
	struct mention best = { .on = DAY_NONE };

	if (!h->n)
		return best;
	for (size_t i = 0; i < c->settings->lexicons.n; i++) {
		struct mention m;

		if (strcmp(lexicons[i].kind, kind) != 0 || (skip && skip(c->account, lexicons[i].name)))
			continue;
		m = mention_of(h, lexicons, i, c->as_of - days + 1);
		if (m.n > best.n || (m.n && m.n == best.n && m.on > best.on))
			best = m;
	}
	return best;
}

#include "facts_told.h"

/* The people of an account are found by the numbers of the words that name them, which ascend as the words do: so do
 * people then, whichever fact came first. A person goes by a contact's key, its address, or what usage and exchanges
 * call them. */
struct gathering {
	struct telling *t;
	int64_t *keys;           /* by word: the word of the key of who goes by it; 0: nobody */
	uint32_t *places;        /* by word of a key, or of a team's name: the place in the list */
	bool *is_team;           /* by word */
	int64_t *teams_of;       /* by place of a person: the word of the team; 0: none is known */
	int64_t *teams_used;     /* by row of usage: the word of the team whose day it was */
	struct fact_person *people;
	int64_t *speakers;       /* by row of exchanges: the word of who spoke; 0: nobody did */
	const int64_t *contacts, *use, *talks;
	size_t n_contacts, n_use, n_talks;
};

static int64_t word_of(const struct gathering *g, int64_t word)
{
	return word > 0 && word < (int64_t)g->t->pack->n_words ? word : 0;
}

static int64_t key_of(struct gathering *g, int64_t word)
{
	if (!g->keys[word])
		g->keys[word] = word;
	return g->keys[word];
}

static struct fact_person *person_of(const struct gathering *g, int64_t word)
{
	return &g->people[g->places[g->keys[word]]];
}

/* The word of a contact's key; 0 when it is not there on the day. */
static int64_t contact_at(const struct gathering *g, size_t i)
{
	const int64_t *c = g->contacts;
	size_t n = g->n_contacts;
	bool is_there = c[CONTACT_CREATED * n + i] <= g->t->l->q->as_of && told_row(g->t, c[CONTACT_GONE * n + i]);

	return is_there ? word_of(g, c[CONTACT_KEY * n + i]) : 0;
}

static int64_t speaker_at(const struct gathering *g, size_t i)
{
	const int64_t *c = g->talks;
	size_t n = g->n_talks;

	return c[INTERACTION_FLAGS * n + i] == INTERACTION_IS_HEARD &&
	               told_event(g->t, c[INTERACTION_ON * n + i], c[INTERACTION_GONE * n + i]) ?
	           word_of(g, c[INTERACTION_PERSON * n + i]) :
	           0;
}

static bool is_used(const struct gathering *g, size_t i)
{
	return told_event(g->t, g->use[USE_DAY * g->n_use + i], PACK_NONE);
}

static void name_people(struct gathering *g)
{
	for (size_t i = 0; i < g->n_contacts; i++) {
		int64_t contact = contact_at(g, i), email = word_of(g, g->contacts[CONTACT_EMAIL * g->n_contacts + i]);

		if (!contact)
			continue;
		contact = key_of(g, contact);
		if (email && !g->keys[email])
			g->keys[email] = contact;
	}
	for (size_t i = 0; i < g->n_use; i++)
		if (word_of(g, g->use[USE_PERSON * g->n_use + i]) && is_used(g, i))
			(void)key_of(g, g->use[USE_PERSON * g->n_use + i]);
	for (size_t i = 0; i < g->n_talks; i++) {
		g->speakers[i] = speaker_at(g, i);
		if (g->speakers[i])
			(void)key_of(g, g->speakers[i]);
	}
}

static void place_people(struct gathering *g, struct fact_account *f)
{
	size_t n_words = g->t->pack->n_words;
	uint32_t n = 0;

	for (size_t w = 1; w < n_words; w++)
		if (g->keys[w] == (int64_t)w)
			g->places[w] = n++;
	if (!n)
		return;
	g->people = arena_array(g->t->l->arena, n, sizeof *g->people);
	g->teams_of = arena_array(g->t->l->arena, n, sizeof *g->teams_of);
	for (size_t w = 1; w < n_words; w++)
		if (g->keys[w] == (int64_t)w) {
			struct fact_person *p = &g->people[g->places[w]];

			p->key = g->t->words[w];
			p->name = p->role = p->team = "";
			p->left_on = DAY_NONE;
		}
	f->people = g->people;
	f->n_people = n;
}

static void tell_contacts(struct gathering *g)
{
	const int64_t *c = g->contacts;
	size_t n = g->n_contacts;

	for (size_t i = 0; i < n; i++) {
		int64_t word = contact_at(g, i), flags = c[CONTACT_FLAGS * n + i];
		struct fact_person *p;

		if (!word)
			continue;
		p = person_of(g, word);
		p->name = told_word(g->t, c[CONTACT_NAME * n + i]);
		p->role = told_word(g->t, c[CONTACT_ROLE * n + i]);
		p->team = told_word(g->t, c[CONTACT_TEAM * n + i]);
		g->teams_of[p - g->people] = word_of(g, c[CONTACT_TEAM * n + i]);
		p->is_key = flags & CONTACT_IS_KEY;
		p->left_on = told_day(g->t, c[CONTACT_LEFT * n + i], flags & CONTACT_LEFT_DATED);
	}
}

/* Who uses it without a word on the team does so for the team known last. */
static void tell_use(struct gathering *g)
{
	const int64_t *c = g->use;
	size_t n = g->n_use;

	for (size_t i = 0; i < n; i++) {
		int64_t word = word_of(g, c[USE_PERSON * n + i]), team = word_of(g, c[USE_TEAM * n + i]);

		if (!is_used(g, i))
			continue;
		if (word) {
			struct fact_person *p = person_of(g, word);
			int64_t *known = &g->teams_of[p - g->people];

			fact_days_add(&p->used, g->t->l->q->as_of - (int32_t)c[USE_DAY * n + i]);
			if (!*known && team) {
				*known = team;
				p->team = g->t->words[team];
			}
			team = team ? team : *known;
		}
		g->teams_used[i] = team;
		g->is_team[team] = true;
	}
}

static void tell_teams(struct gathering *g, struct fact_account *f)
{
	size_t n_words = g->t->pack->n_words;
	struct fact_team *teams;
	uint32_t n = 0;

	for (size_t w = 1; w < n_words; w++)
		if (g->is_team[w])
			g->places[w] = n++;
	if (!n)
		return;
	teams = arena_array(g->t->l->arena, n, sizeof *teams);
	for (size_t w = 1; w < n_words; w++)
		if (g->is_team[w])
			teams[g->places[w]].name = g->t->words[w];
	for (size_t i = 0; i < g->n_use; i++)
		if (g->teams_used[i])
			fact_days_add(&teams[g->places[g->teams_used[i]]].used,
			              g->t->l->q->as_of - (int32_t)g->use[USE_DAY * g->n_use + i]);
	f->teams = teams;
	f->n_teams = n;
}

static void tell_exchanges(struct gathering *g)
{
	for (size_t i = 0; i < g->n_talks; i++)
		if (g->speakers[i])
			fact_days_add(&person_of(g, g->speakers[i])->spoke,
			              g->t->l->q->as_of - (int32_t)g->talks[INTERACTION_ON * g->n_talks + i]);
}

int tell_people(struct telling *t, struct fact_account *f)
{
	struct gathering g = { .t = t, .n_talks = t->pack->n[PACK_INTERACTION] };
	struct arena *a = t->l->arena;
	size_t n_words = t->pack->n_words;

	g.contacts = told_cells(t, PACK_CONTACT, &g.n_contacts);
	g.use = told_cells(t, PACK_USE, &g.n_use);
	g.talks = t->cells[PACK_INTERACTION].at;
	if ((g.n_contacts && !g.contacts) || (g.n_use && !g.use))
		return 0;
	if (!g.n_contacts && !g.n_use && !g.n_talks)
		return 1;
	g.keys = arena_array(a, n_words, sizeof *g.keys);
	g.places = arena_array(a, n_words, sizeof *g.places);
	g.speakers = arena_array(a, g.n_talks, sizeof *g.speakers);
	name_people(&g);
	place_people(&g, f);
	tell_contacts(&g);
	tell_exchanges(&g);
	if (!g.n_use)
		return 1;
	g.is_team = arena_array(a, n_words, sizeof *g.is_team);
	g.teams_used = arena_array(a, g.n_use, sizeof *g.teams_used);
	tell_use(&g);
	tell_teams(&g, f);
	return 1;
}

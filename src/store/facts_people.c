#include "facts_told.h"

/* The people of an account are found by the numbers of the words that name them, which ascend as the words do: so do
 * people then, whichever fact came first. A person goes by a contact's key, its address, or what usage and exchanges
 * call them. */
struct gathering {
	struct telling *t;
	struct named {
		uint32_t key;   /* the word of the key of who goes by it; 0: nobody */
		uint32_t place; /* of a key, or of a team's name: the place in the list */
	} *named; /* by word */
	uint64_t *is_key, *is_team; /* a bit a word */
	size_t n_sets;              /* of 64 words each */
	uint32_t *teams_of;         /* by place of a person: the word of the team; 0: none is known */
	struct fact_person *people;
	size_t n_people;
};

/* Where cells of contacts and of use are while both are needed. */
enum { OF_CONTACTS, OF_USE = CONTACT_GONE + 1 };

struct contacts {
	const int64_t *columns[CONTACT_GONE + 1]; /* by column; of the day that one was seen last: none */
	size_t n;
};

/* Usage of those days that count. */
struct use {
	const int64_t *days, *people, *teams;
	size_t n;
};

static int read_contacts(struct telling *t, struct contacts *out)
{
	int rc = told_open(t, PACK_CONTACT);

	out->n = t->n_cells;
	for (int c = 0; rc > 0 && c <= CONTACT_GONE; c++)
		if (c != CONTACT_LAST_SEEN)
			out->columns[c] = told_cells(t, OF_CONTACTS + c, c);
	return rc;
}

static int read_use(struct telling *t, struct use *out)
{
	int rc = told_open(t, PACK_USE);
	size_t first = 0, end = t->n_cells;

	if (rc <= 0)
		return rc;
	out->days = told_cells(t, OF_USE, USE_DAY);
	out->people = told_cells(t, OF_USE + 1, USE_PERSON);
	out->teams = told_cells(t, OF_USE + 2, USE_TEAM);
	while (first < end && !told_event(t, out->days[first], PACK_NONE))
		first++;
	while (end > first && !told_event(t, out->days[end - 1], PACK_NONE))
		end--;
	*out = (struct use){ out->days + first, out->people + first, out->teams + first, end - first };
	return rc;
}

static uint32_t key_of(struct gathering *g, size_t word)
{
	struct named *named = &g->named[word];

	if (!named->key) {
		named->key = (uint32_t)word;
		g->is_key[word / 64] |= UINT64_C(1) << (word % 64);
	}
	return named->key;
}

static struct fact_person *person_of(const struct gathering *g, size_t word)
{
	return &g->people[g->named[g->named[word].key].place];
}

/* The word of a contact's key; 0 when it is not there on the day. */
static size_t contact_at(const struct gathering *g, const struct contacts *c, size_t i)
{
	bool is_there = c->columns[CONTACT_CREATED][i] <= g->t->as_of && told_row(g->t, c->columns[CONTACT_GONE][i]);

	return is_there ? told_name(g->t, c->columns[CONTACT_KEY][i]) : 0;
}

static void name_people(struct gathering *g, const struct contacts *c, const struct use *use)
{
	for (size_t i = 0; i < c->n; i++) {
		size_t contact = contact_at(g, c, i), email = told_name(g->t, c->columns[CONTACT_EMAIL][i]);

		if (!contact)
			continue;
		contact = key_of(g, contact);
		if (email && !g->named[email].key)
			g->named[email].key = (uint32_t)contact;
	}
	for (size_t i = 0; i < use->n; i++)
		if (told_name(g->t, use->people[i]))
			(void)key_of(g, told_name(g->t, use->people[i]));
	for (size_t i = 0; i < g->t->n_speakers; i++)
		(void)key_of(g, g->t->speakers[i].word);
}

/* Gives the words of a set their places. Returns how many they are. */
static size_t place(struct gathering *g, const uint64_t *set)
{
	size_t n = 0;

	for (size_t s = 0; s < g->n_sets; s++)
		for (uint64_t bits = set[s]; bits; bits &= bits - 1)
			g->named[64 * s + (size_t)__builtin_ctzll(bits)].place = (uint32_t)n++;
	return n;
}

static void place_people(struct gathering *g)
{
	size_t at = 0, n = place(g, g->is_key);

	g->n_people = n;
	if (!n)
		return;
	g->people = arena_array(g->t->l->arena, n, sizeof *g->people);
	g->teams_of = arena_array(g->t->l->arena, n, sizeof *g->teams_of);
	for (size_t s = 0; s < g->n_sets; s++)
		for (uint64_t bits = g->is_key[s]; bits; bits &= bits - 1) {
			struct fact_person *p = &g->people[at++];

			p->key = g->t->words.at[64 * s + (size_t)__builtin_ctzll(bits)];
			p->name = p->role = p->team = "";
			p->left_on = DAY_NONE;
		}
}

static void tell_contacts(struct gathering *g, const struct contacts *c)
{
	for (size_t i = 0; i < c->n; i++) {
		size_t word = contact_at(g, c, i);
		int64_t flags = c->columns[CONTACT_FLAGS][i];
		struct fact_person *p;

		if (!word)
			continue;
		p = person_of(g, word);
		p->name = told_word(g->t, c->columns[CONTACT_NAME][i]);
		p->role = told_word(g->t, c->columns[CONTACT_ROLE][i]);
		p->team = told_word(g->t, c->columns[CONTACT_TEAM][i]);
		g->teams_of[p - g->people] = (uint32_t)told_name(g->t, c->columns[CONTACT_TEAM][i]);
		p->is_key = flags & CONTACT_IS_KEY;
		p->left_on = told_day(g->t, (int32_t)c->columns[CONTACT_LEFT][i], flags & CONTACT_LEFT_DATED);
	}
}

/* Of a row of usage; who uses it without a word on the team does so for the team known last. Returns its word. */
static size_t tell_day(struct gathering *g, size_t word, size_t team, int age)
{
	struct fact_person *p;
	uint32_t *known;

	if (!word)
		return team;
	p = person_of(g, word);
	known = &g->teams_of[p - g->people];
	fact_days_add(&p->used, age);
	if (!*known && team) {
		*known = (uint32_t)team;
		p->team = g->t->words.at[team];
	}
	return team ? team : *known;
}

/* teams: by row, the word of the team whose day it was. */
static bool tell_use(struct gathering *g, const struct use *use, uint32_t *teams)
{
	size_t any = 0;

	for (size_t i = 0; i < use->n; i++) {
		size_t team = tell_day(g, told_name(g->t, use->people[i]), told_name(g->t, use->teams[i]),
		                       g->t->as_of - (int32_t)use->days[i]);

		teams[i] = (uint32_t)team;
		any |= team;
		if (team)
			g->is_team[team / 64] |= UINT64_C(1) << (team % 64);
	}
	return any > 0;
}

static void tell_teams(struct gathering *g, const struct use *use, const uint32_t *teams_used, struct fact_account *f)
{
	size_t n = place(g, g->is_team), at = 0;
	struct fact_team *teams = arena_array(g->t->l->arena, n, sizeof *teams);

	for (size_t s = 0; s < g->n_sets; s++)
		for (uint64_t bits = g->is_team[s]; bits; bits &= bits - 1)
			teams[at++].name = g->t->words.at[64 * s + (size_t)__builtin_ctzll(bits)];
	for (size_t i = 0; i < use->n; i++)
		if (teams_used[i])
			fact_days_add(&teams[g->named[teams_used[i]].place].used, g->t->as_of - (int32_t)use->days[i]);
	f->teams = teams;
	f->n_teams = n;
}

static void gather(struct telling *t, const struct contacts *c, const struct use *use, struct fact_account *f)
{
	struct arena *a = t->l->arena;
	struct gathering g = { .t = t, .n_sets = t->words.n / 64 + 1 };
	uint32_t *teams_used = arena_array(a, use->n, sizeof *teams_used);

	g.named = arena_array(a, t->words.n, sizeof *g.named);
	g.is_key = arena_array(a, 2 * g.n_sets, sizeof *g.is_key);
	g.is_team = g.is_key + g.n_sets;
	name_people(&g, c, use);
	place_people(&g);
	tell_contacts(&g, c);
	for (size_t i = 0; i < t->n_speakers; i++)
		fact_days_add(&person_of(&g, t->speakers[i].word)->spoke, t->as_of - t->speakers[i].on);
	f->people = g.people;
	f->n_people = g.n_people;
	if (tell_use(&g, use, teams_used))
		tell_teams(&g, use, teams_used, f);
}

int tell_people(struct telling *t, struct fact_account *f)
{
	struct contacts contacts = { .n = 0 };
	struct use use = { .n = 0 };

	if (read_contacts(t, &contacts) < 0 || read_use(t, &use) < 0)
		return 0;
	if (contacts.n || use.n || t->n_speakers)
		gather(t, &contacts, &use, f);
	return 1;
}

#include <math.h>
#include <string.h>

#include "evidence.h"
#include "expansion.h"

enum { NEW_DAYS = 28, KNOWN_DAYS = 180, TEAM_DAYS = 3, TALK_DAYS = 60, MONTH_WEEKS = 16 };

/* Sustained: at least three of four weeks above what was usual; and more than one person. */
static bool read_seat_growth(const struct context *c, struct reading *out)
{
	const double *weeks = weekly_people(c);
	const struct people_growth *g;

	if (!weeks)
		return reading_unknown(out, "people at work are not known");
	if (fact_days_first(&c->account->active) < 7 * MONTH_WEEKS)
		return reading_unknown(out, "less than 16 weeks of usage");
	g = people_growth(c, weeks);
	reading_value(out, g->growth, 0);
	if (c->is_brief)
		return true;
	reading_number(c, out, "now", g->now, 0);
	reading_number(c, out, "before", g->before, 0);
	reading_number(c, out, "percent", 100 * g->growth, 0);
	READING_WHY(c, out, "%s a week, %.0f before: no lasting growth",
	            counted(c->arena, (int)g->now, "person", "people"), g->before);
	if (g->growth > 0 && price_per_seat(c) > 0) {
		out->stake_minor = minor_of(round(g->now - g->before) * price_per_seat(c));
		out->stake_how = arena_printf(c->arena, "%.0f more people x yearly revenue per seat",
		                              round(g->now - g->before));
	}
	return true;
}

static bool read_use_growth(const struct context *c, struct reading *out)
{
	const double *weeks = fact_days_first(&c->account->active) < 7 * TREND_WEEKS ? NULL : weekly_use(c);
	double growth;

	if (!weeks)
		return reading_unknown(out, "less than 26 weeks of usage");
	growth = use_growth(c);
	reading_value(out, growth, 0);
	if (c->is_brief)
		return true;
	reading_number(c, out, "percent", 100 * growth, 0);
	out->why = "use does not grow";
	return true;
}

static int people_of_team(const struct fact_account *f, const char *team)
{
	int n = 0;

	for (size_t p = 0; p < f->n_people; p++)
		n += strcmp(f->people[p].team, team) == 0 && fact_days_any(&f->people[p].used, 0, NEW_DAYS);
	return n;
}

/* For how many days teams have been known; -1 when none is. */
static int days_with_teams(const struct fact_account *f)
{
	int oldest = -1;

	for (size_t i = 0; i < f->n_teams; i++)
		if (fact_days_first(&f->teams[i].used) > oldest)
			oldest = fact_days_first(&f->teams[i].used);
	return oldest;
}

static bool read_new_teams(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	const char *names = "";
	int n = 0, people = 0;

	if (days_with_teams(f) < 2 * NEW_DAYS)
		return reading_unknown(out, f->n_teams ? "less than 56 days of usage by team" : "teams are not known");
	for (size_t i = 0; i < f->n_teams; i++) {
		const struct fact_team *t = &f->teams[i];

		if (fact_days_count(&t->used, 0, NEW_DAYS) < TEAM_DAYS || fact_days_any(&t->used, NEW_DAYS, KNOWN_DAYS))
			continue;
		if (n++ < 3 && !c->is_brief)
			names = arena_printf(c->arena, "%s%s%s", names, *names ? ", " : "", evidence_quote(c->arena, t->name, 40));
		people += people_of_team(f, t->name);
	}
	out->why = "no new team in 28 days";
	reading_value(out, n, 0);
	if (c->is_brief)
		return true;
	READING_SAY(c, out, "teams", "new_teams", W_INT("n", n));
	reading_word(out, "names", names);
	if (n && people && price_per_seat(c) > 0) {
		out->stake_minor = minor_of(people * price_per_seat(c));
		out->stake_how = arena_printf(c->arena, "%s of new teams x yearly revenue per seat",
		                              counted(c->arena, people, "person", "people"));
	}
	return true;
}

static bool read_adjacent_need(const struct context *c, struct reading *out)
{
	struct mention m = lexicon_mentions(c, "adjacent_need", TALK_DAYS, is_owned);

	if (!has_fresh_texts(c))
		return reading_unknown(out, "no fresh source of texts");
	out->why = "nothing of the kind said in 60 days";
	reading_value(out, m.n, 0);
	if (c->is_brief)
		return true;
	reading_word(out, "product", m.n ? m.lexicon : "");
	reading_mention(c, out, &m);
	if (m.n)
		(void)worth_of_product(c, m.lexicon, &out->stake_minor, &out->stake_how);
	return true;
}

static const struct signal signals[] = {
	{ "seat_growth", ENGINE_EXPANSION, FAMILY_PEOPLE, read_seat_growth, FACT_USAGE, true,
	  PUBLISHED ": growth sustained for two weeks and more", NULL, LOSS_ANY },
	{ "use_growth", ENGINE_EXPANSION, FAMILY_USAGE, read_use_growth, FACT_USAGE, true,
	  PUBLISHED ": sustained growth, no spike", NULL, LOSS_ANY },
	{ "new_teams", ENGINE_EXPANSION, FAMILY_PEOPLE, read_new_teams, FACT_USAGE, true,
	  PUBLISHED ": several teams, repeated use", NULL, LOSS_ANY },
	{ "adjacent_need", ENGINE_EXPANSION, FAMILY_SUPPORT, read_adjacent_need, FACT_TICKET, false,
	  "lexicon", NULL, LOSS_ANY },
};
const struct signal_table growth_signals = { signals, ARRAY_LEN(signals) };

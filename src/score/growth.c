#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "signal.h"
#include "store/usage.h"

enum { NOW_WEEKS = 4, BEFORE_WEEKS = 12, NEW_DAYS = 28, KNOWN_DAYS = 180, TEAM_DAYS = 3, TALK_DAYS = 60 };

/* People at work in each of the last sixteen weeks: from the metric that counts them, else by name. False: not known.
 */
static bool weekly_people(const struct context *c, double weeks[NOW_WEEKS + BEFORE_WEEKS])
{
	const struct fact_account *f = c->account;
	const int64_t *series = NULL;
	double scale = 1;

	for (size_t m = 0; m < c->base->n_metrics && c->settings->users_metric; m++)
		if (strcmp(c->base->metrics[m].name, c->settings->users_metric) == 0) {
			series = f->usage[m];
			scale = c->base->metrics[m].scale > 0 ? c->base->metrics[m].scale : 1;
		}
	if (!series && !has_named_use(f))
		return false;
	for (int w = 0; w < NOW_WEEKS + BEFORE_WEEKS; w++) {
		weeks[w] = 0;
		for (size_t i = 0; i < f->n_people && !series; i++)
			weeks[w] += fact_days_count(&f->people[i].used, 7 * w, 7 * w + 7) > 0;
		for (int age = 7 * w; age < 7 * w + 7 && series; age++)
			if (series[age] != USAGE_NONE && (double)series[age] / scale > weeks[w])
				weeks[w] = (double)series[age] / scale;
	}
	return true;
}

static int by_size(const void *left, const void *right)
{
	const double *l = left, *r = right;

	return *l < *r ? -1 : *l > *r;
}

/* The lower middle, so that one week of more is not growth. */
static double lower_middle(const double *from, int n)
{
	double sorted[BEFORE_WEEKS];

	memcpy(sorted, from, sizeof *sorted * (size_t)n);
	qsort(sorted, (size_t)n, sizeof *sorted, by_size);
	return sorted[(n - 1) / 2];
}

static double price_per_seat(const struct fact_account *f)
{
	const char *currency;
	bool is_left_out;
	int64_t seats = active_seats(f), revenue = yearly_revenue(f, &currency, &is_left_out);

	return seats > 0 && revenue > 0 ? (double)revenue / (double)seats : 0;
}

static bool read_seat_growth(const struct context *c, struct reading *out)
{
	double weeks[NOW_WEEKS + BEFORE_WEEKS], now, before, growth;
	int above = 0, price_known = price_per_seat(c->account) > 0;

	if (!weekly_people(c, weeks))
		return reading_unknown(out, "people at work are not known");
	if (fact_days_first(&c->account->active) < 7 * (NOW_WEEKS + BEFORE_WEEKS))
		return reading_unknown(out, "less than 16 weeks of usage");
	now = lower_middle(weeks, NOW_WEEKS);
	before = lower_middle(weeks + NOW_WEEKS, BEFORE_WEEKS);
	for (int w = 0; w < NOW_WEEKS; w++)
		above += weeks[w] > before;
	/* Sustained: at least three of four weeks above; and more than one person. */
	growth = above >= 3 && now - before >= 2 ? now / (before > 1 ? before : 1) - 1 : 0;
	reading_value(out, growth, 0);
	reading_number(c, out, "now", now, 0);
	reading_number(c, out, "before", before, 0);
	reading_number(c, out, "percent", 100 * growth, 0);
	out->why = arena_printf(c->arena, "%s a week, %.0f before: no lasting growth",
	                        counted(c->arena, (int)now, "person", "people"), before);
	if (growth > 0 && price_known) {
		out->stake_minor = llround((now - before) * price_per_seat(c->account));
		out->stake_how = arena_printf(c->arena, "%.0f more people x yearly revenue per seat", now - before);
	}
	return true;
}

static bool read_new_teams(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	const char *names = "";
	int n = 0, people = 0, oldest = -1;

	for (size_t i = 0; i < f->n_teams; i++)
		if (fact_days_first(&f->teams[i].used) > oldest)
			oldest = fact_days_first(&f->teams[i].used);
	if (oldest < 2 * NEW_DAYS)
		return reading_unknown(out, f->n_teams ? "less than 56 days of usage by team" : "teams are not known");
	for (size_t i = 0; i < f->n_teams; i++) {
		const struct fact_team *t = &f->teams[i];

		if (fact_days_count(&t->used, 0, NEW_DAYS) < TEAM_DAYS || fact_days_count(&t->used, NEW_DAYS, KNOWN_DAYS))
			continue;
		if (n++ < 3)
			names = arena_printf(c->arena, "%s%s%s", names, *names ? ", " : "", evidence_quote(c->arena, t->name, 40));
		for (size_t p = 0; p < f->n_people; p++)
			people += strcmp(f->people[p].team, t->name) == 0 && fact_days_count(&f->people[p].used, 0, NEW_DAYS) > 0;
	}
	out->why = "no new team in 28 days";
	reading_value(out, n, 0);
	reading_word(out, "teams", counted(c->arena, n, "new team", "new teams"));
	reading_word(out, "names", names);
	if (n && people && price_per_seat(f) > 0) {
		out->stake_minor = llround(people * price_per_seat(f));
		out->stake_how = arena_printf(c->arena, "%s of new teams x yearly revenue per seat",
		                              counted(c->arena, people, "person", "people"));
	}
	return true;
}

/* Whether they have that product already. */
static bool is_owned(const struct fact_account *f, const char *product)
{
	for (size_t i = 0; i < f->n_subscriptions; i++)
		if (f->subscriptions[i].is_active && text_equal_fold(f->subscriptions[i].product, product))
			return true;
	return false;
}

static bool read_adjacent_need(const struct context *c, struct reading *out)
{
	struct mention m = lexicon_mentions(c, "adjacent_need", TALK_DAYS, is_owned);
	const char *currency;
	bool is_left_out;
	int64_t revenue = yearly_revenue(c->account, &currency, &is_left_out);

	if (!has_fresh_texts(c))
		return reading_unknown(out, "no fresh source of texts");
	out->why = "nothing of the kind said in 60 days";
	reading_value(out, m.n, 0);
	reading_word(out, "product", m.n ? m.lexicon : "");
	reading_mention(c, out, &m);
	if (m.n && revenue > 0) {
		out->stake_minor = llround((double)revenue * c->settings->attach_share);
		out->stake_how = arena_printf(c->arena, "assumed: %.0f %% of yearly revenue for a further product",
		                              100 * c->settings->attach_share);
	}
	return true;
}

static const struct signal signals[] = {
	{ "seat_growth", ENGINE_EXPANSION, FAMILY_PEOPLE, read_seat_growth, FACT_USAGE, true,
	  "{{now}} people a week for a month, {{before}} before: {{percent}} % more",
	  PUBLISHED ": growth sustained for two weeks and more", NULL, LOSS_ANY },
	{ "new_teams", ENGINE_EXPANSION, FAMILY_PEOPLE, read_new_teams, FACT_USAGE, true, "{{teams}} at work: {{names}}",
	  PUBLISHED ": several teams, repeated use", NULL, LOSS_ANY },
	{ "adjacent_need", ENGINE_EXPANSION, FAMILY_SUPPORT, read_adjacent_need, FACT_TICKET, false,
	  "asked for {{product}} in {{texts}}, {{on}}: \"{{quote}}\"", "lexicon", NULL, LOSS_ANY },
};
const struct signal_table growth_signals = { signals, ARRAY_LEN(signals) };

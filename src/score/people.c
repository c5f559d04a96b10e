#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "signal.h"

enum {
	QUIET_DAYS = 60,       /* a key person who was regular and did nothing for so long counts as gone */
	KEY_WINDOW = 330,
	REGULAR_DAYS = 5,
	N_HEAVY = 3,
	PEOPLE_DAYS = 90,
	ENOUGH_PEOPLE = 4,
	MAX_NAMED = 3,
};

bool is_active_between(const struct fact_person *p, int from_age, int to_age)
{
	return fact_days_count(&p->used, from_age, to_age) || fact_days_count(&p->spoke, from_age, to_age);
}

int people_between(const struct fact_account *f, int from_age, int to_age)
{
	int n = 0;

	for (size_t i = 0; i < f->n_people; i++)
		n += is_active_between(&f->people[i], from_age, to_age);
	return n;
}

bool has_named_use(const struct fact_account *f)
{
	for (size_t i = 0; i < f->n_people; i++)
		if (fact_days_last(&f->people[i].used) >= 0)
			return true;
	return false;
}

/* Days on which somebody did something, between two months and a year ago. */
static int earlier_days(const struct fact_person *p)
{
	return fact_days_count(&p->used, QUIET_DAYS, KEY_WINDOW) + fact_days_count(&p->spoke, QUIET_DAYS, KEY_WINDOW);
}

/* How much somebody must have done to be among the heaviest three. */
static int heavy_from(const struct fact_account *f)
{
	int top[N_HEAVY] = { 0 };

	for (size_t i = 0; i < f->n_people; i++) {
		int days = earlier_days(&f->people[i]);

		for (int t = 0; t < N_HEAVY; t++)
			if (days > top[t]) {
				memmove(top + t + 1, top + t, sizeof *top * (size_t)(N_HEAVY - 1 - t));
				top[t] = days;
				break;
			}
	}
	return top[N_HEAVY - 1] > REGULAR_DAYS ? top[N_HEAVY - 1] : REGULAR_DAYS;
}

static const char *name_of(struct arena *a, const struct fact_person *p)
{
	if (*p->name)
		return evidence_quote(a, p->name, 40);
	return *p->role ? evidence_quote(a, p->role, 20) : "a heavy user";
}

static bool is_broken(const struct context *c, enum fact_kind kind)
{
	return c->base->sources[kind].is_known && c->base->sources[kind].is_stale;
}

/* Whether they may be at work unseen: a source that showed them before has broken. */
static bool is_hidden(const struct context *c, const struct fact_person *p)
{
	return (is_broken(c, FACT_PERSON) && fact_days_count(&p->used, QUIET_DAYS, KEY_WINDOW)) ||
	       (is_broken(c, FACT_INTERACTION) && fact_days_count(&p->spoke, QUIET_DAYS, KEY_WINDOW));
}

static bool read_key_people_lost(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	int heavy = heavy_from(f), n = 0, lost = 0;
	const char *names = "";

	for (size_t i = 0; i < f->n_people; i++) {
		const struct fact_person *p = &f->people[i];
		bool was_regular = earlier_days(p) >= REGULAR_DAYS, is_gone = p->left_on != DAY_NONE;

		if (!p->is_key && earlier_days(p) < heavy)
			continue;
		if (!is_gone && (!was_regular || (is_hidden(c, p) && !is_active_between(p, 0, QUIET_DAYS))))
			continue; /* nothing is known of them */
		n++;
		if (!is_gone && is_active_between(p, 0, QUIET_DAYS))
			continue;
		if (lost++ < MAX_NAMED)
			names = arena_printf(c->arena, "%s%s%s", names, *names ? ", " : "", name_of(c->arena, p));
	}
	if (!n)
		return reading_unknown(out, "no key people known");
	out->why = lost ? NULL : "all key people are there";
	reading_value(out, lost / (double)n, 0);
	reading_number(c, out, "lost", lost, 0);
	reading_number(c, out, "of", n, 0);
	reading_word(out, "names", names);
	return true;
}

static bool read_active_people(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	int now = people_between(f, 0, PEOPLE_DAYS), peak = 0;

	for (int age = QUIET_DAYS; age + PEOPLE_DAYS <= FACTS_DAYS; age += 30) {
		int n = people_between(f, age, age + PEOPLE_DAYS);

		peak = n > peak ? n : peak;
	}
	if (!peak || is_broken(c, FACT_PERSON) || is_broken(c, FACT_INTERACTION))
		return reading_unknown(out, "who uses it is not known");
	/* Both the fall and the level: an account that hangs on one or two people is thin even if it always did. */
	reading_value(
		out, sqrt(now / (double)(peak > 2 ? peak : 2) * (now < ENOUGH_PEOPLE ? now / (double)ENOUGH_PEOPLE : 1)), 1);
	reading_word(out, "people", counted(c->arena, now, "person", "people"));
	reading_number(c, out, "peak", peak, 0);
	return true;
}

static const struct signal signals[] = {
	{ "key_people_lost", ENGINE_DEFENSE, FAMILY_PEOPLE, read_key_people_lost, FACT_PERSON, false,
	  "{{lost}} of {{of}} key people gone or silent for 60 days: {{names}}",
	  MEASURED ": the three heaviest people of the past year and those marked as key", NULL, LOSS_ANY },
	{ "active_people", ENGINE_DEFENSE, FAMILY_PEOPLE, read_active_people, FACT_PERSON, false,
	  "{{people}} active in 90 days, {{peak}} at its best", MEASURED ": people active in 90 days", NULL, LOSS_ANY },
};
const struct signal_table people_signals = { signals, ARRAY_LEN(signals) };

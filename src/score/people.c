#include <math.h>
#include <string.h>

#include "evidence.h"
#include "store/usage.h"

enum {
	QUIET_DAYS = 60,       /* a key person who was regular and did nothing for so long counts as gone */
	KEY_WINDOW = 330,
	REGULAR_DAYS = 5,
	N_HEAVY = 3,
	PEOPLE_DAYS = 90,
	ENOUGH_PEOPLE = 4,
	MONTH = 28,
	MAX_NAMED = 3,
};

/* Somebody marked as champion, sponsor or decision-maker weighs more than one who just uses it much: as much as all of
 * these together. */
static const double MARKED = 1;

bool is_active_between(const struct fact_person *p, int from_age, int to_age)
{
	return fact_days_any(&p->used, from_age, to_age) || fact_days_any(&p->spoke, from_age, to_age);
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

/* How much somebody must have done to be among the heaviest three. days: of each of n people. */
static int heavy_from(const int *days, size_t n)
{
	int top[N_HEAVY] = { 0 };

	for (size_t i = 0; i < n; i++)
		for (int t = 0; t < N_HEAVY; t++)
			if (days[i] > top[t]) {
				memmove(top + t + 1, top + t, sizeof *top * (size_t)(N_HEAVY - 1 - t));
				top[t] = days[i];
				break;
			}
	return top[N_HEAVY - 1] > REGULAR_DAYS ? top[N_HEAVY - 1] : REGULAR_DAYS;
}

static void tell_name(const struct context *c, const struct fact_person *p, struct reading *out)
{
	const char *name = evidence_quote(c->arena, p->name, 40), *role = evidence_quote(c->arena, p->role, 20);

	if (*name && p->is_key && *role)
		reading_word(out, "names", arena_printf(c->arena, "%s (%s)", name, metric_words(c->arena, role)));
	else if (*name || *role)
		reading_word(out, "names", *name ? name : role);
	else
		reading_phrase(c, out, "names", "heavy_user");
}

static bool is_broken(const struct context *c, enum fact_kind kind)
{
	return c->base->sources[kind].is_known && c->base->sources[kind].is_stale;
}

/* Whether they may be at work unseen: a source that showed them before has broken. */
static bool is_hidden(const struct context *c, const struct fact_person *p)
{
	return (is_broken(c, FACT_PERSON) && fact_days_any(&p->used, QUIET_DAYS, KEY_WINDOW)) ||
	       (is_broken(c, FACT_INTERACTION) && fact_days_any(&p->spoke, QUIET_DAYS, KEY_WINDOW));
}

/* Key people: how many are known, how many of them are gone, how many of these are marked as key; whether somebody may
 * be at work unseen. */
struct roll { int n, lost, marked; bool is_hidden; const struct fact_person *named[MAX_NAMED]; };

/* earlier: their earlier_days. */
static void call(const struct context *c, const struct fact_person *p, int earlier, struct roll *roll)
{
	bool was_regular = earlier >= REGULAR_DAYS, is_gone = p->left_on != DAY_NONE;
	bool is_quiet = !is_gone && !is_active_between(p, 0, QUIET_DAYS);

	if (!is_gone && !was_regular)
		return; /* nothing is known of them */
	if (is_quiet && is_hidden(c, p)) {
		roll->is_hidden = true;
		return;
	}
	roll->n++;
	if (!is_gone && !is_quiet)
		return;
	if (roll->lost < MAX_NAMED)
		roll->named[roll->lost] = p;
	roll->lost++;
	roll->marked += p->is_key;
}

static bool read_key_people_lost(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	int *days = arena_array(c->arena, f->n_people, sizeof *days), heavy;
	struct roll roll = { .n = 0 };

	for (size_t i = 0; i < f->n_people; i++)
		days[i] = earlier_days(&f->people[i]);
	heavy = heavy_from(days, f->n_people);
	for (size_t i = 0; i < f->n_people; i++)
		if (f->people[i].is_key || days[i] >= heavy)
			call(c, &f->people[i], days[i], &roll);
	out->is_stale = roll.is_hidden;
	if (!roll.n)
		return reading_unknown(out, roll.is_hidden ? "what shows key people does not come through" :
		                                             "no key people known");
	out->why = roll.lost ? NULL : "all key people are there";
	reading_value(out, roll.lost / (double)roll.n + (roll.marked ? MARKED : 0), 0);
	if (out->is_brief)
		return true;
	reading_number(c, out, "lost", roll.lost, 0);
	reading_number(c, out, "of", roll.n, 0);
	for (int i = 0; i < roll.lost && i < MAX_NAMED; i++)
		tell_name(c, roll.named[i], out);
	return true;
}

bool is_champion_lost(const struct reading *r)
{
	return r->contribution > 0 && r->value > MARKED && r->value < MARKED + 1 &&
	       strcmp(r->name, "key_people_lost") == 0;
}

/* What the metric that counts people has of the account, by age; false where there is nothing. */
static bool read_users(const struct context *c, int64_t values[FACTS_DAYS], double *out_scale)
{
	int m = metric_index(c->base, c->settings->users_metric);

	if (m < 0 || !c->account->usage[m])
		return false;
	fact_series_read(c->account->usage[m], 0, FACTS_DAYS, values);
	*out_scale = c->base->metrics[m].scale;
	return true;
}

/* People are counted by what they use; where usage does not say who, by who is heard of. Where neither does, by the
 * metric that counts them. -1: not known. */
static int counted_people(const struct context *c, bool is_named, int from_age, int to_age)
{
	const struct fact_account *f = c->account;
	int n = 0;

	for (size_t i = 0; i < f->n_people; i++)
		n += is_named ? fact_days_any(&f->people[i].used, from_age, to_age)
		              : is_active_between(&f->people[i], from_age, to_age);
	return n;
}

/* The middle of the days on which the metric of people counted anybody, 0 when it never did. */
static int metric_people(const int64_t *values, double scale, int from_age, int to_age)
{
	LATER_SET int64_t days[FACTS_DAYS];
	size_t n = 0;

	for (int age = from_age; age < to_age; age++)
		if (values[age] != USAGE_NONE && values[age] > 0)
			days[n++] = values[age];
	if (!n)
		return 0;
	values_sort(days, n);
	return (int)fmin(ceil((double)days[n / 2] / (scale > 0 ? scale : 1)), INT32_MAX);
}

/* The oldest age at which any of them is seen, -1: none. */
static int oldest_day(const struct fact_account *f, bool is_named)
{
	int oldest = -1;

	for (size_t i = 0; i < f->n_people; i++) {
		int used = fact_days_first(&f->people[i].used), spoke = is_named ? -1 : fact_days_first(&f->people[i].spoke);

		oldest = used > oldest ? used : oldest;
		oldest = spoke > oldest ? spoke : oldest;
	}
	return oldest;
}

/* People in the last days and in the account's best days of that length, the recent past left out. */
struct headcount { int now, best; };

static bool count_heads(const struct context *c, int days, struct headcount *out)
{
	bool is_named = has_named_use(c->account);
	int all = (int)c->account->n_people, oldest = all ? oldest_day(c->account, is_named) : FACTS_DAYS;
	LATER_SET int64_t values[FACTS_DAYS];
	double scale = 1;
	bool is_metric = !all && read_users(c, values, &scale);

	*out = (struct headcount){ .now = is_metric ? metric_people(values, scale, 0, days)
	                                            : counted_people(c, is_named, 0, days) };
	/* Until there is nobody more to count, or nothing more to see. */
	for (int age = days < QUIET_DAYS ? days : QUIET_DAYS;
	     age + days <= FACTS_DAYS && age <= oldest && (is_metric || out->best < all); age += days / 3) {
		int n = is_metric ? metric_people(values, scale, age, age + days)
		                  : counted_people(c, is_named, age, age + days);

		out->best = n > out->best ? n : out->best;
	}
	return out->best > 0 && !is_broken(c, FACT_PERSON) && (is_named || is_metric || !is_broken(c, FACT_INTERACTION));
}

static bool read_active_people(const struct context *c, struct reading *out)
{
	struct headcount heads;

	if (!count_heads(c, PEOPLE_DAYS, &heads))
		return reading_unknown(out, "who uses it is not known");
	if (heads.best < 2 && heads.now < 2)
		return reading_unknown(out, "never more than one person");
	reading_value(out, log2(ENOUGH_PEOPLE / (heads.now > 0 ? (double)heads.now : 0.5)), 0);
	if (out->is_brief)
		return true;
	READING_SAY(c, out, "people", "people", W_INT("n", heads.now));
	reading_number(c, out, "peak", heads.best, 0);
	return true;
}

static bool read_people_shrinking(const struct context *c, struct reading *out)
{
	struct headcount heads;

	if (!count_heads(c, MONTH, &heads))
		return reading_unknown(out, "who uses it is not known");
	if (heads.best < 3)
		return reading_unknown(out, "never more than two people in a month");
	reading_value(out, heads.now < heads.best ? 1 - heads.now / (double)heads.best : 0, 0);
	if (out->is_brief)
		return true;
	READING_SAY(c, out, "people", "people", W_INT("n", heads.now));
	reading_number(c, out, "peak", heads.best, 0);
	out->why = "as many people as in its best month";
	return true;
}

static const struct signal signals[] = {
	{ "key_people_lost", ENGINE_DEFENSE, FAMILY_PEOPLE, read_key_people_lost, FACT_PERSON, false,
	  MEASURED ": the three heaviest people of the past year and those marked as key, one of whom counts as all", NULL,
	  LOSS_ANY },
	{ "active_people", ENGINE_DEFENSE, FAMILY_PEOPLE, read_active_people, FACT_PERSON, false,
	  MEASURED ": people active in 90 days, in halvings below four", NULL, LOSS_ANY },
	{ "people_shrinking", ENGINE_DEFENSE, FAMILY_PEOPLE, read_people_shrinking, FACT_PERSON, false,
	  MEASURED ": people active in 28 days against its own best", NULL, LOSS_CONTRACTION },
};
const struct signal_table people_signals = { signals, ARRAY_LEN(signals) };

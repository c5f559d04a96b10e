#include <string.h>

#include "evidence.h"
#include "once.h"
#include "pace.h"
#include "store/usage.h"

enum {
	MONTH_DAYS = 30, FIRST_MONTH = 2, /* before, people are still being invited */
	RENEWAL_DAYS = 90, MEETING_DAYS = 90, USE_DAYS = 28, EARLIER_WINDOWS = 3,
};

static const double HALF = 0.5;

/* How bad the share of seats in use is, by tenure: 0 green, 0.5 yellow, 1 red. GitLab's published grid of licence
 * utilisation (customer health scoring, use-case adoption): what is enough for a newcomer is not for a settled account.
 */
static double seat_grade(double share, int months)
{
	static const struct {
		double up_to, by_tenure[3]; /* months 2 to 6, 6 to 9, later */
	} grid[] = {
		{ 0.10, { 1, 1, 1 } },
		{ 0.50, { 0.5, 1, 1 } },
		{ 0.75, { 0, 0.5, 1 } },
	};
	int column = months < 6 ? 0 : months < 9 ? 1 : 2;

	if (share < grid[0].up_to)
		return grid[0].by_tenure[column];
	for (size_t i = 1; i < ARRAY_LEN(grid); i++)
		if (share <= grid[i].up_to)
			return grid[i].by_tenure[column];
	return 0;
}

/* Since its first subscription that was no trial; -1: not known. */
static int tenure_days(const struct context *c)
{
	const struct fact_account *f = c->account;
	int32_t since = f->customer_since_on;

	for (size_t i = 0; i < f->n_subscriptions; i++)
		if (!f->subscriptions[i].is_trial && (since == DAY_NONE || f->subscriptions[i].start_on < since))
			since = f->subscriptions[i].start_on;
	return since == DAY_NONE ? -1 : c->as_of - since;
}

/* Whether the metric that counts people was told at least weekly in the three months before, and not at all since. */
static bool has_fallen_silent(const struct context *c)
{
	const char *name = c->settings->users_metric;
	const struct fact_series *series = NULL;
	int64_t days[(1 + EARLIER_WINDOWS) * USE_DAYS];
	int before = 0;

	for (size_t m = 0; name && m < c->base->n_metrics; m++)
		if (strcmp(c->base->metrics[m].name, name) == 0)
			series = c->account->usage[m];
	if (!series)
		return false;
	fact_series_read(series, 0, (int)ARRAY_LEN(days), days);
	for (int age = 0; age < (int)ARRAY_LEN(days); age++) {
		if (days[age] == USAGE_NONE)
			continue;
		if (age < USE_DAYS)
			return false;
		before++;
	}
	return before >= EARLIER_WINDOWS * USE_DAYS / 7;
}

/* People at work in the last weeks, -1: not known. A metric that a working source no longer tells counts nobody. */
static double people_now(const struct context *c)
{
	double people = people_at_work(c);

	return people < 0 && (has_fallen_silent(c) || pace_of(c)->gone_days) ? 0 : people;
}

static bool read_seat_use(const struct context *c, struct reading *out)
{
	int64_t seats = contracts_of(c)->seats;
	int tenure = tenure_days(c), months = tenure / MONTH_DAYS;
	double people = people_now(c), share;

	if (seats <= 0 || people < 0)
		return reading_unknown(out, seats <= 0 ? "seats are not known" : "people at work are not known");
	if (months < FIRST_MONTH)
		return reading_unknown(out, tenure < 0 ? "its first day as customer is not known" : "in its first two months");
	share = people / (double)seats;
	reading_value(out, seat_grade(share, months), 0);
	if (c->is_brief)
		return true;
	READING_SAY(c, out, "people", "people", W_INT("n", (int)people));
	reading_number(c, out, "seats", (double)seats, 0);
	reading_number(c, out, "percent", 100 * share, 0);
	READING_SAY(c, out, "months", months > 24 ? "old_customer" : "customer_of", W_INT("n", months));
	READING_WHY(c, out, "%.0f %% of %lld paid seats in use", 100 * share, (long long)seats);
	return true;
}

/* Of what would show before a renewal that it is worth it, what could be known and what is missing. */
struct proofs {
	int n_known, n_missing;
	const char *missing[3]; /* keys of their words */
};

static void add_proof(struct proofs *p, bool is_known, bool is_there, const char *what)
{
	if (!is_known)
		return;
	p->n_known++;
	if (is_there)
		return;
	p->missing[p->n_missing++] = what;
}

/* Whether use of the last weeks holds half of what it was in the three months before. */
static void add_use(const struct context *c, struct proofs *p)
{
	const struct fact_days *active = &c->account->active;
	const struct fact_source *usage = &c->base->sources[FACT_USAGE];
	double before = fact_days_count(active, USE_DAYS, (1 + EARLIER_WINDOWS) * USE_DAYS) / (double)EARLIER_WINDOWS;
	int now = fact_days_count(active, 0, USE_DAYS);

	add_proof(p, usage->is_known && !usage->is_stale && fact_days_first(active) >= 0,
	          now > 0 && now >= HALF * before, "missing.use");
}

static void add_seats(const struct context *c, struct proofs *p)
{
	int64_t seats = contracts_of(c)->seats;
	double people = people_now(c);

	add_proof(p, seats > 0 && people >= 0 && !c->base->sources[FACT_USAGE].is_stale,
	          people >= HALF * (double)seats, "missing.seats");
}

/* Whether they met lately; of those who never meet, it proves nothing. */
static void add_meeting(const struct context *c, struct proofs *p)
{
	const struct fact_source *source = &c->base->sources[FACT_INTERACTION];
	const struct exchanges *e = exchanges_of(c);

	add_proof(p, source->is_known && !source->is_stale && e->has_meetings,
	          e->met_on != DAY_NONE && c->as_of - e->met_on < MEETING_DAYS, "missing.meeting");
}

/* While a renewal is near: how much of what shows that it is worth it is missing. */
static bool read_renewal_unproven(const struct context *c, struct reading *out)
{
	int32_t renewal = contracts_of(c)->renewal_on;
	struct proofs p = { .n_known = 0 };

	if (renewal == DAY_NONE)
		return reading_unknown(out, "no renewal date known");
	add_use(c, &p);
	add_seats(c, &p);
	add_meeting(c, &p);
	if (!p.n_known)
		return reading_unknown(out, "nothing is known that could show its value");
	out->due_on = renewal;
	out->why = renewal - c->as_of > RENEWAL_DAYS ? "its renewal is not near" :
	                                               "its renewal is near, and its use speaks for it";
	reading_value(out, renewal - c->as_of > RENEWAL_DAYS ? 0 : p.n_missing / (double)p.n_known, 0);
	if (c->is_brief)
		return true;
	reading_day(c, out, "renewal", renewal);
	for (int i = 0; i < p.n_missing; i++)
		reading_phrase(c, out, "missing", p.missing[i]);
	return true;
}

static const struct signal signals[] = {
	{ "seat_use", ENGINE_DEFENSE, FAMILY_VALUE, read_seat_use, FACT_USAGE, true,
	  PUBLISHED ": seats in use by tenure, 10, 50 and 75 % in months 2 to 6, 6 to 9 and later", NULL,
	  LOSS_CONTRACTION },
	{ "renewal_unproven", ENGINE_DEFENSE, FAMILY_VALUE, read_renewal_unproven, FACT_SUBSCRIPTION, false,
	  PUBLISHED ": a renewal near without demonstrated value", NULL, LOSS_ANY },
};
const struct signal_table seat_signals = { signals, ARRAY_LEN(signals) };

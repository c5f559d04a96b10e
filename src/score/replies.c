#include "evidence.h"
#include "faded.h"
#include "judge.h"
#include "once.h"

enum {
	RECENT_DAYS = FADED_RECENT_DAYS, MIN_USUAL_DAYS = 56, MIN_EXCHANGES = 3,
	PUT_OFF_DAYS = 60, PUT_OFF_USUAL_DAYS = 180,
};

/* On how many days a message of ours lay unanswered, from the day after it was sent to the day they answered. */
struct waiting {
	int recent;            /* days of the last RECENT_DAYS */
	double usual;          /* share of the days before, halved every 90 days */
	int since;             /* age of the oldest message that still waits, -1: none */
};

/* first: of the ages there are, the oldest; younger than FACTS_DAYS. */
static struct waiting waiting_of(const struct faded *faded, const struct exchanges *e, int first)
{
	struct waiting w = { .since = -1 };
	double waited = 0, all = first >= RECENT_DAYS ? faded->to_recent[first] : 0;
	int sent, answered, recent;

	for (int age = first + 1; (sent = fact_days_before(&e->ours, age)) >= 0; age = answered < sent ? answered : sent) {
		answered = fact_days_before(&e->theirs, sent + 1);
		recent = sent < RECENT_DAYS ? sent : RECENT_DAYS;
		for (int day = sent - 1; day > answered && day >= RECENT_DAYS; day--)
			waited += faded->by_age[day];
		w.recent += recent > answered ? recent - answered - 1 : 0;
		w.since = answered < 0 ? sent : -1;
	}
	w.usual = all > 0 ? waited / all : 0;
	return w;
}

/* How much more of the last eight weeks our messages lay unanswered than they usually do. A share of days, not a mean
 * delay: an answer that never comes makes no delay, yet is the worst of all. */
static bool read_slow_replies(const struct context *c, struct reading *out)
{
	const struct exchanges *e = exchanges_of(c);
	struct waiting w;

	if (e->first < RECENT_DAYS + MIN_USUAL_DAYS ||
	    fact_days_count(&e->ours, RECENT_DAYS, FACTS_DAYS) < MIN_EXCHANGES ||
	    fact_days_count(&e->theirs, RECENT_DAYS, FACTS_DAYS) < MIN_EXCHANGES)
		return reading_unknown(out, "too few messages of ours and answers to know what is usual");
	w = waiting_of(c->judge->faded, e, e->first < FACTS_DAYS ? e->first : FACTS_DAYS - 1);
	reading_value(out, w.recent / (double)RECENT_DAYS - w.usual, 0);
	if (c->is_brief)
		return true;
	reading_number(c, out, "days", w.recent, 0);
	reading_number(c, out, "usual", RECENT_DAYS * w.usual, 0);
	if (w.since < 0)
		reading_word(out, "since", "");
	else
		READING_SAY(c, out, "since", "none_since", W_DATE("day", c->as_of - w.since));
	READING_WHY(c, out, "our messages waited for an answer on %d of the last 56 days, which is usual",
	            w.recent);
	return true;
}

static int put_off_between(const struct context *c, int from_age, int to_age, int32_t *last_on)
{
	int n = fact_days_count(&c->account->moved, from_age, to_age), last = fact_days_last(&c->account->moved);

	if (n && last >= from_age)
		*last_on = c->as_of - last;
	for (size_t i = 0; i < c->account->n_interactions && exchanges_of(c)->has_put_off; i++) {
		const struct fact_interaction *x = &c->account->interactions[i];
		int age = c->as_of - x->on;

		if (!x->was_put_off || age < from_age || age >= to_age)
			continue;
		n++;
		*last_on = x->on > *last_on ? x->on : *last_on;
	}
	return n;
}

/* Meetings that were cancelled, moved, declined or missed, above the account's own usual number. */
static bool read_meetings_put_off(const struct context *c, struct reading *out)
{
	int32_t last_on = DAY_NONE, before_on = DAY_NONE;
	int n = put_off_between(c, 0, PUT_OFF_DAYS, &last_on);
	double usual = put_off_between(c, PUT_OFF_DAYS, PUT_OFF_DAYS + PUT_OFF_USUAL_DAYS, &before_on) *
	               (double)PUT_OFF_DAYS / PUT_OFF_USUAL_DAYS;

	out->why = n ? "no more meetings are put off than usual" : "no meeting was put off in 60 days";
	reading_value(out, n > usual ? n - usual : 0, 0);
	if (c->is_brief)
		return true;
	READING_SAY(c, out, "meetings", "meetings", W_INT("n", n));
	if (last_on == DAY_NONE)
		reading_word(out, "last", "");
	else
		reading_day(c, out, "last", last_on);
	return true;
}

static const struct signal signals[] = {
	{ "slow_replies", ENGINE_DEFENSE, FAMILY_RELATIONSHIP, read_slow_replies, FACT_INTERACTION, true,
	  "own baseline with a half-life of 90 days; " PUBLISHED, NULL, LOSS_ANY },
	{ "meetings_put_off", ENGINE_DEFENSE, FAMILY_RELATIONSHIP, read_meetings_put_off, FACT_INTERACTION, true,
	  PUBLISHED ": postponed meetings", NULL, LOSS_ANY },
};
const struct signal_table reply_signals = { signals, ARRAY_LEN(signals) };

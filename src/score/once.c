#include "once.h"

#include <string.h>

#include "expansion.h"
#include "faded.h"
#include "judge.h"

static void add_amounts(const struct fact_subscription *s, struct contracts *k)
{
	k->has_amount |= (s->is_active ? s->mrr_minor : s->mrr_was_minor[0]) > 0;
	k->monthly.now = added(k->monthly.now, s->is_active ? s->mrr_minor : 0);
	for (int m = 0; m < FACT_MARKS; m++)
		k->monthly.was[m] = added(k->monthly.was[m], s->mrr_was_minor[m]);
	k->yearly = added(k->yearly, s->is_active ? yearly(s->mrr_minor) : 0);
}

/* One that is active and no trial. */
static void add_contract(const struct fact_subscription *s, int32_t as_of, struct contracts *k)
{
	k->is_any = true;
	k->renews_by_hand |= s->renews_by_hand;
	if (!k->ending && s->cancel_notice_on != DAY_NONE)
		k->ending = s;
	k->seats = added(k->seats, s->seats);
	if (s->renewal_on >= as_of && (k->renewal_on == DAY_NONE || s->renewal_on < k->renewal_on))
		k->renewal_on = s->renewal_on;
	if (s->mrr_minor > (k->main ? k->main->mrr_minor : 0))
		k->main = s;
}

static struct contracts read_contracts(const struct fact_account *f, int32_t as_of)
{
	struct contracts k = { .is_read = true, .renewal_on = DAY_NONE };

	k.currency = f->n_subscriptions ? f->subscriptions[0].currency : NULL;
	for (size_t i = 0; i < f->n_subscriptions; i++) {
		const struct fact_subscription *s = &f->subscriptions[i];

		if (k.currency && k.currency != s->currency && strcmp(k.currency, s->currency) != 0)
			k.currency = NULL;
		if (s->is_trial)
			continue;
		add_amounts(s, &k);
		if (s->is_active)
			add_contract(s, as_of, &k);
	}
	k.seats = k.seats > 0 ? k.seats : f->seats;
	if (k.renewal_on == DAY_NONE && f->renewal_on >= as_of)
		k.renewal_on = f->renewal_on;
	return k;
}

const struct contracts *contracts_of(const struct context *c)
{
	struct contracts *k = &c->levers->contracts;

	if (!k->is_read)
		*k = read_contracts(c->account, c->as_of);
	return k;
}

int32_t next_renewal(const struct fact_account *f, int32_t as_of)
{
	return read_contracts(f, as_of).renewal_on;
}

int64_t active_seats(const struct fact_account *f)
{
	return read_contracts(f, DAY_NONE).seats;
}

static bool is_meeting(const char *kind)
{
	return *kind == 'm' && strcmp(kind, "meeting") == 0;
}

static bool is_inbound(const char *direction)
{
	return direction[0] == 'i' && direction[1] == 'n' && !direction[2];
}

static bool is_outbound(const char *direction)
{
	return direction[0] == 'o' && direction[1] == 'u' && direction[2] == 't' && !direction[3];
}

bool is_from_them(const struct fact_interaction *x)
{
	return !x->was_put_off && (is_inbound(x->direction) || is_meeting(x->kind));
}

/* Words that were met with: most of an account's are one text, which need not be read again. */
struct met { const char *meeting, *inbound, *outbound; };

static void learn(const struct fact_interaction *x, struct met *m)
{
	if (is_meeting(x->kind))
		m->meeting = x->kind;
	if (is_inbound(x->direction))
		m->inbound = x->direction;
	else if (is_outbound(x->direction))
		m->outbound = x->direction;
}

enum { FROM_THEM = 1, FROM_US = 2, MEETING = 4 };

static unsigned marks_of(const struct fact_interaction *x, struct met *m)
{
	bool is_new = ((*x->kind == 'm') & (x->kind != m->meeting)) |
	              ((x->direction != m->inbound) & (x->direction != m->outbound));
	bool is_met, is_theirs;

	if (is_new)
		learn(x, m);
	is_met = x->kind == m->meeting; /* no branches, as nobody foresees which of them one is */
	is_theirs = (is_met | (x->direction == m->inbound)) & !x->was_put_off;
	return (unsigned)(is_met * MEETING + is_theirs * FROM_THEM +
	                  ((x->direction == m->outbound) & !is_theirs) * FROM_US);
}

/* One of theirs, of an age. */
static void add_theirs(const struct faded *faded, const struct fact_interaction *x, int age, struct exchanges *e)
{
	fact_days_add(&e->theirs, age);
	e->first_theirs = age > e->first_theirs ? age : e->first_theirs;
	e->heard_on = x->on > e->heard_on ? x->on : e->heard_on;
	if (age < FADED_RECENT_DAYS) {
		e->n_recent++;
		return;
	}
	e->last_before = age < e->last_before ? age : e->last_before;
	e->faded += faded_at(faded, age);
}

static void read_exchanges(const struct context *c, struct exchanges *e)
{
	const struct fact_account *f = c->account;
	struct met met = { .meeting = NULL };

	*e = (struct exchanges){ .is_read = true, .first = -1, .first_theirs = -1, .last_before = FACTS_DAYS,
		                     .heard_on = DAY_NONE, .met_on = DAY_NONE };
	for (size_t i = 0; i < f->n_interactions; i++) {
		const struct fact_interaction *x = &f->interactions[i];
		unsigned marks = marks_of(x, &met);
		int age = c->as_of - x->on;

		e->has_put_off |= x->was_put_off;
		e->has_meetings |= (marks & MEETING) != 0;
		if (!(marks & (FROM_THEM | FROM_US)))
			continue;
		e->first = age > e->first ? age : e->first;
		if (marks & FROM_THEM)
			add_theirs(c->judge->faded, x, age, e);
		else
			fact_days_add(&e->ours, age);
		if ((marks & FROM_THEM) && (marks & MEETING) && x->on > e->met_on)
			e->met_on = x->on;
	}
}

const struct exchanges *exchanges_of(const struct context *c)
{
	struct exchanges *e = &c->levers->exchanges;

	if (!e->is_read)
		read_exchanges(c, e);
	return e;
}

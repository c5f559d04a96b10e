#include "once.h"

#include <string.h>

#include "expansion.h"

static struct contracts read_contracts(const struct fact_account *f, int32_t as_of)
{
	struct contracts k = { .is_read = true, .renewal_on = DAY_NONE };

	for (size_t i = 0; i < f->n_subscriptions; i++) {
		const struct fact_subscription *s = &f->subscriptions[i];

		if (!s->is_active || s->is_trial)
			continue;
		k.seats = added(k.seats, s->seats);
		if (s->renewal_on >= as_of && (k.renewal_on == DAY_NONE || s->renewal_on < k.renewal_on))
			k.renewal_on = s->renewal_on;
		if (s->mrr_minor > (k.main ? k.main->mrr_minor : 0))
			k.main = s;
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

static uint8_t marks_of(const struct fact_interaction *x, struct met *m)
{
	bool is_new = ((*x->kind == 'm') & (x->kind != m->meeting)) |
	              ((x->direction != m->inbound) & (x->direction != m->outbound));
	bool is_met, is_theirs;

	if (is_new)
		learn(x, m);
	is_met = x->kind == m->meeting; /* no branches, as nobody foresees which of them one is */
	is_theirs = (is_met | (x->direction == m->inbound)) & !x->was_put_off;
	return (uint8_t)(is_met * EXCHANGE_MEETING + is_theirs * EXCHANGE_FROM_THEM +
	                 ((x->direction == m->outbound) & !is_theirs) * EXCHANGE_FROM_US);
}

const uint8_t *exchanges_of(const struct context *c)
{
	const struct fact_account *f = c->account;
	struct met met = { .meeting = NULL };
	bool has_put_off = false;
	uint8_t *marks;

	if (c->levers->exchanges)
		return c->levers->exchanges;
	c->levers->exchanges = marks = arena_alloc(c->arena, f->n_interactions);
	for (size_t i = 0; i < f->n_interactions; i++) {
		marks[i] = marks_of(&f->interactions[i], &met);
		has_put_off |= f->interactions[i].was_put_off;
	}
	c->levers->has_put_off = has_put_off;
	return marks;
}

bool has_put_off(const struct context *c)
{
	(void)exchanges_of(c);
	return c->levers->has_put_off;
}

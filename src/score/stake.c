#include <math.h>
#include <string.h>

#include "score/speed.h"
#include "expansion.h"

enum { NO_PLAY_DAYS = 7 };

int64_t yearly(int64_t monthly_minor)
{
	int64_t sum;

	return __builtin_mul_overflow(monthly_minor, 12, &sum) ? INT64_MAX : sum;
}

int64_t minor_of(double minor)
{
	return minor >= 0x1p63 ? INT64_MAX : minor > 0 ? llround(minor) : 0;
}

/* Most currencies of an account are not only alike, but one text. */
static bool is_same(const char *one, const char *other)
{
	return one == other || strcmp(one, other) == 0;
}

static int64_t revenue_in(const struct fact_account *f, const char *currency)
{
	int64_t sum = 0;

	for (size_t i = 0; i < f->n_subscriptions; i++)
		if (f->subscriptions[i].is_active && !f->subscriptions[i].is_trial &&
		    is_same(f->subscriptions[i].currency, currency))
			sum = added(sum, yearly(f->subscriptions[i].mrr_minor));
	return sum;
}

/* In the currency of subscription i; before: that of the one before it, for most accounts pay in one currency, however
 * many lines they have. */
static int64_t revenue_beside(const struct fact_account *f, size_t i, int64_t before)
{
	const char *currency = f->subscriptions[i].currency;

	return i > 0 && is_same(currency, f->subscriptions[i - 1].currency) ? before : revenue_in(f, currency);
}

/* The currency of which it is most. */
static struct revenue_now most_revenue(const struct fact_account *f)
{
	struct revenue_now r = { .minor = 0 };
	int64_t sum = 0;

	for (size_t i = 0; i < f->n_subscriptions; i++) {
		sum = revenue_beside(f, i, sum);
		if (!f->subscriptions[i].is_active || f->subscriptions[i].is_trial || sum <= 0)
			continue;
		if (r.currency && !is_same(r.currency, f->subscriptions[i].currency))
			r.is_left_out = true;
		if (sum > r.minor) {
			r.minor = sum;
			r.currency = f->subscriptions[i].currency;
		}
	}
	return r;
}

static struct revenue_now read_revenue(const struct context *c)
{
	const struct fact_account *f = c->account;
	const struct contracts *k = contracts_of(c);
	struct revenue_now r = { .minor = 0 };

	if (!k->currency)
		r = most_revenue(f);
	else if (k->is_any && k->yearly > 0)
		r = (struct revenue_now){ .minor = k->yearly, .currency = k->currency };
	r.is_read = true;
	if (!r.currency && f->arr_minor > 0 && *f->currency) {
		r.minor = f->arr_minor;
		r.currency = f->currency;
	} else if (r.currency && !*r.currency && *f->currency) {
		r.currency = f->currency;
	}
	return r;
}

const struct revenue_now *yearly_revenue(const struct context *c)
{
	struct revenue_now *r = &c->levers->revenue;

	if (!r->is_read)
		*r = read_revenue(c);
	return r;
}

const struct play_settings *play_named(const struct score_settings *s, const char *name)
{
	const struct play_settings *plays = s->plays.at;

	for (size_t i = 0; name && i < s->plays.n; i++)
		if (*plays[i].name == *name && strcmp(plays[i].name, name) == 0)
			return &plays[i];
	return NULL;
}

/* What grows by it: what the leading signal says, or the most that another says. */
static void set_growth(const struct context *c, struct verdict *v)
{
	const struct reading *best = v->lead && v->lead->stake_minor >= 0 ? v->lead : NULL;

	for (size_t i = 0; i < v->n_readings && !(v->lead && best == v->lead); i++) {
		const struct reading *r = &v->readings[i];

		if (r->strength > 0 && r->stake_minor >= 0 && (!best || r->stake_minor > best->stake_minor))
			best = r;
	}
	v->value_minor = best ? best->stake_minor : 0;
	v->value_how = best ? best->stake_how : "not known: no price per seat, and no dearer plan that others have";
	if (!best)
		(void)worth_of_next_plan(c, &v->value_minor, &v->value_how);
}

/* The date that presses: the leading signal's own, else a renewal within the horizon. DAY_NONE: none. */
static int32_t pressing_day(const struct context *c, const struct verdict *v)
{
	int32_t renewal = contracts_of(c)->renewal_on;

	if (v->lead && v->lead->due_on != DAY_NONE)
		return v->lead->due_on;
	return renewal != DAY_NONE && renewal - c->as_of <= c->settings->horizon_days ? renewal : DAY_NONE;
}

/* The soonest of: the play's days from when it began; so many days before the date that presses; half of the days
 * within which a quarter of the accounts that were lost like this were gone. Never in the past. */
static void set_act_by(const struct context *c, enum score_engine engine, struct verdict *v)
{
	int32_t lead_days = v->play ? (int32_t)v->play->lead_days : NO_PLAY_DAYS, due = pressing_day(c, v);
	const struct fact_speed *speed =
		engine == ENGINE_DEFENSE && v->lead ? speed_of(c->base->speeds, c->base->n_speeds, v->lead->name) : NULL;
	int32_t since = v->band_since, on;

	if (v->lead && v->lead->is_hard && v->lead->fresh_on > since)
		since = v->lead->fresh_on;
	on = since + lead_days;
	if (due != DAY_NONE && due - lead_days < on) {
		on = due - lead_days;
		v->pressing_on = due;
	}
	if (speed && since + speed->days / 2 < on) {
		on = since + speed->days / 2;
		v->pressing_on = DAY_NONE;
		v->speed = speed;
	}
	v->act_by_on = on < c->as_of ? c->as_of : on;
}

static void set_revenue(const struct context *c, struct verdict *v)
{
	const struct revenue_now *r = yearly_revenue(c);

	v->value_minor = r->minor;
	v->value_how = v->value_minor <= 0 ? "not known: neither a subscription with an amount nor ARR" :
	               r->is_left_out      ? "recurring revenue of a year, without what is in other currencies" :
	                                     "recurring revenue of a year";
}

void verdict_stake(const struct context *c, enum score_engine engine, struct verdict *v)
{
	v->currency = yearly_revenue(c)->currency;
	v->play = v->lead ? play_named(c->settings, v->lead->play) : NULL;
	if (engine == ENGINE_EXPANSION) {
		set_growth(c, v);
	} else if (v->lead && v->lead->is_hard && v->lead->stake_minor >= 0) {
		v->value_minor = v->lead->stake_minor;
		v->value_how = v->lead->stake_how;
	} else {
		set_revenue(c, v);
	}
	v->expected_minor = v->score > 0 ? minor_of((double)v->value_minor * v->score / 100) : 0;
	set_act_by(c, engine, v);
}

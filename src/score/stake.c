#include <math.h>
#include <string.h>

#include "signal.h"

int64_t yearly(int64_t monthly_minor)
{
	int64_t sum;

	return __builtin_mul_overflow(monthly_minor, 12, &sum) ? INT64_MAX : sum;
}

int64_t added(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t revenue_in(const struct fact_account *f, const char *currency)
{
	int64_t sum = 0;

	for (size_t i = 0; i < f->n_subscriptions; i++)
		if (f->subscriptions[i].is_active && !f->subscriptions[i].is_trial &&
		    strcmp(f->subscriptions[i].currency, currency) == 0)
			sum = added(sum, yearly(f->subscriptions[i].mrr_minor));
	return sum;
}

int64_t yearly_revenue(const struct fact_account *f, const char **out_currency, bool *out_left_out)
{
	int64_t most = 0;

	*out_currency = NULL;
	*out_left_out = false;
	for (size_t i = 0; i < f->n_subscriptions; i++) {
		int64_t sum = revenue_in(f, f->subscriptions[i].currency);

		if (!f->subscriptions[i].is_active || f->subscriptions[i].is_trial || sum <= 0)
			continue;
		if (*out_currency && strcmp(*out_currency, f->subscriptions[i].currency) != 0)
			*out_left_out = true;
		if (sum > most) {
			most = sum;
			*out_currency = f->subscriptions[i].currency;
		}
	}
	if (!*out_currency && f->arr_minor > 0 && *f->currency) {
		*out_currency = f->currency;
		return f->arr_minor;
	}
	if (*out_currency && !**out_currency && *f->currency)
		*out_currency = f->currency;
	return most;
}

const struct play_settings *play_named(const struct score_settings *s, const char *name)
{
	const struct play_settings *plays = s->plays.at;

	for (size_t i = 0; name && i < s->plays.n; i++)
		if (strcmp(plays[i].name, name) == 0)
			return &plays[i];
	return NULL;
}

/* What grows by it: what the leading signal says, or the most that another says. */
static void set_growth(struct verdict *v)
{
	const struct reading *best = v->lead && v->lead->stake_minor >= 0 ? v->lead : NULL;

	for (size_t i = 0; i < v->n_readings && !(v->lead && best == v->lead); i++) {
		const struct reading *r = &v->readings[i];

		if (r->strength > 0 && r->stake_minor >= 0 && (!best || r->stake_minor > best->stake_minor))
			best = r;
	}
	v->value_minor = best ? best->stake_minor : 0;
	v->value_how = best ? best->stake_how : "not known: no price per seat";
}

/* The date that presses: the leading signal's own, else a renewal within the horizon. DAY_NONE: none. */
static int32_t pressing_day(const struct context *c, const struct verdict *v)
{
	int32_t renewal = next_renewal(c->account, c->as_of);

	if (v->lead && v->lead->due_on != DAY_NONE)
		return v->lead->due_on;
	return renewal != DAY_NONE && renewal - c->as_of <= c->settings->horizon_days ? renewal : DAY_NONE;
}

void verdict_stake(const struct context *c, enum score_engine engine, struct verdict *v)
{
	bool is_left_out = false;
	int64_t revenue = yearly_revenue(c->account, &v->currency, &is_left_out);
	int32_t due = pressing_day(c, v), lead_days, since;

	v->play = v->lead ? play_named(c->settings, v->lead->play) : NULL;
	lead_days = v->play ? (int32_t)v->play->lead_days : 7;
	if (engine == ENGINE_EXPANSION) {
		set_growth(v);
	} else if (v->lead && v->lead->is_hard && v->lead->stake_minor >= 0) {
		v->value_minor = v->lead->stake_minor;
		v->value_how = v->lead->stake_how;
	} else {
		v->value_minor = revenue;
		v->value_how = is_left_out ? "recurring revenue of a year, without what is in other currencies" :
		                             "recurring revenue of a year";
	}
	v->expected_minor = v->score > 0 ? llround((double)v->value_minor * v->score / 100) : 0;
	since = v->lead && v->lead->is_hard && v->lead->fresh_on > v->band_since ? v->lead->fresh_on : v->band_since;
	v->act_by_on = since + lead_days;
	if (due != DAY_NONE && due - lead_days < v->act_by_on)
		v->act_by_on = due - lead_days;
	if (v->act_by_on < c->as_of)
		v->act_by_on = c->as_of;
}

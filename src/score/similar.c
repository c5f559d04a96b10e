#include "score/similar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double ALIKE = 0.5; /* half of the reasons shared: below it accounts are not called alike */

static double strength_then(const struct past_moment *m, const char *name)
{
	for (size_t i = 0; i < m->n_signals; i++)
		if (strcmp(m->signals[i].name, name) == 0)
			return m->signals[i].strength;
	return 0;
}

double similar_likeness(const struct verdict *v, const struct past_moment *m)
{
	double both = 0, either = 0;

	for (size_t i = 0; i < v->n_readings; i++) {
		const struct reading *r = &v->readings[i];
		double reach = r->weight + r->relief, now = r->is_known ? r->strength : 0, then = strength_then(m, r->name);

		both += reach * fmin(now, then);
		either += reach * fmax(now, then);
	}
	return either > 0 ? both / either : 0;
}

/* Most alike first, then the later moment, then by account: an order that nothing else decides. */
static int by_likeness(const void *left, const void *right)
{
	const struct similar *l = left, *r = right;

	if (l->likeness > r->likeness || l->likeness < r->likeness)
		return l->likeness > r->likeness ? -1 : 1;
	if (l->day != r->day)
		return l->day > r->day ? -1 : 1;
	return l->account < r->account ? -1 : l->account > r->account;
}

static int by_days(const void *left, const void *right)
{
	const int32_t *l = left, *r = right;

	return *l < *r ? -1 : *l > *r;
}

static bool has_account(const struct similar_accounts *s, int64_t account)
{
	for (int i = 0; i < s->n; i++)
		if (s->at[i].account == account)
			return true;
	return false;
}

void similar_tell(struct similar *s, const struct outcomes *outcomes, unsigned kinds, int32_t horizon_days)
{
	s->became = outcomes_first(outcomes, s->account, s->day, s->day + horizon_days, kinds);
}

void similar_count(struct similar_accounts *s)
{
	int32_t days[SIMILAR_MOST];

	for (int i = 0; i < s->n; i++)
		if (s->at[i].became)
			days[s->n_became++] = s->at[i].became->on - s->at[i].day;
	qsort(days, (size_t)s->n_became, sizeof *days, by_days);
	s->middle_days = s->n_became ? days[(s->n_became - 1) / 2] : 0;
}

struct similar_accounts similar_find(const struct verdict *v, const struct past_moment *moments, size_t n,
                                     int32_t until, int32_t horizon_days, struct arena *a)
{
	struct similar *alike = arena_array(a, n + 1, sizeof *alike);
	struct similar_accounts out = { .n = 0 };
	size_t n_alike = 0;

	for (size_t i = 0; i < n; i++) {
		const struct past_moment *m = &moments[i];
		struct similar s = { m->name, m->account, m->day, similar_likeness(v, m), NULL };

		if (s.likeness >= ALIKE && until != DAY_NONE && m->day + horizon_days <= until)
			alike[n_alike++] = s;
	}
	qsort(alike, n_alike, sizeof *alike, by_likeness);
	for (size_t i = 0; i < n_alike && out.n < SIMILAR_MOST; i++)
		if (!has_account(&out, alike[i].account))
			out.at[out.n++] = alike[i];
	return out;
}

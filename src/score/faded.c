#include "faded.h"

#include <math.h>

static const double HALF_LIFE = 90;

const struct faded *faded_new(struct arena *a)
{
	struct faded *f = arena_alloc(a, sizeof *f);
	double sum = 0;

	for (int age = 0; age < FACTS_DAYS; age++)
		f->by_age[age] = exp2(-age / HALF_LIFE);
	for (int age = FADED_RECENT_DAYS; age < FACTS_DAYS; age++) {
		sum += f->by_age[age];
		f->from_recent[age] = sum;
		for (int at = age; at >= FADED_RECENT_DAYS; at--)
			f->to_recent[age] += f->by_age[at];
	}
	return f;
}

double faded_at(const struct faded *f, int age)
{
	return age >= 0 && age < FACTS_DAYS ? f->by_age[age] : exp2(-age / HALF_LIFE);
}

double faded_between(const struct faded *f, int from_age, int to_age)
{
	double sum = 0;

	to_age = to_age < FACTS_DAYS ? to_age : FACTS_DAYS - 1;
	if (from_age == FADED_RECENT_DAYS && to_age >= from_age)
		return f->from_recent[to_age];
	for (int age = from_age; age <= to_age; age++)
		sum += faded_at(f, age);
	return sum;
}

/* Weights that halve every 90 days, by age, as exchanges are weighed with: to the same bits as one by one. */
#ifndef FADED_H
#define FADED_H

#include "common/arena.h"
#include "store/fact_rows.h"

enum { FADED_RECENT_DAYS = 56 };

struct faded {
	double by_age[FACTS_DAYS];
	double from_recent[FACTS_DAYS], to_recent[FACTS_DAYS]; /* the sums of FADED_RECENT_DAYS .. age, and of age .. it */
};

const struct faded *faded_new(struct arena *a);
/* Of any age. */
double faded_at(const struct faded *f, int age);
/* The sum of those from_age .. to_age and within FACTS_DAYS, added up in that order. */
double faded_between(const struct faded *f, int from_age, int to_age);

#endif

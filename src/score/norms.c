#include <stdlib.h>
#include <string.h>

#include "signal.h"

enum {
	N_WEEKS = FACTS_DAYS / 7,
	SEASON_WEEKS = 8,     /* what a week is compared with: those before it */
	ENOUGH_ACCOUNTS = 20, /* fewer can't speak for the base */
	ALIVE_DAYS = 90,
};

/* A week of the base against the eight before it, over the accounts that were there for all of them: below 1 when the
 * whole base paused. Above 1 stays 1: that others are busy is nobody's fault. */
static double season_of_week(const struct fact_base *base, int week)
{
	double now = 0, before = 0;
	int n = 0;

	for (size_t i = 0; i < base->n_members; i++) {
		const struct fact_days *active = &base->members[i].active;

		if (fact_days_first(active) < 7 * (week + SEASON_WEEKS))
			continue;
		now += fact_days_count(active, 7 * week, 7 * week + 7);
		before += fact_days_count(active, 7 * week + 7, 7 * (week + 1 + SEASON_WEEKS)) / (double)SEASON_WEEKS;
		n++;
	}
	if (n < ENOUGH_ACCOUNTS || before <= 0 || now >= before)
		return 1;
	return now / before > 0.1 ? now / before : 0.1;
}

static int by_segment(const void *left, const void *right)
{
	const struct fact_member *const *l = left, *const *r = right;
	int order = strcmp((*l)->segment, (*r)->segment);

	return order ? order : (*l)->id < (*r)->id ? -1 : (*l)->id > (*r)->id;
}

static void set_segments(const struct fact_base *base, struct arena *a, struct norms *norms)
{
	const struct fact_member **alive = arena_array(a, base->n_members + 1, sizeof *alive);
	struct segment_norm *segments = arena_array(a, base->n_members + 1, sizeof *segments), *last = NULL;
	size_t n_alive = 0, n = 0;
	double total = 0;

	for (size_t i = 0; i < base->n_members; i++)
		if (fact_days_count(&base->members[i].active, 0, ALIVE_DAYS))
			alive[n_alive++] = &base->members[i];
	qsort(alive, n_alive, sizeof *alive, by_segment);
	for (size_t i = 0; i < n_alive; i++) {
		int days = fact_days_count(&alive[i]->active, 0, 28);

		if (!last || strcmp(last->name, alive[i]->segment) != 0) {
			last = &segments[n++];
			last->name = alive[i]->segment;
		}
		last->active_28 += days;
		last->n++;
		total += days;
	}
	norms->active_28 = n_alive ? total / (double)n_alive : 0;
	/* A small segment leans on the whole base: ten accounts' worth of it. */
	for (size_t i = 0; i < n; i++)
		segments[i].active_28 = (segments[i].active_28 + 10 * norms->active_28) / (segments[i].n + 10);
	norms->segments = segments;
	norms->n_segments = n;
}

const struct norms *norms_of(const struct fact_base *base, struct arena *a)
{
	struct norms *norms = arena_alloc(a, sizeof *norms);

	for (int week = 0; week < N_WEEKS; week++)
		norms->season[week] = week + SEASON_WEEKS < N_WEEKS ? season_of_week(base, week) : 1;
	set_segments(base, a, norms);
	return norms;
}

double segment_active_28(const struct norms *n, const char *segment)
{
	for (size_t i = 0; i < n->n_segments; i++)
		if (strcmp(n->segments[i].name, segment) == 0)
			return n->segments[i].active_28;
	return n->active_28;
}

double season_between(const struct norms *n, int from_age, int to_age)
{
	double sum = 0;

	for (int age = from_age; age < to_age; age++)
		sum += age / 7 < N_WEEKS ? n->season[age / 7] : 1;
	return to_age > from_age ? sum / (to_age - from_age) : 1;
}

/* What the whole base is like on a day, so that an account is compared with what is usual: the season that everybody
 * shares, the days of the week, how often accounts are active at all, by segment and by how long they have been there.
 * From the days of activity of the members (and the sizes of days by metric) only. */
#ifndef NORMS_H
#define NORMS_H

#include "score/score.h"

enum {
	NORM_WEEKS = FACTS_DAYS / 7,
	SEASON_DAYS = 63, /* how far back the season is removed; before, holidays are part of a baseline */
	SEASON_WEEKS = SEASON_DAYS / 7,
	N_TENURES = 3,    /* use seen for less than 90, less than 180, and 180 days and more */
};

struct segment_norm {
	const char *name;
	double usual;     /* active days per day of its usual account: the geometric mean, leaning on the whole base */
	double active_28; /* active days in 28, the same as a plain mean */
	int n;
};

struct norms {
	double season[SEASON_DAYS];    /* activity of the base by age: 1 as usual, less when all paused; never above */
	double weekday[7];             /* activity by age % 7, 1 on average */
	const double (*volume)[SEASON_WEEKS]; /* by metric: the size of a week against the usual, days and sizes together */
	const double (*roots)[SEASON_WEEKS]; /* of the volume */
	double half_life;              /* days: of the level, by the usual rhythm of the base */
	double weights[NORM_WEEKS];    /* of weeks in the level */
	struct { double sum, squares; } weighed[NORM_WEEKS + 1]; /* the weights, and their squares, of so many weeks */
	double seasons[SEASON_DAYS + 1];                         /* the season of so many days, added up */
	double mean_rate, prior_days;  /* of the base, and how many days of it a young or quiet account is mixed with */
	double usual, active_28;       /* of the whole base */
	double tenures[N_TENURES];     /* the usual account by tenure against all */
	const struct segment_norm *segments; /* ascending by name */
	size_t n_segments;
};

/* Active days per day, lately: weeks weigh half after half_life, mixed with prior_days of the mean of the base. */
double norm_level(const struct norms *n, const struct fact_days *active);
/* What is usual for an account of that segment, first seen at work so many days ago. */
double norm_usual(const struct norms *n, const char *segment, int first_age);
double segment_active_28(const struct norms *n, const char *segment);
double season_between(const struct norms *n, int from_age, int to_age); /* mean, from_age <= age < to_age */
/* Sets what is worked out from the rest: the roots, weighed, seasons. */
void norms_add_up(struct norms *n, size_t n_metrics, struct arena *a);
extern const uint8_t norm_days_of_week[128]; /* how many of seven bits are set */
/* Active days of the week that lies `week` weeks back. */
static inline int days_in_week(const struct fact_days *d, int week)
{
	return norm_days_of_week[fact_days_week(d, week)];
}
/* Four weeks of them, a bit a day, by how many such months lie behind. */
static inline unsigned days_of_month(const struct fact_days *d, int month)
{
	int w = 28 * month / 64, at = 28 * month % 64;

	return (unsigned)((d->words[w] >> at | (at > 36 ? d->words[w + 1] << (64 - at) : 0)) & 0xFFFFFFF);
}

#endif

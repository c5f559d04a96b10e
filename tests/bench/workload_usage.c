#include "workload_usage.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#include "../../src/store/usage_block.h"
#include "../../src/store/usage_weeks.h"
#include "workload.h"

enum {
	WEEKS = WORKLOAD_DAYS / 7 + 1, /* the last one is a day long */
	TREND_WEEKS = 13,
	BEFORE_WEEKS = 17,             /* are kept: ninety days before the last 28 end in the last one */
	BEFORE_DAY = 118,              /* this day of it belongs no more to them */
	YEAR_WEEK = 52,                /* 28 days a year ago */
	YEAR_WEEKS = 4,
	FINE_WEEKS = 22,               /* behind them a weight is so small that a short number will do */
};
static const double EWMA_FIRST = 2 / 29.0, EWMA_STEP = 27 / 29.0;

struct workload_use {
	uint16_t rows[7][USAGE_BLOCK];
	uint32_t words[USAGE_BLOCK], told[USAGE_BLOCK], active[USAGE_BLOCK], active_week[USAGE_BLOCK];
	uint32_t weeks[BEFORE_WEEKS][USAGE_BLOCK], year_ago[USAGE_BLOCK];
	uint32_t most[USAGE_BLOCK], of_before[USAGE_BLOCK]; /* of the last week; of BEFORE_DAY */
	double ewma[USAGE_BLOCK];
	float old_ewma[USAGE_BLOCK];
};

struct workload_use *workload_use_new(struct arena *a)
{
	return arena_alloc(a, sizeof(struct workload_use));
}

static inline uint16_t value_of(uint16_t cell)
{
	cell = le16toh(cell);
	return (uint16_t)(cell - (cell != 0));
}

/* Weights halve every ten days or so. */
static void add_ewma(struct workload_use *u, int week)
{
	double *restrict sums = u->ewma;
	double weights[7];

	for (int d = 0; d < 7; d++)
		weights[d] = EWMA_FIRST * pow(EWMA_STEP, 7 * week + d);
	for (size_t i = 0; i < USAGE_BLOCK; i++) {
		double sum = 0;

		for (int d = 0; d < 7; d++)
			sum += weights[d] * (double)(int32_t)value_of(u->rows[d][i]);
		sums[i] += sum;
	}
}

static void add_old_ewma(struct workload_use *u, int week)
{
	float *restrict sums = u->old_ewma;
	float weights[7];

	for (int d = 0; d < 7; d++)
		weights[d] = (float)(EWMA_FIRST * pow(EWMA_STEP, 7 * week + d));
	for (size_t i = 0; i < USAGE_BLOCK; i++) {
		float sum = 0;

		for (int d = 0; d < 7; d++)
			sum += weights[d] * (float)(int32_t)value_of(u->rows[d][i]);
		sums[i] += sum;
	}
}

/* Returns the bits of all accounts' weeks. */
static uint32_t note_active(struct workload_use *u, uint32_t week)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < USAGE_BLOCK; i++) {
		uint32_t active = u->words[i] & WEEK_ACTIVE;

		bits |= u->words[i];
		u->told[i] |= u->words[i];
		u->active_week[i] = u->active[i] ? u->active_week[i] : week;
		u->active[i] = u->active[i] ? u->active[i] : active;
	}
	return bits;
}

static void keep_week(struct workload_use *u, int week)
{
	for (size_t i = 0; week < BEFORE_WEEKS && i < USAGE_BLOCK; i++)
		u->weeks[week][i] = u->words[i] >> WEEK_SUM_AT;
	for (size_t i = 0; week >= YEAR_WEEK && week < YEAR_WEEK + YEAR_WEEKS && i < USAGE_BLOCK; i++)
		u->year_ago[i] += u->words[i] >> WEEK_SUM_AT;
	for (int d = 0; d < 7 && week == 0; d++)
		for (size_t i = 0; i < USAGE_BLOCK; i++)
			u->most[i] = value_of(u->rows[d][i]) > u->most[i] ? value_of(u->rows[d][i]) : u->most[i];
	for (size_t i = 0; week == BEFORE_DAY / 7 && i < USAGE_BLOCK; i++)
		u->of_before[i] = value_of(u->rows[BEFORE_DAY % 7][i]);
}

/* A value that its cell can't hold: what it is above the most that it can, everywhere. */
static void add_large(struct workload_use *u, int age, size_t i, uint32_t value)
{
	uint32_t more = value - (USAGE_EXCEPTION - 1);
	int week = age / 7;

	u->ewma[i] += EWMA_FIRST * pow(EWMA_STEP, age) * more;
	if (week < BEFORE_WEEKS)
		u->weeks[week][i] += more;
	if (week >= YEAR_WEEK && week < YEAR_WEEK + YEAR_WEEKS)
		u->year_ago[i] += more;
	if (week == 0 && value > u->most[i])
		u->most[i] = value;
	if (age == BEFORE_DAY)
		u->of_before[i] = value;
}

static int find_large(struct workload_use *u, struct db *db, int32_t metric, int64_t block, int week, struct err *err)
{
	for (size_t i = 0; i < USAGE_BLOCK; i++)
		for (int d = 0; d < 7 && u->words[i] & WEEK_IS_LARGE; d++) {
			int age = 7 * week + d;
			int64_t value;

			if (le16toh(u->rows[d][i]) != USAGE_EXCEPTION)
				continue;
			if (usage_exception_get(db, metric, WORKLOAD_AS_OF - age, block * USAGE_BLOCK + (int64_t)i, &value,
			                        err) < 0)
				return -1;
			add_large(u, age, i, (uint32_t)value);
		}
	return 0;
}

/* Returns 1 when any day of the week has a block, -1 on failure. */
static int read_week(struct workload_use *u, struct db *db, int32_t metric, int64_t block, int week, struct err *err)
{
	int n = 0;

	for (int d = 0; d < 7; d++) {
		int age = 7 * week + d, len = 0;

		if (age < WORKLOAD_DAYS)
			len = usage_block_load(db, metric, WORKLOAD_AS_OF - age, block, (uint8_t *)u->rows[d], err);
		if (len < 0)
			return -1;
		if (len == 0)
			memset(u->rows[d], 0, sizeof u->rows[d]);
		n += len > 0;
	}
	return n > 0;
}

static int read_metric(struct workload_use *u, struct db *db, int32_t metric, int64_t block, struct err *err)
{
	memset(u, 0, sizeof *u);
	for (int week = 0; week < WEEKS; week++) {
		int rc = read_week(u, db, metric, block, week, err);
		uint32_t bits;

		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		usage_week_add_up(u->rows[0], USAGE_BLOCK, USAGE_BLOCK, u->words);
		bits = note_active(u, (uint32_t)week);
		keep_week(u, week);
		if (week < FINE_WEEKS)
			add_ewma(u, week);
		else
			add_old_ewma(u, week);
		if (bits & WEEK_IS_LARGE && find_large(u, db, metric, block, week, err) < 0)
			return -1;
	}
	return 0;
}

static inline double capped(double a, double most)
{
	return a < most ? a : most;
}

/* The most that was ever lost against three quarters of the usual week, added up from the oldest week on and never
 * below nothing. */
static inline double cusum(const double weeks[TREND_WEEKS], double mean)
{
	double sum = 0, most = 0;

	for (int w = TREND_WEEKS - 1; w >= 0; w--) {
		sum += 0.75 * mean - weeks[w];
		sum = sum > 0 ? sum : 0;
		most = sum > most ? sum : most;
	}
	return most;
}

/* weeks: 0 the last one */
static inline void judge(const struct workload_use *u, size_t i, double limit, double *churn, double *upsell)
{
	double weeks[TREND_WEEKS], now = 0, before = 0, longer, all = 0, slope = 0, mean, r1, trend, ewma;
	int silent;

	for (int w = 0; w < TREND_WEEKS; w++) {
		weeks[w] = u->weeks[w][i];
		all += weeks[w];
		slope += (6 - w) * weeks[w];
		now += w < 4 ? weeks[w] : 0;
		before += w >= 4 && w < 8 ? weeks[w] : 0;
	}
	longer = all - now + u->weeks[13][i] + u->weeks[14][i] + u->weeks[15][i] + u->weeks[16][i] -
	         u->of_before[i];
	mean = all / TREND_WEEKS;
	r1 = (now + 1) / (before + 1);
	trend = slope / 182 / (mean + 1);
	ewma = u->ewma[i] + (double)u->old_ewma[i];
	silent = u->active[i] ? 7 * (int)u->active_week[i] + __builtin_ctz(u->active[i]) : WORKLOAD_DAYS;
	*churn += 0.2 * (1 - capped(r1, 2)) + 0.15 * (1 - capped((now + 1) / (longer * 28 / 90 + 1), 2)) +
	          0.05 * (1 - capped((now + 1) / (u->year_ago[i] + 1.0), 2)) - 0.3 * trend +
	          0.1 * (cusum(weeks, mean) / (mean + 1)) + 0.01 * capped(silent, 60) +
	          0.1 * (1 - capped((ewma * 28 + 1) / (longer * 28 / 90 + 1), 2));
	*upsell += 0.5 * u->most[i] / limit + 0.3 * trend + 0.1 * (capped(r1, 2) - 1);
}

int workload_use_add(struct workload_use *u, struct db *db, int32_t metric, int64_t block,
                     const double *restrict limits, double *restrict churn, double *restrict upsell, struct err *err)
{
	if (read_metric(u, db, metric, block, err) < 0)
		return -1;
	for (size_t i = 0; i < USAGE_BLOCK; i++)
		if (u->told[i])
			judge(u, i, limits[i], &churn[i], &upsell[i]);
	return 0;
}

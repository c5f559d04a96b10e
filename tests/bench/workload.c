#include "workload.h"

#include <math.h>

#include "common/text.h"

enum { WEEK = 7, FADE_DAYS = 90, HASHED = 1024 };

const char *const workload_metrics[WORKLOAD_METRICS] = { "logins", "reports", "exports" };

/* Numbers that depend on all they are made of, evenly spread. */

static inline uint32_t mixed(uint32_t x)
{
	x = (x ^ x >> 16) * 0x85EBCA6Bu;
	x = (x ^ x >> 13) * 0xC2B2AE35u;
	return x ^ x >> 16;
}

/* about: what it is a chance of; n: the which. */
static uint32_t chance(int account, uint32_t about, uint32_t n)
{
	return mixed(mixed((uint32_t)account * 0x9E3779B1u ^ about << 24) + n * 0x7FEB352Du);
}

static double share(int account, uint32_t about, uint32_t n)
{
	return ((double)chance(account, about, n) + 0.5) / 4294967296.0;
}

enum { OF_LEVEL = 1, OF_ANGLE, OF_TREND, OF_KIND, OF_SILENCE, OF_LIMIT, OF_PRESENCE, OF_DAYS, OF_ABSENCE, OF_RENEWAL,
       OF_CONTRACT, OF_PRICE, OF_TICKET, OF_EXCHANGE };

/* usage ------------------------------------------------------------------------------------------------------------ */

static double normal(int account, uint32_t n)
{
	return sqrt(-2 * log(share(account, OF_LEVEL, n))) * cos(6.283185307179586 * share(account, OF_ANGLE, n));
}

void workload_make(struct workload *w, int n, struct arena *a)
{
	static const double medians[WORKLOAD_METRICS] = { 20, 60, 1000 };

	*w = (struct workload){ .n = n,
		.trends = arena_array(a, (size_t)n, sizeof *w->trends), .fades = arena_array(a, (size_t)n, sizeof *w->fades),
		.silent = arena_array(a, (size_t)n, sizeof *w->silent) };
	for (int m = 0; m < WORKLOAD_METRICS; m++)
		w->levels[m] = arena_array(a, (size_t)n, sizeof *w->levels[m]);
	for (int i = 0; i < n; i++) {
		double kind = share(i + 1, OF_KIND, 0), size = normal(i + 1, WORKLOAD_METRICS);

		/* The size of an account is in all its metrics, half of it. */
		for (int m = 0; m < WORKLOAD_METRICS; m++)
			w->levels[m][i] = (float)(medians[m] * exp(0.7 * size + 0.7 * normal(i + 1, (uint32_t)m)));
		w->trends[i] = (float)(share(i + 1, OF_TREND, 0) - 0.5);
		w->fades[i] = kind > 0.97 ? 1 : 0;
		w->silent[i] = (int16_t)(kind < 0.02 ? 5 + 55 * share(i + 1, OF_SILENCE, 0) : 0);
	}
}

void workload_values(const struct workload *w, int metric, int day, int first, int n, int32_t *out)
{
	static const float weekday[WEEK] = { 1.0F, 1.2F, 1.2F, 1.1F, 1.0F, 0.4F, 0.3F }; /* day 0 is a Monday */
	static const uint32_t present[WEEK] = { 799, 799, 799, 799, 799, 515, 515 }; /* of 1,024: 70 % over a week */
	const float *restrict level = w->levels[metric] + first - 1, *restrict trend = w->trends + first - 1;
	const float *restrict fade = w->fades + first - 1;
	const int16_t *restrict silent = w->silent + first - 1;
	int32_t *restrict to = out;
	int age = WORKLOAD_DAYS - 1 - day > 0 ? WORKLOAD_DAYS - 1 - day : 0;
	float at = (float)day / WORKLOAD_DAYS - 0.5F, gone = age < FADE_DAYS ? 0.8F * (1 - (float)age / FADE_DAYS) : 0;
	float factor = weekday[day % WEEK];
	uint32_t least = present[day % WEEK], key = mixed((uint32_t)(metric * 4096 + day + 1));

	for (int i = 0; i < n; i++) {
		uint32_t h = mixed((uint32_t)(first + i) * 0x9E3779B1u ^ key);
		float noise = 0.5F + (float)(int32_t)(h >> 10 & 0xFFFF) / 65536;
		float value = level[i] * factor * (1 + trend[i] * at) * (1 - fade[i] * gone) * noise;

		to[i] = (h & (HASHED - 1)) < least && age >= silent[i] ? (int32_t)value : -1;
	}
}

int64_t workload_limit(const struct workload *w, int account, int metric)
{
	return 1 + (int64_t)((double)w->levels[metric][account - 1] *
	                     (1.2 + 3 * share(account, OF_LIMIT, (uint32_t)metric)));
}

/* rows with a date ------------------------------------------------------------------------------------------------- */

struct workload_contact workload_contact(int account, int number)
{
	uint32_t n = (uint32_t)number, start = chance(account, OF_PRESENCE, n) % WORKLOAD_SEEN_DAYS;
	double absent = -log(share(account, OF_ABSENCE, n)) * 60;
	struct workload_contact c = { .last_seen = -1 };
	int n_days = (int)(-3.5 * log(share(account, OF_DAYS, n)));

	/* 9 and 28 have no factor in common: all of them are different days. */
	for (int k = 0; k < n_days && k < WORKLOAD_SEEN_DAYS; k++)
		c.days |= UINT32_C(1) << (start + (uint32_t)k * 9) % WORKLOAD_SEEN_DAYS;
	for (int k = 0; k < WORKLOAD_SEEN_DAYS; k++)
		if (c.days >> k & 1)
			c.last_seen = WORKLOAD_DAYS - WORKLOAD_SEEN_DAYS + k;
	if (!c.days && absent < WORKLOAD_DAYS - WORKLOAD_SEEN_DAYS)
		c.last_seen = WORKLOAD_DAYS - WORKLOAD_SEEN_DAYS - 1 - (int)absent;
	return c;
}

/* Most of an account's contracts renew on its own day of the year; one of four has ended. */
struct workload_contract workload_contract(int account, int number)
{
	enum { YEAR = 365 };
	uint32_t n = (uint32_t)number, own = chance(account, OF_CONTRACT, n);
	int common = (int)(chance(account, OF_RENEWAL, 0) % YEAR), other = (int)(chance(account, OF_RENEWAL, n + 1) % YEAR);
	int renewal = WORKLOAD_DAYS + (own % 5 == 0 ? other : common) - (own / 5 % 4 == 0 ? YEAR : 0);

	return (struct workload_contract){
		.start = renewal - YEAR * (1 + (int)(own / 20 % 3)), .renewal = renewal, .product = number % 12,
		.plan = (int)(own / 60 % 5), .monthly_minor = 2000 + chance(account, OF_PRICE, n) % 60000,
	};
}

int workload_ticket(int account, int number)
{
	return (int)(chance(account, OF_TICKET, (uint32_t)number) % WORKLOAD_DAYS);
}

int workload_exchange(int account, int number)
{
	return (int)(chance(account, OF_EXCHANGE, (uint32_t)number) % WORKLOAD_DAYS);
}

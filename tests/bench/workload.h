/* The workload that the bench measures on, always the same: accounts with three metrics over 400 days (lognormal
 * levels, weekdays, trends, seven days of ten reported), people, contracts, tickets and exchanges. Every number is a
 * function of who and when it is of, so that an organisation and its peers can be filled in any order. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdint.h>

#include "common/arena.h"

enum {
	WORKLOAD_METRICS = 3,
	WORKLOAD_DAYS = 400,
	WORKLOAD_FIRST = 20101, /* the day that is day 0 here */
	WORKLOAD_AS_OF = WORKLOAD_FIRST + WORKLOAD_DAYS - 1, /* 2026-02-16 */
	WORKLOAD_OWNED = 200, /* accounts of an owner */
	WORKLOAD_CONTACTS = 5,
	WORKLOAD_SUBSCRIPTIONS = 20,
	WORKLOAD_TICKETS = 20,
	WORKLOAD_EXCHANGES = 20,
	WORKLOAD_SEEN_DAYS = 28, /* how far back it is known who was there */
	WORKLOAD_MAX_ACCOUNTS = 2000000,
};

extern const char *const workload_metrics[WORKLOAD_METRICS];

/* What is kept of each account: numbered from 1, at [number - 1]. */
struct workload {
	int n; /* accounts */
	float *levels[WORKLOAD_METRICS];
	float *trends;   /* change over the 400 days, -0.5 .. 0.5 */
	float *fades;    /* 1: falls off over its last 90 days; else 0 */
	int16_t *silent; /* nothing was reported for so many days */
};

struct workload_contact {
	int last_seen;  /* day from 0; -1 never */
	uint32_t days;  /* bit k: was there on day 372 + k */
};

struct workload_contract {
	int start, renewal;   /* days from 0, start may be below; it ended on renewal when that is before the last day */
	int64_t monthly_minor;
	int product, plan;    /* numbers from 0 */
};

/* The levels of n accounts, in the arena. */
void workload_make(struct workload *w, int n, struct arena *a);
/* A metric's values on a day (from 0; 400 is the day after) of n accounts from `first`; -1: nothing is reported. */
void workload_values(const struct workload *w, int metric, int day, int first, int n, int32_t *out);
int64_t workload_limit(const struct workload *w, int account, int metric); /* what its plan allows a day, above 0 */
struct workload_contact workload_contact(int account, int number);
struct workload_contract workload_contract(int account, int number);
int workload_ticket(int account, int number);   /* the day from 0 on which it was opened */
int workload_exchange(int account, int number); /* the day from 0 on which it was */

/* Makes an organisation of it: FOLDER/config and FOLDER/state, which are replaced. Its name is w. Dies on failure. */
void workload_put(const struct workload *w, const char *folder);
/* Days of it as its sources would give them, a CSV file (account, metric, day, value); returns the number of lines. */
int64_t workload_put_csv(const struct workload *w, int first, int n_days, const char *path);
/* A CSV file with another value of one account on a day. */
void workload_put_fix(int day, const char *path);

#endif

/* How fast we may ask: one token bucket per class of URL, as configured; what the answers' headers say only slows it
 * down. */
#ifndef CONNECT_LIMITS_H
#define CONNECT_LIMITS_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/http.h"
#include "common/yaml.h"
#include "quota.h"

/* `{ match: "/search$", rate: 4, per: 1s, burst: 1 }`; the first that matches the path counts. */
struct limit_rule {
	const char *match;   /* NULL: every path */
	double rate;
	int64_t per_s;
	double burst;
	regex_t *compiled;
};

struct limits {
	struct yaml_array rules;  /* struct limit_rule */
	struct yaml_array quotas; /* struct quota_settings */
};

extern const struct yaml_table limit_rule_table;
void limits_compile(struct arena *a, struct limits *l, const struct yaml *where, struct mistakes *m);

struct bucket {
	double tokens, rate_per_ms, burst;
	int64_t at_ms;         /* when tokens was right; 0: never used */
	int64_t not_before_ms;
};

struct limiter {
	const struct limits *limits;
	struct bucket *buckets; /* one per rule */
	double budget_percent;  /* of the daily quota that we may use; 0: never mind */
	int64_t n_daily, n_used; /* requests a day, as the last answer said */
	bool is_spent;          /* the budget is used up */
};

void limiter_init(struct limiter *l, const struct limits *limits, double budget_percent, struct arena *a);
/* Takes a token for a path; returns for how long to wait before the request goes, -1 (ERR_RETRY) when the daily budget
 * is used up and no request may go. */
int64_t limiter_take_ms(struct limiter *l, const char *path, int64_t now_ms, struct err *err) MUST_USE;
/* Reads an answer's headers. now: as of quota_read. */
void limiter_learn(struct limiter *l, const char *path, const struct http_response *r, int64_t now_ms, int64_t now);

#endif

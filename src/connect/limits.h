/* How fast we may ask: gates per class of URL, as configured, shared by all processes that ask the same source; what
 * the answers' headers say only slows it down. */
#ifndef CONNECT_LIMITS_H
#define CONNECT_LIMITS_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/http.h"
#include "common/yaml.h"
#include "limits_file.h"
#include "quota.h"

/* `{ match: "/search$", rate: 4, per: 1s, burst: 1 }`: at most `rate` requests arrive within any `per`, evenly spaced
 * but for a burst. Every rule counts that matches the path. */
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

/* Whether it counts what is asked of this path. */
bool limit_rule_fits(const struct limit_rule *rule, const char *path);

struct limiter {
	const struct limits *limits;
	double budget_percent;  /* of the daily quota that we may use; 0: never mind */
	bool has_asked;
	int64_t n_requests;     /* of this process */
	struct limits_file shared;
};

/* The places that a request under way holds: one slot a gate. */
struct limit_ticket {
	int16_t slots[MAX_GATES];
};

/* path: the file that the source's processes share; NULL: this one alone. Lives as long as a. */
int limiter_open(struct limiter *l, const struct limits *limits, double budget_percent, const char *path,
                 int64_t now_ms, struct arena *a, struct err *err) MUST_USE;
/* Returns 0: the request may leave now, and *out is for limiter_give when its answer has come or won't; above 0: ask
 * again after so many ms; -1 (ERR_RETRY): none may leave for long, or the daily budget is used up. */
int64_t limiter_take_ms(struct limiter *l, const char *path, int64_t now_ms, struct limit_ticket *out,
                        struct err *err) MUST_USE;
void limiter_give(struct limiter *l, const struct limit_ticket *ticket, int64_t now_ms);
/* Reads an answer's headers, after its ticket was given back. now: as of quota_read. */
void limiter_learn(struct limiter *l, const char *path, const struct http_response *r, int64_t now_ms, int64_t now);
/* The other side wants nothing of this kind for so long: the first rule that fits is closed. */
void limiter_hold(struct limiter *l, const char *path, int64_t for_ms, int64_t now_ms);
bool limiter_is_spent(const struct limiter *l);

#endif

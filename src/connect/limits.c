#include "limits.h"

#include <math.h>
#include <stddef.h>

#include "common/text.h"

static const struct yaml_field rule_fields[] = {
	{ "match", YAML_TEXT, offsetof(struct limit_rule, match), false, NULL, 0, 0 },
	{ "rate", YAML_REAL, offsetof(struct limit_rule, rate), true, NULL, 0.01, 10000 },
	{ "per", YAML_DURATION, offsetof(struct limit_rule, per_s), true, NULL, 1, 86400 },
	{ "burst", YAML_REAL, offsetof(struct limit_rule, burst), false, NULL, 1, 1000 },
};

const struct yaml_table limit_rule_table = {
	.size = sizeof(struct limit_rule), .fields = rule_fields, .n_fields = ARRAY_LEN(rule_fields), .check = NULL,
};

static const double share_of_limit = 0.9; /* others use the same quota */

static void release_regex(void *regex)
{
	regfree(regex);
}

void limits_compile(struct arena *a, struct limits *l, const struct yaml *where, struct mistakes *m)
{
	struct limit_rule *rules = l->rules.at;

	for (size_t i = 0; i < l->rules.n; i++) {
		if (!rules[i].match)
			continue;
		rules[i].compiled = arena_alloc(a, sizeof *rules[i].compiled);
		if (regcomp(rules[i].compiled, rules[i].match, REG_EXTENDED | REG_NOSUB) == 0) {
			arena_on_free(a, release_regex, rules[i].compiled);
			continue;
		}
		mistake_at(m, where, "`%s` is no regular expression", rules[i].match);
		rules[i].compiled = NULL;
	}
	quota_compile(a, l->quotas.at, l->quotas.n, where, m);
}

void limiter_init(struct limiter *l, const struct limits *limits, double budget_percent, struct arena *a)
{
	const struct limit_rule *rules = limits->rules.at;

	*l = (struct limiter){ .limits = limits, .budget_percent = budget_percent };
	l->buckets = arena_array(a, limits->rules.n, sizeof *l->buckets);
	for (size_t i = 0; i < limits->rules.n; i++) {
		l->buckets[i].rate_per_ms = rules[i].rate / ((double)rules[i].per_s * 1000);
		l->buckets[i].burst = l->buckets[i].tokens = rules[i].burst >= 1 ? rules[i].burst : 1;
	}
}

static struct bucket *bucket_of(struct limiter *l, const char *path)
{
	const struct limit_rule *rules = l->limits->rules.at;

	for (size_t i = 0; i < l->limits->rules.n; i++)
		if (!rules[i].compiled || regexec(rules[i].compiled, path, 0, NULL, 0) == 0)
			return &l->buckets[i];
	return NULL;
}

int64_t limiter_take_ms(struct limiter *l, const char *path, int64_t now_ms, struct err *err)
{
	struct bucket *b = bucket_of(l, path);
	int64_t wait = 0;

	if (l->is_spent)
		return err_set(err, ERR_RETRY,
		               "%lld of the daily quota of %lld requests are used, and the budget is %.0f %%: goes on tomorrow",
		               (long long)l->n_used, (long long)l->n_daily, l->budget_percent);
	if (!b)
		return 0;
	if (b->at_ms)
		b->tokens = fmin(b->burst, b->tokens + (double)(now_ms - b->at_ms) * b->rate_per_ms);
	b->at_ms = now_ms;
	b->tokens -= 1; /* may go below zero: a place in the queue */
	if (b->tokens < 0)
		wait = (int64_t)ceil(-b->tokens / b->rate_per_ms);
	if (b->not_before_ms > now_ms + wait)
		wait = b->not_before_ms - now_ms;
	return wait;
}

static void learn_daily(struct limiter *l, const struct quota_reading *said)
{
	if (l->budget_percent <= 0 || said->limit < 0 || said->remaining < 0)
		return;
	l->n_daily = said->limit;
	l->n_used = said->limit - said->remaining;
	l->is_spent = (double)l->n_used * 100 >= (double)said->limit * l->budget_percent;
}

static void learn_window(struct bucket *b, const struct quota_reading *said, int64_t now_ms)
{
	int64_t wait = said->reset_ms >= 0 ? said->reset_ms : said->per_ms;

	if (said->limit > 0 && said->per_ms > 0)
		b->rate_per_ms = fmin(b->rate_per_ms, share_of_limit * (double)said->limit / (double)said->per_ms);
	if (said->remaining == 0 && wait > 0)
		b->not_before_ms = now_ms + wait;
}

void limiter_learn(struct limiter *l, const char *path, const struct http_response *r, int64_t now_ms, int64_t now)
{
	const struct quota_settings *quotas = l->limits->quotas.at;
	struct bucket *b = bucket_of(l, path);
	struct quota_reading said;

	for (size_t i = 0; i < l->limits->quotas.n; i++) {
		if (!quota_fits(&quotas[i], path) || !quota_read(&quotas[i], r, now, &said))
			continue;
		if (quota_is_daily(&quotas[i]))
			learn_daily(l, &said);
		else if (b)
			learn_window(b, &said, now_ms);
	}
}

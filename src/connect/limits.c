#include "limits.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "common/sha256.h"

enum {
	DAY_S = 86400,
	LONGEST_WAIT_MS = 3600 * 1000,
	SHORTEST_CLOSED_MS = 1000,       /* "resets in 0 s" means within this second */
};

static const struct yaml_field rule_fields[] = {
	{ "match", YAML_TEXT, offsetof(struct limit_rule, match), false, NULL, 0, 0 },
	{ "rate", YAML_REAL, offsetof(struct limit_rule, rate), true, NULL, 0.01, 100000 },
	{ "per", YAML_DURATION, offsetof(struct limit_rule, per_s), true, NULL, 1, DAY_S },
	{ "burst", YAML_REAL, offsetof(struct limit_rule, burst), false, NULL, 1, 1000 },
};

const struct yaml_table limit_rule_table = {
	.size = sizeof(struct limit_rule), .fields = rule_fields, .n_fields = ARRAY_LEN(rule_fields), .check = NULL,
};

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
	if (l->rules.n + l->quotas.n > MAX_GATES)
		mistake_at(m, where, "`limits:` and `quota_headers:` have more than %d entries together", (int)MAX_GATES);
}

/* gates ------------------------------------------------------------------------------------------------------------ */

/* Less than one in the span is one in a longer span. Of a day's requests only the budget is ours. */
static void set_rule(struct gate *g, const struct limit_rule *r, double budget_percent)
{
	double share = r->per_s == DAY_S && budget_percent > 0 ? budget_percent / 100 : 1;
	double most = floor(r->rate * share), per_ms = (double)r->per_s * 1000;

	if (most < 1) {
		per_ms = ceil(per_ms / (r->rate * share));
		most = 1;
	}
	gate_set(g, (int64_t)most, (int64_t)per_ms);
	g->step_ms = per_ms / most;
	g->slack_ms = r->burst > 1 ? (r->burst - 1) * g->step_ms : 0;
}

static const char *digest_of(const struct limits *l, double budget_percent, struct arena *a)
{
	const struct limit_rule *rules = l->rules.at;
	const struct quota_settings *quotas = l->quotas.at;
	const char *text = arena_printf(a, "%zu %g", sizeof(struct limits_state), budget_percent);

	for (size_t i = 0; i < l->rules.n; i++)
		text = arena_printf(a, "%s\n%s %g %lld %g", text, rules[i].match ? rules[i].match : "", rules[i].rate,
		                    (long long)rules[i].per_s, rules[i].burst);
	for (size_t i = 0; i < l->quotas.n; i++)
		text = arena_printf(a, "%s\n%s %s %s %lld", text, quotas[i].match ? quotas[i].match : "",
		                    quotas[i].header ? quotas[i].header : "", quotas[i].limit ? quotas[i].limit : "",
		                    (long long)quotas[i].per_s);
	return sha256_hex(a, text, strlen(text));
}

int limiter_open(struct limiter *l, const struct limits *limits, double budget_percent, const char *path,
                 int64_t now_ms, struct arena *a, struct err *err)
{
	const struct limit_rule *rules = limits->rules.at;
	struct gate *gates;

	*l = (struct limiter){ .limits = limits, .budget_percent = budget_percent };
	if (limits_file_open(path, digest_of(limits, budget_percent, a), a, &l->shared, err) < 0)
		return -1;
	gates = l->shared.state->gates;
	limits_file_lock(&l->shared);
	for (size_t i = 0; i < limits->rules.n; i++)
		set_rule(&gates[i], &rules[i], budget_percent);
	for (int i = 0; i < MAX_GATES; i++)
		gate_end(&gates[i], getpid(), now_ms); /* a killed one had our number */
	limits_file_unlock(&l->shared);
	return 0;
}

bool limit_rule_fits(const struct limit_rule *rule, const char *path)
{
	return !rule->compiled || regexec(rule->compiled, path, 0, NULL, 0) == 0;
}

/* Which gates a path goes through: one bit each, rules first. */
static uint32_t gates_of(const struct limiter *l, const char *path)
{
	const struct limit_rule *rules = l->limits->rules.at;
	const struct quota_settings *quotas = l->limits->quotas.at;
	uint32_t out = 0;

	for (size_t i = 0; i < l->limits->rules.n; i++)
		if (limit_rule_fits(&rules[i], path))
			out |= 1u << i;
	for (size_t i = 0; i < l->limits->quotas.n; i++)
		if (!quota_is_daily(&quotas[i]) && quota_fits(&quotas[i], path))
			out |= 1u << (l->limits->rules.n + i);
	return out;
}

/* asking ----------------------------------------------------------------------------------------------------------- */

/* What an earlier process found may be of yesterday: each asks once and sees. */
bool limiter_is_spent(const struct limiter *l)
{
	return l->has_asked && l->shared.state->is_spent;
}

/* The lock is held. */
static int64_t wait_of(struct gate *gates, uint32_t through, int32_t pid, int64_t now_ms)
{
	int64_t longest = 0;

	for (int i = 0; i < MAX_GATES; i++) {
		int64_t wait = through & (1u << i) ? gate_wait_ms(&gates[i], pid, now_ms) : 0;

		longest = wait > longest ? wait : longest;
	}
	return longest;
}

static int refuse_spent(const struct limits_state *s, double budget_percent, struct err *err)
{
	return err_set(err, ERR_RETRY,
	               "%lld of the daily quota of %lld requests are used, and the budget is %.0f %%: goes on tomorrow",
	               (long long)s->n_used, (long long)s->n_daily, budget_percent);
}

int64_t limiter_take_ms(struct limiter *l, const char *path, int64_t now_ms, struct limit_ticket *out, struct err *err)
{
	struct gate *gates = l->shared.state->gates;
	uint32_t through = gates_of(l, path);
	int32_t pid = getpid();
	bool is_spent;
	int64_t wait = 0;

	limits_file_lock(&l->shared);
	is_spent = limiter_is_spent(l);
	if (!is_spent)
		wait = wait_of(gates, through, pid, now_ms);
	for (int i = 0; i < MAX_GATES && !is_spent && wait == 0; i++)
		out->slots[i] = through & (1u << i) ? (int16_t)gate_enter(&gates[i], pid, now_ms) : GATE_NO_SLOT;
	l->has_asked = l->has_asked || wait == 0;
	l->n_requests += !is_spent && wait == 0;
	limits_file_unlock(&l->shared);
	if (is_spent)
		return refuse_spent(l->shared.state, l->budget_percent, err);
	if (wait > LONGEST_WAIT_MS)
		return err_set(err, ERR_RETRY, "as many requests as allowed were made: goes on in %lld min",
		               (long long)(wait / 60000 + 1));
	return wait;
}

void limiter_give(struct limiter *l, const struct limit_ticket *ticket, int64_t now_ms)
{
	limits_file_lock(&l->shared);
	for (int i = 0; i < MAX_GATES; i++)
		gate_leave(&l->shared.state->gates[i], ticket->slots[i], now_ms);
	limits_file_unlock(&l->shared);
}

void limiter_hold(struct limiter *l, const char *path, int64_t for_ms, int64_t now_ms)
{
	const struct limit_rule *rules = l->limits->rules.at;
	size_t i = 0;

	while (i < l->limits->rules.n && !limit_rule_fits(&rules[i], path))
		i++;
	limits_file_lock(&l->shared);
	if (i < l->limits->rules.n)
		gate_close(&l->shared.state->gates[i], for_ms, now_ms);
	limits_file_unlock(&l->shared);
}

/* learning --------------------------------------------------------------------------------------------------------- */

static void learn_daily(const struct limiter *l, const struct quota_reading *said)
{
	struct limits_state *s = l->shared.state;

	if (l->budget_percent <= 0 || said->limit < 0 || said->remaining < 0)
		return;
	s->n_daily = said->limit;
	s->n_used = said->limit - said->remaining;
	s->is_spent = (double)s->n_used * 100 >= (double)s->n_daily * l->budget_percent;
}

/* A limit becomes a gate of its own, besides those that are configured: so it can slow down and never speed up. */
static void learn_window(struct gate *g, const struct quota_reading *said, int64_t now_ms)
{
	int64_t reset_ms = said->reset_ms < SHORTEST_CLOSED_MS ? SHORTEST_CLOSED_MS : said->reset_ms;
	bool has_window = said->limit > 0 && said->per_ms > 0;

	if (has_window)
		gate_set(g, said->limit, said->per_ms);
	if (has_window && said->remaining >= 0)
		gate_count(g, said->limit - said->remaining, now_ms);
	if (said->remaining == 0 && (said->reset_ms >= 0 || !has_window))
		gate_close(g, said->reset_ms >= 0 || said->per_ms <= 0 ? reset_ms : said->per_ms, now_ms);
}

void limiter_learn(struct limiter *l, const char *path, const struct http_response *r, int64_t now_ms, int64_t now)
{
	const struct quota_settings *quotas = l->limits->quotas.at;
	struct quota_reading said;

	limits_file_lock(&l->shared);
	for (size_t i = 0; i < l->limits->quotas.n; i++) {
		if (!quota_fits(&quotas[i], path) || !quota_read(&quotas[i], r, now, &said))
			continue;
		if (quota_is_daily(&quotas[i]))
			learn_daily(l, &said);
		else
			learn_window(&l->shared.state->gates[l->limits->rules.n + i], &said, now_ms);
	}
	limits_file_unlock(&l->shared);
}

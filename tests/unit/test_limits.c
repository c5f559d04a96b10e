#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/limits.h"

struct pace {
	struct arena *a;
	struct limits limits;
	struct limiter limiter;
	struct err err;
};

static struct pace *pace_of(const char *rules, double budget)
{
	struct arena *a = arena_new(0);
	struct pace *p = arena_alloc(a, sizeof *p);
	struct mistakes m = { .arena = a };
	const struct yaml *node = yaml_parse(a, "limits", rules, strlen(rules), &m);
	static const struct yaml_field fields[] = {
		{ "rules", YAML_LIST, offsetof(struct limits, rules), true, &limit_rule_table, 0, 0 },
		{ "quotas", YAML_LIST, offsetof(struct limits, quotas), false, &quota_table, 0, 0 },
	};
	static const struct yaml_table table = { .size = sizeof(struct limits), .fields = fields,
	                                         .n_fields = ARRAY_LEN(fields) };

	assert_non_null(node);
	p->a = a;
	yaml_read(a, node, &table, &p->limits, &m);
	limits_compile(a, &p->limits, node, &m);
	ASSERT_INT(m.n, 0);
	limiter_init(&p->limiter, &p->limits, budget, a);
	return p;
}

static const char two_classes[] =
	"rules: [ { match: \"/search$\", rate: 4, per: 1s }, { rate: 10, per: 1s, burst: 5 } ]\n"
	"quotas: [ { limit: x-max, remaining: x-remaining, per_ms: x-interval, per: 10s },\n"
	"  { limit: x-daily, remaining: x-daily-remaining, per: 1d } ]\n";

static void each_class_of_url_has_its_own_pace(void **state)
{
	struct pace *p = pace_of(two_classes, 0);
	int64_t now = 1000000;

	(void)state;
	ASSERT_INT(limiter_take_ms(&p->limiter, "/crm/search", now, &p->err), 0);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/crm/search", now, &p->err), 250);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/crm/search", now, &p->err), 500);
	for (int i = 0; i < 5; i++)
		ASSERT_INT(limiter_take_ms(&p->limiter, "/crm/list", now, &p->err), 0);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/crm/list", now, &p->err), 100);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/crm/search", now + 750, &p->err), 0);
	arena_free(p->a);
}

static void an_hour_of_asking_stays_within_the_rate(void **state)
{
	struct pace *p = pace_of(two_classes, 0);
	int64_t now = 1, sent = 0;

	(void)state;
	while (now < 3600 * 1000) {
		now += limiter_take_ms(&p->limiter, "/search", now, &p->err);
		sent++;
		now += 7; /* an answer takes a moment */
	}
	assert_true(sent <= 4 * 3600 + 1);
	assert_true(sent > 4 * 3600 - 60);
	arena_free(p->a);
}

static void learn(struct pace *p, const char *path, const struct http_header *headers, size_t n, int64_t now)
{
	struct http_response r = { .status = 200, .headers = headers, .n_headers = n };

	limiter_learn(&p->limiter, path, &r, now, 1767225600);
}

static void headers_slow_it_down_and_never_speed_it_up(void **state)
{
	struct pace *p = pace_of(two_classes, 0);
	const struct http_header tight[] = { { "x-max", "20" }, { "x-remaining", "15" }, { "x-interval", "10000" } };
	const struct http_header wide[] = { { "x-max", "100000" }, { "x-remaining", "99" }, { "x-interval", "10000" } };
	int64_t now = 5000;

	(void)state;
	learn(p, "/list", wide, 3, now);
	for (int i = 0; i < 5; i++)
		ASSERT_INT(limiter_take_ms(&p->limiter, "/list", now, &p->err), 0);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/list", now, &p->err), 100);
	learn(p, "/list", tight, 3, now);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/list", now, &p->err), 1112); /* 2 places at 1.8 a second */
	ASSERT_INT(limiter_take_ms(&p->limiter, "/search", now, &p->err), 0); /* said of another class */
	arena_free(p->a);
}

static void nothing_remaining_means_waiting_for_the_interval(void **state)
{
	struct pace *p = pace_of(two_classes, 0);
	const struct http_header none[] = { { "x-max", "100" }, { "x-remaining", "0" }, { "x-interval", "2000" } };
	const struct http_header odd[] = { { "x-max", "ten" }, { "x-remaining", "-3" }, { "x-interval", "0" } };
	const struct http_header backwards[] = { { "x-max", "100" }, { "x-remaining", "9" }, { "x-interval", "-5" } };

	(void)state;
	learn(p, "/list", none, 3, 1000);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/list", 1000, &p->err), 2000);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/list", 3500, &p->err), 0);
	learn(p, "/list", odd, 3, 4000);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/list", 4000, &p->err), 0);
	learn(p, "/list", NULL, 0, 4000);
	learn(p, "/list", backwards, 3, 4000);
	assert_true(p->limiter.buckets[1].rate_per_ms > 0);
	arena_free(p->a);
}

static void the_daily_budget_is_kept(void **state)
{
	struct pace *p = pace_of(two_classes, 80);
	const struct http_header below[] = { { "x-daily", "250000" }, { "x-daily-remaining", "50001" } };
	const struct http_header at[] = { { "x-daily", "250000" }, { "x-daily-remaining", "50000" } };

	(void)state;
	learn(p, "/list", below, 2, 1);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/list", 1, &p->err), 0);
	learn(p, "/list", at, 2, 1);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/list", 1, &p->err), -1);
	ASSERT_INT(limiter_take_ms(&p->limiter, "/search", 1, &p->err), -1);
	ASSERT_INT(p->err.kind, ERR_RETRY);
	assert_non_null(strstr(p->err.text, "80 %"));
	learn(p, "/list", below, 2, 1); /* a new day */
	assert_true(limiter_take_ms(&p->limiter, "/list", 1, &p->err) >= 0);
	p->limiter.budget_percent = 0;
	learn(p, "/list", at, 2, 1);
	assert_true(limiter_take_ms(&p->limiter, "/list", 1, &p->err) >= 0);
	arena_free(p->a);
}

static void without_rules_nothing_waits(void **state)
{
	struct pace *p = pace_of("rules: []", 0);

	(void)state;
	for (int i = 0; i < 100; i++)
		ASSERT_INT(limiter_take_ms(&p->limiter, "/x", 1, &p->err), 0);
	arena_free(p->a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_class_of_url_has_its_own_pace),
		cmocka_unit_test(an_hour_of_asking_stays_within_the_rate),
		cmocka_unit_test(headers_slow_it_down_and_never_speed_it_up),
		cmocka_unit_test(nothing_remaining_means_waiting_for_the_interval),
		cmocka_unit_test(the_daily_budget_is_kept),
		cmocka_unit_test(without_rules_nothing_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

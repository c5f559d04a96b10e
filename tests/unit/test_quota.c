#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/quota.h"

enum { NOW = 1611537990 };

static const struct quota_settings *quota_of(struct arena *a, const char *text, size_t *n_mistakes)
{
	struct mistakes m = { .arena = a };
	struct quota_settings *q = arena_alloc(a, sizeof *q);
	const struct yaml *node = yaml_parse(a, "quota", text, strlen(text), &m);

	assert_non_null(node);
	yaml_read(a, node, &quota_table, q, &m);
	quota_table.check(q, node, &m);
	quota_compile(a, q, 1, node, &m);
	*n_mistakes = m.n;
	return q;
}

/* What real systems send, and what else may come. */
static const struct {
	const char *settings;
	struct http_header headers[3];
	bool is_said;
	struct quota_reading is;
} cases[] = {
	{ "{ limit: x-max, remaining: x-left, per_ms: x-ms }",
	  { { "x-max", "110" }, { "x-left", "109" }, { "x-ms", "10000" } },
	  true,
	  { 110, 109, 10000, -1 } },
	{ "{ limit: x-max, remaining: x-left, per_ms: x-ms, per: 10s }",
	  { { "x-max", "110" }, { "x-left", "9" }, { "x-ms", "0" } },
	  true,
	  { 110, 9, 10000, -1 } },
	{ "{ limit: x-max, remaining: x-left, per_ms: x-ms, per: 10s }",
	  { { "x-max", "110" }, { "x-left", "9" }, { "x-ms", "99999999" } },
	  true,
	  { 110, 9, 10000, -1 } },
	{ "{ limit: L, remaining: R, reset: T, reset_as: epoch, per: 10s }",
	  { { "l", "167" }, { "r", "159" }, { "t", "1611538002" } },
	  true,
	  { 167, 159, 10000, 12000 } },
	{ "{ limit: L, remaining: R, reset: T, reset_as: epoch_ms }",
	  { { "l", "167" }, { "r", "0" }, { "t", "1611537990500" } },
	  true,
	  { 167, 0, -1, 500 } },
	{ "{ limit: L, remaining: R, reset: T }",
	  { { "l", "20" }, { "r", "15" }, { "t", "2" } },
	  true,
	  { 20, 15, -1, 2000 } },
	{ "{ remaining: R, reset: T }", { { "r", "0" }, { "t", "0.25" } }, true, { -1, 0, -1, 250 } },
	{ "{ limit: L, remaining: R, reset: T, reset_as: ms }",
	  { { "l", "20" }, { "r", "1" }, { "t", "1500" } },
	  true,
	  { 20, 1, -1, 1500 } },
	{ "{ limit: L, remaining: R, per: 1m }",
	  { { "l", "100, 100;w=60" }, { "r", "99" } },
	  true,
	  { 100, 99, 60000, -1 } },
	{ "{ header: sforce-limit-info, used: api-usage, per: 1d }",
	  { { "sforce-limit-info", "api-usage=8666/15000" } },
	  true,
	  { 15000, 6334, 86400000, -1 } },
	{ "{ header: sforce-limit-info, used: api-usage, per: 1d }",
	  { { "sforce-limit-info", "api-usage=16000/15000; per-app-api-usage=17/250(appName=x)" } },
	  true,
	  { 15000, 0, 86400000, -1 } },
	{ "{ header: sforce-limit-info, used: per-app-api-usage, per: 1d }",
	  { { "sforce-limit-info", "api-usage=25/5000; per-app-api-usage=17/250(appName=x)" } },
	  true,
	  { 250, 233, 86400000, -1 } },
	{ "{ header: z, limit: total, remaining: remaining, reset: resets, per: 1m "
	  "}",
	  { { "z", "total=10; remaining=9; resets=42" } },
	  true,
	  { 10, 9, 60000, 42000 } },
	{ "{ header: ratelimit, limit: limit, remaining: remaining, reset: reset }",
	  { { "ratelimit", "limit=100, remaining=50,reset=5" } },
	  true,
	  { 100, 50, -1, 5000 } },
	{ "{ limit: L, used: U, per: 1h }", { { "l", "60" }, { "u", "17" } }, true, { 60, 43, 3600000, -1 } },
	/* what makes no sense is not said */
	{ "{ limit: L, remaining: R, per: 1m }", { { "l", "ten" }, { "r", "-3" } }, false, { 0 } },
	{ "{ limit: L, remaining: R, per: 1m }", { { "l", "0" }, { "r", "" } }, false, { 0 } },
	{ "{ limit: L, remaining: R, per: 1m }",
	  { { "l", "99999999999999999999999999999999999999999999" } },
	  false,
	  { 0 } },
	{ "{ header: z, limit: total, remaining: remaining, per: 1m }",
	  { { "z", "subtotal=3; remaining" } },
	  false,
	  { 0 } },
	{ "{ header: z, limit: total, remaining: remaining, per: 1m }", { { "y", "total=3" } }, false, { 0 } },
	{ "{ limit: L, remaining: R, reset: T, reset_as: epoch }",
	  { { "l", "9" }, { "r", "0" }, { "t", "1611530000" } },
	  true,
	  { 9, 0, -1, -1 } },
	{ "{ limit: L, remaining: R, reset: T }",
	  { { "l", "9" }, { "r", "0" }, { "t", "1611538002" } },
	  true,
	  { 9, 0, -1, -1 } },
};

static void every_spelling_of_a_quota_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(0);
		struct http_response r = { .status = 200, .headers = cases[i].headers };
		struct quota_reading is = { 0 };
		size_t n_mistakes;
		const struct quota_settings *q = quota_of(a, cases[i].settings, &n_mistakes);

		while (r.n_headers < 3 && cases[i].headers[r.n_headers].name)
			r.n_headers++;
		ASSERT_INT(n_mistakes, 0);
		if (quota_read(q, &r, NOW, &is) != cases[i].is_said)
			fail_msg("%s: %s", cases[i].settings, cases[i].headers[0].value);
		if (cases[i].is_said && memcmp(&is, &cases[i].is, sizeof is) != 0)
			fail_msg("%s: %s gives %lld %lld %lld %lld", cases[i].settings, cases[i].headers[0].value,
			         (long long)is.limit, (long long)is.remaining, (long long)is.per_ms, (long long)is.reset_ms);
		arena_free(a);
	}
}

static void what_can_mean_nothing_is_a_mistake(void **state)
{
	static const char *const broken[] = {
		"{ per: 10s }",
		"{ limit: a, remaining: b }",
		"{ remaining: a, used: b, per: 1d }",
		"{ remaining: a, reset_as: epoch, per: 1s }",
		"{ remaining: a, per: 2d }",
		"{ remaining: a, per: 1s, match: \"(\" }",
		"{ remaining: a, reset: b, reset_as: minutes }",
		"{ remaining: a, per: 1s, unit: s }",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct arena *a = arena_new(0);
		size_t n_mistakes;

		(void)quota_of(a, broken[i], &n_mistakes);
		if (n_mistakes == 0)
			fail_msg("%s is taken", broken[i]);
		arena_free(a);
	}
}

static void a_quota_counts_the_paths_it_names(void **state)
{
	struct arena *a = arena_new(0);
	size_t n_mistakes;
	const struct quota_settings *q = quota_of(a, "{ remaining: r, per: 1m, match: \"/incremental/\" }", &n_mistakes);

	(void)state;
	ASSERT_INT(n_mistakes, 0);
	assert_true(quota_fits(q, "/api/v2/incremental/tickets/cursor"));
	assert_false(quota_fits(q, "/api/v2/tickets"));
	assert_false(quota_is_daily(q));
	assert_true(quota_is_daily(quota_of(a, "{ remaining: r, per: 1d }", &n_mistakes)));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_of_a_quota_is_read),
		cmocka_unit_test(what_can_mean_nothing_is_a_mistake),
		cmocka_unit_test(a_quota_counts_the_paths_it_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cmocka_shim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/connect/limits.h"

struct pace {
	struct arena *a;
	struct limits limits;
	struct limiter limiter;
	struct limit_ticket ticket;
};

static struct err err;

static struct pace *pace_shared(const char *rules, double budget, const char *path)
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
	ASSERT_OK(limiter_open(&p->limiter, &p->limits, budget, path, 1, a, &err));
	return p;
}

static struct pace *pace_of(const char *rules, double budget)
{
	return pace_shared(rules, budget, NULL);
}

static int64_t take(struct pace *p, const char *path, int64_t now)
{
	return limiter_take_ms(&p->limiter, path, now, &p->ticket, &err);
}

/* Asks, and is answered after so long. */
static int64_t ask(struct pace *p, const char *path, int64_t now, int64_t took)
{
	int64_t wait = take(p, path, now);

	if (wait == 0)
		limiter_give(&p->limiter, &p->ticket, now + took);
	return wait;
}

static const char two_classes[] =
	"rules: [ { match: \"/search$\", rate: 4, per: 1s }, { rate: 10, per: 1s, burst: 5 } ]\n"
	"quotas: [ { limit: x-max, remaining: x-remaining, per_ms: x-interval, per: 10s },\n"
	"  { limit: x-daily, remaining: x-daily-remaining, per: 1d } ]\n";

static void each_class_of_url_has_its_own_pace_within_that_of_all(void **state)
{
	struct pace *p = pace_of(two_classes, 0);
	int64_t now = 1000000;

	(void)state;
	ASSERT_INT(ask(p, "/crm/search", now, 0), 0);
	ASSERT_INT(ask(p, "/crm/search", now, 0), 250);
	for (int i = 0; i < 4; i++)
		ASSERT_INT(ask(p, "/crm/list", now, 0), 0);
	ASSERT_INT(ask(p, "/crm/list", now, 0), 100);
	ASSERT_INT(ask(p, "/crm/search", now + 250, 0), 0);
	arena_free(p->a);
}

static void every_rule_that_fits_counts(void **state)
{
	struct pace *p = pace_of("rules: [ { match: /export, rate: 3, per: 1s, burst: 3 }, { rate: 99, per: 1s, burst: 8 },"
	                         " { match: /export, rate: 5, per: 1h, burst: 5 } ]", 0);
	int64_t now = 1000000;

	(void)state;
	for (int i = 0; i < 3; i++)
		ASSERT_INT(ask(p, "/export", now, 0), 0);
	ASSERT_INT(ask(p, "/export", now, 0), 1001);
	ASSERT_INT(ask(p, "/export", now + 1001, 0), 0);
	ASSERT_INT(ask(p, "/export", now + 1001, 0), 0);
	ASSERT_INT(ask(p, "/export", now + 3000, 0), 3600 * 1000 - 3000 + 1);
	ASSERT_INT(ask(p, "/else", now + 3000, 0), 0);
	arena_free(p->a);
}

static void an_hour_of_asking_stays_within_the_rate(void **state)
{
	struct pace *p = pace_of(two_classes, 0);
	int64_t now = 1, sent = 0, wait;

	(void)state;
	while (now < 3600 * 1000) {
		while ((wait = ask(p, "/search", now, 7)) > 0)
			now += wait;
		sent++;
		now += 7; /* an answer takes a moment */
	}
	assert_true(sent <= 4 * 3600 + 1);
	assert_true(sent > 4 * 3600 * 98 / 100);
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
	const struct http_header wide[] = { { "x-max", "90000" }, { "x-remaining", "89999" }, { "x-interval", "10000" } };
	const struct http_header tight[] = { { "x-max", "7" }, { "x-remaining", "1" }, { "x-interval", "10000" } };
	int64_t now = 5000;

	(void)state;
	learn(p, "/list", wide, 3, now);
	for (int i = 0; i < 5; i++)
		ASSERT_INT(ask(p, "/list", now, 0), 0);
	ASSERT_INT(ask(p, "/list", now, 0), 100);
	learn(p, "/list", tight, 3, now);
	ASSERT_INT(ask(p, "/list", now + 100, 0), 0);
	ASSERT_INT(ask(p, "/list", now + 200, 0), 10001 - 200);
	ASSERT_INT(ask(p, "/search", now + 200, 0), 10001 - 200); /* the quota names no path */
	learn(p, "/list", wide, 3, now + 200);
	ASSERT_INT(ask(p, "/list", now + 200, 0), 0);
	arena_free(p->a);
}

static void nothing_remaining_means_waiting_until_there_is(void **state)
{
	struct pace *p =
		pace_of("rules: [ { rate: 1000, per: 1s, burst: 1000 } ]\n"
	            "quotas: [ { limit: m, remaining: r, reset: t, per: 10s }, { remaining: r2, per: 30s } ]", 0);
	const struct http_header none[] = { { "m", "100" }, { "r", "0" }, { "t", "4" } };
	const struct http_header soon[] = { { "m", "100" }, { "r", "0" }, { "t", "0" } };
	const struct http_header ours[] = { { "m", "2" }, { "r", "0" } };
	const struct http_header odd[] = { { "m", "ten" }, { "r", "-3" }, { "t", "-1" } };
	const struct http_header bare[] = { { "r2", "0" } };

	(void)state;
	learn(p, "/list", none, 3, 100000);
	ASSERT_INT(take(p, "/list", 100000), 10001); /* somebody else has used them, within ten seconds */
	learn(p, "/list", odd, 3, 111000);
	learn(p, "/list", NULL, 0, 111000);
	ASSERT_INT(ask(p, "/list", 111000, 0), 0);
	learn(p, "/list", soon, 3, 111000);
	ASSERT_INT(ask(p, "/list", 122000, 0), 0);
	learn(p, "/list", ours, 2, 200000); /* its window is ours, and said by us: no more than the oldest place's */
	ASSERT_INT(ask(p, "/list", 210001, 0), 0);
	ASSERT_INT(ask(p, "/list", 212000, 0), 0);
	learn(p, "/list", ours, 2, 212000);
	ASSERT_INT(ask(p, "/list", 220002, 0), 0);
	learn(p, "/list", bare, 1, 300000);
	ASSERT_INT(take(p, "/list", 300000), 30000);
	arena_free(p->a);
}

static void a_class_that_is_held_holds_for_all_of_it(void **state)
{
	struct pace *p = pace_of(two_classes, 0);

	(void)state;
	limiter_hold(&p->limiter, "/crm/search", 27000, 1000);
	ASSERT_INT(take(p, "/other/search", 1000), 27000);
	ASSERT_INT(take(p, "/crm/list", 1000), 0);
	arena_free(p->a);
}

static void the_daily_budget_is_kept(void **state)
{
	struct pace *p = pace_of(two_classes, 80);
	const struct http_header below[] = { { "x-daily", "250000" }, { "x-daily-remaining", "50001" } };
	const struct http_header at[] = { { "x-daily", "250000" }, { "x-daily-remaining", "50000" } };

	(void)state;
	learn(p, "/list", below, 2, 1);
	ASSERT_INT(ask(p, "/list", 1, 0), 0);
	learn(p, "/list", at, 2, 1);
	ASSERT_INT(take(p, "/list", 1), -1);
	ASSERT_INT(take(p, "/search", 1), -1);
	ASSERT_INT(err.kind, ERR_RETRY);
	assert_non_null(strstr(err.text, "80 %"));
	p->limiter.has_asked = false; /* a process that begins sees for itself */
	ASSERT_INT(ask(p, "/list", 900001, 0), 0);
	ASSERT_INT(take(p, "/list", 900002), -1);
	learn(p, "/list", below, 2, 900003);       /* a new day */
	assert_true(take(p, "/list", 901000) == 0);
	p->limiter.budget_percent = 0;
	learn(p, "/list", at, 2, 902000);
	assert_true(take(p, "/list", 903000) >= 0);
	arena_free(p->a);
}

static void of_a_rule_for_a_day_only_the_budget_is_used(void **state)
{
	struct pace *p = pace_of("rules: [ { rate: 10, per: 1d, burst: 10 } ]", 80);

	(void)state;
	for (int i = 0; i < 8; i++)
		ASSERT_INT(ask(p, "/x", 1000 + i, 0), 0);
	ASSERT_INT(ask(p, "/x", 2000, 0), -1);
	ASSERT_INT(err.kind, ERR_RETRY);
	assert_non_null(strstr(err.text, "goes on in 1440 min"));
	arena_free(p->a);
}

static void rates_below_one_are_kept(void **state)
{
	struct pace *p = pace_of("rules: [ { rate: 0.5, per: 1s } ]", 0);

	(void)state;
	ASSERT_INT(ask(p, "/x", 1000, 10), 0);
	ASSERT_INT(ask(p, "/x", 2000, 0), 1011);
	ASSERT_INT(ask(p, "/x", 3011, 0), 0);
	arena_free(p->a);
}

static void without_rules_nothing_waits(void **state)
{
	struct pace *p = pace_of("rules: []", 0);

	(void)state;
	for (int i = 0; i < 100; i++)
		ASSERT_INT(take(p, "/x", 1), 0);
	arena_free(p->a);
}

static void all_that_name_a_file_share_it(void **state)
{
	char path[] = "/tmp/retaind-limits-XXXXXX";
	int fd = mkstemp(path);
	struct pace *a, *b, *other;

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	a = pace_shared(two_classes, 0, path);
	b = pace_shared(two_classes, 0, path);
	for (int i = 0; i < 10; i++)
		ASSERT_INT(ask(i % 2 ? a : b, "/list", 1000 + i * 100, 0), 0);
	ASSERT_INT(ask(a, "/list", 1950, 0), 51);
	ASSERT_INT(ask(b, "/list", 1950, 0), 51);
	limiter_hold(&a->limiter, "/list", 9000, 2000);
	ASSERT_INT(ask(b, "/list", 2000, 0), 9000);
	arena_free(b->a);
	b = pace_shared(two_classes, 0, path); /* who comes later knows as well */
	ASSERT_INT(ask(b, "/list", 2000, 0), 9000);
	other = pace_shared("rules: [ { rate: 20, per: 1s } ]", 0, path); /* other limits begin anew */
	ASSERT_INT(ask(other, "/list", 2000, 0), 0);
	arena_free(b->a);
	arena_free(other->a);
	(void)unlink(path); /* whoever has it goes on with it */
	ASSERT_INT(ask(a, "/list", 3000, 0), 0);
	fd = open(path, O_WRONLY | O_CREAT, 0600); /* one of another version */
	assert_true(fd >= 0 && write(fd, "old", 3) == 3 && close(fd) == 0);
	b = pace_shared(two_classes, 0, path);
	ASSERT_INT(ask(b, "/list", 3000, 0), 0);
	arena_free(a->a);
	a = pace_shared(two_classes, 0, path);
	for (int i = 1; i < 10; i++)
		ASSERT_INT(ask(a, "/list", 3000 + i * 100, 0), 0);
	ASSERT_INT(ask(b, "/list", 3950, 0), 51);
	arena_free(a->a);
	arena_free(b->a);
	(void)unlink(path);
}

static void a_file_that_is_not_ours_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct limiter l;
	struct limits none = { 0 };
	char link_path[] = "/tmp/retaind-limits-XXXXXX";
	int fd = mkstemp(link_path);

	(void)state;
	assert_true(fd >= 0 && close(fd) == 0 && unlink(link_path) == 0);
	assert_true(symlink("/tmp/retaind-nowhere", link_path) == 0);
	ASSERT_INT(limiter_open(&l, &none, 0, link_path, 1, a, &err), -1);
	ASSERT_INT(err.kind, ERR_CONFIG);
	(void)unlink(link_path);
	ASSERT_INT(limiter_open(&l, &none, 0, "/dev/null", 1, a, &err), -1);
	ASSERT_OK(limiter_open(&l, &none, 0, "/tmp/retaind/no/such/folder", 1, a, &err)); /* alone */
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_class_of_url_has_its_own_pace_within_that_of_all),
		cmocka_unit_test(every_rule_that_fits_counts),
		cmocka_unit_test(an_hour_of_asking_stays_within_the_rate),
		cmocka_unit_test(headers_slow_it_down_and_never_speed_it_up),
		cmocka_unit_test(nothing_remaining_means_waiting_until_there_is),
		cmocka_unit_test(a_class_that_is_held_holds_for_all_of_it),
		cmocka_unit_test(the_daily_budget_is_kept),
		cmocka_unit_test(of_a_rule_for_a_day_only_the_budget_is_used),
		cmocka_unit_test(rates_below_one_are_kept),
		cmocka_unit_test(without_rules_nothing_waits),
		cmocka_unit_test(all_that_name_a_file_share_it),
		cmocka_unit_test(a_file_that_is_not_ours_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a backtest makes of rows: its verdict in words, its lists, and that text of theirs stays text. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "score/backtest.h"

enum { ACCOUNTS = 150, DAYS = 6, N = ACCOUNTS * DAYS };
static struct arena *a;
static struct backtest_row rows[N];
static struct backtest_report report;
static struct backtest_input in;

static unsigned noise(unsigned x)
{
	x = (x + 0x9e3779b9u) * 0x85ebca6bu;
	x ^= x >> 13;
	x *= 0xc2b2ae35u;
	return (x ^ x >> 16) % 1000;
}

/* One account in so many has the event, always; scores and the first naive rule see it as sharply as said. */
static void make_rows(double ours, double naive, int one_in)
{
	for (unsigned i = 0; i < N; i++) {
		unsigned account = i % ACCOUNTS;
		bool is_event = one_in && account % (unsigned)one_in == 0;

		rows[i] = (struct backtest_row){ .account = account, .account_key = "k",
			.segment = account % 3 ? "a<b>" : "",
			.owner = account % 2 ? "ann@example.com" : "nobody@example.com",
			.day = 20000 + (int32_t)(i / ACCOUNTS) * 30, .event_on = DAY_NONE, .is_event = is_event,
			.is_known = true, .prob = is_event ? 0.5 : 0.05 };
		rows[i].score = (is_event ? ours : 0) + noise(i) / 1000.0;
		rows[i].naive[NAIVE_RECENCY] = (is_event ? naive : 0) + noise(i + 7777) / 1000.0;
	}
}

static int64_t two_for_ann(const void *context, const char *owner)
{
	(void)context;
	return strcmp(owner, "ann@example.com") == 0 ? 2 : 0;
}

static void judge(double ours, double naive, int one_in)
{
	make_rows(ours, naive, one_in);
	in = (struct backtest_input){ .engine = ENGINE_DEFENSE, .rows = rows, .n = N, .horizon_days = 90,
		.weights = "the shipped priors", .capacity = two_for_ann };
	backtest_judge(&in, a, &report);
}

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static void the_verdict_says_what_is_shown_and_no_more(void **state)
{
	static const struct {
		double ours, naive;
		int one_in;
		const char *verdict;
		bool beats_chance, beats_naive;
	} cases[] = {
		{ 0.6, 0, 10, "It beats chance and every naive rule", true, true },
		{ 0.6, 0.6, 10, "It beats chance, but is not shown to beat a naive rule: recency", true, false },
		{ 0.3, 0.9, 10, "It beats chance, but a naive rule is better: recency", true, false },
		{ 0, 0, 10, "Nothing beats chance here. Chance has", false, false },
		{ 0, 0.9, 10, "Nothing beats chance here but a naive rule", false, false },
		{ 0.9, 0, 20, "Too little happened to say anything: 8 accounts", false, false },
		{ 0.9, 0, 0, "Too little happened to say anything: 0 accounts", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		judge(cases[i].ours, cases[i].naive, cases[i].one_in);
		if (strncmp(report.verdict, cases[i].verdict, strlen(cases[i].verdict)) != 0)
			fail_msg("case %zu: %s", i, report.verdict);
		ASSERT_INT(report.beats_chance, cases[i].beats_chance);
		ASSERT_INT(report.beats_naive, cases[i].beats_naive);
	}
}

static void lists_are_as_long_as_owners_take(void **state)
{
	(void)state;
	judge(0.9, 0, 10);
	assert_true(report.has_owners);
	ASSERT_NEAR(report.owners.n_listed, 2 * DAYS, 0); /* the other owner has no capacity, so no list */
	ASSERT_NEAR(report.rankers[0].top.n_listed, ACCOUNTS / 10 * DAYS, 0);
	ASSERT_INT(report.n_segments, 2);
	ASSERT_INT(report.n_days, DAYS);
	ASSERT_INT(report.n_event_accounts, ACCOUNTS / 10);
}

static void every_form_has_the_verdict_and_foreign_text_stays_text(void **state)
{
	CLEANUP(buf_done) struct buf out;
	const struct json *json;
	struct err err;

	(void)state;
	judge(0.6, 0, 10);
	buf_init(&out, BACKTEST_MAX_BYTES);
	backtest_text(&report, a, &out);
	assert_non_null(strstr(out.at, report.verdict));
	buf_reset(&out);
	backtest_json(&report, a, &out);
	ASSERT_OK(json_parse(a, out.at, out.len, &json, &err));
	assert_string_equal(json_text(json_at(json, "verdict")), report.verdict);
	ASSERT_INT(json_count(json_at(json, "rankings")), 1 + N_NAIVE);
	buf_reset(&out);
	backtest_html(&report, "<script>&", a, &out);
	assert_null(strstr(out.at, "<script"));
	assert_null(strstr(out.at, "a<b>"));
	assert_non_null(strstr(out.at, "&lt;script&gt;&amp;"));
	assert_non_null(strstr(out.at, "a&lt;b&gt;"));
	assert_null(strstr(out.at, "nan"));
	assert_false(out.is_full);
}

static void rows_without_any_event_make_a_page_too(void **state)
{
	CLEANUP(buf_done) struct buf out;

	(void)state;
	judge(0, 0, 0);
	buf_init(&out, BACKTEST_MAX_BYTES);
	backtest_text(&report, a, &out);
	backtest_json(&report, a, &out);
	backtest_html(&report, "t", a, &out);
	assert_null(strstr(out.at, "nan"));
	assert_null(strstr(out.at, "inf"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(the_verdict_says_what_is_shown_and_no_more),
		CASE(lists_are_as_long_as_owners_take),
		CASE(every_form_has_the_verdict_and_foreign_text_stays_text),
		CASE(rows_without_any_event_make_a_page_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

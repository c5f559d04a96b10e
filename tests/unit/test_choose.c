#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "digest/compose.h"
#include "digest/render.h"
#include "digest_sample.h"

enum { TODAY = 20514 };

static struct arena *arena;
static struct err err;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct digest_finding finding(int64_t id, int64_t value, double priority)
{
	return (struct digest_finding){ .f = { .id = id, .account = id, .engine = "defense", .state = FINDING_OPEN,
		.opened_on = TODAY - 10, .updated_on = TODAY,
		.closed_on = DAY_NONE, .snoozed_until = DAY_NONE, .score = 60, .confidence = 0.9,
		.value_minor = value, .currency = "EUR", .act_by_on = TODAY + 5, .summary = "It is so." },
		.score_before = 60, .priority = priority };
}

static struct digest_choice choose(const struct digest_finding *findings, size_t n, size_t capacity)
{
	struct digest_choice c;

	digest_choose(findings, n, "defense", capacity, TODAY, arena, &c);
	return c;
}

static void what_changed_comes_first_then_what_stands_the_longest_first(void **state)
{
	struct digest_finding f[] = { finding(1, 100, 900), finding(2, 100, 10), finding(3, 100, 20), finding(4, 100, 950),
	                              finding(5, 100, 15) };
	static const int64_t order[] = { 3, 5, 2, 1, 4 };
	struct digest_choice c;

	(void)state;
	f[1].f.score = 42; /* better: the odds halved */
	f[2].is_new = true;
	f[4].f.score = 75.2; /* worse by just enough: the odds doubled */
	f[0].f.opened_on = TODAY - 11;
	c = choose(f, 5, 10);
	ASSERT_INT(c.n_items, 5);
	for (int i = 0; i < 5; i++)
		ASSERT_INT(c.items[i].finding->f.id, order[i]);
	ASSERT_INT(c.items[0].change, CHANGE_ENTERED);
	ASSERT_INT(c.items[1].change, CHANGE_WORSE);
	ASSERT_INT(c.items[2].change, CHANGE_BETTER);
	ASSERT_INT(c.items[3].change, CHANGE_STANDING);
}

static void of_what_stands_the_most_pressing_is_taken_though_the_longest_is_shown_first(void **state)
{
	struct digest_finding f[] = { finding(1, 100, 10), finding(2, 100, 30), finding(3, 100, 20) };
	struct digest_choice c;

	(void)state;
	f[0].f.opened_on = TODAY - 90; /* stands the longest, presses the least */
	f[2].f.opened_on = TODAY - 50;
	c = choose(f, 3, 2);
	ASSERT_INT(c.n_items, 2);
	ASSERT_INT(c.items[0].finding->f.id, 3);
	ASSERT_INT(c.items[1].finding->f.id, 2);
	ASSERT_INT(c.n_rest, 1);
	ASSERT_INT(c.n_accounts, 3);
	f[0].is_new = true; /* what changed is taken before anything that stands */
	c = choose(f, 3, 1);
	ASSERT_INT(c.items[0].finding->f.id, 1);
}

static void growth_is_one_list_by_expected_value(void **state)
{
	struct digest_finding f[] = { finding(1, 900, 1), finding(2, 500, 9), finding(3, 700, 5) };
	struct digest_choice c;

	(void)state;
	for (int i = 0; i < 3; i++) {
		f[i].f.engine = "expansion";
		f[i].f.expected_minor = 100 * (i + 1);
	}
	f[0].is_new = true; /* new, and still last: the list is a ranking */
	digest_choose(f, 3, "expansion", 2, TODAY, arena, &c);
	ASSERT_INT(c.items[0].finding->f.id, 3);
	ASSERT_INT(c.items[1].finding->f.id, 2);
	ASSERT_INT(c.n_of[CHANGE_ENTERED], 1);
	ASSERT_INT(c.expected.of[0].minor, 600);
}

static void what_comes_back_says_from_where(void **state)
{
	static const struct {
		const char *from, *tag;
	} cases[] = {
		{ NULL, "NEW, risk 60" },
		{ "snoozed", "BACK: its snooze is over, risk 60" },
		{ "resolved", "BACK after it was resolved, risk 60" },
		{ "dismissed", "BACK, risk 60" },
	};
	struct digest_finding f = finding(1, 1, 1);
	struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = "csm", .capacity = 5,
		.local_on = TODAY, .as_of_on = TODAY, .before_on = TODAY - 1, .findings = &f, .n_findings = 1 };
	struct digest d;

	(void)state;
	f.is_new = true;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f.back_from = cases[i].from;
		digest_compose(&in, arena, &d);
		assert_string_equal(d.sections[0].items[0].tag, cases[i].tag);
		assert_string_equal(d.since, i ? "Since yesterday: 1 back." : "Since yesterday: 1 new.");
	}
	f.is_new = false;
	f.f.state = FINDING_SNOOZED;
	f.f.snoozed_until = TODAY;
	digest_compose(&in, arena, &d);
	assert_string_equal(d.sections[0].items[0].tag, cases[1].tag);
}

static void another_cause_is_told_on_the_same_finding(void **state)
{
	struct digest_finding f[] = { finding(1, 1, 1), finding(2, 1, 1) };
	struct digest_choice c;

	(void)state;
	f[0].has_new_cause = f[1].has_new_cause = true;
	f[1].f.score = 80;
	c = choose(f, 2, 5);
	ASSERT_INT(c.n_items, 2);
	ASSERT_INT(c.items[0].change, CHANGE_CAUSE);
	ASSERT_INT(c.items[1].change, CHANGE_WORSE); /* says more */
}

static void who_acknowledged_is_left_alone_until_the_day_to_act_by_and_a_week_at_least(void **state)
{
	static const struct {
		int32_t act_by_in, answered_ago;
		bool is_told;
	} cases[] = { { 5, 30, false }, { 1, 30, false }, { 0, 7, true }, { 0, 6, false }, { -9, 6, false },
		{ -9, 8, true } };
	struct digest_finding f = finding(1, 1, 1);
	struct digest_choice c;

	(void)state;
	f.f.state = FINDING_ACKNOWLEDGED;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f.f.act_by_on = TODAY + cases[i].act_by_in;
		f.answered_on = TODAY - cases[i].answered_ago;
		c = choose(&f, 1, 5);
		ASSERT_INT(c.n_items, cases[i].is_told);
		ASSERT_INT(c.n_acknowledged, !cases[i].is_told);
	}
}

static void what_was_set_aside_and_is_due_again_is_a_change_once(void **state)
{
	static const struct {
		const char *kind; /* what had been said when the last digest was made, so many days ago */
		int32_t said_ago, told_ago;
		enum finding_state state;
		const char *since, *tag;
	} cases[] = {
		{ "acknowledged", 7, 1, FINDING_ACKNOWLEDGED, "Since yesterday: 1 back.",
		  "DUE AGAIN, acknowledged before, risk 60" },
		{ "acknowledged", 8, 1, FINDING_ACKNOWLEDGED, "Nothing changed since yesterday.",
		  "DUE AGAIN, acknowledged before, risk 60" },
		{ "done", 14, 1, FINDING_ACKNOWLEDGED, "Since yesterday: 1 back.", "STILL SO, though it was done, risk 60" },
		{ "done", 15, 1, FINDING_ACKNOWLEDGED, "Nothing changed since yesterday.",
		  "STILL SO, though it was done, risk 60" },
		{ "dismissed", 3, 1, FINDING_OPEN, "Since yesterday: 1 back.", "BACK, risk 60" },
		{ "lost", 3, 1, FINDING_OPEN, "Since yesterday: 1 back.", "BACK, risk 60" },
		{ "opened", 9, 1, FINDING_OPEN, "Nothing changed since yesterday.", "OPEN for 10 days, risk 60" },
		{ "reopened", 1, 1, FINDING_OPEN, "Nothing changed since yesterday.", "OPEN for 10 days, risk 60" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct digest_finding f = finding(1, 100, 1);
		struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = "csm", .capacity = 5,
			.local_on = TODAY, .as_of_on = TODAY, .before_on = TODAY - 1, .findings = &f, .n_findings = 1 };
		struct digest d;

		f.f.state = cases[i].state;
		f.f.act_by_on = TODAY - 3;
		f.is_done = strcmp(cases[i].kind, "done") == 0;
		f.answered_on = f.aside_on = TODAY - cases[i].said_ago;
		f.aside_before = cases[i].kind;
		f.told_on = TODAY - cases[i].told_ago;
		digest_compose(&in, arena, &d);
		assert_string_equal(d.since, cases[i].since);
		assert_string_equal(d.sections[0].items[0].tag, cases[i].tag);
	}
}

static void sums_in_several_currencies_have_the_same_order_each_day(void **state)
{
	struct digest_worth w = { 0 };

	(void)state;
	digest_worth_add(&w, 150000000, "USD");
	digest_worth_add(&w, 1500000, "JPY");
	digest_worth_add(&w, 1830000, "EUR");
	assert_string_equal(digest_worth_text(words_of("en"), arena, &w), "EUR 18.3k, JPY 1.5M and USD 1.5M");
}

static void what_is_set_aside_is_counted(void **state)
{
	struct digest_finding f[] = { finding(1, 1, 1), finding(2, 1, 1), finding(3, 1, 1) };
	struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = "csm", .capacity = 5,
		.local_on = TODAY, .as_of_on = TODAY, .before_on = TODAY - 1, .findings = f, .n_findings = 3 };
	struct digest d;

	(void)state;
	f[0].f.state = f[1].f.state = FINDING_SNOOZED;
	f[0].f.snoozed_until = TODAY + 9;
	f[1].f.snoozed_until = TODAY + 2;
	f[2].f.state = FINDING_ACKNOWLEDGED;
	digest_compose(&in, arena, &d);
	assert_string_equal(d.headline, "Nothing needs you today");
	assert_string_equal(d.since, "Nothing changed since yesterday. Set aside: 2 snoozed (the first until Wed 4 Mar), "
	                             "1 acknowledged.");
	assert_true(d.is_quiet);
}

static void odds_that_neither_double_nor_halve_are_no_change(void **state)
{
	static const struct { double before, now; enum digest_change change; } cases[] = {
		{ 60, 74.8, CHANGE_STANDING }, { 60, 44, CHANGE_STANDING }, { 60, 75.2, CHANGE_WORSE },
		{ 60, 42, CHANGE_BETTER }, { 4, 8.5, CHANGE_WORSE }, { 8.5, 4, CHANGE_BETTER },
		{ 97, 98, CHANGE_STANDING }, { 97, 99, CHANGE_WORSE },
	};
	struct digest_finding f = finding(1, 100, 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f.score_before = cases[i].before;
		f.f.score = cases[i].now;
		ASSERT_INT(choose(&f, 1, 10).items[0].change, cases[i].change);
	}
}

static void the_list_ends_at_the_capacity_and_the_rest_is_counted_and_summed(void **state)
{
	struct digest_finding f[40];
	struct digest_choice c;

	(void)state;
	for (int i = 0; i < 40; i++)
		f[i] = finding(i + 1, 1000 * (i + 1), i);
	c = choose(f, 40, 3);
	ASSERT_INT(c.n_items, 3);
	ASSERT_INT(c.items[0].finding->f.id, 40);
	ASSERT_INT(c.n_rest, 37);
	ASSERT_INT(c.worth.of[0].minor, 40000 + 39000 + 38000);
	ASSERT_INT(c.rest_worth.of[0].minor, 1000 * 37 * 38 / 2);
}

static void an_account_with_two_causes_counts_its_value_once(void **state)
{
	struct digest_finding f[] = { finding(1, 5000, 2), finding(2, 5000, 1) };
	struct digest_choice c;

	(void)state;
	f[1].f.account = 1;
	c = choose(f, 2, 10);
	ASSERT_INT(c.n_items, 2);
	ASSERT_INT(c.worth.of[0].minor, 5000);
}

static void currencies_are_never_added_together(void **state)
{
	struct digest_finding f[] = { finding(1, 5000, 2), finding(2, 7000, 1) };
	struct digest_choice c;

	(void)state;
	f[1].f.currency = "USD";
	c = choose(f, 2, 10);
	ASSERT_INT(c.worth.n, 2);
	assert_string_equal(digest_worth_text(words_of("en"), arena, &c.worth), "EUR 50 and USD 70");
}

static void what_is_not_known_is_not_zero(void **state)
{
	struct digest_finding f[] = { finding(1, 0, 2), finding(2, 0, 1), finding(3, 7000, 0.5) };
	struct digest_choice c;

	(void)state;
	f[0].f.currency = f[1].f.currency = NULL;
	c = choose(f, 2, 10);
	ASSERT_INT(c.n_accounts, 2);
	ASSERT_INT(c.worth.n, 0);
	c = choose(f, 3, 10);
	assert_string_equal(digest_worth_text(words_of("en"), arena, &c.worth), "EUR 70");
}

static void snoozed_and_dismissed_are_not_told_acknowledged_only_when_worse(void **state)
{
	struct digest_finding f[] = { finding(1, 1, 1), finding(2, 1, 1), finding(3, 1, 1), finding(4, 1, 1),
		finding(5, 1, 1) };
	struct digest_choice c;

	(void)state;
	f[0].f.state = FINDING_SNOOZED;
	f[0].f.snoozed_until = TODAY + 1;
	f[1].f.state = FINDING_DISMISSED;
	f[2].f.state = FINDING_ACKNOWLEDGED;
	f[3].f.state = FINDING_ACKNOWLEDGED;
	f[3].f.score = 80;
	f[4].f.state = FINDING_SNOOZED;
	f[4].f.snoozed_until = TODAY;
	c = choose(f, 5, 10);
	ASSERT_INT(c.n_items, 2);
	ASSERT_INT(c.items[0].finding->f.id, 4);
	ASSERT_INT(c.items[0].change, CHANGE_WORSE);
	ASSERT_INT(c.items[1].finding->f.id, 5);
	ASSERT_INT(c.items[1].change, CHANGE_BACK);
}

static void what_ended_is_news_and_takes_no_capacity(void **state)
{
	struct digest_finding f[] = { finding(1, 1, 1), finding(2, 1, 1), finding(3, 1, 1) };
	struct digest_choice c;

	(void)state;
	f[0].f.state = FINDING_RESOLVED;
	f[1].f.state = FINDING_LOST;
	c = choose(f, 3, 1);
	ASSERT_INT(c.n_items, 1);
	ASSERT_INT(c.n_rest, 0);
	ASSERT_INT(c.n_news, 2);
	ASSERT_INT(c.news[0].change, CHANGE_RESOLVED);
	ASSERT_INT(c.news[1].change, CHANGE_LOST);
}

static void the_order_of_rows_does_not_matter(void **state)
{
	struct digest_finding f[30], g[30];
	struct digest_choice c, d;

	(void)state;
	for (int i = 0; i < 30; i++) {
		f[i] = finding(i + 1, 10, i % 4);
		f[i].is_new = i % 3 == 0;
		g[29 - i] = f[i];
	}
	c = choose(f, 30, 12);
	d = choose(g, 30, 12);
	for (int i = 0; i < 12; i++)
		ASSERT_INT(c.items[i].finding->f.id, d.items[i].finding->f.id);
}

static void only_a_delivered_digest_counts_as_the_last_one(void **state)
{
	struct db *db = sample_open();
	struct digest_before before;

	(void)state;
	ASSERT_INT(digest_before_load(db, "anna@lumendesk.example", "csm", TODAY, &before, &err), 1);
	ASSERT_INT(before.id, 1);
	ASSERT_OK(db_run(db, "UPDATE outbox SET state = 'dead' WHERE digest_id = 1", &err));
	ASSERT_INT(digest_before_load(db, "anna@lumendesk.example", "csm", TODAY, &before, &err), 0);
	ASSERT_INT(before.id, 0);
	db_close(db);
}

static void a_first_digest_calls_everything_new_and_reports_no_endings(void **state)
{
	struct db *db = sample_open();
	struct digest d;

	(void)state;
	ASSERT_OK(db_run(db, "DELETE FROM outbox", &err));
	sample_digest(db, "csm", 10, arena, &d);
	ASSERT_INT(d.sections[0].n_items, 4);
	for (size_t i = 0; i < 4; i++)
		ASSERT_INT(d.sections[0].items[i].change, CHANGE_ENTERED);
	ASSERT_INT(d.sections[0].n_news, 0);
	db_close(db);
}

static void an_account_that_is_defended_is_in_no_expansion_list(void **state)
{
	struct db *db = sample_open();
	struct digest d;

	(void)state;
	sample_digest(db, "manager", 10, arena, &d);
	ASSERT_INT(d.n_sections, 2);
	ASSERT_INT(d.sections[1].n_items, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_not_equal(d.sections[1].items[i].finding, 9);
	db_close(db);
}

static void a_finding_opened_later_on_the_day_of_the_last_digest_is_new(void **state)
{
	struct db *db = sample_open();
	struct digest_before before;
	struct digest_finding *f;
	size_t n;

	(void)state;
	ASSERT_OK(db_run(db, "UPDATE finding SET opened_on = 20511 WHERE id = 4;"
	                 "INSERT INTO finding_event (finding_id, day, at, kind) VALUES (4, 20511, 1772175601, 'opened'),"
	                 " (3, 20490, 1772175600, 'opened')", &err));
	ASSERT_INT(digest_before_load(db, "anna@lumendesk.example", "csm", TODAY, &before, &err), 1);
	ASSERT_OK(digest_findings_load(db, &before, NULL, TODAY, arena, &f, &n, &err));
	for (size_t i = 0; i < n; i++)
		if (f[i].f.id == 3 || f[i].f.id == 4)
			ASSERT_INT(f[i].is_new, f[i].f.id == 4);
	db_close(db);
}

static int64_t count(struct db *db, const char *sql)
{
	int64_t n = -1;

	ASSERT_OK(db_int(db, sql, 0, &n, &err));
	return n;
}

static void a_digest_is_kept_with_its_messages_once_and_never_in_part(void **state)
{
	struct db *db = sample_open();
	struct digest_row row = { .owner_email = "anna@lumendesk.example", .kind = "csm", .config_hash = "h",
		.content = "{}",
	                          .local_on = TODAY, .as_of_on = TODAY, .made_at = SAMPLE_NOW };
	struct digest_item_row items[] = { { 1, "entered", 78, 4800000 }, { 2, "worse", 71, 960000 } };
	struct outbox_message messages[] = {
		{ .sink = "mail", .kind = "email", .delivery_key = "a", .part = 1, .body = "x", .body_len = 1,
			.content_type = "t",
		  .next_at = 1, .expires_at = 2 },
		{ .sink = "slack", .kind = "slack_webhook", .delivery_key = "b", .part = 1, .body = "x", .body_len = 1,
		  .content_type = "t", .next_at = 1, .expires_at = 2 },
	};

	(void)state;
	items[1].finding = 999; /* there is no such finding: nothing may stay behind */
	ASSERT_INT(digest_save(db, &row, items, 2, messages, 2, NULL, &err), -1);
	ASSERT_INT(count(db, "SELECT count(*) FROM digest WHERE local_on = 20514"), 0);
	items[1].finding = 2;
	ASSERT_INT(digest_save(db, &row, items, 2, messages, 2, NULL, &err), 1);
	ASSERT_INT(digest_save(db, &row, items, 2, messages, 2, NULL, &err), 0);
	ASSERT_INT(count(db, "SELECT count(*) FROM digest WHERE local_on = 20514"), 1);
	ASSERT_INT(count(db, "SELECT count(*) FROM outbox WHERE delivery_key IN ('a', 'b')"), 2);
	ASSERT_INT(count(db, "SELECT count(*) FROM digest_item WHERE digest_id = (SELECT max(id) FROM digest)"), 2);
	db_close(db);
}

static void a_quiet_day_says_so(void **state)
{
	struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = "am", .capacity = 5, .local_on = TODAY,
	                           .as_of_on = TODAY };
	struct digest d;

	(void)state;
	digest_compose(&in, arena, &d);
	assert_true(d.is_quiet);
	assert_string_equal(d.headline, "Nothing needs you today");
	assert_non_null(strstr(digest_json(arena, &d), "\"is_quiet\":true"));
}

static void a_missed_slot_is_told_and_is_no_quiet_day(void **state)
{
	struct digest_missed missed[] = { { TODAY - 1, "downtime" }, { TODAY - 3, NULL } };
	struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = "csm", .capacity = 5,
		.local_on = TODAY,
	                           .as_of_on = TODAY, .missed = missed, .n_missed = 2 };
	struct digest d;

	(void)state;
	digest_compose(&in, arena, &d);
	assert_false(d.is_quiet);
	assert_string_equal(d.notes[0], "The digests of Sun 1 Mar (retaind was not running), Fri 27 Feb did not reach "
	                                "you.");
	in.n_missed = 1;
	missed[0].reason = "undelivered";
	digest_compose(&in, arena, &d);
	assert_string_equal(d.notes[0], "The digest of Sun 1 Mar (no channel took it) did not reach you.");
}

static void only_harmless_https_links_are_kept(void **state)
{
	static const struct {
		const char *url;
		bool is_kept;
	} urls[] = {
		{ "https://crm.example/a/1", true }, { "http://crm.example/a/1", false }, { "javascript:alert(1)", false },
		{ "https://crm.example@evil.example/", false }, { "https://crm.example/\"><script>", false },
		{ "https://crm.example/a b", false }, { "https:///x", false }, { "https://crm.example/a|b", false },
			{ "https://evil.example/a", false }, { NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct digest_finding f = finding(1, 1, 1);
		struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = "csm", .capacity = 5,
			.local_on = TODAY,
		                           .as_of_on = TODAY, .findings = &f, .n_findings = 1 };
		static const char *const hosts[] = { "crm.example" };
		struct digest d;

		in.hosts = hosts;
		in.n_hosts = 1;
		f.account_url = urls[i].url;
		digest_compose(&in, arena, &d);
		assert_int_equal(d.sections[0].items[0].url != NULL, urls[i].is_kept);
	}
}

static void a_key_in_a_link_is_percent_encoded(void **state)
{
	struct digest_finding f = finding(1, 1, 1);
	struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = "csm", .capacity = 5,
		.local_on = TODAY,
	                           .as_of_on = TODAY, .findings = &f, .n_findings = 1,
	                           .account_url = "https://crm.example/{{key}}/x" };
	struct digest d;

	(void)state;
	f.f.account_key = "1/../<2>";
	digest_compose(&in, arena, &d);
	assert_string_equal(d.sections[0].items[0].url, "https://crm.example/1%2F..%2F%3C2%3E/x");
}

static void the_headline_area_says_what_changed_since_when(void **state)
{
	static const struct {
		const char *kind;
		int32_t before_on;
		size_t n;
		const char *since;
	} cases[] = {
		{ "csm", TODAY - 1, 6, "Since yesterday: 1 new, 2 worse, 1 better, 1 resolved." },
		{ "csm", TODAY - 3, 1, "Nothing changed since Fri 27 Feb." },
		{ "csm", DAY_NONE, 6, "This is your first digest: all of it counts as new." },
		{ "manager", TODAY - 1, 7,
		  "Since yesterday: to defend 1 new, 2 worse, 1 better, 1 resolved; to grow 1 riper." },
		{ "am", TODAY - 1, 7, "Since yesterday: 1 riper." },
	};
	struct digest_finding f[] = { finding(1, 1, 1), finding(2, 1, 1), finding(3, 1, 1), finding(4, 1, 1),
	                              finding(5, 1, 1), finding(6, 1, 1), finding(7, 1, 1) };

	(void)state;
	f[1].is_new = true;
	f[2].f.score = f[3].f.score = 76;
	f[4].f.score = 40;
	f[5].f.state = FINDING_RESOLVED;
	f[6].f.score = 76;
	f[6].f.engine = "expansion";
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = cases[i].kind, .capacity = 2,
			.local_on = TODAY, .as_of_on = TODAY, .before_on = cases[i].before_on, .findings = f,
			.n_findings = cases[i].n };
		struct digest d;

		digest_compose(&in, arena, &d);
		assert_string_equal(d.since, cases[i].since);
	}
}

static void without_any_revenue_nothing_is_drawn_but_the_reason(void **state)
{
	static const struct digest_nrr none = { .title = "Recurring revenue", .ratios = "insufficient history",
		.steps = { { .what = "start", .amount = "EUR 0" }, { .what = "new", .amount = "EUR 0" },
		           { .what = "expansion", .amount = "EUR 0" }, { .what = "reactivation", .amount = "EUR 0" },
		           { .what = "contraction", .amount = "EUR 0" }, { .what = "churn", .amount = "EUR 0" },
		           { .what = "end", .amount = "EUR 0" } } };
	static const char *const formats[] = { "text", "html", "slack" };
	struct digest_input in = { .org = "o", .owner_email = "m@b.example", .kind = "manager", .local_on = TODAY,
		.as_of_on = TODAY, .before_on = DAY_NONE, .nrr = &none };
	struct render_to to = { .message_key = "k" };
	struct rendered out;
	struct digest d;

	(void)state;
	digest_compose(&in, arena, &d);
	assert_string_equal(d.since, "This is your first digest.");
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		ASSERT_OK(renderer_of(formats[i])->render(&d, &to, arena, &out, &err));
		assert_non_null(strstr(out.parts[0].body, "insufficient history"));
		assert_null(strstr(out.parts[0].body, "churn"));
	}
}

static void evidence_beyond_what_is_shown_is_counted_and_owners_have_names(void **state)
{
	static const struct digest_person people[] = { { "ANNA@b.example", "Anna Lind" } };
	struct digest_finding f = finding(1, 1, 1);
	struct digest_input in = { .org = "o", .owner_email = "m@b.example", .kind = "manager", .capacity = 2,
		.local_on = TODAY, .as_of_on = TODAY, .before_on = TODAY - 1, .findings = &f, .n_findings = 1, .people = people,
		.n_people = 1 };
	struct render_to to = { .message_key = "k" };
	struct rendered out;
	struct digest d;

	(void)state;
	f.is_new = true;
	f.f.owner_email = "anna@b.example";
	f.f.evidence = "[\"one\",\"two\",\"It is so.\",\"three\",\"four\",\"five\",\"six\",\"seven\"]";
	digest_compose(&in, arena, &d);
	ASSERT_INT(d.sections[0].items[0].n_evidence, 5);
	ASSERT_INT(d.sections[0].items[0].n_more_evidence, 2);
	assert_string_equal(d.sections[0].items[0].whose, "With Anna Lind");
	ASSERT_OK(renderer_of("text")->render(&d, &to, arena, &out, &err));
	assert_non_null(strstr(out.parts[0].body, "- Three\n    - and 4 more signs\n"));
	f.is_new = false; /* it was told before: in short now */
	digest_compose(&in, arena, &d);
	ASSERT_OK(renderer_of("text")->render(&d, &to, arena, &out, &err));
	assert_null(strstr(out.parts[0].body, "One"));
	assert_non_null(strstr(out.parts[0].body, "It is so."));
}

static void approve(const char *path, const void *data, size_t len)
{
	char have[200000];
	FILE *file;
	size_t n;

	if (getenv("RETAIND_APPROVE")) {
		file = fopen(path, "wb");
		assert_non_null(file);
		assert_true(fwrite(data, 1, len, file) == len);
		(void)fclose(file);
		return;
	}
	file = fopen(path, "rb");
	if (!file)
		fail_msg("%s is missing: RETAIND_APPROVE=1 writes it, then review it", path);
	n = fread(have, 1, sizeof have, file);
	(void)fclose(file);
	if (n != len || memcmp(have, data, n) != 0)
		fail_msg("%s differs from what is rendered now: RETAIND_APPROVE=1 rewrites it, then review the difference",
		         path);
}

static void digests_of_the_sample_are_as_approved(void **state)
{
	static const char *const kinds[] = { "csm", "am", "manager" };
	struct render_to to = { .from = "Lumendesk <digest@lumendesk.example>", .message_key = "sample", .offset_s = 3600,
	                        .unsubscribe_url = "https://lumendesk.example/u?x=1" };
	struct db *db = sample_open();

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct digest d;

		sample_digest(db, kinds[k], k == 0 ? 3 : 5, arena, &d);
		for (const struct renderer *r = renderers; r->name; r++) {
			struct rendered out;

			ASSERT_OK(r->render(&d, &to, arena, &out, &err));
			for (size_t i = 0; i < out.n; i++)
				approve(arena_printf(arena, "tests/data/digests/%s.%s%s", kinds[k], r->name, i ? ".more" : ""),
				        out.parts[i].body, out.parts[i].len);
		}
	}
	db_close(db);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(what_changed_comes_first_then_what_stands_the_longest_first),
		CASE(of_what_stands_the_most_pressing_is_taken_though_the_longest_is_shown_first),
		CASE(growth_is_one_list_by_expected_value),
		CASE(what_comes_back_says_from_where),
		CASE(another_cause_is_told_on_the_same_finding),
		CASE(who_acknowledged_is_left_alone_until_the_day_to_act_by_and_a_week_at_least),
		CASE(what_was_set_aside_and_is_due_again_is_a_change_once),
		CASE(sums_in_several_currencies_have_the_same_order_each_day),
		CASE(what_is_set_aside_is_counted),
		CASE(odds_that_neither_double_nor_halve_are_no_change),
		CASE(the_list_ends_at_the_capacity_and_the_rest_is_counted_and_summed),
		CASE(an_account_with_two_causes_counts_its_value_once),
		CASE(currencies_are_never_added_together),
		CASE(what_is_not_known_is_not_zero),
		CASE(snoozed_and_dismissed_are_not_told_acknowledged_only_when_worse),
		CASE(what_ended_is_news_and_takes_no_capacity),
		CASE(the_order_of_rows_does_not_matter),
		CASE(only_a_delivered_digest_counts_as_the_last_one),
		CASE(a_first_digest_calls_everything_new_and_reports_no_endings),
		CASE(an_account_that_is_defended_is_in_no_expansion_list),
		CASE(a_finding_opened_later_on_the_day_of_the_last_digest_is_new),
		CASE(a_digest_is_kept_with_its_messages_once_and_never_in_part),
		CASE(a_quiet_day_says_so),
		CASE(a_missed_slot_is_told_and_is_no_quiet_day),
		CASE(only_harmless_https_links_are_kept),
		CASE(a_key_in_a_link_is_percent_encoded),
		CASE(the_headline_area_says_what_changed_since_when),
		CASE(without_any_revenue_nothing_is_drawn_but_the_reason),
		CASE(evidence_beyond_what_is_shown_is_counted_and_owners_have_names),
		CASE(digests_of_the_sample_are_as_approved),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}

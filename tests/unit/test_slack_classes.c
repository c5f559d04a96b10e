/* What each of Slack's answers means for the message and for its sink. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/deliver/channel.h"
#include "common/clock.h"

enum { NOW = 1773300000 };

static struct verdict verdict(int status, const char *body, const char *retry_after)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct http_header header = { "retry-after", retry_after };
	struct http_response r = { .status = status, .body = body, .body_len = strlen(body), .headers = &header,
	                           .n_headers = retry_after != NULL };

	return slack_verdict(&r, a, NOW);
}

static const struct {
	const char *name;
	enum delivery_outcome outcome;
	bool disables, holds;
} cases[] = {
	{ "internal_error", DELIVERY_AMBIGUOUS, false, false },
	{ "fatal_error", DELIVERY_AMBIGUOUS, false, false },
	{ "service_unavailable", DELIVERY_RETRY, false, false },
	{ "request_timeout", DELIVERY_RETRY, false, false },
	{ "rollup_error", DELIVERY_RETRY, false, false },
	{ "team_added_to_org", DELIVERY_RETRY, false, false },
	{ "org_login_required", DELIVERY_RETRY, false, false },
	{ "ratelimited", DELIVERY_RETRY, false, true },
	{ "rate_limited", DELIVERY_RETRY, false, true },
	{ "message_limit_exceeded", DELIVERY_RETRY, false, true },
	{ "invalid_blocks", DELIVERY_REFUSED, false, false },
	{ "invalid_blocks_format", DELIVERY_REFUSED, false, false },
	{ "msg_blocks_too_long", DELIVERY_REFUSED, false, false },
	{ "msg_too_long", DELIVERY_REFUSED, false, false },
	{ "no_text", DELIVERY_REFUSED, false, false },
	{ "invalid_payload", DELIVERY_REFUSED, false, false },
	{ "too_many_attachments", DELIVERY_REFUSED, false, false },
	{ "metadata_too_large", DELIVERY_REFUSED, false, false },
	{ "invalid_metadata_format", DELIVERY_REFUSED, false, false },
	{ "invalid_metadata_schema", DELIVERY_REFUSED, false, false },
	{ "channel_not_found", DELIVERY_DEAD, true, false },
	{ "channel_is_archived", DELIVERY_DEAD, true, false },
	{ "is_archived", DELIVERY_DEAD, true, false },
	{ "no_service", DELIVERY_DEAD, true, false },
	{ "no_service_id", DELIVERY_DEAD, true, false },
	{ "no_active_hooks", DELIVERY_DEAD, true, false },
	{ "no_team", DELIVERY_DEAD, true, false },
	{ "team_disabled", DELIVERY_DEAD, true, false },
	{ "user_not_found", DELIVERY_DEAD, true, false },
	{ "action_prohibited", DELIVERY_DEAD, true, false },
	{ "posting_to_general_channel_denied", DELIVERY_DEAD, true, false },
	{ "restricted_action", DELIVERY_DEAD, true, false },
	{ "restricted_action_read_only_channel", DELIVERY_DEAD, true, false },
	{ "restricted_action_thread_only_channel", DELIVERY_DEAD, true, false },
	{ "not_in_channel", DELIVERY_DEAD, true, false },
	{ "messages_tab_disabled", DELIVERY_DEAD, true, false },
	{ "invalid_auth", DELIVERY_DEAD, true, false },
	{ "invalid_token", DELIVERY_DEAD, true, false },
	{ "token_revoked", DELIVERY_DEAD, true, false },
	{ "token_expired", DELIVERY_DEAD, true, false },
	{ "account_inactive", DELIVERY_DEAD, true, false },
	{ "missing_scope", DELIVERY_DEAD, true, false },
	{ "ekm_access_denied", DELIVERY_DEAD, true, false },
	{ "never_heard_of", DELIVERY_DEAD, false, false },
};

static void every_error_is_in_its_class_as_plain_text_and_as_json(void **state)
{
	static const int statuses[] = { 400, 403, 404 };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *json = arena_printf(a, "{\"ok\":false,\"error\":\"%s\"}", cases[i].name);

		for (size_t k = 0; k < ARRAY_LEN(statuses) + 1; k++) {
			bool is_json = k == ARRAY_LEN(statuses);
			struct verdict v = verdict(is_json ? 200 : statuses[k], is_json ? json : cases[i].name, NULL);

			if (v.outcome != cases[i].outcome || v.disables_sink != cases[i].disables || v.holds_sink != cases[i].holds)
				fail_msg("%s: outcome %u, disables %d, holds %d", cases[i].name, v.outcome, v.disables_sink,
				         v.holds_sink);
			assert_string_equal(v.detail, cases[i].name);
		}
	}
}

static void only_the_body_ok_is_success(void **state)
{
	(void)state;
	ASSERT_INT(verdict(200, "ok", NULL).outcome, DELIVERY_SENT);
	ASSERT_INT(verdict(200, "ok\n", NULL).outcome, DELIVERY_SENT);
	ASSERT_INT(verdict(200, "<html>please log in</html>", NULL).outcome, DELIVERY_AMBIGUOUS);
	ASSERT_INT(verdict(200, "", NULL).outcome, DELIVERY_AMBIGUOUS);
	ASSERT_INT(verdict(200, "okay", NULL).outcome, DELIVERY_AMBIGUOUS);
	ASSERT_INT(verdict(404, "ok", NULL).outcome, DELIVERY_DEAD);
}

static void a_429_is_never_final_whatever_it_says(void **state)
{
	static const char *const bodies[] = { "", "ratelimited", "no_service",
		                                  "{\"ok\":false,\"error\":\"token_revoked\"}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct verdict v = verdict(429, bodies[i], "7");

		ASSERT_INT(v.outcome, DELIVERY_RETRY);
		assert_true(v.holds_sink);
		assert_false(v.disables_sink);
		ASSERT_INT(v.wait_s, 7);
	}
}

static void absurd_retry_after_values_leave_the_schedule_to_decide(void **state)
{
	static const char *const absurd[] = { "-1", "abc", "", "7.5.1", "7, 8", "0x10", "1e9", "99999999999999999999",
		"Mon, 99 Foo 2026 00:00:00 GMT",
		NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(absurd); i++)
		ASSERT_INT(verdict(429, "ratelimited", absurd[i]).wait_s, -1);
	assert_true(verdict(429, "ratelimited", "1000000000").wait_s <= 3600);
	ASSERT_INT(verdict(400, "message_limit_exceeded", NULL).wait_s, 3600);
}

static void a_retry_after_date_counts_from_now_and_never_more_than_an_hour(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	static const struct {
		int64_t ahead_s, wait_s;
	} dates[] = { { 90, 90 }, { 1, 1 }, { 0, 0 }, { -86400, 0 }, { 3600, 3600 }, { 86400, 3600 },
	              { 250000000000, 3600 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		int year, month, day;
		int64_t at = NOW + dates[i].ahead_s, second = at % 86400;
		static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
			"Nov", "Dec" };
		static const char *const weekdays[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

		day_split((int32_t)(at / 86400), &year, &month, &day);
		ASSERT_INT(verdict(429, "ratelimited",
		                   arena_printf(a, "%s, %02d %s %04d %02d:%02d:%02d GMT",
		                                weekdays[day_weekday((int32_t)(at / 86400))], day, months[month - 1], year,
		                                (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60))).wait_s,
		           dates[i].wait_s);
	}
}

static void an_answer_that_is_no_error_name_is_never_repeated(void **state)
{
	static const char *const bodies[] = {
		"{\"ok\":false,\"error\":\"no route for /services/T000/B000/secret\"}",
		"{\"error\":\"a_name_of_more_than_sixty_four_letters_is_no_name_but_a_text_that_lets_us_talk\"}",
		"/services/T000/B000/secret not found", "{\"ok\":false,\"error\":17}", "{\"error\":\"\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct verdict v = verdict(404, bodies[i], NULL);

		ASSERT_INT(v.outcome, DELIVERY_DEAD);
		assert_string_equal(v.detail, "HTTP 404");
	}
}

static void what_is_not_slacks_is_judged_by_its_status(void **state)
{
	(void)state;
	ASSERT_INT(verdict(500, "oops", NULL).outcome, DELIVERY_RETRY);
	ASSERT_INT(verdict(503, "<html>", NULL).outcome, DELIVERY_RETRY);
	ASSERT_INT(verdict(504, "<html>", NULL).outcome, DELIVERY_AMBIGUOUS);
	ASSERT_INT(verdict(408, "", NULL).outcome, DELIVERY_RETRY);
	ASSERT_INT(verdict(302, "", NULL).outcome, DELIVERY_RETRY);
	ASSERT_INT(verdict(410, "", NULL).outcome, DELIVERY_DEAD);
	assert_true(verdict(410, "", NULL).disables_sink);
	ASSERT_INT(verdict(404, "<html>", NULL).outcome, DELIVERY_DEAD);
	assert_false(verdict(404, "<html>", NULL).disables_sink);
	ASSERT_INT(verdict(500, "internal_error: try again", NULL).outcome, DELIVERY_AMBIGUOUS);
	ASSERT_INT(verdict(200, "{\"ok\":false", NULL).outcome, DELIVERY_AMBIGUOUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_is_in_its_class_as_plain_text_and_as_json),
		cmocka_unit_test(only_the_body_ok_is_success),
		cmocka_unit_test(a_429_is_never_final_whatever_it_says),
		cmocka_unit_test(absurd_retry_after_values_leave_the_schedule_to_decide),
		cmocka_unit_test(a_retry_after_date_counts_from_now_and_never_more_than_an_hour),
		cmocka_unit_test(an_answer_that_is_no_error_name_is_never_repeated),
		cmocka_unit_test(what_is_not_slacks_is_judged_by_its_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

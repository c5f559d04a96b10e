/* What each of the Web API's answers means for the message, its recipient and its sink, and how many calls it takes. */
#include "cmocka_shim.h"

#include <stdio.h>
#include <string.h>

#include "../../src/deliver/channel.h"
#include "common/text.h"

enum { NOW = 1773300000, MAX_CALLS = 16 };

/* Slack, as far as a test says: an answer to each post in turn, the last one for all that follow; success elsewhere. */
struct slack {
	const char *const *posts;
	size_t n_posts, n_posted, n_calls;
	char calls[MAX_CALLS][64];
};

static struct arena *arena;

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

static const char *answer_to(struct slack *s, const char *method)
{
	size_t place = s->n_posted < s->n_posts ? s->n_posted : s->n_posts - 1;

	if (strcmp(method, "users.lookupByEmail") == 0)
		return "{\"ok\":true,\"user\":{\"id\":\"U1\"}}";
	if (strcmp(method, "conversations.open") == 0)
		return "{\"ok\":true,\"channel\":{\"id\":\"D2\"}}";
	if (strcmp(method, "chat.postMessage") != 0)
		return "{\"ok\":true,\"messages\":[]}";
	s->n_posted++;
	return s->posts[place];
}

static int transport(void *context, struct arena *a, const struct http_request *request, struct http_response *out,
                     bool *out_was_sent, struct err *err)
{
	struct slack *s = context;
	const char *method = strrchr(request->url, '/') + 1, *answer = answer_to(s, method);

	(void)a;
	(void)err;
	assert_true(text_starts(request->url, "https://slack.com/api/") && s->n_calls < MAX_CALLS);
	(void)snprintf(s->calls[s->n_calls++], sizeof s->calls[0], "%s", method);
	*out_was_sent = true;
	*out = (struct http_response){ .status = 200, .body = answer, .body_len = strlen(answer) };
	return 0;
}

static int secret(struct arena *a, const char *reference, const char **out, struct err *err)
{
	(void)a;
	(void)err;
	assert_string_equal(reference, "env:TOKEN");
	*out = "xoxb-1-2";
	return 0;
}

static struct verdict send_to(struct slack *s, const char *channel, struct outbox_message *m)
{
	const struct channel_settings c = { .name = "dm", .kind = CHANNEL_SLACK_API, .token = "env:TOKEN",
	                                    .channel = channel };
	CLEANUP(http_freep) struct http *http = http_new_fake(transport, s);
	const struct channel_job job = { .channel = &c, .message = m, .secret = secret, .now = NOW, .http = http };
	struct verdict v;

	m->delivery_key = "0123456789abcdef";
	m->recipient = "ann@acme.example";
	m->body = "{\"text\":\"x\"}";
	m->body_len = strlen(m->body);
	slack_api_channel.send(&job, arena, &v);
	return v;
}

static const char *failure(const char *name)
{
	return arena_printf(arena, "{\"ok\":false,\"error\":\"%s\"}", name);
}

/* Of reliability.md 1.3 and of Slack's pages on chat.postMessage: what becomes of the message. */
static const struct {
	enum delivery_outcome outcome;
	bool disables, holds;
	const char *names[24];
} classes[] = {
	{ DELIVERY_AMBIGUOUS, false, false, { "internal_error", "fatal_error" } },
	{ DELIVERY_RETRY, false, false, { "service_unavailable", "request_timeout", "rollup_error", "team_added_to_org",
	                                  "org_login_required", "external_channel_migrating" } },
	{ DELIVERY_RETRY, false, true, { "ratelimited", "rate_limited", "message_limit_exceeded" } },
	{ DELIVERY_REFUSED, false, false, { "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long",
	                                    "msg_too_long", "no_text", "invalid_payload", "invalid_json",
	                                    "too_many_attachments", "metadata_too_large", "invalid_metadata_format",
	                                    "invalid_metadata_schema", "attachment_payload_limit_exceeded" } },
	{ DELIVERY_DEAD, true, false, { "no_service", "no_service_id", "no_active_hooks", "no_team", "team_disabled",
	                                "action_prohibited", "posting_to_general_channel_denied", "restricted_action",
	                                "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
	                                "messages_tab_disabled", "not_authed", "invalid_auth", "invalid_token",
	                                "token_revoked", "token_expired", "account_inactive", "missing_scope",
	                                "not_allowed_token_type", "no_permission", "access_denied", "ekm_access_denied",
	                                "team_access_not_granted" } },
	{ DELIVERY_DEAD, false, false, { "never_heard_of", "cannot_reply_to_message", "invalid_arguments" } },
};

static void every_error_has_its_class_and_takes_one_post(void **state)
{
	static const char *const channels[] = { NULL, "C024BE91L" };
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		for (const char *const *name = classes[i].names; *name; name++, n++) {
			for (size_t k = 0; k < ARRAY_LEN(channels); k++) {
				const char *answer = failure(*name);
				struct slack s = { .posts = &answer, .n_posts = 1 };
				struct outbox_message m = { .part = 1, .address = "D1" };
				struct verdict v = send_to(&s, channels[k], &m);

				if (v.outcome != classes[i].outcome || v.disables_sink != classes[i].disables ||
				    v.holds_sink != classes[i].holds || s.n_calls != 1)
					fail_msg("%s: outcome %d, %zu calls", *name, (int)v.outcome, s.n_calls);
				assert_string_equal(v.detail, *name);
				assert_true(!*v.address && !v.forgets_address);
			}
		}
	}
	assert_true(n >= 48);
}

static const char *const nobody[] = { "channel_not_found", "channel_is_archived", "is_archived", "user_not_found",
	"users_not_found", "user_not_visible", "user_disabled", "cannot_dm_bot", "not_in_channel" };

static void whom_slack_no_longer_knows_by_that_name_is_found_again_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nobody); i++) {
		const char *answers[] = { failure(nobody[i]), "{\"ok\":true,\"channel\":\"D2\",\"ts\":\"1.000002\"}" };
		struct slack s = { .posts = answers, .n_posts = 2 }, still = { .posts = answers, .n_posts = 1 };
		struct outbox_message m = { .part = 1, .address = "D1" };
		struct verdict v = send_to(&s, NULL, &m);

		ASSERT_INT(v.outcome, DELIVERY_SENT);
		ASSERT_INT(s.n_calls, 4);
		assert_string_equal(s.calls[1], "users.lookupByEmail");
		assert_string_equal(v.address, "D2");
		assert_string_equal(v.provider_ref, "D2/1.000002");
		v = send_to(&still, NULL, &m);
		ASSERT_INT(v.outcome, DELIVERY_DEAD);
		assert_false(v.disables_sink); /* the others are there */
		ASSERT_INT(still.n_calls, 4);
	}
}

static void a_fixed_channel_that_is_gone_is_the_end_of_the_sink(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nobody); i++) {
		const char *answer = failure(nobody[i]);
		struct slack s = { .posts = &answer, .n_posts = 1 };
		struct outbox_message m = { .part = 1, .address = "D1" };
		struct verdict v = send_to(&s, "C024BE91L", &m);

		ASSERT_INT(v.outcome, DELIVERY_DEAD);
		assert_true(v.disables_sink);
		ASSERT_INT(s.n_calls, 1);
	}
}

static void a_success_without_a_name_that_looks_like_slacks_is_in_doubt(void **state)
{
	static const char *const answers[] = { "{\"ok\":true}", "{\"ok\":true,\"ts\":7}", "{\"ok\":true,\"ts\":\"\"}",
		"{\"ok\":true,\"ts\":\"1.2<b>\"}", "{\"ok\":1,\"ts\":\"1.2\"}", "ok", "", "{" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct slack s = { .posts = &answers[i], .n_posts = 1 };
		struct outbox_message m = { .part = 1, .address = "D1" };
		struct verdict v = send_to(&s, NULL, &m);

		if (v.outcome != DELIVERY_AMBIGUOUS)
			fail_msg("%s: %d", answers[i], (int)v.outcome);
		assert_string_equal(v.provider_ref, "");
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(every_error_has_its_class_and_takes_one_post),
		CASE(whom_slack_no_longer_knows_by_that_name_is_found_again_once),
		CASE(a_fixed_channel_that_is_gone_is_the_end_of_the_sink),
		CASE(a_success_without_a_name_that_looks_like_slacks_is_in_doubt),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}

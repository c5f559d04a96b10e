/* The channels to Teams, Google Chat and Discord: what is asked, what an answer means, what is never sent. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/deliver/chat.h"

enum { NOW = 1772434800 };

static struct err err;

/* The service: answers as told and keeps what came. */
struct service {
	int status;
	const char *body, *retry_after;
	bool drops;
	int n;
	char url[512], sent[64 << 10];
};

static int answer(void *context, struct arena *a, const struct http_request *req, struct http_response *out,
                  bool *out_was_sent, struct err *e)
{
	struct service *s = context;
	struct http_header *headers = arena_array(a, 1, sizeof *headers);

	s->n++;
	snprintf(s->url, sizeof s->url, "%s", req->url);
	snprintf(s->sent, sizeof s->sent, "%.*s", (int)req->body_len, (const char *)req->body);
	*out_was_sent = s->drops;
	if (s->drops)
		return err_set(e, ERR_RETRY, "dropped");
	headers[0] = (struct http_header){ "retry-after", s->retry_after };
	*out = (struct http_response){ .status = s->status, .body = s->body ? s->body : "",
		.body_len = s->body ? strlen(s->body) : 0, .headers = headers, .n_headers = s->retry_after ? 1 : 0 };
	return 0;
}

static int secret_of(struct arena *a, const char *reference, const char **out, struct err *e)
{
	if (strcmp(reference, "env:NONE") == 0)
		return err_set(e, ERR_CONFIG, "env:NONE is not set");
	*out = arena_strdup(a, strcmp(reference, "env:PLAIN") == 0 ? "https://chat.example/hook" :
	                                                             "https://chat.example/hook?key=k");
	return 0;
}

#define CARD(elements) \
	"{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.microsoft.card.adaptive\"," \
	"\"content\":{\"type\":\"AdaptiveCard\",\"version\":\"1.5\",\"body\":" elements "}}]}"

static const char teams_body[] = CARD("[{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":"
                                      "\"x\"}]}]");
static const char google_body[] = "{\"thread\":{\"threadKey\":\"t\"},\"text\":\"x\"}";
static const char discord_body[] = "{\"content\":\"x\",\"allowed_mentions\":{\"parse\":[]}}";

static const char *body_of(int kind)
{
	return kind == CHANNEL_TEAMS ? teams_body : kind == CHANNEL_GOOGLE_CHAT ? google_body : discord_body;
}

static struct verdict post(struct service *s, int kind, const char *url, const char *body)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(http_freep) struct http *http = http_new_fake(answer, s);
	const struct channel_settings channel = { .name = "chat", .kind = kind, .url = url };
	const struct outbox_message m = { .body = body, .body_len = strlen(body),
		.delivery_key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" };
	const struct channel_job job = { .channel = &channel, .message = &m, .secret = secret_of, .now = NOW,
		                             .http = http };
	struct verdict v;

	channel_types[kind]->send(&job, a, &v);
	return v;
}

static const struct row {
	int kind, status;
	const char *body;
	enum delivery_outcome outcome;
	bool disables, holds;
	const char *detail;
} rows[] = {
	{ CHANNEL_TEAMS, 202, "", DELIVERY_UNVERIFIED, false, false, "" },
	{ CHANNEL_TEAMS, 200, "1", DELIVERY_UNVERIFIED, false, false, "" },
	{ CHANNEL_TEAMS, 200,
	  "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 "
	  "with ContextId x", DELIVERY_RETRY, false, true, "HTTP 429 within the answer" },
	{ CHANNEL_TEAMS, 400, "{\"error\":{\"code\":\"TriggerInputSchemaMismatch\",\"message\":\"m\"}}", DELIVERY_REFUSED,
	  false, false, "TriggerInputSchemaMismatch" },
	{ CHANNEL_TEAMS, 400, "{\"error\":{\"code\":\"WorkflowTriggerIsNotEnabled\"}}", DELIVERY_DEAD, true, false,
	  "WorkflowTriggerIsNotEnabled" },
	{ CHANNEL_TEAMS, 401, "{\"error\":{\"code\":\"DirectApiAuthorizationRequired\"}}", DELIVERY_DEAD, true, false,
	  "DirectApiAuthorizationRequired" },
	{ CHANNEL_TEAMS, 404, "{\"error\":{\"code\":\"WorkflowNotFound\"}}", DELIVERY_DEAD, true, false,
	  "WorkflowNotFound" },
	{ CHANNEL_TEAMS, 413, "", DELIVERY_REFUSED, false, false, "HTTP 413" },
	{ CHANNEL_TEAMS, 429, "", DELIVERY_RETRY, false, true, "HTTP 429" },
	{ CHANNEL_TEAMS, 500, "", DELIVERY_RETRY, false, false, "HTTP 500" },
	{ CHANNEL_TEAMS, 502, "", DELIVERY_AMBIGUOUS, false, false, "HTTP 502" },
	{ CHANNEL_TEAMS, 504, "", DELIVERY_AMBIGUOUS, false, false, "HTTP 504" },
	{ CHANNEL_TEAMS, 302, "", DELIVERY_RETRY, false, false, "HTTP 302" },
	{ CHANNEL_GOOGLE_CHAT, 200, "{\"name\":\"spaces/A/messages/B\"}", DELIVERY_SENT, false, false, "" },
	{ CHANNEL_GOOGLE_CHAT, 200, "ok", DELIVERY_AMBIGUOUS, false, false, "the answer names no message" },
	{ CHANNEL_GOOGLE_CHAT, 200, "{\"name\":\"x\"}", DELIVERY_AMBIGUOUS, false, false, "the answer names no message" },
	{ CHANNEL_GOOGLE_CHAT, 409, "{\"error\":{\"code\":409,\"status\":\"ABORTED\"}}", DELIVERY_RETRY, false, false,
	  "ABORTED" },
	{ CHANNEL_GOOGLE_CHAT, 400, "{\"error\":{\"status\":\"INVALID_ARGUMENT\"}}", DELIVERY_REFUSED, false, false,
	  "INVALID_ARGUMENT" },
	{ CHANNEL_GOOGLE_CHAT, 403, "{\"error\":{\"status\":\"PERMISSION_DENIED\"}}", DELIVERY_DEAD, true, false,
	  "PERMISSION_DENIED" },
	{ CHANNEL_GOOGLE_CHAT, 404, "{\"error\":{\"status\":\"NOT_FOUND\"}}", DELIVERY_DEAD, true, false, "NOT_FOUND" },
	{ CHANNEL_GOOGLE_CHAT, 429, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}", DELIVERY_RETRY, false, true,
	  "RESOURCE_EXHAUSTED" },
	{ CHANNEL_GOOGLE_CHAT, 503, "{\"error\":{\"status\":\"UNAVAILABLE\"}}", DELIVERY_RETRY, false, false,
	  "UNAVAILABLE" },
	{ CHANNEL_DISCORD, 200, "{\"id\":\"1234567890\",\"content\":\"x\"}", DELIVERY_SENT, false, false, "" },
	{ CHANNEL_DISCORD, 204, "", DELIVERY_AMBIGUOUS, false, false, "the answer names no message" },
	{ CHANNEL_DISCORD, 400, "{\"message\":\"Invalid Form Body\",\"code\":50035}", DELIVERY_REFUSED, false, false,
	  "HTTP 400, code 50035" },
	{ CHANNEL_DISCORD, 401, "{\"message\":\"Invalid Webhook Token\",\"code\":50027}", DELIVERY_DEAD, true, false,
	  "HTTP 401, code 50027" },
	{ CHANNEL_DISCORD, 404, "{\"message\":\"Unknown Webhook\",\"code\":10015}", DELIVERY_DEAD, true, false,
	  "HTTP 404, code 10015" },
	{ CHANNEL_DISCORD, 429, "{\"retry_after\":0.376,\"global\":false}", DELIVERY_RETRY, false, true, "HTTP 429" },
	{ CHANNEL_DISCORD, 500, "", DELIVERY_RETRY, false, false, "HTTP 500" },
	{ CHANNEL_DISCORD, 504, "", DELIVERY_AMBIGUOUS, false, false, "HTTP 504" },
	{ CHANNEL_DISCORD, 524, "error code: 524", DELIVERY_AMBIGUOUS, false, false, "HTTP 524" },
	/* what a stranger's server repeats of our address goes into no log */
	{ CHANNEL_TEAMS, 500, "{\"error\":{\"code\":\"https://chat.example/hook?key=k\"}}", DELIVERY_RETRY, false, false,
	  "HTTP 500" },
};

static void each_answer_has_its_meaning_after_one_request(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct service s = { .status = rows[i].status, .body = rows[i].body };
		struct verdict v = post(&s, rows[i].kind, "env:URL", body_of(rows[i].kind));

		if (v.outcome != rows[i].outcome || v.disables_sink != rows[i].disables || v.holds_sink != rows[i].holds ||
		    strcmp(v.detail, rows[i].detail) != 0 || s.n != 1)
			fail_msg("row %zu: outcome %d, off %d, held %d, %s, %d requests", i, (int)v.outcome, v.disables_sink,
			         v.holds_sink, v.detail, s.n);
	}
}

static void a_fraction_of_a_second_is_waited_whole_and_an_absurd_wait_is_none(void **state)
{
	static const struct {
		const char *body, *header;
		int64_t wait_s;
	} waits[] = {
		{ "{\"retry_after\":0.376}", NULL, 1 },  { "{\"retry_after\":0.376}", "1", 1 }, { "{\"retry_after\":2}", "1",
		  2 },
		{ "{\"retry_after\":12.001}", "5", 13 }, { "{\"retry_after\":-1}", NULL, -1 },  { "{\"retry_after\":\"x\"}",
		  NULL, -1 },
		{ "{\"retry_after\":1e300}", NULL, -1 }, { "{\"retry_after\":5000}", NULL, 3600 }, { "", "7", 7 },
		{ "error code: 1015", NULL, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		struct service s = { .status = 429, .body = waits[i].body, .retry_after = waits[i].header };
		struct verdict v = post(&s, CHANNEL_DISCORD, "env:URL", discord_body);

		ASSERT_INT(v.wait_s, waits[i].wait_s);
		ASSERT_INT(v.outcome, DELIVERY_RETRY);
	}
}

static void a_message_of_google_chat_has_a_request_id_that_stays(void **state)
{
	struct service first = { .status = 500 }, second = { .status = 200, .body = "{\"name\":\"spaces/A/messages/B\"}" };

	(void)state;
	(void)post(&first, CHANNEL_GOOGLE_CHAT, "env:URL", google_body);
	assert_string_equal(post(&second, CHANNEL_GOOGLE_CHAT, "env:URL", google_body).provider_ref, "spaces/A/messages/B");
	assert_string_equal(first.url, second.url);
	assert_string_equal(first.url, "https://chat.example/hook?key=k"
	                    "&requestId=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	                    "&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
	assert_true(channel_types[CHANNEL_GOOGLE_CHAT]->is_repeatable);
	assert_false(channel_types[CHANNEL_TEAMS]->is_repeatable || channel_types[CHANNEL_DISCORD]->is_repeatable);
}

static void discord_is_asked_to_wait(void **state)
{
	struct service s = { .status = 200, .body = "{\"id\":\"1\"}" };

	(void)state;
	(void)post(&s, CHANNEL_DISCORD, "env:PLAIN", discord_body);
	assert_string_equal(s.url, "https://chat.example/hook?wait=true");
	(void)post(&s, CHANNEL_DISCORD, "env:URL", discord_body);
	assert_string_equal(s.url, "https://chat.example/hook?key=k&wait=true");
}

static void a_lost_answer_is_ambiguous_and_a_missing_secret_sends_nothing(void **state)
{
	static const int kinds[] = { CHANNEL_TEAMS, CHANNEL_GOOGLE_CHAT, CHANNEL_DISCORD };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct service lost = { .drops = true }, none = { .status = 200 };

		ASSERT_INT(post(&lost, kinds[i], "env:URL", body_of(kinds[i])).outcome, DELIVERY_AMBIGUOUS);
		ASSERT_INT(post(&none, kinds[i], "env:NONE", body_of(kinds[i])).outcome, DELIVERY_RETRY);
		ASSERT_INT(none.n, 0);
	}
}

static void what_breaks_a_rule_is_refused_without_a_byte_sent(void **state)
{
	static const struct {
		int kind;
		const char *body, *detail;
	} flaws[] = {
		{ CHANNEL_TEAMS, "", "not sent: is no JSON" },
		{ CHANNEL_TEAMS, "[]", "not sent: of no known type" },
		{ CHANNEL_TEAMS, "{\"text\":\"x\"}", "not sent: type: is missing" },
		{ CHANNEL_TEAMS, "{\"type\":\"message\"}", "not sent: attachments: is missing" },
		{ CHANNEL_TEAMS, "{\"type\":\"message\",\"attachments\":[{\"contentType\":\"x\",\"content\":{}}]}",
		  "not sent: attachments[0].contentType: a value that is not known" },
		{ CHANNEL_TEAMS, CARD("[],\"msteams\":{\"entities\":[]}"),
		  "not sent: attachments[0].content.msteams.width: is missing" },
		{ CHANNEL_TEAMS, CARD("[{\"type\":\"TextBlock\",\"text\":\"x\"}]"),
		  "not sent: attachments[0].content.body[0]: of no known type" },
		{ CHANNEL_TEAMS, CARD("[{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"\"}]}]"),
		  "not sent: attachments[0].content.body[0].inlines[0].text: of 1 to 4000 characters" },
		{ CHANNEL_GOOGLE_CHAT, "{}", "not sent: neither or both of text and a card" },
		{ CHANNEL_GOOGLE_CHAT, "{\"text\":\"x\",\"cards\":[]}", "not sent: cards: is not known" },
		{ CHANNEL_GOOGLE_CHAT, "{\"cardsV2\":[{\"cardId\":\"d\",\"card\":{\"sections\":[{\"widgets\":[]}]}}]}",
		  "not sent: a section without widgets" },
		{ CHANNEL_GOOGLE_CHAT, "{\"cardsV2\":[{\"cardId\":\"d\",\"card\":{\"sections\":[{\"widgets\":[{}]}]}}]}",
		  "not sent: a widget that is not of one kind" },
		{ CHANNEL_DISCORD, "{\"content\":\"x\"}", "not sent: allowed_mentions: is missing" },
		{ CHANNEL_DISCORD, "{\"content\":\"x\",\"allowed_mentions\":{\"parse\":[\"everyone\"]}}",
		  "not sent: allowed_mentions.parse: is not empty" },
		{ CHANNEL_DISCORD, "{\"content\":5,\"allowed_mentions\":{\"parse\":[]}}",
		  "not sent: content: of another type" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flaws); i++) {
		struct service s = { .status = 200 };
		struct verdict v = post(&s, flaws[i].kind, "env:URL", flaws[i].body);

		ASSERT_INT(v.outcome, DELIVERY_REFUSED);
		assert_string_equal(v.detail, flaws[i].detail);
		ASSERT_INT(s.n, 0);
	}
}

static void a_limit_counts_what_the_service_counts(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	static const struct {
		size_t n;
		const char *with;
		bool fits;
	} sizes[] = { { 2000, "x", true }, { 2001, "x", false }, { 1000, "\xf0\x9f\x98\x80", true },
		{ 1001, "\xf0\x9f\x98\x80", false }, { 2000, "\xe6\x97\xa5", true } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct service s = { .status = 200, .body = "{\"id\":\"1\"}" };
		CLEANUP(buf_done) struct buf b;

		buf_init(&b, 1 << 20);
		buf_text(&b, "{\"content\":\"");
		for (size_t k = 0; k < sizes[i].n; k++)
			buf_text(&b, sizes[i].with);
		buf_text(&b, "\",\"allowed_mentions\":{\"parse\":[]}}");
		ASSERT_INT(post(&s, CHANNEL_DISCORD, "env:URL", arena_strdup(a, b.at)).outcome,
		           sizes[i].fits ? DELIVERY_SENT : DELIVERY_REFUSED);
	}
}

static void a_notice_has_the_shape_of_its_chat_and_no_markup(void **state)
{
	static const struct {
		int kind;
		const struct chat_rules *rules;
		const char *path, *shown;
	} chats[] = {
		{ CHANNEL_TEAMS, &teams_rules, "attachments[0].content.body[1].inlines[0].text", "<!channel> *a* @everyone" },
		{ CHANNEL_GOOGLE_CHAT, &google_chat_rules, "text", "Delivery 7 failed\n!channel a @everyone" },
		{ CHANNEL_DISCORD, &discord_rules, "content",
		  "Delivery \\<7\\> failed\n\\<!channel\\> \\*a\\* \\@everyone" },
	};
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char *large = arena_alloc(a, 9001);

	(void)state;
	memset(large, '*', 9000);
	large[9000] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(chats); i++) {
		const struct channel_settings c = { .name = "chat", .kind = chats[i].kind };
		struct outbox_message m;
		const struct json *j;

		ASSERT_OK(notice_message(a, &c, "Delivery <7> failed", "<!channel> *a* @everyone", NOW, &m, &err));
		ASSERT_OK(json_parse(a, m.body, m.body_len, &j, &err));
		assert_string_equal(json_text(json_at(j, chats[i].path)), chats[i].shown);
		assert_null(chat_flaw(chats[i].rules, m.body, m.body_len, a));
	}
	for (size_t i = 0; i < ARRAY_LEN(chats); i++) {
		const struct channel_settings c = { .name = "chat", .kind = chats[i].kind };
		struct outbox_message m;

		ASSERT_OK(notice_message(a, &c, "s", large, NOW, &m, &err));
		assert_null(chat_flaw(chats[i].rules, m.body, m.body_len, a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_has_its_meaning_after_one_request),
		cmocka_unit_test(a_fraction_of_a_second_is_waited_whole_and_an_absurd_wait_is_none),
		cmocka_unit_test(a_message_of_google_chat_has_a_request_id_that_stays),
		cmocka_unit_test(discord_is_asked_to_wait),
		cmocka_unit_test(a_lost_answer_is_ambiguous_and_a_missing_secret_sends_nothing),
		cmocka_unit_test(what_breaks_a_rule_is_refused_without_a_byte_sent),
		cmocka_unit_test(a_limit_counts_what_the_service_counts),
		cmocka_unit_test(a_notice_has_the_shape_of_its_chat_and_no_markup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

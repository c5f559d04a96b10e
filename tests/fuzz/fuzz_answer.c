/* What a chat answers, from whoever holds its address now. */
#include "replay.h"

#include "../../src/deliver/chat.h"
#include "common/text.h"

enum { NOW = 1772438400, HOUR_S = 3600 };

static void check_verdict(const struct verdict *v)
{
	REQUIRE(v->wait_s >= -1 && v->wait_s <= HOUR_S);
	REQUIRE(memchr(v->detail, '\0', sizeof v->detail) && utf8_is_valid(v->detail, strlen(v->detail)));
	REQUIRE(memchr(v->provider_ref, '\0', sizeof v->provider_ref));
	REQUIRE(utf8_is_valid(v->provider_ref, strlen(v->provider_ref)));
	REQUIRE(!strpbrk(v->detail, "\r\n\x1b") && !strpbrk(v->provider_ref, "\r\n\x1b"));
	/* Whoever answers may repeat our secret address. */
	REQUIRE(!strstr(v->detail, "://"));
	REQUIRE(!v->disables_sink || v->outcome == DELIVERY_DEAD);
	REQUIRE(v->status != 429 || v->outcome == DELIVERY_RETRY || v->outcome == DELIVERY_AMBIGUOUS); /* never final */
}

static int say(void *context, struct arena *a, const struct http_request *request, struct http_response *out,
               bool *out_was_sent, struct err *err)
{
	(void)a;
	(void)request;
	(void)err;
	*out = *(const struct http_response *)context;
	*out_was_sent = true;
	return 0;
}

static int secret(struct arena *a, const char *reference, const char **out, struct err *err)
{
	(void)a;
	(void)err;
	*out = reference;
	return 0;
}

/* Slack says the same to every call: to a lookup, a look at what is there, a post. */
static void check_slack_api(struct http_response *r, struct arena *a)
{
	static const struct channel_settings channel = { .name = "dm", .kind = CHANNEL_SLACK_API, .token = "xoxb" };
	static const struct outbox_message messages[] = {
		{ .part = 1 }, { .part = 1, .address = "D1" }, { .part = 1, .address = "D1", .was_ambiguous = true },
		{ .part = 2, .first_ref = "D1/1.2", .was_ambiguous = true }, { .part = 2 },
	};

	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		CLEANUP(http_freep) struct http *http = http_new_fake(say, r);
		struct outbox_message m = messages[i];
		const struct channel_job job = { .channel = &channel, .message = &m, .secret = secret, .now = NOW,
		                                 .http = http };
		struct verdict v;

		m.recipient = "ann@acme.example";
		m.delivery_key = "k";
		m.body = "{\"text\":\"x\"}";
		m.body_len = strlen(m.body);
		slack_api_channel.send(&job, a, &v);
		check_verdict(&v);
		REQUIRE(memchr(v.address, '\0', sizeof v.address));
		REQUIRE(v.outcome != DELIVERY_SENT || (r->status == 200 && *v.provider_ref));
	}
}

/* The body, under statuses that mean something else each; what is also a header's value. */
int fuzz_one(const uint8_t *data, size_t size)
{
	static const struct chat_rules *const services[] = { &teams_rules, &google_chat_rules, &discord_rules,
		&mattermost_rules };
	static const int statuses[] = { 200, 202, 302, 400, 401, 403, 404, 409, 410, 413, 418, 429, 500, 502 };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *body = arena_strndup(a, (const char *)data, size);
	const struct http_header header = { "retry-after", body };

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct http_response r = { .status = statuses[i], .body = body, .body_len = strlen(body),
			.headers = &header, .n_headers = 1 };
		struct verdict v;

		for (size_t k = 0; k < ARRAY_LEN(services); k++) {
			v = services[k]->verdict(&r, a, NOW);
			check_verdict(&v);
		}
		v = slack_verdict(&r, a, NOW);
		check_verdict(&v);
		check_slack_api(&r, a);
		for (size_t k = 0; i == 0 && k < ARRAY_LEN(services); k++) {
			const char *flaw = chat_flaw(services[k], body, strlen(body), a);

			REQUIRE(!flaw || *flaw);
		}
	}
	return 0;
}

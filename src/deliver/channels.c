#include "channel.h"

#include <stdio.h>
#include <string.h>

#include "common/attr.h"
#include "common/text.h"

enum { MAX_ANSWER = 64 << 10 };

const char *const channel_kind_names[] = {
	[CHANNEL_SLACK_WEBHOOK] = "slack_webhook", [CHANNEL_EMAIL] = "email", [CHANNEL_WEBHOOK] = "webhook",
	[CHANNEL_FILE] = "file", [CHANNEL_TEAMS] = "teams", [CHANNEL_GOOGLE_CHAT] = "google_chat",
	[CHANNEL_DISCORD] = "discord", [CHANNEL_SLACK_API] = "slack_api", [CHANNEL_MATTERMOST] = "mattermost",
	[CHANNEL_STDOUT] = "stdout", [N_CHANNEL_KINDS] = NULL
};

const struct channel_type *const channel_types[] = {
	[CHANNEL_SLACK_WEBHOOK] = &slack_webhook_channel,
	[CHANNEL_EMAIL] = &email_channel,
	[CHANNEL_WEBHOOK] = &webhook_channel,
	[CHANNEL_FILE] = &file_channel,
	[CHANNEL_TEAMS] = &teams_channel,
	[CHANNEL_GOOGLE_CHAT] = &google_chat_channel,
	[CHANNEL_DISCORD] = &discord_channel,
	[CHANNEL_SLACK_API] = &slack_api_channel,
	[CHANNEL_MATTERMOST] = &mattermost_channel,
	[CHANNEL_STDOUT] = &stdout_channel,
};
_Static_assert(ARRAY_LEN(channel_types) == N_CHANNEL_KINDS, "a kind without its row");

const struct channel_key *channel_keys(int kind)
{
	return channel_types[kind]->keys;
}

enum channel_to channel_to(int kind)
{
	return channel_types[kind]->to;
}

struct verdict verdict_of(enum delivery_outcome outcome, int status, const char *detail)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct verdict v = { .outcome = outcome, .status = status, .wait_s = -1 };
	const char *clean = text_clean(a, detail ? detail : "", sizeof v.detail - 1);
	size_t len = utf8_fit(clean, sizeof v.detail - 1);

	memcpy(v.detail, clean, len);
	return v;
}

struct verdict verdict_of_failure(bool was_sent, const struct err *err)
{
	return verdict_of(was_sent ? DELIVERY_AMBIGUOUS : DELIVERY_RETRY, 0, err->text);
}

const void *channel_body(const struct outbox_message *m, size_t *out_len)
{
	*out_len = m->uses_fallback ? m->fallback_len : m->body_len;
	return m->uses_fallback ? m->fallback : m->body;
}

int channel_url(const struct channel_job *job, struct arena *a, const char **out, struct err *err)
{
	const char *url = job->channel->url;

	if (!text_starts(url, "https://") && !text_starts(url, "http://"))
		return job->secret(a, url, out, err);
	*out = url;
	return 0;
}

struct http *channel_http(const struct channel_settings *c, size_t max_body_bytes)
{
	const struct http_options options = {
		.allows_http_loopback = c->allows_http_loopback,
		.allows_private = c->allows_private,
		.ca_file = c->ca_file,
		.user_agent = "retaind/" RETAIND_VERSION,
		.max_body_bytes = max_body_bytes,
	};

	return http_new(&options);
}

int channel_post(const struct channel_job *job, struct arena *a, const char *url, const struct http_header *headers,
                 size_t n_headers, const void *body, size_t body_len, struct http_response *out, bool *out_was_sent,
                 struct err *err)
{
	const struct http_request request = { .method = "POST", .url = url, .headers = headers, .n_headers = n_headers,
	                                      .body = body, .body_len = body_len };
	CLEANUP(http_freep) struct http *own = job->http ? NULL : channel_http(job->channel, MAX_ANSWER);
	struct http *http = job->http ? job->http : own;
	int rc = http_send(http, a, &request, out, err);

	*out_was_sent = http_was_sent(http);
	return rc;
}

#include "channel.h"

#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/text.h"

enum answer {
	ANSWER_RETRY,     /* surely not posted, and may work later */
	ANSWER_UNSURE,    /* Slack: "some aspect may have succeeded" */
	ANSWER_RATE,      /* too much at once: the whole sink waits */
	ANSWER_RATE_LONG, /* a quota is used up */
	ANSWER_FIX,       /* this body will never do: the plainer one */
	ANSWER_DEAD_SINK, /* nothing gets through until a person acts */
	ANSWER_DEAD
};

/* Slack's error names; one that ends with * stands for all that begin so. */
static const struct {
	const char *name;
	enum answer answer;
} answers[] = {
	{ "internal_error", ANSWER_UNSURE },
	{ "fatal_error", ANSWER_UNSURE },
	{ "service_unavailable", ANSWER_RETRY },
	{ "request_timeout", ANSWER_RETRY },
	{ "rollup_error", ANSWER_RETRY },
	{ "team_added_to_org", ANSWER_RETRY },
	{ "org_login_required", ANSWER_RETRY },
	{ "ratelimited", ANSWER_RATE },
	{ "rate_limited", ANSWER_RATE },
	{ "message_limit_exceeded", ANSWER_RATE_LONG },
	{ "invalid_blocks", ANSWER_FIX },
	{ "invalid_blocks_format", ANSWER_FIX },
	{ "invalid_attachments", ANSWER_FIX },
	{ "msg_blocks_too_long", ANSWER_FIX },
	{ "msg_too_long", ANSWER_FIX },
	{ "no_text", ANSWER_FIX },
	{ "invalid_payload", ANSWER_FIX },
	{ "too_many_attachments", ANSWER_FIX },
	{ "metadata_too_large", ANSWER_FIX },
	{ "invalid_metadata_*", ANSWER_FIX },
	{ "channel_not_found", ANSWER_DEAD_SINK },
	{ "channel_is_archived", ANSWER_DEAD_SINK },
	{ "is_archived", ANSWER_DEAD_SINK },
	{ "no_service", ANSWER_DEAD_SINK },
	{ "no_service_id", ANSWER_DEAD_SINK },
	{ "no_active_hooks", ANSWER_DEAD_SINK },
	{ "no_team", ANSWER_DEAD_SINK },
	{ "team_disabled", ANSWER_DEAD_SINK },
	{ "user_not_found", ANSWER_DEAD_SINK },
	{ "action_prohibited", ANSWER_DEAD_SINK },
	{ "posting_to_general_channel_denied", ANSWER_DEAD_SINK },
	{ "restricted_action*", ANSWER_DEAD_SINK },
	{ "not_in_channel", ANSWER_DEAD_SINK },
	{ "messages_tab_disabled", ANSWER_DEAD_SINK },
	{ "invalid_auth", ANSWER_DEAD_SINK },
	{ "invalid_token", ANSWER_DEAD_SINK },
	{ "token_revoked", ANSWER_DEAD_SINK },
	{ "token_expired", ANSWER_DEAD_SINK },
	{ "account_inactive", ANSWER_DEAD_SINK },
	{ "missing_scope", ANSWER_DEAD_SINK },
	{ "ekm_access_denied", ANSWER_DEAD_SINK },
};

enum { LONG_WAIT_S = 3600, MAX_NAME = 64 };

static bool is_named(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	if (pattern[len - 1] == '*')
		return strncmp(pattern, name, len - 1) == 0;
	return strcmp(pattern, name) == 0;
}

/* The error's name: the member "error" of a JSON answer, or the first word of a plain one; "" when neither. A name is
 * shown and logged, so it is one only when it looks like Slack's: whatever else answers may repeat our secret URL. */
static const char *error_name(const struct http_response *r, struct arena *a)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	const char *name = r->body, *ends = " :\r\n";
	const struct json *j;
	struct err ignored;
	size_t len;

	if (r->body_len && r->body[0] == '{' && json_parse(a, r->body, r->body_len, &j, &ignored) == 0) {
		name = json_text(json_member(j, "error"));
		ends = "";
	}
	len = name ? strspn(name, letters) : 0;
	return len && len <= MAX_NAME && strchr(ends, name[len]) ? arena_strndup(a, name, len) : "";
}

static bool is_ok(const struct http_response *r, struct arena *a)
{
	return r->status == 200 && strcmp(text_trim(a, r->body), "ok") == 0;
}

static enum answer answer_of(const struct http_response *r, const char *name)
{
	if (r->status == 429)
		return ANSWER_RATE;
	for (size_t i = 0; *name && i < ARRAY_LEN(answers); i++)
		if (is_named(answers[i].name, name))
			return answers[i].answer;
	if (r->status == 410)
		return ANSWER_DEAD_SINK;
	if (r->status >= 500 || r->status == 408 || (r->status >= 300 && r->status < 400))
		return ANSWER_RETRY;
	if (r->status >= 200 && r->status < 300 && (!*name || r->body[0] != '{'))
		return ANSWER_UNSURE; /* somebody said yes, but not Slack */
	return ANSWER_DEAD;
}

struct verdict slack_verdict(const struct http_response *r, struct arena *a, int64_t now)
{
	static const enum delivery_outcome outcomes[] = {
		[ANSWER_RETRY] = DELIVERY_RETRY,    [ANSWER_UNSURE] = DELIVERY_AMBIGUOUS, [ANSWER_RATE] = DELIVERY_RETRY,
		[ANSWER_RATE_LONG] = DELIVERY_RETRY, [ANSWER_FIX] = DELIVERY_REFUSED,     [ANSWER_DEAD_SINK] = DELIVERY_DEAD,
		[ANSWER_DEAD] = DELIVERY_DEAD,
	};
	const char *name = error_name(r, a);
	enum answer answer;
	struct verdict v;

	if (is_ok(r, a))
		return verdict_of(DELIVERY_SENT, r->status, NULL);
	answer = answer_of(r, name);
	v = verdict_of(outcomes[answer], r->status, *name ? name : arena_printf(a, "HTTP %d", r->status));
	v.disables_sink = answer == ANSWER_DEAD_SINK;
	v.holds_sink = answer == ANSWER_RATE || answer == ANSWER_RATE_LONG;
	v.wait_s = http_retry_after_s(r, now);
	if (answer == ANSWER_RATE_LONG && v.wait_s < 0)
		v.wait_s = LONG_WAIT_S;
	return v;
}

static void send_one(const struct channel_job *job, struct arena *a, struct verdict *out)
{
	static const struct http_header headers[] = { { "content-type", "application/json; charset=utf-8" } };
	struct http_response r;
	struct err err;
	const char *url;
	size_t len;
	const void *body = channel_body(job->message, &len);
	bool was_sent = false;

	if (channel_url(job, a, &url, &err) < 0 ||
	    channel_post(job, a, url, headers, ARRAY_LEN(headers), body, len, &r, &was_sent, &err) < 0)
		*out = verdict_of_failure(was_sent, &err);
	else
		*out = slack_verdict(&r, a, job->now);
}

/* Slack's three escapes. */
static int notice(struct arena *a, const struct channel_settings *c, const struct notice *n, struct buf *body,
                  struct outbox_message *out, struct err *err)
{
	CLEANUP(buf_done) struct buf text;
	struct json_out o = json_out_to(body);

	(void)c;
	(void)out;
	(void)err;
	buf_init(&text, MAX_NOTICE);
	for (const char *t = arena_printf(a, "%s\n%s", n->subject, n->text); *t; t++)
		if (*t == '&')
			buf_text(&text, "&amp;");
		else if (*t == '<' || *t == '>')
			buf_text(&text, *t == '<' ? "&lt;" : "&gt;");
		else
			buf_char(&text, *t);
	json_open_object(&o, NULL);
	json_put_text(&o, "text", text.at);
	json_close_object(&o);
	return 0;
}

static const struct channel_key keys[] = {
	{ "url", true, true }, { "allows_http_loopback", false, false }, { "allows_private", false, false },
	{ "ca_file", false, false }, { NULL, false, false },
};

const struct channel_type slack_webhook_channel = {
	.keys = keys, .per_second = 1, /* as Slack allows for a channel */ .send = send_one, .notice = notice,
};

#include "slack_answers.h"

#include <string.h>

#include "common/json.h"
#include "common/text.h"

static bool is_ok(const struct http_response *r, struct arena *a)
{
	return r->status == 200 && strcmp(text_trim(a, r->body), "ok") == 0;
}

struct verdict slack_verdict(const struct http_response *r, struct arena *a, int64_t now)
{
	const char *name = slack_error_name(r, a);

	if (is_ok(r, a))
		return verdict_of(DELIVERY_SENT, r->status, NULL);
	return slack_answer_verdict(slack_answer_of(r, name), name, r, a, now);
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

/* Mattermost through an incoming webhook. */
#include <string.h>

#include "chat.h"
#include "common/text.h"

/* What a post has, and how many bytes that may be. */
enum { POST = 16000, POST_BYTES = 4 * POST, NOTICE_BYTES = 3800, MAX_ID = 80 };

static const struct shape_member post_members[] = {
	{ "text", JSON_TEXT, true, POST, NULL, NULL }, { NULL, JSON_NULL, false, 0, NULL, NULL },
};
static const struct shape post = { NULL, post_members };

/* Errors by their id, where the status alone does not tell. */
static const struct {
	const char *id;
	enum delivery_outcome outcome;
	bool disables;
} errors[] = {
	{ "web.incoming_webhook.invalid.app_error", DELIVERY_DEAD, true },
	{ "web.incoming_webhook.disabled.app_error", DELIVERY_DEAD, true },
	{ "web.incoming_webhook.channel.app_error", DELIVERY_DEAD, true },
	{ "web.incoming_webhook.channel_locked.app_error", DELIVERY_DEAD, true },
	{ "web.incoming_webhook.permissions.app_error", DELIVERY_DEAD, true },
	{ "web.incoming_webhook.user.app_error", DELIVERY_DEAD, true },
	{ "api.post.create_post.can_not_post_to_deleted.error", DELIVERY_DEAD, true },
	{ "api.post.create_post.town_square_read_only", DELIVERY_DEAD, true },
};

/* The error's id, if it looks like one: whatever else answers may repeat our secret URL. */
static const char *id_of(struct arena *a, const struct http_response *r)
{
	const struct json *j = NULL;
	struct err ignored;
	const char *id;
	size_t len;

	if (!r->body_len || r->body[0] != '{' || json_parse(a, r->body, r->body_len, &j, &ignored) < 0)
		return "";
	id = json_text(json_member(j, "id"));
	len = id ? strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_.") : 0;
	return len && len <= MAX_ID && !id[len] ? id : "";
}

static struct verdict verdict(const struct http_response *r, struct arena *a, int64_t now)
{
	const char *id = id_of(a, r), *detail = arena_printf(a, "HTTP %d%s%s", r->status, *id ? ", " : "", id);
	struct verdict v;

	if (r->status >= 200 && r->status < 300) {
		if (strcmp(text_trim(a, r->body), "ok") == 0)
			return verdict_of(DELIVERY_SENT, r->status, NULL);
		return verdict_of(DELIVERY_AMBIGUOUS, r->status, "somebody said yes, but not Mattermost");
	}
	v = chat_status_verdict(r, detail, now);
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		if (strcmp(errors[i].id, id) != 0)
			continue;
		v.outcome = errors[i].outcome;
		v.disables_sink = errors[i].disables;
	}
	return v;
}

const struct chat_rules mattermost_rules = { .shape = &post, .max_bytes = POST_BYTES, .verdict = verdict };

static void send_one(const struct channel_job *job, struct arena *a, struct verdict *out)
{
	chat_send(job, &mattermost_rules, NULL, a, out);
}

/* As code, in which nothing means anything. */
static int notice(struct arena *a, const struct channel_settings *c, const struct notice *n, struct buf *body,
                  struct outbox_message *out, struct err *err)
{
	const char *both = arena_printf(a, "%s\n%s", n->subject, n->text);
	CLEANUP(buf_done) struct buf text;
	struct json_out o = json_out_to(body);

	(void)c;
	(void)out;
	(void)err;
	buf_init(&text, MAX_NOTICE);
	buf_text(&text, "```\n");
	for (const char *t = both, *end = both + utf8_fit(both, NOTICE_BYTES); t < end; t++)
		buf_char(&text, *t == '`' ? '\'' : *t);
	buf_text(&text, "\n```");
	json_open_object(&o, NULL);
	json_put_text(&o, "text", text.at);
	json_close_object(&o);
	return 0;
}

const struct channel_type mattermost_channel = {
	.keys = chat_keys, .per_second = 5, /* half of what a server takes as it comes */ .send = send_one,
	.notice = notice,
};

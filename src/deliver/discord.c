/* Discord through a channel's webhook, which is asked to wait until the message is there. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chat.h"
#include "common/text.h"

/* What Discord takes, in UTF-16 units. */
enum { CONTENT = 2000, DESCRIPTION = 4096, EMBEDS = 6000, N_EMBEDS = 10, MESSAGE_BYTES = 64 * 1000, MAX_WAIT_S = 3600,
       NOTICE_BYTES = 950 };

#define END { NULL, JSON_NULL, false, 0, NULL, NULL }

static const struct shape_member embed_members[] = {
	{ "description", JSON_TEXT, true, DESCRIPTION, NULL, NULL }, END
};
static const struct shape embed = { NULL, embed_members };
static const struct shape *const embeds[] = { &embed, NULL };
static const struct shape_member mention_members[] = { { "parse", JSON_ARRAY, true, 0, NULL, NULL }, END };
static const struct shape mention = { NULL, mention_members };
static const struct shape *const mentions[] = { &mention, NULL };
static const struct shape_member message_members[] = {
	{ "content", JSON_TEXT, true, CONTENT, NULL, NULL }, { "allowed_mentions", JSON_OBJECT, true, 0, mentions, NULL },
	{ "embeds", JSON_ARRAY, false, N_EMBEDS, embeds, NULL }, END
};
static const struct shape message = { NULL, message_members };

static const char *flaw(struct arena *a, const struct json *body)
{
	size_t units = 0;

	if (json_count(json_at(body, "allowed_mentions.parse")))
		return "allowed_mentions.parse: is not empty";
	for (const struct json *e = json_first(json_member(body, "embeds")); e; e = json_next(e))
		units += shape_units(json_text(json_member(e, "description")));
	return units > EMBEDS ? arena_printf(a, "embeds: more than %d characters", EMBEDS) : NULL;
}

/* The wait of a 429's body, which may be a fraction, rounded up; -1 when it has none or an absurd one. */
static int64_t retry_after_s(const struct json *j)
{
	double s;

	if (!json_real(json_member(j, "retry_after"), &s) || s < 0 || s > 1e6)
		return -1;
	s = ceil(s);
	return s > MAX_WAIT_S ? MAX_WAIT_S : (int64_t)s;
}

static struct verdict verdict(const struct http_response *r, struct arena *a, int64_t now)
{
	const struct json *j = NULL;
	const char *id, *detail = arena_printf(a, "HTTP %d", r->status);
	struct err ignored;
	struct verdict v;
	int64_t code, wait_s;

	if (r->body_len && r->body[0] == '{' && json_parse(a, r->body, r->body_len, &j, &ignored) < 0)
		j = NULL;
	if (r->status >= 200 && r->status < 300) {
		id = chat_name(a, json_text(json_member(j, "id")));
		if (!*id)
			return verdict_of(DELIVERY_AMBIGUOUS, r->status, "the answer names no message");
		v = verdict_of(DELIVERY_SENT, r->status, NULL);
		(void)snprintf(v.provider_ref, sizeof v.provider_ref, "%s", id);
		return v;
	}
	if (json_int(json_member(j, "code"), &code))
		detail = arena_printf(a, "%s, code %lld", detail, (long long)code);
	v = chat_status_verdict(r, detail, now);
	wait_s = r->status == 429 ? retry_after_s(j) : -1;
	if (wait_s > v.wait_s)
		v.wait_s = wait_s;
	return v;
}

const struct chat_rules discord_rules = {
	.shape = &message, .max_bytes = MESSAGE_BYTES, .flaw = flaw, .verdict = verdict,
};

static void send_one(const struct channel_job *job, struct arena *a, struct verdict *out)
{
	chat_send(job, &discord_rules, "wait=true", a, out);
}

static void put_notice(struct json_out *o, const char *text)
{
	json_open_object(o, NULL);
	json_put_text(o, "content", text);
	json_open_object(o, "allowed_mentions");
	json_open_array(o, "parse");
	json_close_array(o);
	json_close_object(o);
	json_close_object(o);
}

/* Every sign of punctuation behind a backslash is only itself. */
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
	for (const char *t = both, *end = both + utf8_fit(both, NOTICE_BYTES); t < end; t++) {
		if (strchr("\\*_~`|<>[]()@#-+=:", *t))
			buf_char(&text, '\\');
		buf_char(&text, *t);
	}
	put_notice(&o, text.at);
	return 0;
}

/* Discord allows 5 messages in 2 seconds, and 30 a minute in a channel. */
const struct channel_type discord_channel = {
	.keys = chat_keys, .per_second = 0.5, .send = send_one, .notice = notice,
};

#include "channel.h"

#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/email_address.h"
#include "common/json.h"
#include "common/sha256.h"

enum { MAX_NOTICE = 16 << 10 };

/* Printable ASCII, for a mail without any encoding: one line, or lines that end with CRLF. */
static void add_ascii(struct buf *b, const char *text, bool has_lines)
{
	for (; *text; text++) {
		if (has_lines && *text == '\n')
			buf_text(b, "\r\n");
		else
			buf_char(b, *text >= 0x20 && *text < 0x7f ? *text : '?');
	}
}

static const char *mail(struct arena *a, const struct channel_settings *c, const char *subject, const char *text,
                        const char *key, int64_t now, const char *to, struct buf *b)
{
	const char *from = email_address_of(a, c->from);

	buf_printf(b, "From: <%s>\r\nTo: <%s>\r\nSubject: ", from, to);
	add_ascii(b, subject, false);
	buf_printf(b, "\r\nDate: %s\r\nMessage-ID: <%.32s%s>\r\n", instant_mail_text(a, now, 0), key, strchr(from, '@'));
	buf_text(b, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
	            "Auto-Submitted: auto-generated\r\n\r\n");
	add_ascii(b, text, true);
	buf_text(b, "\r\n");
	return to;
}

static void json_notice(struct arena *a, const struct channel_settings *c, const char *subject, const char *text,
                        int64_t now, struct buf *b)
{
	struct json_out o = json_out_to(b);

	json_open_object(&o, NULL);
	if (c->kind == CHANNEL_SLACK_WEBHOOK) {
		struct buf both;

		buf_init(&both, MAX_NOTICE);
		for (const char *t = arena_printf(a, "%s\n%s", subject, text); *t; t++) /* Slack's three escapes */
			if (*t == '&')
				buf_text(&both, "&amp;");
			else if (*t == '<' || *t == '>')
				buf_text(&both, *t == '<' ? "&lt;" : "&gt;");
			else
				buf_char(&both, *t);
		json_put_text(&o, "text", both.at);
		buf_done(&both);
	} else {
		json_put_text(&o, "type", "retaind.notice");
		json_put_text(&o, "timestamp", instant_text(a, now));
		json_open_object(&o, "data");
		json_put_text(&o, "subject", subject);
		json_put_text(&o, "text", text);
		json_close_object(&o);
	}
	json_close_object(&o);
}

int notice_message(struct arena *a, const struct channel_settings *c, const char *subject, const char *text,
                   int64_t now, struct outbox_message *out, struct err *err)
{
	CLEANUP(buf_done) struct buf body;
	const char *key = arena_printf(a, "%s\n%s\n%lld", subject, text, (long long)now), *recipient = NULL;

	key = sha256_hex(a, key, strlen(key));
	buf_init(&body, MAX_NOTICE);
	if (c->kind == CHANNEL_EMAIL) {
		const char *to = email_address_of(a, c->reply_to ? c->reply_to : c->from);

		if (!to || !email_address_of(a, c->from))
			return err_set(err, ERR_CONFIG, "%s: from: is no valid address", c->name);
		recipient = mail(a, c, subject, text, key, now, to, &body);
	} else if (c->kind == CHANNEL_FILE) {
		recipient = arena_printf(a, "notice-%lld-%.8s.txt", (long long)now, key);
		buf_printf(&body, "%s\n\n%s\n", subject, text);
	} else {
		json_notice(a, c, subject, text, now, &body);
	}
	if (body.is_full)
		return err_set(err, ERR_INPUT, "%s: a notice of more than %d bytes", c->name, MAX_NOTICE);
	*out = (struct outbox_message){ .sink = c->name, .kind = channel_kind_name(c->kind), .recipient = recipient,
	                                .delivery_key = key, .part = 1, .body = arena_memdup(a, body.at, body.len),
	                                .body_len = body.len, .content_type = "application/json", .n_attempts = 1 };
	return 0;
}

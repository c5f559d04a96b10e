#include "channel.h"

#include <string.h>

#include "common/sha256.h"
#include "common/text.h"

int notice_message(struct arena *a, const struct channel_settings *c, const char *subject, const char *text,
                   int64_t now, struct outbox_message *out, struct err *err)
{
	CLEANUP(buf_done) struct buf body;
	const char *key = arena_printf(a, "%s\n%s\n%lld", subject, text, (long long)now);
	size_t len = utf8_fit(text, NOTICE_TEXT);
	const struct notice n = { .subject = subject, .key = sha256_hex(a, key, strlen(key)), .now = now,
	                          .text = text[len] ? arena_printf(a, "%.*s...", (int)len, text) : text };

	buf_init(&body, MAX_NOTICE);
	*out = (struct outbox_message){ .sink = c->name, .kind = channel_kind_names[c->kind], .delivery_key = n.key,
	                                .part = 1, .content_type = "application/json", .n_attempts = 1 };
	if (channel_types[c->kind]->notice(a, c, &n, &body, out, err) < 0)
		return -1;
	if (body.is_full)
		return err_set(err, ERR_INPUT, "%s: a notice of more than %d bytes", c->name, MAX_NOTICE);
	out->body = arena_memdup(a, body.at, body.len);
	out->body_len = body.len;
	return 0;
}

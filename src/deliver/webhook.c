#include "channel.h"

#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/sha256.h"
#include "common/text.h"

enum { MAX_PAYLOAD = 20 << 10, MIN_SECRET = 24, MAX_SECRET = 64, MAX_SIGNED = 1 << 20 };

static int sign(struct arena *a, const char *secret, const struct buf *content, const char **out, struct err *err)
{
	uint8_t mac[SHA256_BYTES];
	size_t len = 0;
	const void *key = text_starts(secret, "whsec_") ? base64_bytes(a, secret + strlen("whsec_"), &len) : NULL;

	if (!key || len < MIN_SECRET || len > MAX_SECRET)
		return err_set(err, ERR_CONFIG, "the secret must be whsec_ and base64 of %d to %d bytes", MIN_SECRET,
		               MAX_SECRET);
	hmac_sha256(key, len, content->at, content->len, mac);
	*out = arena_printf(a, "v1,%s", base64_text(a, mac, sizeof mac));
	return 0;
}

int webhook_signature(struct arena *a, const char *const *secrets, size_t n, const char *id, int64_t timestamp,
                      const void *body, size_t len, const char **out, struct err *err)
{
	CLEANUP(buf_done) struct buf content;
	const char *all = "";

	buf_init(&content, MAX_SIGNED);
	buf_printf(&content, "%s.%lld.", id, (long long)timestamp);
	buf_add(&content, body, len);
	if (content.is_full)
		return err_set(err, ERR_INPUT, "a payload of %zu bytes is too large to sign", len);
	for (size_t i = 0; i < n; i++) {
		const char *one = "";

		if (sign(a, secrets[i], &content, &one, err) < 0)
			return -1;
		all = i ? arena_printf(a, "%s %s", all, one) : one;
	}
	*out = all;
	return 0;
}

/* The secret, and the old one while receivers change over. */
static int read_secrets(const struct channel_job *job, struct arena *a, const char *out[2], size_t *out_n,
                        struct err *err)
{
	const char *references[] = { job->channel->secret, job->channel->old_secret };

	*out_n = 0;
	for (size_t i = 0; i < ARRAY_LEN(references); i++) {
		if (!references[i])
			continue;
		if (job->secret(a, references[i], &out[*out_n], err) < 0)
			return -1;
		++*out_n;
	}
	return 0;
}

static struct verdict answer_verdict(const struct http_response *r, struct arena *a, int64_t now)
{
	const char *detail = arena_printf(a, "HTTP %d", r->status);
	struct verdict v;

	if (r->status >= 200 && r->status < 300)
		return verdict_of(DELIVERY_SENT, r->status, NULL);
	v = verdict_of(r->status == 410   ? DELIVERY_DEAD
	               : r->status == 413 ? DELIVERY_REFUSED
	                                  : DELIVERY_RETRY, r->status, detail);
	v.disables_sink = r->status == 410;
	v.holds_sink = r->status == 429;
	v.wait_s = http_retry_after_s(r, now);
	return v;
}

static int post(const struct channel_job *job, struct arena *a, const void *body, size_t len, struct http_response *out,
                bool *out_was_sent, struct err *err)
{
	const char *id = arena_printf(a, "msg_%.32s", job->message->delivery_key), *url, *secrets[2], *signature;
	size_t n;

	if (channel_url(job, a, &url, err) < 0 || read_secrets(job, a, secrets, &n, err) < 0 ||
	    webhook_signature(a, secrets, n, id, job->now, body, len, &signature, err) < 0)
		return -1;
	const struct http_header headers[] = {
		{ "content-type", job->message->content_type },
		{ "webhook-id", id },
		{ "webhook-timestamp", arena_printf(a, "%lld", (long long)job->now) },
		{ "webhook-signature", signature },
	};
	return channel_post(job, a, url, headers, n ? ARRAY_LEN(headers) : ARRAY_LEN(headers) - 1, body, len, out,
	                    out_was_sent, err);
}

static void send_one(const struct channel_job *job, struct arena *a, struct verdict *out)
{
	const struct outbox_message *m = job->message;
	struct http_response r;
	struct err err;
	size_t len;
	const void *body = channel_body(m, &len);
	bool was_sent = false;

	if (len > MAX_PAYLOAD)
		*out = verdict_of(DELIVERY_REFUSED, 0, arena_printf(a, "%zu bytes are more than a webhook may carry (%d)", len,
		                                                    MAX_PAYLOAD));
	else if (post(job, a, body, len, &r, &was_sent, &err) < 0)
		*out = verdict_of_failure(was_sent, &err);
	else
		*out = answer_verdict(&r, a, job->now);
}

static int notice(struct arena *a, const struct channel_settings *c, const struct notice *n, struct buf *body,
                  struct outbox_message *out, struct err *err)
{
	struct json_out o = json_out_to(body);

	(void)c;
	(void)out;
	(void)err;
	json_open_object(&o, NULL);
	json_put_text(&o, "type", "retaind.notice");
	json_put_text(&o, "timestamp", instant_text(a, n->now));
	json_open_object(&o, "data");
	json_put_text(&o, "subject", n->subject);
	json_put_text(&o, "text", n->text);
	json_close_object(&o);
	json_close_object(&o);
	return 0;
}

static const struct channel_key keys[] = {
	{ "url", true, false }, { "secret", true, true }, { "old_secret", false, true },
	{ "allows_http_loopback", false, false }, { "allows_private", false, false }, { "ca_file", false, false },
	{ NULL, false, false },
};

const struct channel_type webhook_channel = { .keys = keys, .per_second = 10, .send = send_one, .notice = notice };

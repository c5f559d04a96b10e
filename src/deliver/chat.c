#include "chat.h"

#include <string.h>

enum { MAX_CHAT_NAME = 64 };

const struct channel_key chat_keys[] = {
	{ "url", true, true }, { "allows_http_loopback", false, false }, { "allows_private", false, false },
	{ "ca_file", false, false }, { NULL, false, false },
};

const char *chat_flaw(const struct chat_rules *rules, const void *body, size_t len, struct arena *a)
{
	const struct json *j;
	const char *flaw;
	struct err err;

	if (len > rules->max_bytes)
		return arena_printf(a, "%zu bytes are more than %zu", len, rules->max_bytes);
	if (json_parse(a, body, len, &j, &err) < 0)
		return "is no JSON";
	flaw = shape_flaw(a, j, rules->shape);
	return flaw || !rules->flaw ? flaw : rules->flaw(a, j);
}

static int post(const struct channel_job *job, struct arena *a, const char *query, const void *body, size_t len,
                struct http_response *out, bool *out_was_sent, struct err *err)
{
	static const struct http_header headers[] = { { "content-type", "application/json; charset=utf-8" } };
	const char *url;

	if (channel_url(job, a, &url, err) < 0)
		return -1;
	if (query)
		url = arena_printf(a, "%s%c%s", url, strchr(url, '?') ? '&' : '?', query);
	return channel_post(job, a, url, headers, ARRAY_LEN(headers), body, len, out, out_was_sent, err);
}

void chat_send(const struct channel_job *job, const struct chat_rules *rules, const char *query, struct arena *a,
               struct verdict *out)
{
	struct http_response r;
	struct err err;
	size_t len;
	const void *body = channel_body(job->message, &len);
	const char *flaw = chat_flaw(rules, body, len, a);
	bool was_sent = false;

	if (flaw)
		*out = verdict_of(DELIVERY_REFUSED, 0, arena_printf(a, "not sent: %s", flaw));
	else if (post(job, a, query, body, len, &r, &was_sent, &err) < 0)
		*out = verdict_of_failure(was_sent, &err);
	else
		*out = rules->verdict(&r, a, job->now);
}

struct verdict chat_status_verdict(const struct http_response *r, const char *detail, int64_t now)
{
	static const struct {
		int status;
		enum delivery_outcome outcome;
		bool disables, holds;
	} rows[] = {
		{ 400, DELIVERY_REFUSED, false, false }, { 413, DELIVERY_REFUSED, false, false },
		{ 422, DELIVERY_REFUSED, false, false }, { 401, DELIVERY_DEAD, true, false },
		{ 403, DELIVERY_DEAD, true, false },     { 404, DELIVERY_DEAD, true, false },
		{ 410, DELIVERY_DEAD, true, false },     { 429, DELIVERY_RETRY, false, true },
		/* a gateway that gave up waiting (524: Cloudflare's): what is behind it may have shown the message */
		{ 504, DELIVERY_AMBIGUOUS, false, false }, { 524, DELIVERY_AMBIGUOUS, false, false },
	};
	struct verdict v = verdict_of(DELIVERY_RETRY, r->status, detail);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].status != r->status)
			continue;
		v.outcome = rows[i].outcome;
		v.disables_sink = rows[i].disables;
		v.holds_sink = rows[i].holds;
	}
	v.wait_s = http_retry_after_s(r, now);
	return v;
}

const char *chat_name(struct arena *a, const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t len = text ? strspn(text, letters) : 0;

	return len && len <= MAX_CHAT_NAME && !text[len] ? arena_strndup(a, text, len) : "";
}

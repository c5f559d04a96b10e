#include "auth.h"

#include <string.h>

#include "common/buf.h"
#include "common/sha256.h"
#include "common/text.h"

enum { TOLERANCE_S = 300, MAX_ID = 256, MAX_SIGNATURES = 16, MIN_SECRET = 16 };

static const char whsec[] = "whsec_";

static bool is_same(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t differs = 0;

	for (size_t i = 0; i < len; i++)
		differs |= a[i] ^ b[i];
	return differs == 0;
}

/* Of any lengths: compared are their hashes. */
static bool is_same_text(const char *a, const char *b)
{
	uint8_t left[SHA256_BYTES], right[SHA256_BYTES];
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, a, strlen(a));
	sha256_end(&s, left);
	sha256_init(&s);
	sha256_add(&s, b, strlen(b));
	sha256_end(&s, right);
	return is_same(left, right, sizeof left);
}

/* write key -------------------------------------------------------------------------------------------------------- */

static bool has_write_key(const struct web_source *s, const struct web_head *h, struct arena *a)
{
	const char *header = h->header(h->context, "Authorization");
	bool is_right = false;
	const char *bytes, *colon, *user;
	size_t len;

	if (!header || !text_equal_fold(arena_strndup(a, header, strnlen(header, 6)), "basic "))
		return false;
	bytes = base64_bytes(a, text_trim(a, header + 6), &len);
	colon = bytes ? memchr(bytes, ':', len) : NULL;
	if (!colon || memchr(bytes, '\0', (size_t)(colon - bytes)))
		return false;
	user = arena_strndup(a, bytes, (size_t)(colon - bytes));
	for (size_t i = 0; i < s->n_secrets; i++)
		is_right |= is_same_text(user, s->secrets[i]);
	return is_right;
}

/* Standard Webhooks ------------------------------------------------------------------------------------------------ */

static const void *webhook_key(struct arena *a, const char *secret, size_t *out_len)
{
	return base64_bytes(a, text_starts(secret, whsec) ? secret + strlen(whsec) : secret, out_len);
}

/* Whether one of the signatures, "v1,BASE64 v1,BASE64", is that of the digest. */
static bool has_signature(struct arena *a, const char *signatures, const uint8_t digest[SHA256_BYTES])
{
	char *copy = arena_strdup(a, signatures), *rest = copy, *one;
	bool is_right = false;

	for (int i = 0; i < MAX_SIGNATURES && (one = strsep(&rest, " ")); i++) {
		size_t len = 0;
		const uint8_t *bytes = text_starts(one, "v1,") ? base64_bytes(a, one + 3, &len) : NULL;

		if (bytes && len == SHA256_BYTES)
			is_right |= is_same(bytes, digest, len);
	}
	return is_right;
}

static bool has_webhook_head(const struct web_source *s, const struct web_head *h, struct arena *a)
{
	const char *id = h->header(h->context, "webhook-id");

	(void)s;
	(void)a;
	return id && *id && strlen(id) <= MAX_ID && h->header(h->context, "webhook-timestamp") &&
	       h->header(h->context, "webhook-signature");
}

static bool is_webhook_signed(const struct web_source *s, const struct web_head *h, const char *body, size_t len,
                              int64_t now, struct arena *a)
{
	const char *id = h->header(h->context, "webhook-id"), *timestamp = h->header(h->context, "webhook-timestamp"),
			   *signatures = h->header(h->context, "webhook-signature");
	CLEANUP(buf_done) struct buf signed_text;
	bool is_right = false;
	int64_t at;

	buf_init(&signed_text, WEB_MAX_BODY + 4096);
	if (!text_to_int(timestamp, &at) || at < now - TOLERANCE_S || at > now + TOLERANCE_S)
		return false;
	buf_printf(&signed_text, "%s.%s.", id, timestamp);
	buf_add(&signed_text, body, len);
	for (size_t i = 0; i < s->n_secrets && !signed_text.is_full; i++) {
		uint8_t digest[SHA256_BYTES];
		size_t key_len = 0;
		const void *key = webhook_key(a, s->secrets[i], &key_len);

		if (!key)
			continue;
		hmac_sha256(key, key_len, signed_text.at, signed_text.len, digest);
		is_right |= has_signature(a, signatures, digest);
	}
	return is_right;
}

/* EspoCRM ---------------------------------------------------------------------------------------------------------- */

static bool has_espocrm_head(const struct web_source *s, const struct web_head *h, struct arena *a)
{
	(void)s;
	(void)a;
	return h->header(h->context, "Signature") != NULL;
}

static bool is_espocrm_signed(const struct web_source *s, const struct web_head *h, const char *body, size_t len,
                              int64_t now, struct arena *a)
{
	const char *colon;
	bool is_right = false;
	size_t decoded_len;
	char *decoded = base64_bytes(a, h->header(h->context, "Signature"), &decoded_len);

	(void)now;
	colon = decoded ? memchr(decoded, ':', decoded_len) : NULL;
	if (!colon)
		return false;
	colon = arena_strndup(a, colon + 1, decoded_len - (size_t)(colon + 1 - decoded));
	for (size_t i = 0; i < s->n_secrets; i++) {
		uint8_t digest[SHA256_BYTES];

		hmac_sha256(s->secrets[i], strlen(s->secrets[i]), body, len, digest);
		is_right |= is_same_text(colon, hex_text(a, digest, sizeof digest));
	}
	return is_right;
}

/* each kind -------------------------------------------------------------------------------------------------------- */

static const struct {
	bool (*head)(const struct web_source *s, const struct web_head *h, struct arena *a);
	bool (*body)(const struct web_source *s, const struct web_head *h, const char *body, size_t len, int64_t now,
	             struct arena *a); /* NULL: the head was enough */
	const char *id;                /* the header of the request's own id; NULL: none */
} kinds[] = {
	[WEB_AUTH_WRITE_KEY] = { has_write_key, NULL, NULL },
	[WEB_AUTH_STANDARD_WEBHOOKS] = { has_webhook_head, is_webhook_signed, "webhook-id" },
	[WEB_AUTH_ESPOCRM] = { has_espocrm_head, is_espocrm_signed, NULL },
};

bool auth_head(const struct web_source *s, const struct web_head *h, struct arena *a)
{
	return kinds[s->auth].head(s, h, a);
}

bool auth_body(const struct web_source *s, const struct web_head *h, const char *body, size_t len, int64_t now,
               struct arena *a)
{
	return !kinds[s->auth].body || kinds[s->auth].body(s, h, body, len, now, a);
}

const char *auth_id(const struct web_source *s, const struct web_head *h)
{
	const char *id = kinds[s->auth].id ? h->header(h->context, kinds[s->auth].id) : NULL;

	return id ? id : "";
}

bool web_secret_is_usable(enum web_auth auth, const char *secret)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	size_t len = strlen(secret);

	if (auth == WEB_AUTH_WRITE_KEY && strchr(secret, ':'))
		return false;
	return len >= MIN_SECRET && (auth != WEB_AUTH_STANDARD_WEBHOOKS || webhook_key(a, secret, &len)) &&
	       len >= MIN_SECRET;
}

#include "common/token.h"

#include <string.h>

#include "common/buf.h"
#include "common/sha256.h"
#include "common/text.h"

/* purpose 1, subject 5, expires_at 4, made_on 2, holder 5, signature 16; numbers with their highest byte first. */
enum { SUBJECT = 1, EXPIRES = 6, MADE_ON = 10, HOLDER = 12, SIGNATURE = 17, BYTES = 33, SCOPE_BYTES = 1024 };

static const char LINK_LABEL[] = "retaind link 1", FORM_LABEL[] = "retaind form 1";

static void put_number(uint8_t *to, uint64_t number, size_t n_bytes)
{
	for (size_t i = n_bytes; i > 0; i--, number >>= 8)
		to[i - 1] = (uint8_t)number;
}

static uint64_t number_at(const uint8_t *at, size_t n_bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < n_bytes; i++)
		number = number << 8 | at[i];
	return number;
}

/* Label, scope and data apart by NUL, which none of the first two has. */
static void sign(const char *key, const char *label, const char *scope, const void *data, size_t len,
                 uint8_t out[SHA256_BYTES])
{
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, SCOPE_BYTES);
	buf_add(&b, label, strlen(label) + 1);
	buf_add(&b, scope, strlen(scope) + 1);
	buf_add(&b, data, len);
	hmac_sha256(key, strlen(key), b.at, b.len, out);
}

uint64_t token_holder(const char *email)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *folded = text_fold(a, email);
	struct sha256 s;
	uint8_t hash[SHA256_BYTES];

	sha256_init(&s);
	sha256_add(&s, folded, strlen(folded));
	sha256_end(&s, hash);
	return number_at(hash, SIGNATURE - HOLDER);
}

const char *token_make(struct arena *a, const char *key, const char *scope, const struct token *t)
{
	uint8_t bytes[BYTES] = { (uint8_t)t->purpose }, signature[SHA256_BYTES];

	if (t->purpose < 0 || t->purpose > UINT8_MAX || t->subject < 0 || t->subject > TOKEN_MAX_SUBJECT ||
	    t->expires_at < 0 || t->expires_at > UINT32_MAX || t->made_on < 0 || t->made_on > UINT16_MAX)
		return NULL;
	put_number(bytes + SUBJECT, (uint64_t)t->subject, EXPIRES - SUBJECT);
	put_number(bytes + EXPIRES, (uint64_t)t->expires_at, MADE_ON - EXPIRES);
	put_number(bytes + MADE_ON, (uint64_t)t->made_on, HOLDER - MADE_ON);
	put_number(bytes + HOLDER, t->holder, SIGNATURE - HOLDER);
	sign(key, LINK_LABEL, scope, bytes, SIGNATURE, signature);
	memcpy(bytes + SIGNATURE, signature, BYTES - SIGNATURE);
	return base64url_text(a, bytes, BYTES);
}

/* The value of a letter of base64url; -1: it is none. */
static int letter_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* 44 letters are exactly 33 bytes: no bit is left over, so there is one way only to write them. */
static bool read_bytes(const char *text, uint8_t out[BYTES])
{
	if (strnlen(text, TOKEN_CHARS + 1) != TOKEN_CHARS)
		return false;
	for (size_t i = 0; i < TOKEN_CHARS / 4; i++) {
		uint32_t group = 0;

		for (size_t k = 0; k < 4; k++) {
			int value = letter_value(text[4 * i + k]);

			if (value < 0)
				return false;
			group = group << 6 | (uint32_t)value;
		}
		put_number(out + 3 * i, group, 3);
	}
	return true;
}

static bool is_same(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t differs = 0;

	for (size_t i = 0; i < len; i++)
		differs |= a[i] ^ b[i];
	return differs == 0;
}

enum token_state token_read(const char *text, const char *const *keys, size_t n_keys, const char *scope, int64_t now,
                            struct token *out, const char **out_key)
{
	uint8_t bytes[BYTES], signature[SHA256_BYTES];
	const char *fits = NULL;

	if (!read_bytes(text, bytes))
		return TOKEN_NONE;
	for (size_t i = 0; i < n_keys; i++) {
		sign(keys[i], LINK_LABEL, scope, bytes, SIGNATURE, signature);
		if (is_same(signature, bytes + SIGNATURE, BYTES - SIGNATURE))
			fits = keys[i];
	}
	if (!fits)
		return TOKEN_NONE;
	*out = (struct token){ .purpose = bytes[0], .subject = (int64_t)number_at(bytes + SUBJECT, EXPIRES - SUBJECT),
		.expires_at = (int64_t)number_at(bytes + EXPIRES, MADE_ON - EXPIRES),
		.made_on = (int32_t)number_at(bytes + MADE_ON, HOLDER - MADE_ON),
		.holder = number_at(bytes + HOLDER, SIGNATURE - HOLDER) };
	*out_key = fits;
	return now < out->expires_at ? TOKEN_GOOD : TOKEN_EXPIRED;
}

const char *token_form(struct arena *a, const char *key, const char *scope, const char *token)
{
	uint8_t signature[SHA256_BYTES];

	sign(key, FORM_LABEL, scope, token, strlen(token), signature);
	return base64url_text(a, signature, SHA256_BYTES / 2);
}

bool token_is_same(const char *secret, const char *given)
{
	size_t len = strlen(secret);

	return strlen(given) == len && is_same((const uint8_t *)secret, (const uint8_t *)given, len);
}

#include "common/sha256.h"

#include <string.h>

enum { BLOCK_BYTES = 64 };

/* Fractions of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
static const uint32_t constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

/* The message schedule of one block (FIPS 180-4, 6.2.2 step 1). */
static void spread(const uint8_t *block, uint32_t w[64])
{
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
		       (uint32_t)block[4 * i + 3];
	for (int i = 16; i < 64; i++) {
		uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
		uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;

		w[i] = w[i - 16] + a + w[i - 7] + b;
	}
}

/* One round: the words are not moved; the next one calls them by the names they have then. */
#define ROUND(a, b, c, d, e, f, g, h, i) \
	do { \
		uint32_t t = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + w[i]; \
		d += t; \
		h = t + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c)); \
	} while (0)

static void mix(uint32_t state[8], const uint8_t *block)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6],
	         h = state[7];
	uint32_t w[64];

	spread(block, w);
	for (int i = 0; i < 64; i += 8) {
		ROUND(a, b, c, d, e, f, g, h, i);
		ROUND(h, a, b, c, d, e, f, g, i + 1);
		ROUND(g, h, a, b, c, d, e, f, i + 2);
		ROUND(f, g, h, a, b, c, d, e, i + 3);
		ROUND(e, f, g, h, a, b, c, d, i + 4);
		ROUND(d, e, f, g, h, a, b, c, i + 5);
		ROUND(c, d, e, f, g, h, a, b, i + 6);
		ROUND(b, c, d, e, f, g, h, a, i + 7);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

void sha256_init(struct sha256 *s)
{
	/* Fractions of the square roots of the first 8 primes (FIPS 180-4, 5.3.3). */
	*s = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
	                                 0x5be0cd19 } };
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
	const uint8_t *at = data;
	size_t filled = s->n_bytes % BLOCK_BYTES;

	s->n_bytes += len;
	while (len) {
		size_t n = BLOCK_BYTES - filled < len ? BLOCK_BYTES - filled : len;

		memcpy(s->block + filled, at, n);
		filled += n;
		at += n;
		len -= n;
		if (filled == BLOCK_BYTES) {
			mix(s->state, s->block);
			filled = 0;
		}
	}
}

void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES])
{
	static const uint8_t padding[BLOCK_BYTES] = { 0x80 };
	uint64_t n_bits = s->n_bytes * 8;
	uint8_t length[8];

	sha256_add(s, padding, 1 + (BLOCK_BYTES + 55 - s->n_bytes % BLOCK_BYTES) % BLOCK_BYTES);
	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)(n_bits >> (56 - 8 * i));
	sha256_add(s, length, sizeof length);
	for (int i = 0; i < SHA256_BYTES; i++)
		out[i] = (uint8_t)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}

char *hex_text(struct arena *a, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *at = data;
	char *text = arena_array(a, len + 1, 2);

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[at[i] >> 4];
		text[2 * i + 1] = digits[at[i] & 15];
	}
	return text;
}

char *sha256_hex(struct arena *a, const void *data, size_t len)
{
	uint8_t digest[SHA256_BYTES];
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, data, len);
	sha256_end(&s, digest);
	return hex_text(a, digest, sizeof digest);
}

void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA256_BYTES])
{
	uint8_t inner[BLOCK_BYTES] = { 0 }, outer[BLOCK_BYTES];
	struct sha256 s;

	if (key_len > BLOCK_BYTES) {
		sha256_init(&s);
		sha256_add(&s, key, key_len);
		sha256_end(&s, inner);
	} else if (key_len) {
		memcpy(inner, key, key_len);
	}
	for (int i = 0; i < BLOCK_BYTES; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	sha256_init(&s);
	sha256_add(&s, inner, sizeof inner);
	sha256_add(&s, data, len);
	sha256_end(&s, out);
	sha256_init(&s);
	sha256_add(&s, outer, sizeof outer);
	sha256_add(&s, out, SHA256_BYTES);
	sha256_end(&s, out);
	explicit_bzero(inner, sizeof inner);
	explicit_bzero(outer, sizeof outer);
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_text(struct arena *a, const void *data, size_t len)
{
	const uint8_t *at = data;
	char *text = arena_array(a, len / 3 + 2, 4), *to = text;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t group = (uint32_t)at[i] << 16 | (n > 1 ? (uint32_t)at[i + 1] << 8 : 0) | (n > 2 ? at[i + 2] : 0u);

		*to++ = letters[group >> 18];
		*to++ = letters[group >> 12 & 63];
		*to++ = n > 1 ? letters[group >> 6 & 63] : '=';
		*to++ = n > 2 ? letters[group & 63] : '=';
	}
	return text;
}

char *base64url_text(struct arena *a, const void *data, size_t len)
{
	char *text = base64_text(a, data, len), *at = text;

	for (; *at && *at != '='; at++)
		*at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
	*at = '\0';
	return text;
}

void *base64_bytes(struct arena *a, const char *text, size_t *out_len)
{
	size_t len = strlen(text), n_padding = 0, n = 0;
	uint8_t *bytes = arena_array(a, len / 4 + 1, 3);
	uint32_t group = 0;

	while (n_padding < 2 && n_padding < len && text[len - 1 - n_padding] == '=')
		n_padding++;
	if (len % 4)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		const char *letter = strchr(letters, text[i]);

		if (!letter && i < len - n_padding)
			return NULL;
		group = group << 6 | (letter ? (uint32_t)(letter - letters) : 0);
		if (i % 4 == 3) {
			bytes[n++] = (uint8_t)(group >> 16);
			bytes[n++] = (uint8_t)(group >> 8);
			bytes[n++] = (uint8_t)group;
		}
	}
	*out_len = n - n_padding;
	return bytes;
}

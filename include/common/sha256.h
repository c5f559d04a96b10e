/* SHA-256 (FIPS 180-4), HMAC-SHA256 (RFC 2104), base64 and hex. */
#ifndef COMMON_SHA256_H
#define COMMON_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

enum { SHA256_BYTES = 32 };

struct sha256 {
	uint32_t state[8];
	uint64_t n_bytes;
	uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES]);
char *sha256_hex(struct arena *a, const void *data, size_t len);
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[SHA256_BYTES]);
char *hex_text(struct arena *a, const void *data, size_t len);
char *base64_text(struct arena *a, const void *data, size_t len);
char *base64url_text(struct arena *a, const void *data, size_t len); /* RFC 4648 5, without padding */
/* Returns the bytes and sets *out_len, or NULL when it is not base64. */
void *base64_bytes(struct arena *a, const char *text, size_t *out_len);

#endif

/* Signs with a private key (through libcrypto, which sign*.c owns). */
#ifndef COMMON_SIGN_H
#define COMMON_SIGN_H

#include <stddef.h>

#include "common/arena.h"
#include "common/err.h"

/* Has libcrypto at hand, which is loaded when it is first needed. ERR_FATAL: it is not installed, or can't be
 * opened. */
int sign_load(struct err *err) MUST_USE;

/* RSASSA-PKCS1-v1_5 with SHA-256 ("RS256", RFC 7518 3.3). pem: an RSA private key of 2,048 to 16,384 bits without a
 * passphrase, "-----BEGIN PRIVATE KEY-----" or "-----BEGIN RSA PRIVATE KEY-----"; anything else is ERR_CONFIG. */
int sign_rs256(struct arena *a, const char *pem, const void *data, size_t len, const void **out, size_t *out_len,
               struct err *err) MUST_USE;

#endif

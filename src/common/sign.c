#include "common/sign.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

enum { LEAST_BITS = 2048, MOST_BITS = 16384, MAX_PEM_BYTES = 64 << 10 };

static void key_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void context_free(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static void bio_free(BIO **bio)
{
	(void)BIO_free(*bio);
}

/* Called for a key that has a passphrase, which nobody is there to type. */
static int no_passphrase(char *to, int size, int is_for_writing, void *context)
{
	(void)is_for_writing, (void)context;
	memset(to, 0, size > 0 ? (size_t)size : 0);
	return -1;
}

static EVP_PKEY *read_key(const char *pem)
{
	size_t len = strnlen(pem, MAX_PEM_BYTES + 1);
	CLEANUP(bio_free) BIO *bio = len <= MAX_PEM_BYTES ? BIO_new_mem_buf(pem, (int)len) : NULL;

	return bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
}

static int sign(struct arena *a, const char *pem, const void *data, size_t len, const void **out, size_t *out_len,
                struct err *err)
{
	CLEANUP(key_free) EVP_PKEY *key = read_key(pem);
	CLEANUP(context_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char *signature;
	size_t n = 0;

	ERR_clear_error(); /* its texts are about ASN.1, and may quote what was read */
	if (!key || EVP_PKEY_base_id(key) != EVP_PKEY_RSA)
		return err_set(err, ERR_CONFIG, "is no RSA private key in PEM without a passphrase");
	if (EVP_PKEY_bits(key) < LEAST_BITS || EVP_PKEY_bits(key) > MOST_BITS)
		return err_set(err, ERR_CONFIG, "is an RSA key of %d bits, expected %d to %d", EVP_PKEY_bits(key), LEAST_BITS,
		               MOST_BITS);
	if (!context || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(context, NULL, &n, data, len) != 1)
		return err_set(err, ERR_FATAL, "libcrypto can't sign");
	signature = arena_alloc(a, n);
	if (EVP_DigestSign(context, signature, &n, data, len) != 1)
		return err_set(err, ERR_FATAL, "libcrypto can't sign");
	*out = signature;
	*out_len = n;
	return 0;
}

int sign_rs256(struct arena *a, const char *pem, const void *data, size_t len, const void **out, size_t *out_len,
               struct err *err)
{
	return sign_load(err) < 0 ? -1 : sign(a, pem, data, len, out, out_len, err);
}

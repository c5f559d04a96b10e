/* The functions of libcrypto that this program calls, each passed on to the library: see common/late.h. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <openssl/pem.h>

#include "common/late.h"
#include "common/sign.h"

#define TEXT(number) #number
#define TEXT_OF(macro) TEXT(macro)

static struct late_library crypto = { .name = "libcrypto.so." TEXT_OF(OPENSSL_VERSION_MAJOR) };

int sign_load(struct err *err)
{
	return late_load(&crypto, err);
}

BIO *BIO_new_mem_buf(const void *data, int len)
{
	return LATE(crypto, BIO_new_mem_buf)(data, len);
}

int BIO_free(BIO *bio)
{
	return bio ? LATE(crypto, BIO_free)(bio) : 0;
}

void ERR_clear_error(void)
{
	LATE(crypto, ERR_clear_error)();
}

EVP_PKEY *PEM_read_bio_PrivateKey(BIO *bio, EVP_PKEY **key, pem_password_cb *passphrase, void *context)
{
	return LATE(crypto, PEM_read_bio_PrivateKey)(bio, key, passphrase, context);
}

int EVP_PKEY_get_base_id(const EVP_PKEY *key)
{
	return LATE(crypto, EVP_PKEY_get_base_id)(key);
}

int EVP_PKEY_get_bits(const EVP_PKEY *key)
{
	return LATE(crypto, EVP_PKEY_get_bits)(key);
}

void EVP_PKEY_free(EVP_PKEY *key)
{
	if (key)
		LATE(crypto, EVP_PKEY_free)(key);
}

const EVP_MD *EVP_sha256(void)
{
	return LATE(crypto, EVP_sha256)();
}

EVP_MD_CTX *EVP_MD_CTX_new(void)
{
	return LATE(crypto, EVP_MD_CTX_new)();
}

void EVP_MD_CTX_free(EVP_MD_CTX *context)
{
	if (context)
		LATE(crypto, EVP_MD_CTX_free)(context);
}

int EVP_DigestInit_ex(EVP_MD_CTX *context, const EVP_MD *kind, ENGINE *engine)
{
	return LATE(crypto, EVP_DigestInit_ex)(context, kind, engine);
}

int EVP_DigestUpdate(EVP_MD_CTX *context, const void *data, size_t len)
{
	return LATE(crypto, EVP_DigestUpdate)(context, data, len);
}

int EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *digest, unsigned *len)
{
	return LATE(crypto, EVP_DigestFinal_ex)(context, digest, len);
}

int EVP_DigestSignInit(EVP_MD_CTX *context, EVP_PKEY_CTX **of_key, const EVP_MD *kind, ENGINE *engine, EVP_PKEY *key)
{
	return LATE(crypto, EVP_DigestSignInit)(context, of_key, kind, engine, key);
}

int EVP_DigestSign(EVP_MD_CTX *context, unsigned char *out, size_t *out_len, const unsigned char *data, size_t len)
{
	return LATE(crypto, EVP_DigestSign)(context, out, out_len, data, len);
}

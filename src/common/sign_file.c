#include "common/file_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/sha256.h"
#include "common/sign.h"

enum { READ_BYTES = 128 * 1024 };

static void context_free(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static int hash_file(struct arena *a, const char *path, const char *before, const char **out_hex, int64_t *out_bytes,
                     struct err *err)
{
	CLEANUP(close_fd) const int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP(context_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t digest[SHA256_BYTES], piece[READ_BYTES];
	bool is_fine = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
	               EVP_DigestUpdate(context, before, strlen(before)) == 1;
	int64_t n_bytes = 0;
	ssize_t n;

	if (fd < 0)
		return err_errno(err, ERR_INPUT, "%s", path);
	while (is_fine && (n = read(fd, piece, sizeof piece)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_INPUT, "%s", path);
		is_fine = EVP_DigestUpdate(context, piece, (size_t)n) == 1;
		n_bytes += n;
	}
	if (!is_fine || EVP_DigestFinal_ex(context, digest, NULL) != 1)
		return err_set(err, ERR_FATAL, "libcrypto can't hash");
	*out_hex = hex_text(a, digest, sizeof digest);
	*out_bytes = n_bytes;
	return 0;
}

int file_hash(struct arena *a, const char *path, const char *before, const char **out_hex, int64_t *out_bytes,
              struct err *err)
{
	return sign_load(err) < 0 ? -1 : hash_file(a, path, before, out_hex, out_bytes, err);
}

#include "gzip.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/unpack.h"
#include "web/web.h"

/* From file to file, in memory: unpacking knows files only. */
static int fill(int fd, const char *body, size_t len, struct err *err)
{
	while (len) {
		ssize_t n = write(fd, body, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(err, ERR_RETRY, "unpack");
		body += n;
		len -= (size_t)n;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? err_errno(err, ERR_RETRY, "unpack") : 0;
}

static int read_back(int fd, struct arena *a, const char **out, size_t *out_len, struct err *err)
{
	struct stat st;
	char *data;

	if (fstat(fd, &st) < 0)
		return err_errno(err, ERR_RETRY, "unpack");
	if (st.st_size > WEB_MAX_BODY)
		return err_set(err, ERR_INPUT, "is more than %d bytes unpacked", WEB_MAX_BODY);
	data = arena_alloc(a, (size_t)st.st_size + 1);
	if (pread(fd, data, (size_t)st.st_size, 0) != st.st_size)
		return err_set(err, ERR_RETRY, "unpack: cut short");
	*out = data;
	*out_len = (size_t)st.st_size;
	return 0;
}

int gzip_unpack(struct arena *a, const char *body, size_t len, const char **out, size_t *out_len, struct err *err)
{
	static const unsigned char magic[] = { 0x1f, 0x8b };
	const struct unpack_settings settings = { .is_gzip = true, .max_bytes = WEB_MAX_BODY };
	CLEANUP(fd_closep) int from = memfd_create("packed", MFD_CLOEXEC);
	CLEANUP(fd_closep) int to = memfd_create("unpacked", MFD_CLOEXEC);
	CLEANUP(unpack_freep) struct unpack *u = NULL;
	int rc;

	if (len < sizeof magic || (unsigned char)body[0] != magic[0] || (unsigned char)body[1] != magic[1])
		return err_set(err, ERR_INPUT, "is no gzip");
	if (from < 0 || to < 0)
		return err_errno(err, ERR_RETRY, "unpack");
	if (fill(from, body, len, err) < 0 || unpack_open(&settings, from, &u, err) < 0)
		return -1;
	rc = unpack_next(u, to, err);
	return rc < 0 ? -1 : read_back(to, a, out, out_len, err);
}

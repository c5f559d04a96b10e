#include "common/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fd_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

void folder_closep(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}

/* Where the file system knows no files without a name: one that loses it at once. */
static int make_and_unlink(const char *folder)
{
	char path[PATH_MAX];
	int fd = -1, n = snprintf(path, sizeof path, "%s/.part-XXXXXX", folder);

	if (n > 0 && (size_t)n < sizeof path)
		fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

const char *folder_holding(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return !slash ? "." : slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

int fd_nameless(const char *folder, struct err *err)
{
	int fd = folder ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : memfd_create("nameless", MFD_CLOEXEC);

	if (fd < 0 && folder && (errno == EOPNOTSUPP || errno == EISDIR))
		fd = make_and_unlink(folder);
	return fd < 0 ? err_errno(err, ERR_FATAL, "%s: no file can be made there", folder ? folder : "memory") : fd;
}

int fd_write(int fd, const void *data, size_t len, struct err *err)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_FATAL, "a file can't be written");
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_rewind(int fd, bool is_emptied, struct err *err)
{
	if (lseek(fd, 0, SEEK_SET) < 0 || (is_emptied && ftruncate(fd, 0) < 0))
		return err_errno(err, ERR_FATAL, "a file can't be read from its beginning");
	return 0;
}

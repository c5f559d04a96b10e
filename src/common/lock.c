#include "common/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void lock_release(int *lock)
{
	if (*lock >= 0)
		(void)close(*lock);
	*lock = -1;
}

static int say_who(const char *path, int fd, struct err *err)
{
	char holder[32] = "";

	if (read(fd, holder, sizeof holder - 1) <= 0)
		return err_set(err, ERR_RETRY, "another process holds %s", path);
	holder[strcspn(holder, "\n")] = '\0';
	return err_set(err, ERR_RETRY, "process %s holds %s", holder, path);
}

int lock_take(const char *path, int *out, struct err *err)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	CLEANUP(lock_release) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_errno(err, ERR_CONFIG, "open %s", path);
	if (fcntl(fd, F_OFD_SETLK, &whole) < 0)
		return errno == EAGAIN || errno == EACCES ? say_who(path, fd, err) : err_errno(err, ERR_FATAL, "lock %s", path);
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		return err_errno(err, ERR_FATAL, "write %s", path);
	*out = fd;
	fd = -1;
	return 0;
}

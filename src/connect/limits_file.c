#include "limits_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The lock goes with the process that holds it, so whoever waits waits for microseconds. */
static void set_lock(const struct limits_file *f, short type)
{
	struct flock whole = { .l_type = type, .l_whence = SEEK_SET };

	while (f->fd >= 0 && fcntl(f->fd, F_OFD_SETLKW, &whole) < 0)
		if (errno != EINTR)
			die("the file of limits can't be locked: %s", strerror(errno));
}

void limits_file_lock(const struct limits_file *f)
{
	set_lock(f, F_WRLCK);
}

void limits_file_unlock(const struct limits_file *f)
{
	set_lock(f, F_UNLCK);
}

static void release(void *file)
{
	struct limits_file *f = file;

	(void)munmap(f->state, sizeof *f->state);
	(void)close(f->fd);
}

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* A file of another size is of another version. Its blocks are there beforehand: a page that can't be written would end
 * the process. */
static int size_file(const struct limits_file *f, const char *path, struct err *err)
{
	struct stat st;
	int rc;

	if (fstat(f->fd, &st) < 0)
		return err_errno(err, ERR_FATAL, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return err_set(err, ERR_CONFIG, "%s: must be a plain file of this user", path);
	if (st.st_size == (off_t)sizeof *f->state)
		return 0;
	if (ftruncate(f->fd, 0) < 0)
		return err_errno(err, ERR_FATAL, "%s", path);
	rc = posix_fallocate(f->fd, 0, (off_t)sizeof *f->state);
	return rc ? err_set(err, ERR_RETRY, "%s: %s", path, strerror(rc)) : 0;
}

static int map_file(struct limits_file *f, const char *path, const char *made_for, struct err *err)
{
	void *at;

	if (size_file(f, path, err) < 0)
		return -1;
	at = mmap(NULL, sizeof *f->state, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	if (at == MAP_FAILED)
		return err_errno(err, ERR_FATAL, "%s", path);
	f->state = at;
	if (strncmp(f->state->made_for, made_for, MADE_FOR_BYTES) == 0)
		return 0;
	memset(f->state, 0, sizeof *f->state);
	(void)stpncpy(f->state->made_for, made_for, MADE_FOR_BYTES - 1);
	return 0;
}

int limits_file_open(const char *path, const char *made_for, struct arena *a, struct limits_file *out, struct err *err)
{
	CLEANUP(close_fd) int fd = -1;
	struct limits_file *f = arena_alloc(a, sizeof *f);
	int rc;

	f->fd = -1;
	if (path)
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (path && fd < 0 && errno != ENOENT)
		return err_errno(err, ERR_CONFIG, "open %s", path);
	if (fd < 0) {
		f->state = arena_alloc(a, sizeof *f->state);
		*out = *f;
		return 0;
	}
	f->fd = fd;
	limits_file_lock(f);
	rc = map_file(f, path, made_for, err);
	limits_file_unlock(f);
	if (rc < 0)
		return -1;
	fd = -1;
	arena_on_free(a, release, f);
	*out = *f;
	return 0;
}

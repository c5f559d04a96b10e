#include "limits_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_TRIES = 10 };

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

/* Returns 1 when the file is as it must be, 0 when it went away, or had to, and is to be made anew: one of another size
 * is of another version, whose processes may still use it. Its blocks are there beforehand: a page that can't be
 * written would end the process. */
static int size_file(const struct limits_file *f, const char *path, struct err *err)
{
	struct stat st;
	int rc;

	if (fstat(f->fd, &st) < 0)
		return err_errno(err, ERR_FATAL, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return err_set(err, ERR_CONFIG, "%s: must be a plain file of this user", path);
	if (st.st_nlink == 0)
		return 0;
	if (st.st_size == (off_t)sizeof *f->state)
		return 1;
	if (st.st_size != 0)
		return unlink(path) < 0 ? err_errno(err, ERR_CONFIG, "%s", path) : 0;
	rc = posix_fallocate(f->fd, 0, (off_t)sizeof *f->state);
	return rc ? err_set(err, ERR_RETRY, "%s: %s", path, strerror(rc)) : 1;
}

static int map_file(struct limits_file *f, const char *path, const char *made_for, struct err *err)
{
	int rc = size_file(f, path, err);
	void *at;

	if (rc <= 0)
		return rc;
	at = mmap(NULL, sizeof *f->state, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	if (at == MAP_FAILED)
		return err_errno(err, ERR_FATAL, "%s", path);
	f->state = at;
	if (strncmp(f->state->made_for, made_for, MADE_FOR_BYTES) == 0)
		return 1;
	memset(f->state, 0, sizeof *f->state);
	(void)stpncpy(f->state->made_for, made_for, MADE_FOR_BYTES - 1);
	return 1;
}

/* Returns 1, or 0 when its folder isn't there or it was made anew meanwhile. */
static int try_open(struct limits_file *f, const char *path, const char *made_for, bool *has_folder, struct err *err)
{
	CLEANUP(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	*has_folder = fd >= 0 || errno != ENOENT;
	if (fd < 0)
		return *has_folder ? err_errno(err, ERR_CONFIG, "open %s", path) : 0;
	f->fd = fd;
	limits_file_lock(f);
	rc = map_file(f, path, made_for, err);
	limits_file_unlock(f);
	if (rc == 1)
		fd = -1;
	else
		f->fd = -1;
	return rc;
}

int limits_file_open(const char *path, const char *made_for, struct arena *a, struct limits_file *out, struct err *err)
{
	struct limits_file *f = arena_alloc(a, sizeof *f);
	bool has_folder = path != NULL;
	int rc = 0;

	f->fd = -1;
	for (int i = 0; i < MAX_TRIES && has_folder && rc == 0; i++)
		rc = try_open(f, path, made_for, &has_folder, err);
	if (rc < 0)
		return -1;
	if (rc == 1)
		arena_on_free(a, release, f);
	else if (!has_folder)
		f->state = arena_alloc(a, sizeof *f->state);
	else
		return err_set(err, ERR_RETRY, "%s: other processes make it anew all the time", path);
	*out = *f;
	return 0;
}

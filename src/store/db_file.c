#include "db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { CIFS_MAGIC = 0x517B };

/* Makes the missing folders above path, each for us alone. */
static int make_folders(struct arena *a, const char *path, struct err *err)
{
	char *folder = arena_strdup(a, path);

	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, 0700) == 0) {
			if (chmod(folder, 0700) < 0) /* whatever the umask */
				return err_errno(err, ERR_CONFIG, "%s", folder);
		} else if (errno != EEXIST) {
			return err_errno(err, ERR_CONFIG, "%s: the folder can't be made", folder);
		}
		*slash = '/';
	}
	return 0;
}

static int make_file(struct arena *a, const char *path, struct err *err)
{
	int fd;

	if (make_folders(a, path, err) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : err_errno(err, ERR_CONFIG, "%s: the database can't be made", path);
	if (fchmod(fd, 0600) < 0) {
		close(fd);
		return err_errno(err, ERR_CONFIG, "%s", path);
	}
	close(fd); /* no lock can be lost by it: the file is new */
	return 0;
}

/* Locks and shared memory of WAL do not work over a network. */
static int check_file_system(const char *path, struct err *err)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return err_errno(err, ERR_CONFIG, "%s", path);
	switch ((unsigned)fs.f_type) {
	case NFS_SUPER_MAGIC:
	case CIFS_MAGIC:
	case 0xFF534D42u:
	case 0xFE534D42u:
		return err_set(err, ERR_CONFIG, "%s: lies on a network file system; it must be a local disk", path);
	default: return 0;
	}
}

/* Looked at by name: opening and closing it would drop the locks that another connection of this process holds. */
int db_file_check(struct arena *a, const char *path, enum db_mode mode, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno != ENOENT)
			return err_errno(err, ERR_CONFIG, "%s", path);
		if (mode == DB_READ)
			return err_set(err, ERR_CONFIG,
			               "%s: there is no database yet; `retaind migrate` or `retaind pull` makes it", path);
		if (make_file(a, path, err) < 0)
			return -1;
		if (lstat(path, &st) < 0)
			return err_errno(err, ERR_CONFIG, "%s", path);
	}
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "%s: is not a plain file", path);
	if (st.st_uid != geteuid())
		return err_set(err, ERR_CONFIG, "%s: belongs to user %u, not to %u; run this as that user (sudo -u)", path,
		               st.st_uid, geteuid());
	if ((st.st_mode & 077) && chmod(path, 0600) < 0)
		return err_errno(err, ERR_CONFIG, "%s: others may read it, and it can't be changed", path);
	return check_file_system(path, err);
}

int db_file_settle(struct arena *a, const char *from, const char *to, struct err *err)
{
	char *folder = arena_strdup(a, to);
	char *slash = strrchr(folder, '/');
	int fd = open(from, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, ERR_FATAL, "%s", from);
	if (fsync(fd) < 0) {
		close(fd);
		return err_errno(err, ERR_FATAL, "%s", from);
	}
	close(fd);
	if (rename(from, to) < 0)
		return err_errno(err, ERR_FATAL, "%s", to);
	if (slash)
		slash[slash == folder] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, ERR_FATAL, "%s", folder);
	if (fsync(fd) < 0) {
		close(fd);
		return err_errno(err, ERR_FATAL, "%s", folder);
	}
	close(fd);
	return 0;
}

bool db_file_is_same(const char *one, const char *other)
{
	struct stat a, b;

	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

void db_journals_in_memory(void)
{
	enum { JOURNAL_BYTES = 120 * 1024 }; /* taken and, beyond, written at once, where SQLite's limit is below 128 KiB */

	(void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, JOURNAL_BYTES); /* refused behind the first connection */
}

#include "weights_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/text.h"

enum { MAX_VERSION = 9999 };

/* The highest number among NNNN.yaml; 0 when there is none. */
static int64_t last_version(DIR *folder, struct arena *a)
{
	const struct dirent *entry;
	int64_t last = 0;

	while ((entry = readdir(folder))) {
		const char *dot = strchr(entry->d_name, '.');
		int64_t version;

		if (dot && strcmp(dot, ".yaml") == 0 &&
		    text_to_int(arena_strndup(a, entry->d_name, (size_t)(dot - entry->d_name)), &version) && version > last)
			last = version;
	}
	return last;
}

/* A draft of this process alone, then its name, which must be free. */
static int put(const char *path, const char *text, size_t len, struct arena *a, struct err *err)
{
	const char *draft = arena_printf(a, "%s.%ld.new", path, (long)getpid());
	CLEANUP(fd_closep) int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = 0;

	if (fd < 0)
		return err_errno(err, ERR_FATAL, "%s", draft);
	if (fd_write(fd, text, len, err) < 0)
		rc = -1;
	else if (fsync(fd) < 0 || link(draft, path) < 0)
		rc = err_errno(err, ERR_FATAL, "%s", path);
	(void)unlink(draft);
	return rc;
}

int weights_file_put(const struct org_settings *org, const char *text, size_t len, struct arena *a,
                     const char **out_path, struct err *err)
{
	const char *path = beside_database(a, org, "weights");
	CLEANUP(folder_closep) DIR *folder = NULL;
	int64_t version;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_errno(err, ERR_FATAL, "%s", path);
	folder = opendir(path);
	if (!folder)
		return err_errno(err, ERR_FATAL, "%s", path);
	version = last_version(folder, a) + 1;
	if (version > MAX_VERSION)
		return err_set(err, ERR_CONFIG, "%s holds version %d, there is no next one", path, MAX_VERSION);
	path = arena_printf(a, "%s/%04lld.yaml", path, (long long)version);
	if (put(path, text, len, a, err) < 0 || fsync(dirfd(folder)) < 0)
		return err->kind == ERR_NONE ? err_errno(err, ERR_FATAL, "%s", path) : -1;
	*out_path = path;
	return 0;
}

/* The configuration in force is a copy in the state folder: what an editor leaves half written in the real one reaches
 * no child until a reload has found it good. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "run.h"

enum { MAX_DEPTH = 2, MAX_FILES = 5000, MAX_FILE_BYTES = 4 << 20, MAX_OPEN = 8 };

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static int copy_file(const char *from, const char *to, struct err *err)
{
	CLEANUP(fd_closep) int in = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	CLEANUP(fd_closep) int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char block[16 * 1024];
	size_t len = 0;
	ssize_t n;

	if (in < 0 || out < 0)
		return err_errno(err, ERR_RETRY, "copy %s", from);
	while ((n = read(in, block, sizeof block)) > 0 && (len += (size_t)n) <= MAX_FILE_BYTES)
		if (write(out, block, (size_t)n) != n)
			return err_errno(err, ERR_RETRY, "write %s", to);
	if (n < 0)
		return err_errno(err, ERR_RETRY, "read %s", from);
	return n > 0 ? err_set(err, ERR_CONFIG, "%s is larger than %d bytes", from, MAX_FILE_BYTES) : 0;
}

/* What a configuration is made of; secrets that lie beside it stay there. */
static bool is_wanted(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' &&
	       ((n > 5 && strcmp(name + n - 5, ".yaml") == 0) || (n > 4 && strcmp(name + n - 4, ".ics") == 0));
}

static int copy_folder(struct arena *a, const char *from, const char *to, int depth, int *n_files, struct err *err)
{
	CLEANUP(folder_closep) DIR *folder = opendir(from);
	struct dirent *entry;

	if (folder == NULL || mkdir(to, 0700) < 0)
		return err_errno(err, ERR_RETRY, "copy %s to %s", from, to);
	while ((entry = readdir(folder)) != NULL) {
		const char *source = arena_printf(a, "%s/%s", from, entry->d_name),
			   *target = arena_printf(a, "%s/%s", to, entry->d_name);
		struct stat st;

		if (entry->d_name[0] == '.' || stat(source, &st) < 0)
			continue;
		if (++*n_files > MAX_FILES)
			return err_set(err, ERR_CONFIG, "%s: more than %d files", from, MAX_FILES);
		if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH) {
			if (copy_folder(a, source, target, depth + 1, n_files, err) < 0)
				return -1;
		} else if (S_ISREG(st.st_mode) && is_wanted(entry->d_name) && copy_file(source, target, err) < 0) {
			return -1;
		}
	}
	return 0;
}

int run_config_copy(const char *from, const char *to, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	int n_files = 0;

	if (nftw(to, remove_one, MAX_OPEN, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		return err_errno(err, ERR_RETRY, "remove %s", to);
	return copy_folder(a, from, to, 0, &n_files, err);
}

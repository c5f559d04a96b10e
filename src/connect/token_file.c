#include "token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json.h"

enum { MAX_FILE_BYTES = 128 << 10 };

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static void wipe(struct buf *b)
{
	explicit_bzero(b->at, b->len);
	buf_done(b);
}

/* folders ---------------------------------------------------------------------------------------------------------- */

static int open_folder(const char *path, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *slash = strrchr(path, '/');
	const char *folder = arena_strndup(a, path, (size_t)(slash - path));
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? fd : err_errno(err, ERR_CONFIG, "%s", folder);
}

int token_folder(const char *path, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(close_fd) int fd = -1;
	char *folder = arena_strdup(a, path);
	struct stat st;

	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, 0700) < 0 && errno != EEXIST)
			return err_errno(err, ERR_CONFIG, "%s: the folder for tokens can't be made", folder);
		*slash = '/';
	}
	fd = open_folder(path, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || ((st.st_mode & 077) && fchmod(fd, 0700) < 0))
		return err_errno(err, ERR_CONFIG, "%s: others may look into its folder, and that can't be changed", path);
	return 0;
}

/* reading ---------------------------------------------------------------------------------------------------------- */

static int read_whole(const char *path, struct buf *out, struct err *err)
{
	CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	char piece[4096];
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, ERR_CONFIG, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return err_set(err, ERR_CONFIG, "%s: must be a plain file of this user that nobody else may read (chmod 600)",
		               path);
	while ((n = read(fd, piece, sizeof piece)) > 0)
		buf_add(out, piece, (size_t)n);
	explicit_bzero(piece, sizeof piece);
	return n < 0 ? err_errno(err, ERR_CONFIG, "%s", path) : 1;
}

static const char *text_at(const struct json *j, const char *name)
{
	return json_text(json_member(j, name));
}

int token_load(const char *path, struct arena *a, struct token *out, struct err *err)
{
	CLEANUP(wipe) struct buf b;
	const struct json *j;
	struct token t = { 0 };
	int rc;

	buf_init(&b, MAX_FILE_BYTES);
	rc = read_whole(path, &b, err);
	if (rc <= 0)
		return rc;
	/* The reason of a failed parse may quote a token. */
	if (b.is_full || json_parse(a, b.at, b.len, &j, err) < 0 || !text_at(j, "seed"))
		return err_set(err, ERR_CONFIG, "%s: is no file of tokens; remove it and give the source new secrets", path);
	t.seed = text_at(j, "seed");
	t.access = text_at(j, "access");
	t.refresh = text_at(j, "refresh");
	t.base_url = text_at(j, "base_url");
	(void)json_int(json_member(j, "fresh_until"), &t.fresh_until);
	(void)json_int(json_member(j, "asked_at"), &t.asked_at);
	*out = t;
	return 1;
}

/* writing ---------------------------------------------------------------------------------------------------------- */

static int write_text(const struct token *t, struct buf *b, struct err *err)
{
	struct json_out o = json_out_to(b);

	json_open_object(&o, NULL);
	json_put_text(&o, "seed", t->seed);
	json_put_text(&o, "access", t->access);
	json_put_text(&o, "refresh", t->refresh);
	json_put_text(&o, "base_url", t->base_url);
	json_put_int(&o, "fresh_until", t->fresh_until);
	json_put_int(&o, "asked_at", t->asked_at);
	json_close_object(&o);
	buf_char(b, '\n');
	return b->is_full ? err_set(err, ERR_CONFIG, "the tokens are longer than %d bytes", MAX_FILE_BYTES) : 0;
}

static int write_all(int fd, const struct buf *b)
{
	for (size_t done = 0; done < b->len;) {
		ssize_t n = write(fd, b->at + done, b->len - done);

		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd);
}

int token_save(const char *path, const struct token *t, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(wipe) struct buf b;
	CLEANUP(close_fd) int folder = -1;
	CLEANUP(close_fd) int fd = -1;
	const char *name = strrchr(path, '/') + 1, *new_name = arena_printf(a, "%s.new", name);

	buf_init(&b, MAX_FILE_BYTES);
	if (write_text(t, &b, err) < 0)
		return -1;
	folder = open_folder(path, err);
	if (folder < 0)
		return -1;
	if (unlinkat(folder, new_name, 0) < 0 && errno != ENOENT) /* left by a process that was killed */
		return err_errno(err, ERR_CONFIG, "%s.new", path);
	fd = openat(folder, new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || write_all(fd, &b) < 0 || renameat(folder, new_name, folder, name) < 0 || fsync(folder) < 0)
		return err_errno(err, ERR_CONFIG, "%s: the new tokens can't be kept", path);
	return 0;
}

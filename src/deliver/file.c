#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"

enum { MAX_NAME = 200 };

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static int make_folder(struct arena *a, const char *folder, struct err *err)
{
	char *path = arena_strdup(a, folder);

	for (char *c = path + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return err_errno(err, ERR_RETRY, "%s", path);
		*c = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_errno(err, ERR_RETRY, "%s", path);
	return 0;
}

static int write_all(int fd, const char *data, size_t len, struct err *err)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_RETRY, "write");
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A name of one file in the folder: it must not lead out, hide, or be taken for a half-written one. */
static bool is_plain_name(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > MAX_NAME || name[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] == '/' || (unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return true;
}

/* Whole or not at all: the bytes are on disk before the name is there, and the name before we say so. */
static int put_file(struct arena *a, const char *folder, const char *name, const char *key, const void *body,
                    size_t len, struct err *err)
{
	CLEANUP(close_fd) int dir = -1;
	CLEANUP(close_fd) int fd = -1;
	const char *partial = arena_printf(a, ".%s.%.8s.part", name, key);

	if (make_folder(a, folder, err) < 0)
		return -1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, ERR_RETRY, "%s", folder);
	fd = openat(dir, partial, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, ERR_RETRY, "%s/%s", folder, partial);
	if (write_all(fd, body, len, err) < 0)
		return err_in(err, "%s/%s", folder, partial);
	if (fsync(fd) < 0 || renameat(dir, partial, dir, name) < 0 || fsync(dir) < 0)
		return err_errno(err, ERR_RETRY, "%s/%s", folder, name);
	return 0;
}

static void send_one(const struct channel_job *job, struct arena *a, struct verdict *out)
{
	const struct outbox_message *m = job->message;
	const char *name = m->recipient ? m->recipient : arena_printf(a, "%.16s.txt", m->delivery_key);
	struct err err;
	size_t len;
	const void *body = channel_body(m, &len);

	if (!is_plain_name(name)) {
		*out = verdict_of(DELIVERY_DEAD, 0, arena_printf(a, "\"%s\" is not a plain file name", name));
		return;
	}
	/* Writing again gives the same file, so a failure is never ambiguous. */
	if (put_file(a, job->channel->folder, name, m->delivery_key, body, len, &err) < 0) {
		*out = verdict_of_failure(false, &err);
		return;
	}
	*out = verdict_of(DELIVERY_SENT, 0, NULL);
	(void)snprintf(out->provider_ref, sizeof out->provider_ref, "%s", name);
}

static int notice(struct arena *a, const struct channel_settings *c, const struct notice *n, struct buf *body,
                  struct outbox_message *out, struct err *err)
{
	(void)c;
	(void)err;
	out->recipient = arena_printf(a, "notice-%lld-%.8s.txt", (long long)n->now, n->key);
	buf_printf(body, "%s\n\n%s\n", n->subject, n->text);
	return 0;
}

static const struct channel_key keys[] = { { "folder", true, false }, { NULL, false, false } };

const struct channel_type file_channel = {
	.keys = keys, .to = TO_FILE, .is_repeatable = true, .send = send_one, .notice = notice,
};

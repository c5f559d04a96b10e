#include "config/secret.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/text.h"

enum { SECRET_MAX_BYTES = 64 * 1024, NAME_MAX_BYTES = 128 };

struct secret {
	char *at;
	size_t size;
};

const char *environment(const char *name)
{
	return getenv(name);
}

static bool is_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(text);

	return len > 0 && len <= NAME_MAX_BYTES && text[0] != '.' && strspn(text, allowed) == len;
}

static void wipe(void *thing)
{
	struct secret *s = thing;

	explicit_bzero(s->at, s->size);
}

/* Room in the arena that is wiped when the arena goes. */
static struct secret *secret_new(struct arena *a, size_t size)
{
	struct secret *s = arena_alloc(a, sizeof *s);

	s->at = arena_alloc(a, size + 1);
	s->size = size + 1;
	arena_on_free(a, wipe, s);
	return s;
}

/* Takes the one line end away that editors put there, and says whether the rest is a value. */
static int finish(struct secret *s, size_t len, const char **out, struct err *err)
{
	if (len && s->at[len - 1] == '\n')
		s->at[--len] = '\0';
	if (len && s->at[len - 1] == '\r')
		s->at[--len] = '\0';
	if (!len)
		return err_set(err, ERR_CONFIG, "is empty");
	if (strlen(s->at) != len)
		return err_set(err, ERR_CONFIG, "has a NUL character in it");
	*out = s->at;
	return 0;
}

/* is_private: it must be ours and closed to everybody else. What systemd hands over has access lists of its own. */
static int read_file(struct arena *a, const char *path, bool is_private, const char **out, struct err *err)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct secret *s;
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, ERR_CONFIG, "can't be read");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "is not a file");
	if (is_private && st.st_uid != geteuid())
		return err_set(err, ERR_CONFIG, "belongs to user %u, expected %u (who runs this)", (unsigned)st.st_uid,
		               (unsigned)geteuid());
	if (is_private && (st.st_mode & 077))
		return err_set(err, ERR_CONFIG, "has mode %04o, expected 0600 or stricter", (unsigned)(st.st_mode & 07777));
	if (st.st_size > SECRET_MAX_BYTES)
		return err_set(err, ERR_CONFIG, "is larger than 64 KiB");
	s = secret_new(a, SECRET_MAX_BYTES);
	while (len < SECRET_MAX_BYTES && (n = read(fd, s->at + len, SECRET_MAX_BYTES - len)) != 0) {
		if (n < 0)
			return err_errno(err, ERR_CONFIG, "can't be read");
		len += (size_t)n;
	}
	return finish(s, len, out, err);
}

static int read_credential(struct arena *a, const char *name, const char **out, struct err *err)
{
	const char *dir = environment("CREDENTIALS_DIRECTORY");

	if (!is_name(name))
		return err_set(err, ERR_CONFIG, "is not a name, expected letters, digits, _ . and -");
	if (!dir)
		return err_set(err, ERR_CONFIG, "there is no $CREDENTIALS_DIRECTORY, expected systemd's LoadCredential=%s:PATH",
		               name);
	return read_file(a, arena_printf(a, "%s/%s", dir, name), false, out, err);
}

static int read_private_file(struct arena *a, const char *path, const char **out, struct err *err)
{
	if (path[0] != '/')
		return err_set(err, ERR_CONFIG, "is a relative path, expected one from /");
	return read_file(a, path, true, out, err);
}

static int read_variable(struct arena *a, const char *name, const char **out, struct err *err)
{
	const char *value = environment(name);
	size_t len = value ? strlen(value) : 0;
	struct secret *s;

	if (!value)
		return err_set(err, ERR_CONFIG, "is not set");
	if (len > SECRET_MAX_BYTES)
		return err_set(err, ERR_CONFIG, "is larger than 64 KiB");
	s = secret_new(a, len);
	memcpy(s->at, value, len);
	return finish(s, len, out, err);
}

static const struct {
	const char *prefix;
	int (*read)(struct arena *a, const char *rest, const char **out, struct err *err);
} kinds[] = {
	{ "credential:", read_credential },
	{ "file:", read_private_file },
	{ "env:", read_variable },
};

bool secret_is_reference(const char *text)
{
	for (size_t i = 0; text && i < ARRAY_LEN(kinds); i++)
		if (text_starts(text, kinds[i].prefix) && text[strlen(kinds[i].prefix)])
			return true;
	return false;
}

int secret_read(struct arena *a, const char *reference, const char **out, struct err *err)
{
	for (size_t i = 0; reference && i < ARRAY_LEN(kinds); i++) {
		if (!text_starts(reference, kinds[i].prefix))
			continue;
		if (kinds[i].read(a, reference + strlen(kinds[i].prefix), out, err) < 0)
			return err_in(err, "secret %s", reference);
		return 0;
	}
	/* What is no reference may be the secret itself: it is not shown. */
	return err_set(err, ERR_CONFIG, "a secret is not a reference, expected credential:NAME, file:PATH or env:NAME");
}

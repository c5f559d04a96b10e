/* The files of the configuration folder: each is read once, is kept for hashes, and only its owner may write to it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/sha256.h"
#include "common/text.h"
#include "load.h"

enum { FILE_MAX_BYTES = 1 << 20, FILES_MAX = 1000 };

static struct config_file *known_file(const struct loading *l, const char *name)
{
	for (struct config_file *f = l->files; f; f = f->next)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

/* Whether the file at hand may be read, by what stat says. */
static bool is_acceptable(struct loading *l, const struct yaml *where, const struct stat *st)
{
	if (!S_ISREG(st->st_mode)) {
		mistake_at(l->mistakes, where, "not a file, expected one");
		return false;
	}
	if (st->st_size > FILE_MAX_BYTES) {
		mistake_at(l->mistakes, where, "more than 1 MiB, expected a smaller file");
		return false;
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		mistake_at(l->mistakes, where, "others may write to it (mode %04o), expected 0644 or stricter: chmod go-w",
		           (unsigned)(st->st_mode & 07777));
	return true;
}

static bool read_bytes(struct loading *l, int fd, size_t size, const struct yaml *where, struct config_file *f)
{
	char *at = arena_alloc(l->arena, size + 1);
	ssize_t n = 0;

	while (f->len < size && (n = read(fd, at + f->len, size - f->len)) > 0)
		f->len += (size_t)n;
	f->text = at;
	if (n < 0)
		mistake_at(l->mistakes, where, "can't be read (%s)", strerror(errno));
	return n >= 0;
}

static const struct config_file *read_new(struct loading *l, const char *name, const char *path, const char *what)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const struct yaml where = { .file = path, .path = "", .line = 1 };
	struct config_file *f;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		mistake_at(l->mistakes, &where, "can't be read (%s), expected %s", strerror(errno), what);
		return NULL;
	}
	f = arena_alloc(l->arena, sizeof *f);
	*f = (struct config_file){ .name = arena_strdup(l->arena, name), .path = path, .next = l->files };
	if (!is_acceptable(l, &where, &st) || !read_bytes(l, fd, (size_t)st.st_size, &where, f))
		return NULL;
	l->files = f;
	return f;
}

const struct config_file *config_file_at(struct loading *l, const char *name, const char *path, const char *what)
{
	const struct config_file *known = known_file(l, name);

	return known ? known : read_new(l, name, path, what);
}

const struct config_file *config_file(struct loading *l, const char *name, const char *what)
{
	return config_file_at(l, name, arena_printf(l->arena, "%s/%s", l->dir, name), what);
}

const struct yaml *config_yaml(struct loading *l, const char *name, const char *what)
{
	const struct config_file *f = config_file(l, name, what);

	return f ? yaml_parse(l->arena, f->path, f->text, f->len, l->mistakes) : NULL;
}

static bool ends_with(const char *name, const char *const *endings, size_t n)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < n; i++) {
		size_t ending = strlen(endings[i]);

		if (len > ending && name[0] != '.' && strcmp(name + len - ending, endings[i]) == 0)
			return true;
	}
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct texts files_of(struct loading *l, const char *path, const char *const *endings, size_t n)
{
	CLEANUP(folder_closep) DIR *d = opendir(path);
	struct texts out = { .at = arena_array(l->arena, FILES_MAX, sizeof *out.at) };
	const struct yaml where = { .file = path, .path = "", .line = 1 };
	const struct dirent *entry;

	if (!d && errno != ENOENT)
		mistake_at(l->mistakes, &where, "can't be read (%s), expected a folder", strerror(errno));
	while (d && (entry = readdir(d))) {
		if (!ends_with(entry->d_name, endings, n))
			continue;
		if (out.n == FILES_MAX) {
			mistake_at(l->mistakes, &where, "more than %d files, expected fewer", FILES_MAX);
			break;
		}
		out.at[out.n++] = arena_strdup(l->arena, entry->d_name);
	}
	qsort(out.at, out.n, sizeof *out.at, by_text);
	return out;
}

struct texts config_list(struct loading *l, const char *folder, const char *const *endings, size_t n)
{
	struct texts out = files_of(l, arena_printf(l->arena, "%s/%s", l->dir, folder), endings, n);

	for (size_t i = 0; i < out.n; i++)
		out.at[i] = arena_printf(l->arena, "%s/%s", folder, out.at[i]);
	return out;
}

const char *config_stem(struct arena *a, const char *name)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name, *dot = strrchr(base, '.');

	return dot ? arena_strndup(a, base, (size_t)(dot - base)) : arena_strdup(a, base);
}

const char *config_hash(const struct loading *l, struct texts names)
{
	uint8_t digest[SHA256_BYTES];
	struct sha256 hash;
	const char *size;

	qsort(names.at, names.n, sizeof *names.at, by_text);
	sha256_init(&hash);
	for (size_t i = 0; i < names.n; i++) {
		const struct config_file *f = known_file(l, names.at[i]);

		if (!f || (i && strcmp(names.at[i], names.at[i - 1]) == 0))
			continue;
		sha256_add(&hash, f->name, strlen(f->name) + 1); /* NULs part name, size and bytes */
		size = arena_printf(l->arena, "%zu", f->len);
		sha256_add(&hash, size, strlen(size) + 1);
		sha256_add(&hash, f->text, f->len);
	}
	sha256_end(&hash, digest);
	return hex_text(l->arena, digest, sizeof digest);
}

#include "csv_hashes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/fd.h"
#include "common/file_hash.h"
#include "common/sha256.h"

enum { PROCESSES = 2, FEW_BYTES = 4 << 20 };

/* What a process says of each of its files; where it says nothing we look ourselves, and tell why it can't be read. */
struct answer {
	int64_t n_bytes; /* -1: it can't be read */
	char hex[2 * SHA256_BYTES + 1];
};

struct csv_hashes {
	const struct csv_file *files;
	size_t n, next, n_told;
	const char *before;
	struct process {
		pid_t pid; /* 0: there is none */
		int fd;    /* -1: it says nothing more */
	} processes[PROCESSES];
};

void csv_hashes_free(struct csv_hashes *h)
{
	for (size_t i = 0; h && i < PROCESSES; i++) {
		struct process *p = &h->processes[i];

		fd_closep(&p->fd);
		p->fd = -1;
		if (p->pid <= 0)
			continue;
		(void)kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
		p->pid = 0;
	}
}

void csv_hashes_freep(struct csv_hashes **h)
{
	csv_hashes_free(*h);
}

/* Every so many files are a process's own. */
NORETURN static void hash_own(const struct csv_hashes *h, size_t own, int to, pid_t parent)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct err err;

	if (!child_tie(parent))
		child_leave(1);
	for (size_t i = 0, at = 0; i < h->n; i++) {
		struct answer answer = { .n_bytes = -1 };
		const char *hex = "";

		if (h->files[i].is_untouched || at++ % PROCESSES != own)
			continue;
		arena_reset(a);
		if (file_hash(a, h->files[i].path, h->before, &hex, &answer.n_bytes, &err) < 0)
			answer.n_bytes = -1;
		(void)strncpy(answer.hex, hex, sizeof answer.hex - 1);
		if (fd_write(to, &answer, sizeof answer, &err) < 0)
			child_leave(1);
	}
	child_leave(0);
}

/* What can't be started isn't needed. */
static void start(struct csv_hashes *h, size_t own)
{
	struct process *p = &h->processes[own];
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	p->pid = fork();
	if (p->pid == 0)
		hash_own(h, own, ends[1], parent);
	(void)close(ends[1]);
	p->fd = ends[0];
}

struct csv_hashes *csv_hashes_new(struct arena *a, const struct csv_file *files, size_t n, const char *before)
{
	struct csv_hashes *h = arena_alloc(a, sizeof *h);
	int64_t n_bytes = 0;

	*h = (struct csv_hashes){ .files = files, .n = n, .before = before };
	for (size_t i = 0; i < PROCESSES; i++)
		h->processes[i].fd = -1;
	for (size_t i = 0; i < n; i++)
		n_bytes += files[i].is_untouched ? 0 : files[i].size_bytes;
	for (size_t i = 0; n_bytes >= FEW_BYTES && i < PROCESSES && i < n; i++)
		start(h, i);
	return h;
}

static bool read_answer(struct process *p, struct answer *out)
{
	char *at = (char *)out;
	size_t len = 0;

	while (p->fd >= 0 && len < sizeof *out) {
		ssize_t n = read(p->fd, at + len, sizeof *out - len);

		if (n > 0) {
			len += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			fd_closep(&p->fd);
			p->fd = -1;
		}
	}
	return len == sizeof *out && out->n_bytes >= 0;
}

int csv_hashes_next(struct csv_hashes *h, struct arena *a, const char **out_hex, int64_t *out_bytes, struct err *err)
{
	const struct csv_file *file;
	struct answer answer;

	while (h->files[h->next].is_untouched)
		h->next++;
	file = &h->files[h->next++];
	if (!read_answer(&h->processes[h->n_told++ % PROCESSES], &answer))
		return file_hash(a, file->path, h->before, out_hex, out_bytes, err);
	*out_hex = arena_strdup(a, answer.hex);
	*out_bytes = answer.n_bytes;
	return 0;
}

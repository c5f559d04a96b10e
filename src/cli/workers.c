#include "workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/fd.h"

enum {
	MUCH_BYTES = 256 << 10,     /* sent at once */
	PIPE_BYTES = 1 << 20,       /* the most that an ordinary user may ask for */
	AHEAD_BYTES = 12 << 20,     /* of all processes whose turn it is not, and of each at least so many: then it has */
	MIN_AHEAD_BYTES = 1 << 20,  /* to wait; a unit should fit, or processes work one after the other */
	TIDY_BYTES = 1 << 20,
	MESSAGE_BYTES = 256 << 20,  /* more is none of ours */
	READ_BYTES = 64 << 10,
};

enum message_kind {
	MESSAGE_PART, /* of a unit: more comes */
	MESSAGE_UNIT, /* the last of a unit */
	MESSAGE_END   /* the process has nothing more to do; unit: how many there were */
};
struct message { uint64_t unit, len; uint32_t kind; };

/* What came from one process and was not handed out yet: bytes from at on. */
struct inbox {
	int fd; /* -1: it has ended */
	struct buf bytes;
	size_t at;
	bool is_done; /* it said that it was */
};

/* What all processes see. */
struct shared {
	atomic_size_t next;   /* the next unit that nobody has taken */
	atomic_int n_failed;
	atomic_bool has_err;  /* err is what the first that failed failed with */
	struct err err;
};

struct workers {
	struct worker_job job;
	pid_t first, owner; /* first: 0 once it is reaped */
	int n, go;            /* go: what the first waits for */
	struct inbox *inboxes;
	size_t unit, n_units; /* whose turn it is; known once a process is done */
	struct shared *shared;
};

/* in a child ------------------------------------------------------------------------------------------------------- */

static int send_message(const struct worker_out *out, enum message_kind kind, uint64_t unit, const void *data,
                        size_t len, struct err *err)
{
	struct message m = { .unit = unit, .len = len, .kind = (uint32_t)kind };

	return fd_write(out->fd, &m, sizeof m, err) < 0 || fd_write(out->fd, data, len, err) < 0 ? -1 : 0;
}

int worker_send(struct worker_out *out, struct err *err)
{
	if (out->bytes.len < MUCH_BYTES || out->bytes.is_full)
		return 0;
	if (send_message(out, MESSAGE_PART, out->unit, out->bytes.at, out->bytes.len, err) < 0)
		return -1;
	buf_reset(&out->bytes);
	return 0;
}

static int work(const struct workers *w, struct worker_out *out, size_t n_units, struct err *err)
{
	if (w->job.open(w->job.state, err) < 0)
		return -1;
	while ((out->unit = atomic_fetch_add(&w->shared->next, 1)) < n_units) {
		if (w->job.work(w->job.state, out->unit, out, err) < 0)
			return -1;
		if (out->bytes.is_full)
			return err_set(err, ERR_FATAL, "what came of unit %llu is too big", (unsigned long long)out->unit);
		if (send_message(out, MESSAGE_UNIT, out->unit, out->bytes.at, out->bytes.len, err) < 0)
			return -1;
		buf_reset(&out->bytes);
	}
	return send_message(out, MESSAGE_END, n_units, "", 0, err);
}

NORETURN static void finish(const struct workers *w, struct worker_out *out, int rc, const struct err *err)
{
	if (rc < 0 && atomic_fetch_add(&w->shared->n_failed, 1) == 0) {
		w->shared->err = *err;
		atomic_store(&w->shared->has_err, true);
	}
	buf_done(&out->bytes);
	child_leave(rc < 0);
}

/* Each takes the end of its own and closes the rest, so that the reader sees who has ended. */
NORETURN static void run_other(const struct workers *w, size_t n_units, const int *ends, int own, pid_t parent)
{
	struct worker_out out = { .fd = ends[own] };
	struct err err = { .kind = ERR_NONE };

	buf_init(&out.bytes, MESSAGE_BYTES);
	for (int i = 0; i < w->n; i++)
		if (i != own)
			(void)close(ends[i]);
	finish(w, &out, child_tie(parent) ? work(w, &out, n_units, &err) : 0, &err);
}

/* Where there can't be so many, those there are take what is left: one that never was has nothing more to do. */
static int fork_others(const struct workers *w, size_t n_units, const int *ends, struct err *err)
{
	pid_t parent = getpid();

	for (int i = 1; i < w->n; i++) {
		const struct worker_out none = { .fd = ends[i] };
		pid_t pid = fork();

		if (pid == 0)
			run_other(w, n_units, ends, i, parent);
		if (pid < 0 && send_message(&none, MESSAGE_END, n_units, "", 0, err) < 0)
			return -1;
		(void)close(ends[i]);
	}
	return 0;
}

NORETURN static void run_first(const struct workers *w, const int *ends)
{
	struct worker_out out = { .fd = ends[0] };
	struct err err = { .kind = ERR_NONE };
	eventfd_t word;
	size_t n_units;
	int rc;

	(void)signal(SIGPIPE, SIG_IGN); /* who reads has failed: so does this */
	if (!child_tie(w->owner) || eventfd_read(w->go, &word) < 0)
		child_leave(1);
	buf_init(&out.bytes, MESSAGE_BYTES);
	rc = w->job.load(w->job.state, &n_units, &err);
	if (rc == 0)
		rc = fork_others(w, n_units, ends, &err);
	if (rc == 0)
		rc = work(w, &out, n_units, &err);
	while (rc == 0 && (waitpid(-1, NULL, 0) > 0 || errno == EINTR))
		;
	finish(w, &out, rc, &err);
}

/* starting and ending ---------------------------------------------------------------------------------------------- */

int workers_cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : n;
}

static int open_pipes(struct workers *w, int *ends, struct err *err)
{
	for (int i = 0; i < w->n; i++) {
		int pair[2];

		if (pipe2(pair, O_CLOEXEC) < 0)
			return err_errno(err, ERR_RETRY, "pipe");
		(void)fcntl(pair[1], F_SETPIPE_SZ, PIPE_BYTES);
		w->inboxes[i].fd = pair[0];
		ends[i] = pair[1];
	}
	return 0;
}

static void close_all(const int *fds, int n)
{
	for (int i = 0; i < n; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

static int fork_first(struct workers *w, const int *ends, struct err *err)
{
	w->go = eventfd(0, EFD_CLOEXEC);
	if (w->go < 0)
		return err_errno(err, ERR_RETRY, "eventfd");
	w->first = fork();
	if (w->first == 0) {
		for (int i = 0; i < w->n; i++)
			(void)close(w->inboxes[i].fd);
		run_first(w, ends);
	}
	return w->first < 0 ? err_errno(err, ERR_RETRY, "fork") : 0;
}

int workers_start(int n, const struct worker_job *job, struct arena *a, struct workers **out, struct err *err)
{
	CLEANUP(workers_donep) struct workers *w = arena_alloc(a, sizeof *w);
	int ends[WORKERS_MAX], rc;

	*w = (struct workers){ .job = *job, .owner = getpid(), .n = n, .go = -1, .n_units = SIZE_MAX };
	w->inboxes = arena_array(a, (size_t)n, sizeof *w->inboxes);
	for (int i = 0; i < n; i++) {
		w->inboxes[i].fd = ends[i] = -1;
		buf_init(&w->inboxes[i].bytes, MESSAGE_BYTES + (size_t)AHEAD_BYTES);
	}
	w->shared = mmap(NULL, sizeof *w->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w->shared == MAP_FAILED) {
		w->shared = NULL;
		return err_errno(err, ERR_RETRY, "shared memory");
	}
	rc = open_pipes(w, ends, err) < 0 ? -1 : fork_first(w, ends, err);
	close_all(ends, n);
	if (rc < 0)
		return -1;
	*out = w;
	w = NULL;
	return 0;
}

void workers_done(struct workers *w)
{
	if (!w)
		return;
	if (w->go >= 0)
		(void)close(w->go);
	for (int i = 0; i < w->n; i++) {
		if (w->inboxes[i].fd >= 0)
			(void)close(w->inboxes[i].fd);
		buf_done(&w->inboxes[i].bytes);
	}
	if (w->first > 0) {
		(void)kill(w->first, SIGKILL); /* the others are tied to it */
		while (waitpid(w->first, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (w->shared)
		(void)munmap(w->shared, sizeof *w->shared);
	w->first = 0;
	w->shared = NULL;
}

void workers_donep(struct workers **w)
{
	workers_done(*w);
}

int workers_go(struct workers *w, struct err *err)
{
	return eventfd_write(w->go, 1) < 0 ? err_errno(err, ERR_RETRY, "eventfd") : 0;
}

/* handing out ------------------------------------------------------------------------------------------------------ */

/* The whole message that comes next from a process. */
static bool first_message(const struct inbox *in, struct message *out)
{
	size_t left = in->bytes.len - in->at;

	if (left < sizeof *out)
		return false;
	memcpy(out, in->bytes.at + in->at, sizeof *out);
	return left - sizeof *out >= out->len;
}

/* Gives back the room of what was handed out once that is most of it. */
static void tidy(struct inbox *in)
{
	size_t left = in->bytes.len - in->at;

	if (in->at < in->bytes.len / 2 && in->at < TIDY_BYTES)
		return;
	memmove(in->bytes.at, in->bytes.at + in->at, left);
	buf_cut(&in->bytes, left);
	in->at = 0;
}

static int fill(struct inbox *in, struct err *err)
{
	char bytes[READ_BYTES];
	ssize_t n = read(in->fd, bytes, sizeof bytes);

	if (n < 0)
		return errno == EINTR ? 0 : err_errno(err, ERR_RETRY, "read");
	if (n == 0) {
		(void)close(in->fd);
		in->fd = -1;
		return 0;
	}
	tidy(in);
	buf_add(&in->bytes, bytes, (size_t)n);
	return in->bytes.is_full ? err_set(err, ERR_FATAL, "a process of it sent too much") : 0;
}

/* How far each may be ahead. */
static size_t ahead_of_each(const struct workers *w)
{
	size_t each = AHEAD_BYTES / (size_t)w->n;

	return each > MIN_AHEAD_BYTES ? each : MIN_AHEAD_BYTES;
}

/* Waits for more of any process that may send: one that is far ahead has to wait for its turn. */
static int receive(struct workers *w, struct err *err)
{
	struct pollfd fds[WORKERS_MAX];
	struct inbox *of[WORKERS_MAX];
	size_t most = ahead_of_each(w);
	nfds_t n = 0;

	for (int i = 0; i < w->n; i++) {
		struct inbox *in = &w->inboxes[i];
		struct message m;

		if (in->fd < 0 || (in->bytes.len - in->at > most && first_message(in, &m)))
			continue;
		of[n] = in;
		fds[n++] = (struct pollfd){ .fd = in->fd, .events = POLLIN };
	}
	if (n == 0)
		die("no process has what comes next");
	if (poll(fds, n, -1) < 0)
		return errno == EINTR ? 0 : err_errno(err, ERR_RETRY, "poll");
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].revents && fill(of[i], err) < 0)
			return -1;
	return 0;
}

/* A failure takes the other processes along: what the first said counts. */
static int fail(const struct workers *w, struct err *err)
{
	if (atomic_load(&w->shared->has_err)) {
		*err = w->shared->err;
		return -1;
	}
	return err_set(err, ERR_RETRY, "a process of it ended before it was done");
}

static void note_end(struct workers *w, struct inbox *in, const struct message *m)
{
	in->at += sizeof *m + m->len;
	in->is_done = true;
	w->n_units = m->unit;
}

/* What is next in the order of the units, when it is here: 1. Ends and failures count as they come. */
static int take(struct workers *w, const char **data, size_t *len, struct err *err)
{
	struct message m;

	for (int i = 0; i < w->n; i++) {
		struct inbox *in = &w->inboxes[i];

		while (first_message(in, &m)) {
			if (m.kind == MESSAGE_END) {
				note_end(w, in, &m);
				continue;
			}
			if (m.unit != w->unit)
				break;
			*data = in->bytes.at + in->at + sizeof m;
			*len = m.len;
			in->at += sizeof m + m.len;
			w->unit += m.kind == MESSAGE_UNIT;
			return 1;
		}
		if (in->fd < 0 && !in->is_done && !first_message(in, &m))
			return fail(w, err);
	}
	return 0;
}

static bool is_over(const struct workers *w)
{
	for (int i = 0; i < w->n; i++)
		if (w->inboxes[i].fd >= 0)
			return false;
	return w->unit == w->n_units;
}

int workers_next(struct workers *w, const char **data, size_t *len, struct err *err)
{
	int rc, status;

	while ((rc = take(w, data, len, err)) == 0 && !is_over(w))
		if (receive(w, err) < 0)
			return -1;
	if (rc != 0)
		return rc;
	while (waitpid(w->first, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, ERR_RETRY, "wait");
	w->first = 0;
	return status == 0 ? 0 : fail(w, err);
}

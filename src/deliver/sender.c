#include "sender.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"

enum { OVERRUN_MS = 45 * 1000 }; /* past every time limit of a channel */

_Static_assert(sizeof(struct verdict) <= PIPE_BUF, "a verdict is written whole or not at all");

NORETURN static void run_sender(const struct channel_job *job, int fd, pid_t parent)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct verdict v = { .outcome = DELIVERY_RETRY, .wait_s = -1 };

	(void)signal(SIGTERM, SIG_IGN); /* the deliverer decides; our end is tied to its own */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN); /* a server that hangs up is an answer like any other */
	if (!child_tie(parent))
		child_leave(1);
	channel_types[job->channel->kind]->send(job, a, &v);
	child_leave(write(fd, &v, sizeof v) == (ssize_t)sizeof v ? 0 : 1);
}

int sender_start(struct sender *s, const struct channel_job *job, int64_t now_ms, struct err *err)
{
	pid_t parent = getpid(), pid;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, ERR_RETRY, "pipe");
	pid = fork();
	if (pid < 0) {
		(void)err_errno(err, ERR_RETRY, "fork");
		(void)close(ends[0]);
		(void)close(ends[1]);
		return -1;
	}
	if (pid == 0)
		run_sender(job, ends[1], parent);
	(void)close(ends[1]);
	*s = (struct sender){ .pid = pid, .fd = ends[0], .started_ms = now_ms };
	return 0;
}

int64_t sender_deadline_ms(const struct sender *s)
{
	return s->started_ms + OVERRUN_MS;
}

int sender_finish(struct sender *s, int64_t now_ms, struct verdict *out)
{
	struct pollfd ready = { .fd = s->fd, .events = POLLIN };
	struct verdict v;
	ssize_t n;

	if (poll(&ready, 1, 0) <= 0) {
		if (now_ms < sender_deadline_ms(s))
			return 0;
		(void)kill(s->pid, SIGKILL);
	}
	n = read(s->fd, &v, sizeof v);
	(void)close(s->fd);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*out = n == (ssize_t)sizeof v ? v : verdict_of(DELIVERY_AMBIGUOUS, 0, "the sender ended without a verdict");
	s->pid = 0;
	return 1;
}

#include "common/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

enum { MAX_SIGNALS = 16, MAX_SLEEP_MS = 60000, MAX_EVENTS = 16 };

struct signal_watch {
	int number;
	loop_signal_fn *fn;
	void *context;
};

struct loop {
	int epoll_fd, signal_fd, timer_fd;
	sigset_t signals, signals_before;
	struct signal_watch handlers[MAX_SIGNALS];
	int n_handlers;
	loop_child_fn *child_fn;
	void *child_context;
	loop_time_fn *time_fn;
	void *time_context;
	int readable_fd; /* -1: none */
	loop_fd_fn *readable_fn;
	void *readable_context;
	int64_t wake_at;
	int most_ms;
	bool is_stopped;
};

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	close_fd(l->timer_fd);
	close_fd(l->signal_fd);
	close_fd(l->epoll_fd);
	(void)sigprocmask(SIG_SETMASK, &l->signals_before, NULL);
	free(l);
}

void loop_freep(struct loop **l)
{
	loop_free(*l);
}

static int watch_own(struct loop *l, int fd, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? err_errno(err, ERR_FATAL, "epoll") : 0;
}

int loop_new(struct loop **out, struct err *err)
{
	CLEANUP(loop_freep) struct loop *l = calloc(1, sizeof *l);

	if (l == NULL)
		die("out of memory");
	l->signal_fd = l->timer_fd = l->readable_fd = -1;
	l->wake_at = INT64_MAX;
	l->most_ms = MAX_SLEEP_MS;
	(void)sigemptyset(&l->signals);
	(void)sigprocmask(SIG_SETMASK, NULL, &l->signals_before);
	if ((l->epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
	    (l->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK)) < 0 ||
	    (l->signal_fd = signalfd(-1, &l->signals, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return err_errno(err, ERR_FATAL, "start the loop");
	if (watch_own(l, l->timer_fd, err) < 0 || watch_own(l, l->signal_fd, err) < 0)
		return -1;
	*out = l;
	l = NULL;
	return 0;
}

static int take_signal(struct loop *l, int number, struct err *err)
{
	(void)sigaddset(&l->signals, number);
	if (sigprocmask(SIG_BLOCK, &l->signals, NULL) < 0 || signalfd(l->signal_fd, &l->signals, 0) < 0)
		return err_errno(err, ERR_FATAL, "take signal %d", number);
	return 0;
}

int loop_on_signal(struct loop *l, int signal, loop_signal_fn *fn, void *context, struct err *err)
{
	if (l->n_handlers == MAX_SIGNALS)
		return err_set(err, ERR_FATAL, "%d signals are handled already", MAX_SIGNALS);
	l->handlers[l->n_handlers++] = (struct signal_watch){ signal, fn, context };
	return take_signal(l, signal, err);
}

int loop_on_child(struct loop *l, loop_child_fn *fn, void *context, struct err *err)
{
	l->child_fn = fn;
	l->child_context = context;
	return take_signal(l, SIGCHLD, err);
}

int loop_on_readable(struct loop *l, int fd, loop_fd_fn *fn, void *context, struct err *err)
{
	if (l->readable_fd >= 0)
		return err_set(err, ERR_FATAL, "a descriptor is looked after already");
	if (watch_own(l, fd, err) < 0)
		return -1;
	l->readable_fd = fd;
	l->readable_fn = fn;
	l->readable_context = context;
	return 0;
}

void loop_forget_readable(struct loop *l)
{
	if (l->readable_fd >= 0)
		(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->readable_fd, NULL);
	l->readable_fd = -1;
}

int loop_on_time(struct loop *l, loop_time_fn *fn, void *context, struct err *err)
{
	if (l->time_fn != NULL)
		return err_set(err, ERR_FATAL, "the time is looked after already");
	l->time_fn = fn;
	l->time_context = context;
	return 0;
}

void loop_wake_at(struct loop *l, int64_t at)
{
	l->wake_at = at;
}

void loop_wake_within(struct loop *l, int most_ms)
{
	l->most_ms = most_ms < MAX_SLEEP_MS ? most_ms : MAX_SLEEP_MS;
}

void loop_stop(struct loop *l)
{
	l->is_stopped = true;
}

/* Signals of a kind merge while they wait, so every child that has ended is taken. */
static void reap(struct loop *l)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (l->child_fn != NULL)
			l->child_fn(l->child_context, pid, status);
}

static void read_signals(struct loop *l)
{
	struct signalfd_siginfo info;

	while (read(l->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		int number = (int)info.ssi_signo;

		if (number == SIGCHLD && l->child_fn != NULL)
			reap(l);
		for (int i = 0; i < l->n_handlers; i++)
			if (l->handlers[i].number == number)
				l->handlers[i].fn(l->handlers[i].context, number);
	}
}

static void dispatch(struct loop *l, const struct epoll_event *event)
{
	uint64_t expirations;

	if (event->data.fd == l->signal_fd)
		read_signals(l);
	else if (event->data.fd == l->readable_fd)
		l->readable_fn(l->readable_context);
	else if (event->data.fd == l->timer_fd) /* ECANCELED: the clock was set; the time function runs next either way */
		(void)!read(l->timer_fd, &expirations, sizeof expirations);
}

/* An instant that has passed already fires at once; 0 would disarm the timer. */
static int arm(struct loop *l, struct err *err)
{
	struct itimerspec when = { .it_value.tv_sec = l->wake_at < 1 ? 1 : (time_t)l->wake_at };

	if (l->wake_at == INT64_MAX) /* nothing wanted, but a clock that is set must still wake us */
		when.it_value.tv_sec = (time_t)(INT64_MAX / 1000000000);
	if (timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) < 0 &&
	    errno != ECANCELED)
		return err_errno(err, ERR_FATAL, "arm the timer");
	return 0;
}

int loop_run(struct loop *l, struct err *err)
{
	struct epoll_event events[MAX_EVENTS];

	l->is_stopped = false;
	while (!l->is_stopped) {
		int n;

		l->wake_at = INT64_MAX;
		if (l->time_fn != NULL)
			l->time_fn(l->time_context, clock_now());
		if (l->is_stopped)
			break;
		if (arm(l, err) < 0)
			return -1;
		n = epoll_wait(l->epoll_fd, events, MAX_EVENTS, l->most_ms);
		if (n < 0 && errno != EINTR)
			return err_errno(err, ERR_FATAL, "epoll");
		for (int i = 0; i < n; i++)
			dispatch(l, &events[i]);
	}
	return 0;
}

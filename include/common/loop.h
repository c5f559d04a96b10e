/* One thread, one epoll: timers, signals, children and one descriptor of the daemon. Times are parameters: an absolute
 * timer on the wall clock is re-examined at least every 60 s and at once when the clock is set. */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct loop;
typedef void loop_time_fn(void *context, int64_t now);
typedef void loop_signal_fn(void *context, int signal);
typedef void loop_child_fn(void *context, pid_t pid, int wait_status);
typedef void loop_fd_fn(void *context);

void loop_free(struct loop *l); /* accepts NULL */
void loop_freep(struct loop **l);
int loop_new(struct loop **out, struct err *err) MUST_USE;
/* Blocks the signal for the process and hands it to fn instead. SIGCHLD goes through loop_on_child. */
int loop_on_signal(struct loop *l, int signal, loop_signal_fn *fn, void *context, struct err *err) MUST_USE;
int loop_on_child(struct loop *l, loop_child_fn *fn, void *context, struct err *err) MUST_USE;
/* fn is called while the descriptor is readable, until it is told to forget it, which goes before closing it. One. */
int loop_on_readable(struct loop *l, int fd, loop_fd_fn *fn, void *context, struct err *err) MUST_USE;
void loop_forget_readable(struct loop *l);
/* fn is called at each wake-up with the wall clock; it tells through loop_wake_at when it wants to be called next. */
int loop_on_time(struct loop *l, loop_time_fn *fn, void *context, struct err *err) MUST_USE;
void loop_wake_at(struct loop *l, int64_t at);
/* How long it may sleep at most; 60 s unless told. Counted by the monotonic clock. */
void loop_wake_within(struct loop *l, int most_ms);
/* Runs until loop_stop. */
int loop_run(struct loop *l, struct err *err) MUST_USE;
void loop_stop(struct loop *l);

#endif

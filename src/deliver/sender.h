/* Sends one message in a process of its own: whatever hangs or breaks there, the deliverer goes on. The process touches
 * no database, ends with its parent, and gives its verdict through a pipe. */
#ifndef SENDER_H
#define SENDER_H

#include <sys/types.h>

#include "channel.h"

struct sender {
	pid_t pid; /* 0: none at work */
	int fd;
	int64_t started_ms;
};

int sender_start(struct sender *s, const struct channel_job *job, int64_t now_ms, struct err *err) MUST_USE;
/* Takes the verdict once fd is readable, or kills a sender that has overrun its time. Returns 1 with the verdict
 * (without one it is ambiguous), 0 when it is still at work. */
int sender_finish(struct sender *s, int64_t now_ms, struct verdict *out);
/* When it overruns. */
int64_t sender_deadline_ms(const struct sender *s);

#endif

/* Tells the service manager how we are, in the datagrams of sd_notify(3), without its library. */
#ifndef SCHEDULE_NOTIFY_H
#define SCHEDULE_NOTIFY_H

#include "common/attr.h"

struct notify {
	int fd; /* -1: nobody listens, and nothing is sent */
};

/* socket: the value of $NOTIFY_SOCKET, a path or "@abstract"; NULL: not started by a service manager. A socket that
 * can't be reached counts as none: we work all the same, and the manager notices. */
void notify_open(struct notify *n, const char *socket);
void notify_close(struct notify *n);
/* One or several lines such as "READY=1\nSTATUS=...". */
void notify_send(const struct notify *n, const char *format, ...) PRINTF(2, 3);

#endif

/* Children of ours that are forked and run on in this program. */
#ifndef COMMON_CHILD_H
#define COMMON_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/attr.h"

/* In the child: it ends when its parent does. False: the parent has ended already. */
bool child_tie(pid_t parent) MUST_USE;
/* Ends it without the exit handlers of the parent, which are not its to run. */
NORETURN void child_leave(int code);

#endif

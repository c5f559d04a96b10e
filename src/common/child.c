#include "common/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

bool child_tie(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

/* What coverage has counted is written by hand. */
void child_leave(int code)
{
#ifdef RETAIND_COVERAGE
	extern void __gcov_dump(void);

	__gcov_dump();
#endif
	_exit(code);
}

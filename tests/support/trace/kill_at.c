/* Runs a command under ptrace and kills it (SIGKILL) at its n-th system call boundary: each entry into and each return
 * from a system call of it or of its children counts, from the first file on that is opened with NEEDLE in its path.
 *
 *   kill_at N NEEDLE RESULT COMMAND [ARGUMENTS]
 *
 * N 0 only counts. The file RESULT gets the number of boundaries that were seen. Ends with 137 when it killed, else as
 * the command did. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SYSCALL_STOP = SIGTRAP | 0x80, PATH_BYTES = 512, PAGE = 4096, KILLED = 137 };

struct trace {
	pid_t command;
	const char *needle;
	long kill_at, n;
	bool is_counting;
	int code; /* of the command; -1: still running */
};

/* Up to the end of its page: what lies behind may not be there. */
static void read_path(pid_t pid, unsigned long at, char *out)
{
	size_t len = PAGE - at % PAGE;
	struct iovec to = { out, len < PATH_BYTES - 1 ? len : PATH_BYTES - 1 };
	struct iovec from = { (void *)at, to.iov_len }; /* NOLINT: an address of another process */
	ssize_t n = process_vm_readv(pid, &to, 1, &from, 1, 0);

	out[n < 0 ? 0 : n] = '\0';
}

static bool opens_needle(const struct trace *t, pid_t pid)
{
	struct __ptrace_syscall_info info = { 0 };
	char path[PATH_BYTES];

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY ||
	    info.entry.nr != SYS_openat)
		return false;
	read_path(pid, (unsigned long)info.entry.args[1], path);
	return strstr(path, t->needle) != NULL;
}

/* Returns whether this is where it ends. */
static bool at_boundary(struct trace *t, pid_t pid)
{
	if (!t->is_counting)
		t->is_counting = opens_needle(t, pid);
	t->n += t->is_counting;
	return t->is_counting && t->kill_at > 0 && t->n == t->kill_at;
}

/* What a stopped process gets to see of the signal that stopped it. */
static int passed_on(int status)
{
	int signal = WSTOPSIG(status);

	return signal == SYSCALL_STOP || signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
}

/* One change of some process. Returns false when there is none left. */
static bool step(struct trace *t)
{
	int status;
	pid_t pid = waitpid(-1, &status, __WALL);

	if (pid < 0)
		return errno == EINTR;
	if (!WIFSTOPPED(status)) {
		if (pid == t->command)
			t->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		return true;
	}
	if (WSTOPSIG(status) == SYSCALL_STOP && at_boundary(t, pid))
		(void)kill(t->command, SIGKILL);
	(void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)passed_on(status)); /* gone meanwhile: the next wait tells */
	return true;
}

static pid_t start(char **command)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
		_exit(125);
	(void)execvp(command[0], command);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct trace t = { .code = -1 };
	FILE *result;
	int status;

	if (argc < 5)
		return 2;
	t.kill_at = strtol(argv[1], NULL, 10);
	t.needle = argv[2];
	t.command = start(argv + 4);
	if (t.command < 0 || waitpid(t.command, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, t.command, NULL,
	           (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
	                          PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)) < 0 ||
	    ptrace(PTRACE_SYSCALL, t.command, NULL, NULL) < 0)
		return 125;
	while (step(&t))
		;
	result = fopen(argv[3], "we");
	if (!result || fprintf(result, "%ld\n", t.n) < 0 || fclose(result) != 0)
		return 125;
	return t.code < 0 ? KILLED : t.code;
}

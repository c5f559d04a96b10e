#include "schedule/jobs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"

const char *job_name(enum job_kind kind)
{
	static const char *const names[] = { "pull", "pull", "score", "write-back", "digest", "deliver",
		                                 "audit" };

	return names[kind];
}

const struct job *jobs_find(const struct jobs *j, enum job_kind kind, const char *org)
{
	for (int i = 0; i < j->n; i++)
		if (j->running[i].kind == kind && strcmp(j->running[i].org, org) == 0)
			return &j->running[i];
	return NULL;
}

enum place { PLACE_SYNC, PLACE_DIGEST, PLACE_DELIVER };

static enum place place_of(enum job_kind kind)
{
	return kind >= JOB_DELIVER ? PLACE_DELIVER : kind == JOB_DIGEST ? PLACE_DIGEST : PLACE_SYNC;
}

static bool has_room(const struct jobs *j, const struct job *job)
{
	static const int most[] = { [PLACE_SYNC] = JOBS_MAX_SYNC, [PLACE_DIGEST] = JOBS_MAX_DIGEST,
		                        [PLACE_DELIVER] = JOBS_MAX_DELIVER };
	enum place place = place_of(job->kind);
	int n = 0;

	for (int i = 0; i < j->n; i++)
		n += place_of(j->running[i].kind) == place;
	return n < most[place] && jobs_find(j, job->kind, job->org) == NULL;
}

/* In the child: only calls that are safe after fork, then the program. input below 0: it reads nothing. */
static NORETURN void become(const struct jobs *j, char *const *args, int input, pid_t parent)
{
	static const char *const ours[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID" };
	sigset_t none;
	int null_fd = open("/dev/null", O_RDWR);

	(void)setpgid(0, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (null_fd < 0 || dup2(input < 0 ? null_fd : input, 0) < 0 || dup2(null_fd, 1) < 0 || close_range(3, ~0U, 0) < 0)
		_exit(EX_OSERR);
	/* Every stage survives being killed, so a child whose daemon is gone must not linger beside the next one's. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(EX_OSERR);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		(void)unsetenv(ours[i]);
	(void)execv(j->program, args);
	_exit(EX_OSERR);
}

static int slots_file(const char *slots, int *out, struct err *err)
{
	CLEANUP(fd_closep) int fd = fd_nameless(NULL, err);

	if (fd < 0 || fd_write(fd, slots, strlen(slots), err) < 0 || fd_rewind(fd, false, err) < 0)
		return -1;
	*out = fd;
	fd = -1;
	return 0;
}

int jobs_start(struct jobs *j, const struct job *job, int64_t now_ms, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(64 * 1024);
	CLEANUP(fd_closep) int input = -1;
	const char *command = job->kind == JOB_AUDIT ? "deliveries" : job_name(job->kind);
	const char *words[JOB_ARGS_MAX] = { "retaind", command, "--config", j->config_dir, "--org", job->org };
	char *args[JOB_ARGS_MAX] = { NULL };
	int n = 6;
	pid_t pid, parent = getpid();

	if (!has_room(j, job))
		return 0;
	if (j->log_option)
		words[n++] = j->log_option;
	if (job->kind == JOB_CLOCK)
		words[n++] = "--clock";
	if (job->kind == JOB_DIGEST) {
		if (slots_file(job->slots, &input, err) < 0)
			return err_in(err, "start %s of %s", job_name(job->kind), job->org);
		words[n++] = "--slots";
		words[n++] = "-";
	} else if (job->kind == JOB_AUDIT) {
		words[n++] = "audit";
		words[n++] = "--ping";
		words[n++] = "--day";
		words[n++] = day_text(a, job->day);
	}
	for (int i = 0; i < n; i++)
		args[i] = arena_strdup(a, words[i]);
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return err_errno(err, ERR_RETRY, "start %s of %s", job_name(job->kind), job->org);
	if (pid == 0)
		become(j, args, input, parent);
	(void)setpgid(pid, pid); /* here too, so that a signal to the group can't come before it */
	j->running[j->n] = *job;
	j->running[j->n].slots = NULL;
	j->running[j->n].pid = pid;
	j->running[j->n].started_ms = now_ms;
	j->running[j->n].end_ms = now_ms + job->timeout_s * 1000;
	j->running[j->n++].was_told = false;
	return 1;
}

static enum job_result result_of(const struct job *job, int wait_status)
{
	if (!WIFEXITED(wait_status) || (job->was_told && WEXITSTATUS(wait_status) != EX_OK))
		return JOB_RETRY;
	switch (WEXITSTATUS(wait_status)) {
	case EX_OK: return JOB_OK;
	case EX_TEMPFAIL:
	case EX_OSERR: return JOB_RETRY;
	case EX_NOPERM:
	case EX_CONFIG: return JOB_ADMIN;
	default: return JOB_FAILED;
	}
}

int jobs_ended(struct jobs *j, pid_t pid, int wait_status, struct job *out, enum job_result *out_result)
{
	for (int i = 0; i < j->n; i++) {
		if (j->running[i].pid != pid)
			continue;
		*out = j->running[i];
		*out_result = result_of(out, wait_status);
		(void)kill(-pid, SIGKILL); /* whatever it may have left behind in its group */
		j->running[i] = j->running[--j->n];
		return 1;
	}
	return 0;
}

int jobs_enforce(struct jobs *j, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;

	for (int i = 0; i < j->n; i++) {
		struct job *job = &j->running[i];

		if (now_ms >= job->end_ms) {
			(void)kill(-job->pid, job->was_told ? SIGKILL : SIGTERM);
			job->was_told = true;
			job->end_ms = now_ms + JOB_GRACE_MS;
		}
		if (job->end_ms - now_ms < next_ms)
			next_ms = job->end_ms - now_ms;
	}
	return j->n == 0 ? -1 : next_ms > 60000 ? 60000 : (int)next_ms;
}

void jobs_stop(struct jobs *j, int64_t now_ms)
{
	for (int i = 0; i < j->n; i++)
		if (!j->running[i].was_told)
			j->running[i].end_ms = now_ms;
	(void)jobs_enforce(j, now_ms);
}

void jobs_kill(struct jobs *j)
{
	for (int i = 0; i < j->n; i++)
		(void)kill(-j->running[i].pid, SIGKILL);
}

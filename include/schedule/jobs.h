/* The stages as child processes of our own binary: each in a process group of its own, ended when it takes too long, at
 * most one of a kind per organisation. A child dies with us, and nothing of us but standard error is open in it. */
#ifndef SCHEDULE_JOBS_H
#define SCHEDULE_JOBS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

enum job_kind { JOB_PULL, JOB_CLOCK, JOB_SCORE, JOB_WRITE_BACK, JOB_DIGEST, JOB_DELIVER, JOB_AUDIT };
/* How many of all organisations run at a time. Who waits on somebody else's server never holds up the others: pulls,
 * scores and write-backs, digests, and deliveries with audits have places of their own. */
enum {
	JOBS_MAX_SYNC = 2, JOBS_MAX_DIGEST = 4, JOBS_MAX_DELIVER = 16,
	JOBS_MAX = JOBS_MAX_SYNC + JOBS_MAX_DIGEST + JOBS_MAX_DELIVER
};
enum { JOB_ARGS_MAX = 14, JOB_GRACE_MS = 5000, JOB_NAME_BYTES = 320 };

/* What a child's end means. */
enum job_result {
	JOB_OK,
	JOB_RETRY, /* exit 75, or ended by a signal or by its time limit: again later */
	JOB_ADMIN, /* exit 77 or 78: a person must act first */
	JOB_FAILED /* any other exit code */
};

struct job {
	enum job_kind kind;
	char org[JOB_NAME_BYTES];
	const char *slots; /* JOB_DIGEST: a line "DAY EMAIL" for each, read by jobs_start only */
	int32_t day;       /* JOB_AUDIT */
	int64_t timeout_s;
	pid_t pid; /* from here on: given by jobs */
	int64_t started_ms, end_ms; /* by the monotonic clock; end_ms: the next signal */
	bool was_told; /* SIGTERM has been sent */
};

struct jobs {
	const char *program;    /* what is executed */
	const char *config_dir;
	const char *log_option; /* "-v" and the like, so that a child logs as much as we do; NULL: none */
	struct job running[JOBS_MAX];
	int n;
};

const char *job_name(enum job_kind kind); /* "pull" ... */
const struct job *jobs_find(const struct jobs *j, enum job_kind kind, const char *org); /* NULL: none runs */
/* Returns 1 started, 0 no room now: that kind runs for the organisation, or too many children do. */
int jobs_start(struct jobs *j, const struct job *job, int64_t now_ms, struct err *err) MUST_USE;
/* A child has ended. Returns 1 and the job with *out_result when it was one of ours. */
int jobs_ended(struct jobs *j, pid_t pid, int wait_status, struct job *out, enum job_result *out_result);
/* Ends the children that take too long: SIGTERM to the group, SIGKILL 5 s later. Returns in how many milliseconds to
 * look again, or -1 when nothing runs. */
int jobs_enforce(struct jobs *j, int64_t now_ms);
/* SIGTERM to all of them, as if their time were up. */
void jobs_stop(struct jobs *j, int64_t now_ms);
/* SIGKILL to all of them. */
void jobs_kill(struct jobs *j);

#endif

/* Lists that the other side first prepares: asked for, waited for, then read page by page, and cleared away. */
#ifndef CONNECT_JOB_H
#define CONNECT_JOB_H

#include "common/yaml.h"

/* `job: { post: /jobs, body: { query: "SELECT {{properties}} FROM Account" }, id: id, poll: "/jobs/{{job.id}}",
 * state: state, done: [JobComplete], failed: [Failed, Aborted], reason: errorMessage, total: numberRecordsProcessed,
 * delete: "/jobs/{{job.id}}", first_wait: 0.2, longest_wait: 300, within: 2h }`; the request beside it reads the
 * pages. */
struct job_settings {
	const char *post;           /* NULL: the list is there at once */
	const struct yaml *body;
	const char *id;             /* path in the answer: what {{job.id}} stands for */
	const char *poll;           /* GET */
	const char *state;          /* path in its answer ... */
	struct texts done, failed;  /* ... and what stands there in the end; anything else: not yet */
	const char *reason;         /* path: why it failed; NULL: not said */
	const char *total;          /* path: rows of all pages; NULL: not said */
	const char *delete_path;    /* DELETE, when all is read; NULL: it is left to the other side */
	double first_wait_s, longest_wait_s; /* between two polls: doubles from the first to the longest */
	int64_t within_s;           /* of one pull; the next one goes on waiting */
};

extern const struct yaml_table job_table;

struct client;
struct scope;
struct request_lists;

/* One that was asked for. */
struct job {
	const char *id;  /* NULL: not asked for yet */
	int64_t n_rows;  /* of the pages that earlier pulls stored */
	int64_t total;   /* -1: not said */
};

/* The place in a walk, to be kept: job and token of the next page; NULL token: the first. */
const char *job_place(const struct job *job, const char *token, struct arena *a);
/* Takes a place apart; NULL: no job yet. *token as above. */
void job_from_place(struct job *job, const char *place, struct arena *a, const char **token);
/* Asks for it. */
int job_begin(struct job *job, const struct job_settings *s, struct client *c, const struct scope *scope,
              const struct request_lists *lists, struct arena *a, struct err *err) MUST_USE;
/* Waits until it is done. ERR_INPUT: it failed, or is no longer known; ERR_RETRY: not done in time. */
int job_wait(struct job *job, const struct job_settings *s, struct client *c, const struct scope *scope,
             struct err *err) MUST_USE;
/* Clears it away; that may fail: the other side does so by itself some day. */
void job_clear(const struct job *job, const struct job_settings *s, struct client *c, const struct scope *scope);

#endif

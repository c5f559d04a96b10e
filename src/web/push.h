/* What is answered to whom: paths, authority, ceilings; what is accepted goes to its spool. Knows no HTTP library. */
#ifndef WEB_PUSH_H
#define WEB_PUSH_H

#include "auth.h"
#include "store/spool.h"

struct push_answer {
	int status;        /* 0: accepted, and not on the disk yet: push_sync tells */
	const char *text;  /* for the sender; "": success */
	const char *why;   /* for the log, where it says more; else NULL */
	const char *allow; /* 405; NULL otherwise */
	int retry_after_s; /* 0: none */
	bool is_last;      /* the connection is closed behind it */
};

/* A source as it goes. */
struct push_target {
	const struct web_source *source;
	struct spool spool;
	bool is_open;     /* the spool */
	double n_allowed; /* requests, at allowed_ms */
	int64_t allowed_ms;
	struct push_answer synced;
	struct err why; /* it was not */
};

struct push {
	struct push_target *targets;
	size_t n_targets;
};

/* The head of a request. Returns true when it is answered already; else its body is wanted. Both *out may be set. */
bool push_head(struct push *p, const struct web_head *h, int64_t now_ms, struct arena *a,
               struct push_target **out_target, struct push_answer *out);
/* The body of one that wasn't. */
void push_body(struct push_target *t, const struct web_head *h, const char *body, size_t len, int64_t now,
               int64_t now_ms, struct arena *a, struct push_answer *out);

/* Puts on the disk what was accepted since the last time: `synced` of each target is the answer to all of those. */
void push_sync(struct push *p);

#endif

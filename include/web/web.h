/* The daemon's HTTP endpoint, on the daemon's own loop: GET /health, POST /push/ORGANISATION/SOURCE for events, which
 * are on the disk before they are acknowledged, and /a/ORGANISATION/TOKEN for answers to findings. No TLS: a proxy in
 * front does that. */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	WEB_MAX_BODY = 1 << 20,
	WEB_MAX_EVENTS = 5000,    /* of one request */
	WEB_MAX_CONNECTIONS = 32, /* so many bodies are in memory at most */
	WEB_IDLE_S = 10,
	WEB_REQUEST_S = 30        /* all that a request may take to come in, a byte now and then or not */
};

/* How a sender shows who it is. */
enum web_auth {
	WEB_AUTH_WRITE_KEY,         /* Basic, the key as user, as Segment's libraries do */
	WEB_AUTH_STANDARD_WEBHOOKS, /* webhook-id, webhook-timestamp, webhook-signature */
	WEB_AUTH_ESPOCRM            /* Signature: base64 of id:hex of HMAC-SHA256 */
};

/* Who may push, and where it goes. */
struct web_source {
	const char *org, *name;
	enum web_auth auth;
	const char **secrets; /* any of them is right: while one is being replaced there are two */
	size_t n_secrets;
	const char *spool_folder;
	int64_t spool_bytes;
	double per_second;    /* requests */
};

/* Tells of a request that was not accepted; says why without anything that came from outside. */
typedef void web_refused_fn(void *context, const struct web_source *source, int status, const char *why);

/* What became of a request for an answer page that was more than looked at. */
struct web_answered {
	const char *org, *event; /* an answer's name, or why it was refused: none expired used closed unfit wrong busy */
	const char *who, *why;   /* whose link, and what failed; NULL where there is none */
	int64_t finding;         /* 0: not known */
	int status;
};
typedef void web_answered_fn(void *context, const struct web_answered *what);

struct web_answers; /* see web/answer.h */

struct web_options {
	int listen_fd;                    /* stays the caller's */
	const struct web_source *sources; /* live as long as the endpoint, as all that they point to */
	size_t n_sources;
	web_refused_fn *refused;          /* may be NULL; source NULL: of no source */
	const struct web_answers *answers; /* as sources; none: nobody answers by links */
	size_t n_answers;
	web_answered_fn *answered;        /* may be NULL */
	void *context;
};

struct web;

/* A socket that listens on ADDRESS:PORT ("127.0.0.1:8642", "[::1]:8642"). ERR_RETRY while the port is taken. */
int web_listen(const char *address, int *out_fd, struct err *err) MUST_USE;
/* Whether a secret has the form that its kind needs. */
bool web_secret_is_usable(enum web_auth auth, const char *secret);
/* Has libmicrohttpd at hand, which is loaded when it is first needed. ERR_FATAL: it is not installed, or can't be
 * opened. */
int web_load(struct err *err) MUST_USE;
int web_start(const struct web_options *o, struct web **out, struct err *err) MUST_USE;
void web_stop(struct web *w); /* accepts NULL */
/* Readable when there is something to do. */
int web_fd(const struct web *w);
/* Does what can be done without waiting. Returns within how many milliseconds it wants to be called again, -1: only
 * when its descriptor is readable. */
int web_run(struct web *w, int64_t now_ms);

#endif

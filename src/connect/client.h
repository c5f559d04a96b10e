/* Asks an API and understands its answers: credentials, pace, repetition, errors, redirects within the origin. */
#ifndef CONNECT_CLIENT_H
#define CONNECT_CLIENT_H

#include "auth.h"
#include "connector.h"
#include "oauth.h"

/* The clock and the bed; tests put their own, so that no test waits. */
struct client_time {
	int64_t (*now_ms)(void *context); /* monotonic */
	void (*sleep_ms)(void *context, int64_t ms);
	void *context;
};

struct client {
	const struct connector *connector;
	struct http *http;
	const char *base_url;    /* whose origin alone gets the credentials */
	struct oauth *oauth;     /* NULL: the credentials don't expire */
	struct client_time time;
	struct credentials credentials;
	struct scope scope;      /* config and secrets */
	struct limiter limiter;
	bool is_spent;           /* the other side said that its quota is used up */
	int64_t now;             /* wall clock when it was made */
	int64_t started_ms;
	/* how far our clock runs before the other side's, by its Date; 0: it doesn't, or isn't known */
	int64_t ahead_s;
	/* The answer whose Date was nearest to our wall clock, by either; answered_boot_ms is of the boot-time clock. */
	bool has_date;
	int64_t answered_at, answered_boot_ms, off_s;
	bool wants_less;         /* the last answer that failed said that we asked for too much at once */
	int64_t n_answers, n_unanswered; /* requests, of either kind */
};

/* What an answer should look like. */
struct expected {
	const struct decode_settings *decode; /* NULL: a JSON document */
	const struct texts *empty;            /* statuses that stand for no rows; NULL: as the rules say */
	int download_fd;                      /* above 0: the file that the answer goes to, undecoded: body is NULL */
	size_t max_bytes;                     /* of that */
	int64_t timeout_ms;                   /* 0: the usual */
	const char *count, *records;          /* header that says how many rows there are, and where; NULL: none does */
	const struct http_header *headers;    /* to be sent besides the connector's */
	size_t n_headers;
};

struct answer {
	bool is_empty;           /* a status that stands for no rows */
	struct expected expected;
	const struct json *body; /* decoded: an array of rows, or the document */
	struct http_response http;
	const char *url;         /* that answered in the end */
};

/* time NULL: the real one. Secrets must be resolved in scope. */
int client_init(struct client *c, const struct connector *connector, struct http *http, const struct scope *scope,
                const struct client_time *time, double budget_percent, int64_t now, struct arena *a,
                    struct err *err) MUST_USE;
/* Gets the token of a connector whose credentials expire, kept at token_path; else does nothing. Before the first
 * call. */
int client_login(struct client *c, const char *token_path, struct arena *a, struct err *err) MUST_USE;
/* Keeps within the limits together with all processes that name the same file (see limits_file.h), instead of alone.
 * Before the first call. */
int client_share_limits(struct client *c, const char *path, struct arena *a, struct err *err) MUST_USE;
/* The wall clock as this client sees it. */
int64_t client_now(const struct client *c);
/* method GET or POST; body is JSON or NULL. ERR_RETRY when the other side stayed unwell, ERR_CONFIG when a person must
 * act, ERR_INPUT when this can't be answered. No secret is in err. */
int client_call(struct client *c, const char *method, const char *url, const char *body, struct arena *a,
                struct answer *out, struct err *err) MUST_USE;
/* The same for what makes something and must not be made twice: ERR_RETRY when it is not known whether it arrived. */
int client_call_once(struct client *c, const char *method, const char *url, const char *body, struct arena *a,
                     struct answer *out, struct err *err) MUST_USE;
/* The same for an answer that is no JSON document. */
int client_call_for(struct client *c, const char *method, const char *url, const char *body,
                    const struct expected *expected, struct arena *a, struct answer *out, struct err *err) MUST_USE;

struct call {
	const char *method, *url, *body;
	struct expected expected;
	bool is_once; /* it makes something: is not made again when it is not known whether it arrived */
};

enum { CALL_MANY_BODY_BYTES = 8 << 20 }; /* the largest answer of one among many */

/* Makes n calls, at most `most` of them at the same time, each at the pace allowed. The answers come in the order of
 * the calls. Fails as client_call, with the first call that failed; then no more are made. */
int client_call_many(struct client *c, const struct call *calls, size_t n, size_t most, struct arena *a,
                     struct answer *out, struct err *err) MUST_USE;

#endif

/* HTTP exchanges over libcurl, with everything outside kept within limits: https only, TLS >= 1.2 and
 * verified, no redirects, no proxy or netrc from the environment, addresses checked when the connection is made, the
 * decompressed body counted. Owns libcurl (but for mail, which deliver/email.c sends). */
#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"

struct http_options {
	bool allows_http_loopback; /* plain http to 127.0.0.0/8 and ::1, for tests and the demo */
	bool allows_private;       /* private and loopback addresses (see reliability X4) */
	const char *ca_file;       /* NULL: the system's */
	const char *user_agent;
	int64_t connect_timeout_ms, timeout_ms; /* 0: 10 s and 30 s */
	size_t max_body_bytes;     /* 0: 32 MiB */
};

struct http_header {
	const char *name, *value;
};

struct http_request {
	const char *method, *url;
	const struct http_header *headers;
	size_t n_headers;
	const void *body; /* NULL: none */
	size_t body_len;
	int64_t timeout_ms; /* 0: the options' */
	size_t max_body_bytes; /* of the answer; 0: the options' */
	/* above 0: the file that the body of a 2xx goes to instead of memory, from its beginning; max_body_bytes counts */
	int download_fd;
	int64_t silence_ms; /* without a byte, then the other side is stuck; 0: 20 s */
	bool is_repeatable; /* a POST that only asks: may go over a kept connection, which libcurl tries twice */
};

struct http_response {
	int status;
	const char *body; /* NUL-terminated behind body_len */
	size_t body_len;
	int64_t n_downloaded; /* bytes that went to download_fd */
	const struct http_header *headers; /* names in lower case */
	size_t n_headers;
};

struct http;
/* The transport; a test may put its own. Same contract as http_send. */
typedef int http_transport_fn(void *context, struct arena *a, const struct http_request *req, struct http_response *out,
                              bool *out_was_sent, struct err *err);

/* Has libcurl at hand, which is loaded when it is first needed: for who will send, before processes part and files are
 * scarce. ERR_FATAL: it is not installed, or can't be opened. */
int http_load(struct err *err) MUST_USE;
void http_free(struct http *h); /* accepts NULL */
void http_freep(struct http **h);
struct http *http_new(const struct http_options *options);
struct http *http_new_fake(http_transport_fn *transport, void *context);

/* Returns 0 with whatever status came; -1 when no whole answer came: ERR_RETRY (network, timeout, cut short),
 * ERR_CONFIG (certificate, forbidden address or scheme, malformed URL), ERR_INPUT (answer above a ceiling). The answer
 * lives in a. */
int http_send(struct http *h, struct arena *a, const struct http_request *req, struct http_response *out,
              struct err *err) MUST_USE;

enum { HTTP_MOST_AT_ONCE = 16 };

/* Where the requests of http_send_many come from and their answers go. */
struct http_many {
	size_t most; /* under way at the same time, 1 to HTTP_MOST_AT_ONCE */
	/* 1: *out is to be sent now; 0: none may go yet, ask again after *out_wait_ms or when one has come back; -1: there
	 * is none any more. */
	int (*next)(void *context, struct http_request *out, int64_t *out_wait_ms);
	/* What became of the place-th request, from 0: r NULL says that err is set, as by http_send. */
	void (*done)(void *context, size_t place, const struct http_response *r, struct err *err);
	void (*wait)(void *context, int64_t ms); /* called while none is under way */
	void *context;
};

/* Sends several requests side by side, over connections that are kept. Returns when all that were given are done, in
 * whatever order. */
void http_send_many(struct http *h, struct arena *a, const struct http_many *m);
/* Whether the last request may have reached the other side although http_send failed (its last byte had left). */
bool http_was_sent(const struct http *h);
/* The value of a header (name in lower case), or NULL. */
const char *http_header(const struct http_response *r, const char *name);
/* Seconds to wait by Retry-After (both forms), capped at one hour; -1 when absent or absurd. now counts where the
 * answer has no Date of its own. */
int64_t http_retry_after_s(const struct http_response *r, int64_t now);
/* Whether two URLs have the same scheme, host and port, and the second neither user info nor fragment. */
bool http_same_origin(const char *base, const char *url);
/* Resolves a reference (absolute, "/path", "?query", "path") against a base; NULL when it can't be. */
char *http_resolve(struct arena *a, const char *base, const char *reference);
/* The host of a URL, without its port; NULL when it is none. */
char *http_host(struct arena *a, const char *url);
/* %-escapes everything but unreserved characters. */
char *http_escape(struct arena *a, const char *text);
/* "https://hooks.slack.com/…wxyz": a URL that is a secret, as logs may show it. */
char *http_redact(struct arena *a, const char *url);

#endif

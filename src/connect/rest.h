/* Pulls the streams of a REST connector: lists, increments, deletions, page by page. */
#ifndef CONNECT_REST_H
#define CONNECT_REST_H

#include "client.h"
#include "connect/pull.h"

/* One stream, to its end or to where it fails; *out says how it went. Returns 0 or, when it failed, -1 with err. */
int rest_stream(const struct pull *p, struct client *client, int64_t source, const struct stream_settings *s,
                struct pull_result *out, struct err *err) MUST_USE;
/* Makes a client for the pull's source: connector, secrets, connection (the caller's to free, set as soon as made). */
int rest_source_open(const struct pull *p, struct arena *a, struct http **out_http, struct client *out,
                     struct err *err) MUST_USE;
/* The rest connectors' row of pull_source's table of kinds. */
int rest_source_pull(const struct pull *p, struct arena *a, const struct pull_result **out, size_t *out_n,
                     struct err *err)
	MUST_USE;

#endif

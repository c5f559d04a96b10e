/* Puts credentials on a request: a table of ways. */
#ifndef CONNECT_AUTH_H
#define CONNECT_AUTH_H

#include "connector.h"

/* What goes with every request of a connector, ready to send. */
struct credentials {
	const struct http_header *headers;
	size_t n_headers;
	const char *query; /* "name=value", escaped; NULL: none */
};

int auth_make(const struct auth_settings *s, const struct scope *scope, struct arena *a, struct credentials *out,
              struct err *err) MUST_USE;

#endif

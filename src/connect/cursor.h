/* The place that a source itself gives to go on from at the next pull: a cursor that only it understands, or the URL of
 * what changed since. */
#ifndef CONNECT_CURSOR_H
#define CONNECT_CURSOR_H

#include <stdbool.h>

#include "common/json.h"
#include "common/yaml.h"

enum cursor_kind { CURSOR_OPAQUE, CURSOR_DELTA_URL };

/* `cursor: { kind: opaque, from: after_cursor }`: the whole list, walked once, ends with a cursor; an increment is the
 * same request with that cursor as its page's token. */
struct cursor_settings {
	int kind;
	const char *from; /* path in the answer; NULL: the stream has none */
};

extern const struct yaml_table cursor_table;

/* Looks for it on one page of a walk; *cursor stays as it is where the page says none. url: that the page was asked for
 * with; base_url: whose origin a delta_url must have, else ERR_INPUT. */
int cursor_see(const struct cursor_settings *s, const struct json *body, const char *url, const char *base_url,
               struct arena *a, const char **cursor, struct err *err) MUST_USE;

#endif

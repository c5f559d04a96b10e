/* Whether a request comes from whom it says. Every comparison takes the same time whatever is wrong. */
#ifndef WEB_AUTH_H
#define WEB_AUTH_H

#include <stdbool.h>

#include "common/arena.h"
#include "web/web.h"

/* A header of the request; NULL when it has none. */
typedef const char *web_header_fn(void *context, const char *name);

struct web_head {
	const char *method, *path;
	web_header_fn *header;
	void *context;
};

/* What the headers alone tell: all for a write key; the others are asked again with the body. */
bool auth_head(const struct web_source *s, const struct web_head *h, struct arena *a);
bool auth_body(const struct web_source *s, const struct web_head *h, const char *body, size_t len, int64_t now,
               struct arena *a);
/* The request's own id: "" when its kind has none. */
const char *auth_id(const struct web_source *s, const struct web_head *h);

#endif

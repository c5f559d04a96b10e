/* A digest in the format of a channel. One row of renderers[] per format. */
#ifndef DIGEST_RENDER_H
#define DIGEST_RENDER_H

#include "common/err.h"
#include "digest/digest.h"

/* What a renderer must know of where it goes; mail uses most of it. */
struct render_to {
	const char *from;        /* "Retention desk <retaind@acme.example>" */
	const char *reply_to;    /* NULL */
	const char *unsubscribe_url; /* https; NULL: by mail only */
	const char *message_key; /* the delivery key: makes the Message-ID */
	int offset_s;            /* of the owner's zone, for the Date */
};

struct rendered_part {
	const void *body, *fallback; /* fallback: a plainer body, NULL: none */
	size_t len, fallback_len;
};

struct rendered {
	const char *content_type;
	struct rendered_part *parts; /* sent in order */
	size_t n;
};

struct renderer {
	const char *name;    /* as `preview --format` takes it */
	const char *channel; /* kind of channel that takes it */
	/* Fails only on what was configured wrongly (an address): ERR_CONFIG. */
	int (*render)(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
	              struct err *err);
};

extern const struct renderer renderers[]; /* ends with name NULL */
const struct renderer *renderer_of(const char *name);             /* NULL: none */
const struct renderer *renderer_for_channel(const char *channel); /* NULL: none */

#endif

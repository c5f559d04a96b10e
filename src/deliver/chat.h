/* What the channels to chats share: the body is judged by its shape before it goes, then posted as JSON. */
#ifndef CHAT_H
#define CHAT_H

#include "channel.h"
#include "shape.h"

struct chat_rules {
	const struct shape *shape;
	size_t max_bytes;
	/* What else is wrong with a body of the shape, or NULL; may be NULL. */
	const char *(*flaw)(struct arena *a, const struct json *body);
	/* What an answer means. */
	struct verdict (*verdict)(const struct http_response *r, struct arena *a, int64_t now);
};

/* Posts the job's body to the channel's URL, with query ("wait=true"; NULL: none) behind what it has of its own; a body
 * that breaks a rule is refused without a byte sent. */
void chat_send(const struct channel_job *job, const struct chat_rules *rules, const char *query, struct arena *a,
               struct verdict *out);
/* What forbids to send a body as it is, or NULL. */
const char *chat_flaw(const struct chat_rules *rules, const void *body, size_t len, struct arena *a);

/* An answer by its status alone: 429 holds the sink, 400, 413 and 422 refuse the body, 401, 403, 404 and 410 need a
 * person, 5xx and the rest come again. */
struct verdict chat_status_verdict(const struct http_response *r, const char *detail, int64_t now);
/* A name such as "RESOURCE_EXHAUSTED" that an answer holds; "" unless it looks like one: whatever else answers may
 * repeat our secret URL. */
const char *chat_name(struct arena *a, const char *text);

/* The keys of a channel that is a secret URL. */
extern const struct channel_key chat_keys[];
extern const struct chat_rules teams_rules, google_chat_rules, discord_rules, mattermost_rules;

#endif

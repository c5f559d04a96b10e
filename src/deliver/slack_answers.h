/* What Slack's answers mean, those of its webhooks and those of its Web API. */
#ifndef SLACK_ANSWERS_H
#define SLACK_ANSWERS_H

#include "channel.h"

enum slack_answer {
	SLACK_RETRY,     /* surely not posted, and may work later */
	SLACK_UNSURE,    /* Slack: "some aspect may have succeeded" */
	SLACK_RATE,      /* too much at once: the whole sink waits */
	SLACK_RATE_LONG, /* a quota is used up */
	SLACK_FIX,       /* this body will never do: the plainer one */
	SLACK_DEAD_SINK, /* nothing gets through until a person acts */
	SLACK_NOBODY,    /* nobody and nothing there by that name: the end of a webhook, but of one recipient for the API */
	SLACK_DEAD
};

/* The error's name: the member "error" of a JSON answer, or the first word of a plain one; "" when neither. A name is
 * shown and logged, so it is one only when it looks like Slack's: whatever else answers may repeat a secret. */
const char *slack_error_name(const struct http_response *r, struct arena *a);
/* Of an answer that is no success. */
enum slack_answer slack_answer_of(const struct http_response *r, const char *name);
/* The verdict on a message; SLACK_NOBODY switches the sink off. */
struct verdict slack_answer_verdict(enum slack_answer answer, const char *name, const struct http_response *r,
                                    struct arena *a, int64_t now);

#endif

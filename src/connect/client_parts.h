/* What a call is made of, for client.c, which makes one at a time, and client_many.c. */
#ifndef CONNECT_CLIENT_PARTS_H
#define CONNECT_CLIENT_PARTS_H

#include "client.h"

/* What became of a call until now. */
struct tried {
	int64_t n;          /* attempts; 0: none yet */
	int rc;             /* of the last one, as client_understand says it */
	bool is_answered;   /* x is whole */
	struct verdict v;
	struct answer x;
};

/* The path of a URL without its query, for limits. */
const char *client_path(const char *url, struct arena *a);
/* The request with its credentials, which go to base_url's origin and nowhere else; lives in a. */
int client_prepare(struct client *c, const struct call *call, struct arena *a, struct http_request *out,
                   struct err *err) MUST_USE;
/* Takes credentials out of the reason why a request got no answer. */
void client_unsent(struct client *c, const struct http_request *req, struct arena *a, struct err *err);
/* Limits and clock, by an answer's headers. */
void client_learn(struct client *c, const char *path, const struct http_response *r);
bool client_is_redirect(const struct http_response *r);
/* Makes sense of an answer: 0 done, 1 ask again, -1 failed. *v says why. */
int client_understand(struct client *c, struct answer *x, struct arena *a, struct verdict *v, struct err *err) MUST_USE;
/* Goes on from what was tried until it is answered, as client_call says it; err is the reason of the last attempt. */
int client_insist(struct client *c, const struct call *call, struct tried *t, struct arena *a, struct answer *out,
                  struct err *err) MUST_USE;

#endif

/* OAuth 2: access tokens that expire, renewed in time or when they are refused, by one process at a time. */
#ifndef CONNECT_OAUTH_H
#define CONNECT_OAUTH_H

#include "token_file.h"

struct client;
struct oauth;

/* Makes the client ready to ask: with the token kept at path, or a new one. Sets its credentials and, where the token's
 * answer says it, its base_url. ERR_CONFIG: a person must act. */
int oauth_open(struct client *c, const char *path, struct arena *a, struct err *err) MUST_USE;
/* Renews the token when it is about to expire. */
int oauth_keep_fresh(struct client *c, struct err *err) MUST_USE;
/* Renews the token that was refused, unless another process has done so by now. */
int oauth_refused(struct client *c, struct err *err) MUST_USE;
/* Every token that this process has seen, for the blackout. */
const char *const *oauth_tokens(const struct oauth *o, size_t *n);

#endif

/* The assertion of RFC 7523: who we are and for whom we ask, signed with our key, good for a few minutes. */
#ifndef CONNECT_JWT_H
#define CONNECT_JWT_H

#include "connector.h"

/* iat and exp are added to the claims. */
int jwt_make(const struct oauth_settings *s, const struct scope *scope, int64_t now, struct arena *a, const char **out,
             struct err *err) MUST_USE;

#endif

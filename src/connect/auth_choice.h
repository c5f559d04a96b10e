/* `auth:` as a list of ways to log in: which of them an organisation uses is seen by the secrets it gives. */
#ifndef CONNECT_AUTH_CHOICE_H
#define CONNECT_AUTH_CHOICE_H

#include "connector.h"

/* The connector's file with the first way of the list whose {{names}} are all there in its place; the file itself where
 * `auth:` is no list; NULL when no way is complete, which is noted. Every way is checked. */
const struct yaml *auth_choose(struct arena *a, const struct yaml *file, const struct scope *names, struct mistakes *m);
/* What a login by OAuth means for the rest of a connector that was read; mistakes are noted at where. */
void auth_finish(struct arena *a, struct connector *c, const struct source_settings *source, const struct yaml *where,
                 struct mistakes *m);

#endif

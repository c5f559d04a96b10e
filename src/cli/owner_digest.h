/* Makes one owner's digest from what the organisation's database and configuration hold. */
#ifndef CLI_OWNER_DIGEST_H
#define CLI_OWNER_DIGEST_H

#include "cli/cli.h"
#include "digest/compose.h"
#include "digest/render.h"

/* The digest of a nominal day, judged on the organisation's as-of day. Everything lives in the arena. */
int owner_digest(const struct session *s, const struct owner_settings *owner, int32_t local_on, struct arena *a,
                 struct digest *out, struct err *err) MUST_USE;
/* Where a rendering for the owner over a channel goes; channel NULL: nowhere yet (preview). */
int owner_render_to(const struct session *s, const struct owner_settings *owner, const struct channel_settings *channel,
                    const char *key, struct arena *a, struct render_to *out, struct err *err) MUST_USE;
/* The owner's zone, else the organisation's. */
int owner_zone(const struct session *s, const struct owner_settings *owner, struct arena *a, const struct zone **out,
               struct err *err) MUST_USE;
/* Whether a book is one that this owner sees: their own; of a manager, those of whom they manage. */
bool owner_sees(const struct owner_settings *owner, const char *email);
const char *owner_kind(const struct owner_settings *owner); /* csm | am | manager */

#endif

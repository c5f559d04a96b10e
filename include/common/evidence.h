/* Evidence in the reader's language, out of what score kept of it (struct finding, evidence). */
#ifndef COMMON_EVIDENCE_H
#define COMMON_EVIDENCE_H

#include "common/arena.h"
#include "common/json.h"
#include "common/words.h"

/* The members of a finding's evidence; NULL: it has none that can be read. */
const struct json *evidence_list(struct arena *a, const char *evidence);
/* One of them in the reader's language, in English where that can't be. said_on: when the reader reads it. */
const char *evidence_text(const struct words *w, int32_t said_on, struct arena *a, const struct json *item);
/* A finding's summary, which is one of its members, likewise. evidence may be NULL. */
const char *evidence_cause(const struct words *w, int32_t said_on, struct arena *a, const struct json *evidence,
                           const char *summary);

#endif

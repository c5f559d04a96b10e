/* Words of evidence that every language says in its own way. They are told in English, and kept beside it as what they
 * are made of (struct finding, evidence). */
#ifndef SCORE_EVIDENCE_H
#define SCORE_EVIDENCE_H

#include "common/json.h"
#include "common/words.h"
#include "signal.h"

/* The text `evidence.KEY` with arguments, or one argument alone (key NULL). */
struct said {
	const char *key;
	const struct word *args;
	size_t n;
};

/* A word of the reading; one of a name that is there already goes on with it: "a, b". */
void reading_say(const struct context *c, struct reading *out, const char *name, const char *key,
                 const struct word *args, size_t n);
#define READING_SAY(c, out, name, key, ...) \
	reading_say((c), (out), (name), (key), (const struct word[]){ __VA_ARGS__ }, \
	            ARRAY_LEN(((const struct word[]){ __VA_ARGS__ })))
/* The text `evidence.KEY`, without arguments. */
void reading_phrase(const struct context *c, struct reading *out, const char *name, const char *key);
void reading_day(const struct context *c, struct reading *out, const char *name, int32_t day);
void reading_money(const struct context *c, struct reading *out, const char *name, int64_t minor, const char *currency);
/* What use of a metric is called. Languages know the names of some, which are the texts `evidence.metric.NAME`. */
void reading_metric(const struct context *c, struct reading *out, const char *name, const char *metric);
/* ": \"text\"", cut and masked; nothing for a blank one. */
void reading_quoted(const struct context *c, struct reading *out, const char *name, const char *text, size_t max_chars);
/* What a reading with words says: its evidence, or its text (a template) filled in now that somebody asks. */
const char *reading_evidence(struct arena *a, const struct reading *r);
/* A member of a list of evidence; see struct finding. */
void evidence_put(struct json_out *o, const struct reading *r, struct arena *a);

#endif

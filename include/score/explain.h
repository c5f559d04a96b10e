/* A diagnosis in words for the person who has to act on it, as tables for the one who checks it, and for programs. */
#ifndef SCORE_EXPLAIN_H
#define SCORE_EXPLAIN_H

#include "score/score.h"
#include "score/similar.h"

/* What stands around a diagnosis: who judged, what was said on earlier days, what became of accounts like it. */
struct explain_more {
	const struct score_settings *settings;
	const char *config_hash;            /* of today's settings */
	const struct past_score *history;   /* of this account, before the day, ascending */
	size_t n_history;
	struct similar_accounts similar[N_ENGINES]; /* looked for where the engine has a band */
};

/* Tells what single reading, moved how far, would change the bands. It tries thousands of values: for explain, not for
 * everybody every day. */
void score_changes(const struct score_settings *settings, struct arena *a, struct diagnosis *d);
/* At most some thirty lines of 100 columns. */
void explain_text(const struct diagnosis *d, const struct explain_more *more, struct arena *a, struct buf *out);
/* Every signal with value, usual, strength, logits before and after the cap, curve, freshness and source. */
void explain_table(const struct diagnosis *d, struct arena *a, struct buf *out);
void explain_json(const struct diagnosis *d, const struct explain_more *more, struct arena *a, struct buf *out);

#endif

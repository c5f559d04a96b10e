/* What is kept of an account's signals (see store/account_signals.h): how they are set once, and what they say. */
#ifndef SCORE_KEPT_H
#define SCORE_KEPT_H

#include "common/buf.h"
#include "score/score.h"

/* As account_signals_setting takes it. */
void kept_setting(const struct judge *j, struct buf *out);
/* Of a diagnosis with words; nothing when no signal has a strength. */
void kept_signals(const struct judge *j, const struct diagnosis *d, struct arena *a, struct buf *out);

#endif

/* What is to be written of accounts, packed to go from one process to another of the same program: scores with their
 * signals, and findings that changed. */
#ifndef SCORE_PACK_H
#define SCORE_PACK_H

#include "common/buf.h"
#include "diagnose.h"
#include "score/finding.h"
#include "store/score_day.h"

/* How the signals of all accounts are set: before the first score. */
void pack_setting(struct buf *out, const struct judge *j);
void pack_score(struct buf *out, const struct judge *j, const struct diagnosis *d, struct arena *a);
void pack_change(struct buf *out, const struct finding_change *c);
/* The base of the day, to be kept (see diagnose_keep). */
void pack_base(struct buf *out, const struct diagnosing *d);

struct packed_score {
	struct score_row row; /* without its configuration */
	int bands[N_ENGINES]; /* an override may hold another than the row's, which is computed */
	const char *signals; size_t n_signals; /* as kept_signals has them; a NUL behind them, or 0 bytes */
};
struct packed_base { const char *maker; const void *data; size_t len; };
/* change: of a finding; setting: as kept_setting has it. Where both are NULL it is a base, when that has data, or a
 * score. Texts and data lie in the packed bytes, lists in the arena. */
struct packed {
	struct packed_score score;
	struct finding_change *change;
	struct packed_base base;
	const char *setting;
};
struct packed_reader { const char *at, *end; struct arena *arena; };
/* 1 and what comes next, or 0 at the end. Dies of bytes that were not packed by these functions. */
int packed_next(struct packed_reader *u, struct packed *out);

#endif

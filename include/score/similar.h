/* Accounts that looked like this one on an earlier day, and what became of them. Likeness is the share of what speaks
 * against (for growth: for) either account that speaks against both, each signal by the logits it can move (Ruzicka's
 * index); so it is about the reasons, not about the score or the size of the account. Pure. */
#ifndef SCORE_SIMILAR_H
#define SCORE_SIMILAR_H

#include "score/score.h"
#include "store/outcomes.h"
#include "store/past.h"

enum { SIMILAR_MOST = 12 };

struct similar {
	const char *name;
	int64_t account;
	int32_t day;                  /* when it looked like this */
	double likeness;              /* 0..1 */
	const struct outcome *became; /* within the horizon after that day; NULL: nothing of the kind */
};
/* The most alike, one moment of each account, most alike first; at most SIMILAR_MOST. */
struct similar_accounts {
	struct similar at[SIMILAR_MOST];
	int n, n_became, middle_days; /* middle_days: of those that it happened to, from that day on */
};

double similar_likeness(const struct verdict *v, const struct past_moment *m);
/* Moments whose horizon is not over by until don't count; DAY_NONE: nothing is known of what became of anybody. What
 * became of those found is not looked up yet. */
struct similar_accounts similar_find(const struct verdict *v, const struct past_moment *moments, size_t n,
                                     int32_t until, int32_t horizon_days, struct arena *a);
/* kinds: what to look for, a mask of outcomes. Each account's outcomes: of all, or its own alone. */
void similar_tell(struct similar *s, const struct outcomes *outcomes, unsigned kinds, int32_t horizon_days);
/* Once all are told. */
void similar_count(struct similar_accounts *io);

#endif

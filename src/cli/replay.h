/* Replays as-of days: what would have been said of accounts then, and what happened after. Samples come from a panel or
 * from the organisation's own history; backtest judges the scores, calibrate fits to the readings. */
#ifndef REPLAY_H
#define REPLAY_H

#include "cli/cli.h"
#include "diagnose.h"
#include "panel.h"
#include "score/score.h"
#include "store/outcomes.h"

enum {
	REPLAY_UNKNOWN = -1, /* account: no such key in the store */
	SAMPLES_MAX = PANEL_MAX_ROWS,
};

struct sample {
	int64_t account;
	const char *key;    /* as the panel names it; of history: its id */
	const char *queue;  /* rows with the same compete for one list; NULL: those of the day */
	int32_t day;
	int32_t event_on;   /* the first outcome after the day, DAY_NONE when none is known */
	bool is_event;      /* it lies within the horizon */
	bool is_train;
	size_t place;       /* in the panel; in history: in this order */
};
struct samples {
	struct sample *at;  /* to be replayed; by day, then account, then place */
	size_t n;
	const struct sample *trained; size_t n_trained; /* a panel's training rows with a label, in the same order */
	int64_t horizon_days;
	size_t n_leaving;   /* history: left out, as they had given notice already */
};

/* horizon_days 0: what the panel says, else the configured one. Training rows are replayed where asked for. */
int samples_of_panel(const struct session *s, const struct panel *panel, int64_t horizon_days, bool wants_train,
                     struct arena *a, struct samples *out, struct err *err) MUST_USE;

struct history_query {
	unsigned kinds;     /* outcomes that are the event: OUTCOME_LOSSES or OUTCOME_GAINS */
	int32_t from, to;   /* DAY_NONE: the last two years whose outcomes are known for the whole horizon; what is not
	                     * known is left out */
	int64_t every_days, horizon_days;
};
/* Customers on each day, but for those that were leaving. n = 0 when history is too short; ERR_INPUT when they are more
 * than SAMPLES_MAX. */
int samples_of_history(const struct outcomes *outcomes, const struct history_query *q, struct arena *a,
                       struct samples *out, struct err *err) MUST_USE;

/* d: NULL when the account was not there on that day. What is in day and d goes after the call. */
typedef int (*replay_fn)(void *context, size_t sample, const struct diagnosing *day, const struct diagnosis *d,
                         struct err *err);

/* By the settings given, without any earlier score: nothing is held. Rates of the base are those known on the day; in a
 * panel with labelled training rows, theirs, of rows whose horizon had passed. Progress goes to a terminal. */
int replay(const struct session *s, const struct score_settings *settings, const struct samples *samples,
           replay_fn take, void *context, struct err *err) MUST_USE;

#endif

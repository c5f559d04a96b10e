/* What a replay of as-of days says of the scores: how well they ranked beside naive rules, what an owner's list would
 * have caught and when, whether probabilities came true, what each signal was worth, and in words whether any of it is
 * better than chance. Pure: rows in, report out, and the report as text, JSON or a page. */
#ifndef SCORE_BACKTEST_H
#define SCORE_BACKTEST_H

#include "common/buf.h"
#include "score/quality.h"
#include "score/score.h"

/* Rules that need no program: the longer silent, the more activity fell from 30 days to 30 days, the shorter (for
 * expansion: the longer) a customer. For expansion: the more recent, the more it rose. */
enum backtest_naive { NAIVE_RECENCY, NAIVE_CHANGE, NAIVE_TENURE, N_NAIVE };
enum { BACKTEST_LEADS = 4, BACKTEST_MAX_GROUPS = 20, BACKTEST_MAX_BYTES = 8 << 20 };

struct backtest_row {
	int64_t account;         /* id; rows of the same are one account */
	const char *account_key; /* for the dump */
	const char *queue;       /* rows with the same compete for the places of one list; NULL: those of the day */
	const char *segment, *owner; /* "" when not known */
	int32_t day, event_on;   /* event_on: DAY_NONE when there is none, or it is not told */
	bool is_event;           /* it happened within the horizon */
	bool is_known;           /* the account was there on the day; else score and prob say the least */
	double score, prob;      /* logits against the usual account of the day, so that its drift ranks nobody; 0..1 */
	double naive[N_NAIVE];
	const float *strengths;  /* by signal, NAN where it was not known; NULL: nothing was read */
};

struct backtest_input {
	enum score_engine engine;
	const struct backtest_row *rows; size_t n;
	const char *const *signals; size_t n_signals; /* their names */
	int64_t horizon_days;
	const char *weights;     /* which weights made the scores, in words */
	int64_t (*capacity)(const void *context, const char *owner); /* places of an owner's list; NULL: not known */
	const void *capacity_context;
	const char *const *notes; size_t n_notes; /* what a reader must know of the rows */
};

struct backtest_ranker {
	const char *name;
	double auc, average_precision;
	struct quality_interval auc_in, lift_in;
	struct quality_list top; /* a tenth of each list, at least one */
	struct quality_ranking ranking;
};
struct backtest_lead { int days; struct quality_ahead seen; };
struct backtest_signal { const char *name; size_t n_known, n_speaks; double precision, lift, auc; };
struct backtest_group {
	const char *name;
	size_t n, n_events;
	double auc, lift, mean_prob;
	struct quality_interval auc_in;
};

struct backtest_report {
	const struct backtest_input *in;
	struct quality_set set;
	size_t n_events, n_accounts, n_event_accounts, n_days, n_unknown;
	int32_t from, to;
	double base_rate;
	struct backtest_ranker rankers[1 + N_NAIVE]; /* ours first */
	int best_naive;                              /* place in rankers */
	struct quality_interval gain_in;             /* of our AUC over the best naive rule's */
	bool has_owners;
	struct quality_list owners;                  /* at the capacity of each owner on each day */
	struct backtest_lead leads[BACKTEST_LEADS]; size_t n_leads;
	double brier, brier_base, calibration_error;
	struct quality_interval brier_gain_in;       /* base rate's minus ours */
	struct quality_bin bins[QUALITY_BINS]; size_t n_bins;
	const struct backtest_signal *signals; size_t n_signals; /* known anywhere, by AUC, best first */
	const struct backtest_group *segments; size_t n_segments; /* the largest, when there is more than one */
	const struct backtest_group *periods; size_t n_periods;
	bool beats_chance, beats_naive;
	const char *verdict;                         /* sentences */
};

/* Rows without an event, or with nothing else, are judged as far as that goes; the verdict says so. */
void backtest_judge(const struct backtest_input *in, struct arena *a, struct backtest_report *out);
void backtest_text(const struct backtest_report *r, struct arena *a, struct buf *out);
void backtest_json(const struct backtest_report *r, struct arena *a, struct buf *out);
/* One page that needs nothing else: curves as SVG, tables beside them. title: text of ours or theirs. */
void backtest_html(const struct backtest_report *r, const char *title, struct arena *a, struct buf *out);

#endif

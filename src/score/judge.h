/* What is the same for all accounts of a run, worked out once: which signals are read, with which settings, and what
 * their readings look like before anything is known. */
#ifndef JUDGE_H
#define JUDGE_H

#include "signal.h"
#include "store/account_signals.h"

struct judged_signal {
	signal_fn *read;
	const char *text;  /* its template of evidence; NULL: none */
	const char *stale; /* why it is not known, as its source does not come through; NULL: it does, or needs none */
	bool is_own_text;  /* text is the configuration's, not the signal's */
	struct signal_mark marks[SIGNAL_MARKS]; /* of text */
	size_t n_marks;
};

/* The signals of one engine that are switched on, in the registry's order. */
struct bench {
	const struct judged_signal *signals;
	const struct reading *blanks; /* by signal: a reading of which nothing is known yet */
	size_t n, n_open;
	uint8_t open[MAX_SIGNALS]; /* those of which something may be known, as there are sources of it */
	double wanted, base_logit; /* wanted: the weights added up */
};

/* What is sold, told apart by numbers: those of products that are alike but for upper and lower case are the same. */
struct offers {
	struct offered { uint32_t number; const struct fact_product *product; } *wanted; /* most buyers first */
	size_t n_wanted;
	uint32_t *plans; /* of the market: the numbers of their products */
};
struct offers offers_of(const struct fact_market *market, struct arena *a);

struct judge {
	const struct score_settings *settings;
	const struct fact_base *base;
	const struct norms *norms;
	struct bench benches[N_ENGINES];
	const struct faded *faded;
	double pace_weights[NORM_WEEKS + 1]; /* see pace_weigh */
	struct offers offers;
};

#endif

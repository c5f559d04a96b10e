/* How accounts are judged: signals.yaml, plays.yaml, lexicon/ and the score part of an organisation's file. */
#ifndef SCORE_SETTINGS_H
#define SCORE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/yaml.h"
#include "score/nrr_policy.h"

enum { MAX_KNOTS = 12 };

/* Logits by value: straight lines between knots, flat beyond them. Knots ascend by value. */
struct curve {
	int n; /* 0: none */
	double at[MAX_KNOTS], logit[MAX_KNOTS];
};

struct signal_settings {
	const char *name;     /* as in the registry */
	double low, high;     /* the reading at which strength is 0 and 1 (either order): a straight line between */
	double weight;        /* logits added at full strength */
	double relief;        /* logits taken off at none; both 0 switch it off */
	struct curve curve;   /* fitted to the organisation's own history: takes the place of weight and relief */
	const char *text;     /* evidence template, see score/evidence */
	const char *play;     /* the play when this signal leads */
};

struct play_words { const char *language, *title, *first_step; };
struct play_settings {
	const char *name;
	const char *title;    /* "Call the sponsor" */
	const char *first_step;
	struct yaml_array languages; /* struct play_words, for who reads another language */
	int64_t lead_days;    /* act this many days before the date that presses, or from today */
};

enum { BASE_DAYS = 90 };

struct word_set { const char *name, *words; }; /* words parted by "|", that phrases mean by <name> */
struct lexicon_settings { /* what speaks for a product, a cancellation, a downgrade */
	const char *name;        /* product name, or the kind */
	const char *kind;        /* adjacent_need | cancel[_request] | downgrade[_request] | competitor | ... */
	struct texts phrases;    /* en and fr together; config/lexicon/cancel_request.yaml says what a phrase may be */
	struct yaml_array words; /* struct word_set */
};
struct lexicon_index; /* see score/lexicon.h */

/* In odds against the usual account of the organisation (1: as usual), so that bands do not move with the base rate. */
struct band_settings {
	double watch, at_risk;        /* odds of loss at which the band is entered (inclusive) */
	double emerging, ready;       /* odds of growth */
	double leave;                 /* left below entry times this, 0..1 */
	int64_t min_stay_days;
};

/* Of the losses of a usual account; need not add up to 1. */
struct loss_shares { double churn, contraction, involuntary; };

/* What `retaind calibrate` fitted for one engine; the curves are at their signals. */
struct fitted_settings {
	bool is_fitted;       /* else the priors stand and the rest is 0 */
	double base;          /* logits to add to the organisation's base */
	double family_cap, total_relief; /* in place of the priors' */
	int32_t until;        /* the last as-of day that it was fitted to; DAY_NONE: not told */
	const char *quality;  /* one line for people: rows, events, AUC and log loss out of sample; NULL: none is known */
};
enum { N_FITTED = 2 };        /* by enum score_engine */
struct weights_settings {
	const char *version;  /* "0003"; NULL: the priors */
	int32_t fitted_on;
	struct fitted_settings engines[N_FITTED];
};

struct score_settings {
	const char *weights_wanted;   /* "priors", a version, or NULL: the newest there is */
	struct weights_settings weights;
	struct yaml_array signals;    /* struct signal_settings */
	struct yaml_array plays;      /* struct play_settings */
	struct yaml_array lexicons;   /* struct lexicon_settings */
	const struct lexicon_index *index; /* of the lexicons; NULL: nothing is heard */
	struct band_settings bands;
	double family_cap;            /* the most logits that a family's signals of degree add */
	double total_relief;         /* the most logits that all families in good order take off */
	double base_risk, base_readiness; /* per cent of usual accounts lost or shrunk, or grown, in BASE_DAYS */
	struct loss_shares losses;
	int64_t horizon_days;         /* of the probabilities; 90 */
	struct texts key_metrics;     /* usage metrics that count as activity; empty: all */
	const char *users_metric;     /* metric that counts active people; NULL: from usage details */
	int64_t stale_days;           /* 3: usage that nobody reported for longer says nothing about now */
	double attach_share;          /* 0.2: what an adjacent product is assumed to be worth, as a share of ARR */
};

#endif

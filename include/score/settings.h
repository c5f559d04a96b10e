/* How accounts are judged: signals.yaml, plays.yaml, lexicon/ and the score part of an organisation's file. */
#ifndef SCORE_SETTINGS_H
#define SCORE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/yaml.h"

struct signal_settings {
	const char *name;     /* as in the registry */
	double weight;        /* points of risk or readiness at full strength; 0 switches it off */
	double low, high;     /* the reading at which strength is 0 and 1 (either order): a straight line between */
	const char *text;     /* evidence template, see score/evidence */
	const char *play;     /* the play when this signal leads */
};

struct play_settings {
	const char *name;
	const char *title;    /* "Call the sponsor" */
	const char *first_step;
	int64_t lead_days;    /* act this many days before the date that presses, or from today */
};

struct lexicon_settings { /* what speaks for a product, a cancellation, a downgrade */
	const char *name;     /* product name, or cancel / downgrade / dissatisfaction */
	const char *kind;     /* adjacent_need | cancel[_request] | downgrade[_request] | dissatisfaction */
	struct texts phrases; /* folded; en and fr together; ".." and "|": see config/lexicon/cancel_request */
};

struct band_settings {
	double watch, at_risk;        /* risk at which the band is entered (inclusive) */
	double emerging, ready;       /* readiness */
	double leave_margin;          /* below entry minus this, it is left */
	int64_t min_stay_days;
};

struct score_settings {
	struct yaml_array signals;    /* struct signal_settings */
	struct yaml_array plays;      /* struct play_settings */
	struct yaml_array lexicons;   /* struct lexicon_settings */
	struct band_settings bands;
	double family_cap;            /* the most points one family can give */
	double base_risk, base_readiness;
	int64_t horizon_days;         /* 90 */
	struct texts key_metrics;     /* usage metrics that count as activity; empty: all */
	const char *users_metric;     /* metric that counts active people; NULL: from usage details */
	int64_t stale_days;           /* 3: usage that nobody reported for longer says nothing about now */
	double attach_share;          /* 0.2: what an adjacent product is assumed to be worth, as a share of ARR */
};

#endif

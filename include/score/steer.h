/* Where to work first on net revenue retention: which engine leaks or stands still, compared with the book's own past;
 * which segments and cohorts pull the whole up or down; what open findings are worth to this quarter. Pure: windows and
 * findings in, readings and sentences out.
 * Points are percent of a window's start. An engine's good quarter is the better quartile of the quarters before: what
 * this book has shown it can do. What would be gained by it orders the engines. */
#ifndef SCORE_STEER_H
#define SCORE_STEER_H

#include "common/words.h"
#include "score/nrr.h"

enum steer_engine { STEER_CHURN, STEER_INVOLUNTARY, STEER_CONTRACTION, STEER_EXPANSION, N_STEER_ENGINES };
extern const char *const steer_engine_names[N_STEER_ENGINES]; /* "churn" ... */

enum {
	STEER_QUARTERS = 13, /* the latest three months and as much of three years before as there is */
	STEER_LEAST_PAST = 4, /* quarters before, to compare with */
	STEER_LEAST_ACCOUNTS = 5, /* of a group, to be named in a sentence */
};

struct steer_reading {
	enum steer_engine engine;
	int64_t minor;      /* what it took away (expansion: added) in the latest quarter, per month */
	double points;      /* the same */
	double usual, good; /* the median and the better quartile of the quarters before; NAN: too few of them */
	double to_gain;     /* points that a good quarter would have given back; 0 when it was one, or nothing to compare */
};

/* A segment, or the accounts whose revenue began in a year, over twelve months up to several days. */
struct steer_group {
	const char *by, *group;
	const double *nrr;  /* of each day, NAN: unknown */
	double pull;        /* points by which it lifts the whole's NRR of the last day; all of a kind add up to 0 */
	int64_t n_start;
};

/* An open finding in the book's currency. Of several of one account and engine, the dearest counts: they are about the
 * same revenue. */
struct steer_finding {
	int32_t account;
	bool is_defense;
	int64_t paid_minor;     /* by its account per month on the quarter's first day; 0: it is not in the cohort */
	int64_t expected_minor; /* value x probability, per month */
	int32_t act_by_on;
};
struct steer_worth {
	size_t n, n_later;   /* to act on within the quarter; after it */
	double points, later_points;
};

struct steer_input {
	const struct words *words; /* of the sentences `first` and `worth`; NULL: English */
	const char *currency;
	const struct nrr_window *quarters; size_t n_quarters; /* of three months, one behind the other, by time */
	const struct nrr_window *years; size_t n_years;       /* of twelve months up to several days, by day */
	struct nrr_table segments, cohorts;                   /* the same spans; cohorts by month */
	int64_t still_minor;            /* of the last year's start: of accounts that pay the same at both ends */
	const struct nrr_window *so_far; /* of this quarter */
	int32_t quarter_ends_on;        /* its last day */
	const struct steer_finding *findings; size_t n_findings;
	const char *why_no_findings;    /* NULL: they are known */
};

struct steer {
	struct steer_reading engines[N_STEER_ENGINES]; /* the most to gain first, then the largest leak */
	size_t n_past;                  /* quarters that they are compared with */
	const char *why_none;           /* the readings hold when NULL */
	struct steer_group *groups; size_t n_groups; /* segments, then cohorts; the lowest pull first */
	struct steer_worth defense, expansion;
	size_t n_outside;               /* findings whose account is not in the quarter's cohort */
	/* Sentences; NULL where there is nothing to say. */
	const char *first, *next, *still, *pulls, *worth;
};
void steer_make(const struct steer_input *in, struct arena *a, struct steer *out);

#endif
